//! What is expected of each panel: a file that comes with the program, and one in which an operator says what differs.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{Activity, Panel, watched};

/// What comes with the program.
const BUILT_IN: &str = include_str!("registry.yaml");

/// What is expected of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// It shows at least so much.
    pub min_rows: u64,
    /// For how long nothing is told of it after it was first looked at.
    pub warmup_grace: SignedDuration,
    /// For how long it may show less.
    pub alert_after: SignedDuration,
    /// How old the newest that it shows may be; any age, if nothing is said.
    pub freshness_sla: Option<SignedDuration>,
    /// Whether anybody is told.
    pub alert_enabled: bool,
}

/// What is expected of each panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelRegistry(BTreeMap<String, Expectation>);

/// Why a file says nothing of what is expected of panels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct PanelRegistryError {
    line: usize,
    column: usize,
    message: String,
}

impl Default for PanelRegistry {
    /// What comes with the program.
    fn default() -> Self {
        Self(READ.1.clone())
    }
}

impl PanelRegistry {
    /// What comes with the program, but for what a file says of some panels.
    pub fn read(text: &str) -> Result<Self, PanelRegistryError> {
        let changes: Registry<Change> = serde_yaml::from_str(text).map_err(|error| explained(&error))?;
        let mut all = Self::default();
        for (id, change) in changes.panels.0 {
            let expected = all.0.get_mut(&id).expect("no other panel is read");
            change.apply(expected);
        }
        Ok(all)
    }

    /// What is expected of a panel.
    pub(crate) fn expected(&self, panel: &Panel) -> &Expectation {
        self.0.get(&panel.id).expect("there is one for each panel")
    }
}

fn explained(error: &serde_yaml::Error) -> PanelRegistryError {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    PanelRegistryError { line, column, message }
}

/// What comes with the program, read once.
static READ: LazyLock<(Vec<Panel>, BTreeMap<String, Expectation>)> = LazyLock::new(|| {
    let whole: Registry<Entry> =
        serde_yaml::from_str(BUILT_IN).expect("a test reads what comes with the program");
    whole
        .panels
        .0
        .into_iter()
        .map(|(id, entry)| entry.split(id))
        .map(|(panel, it)| {
            let id = panel.id.clone();
            (panel, (id, it))
        })
        .unzip()
});

/// Those panels of what comes with the program.
pub(super) fn panels(wanted: impl Fn(&Panel) -> bool) -> Vec<Panel> {
    READ.0.iter().filter(|panel| wanted(panel)).cloned().collect()
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Known")]
struct Registry<T> {
    panels: Named<T>,
}

/// A panel whole.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    subdomain: String,
    topic: String,
    question: String,
    capability: String,
    request: String,
    counts: String,
    newest: Option<String>,
    only_with: Option<Activity>,
    min_rows: Rows,
    warmup_grace: Length,
    alert_after: Length,
    freshness_sla: Option<Length>,
    alert_enabled: bool,
}

impl Entry {
    fn split(self, id: String) -> (Panel, Expectation) {
        let expected = Expectation {
            min_rows: self.min_rows.0,
            warmup_grace: self.warmup_grace.0,
            alert_after: self.alert_after.0,
            freshness_sla: self.freshness_sla.map(|length| length.0),
            alert_enabled: self.alert_enabled,
        };
        let Self { subdomain, topic, question, capability, request, counts, newest, only_with, .. } = self;
        (Panel { id, subdomain, topic, question, capability, request, counts, newest, only_with }, expected)
    }
}

/// What an operator may say of a panel.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    min_rows: Option<Rows>,
    warmup_grace: Option<Length>,
    alert_after: Option<Length>,
    freshness_sla: Option<Length>,
    alert_enabled: Option<bool>,
}

impl Change {
    fn apply(self, expected: &mut Expectation) {
        let Expectation { min_rows, warmup_grace, alert_after, freshness_sla, alert_enabled } = expected;
        *min_rows = self.min_rows.map_or(*min_rows, |rows| rows.0);
        *warmup_grace = self.warmup_grace.map_or(*warmup_grace, |length| length.0);
        *alert_after = self.alert_after.map_or(*alert_after, |length| length.0);
        *freshness_sla = self.freshness_sla.map(|length| length.0).or(*freshness_sla);
        *alert_enabled = self.alert_enabled.unwrap_or(*alert_enabled);
    }
}

/// Of which panels something can be said.
trait Known: DeserializeOwned {
    fn wrong(id: &str) -> Option<String>;
}

impl Known for Entry {
    fn wrong(_: &str) -> Option<String> {
        None
    }
}

impl Known for Change {
    fn wrong(id: &str) -> Option<String> {
        let mut all = watched().map(|panel| panel.id.as_str());
        let first = all.next().unwrap_or_default();
        if first == id || all.any(|known| known == id) {
            return None;
        }
        let shown: String = id.chars().take(80).collect();
        Some(format!("there is no panel `{shown}`; they are called like `{first}`"))
    }
}

/// Something of each panel, in the order in which they stand.
struct Named<T>(Vec<(String, T)>);

impl<'de, T: Known> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names(PhantomData))
    }
}

struct Names<T>(PhantomData<T>);

impl<'de, T: Known> Visitor<'de> for Names<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of panels, each with what is expected of it")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
        let mut all: Vec<(String, T)> = vec![];
        while let Some(id) = map.next_key_seed(Name(&all))? {
            all.push((id, map.next_value()?));
        }
        Ok(Named(all))
    }
}

/// The name of a panel that hasn't been named before.
struct Name<'a, T>(&'a [(String, T)]);

impl<'de, T: Known> DeserializeSeed<'de> for Name<'_, T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T: Known> Visitor<'_> for Name<'_, T> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a panel")
    }

    // Here, so that the library knows where it stands.
    fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<String, E> {
        if let Some(wrong) = T::wrong(id) {
            return Err(E::custom(wrong));
        }
        if self.0.iter().any(|(other, _)| other == id) {
            return Err(E::custom(format!("`{id}` stands twice; take one of both out")));
        }
        Ok(id.to_owned())
    }
}

/// A number of rows.
struct Rows(u64);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Numbers)
    }
}

struct Numbers;

impl Visitor<'_> for Numbers {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Rows, E> {
        Ok(Rows(number))
    }
}

/// A length of time, such as `90s`, `1h30m` or `2d`.
struct Length(SignedDuration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Lengths)
    }
}

struct Lengths;

impl Visitor<'_> for Lengths {
    type Value = Length;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time, such as `90s`, `1h30m` or `2d`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Length, E> {
        let length = text.parse::<Span>().ok();
        let length = length.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        length.filter(|length| !length.is_negative()).map(Length).ok_or_else(|| {
            E::custom(format!("`{text}` is no length of time; write it like `90s`, `1h30m` or `2d`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LESSON_PANELS, PANELS};
    use super::*;

    #[test]
    fn what_comes_with_the_program_is_as_it_was_agreed_on() {
        let registry = PanelRegistry::default();
        assert_eq!((PANELS.len(), LESSON_PANELS.len()), (25, 2));
        let told: Vec<_> = watched().filter(|panel| registry.expected(panel).alert_enabled).collect();
        let told: Vec<_> = told.iter().map(|panel| panel.id.as_str()).collect();
        assert_eq!(told, ["POL-GOV-ACT-O4", "POL-GOV-ACT-O5", "POL-GOV-LES-O1"]);
        for panel in watched() {
            let expected = registry.expected(panel);
            let lessons = panel.id == "POL-GOV-LES-O1";
            assert_eq!(expected.min_rows, 1, "{}", panel.id);
            assert_eq!(expected.alert_after.as_hours(), if lessons { 48 } else { 1 }, "{}", panel.id);
            assert_eq!(panel.only_with.is_some(), lessons, "{}: with activity", panel.id);
        }
    }

    #[test]
    fn a_file_says_what_differs() {
        let text = "panels:\n  POL-LIM-VIO-O1: { alert_enabled: true, freshness_sla: 2d, min_rows: 3 }\n  POL-GOV-ACT-O5:\n    alert_after: 12h\n";
        let (read, before) = (PanelRegistry::read(text).unwrap(), PanelRegistry::default());
        let violations = Expectation {
            min_rows: 3,
            freshness_sla: Some(SignedDuration::from_hours(48)),
            alert_enabled: true,
            ..before.0["POL-LIM-VIO-O1"].clone()
        };
        assert_eq!(read.0["POL-LIM-VIO-O1"], violations);
        let metrics =
            Expectation { alert_after: SignedDuration::from_hours(12), ..before.0["POL-GOV-ACT-O5"].clone() };
        assert_eq!(read.0["POL-GOV-ACT-O5"], metrics);
        let changed = read.0.iter().filter(|(id, expected)| before.0[*id] != **expected).count();
        assert_eq!((changed, read.0.len()), (2, before.0.len()));
        assert_eq!(PanelRegistry::read("panels: {}\n"), Ok(before));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, wanted) in [
            (
                "panels:\n  POL-X: {}\n",
                "2:3: panels: there is no panel `POL-X`; they are called like `POL-GOV-ACT-O1`",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: { min_row: 1 }\n",
                "2:21: panels.POL-GOV-ACT-O4: unknown field `min_row`, expected one of `min_rows`, `warmup_grace`, `alert_after`, `freshness_sla`, `alert_enabled`",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: { request: /x }\n",
                "2:21: panels.POL-GOV-ACT-O4: unknown field `request`, expected one of `min_rows`, `warmup_grace`, `alert_after`, `freshness_sla`, `alert_enabled`",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: { alert_after: 1 }\n",
                "2:34: panels.POL-GOV-ACT-O4.alert_after: `1` is no length of time; write it like `90s`, `1h30m` or `2d`",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: { alert_after: -1h }\n",
                "2:34: panels.POL-GOV-ACT-O4.alert_after: `-1h` is no length of time; write it like `90s`, `1h30m` or `2d`",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: { min_rows: -1 }\n",
                "2:31: panels.POL-GOV-ACT-O4.min_rows: invalid type: integer `-1`, expected a whole number from 0",
            ),
            (
                "panels:\n  POL-GOV-ACT-O4: {}\n  POL-GOV-ACT-O4: {}\n",
                "3:3: panels: `POL-GOV-ACT-O4` stands twice; take one of both out",
            ),
            ("panel: {}\n", "1:1: unknown field `panel`, expected `panels`"),
            ("panels: {\n", "2:1: did not find expected node content"),
        ] {
            let error = PanelRegistry::read(text).expect_err(text).to_string();
            assert_eq!(error, wanted);
        }
    }
}
