//! Values of settings: how they are read, and how they are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ordain_runtime::{ALGORITHMS, Place, Role, TenantId, redacted};

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// One text.
    Text(String),
    /// Several.
    List(Vec<String>),
    /// Several, each with names of its own.
    Map(Vec<(String, Vec<String>)>),
}

/// Which of them a setting is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// Or one text, with commas between its parts.
    List,
    /// Or one text such as `a=x+y,b=z`.
    Map,
}

/// What a setting's value can be.
pub(crate) trait Field: Sized {
    /// What is written in a file.
    const SHAPE: Shape = Shape::Text;

    /// What a value should be, where the text is none.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// As one would write it, without what nobody may see; nothing if it isn't set.
    fn show(&self) -> Option<Raw>;
}

/// The text of a value that is one.
fn text(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) if text.is_empty() => Err("it is empty".to_owned()),
        Raw::Text(text) => Ok(text),
        _ => Err("one value is wanted here".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what is shown of a setting that may be unset is an option")]
fn shown(value: impl fmt::Display) -> Option<Raw> {
    Some(Raw::Text(value.to_string()))
}

/// A setting without which there is another way.
impl<T: Field> Field for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn read(raw: &Raw) -> Result<Self, String> {
        T::read(raw).map(Some)
    }

    fn show(&self) -> Option<Raw> {
        self.as_ref()?.show()
    }
}

impl Field for String {
    fn read(raw: &Raw) -> Result<Self, String> {
        text(raw).map(ToOwned::to_owned)
    }

    fn show(&self) -> Option<Raw> {
        shown(self)
    }
}

impl Field for PathBuf {
    fn read(raw: &Raw) -> Result<Self, String> {
        text(raw).map(Self::from)
    }

    fn show(&self) -> Option<Raw> {
        shown(self.display())
    }
}

impl Field for TenantId {
    fn read(raw: &Raw) -> Result<Self, String> {
        Self::new(text(raw)?).map_err(|error| error.to_string())
    }

    fn show(&self) -> Option<Raw> {
        shown(self)
    }
}

impl Field for SocketAddr {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        text.parse().map_err(|_| {
            format!("`{text}` is no address and port; write it like `127.0.0.1:8642` or `[::]:8642`")
        })
    }

    fn show(&self) -> Option<Raw> {
        shown(self)
    }
}

/// Where bundles are looked for.
impl Field for Place {
    fn read(raw: &Raw) -> Result<Self, String> {
        Self::new(text(raw)?).map_err(|error| error.to_string())
    }

    fn show(&self) -> Option<Raw> {
        shown(self)
    }
}

/// A database, of which the password is nobody's business.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(pub(crate) String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl Field for DatabaseUrl {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        if ["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self(text.to_owned()));
        }
        let shown = redacted(text);
        // Without a scheme nobody can say what of it is a password.
        let shown = if text.contains("://") || !text.contains('@') { shown } else { "it".to_owned() };
        Err(format!("`{shown}` is no database; write `sqlite://FILE` or `postgres://USER@HOST/DATABASE`"))
    }

    fn show(&self) -> Option<Raw> {
        shown(redacted(&self.0))
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) usize);

const SIZES: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Field for Bytes {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let named = SIZES.iter().find_map(|(name, size)| Some((text.strip_suffix(name)?.trim_end(), *size)));
        let (number, size) = named.unwrap_or((text, 1));
        let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(size));
        bytes
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no size; write it like `1MiB`, `512KiB` or `65536`"))
    }

    fn show(&self) -> Option<Raw> {
        let whole = SIZES.iter().find(|(_, size)| self.0.is_multiple_of(*size));
        shown(whole.map_or_else(|| self.0.to_string(), |(name, size)| format!("{}{name}", self.0 / size)))
    }
}

/// A number of something, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

/// More could not be counted by what bounds them.
const MOST: usize = 1_000_000;

impl Field for Count {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
        count.map(Self).ok_or_else(|| format!("`{text}` is no whole number from 1 to {MOST}"))
    }

    fn show(&self) -> Option<Raw> {
        shown(self.0)
    }
}

impl Field for Duration {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let wanted = || format!("`{text}` is no length of time; write it like `30s`, `1m30s` or `250ms`");
        let span: jiff::Span = text.parse().map_err(|_| wanted())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wanted())?;
        Self::try_from(length).map_err(|_| wanted())
    }

    fn show(&self) -> Option<Raw> {
        let length = jiff::SignedDuration::try_from(*self).unwrap_or(jiff::SignedDuration::MAX);
        shown(format!("{length:#}").replace(' ', ""))
    }
}

/// A length of time that isn't none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Positive(pub(crate) Duration);

impl Field for Positive {
    fn read(raw: &Raw) -> Result<Self, String> {
        let length = Duration::read(raw)?;
        if length.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(Self(length)) }
    }

    fn show(&self) -> Option<Raw> {
        self.0.show()
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// An object a line, for programs.
    Json,
}

impl Field for LogFormat {
    fn read(raw: &Raw) -> Result<Self, String> {
        match text(raw)? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("`{other}` is no format; write `text` or `json`")),
        }
    }

    fn show(&self) -> Option<Raw> {
        shown(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// What of the log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(pub(crate) String);

impl Field for LogFilter {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        match tracing_subscriber::EnvFilter::builder().parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => {
                Err(format!("`{text}` is no filter, such as `info` or `warn,ordain_runtime=debug`: {error}"))
            }
        }
    }

    fn show(&self) -> Option<Raw> {
        shown(&self.0)
    }
}

/// Texts, in one order.
impl Field for Vec<String> {
    const SHAPE: Shape = Shape::List;

    fn read(raw: &Raw) -> Result<Self, String> {
        let list = match raw {
            Raw::List(list) => list.clone(),
            Raw::Text(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            Raw::Map(_) => return Err("a list is wanted here".to_owned()),
        };
        let fine = !list.is_empty() && list.iter().all(|part| !part.is_empty());
        if fine { Ok(list) } else { Err("an empty entry means nothing".to_owned()) }
    }

    fn show(&self) -> Option<Raw> {
        Some(Raw::List(self.clone()))
    }
}

/// Names with names.
impl Field for BTreeMap<String, Vec<String>> {
    const SHAPE: Shape = Shape::Map;

    fn read(raw: &Raw) -> Result<Self, String> {
        let pairs = match raw {
            Raw::Map(pairs) => pairs.clone(),
            Raw::Text(text) => text.split(',').map(pair).collect::<Result<_, _>>()?,
            Raw::List(_) => return Err("names with values are wanted here".to_owned()),
        };
        Ok(pairs.into_iter().collect())
    }

    fn show(&self) -> Option<Raw> {
        Some(Raw::Map(self.iter().map(|(name, names)| (name.clone(), names.clone())).collect()))
    }
}

/// Who makes tokens: an address on which nobody can change what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer(pub(crate) String);

impl Field for Issuer {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        if text.starts_with("https://") || here.iter().any(|begin| text.starts_with(begin)) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no issuer; write its address as it stands in tokens: `https://login.example.com`"
        ))
    }

    fn show(&self) -> Option<Raw> {
        shown(&self.0)
    }
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url(pub(crate) String);

impl Field for Url {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        if ["http://", "https://"]
            .iter()
            .any(|scheme| text.strip_prefix(scheme).is_some_and(|it| !it.is_empty()))
        {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is no address; write it with `http://` or `https://`"))
    }

    fn show(&self) -> Option<Raw> {
        shown(&self.0)
    }
}

/// A part of all, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u16);

impl Field for Share {
    fn read(raw: &Raw) -> Result<Self, String> {
        let text = text(raw)?;
        let read = |text: &str| -> Option<u16> {
            let number = text.strip_suffix('%')?;
            let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
            let whole: u16 = whole.parse().ok()?;
            let tenths: u16 = if tenths.len() == 1 { tenths.parse().ok()? } else { return None };
            whole.checked_mul(10)?.checked_add(tenths).filter(|share| *share <= 1000)
        };
        read(text)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no part of all; write it like `100%` or `0.5%`"))
    }

    fn show(&self) -> Option<Raw> {
        let (whole, tenths) = (self.0 / 10, self.0 % 10);
        shown(if tenths == 0 { format!("{whole}%") } else { format!("{whole}.{tenths}%") })
    }
}

/// How tokens may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Algorithms(pub(crate) Vec<String>);

impl Field for Algorithms {
    const SHAPE: Shape = Shape::List;

    fn read(raw: &Raw) -> Result<Self, String> {
        let names = Vec::<String>::read(raw)?;
        match names.iter().find(|name| !ALGORITHMS.contains(&name.as_str())) {
            Some(name) if name.starts_with("HS") => Err(format!(
                "`{name}` would need a secret that the issuer and this server share; choose among {}",
                ALGORITHMS.join(", ")
            )),
            Some(name) => Err(format!("`{name}` is no algorithm; choose among {}", ALGORITHMS.join(", "))),
            None => Ok(Self(names)),
        }
    }

    fn show(&self) -> Option<Raw> {
        self.0.show()
    }
}

/// What roles follow from what an issuer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoleMap(pub(crate) BTreeMap<String, BTreeSet<Role>>);

impl Field for RoleMap {
    const SHAPE: Shape = Shape::Map;

    fn read(raw: &Raw) -> Result<Self, String> {
        let names = BTreeMap::<String, Vec<String>>::read(raw)?;
        let role = |name: &String| {
            let known = || Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
            name.parse::<Role>().map_err(|_| format!("`{name}` is no role; there are {}", known()))
        };
        let roles = |(name, roles): (String, Vec<String>)| {
            Ok::<_, String>((name, roles.iter().map(role).collect::<Result<_, _>>()?))
        };
        names.into_iter().map(roles).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> Option<Raw> {
        let names = |roles: &BTreeSet<Role>| roles.iter().map(|role| role.as_str().to_owned()).collect();
        Some(Raw::Map(self.0.iter().map(|(name, roles)| (name.clone(), names(roles))).collect()))
    }
}

/// `a=x+y`. What is before the last `=` is the name.
fn pair(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, values) =
        text.trim().rsplit_once('=').ok_or_else(|| format!("`{text}` should be like `name=value+value`"))?;
    Ok((name.to_owned(), values.split('+').map(ToOwned::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again<T: Field>(text: &str) -> String {
        match T::read(&Raw::Text(text.to_owned())).map(|value| value.show()) {
            Ok(Some(Raw::Text(text))) => text,
            Ok(other) => format!("{other:?}"),
            Err(error) => error,
        }
    }

    #[test]
    fn what_is_shown_can_be_written() {
        for text in ["1MiB", "1536KiB", "3GiB", "1000"] {
            assert_eq!(again::<Bytes>(text), text);
        }
        assert_eq!(again::<Bytes>("1048576"), "1MiB");
        for text in ["30s", "1m30s", "250ms", "0s", "2h"] {
            assert_eq!(again::<Duration>(text), text);
        }
        for text in ["100%", "0%", "12.5%"] {
            assert_eq!(again::<Share>(text), text);
        }
        assert!(
            ["101%", "1", "-1%", "1.55%", "%"].iter().all(|bad| again::<Share>(bad).contains("is no part"))
        );
        assert_eq!(again::<SocketAddr>("[::]:8642"), "[::]:8642");
        assert_eq!(again::<DatabaseUrl>("postgres://me:s3cret@h/x"), "postgres://me:***@h/x");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in ["", "0", "1MB", "-1", "1.5MiB", "99999999999999GiB"] {
            assert!(Bytes::read(&Raw::Text(bad.to_owned())).is_err(), "{bad}");
        }
        for bad in ["", "0", "-1", "1000001", "x"] {
            assert!(Count::read(&Raw::Text(bad.to_owned())).is_err(), "{bad}");
        }
        for bad in ["", "30", "-30s", "soon"] {
            assert!(Duration::read(&Raw::Text(bad.to_owned())).is_err(), "{bad}");
        }
        let told = again::<DatabaseUrl>("mysql://me:s3cret@h/x") + &again::<DatabaseUrl>("me:s3cret@h/x");
        assert!(!told.contains("s3cret"), "{told}");
        let told = |text: &str| Algorithms::read(&Raw::Text(text.to_owned())).unwrap_err();
        assert!(told("RS256,HS256").starts_with("`HS256` would need a secret"));
        assert!(told("none").starts_with("`none` is no algorithm; choose among RS256, "));
        assert!(Issuer::read(&Raw::Text("http://login.example.com".to_owned())).is_err());
        let map = RoleMap::read(&Raw::Text("cn=admins=operator+viewer,staff=viewer".to_owned())).unwrap();
        assert_eq!(map.0["cn=admins"], BTreeSet::from([Role::Operator, Role::Viewer]));
        assert!(
            RoleMap::read(&Raw::Text("staff=root".to_owned())).unwrap_err().starts_with("`root` is no role")
        );
        assert!(again::<LogFilter>("loud,=").contains("is no filter"));
    }
}
