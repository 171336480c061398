//! The configuration file: YAML, read along the list of settings, with the place of everything that is wrong.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ordain_grammar::suggest::nearest;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::field::{Raw, Shape};
use super::settings::{SETTINGS, find};

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// From 1; 0 if nobody knows.
    pub(crate) line: usize,
    /// From 1.
    pub(crate) column: usize,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// What a file says, by the names of settings.
pub(crate) type Said = BTreeMap<&'static str, Raw>;

/// Reads a file's text. Everything that is wrong is told at once, since whoever mends one thing wants to know the next.
pub(crate) fn read(text: &str) -> Result<Said, Vec<Wrong>> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Said::new());
    }
    // A reader stops at the first error. So what was wrong is left aside, and it reads again.
    let (mut aside, mut wrong) = (BTreeSet::new(), vec![]);
    loop {
        let reading = Reading { aside: &aside, ..Reading::new(&aside) };
        let seed = Section { reading: &reading, path: String::new() };
        let Err(error) = seed.deserialize(serde_yaml::Deserializer::from_str(text)) else {
            return if wrong.is_empty() { Ok(reading.said.into_inner()) } else { Err(wrong) };
        };
        let found = explained(&error);
        if wrong.contains(&found) {
            return Err(wrong);
        }
        wrong.push(found);
        let ours = reading.ours.get();
        let at = reading.at.into_inner();
        // Where the text itself is broken, nothing after it can be read.
        if !ours || !aside.insert(at) {
            return Err(wrong);
        }
    }
}

fn explained(error: &serde_yaml::Error) -> Wrong {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    // The path that the library puts in front is in our words already.
    let message = message.split_once(MARK).map_or(message, |(_, message)| message);
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    Wrong { line, column, message: message.to_owned() }
}

/// Stands before our own words in the library's errors.
const MARK: char = '\u{1}';

struct Reading<'a> {
    said: RefCell<Said>,
    /// Where the reader is.
    at: RefCell<String>,
    /// What was wrong before.
    aside: &'a BTreeSet<String>,
    /// Whether what is wrong is what is said, not how it is written.
    ours: Cell<bool>,
}

impl<'a> Reading<'a> {
    fn new(aside: &'a BTreeSet<String>) -> Self {
        Self { said: RefCell::default(), at: RefCell::default(), aside, ours: Cell::new(false) }
    }

    fn wrong<E: serde::de::Error>(&self, message: impl fmt::Display) -> E {
        self.ours.set(true);
        E::custom(format!("{MARK}{message}"))
    }
}

/// The settings below a name, which is empty for all.
struct Section<'a> {
    reading: &'a Reading<'a>,
    path: String,
}

impl<'de> DeserializeSeed<'de> for Section<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Section<'_> {
    fn no_section<E: serde::de::Error>(&self) -> E {
        let example =
            if self.path.is_empty() { "settings, such as `listen: 127.0.0.1:8642`" } else { "settings" };
        let place = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
        self.reading.wrong(format!("{place} holds {example}"))
    }
}

impl<'de> Visitor<'de> for Section<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(path) = map.next_key_seed(Key { section: &self })? {
            if self.reading.aside.contains(&path) {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(setting) = find(&path) {
                let raw = map.next_value_seed(Written {
                    reading: self.reading,
                    shape: setting.shape,
                    check: setting.check,
                })?;
                self.reading.said.borrow_mut().insert(setting.key, raw);
            } else {
                map.next_value_seed(Section { reading: self.reading, path })?;
            }
        }
        Ok(())
    }

    /// A section without anything in it.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.no_section())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Err(self.no_section())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Err(self.no_section())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        Err(self.no_section())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(self.no_section())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.no_section())
    }
}

/// The name of a setting or a section, with what stands above it.
struct Key<'a> {
    section: &'a Section<'a>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a setting")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<String, E> {
        let Section { reading, path: above } = self.section;
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        path.clone_into(&mut reading.at.borrow_mut());
        if reading.aside.contains(&path) {
            return Ok(path);
        }
        if reading.said.borrow().contains_key(path.as_str()) {
            return Err(reading.wrong(format!("`{path}` stands twice; take one of both out")));
        }
        if find(&path).is_some() || is_section(&path) {
            return Ok(path);
        }
        Err(reading.wrong(unknown(&path)))
    }
}

fn is_section(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// What to say about a name that is none.
pub(crate) fn unknown(path: &str) -> String {
    let keys = || SETTINGS.iter().map(|setting| setting.key);
    let sections: BTreeSet<&str> =
        keys().filter_map(|key| key.split_once('.')).map(|(section, _)| section).collect();
    if let Some(near) = nearest(path, keys().chain(sections.iter().copied())) {
        return format!("`{path}` is no setting; did you mean `{near}`?");
    }
    // Somebody may know the name, and not the section.
    let last = path.rsplit('.').next().unwrap_or(path);
    let by_name = keys().find(|key| key.rsplit('.').next() == Some(last));
    match by_name {
        Some(near) => format!("`{path}` is no setting; did you mean `{near}`?"),
        None => format!("`{path}` is no setting; `ordain config settings` lists them"),
    }
}

/// The value of a setting.
struct Written<'a> {
    reading: &'a Reading<'a>,
    shape: Shape,
    check: fn(&Raw) -> Result<(), String>,
}

impl<'de> DeserializeSeed<'de> for Written<'_> {
    type Value = Raw;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        // The text as it stands: what looks like a number is none of the library's business.
        if self.shape == Shape::Text {
            deserializer.deserialize_str(self)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl Written<'_> {
    fn checked<E: serde::de::Error>(&self, raw: Raw) -> Result<Raw, E> {
        match (self.check)(&raw) {
            Ok(()) => Ok(raw),
            Err(message) => Err(self.reading.wrong(format!("`{}`: {message}", self.reading.at.borrow()))),
        }
    }
}

impl<'de> Visitor<'de> for Written<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The library's own words end here: it says that there is something else.
        self.reading.ours.set(true);
        f.write_str(match self.shape {
            Shape::Text => "one value",
            Shape::List => "a list",
            Shape::Map => "names with values",
        })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Raw, E> {
        self.checked(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = vec![];
        while let Some(text) = seq.next_element()? {
            list.push(text);
        }
        self.checked(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut pairs: Vec<(String, Vec<String>)> = vec![];
        while let Some(name) = map.next_key::<String>()? {
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom(format!("`{name}` stands twice")));
            }
            let OneOrMore(names) = map.next_value()?;
            pairs.push((name, names));
        }
        self.checked(Raw::Map(pairs))
    }
}

/// One text, or a list of them.
struct OneOrMore(Vec<String>);

impl<'de> serde::Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both;
        impl<'de> Visitor<'de> for Both {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one text or a list of them")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMore, A::Error> {
                let mut list = vec![];
                while let Some(text) = seq.next_element()? {
                    list.push(text);
                }
                Ok(OneOrMore(list))
            }
        }
        deserializer.deserialize_any(Both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let wrong = read(text).expect_err("is wrong");
        wrong.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect()
    }

    #[test]
    fn a_file_says_what_it_says() {
        let said =
            read("# mine\nlisten: 0.0.0.0:8642\nlimits:\n  body: 2MiB\n  requests: 10\nshutdown:\n").unwrap();
        let text = |text: &str| Raw::Text(text.to_owned());
        let wanted = [
            ("limits.body", text("2MiB")),
            ("limits.requests", text("10")),
            ("listen", text("0.0.0.0:8642")),
        ];
        assert_eq!(said.into_iter().collect::<Vec<_>>(), wanted);
        assert_eq!(read("# nothing\n\n"), Ok(Said::new()));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        assert_eq!(
            wrong(
                "lisen: x\nlimits:\n  bodi: 1MiB\n  time: 30\n  requests: [1]\ntsl: yes\nlisten: here\ndeadline: 3s\n"
            ),
            [
                "1:1: `lisen` is no setting; did you mean `listen`?",
                "3:3: `limits.bodi` is no setting; did you mean `limits.body`?",
                "4:9: `limits.time`: `30` is no length of time; write it like `30s`, `1m30s` or `250ms`",
                "5:13: limits.requests: invalid type: sequence, expected one value",
                "6:1: `tsl` is no setting; did you mean `tls`?",
                "7:9: `listen`: `here` is no address and port; write it like `127.0.0.1:8642` or `[::]:8642`",
                "8:1: `deadline` is no setting; did you mean `shutdown.deadline`?",
            ]
        );
        assert_eq!(
            wrong("limits:\n  body: 1MiB\n  body: 2MiB\n"),
            ["3:3: `limits.body` stands twice; take one of both out"]
        );
        assert_eq!(wrong("limits: 3\nlisten: 127.0.0.1:1"), ["1:9: `limits` holds settings"]);
        assert_eq!(wrong("- a\n"), ["1:1: the file holds settings, such as `listen: 127.0.0.1:8642`"]);
        assert_eq!(wrong("listen:\n"), ["1:8: `listen`: it is empty"]);
        assert!(wrong("limits: {\n")[0].starts_with("2:1: "), "{:?}", wrong("limits: {\n"));
        assert_eq!(wrong("a: 1\ntenant: \"\n").len(), 2, "what is unknown, and what is no YAML");
    }
}
