//! Places in lists. A page that begins after a place neither repeats nor leaves out what stayed, whatever is written
//! meanwhile, and costs the same at any depth: a place is what a list is ordered by, never a number of rows.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use jiff::Timestamp;
use ordain_ir::{Conflict, ConflictSeverity, ConflictType};
use uuid::Uuid;

use crate::{from_microseconds, to_microsecond};

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Names, bytewise.
    Name,
    /// Conflicts: the worst first, then by type, by names and by identity.
    Conflict,
    /// What has happened, the latest first; of one instant, the greater identity first.
    Event,
    /// Bundles, the last uploaded first; of one instant, by digest.
    Bundle,
    /// Versions, the latest first; of one instant, the greater proposal first, and of that the greater version.
    Version,
    /// The record, the last written first.
    Audit,
}

/// A place in a list: that of the last item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// In a list by name.
    Name(String),
    /// Among conflicts.
    Conflict {
        /// What [`conflict_rank`] says of it.
        rank: String,
        /// Its identity.
        id: String,
    },
    /// Among what has happened.
    Event {
        /// When it happened.
        at: Timestamp,
        /// Its identity.
        id: Uuid,
    },
    /// Among bundles.
    Bundle {
        /// When it was uploaded.
        at: Timestamp,
        /// Its name.
        digest: String,
    },
    /// Among versions.
    Version {
        /// When it was made.
        at: Timestamp,
        /// Whose version it is.
        proposal: Uuid,
        /// Its number.
        version: u32,
    },
    /// In the record: an entry's identity. Entries never go, and their numbers would tell how much others do.
    Audit(Uuid),
}

/// A text that sorts as conflicts do: BLOCKING first, then by type, then by the names of the policies.
pub fn conflict_rank(conflict: &Conflict) -> String {
    let severity = match conflict.severity {
        ConflictSeverity::Blocking => 0,
        ConflictSeverity::Warning => 1,
    };
    let kind = ConflictType::ALL.iter().position(|kind| *kind == conflict.conflict_type).unwrap_or_default();
    let mut rank = format!("{severity}{kind}");
    for policy in &conflict.policies {
        // Less than whatever is in a name, so that the shorter of two names comes first.
        rank.push('\u{1}');
        rank.push_str(policy.name.as_str());
    }
    rank
}

impl Cursor {
    /// The place of what has happened, as stores keep it.
    pub fn event(at: Timestamp, id: Uuid) -> Self {
        Self::Event { at: to_microsecond(at), id }
    }

    /// The place that a text stands for, in a list of this order.
    pub fn read(order: Order, text: &str) -> Option<Self> {
        let rest = text.strip_prefix("1-")?;
        let at = |text: &str| text.parse().ok().and_then(from_microseconds);
        Some(match order {
            Order::Name => Self::Name(unhexed(rest)?),
            Order::Conflict => {
                let (rank, id) = rest.split_once('-')?;
                Self::Conflict { rank: unhexed(rank)?, id: unhexed(id)? }
            }
            Order::Event => {
                let (instant, id) = rest.rsplit_once('-')?;
                Self::Event { at: at(instant)?, id: simple(id)? }
            }
            Order::Bundle => {
                let (instant, digest) = rest.rsplit_once('-')?;
                Self::Bundle { at: at(instant)?, digest: unhexed(digest)? }
            }
            Order::Version => {
                let (rest, version) = rest.rsplit_once('-')?;
                let (instant, proposal) = rest.rsplit_once('-')?;
                Self::Version {
                    at: at(instant)?,
                    proposal: simple(proposal)?,
                    version: version.parse().ok().filter(|version: &u32| i32::try_from(*version).is_ok())?,
                }
            }
            Order::Audit => Self::Audit(simple(rest)?),
        })
    }

    /// How places of a list of this order look, as a regular expression.
    pub fn pattern(order: Order) -> &'static str {
        match order {
            Order::Name => "^1-([0-9a-f]{2})+$",
            Order::Conflict => "^1-([0-9a-f]{2})+-([0-9a-f]{2})+$",
            Order::Event => "^1-[0-9]+-[0-9a-f]{32}$",
            Order::Bundle => "^1-[0-9]+-([0-9a-f]{2})+$",
            Order::Version => "^1-[0-9]+-[0-9a-f]{32}-[0-9]+$",
            Order::Audit => "^1-[0-9a-f]{32}$",
        }
    }

    /// Whether this place comes before another one in the same list. Of the record only the list itself knows.
    pub fn is_before(&self, other: &Self) -> bool {
        let order = match (self, other) {
            (Self::Name(one), Self::Name(two)) => one.cmp(two),
            (Self::Conflict { rank, id }, Self::Conflict { rank: other_rank, id: other_id }) => {
                (rank, id).cmp(&(other_rank, other_id))
            }
            (Self::Event { at, id }, Self::Event { at: other_at, id: other_id }) => {
                (other_at, other_id).cmp(&(at, id))
            }
            (Self::Bundle { at, digest }, Self::Bundle { at: other_at, digest: other_digest }) => {
                other_at.cmp(at).then_with(|| digest.cmp(other_digest))
            }
            (
                Self::Version { at, proposal, version },
                Self::Version { at: other_at, proposal: other_proposal, version: other_version },
            ) => (other_at, other_proposal, other_version).cmp(&(at, proposal, version)),
            _ => Ordering::Equal,
        };
        order.is_lt()
    }
}

impl fmt::Display for Cursor {
    /// A version and what it is made of, for clients to hand back as it stands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "1-{}", hexed(name)),
            Self::Conflict { rank, id } => write!(f, "1-{}-{}", hexed(rank), hexed(id)),
            Self::Event { at, id } => write!(f, "1-{}-{}", at.as_microsecond(), id.simple()),
            Self::Bundle { at, digest } => write!(f, "1-{}-{}", at.as_microsecond(), hexed(digest)),
            Self::Version { at, proposal, version } => {
                write!(f, "1-{}-{}-{version}", at.as_microsecond(), proposal.simple())
            }
            Self::Audit(id) => write!(f, "1-{}", id.simple()),
        }
    }
}

fn hexed(text: &str) -> String {
    text.bytes().fold(String::with_capacity(2 * text.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A text that isn't empty, and that every database takes.
fn unhexed(text: &str) -> Option<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>().filter(|_| digits)?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// An identity without hyphens.
fn simple(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| id.simple().to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each() -> Vec<(Order, Cursor)> {
        let (at, id) = ("2026-03-02T10:00:00.000001Z".parse().unwrap(), Uuid::from_u128(7));
        let conflict = Cursor::Conflict { rank: "01\u{1}acme.a\u{1}acme.b".to_owned(), id: "f".to_owned() };
        vec![
            (Order::Name, Cursor::Name("acme.größe".to_owned())),
            (Order::Conflict, conflict),
            (Order::Event, Cursor::Event { at, id }),
            (Order::Bundle, Cursor::Bundle { at, digest: "blake3:00ff".to_owned() }),
            (Order::Version, Cursor::Version { at, proposal: id, version: 12 }),
            (Order::Audit, Cursor::Audit(id)),
        ]
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for (order, cursor) in each() {
            let text = cursor.to_string();
            assert_eq!(Cursor::read(order, &text), Some(cursor.clone()), "{text}");
            for bad in ["", "1", "1-", &format!("2{}", &text[1..]), &format!("{text}-"), &format!("{text}x")]
            {
                assert_eq!(Cursor::read(order, bad), None, "{order:?}: `{bad}`");
            }
            for (other, cursor) in each().into_iter().filter(|(other, _)| *other != order) {
                // Some look alike, such as those of events and bundles; none is taken for another kind.
                let read = Cursor::read(order, &cursor.to_string());
                let kind = std::mem::discriminant::<Cursor>;
                assert!(read.is_none_or(|read| kind(&read) != kind(&cursor)), "{other:?} as {order:?}");
            }
        }
        let before: Timestamp = "1969-12-31T23:30:00Z".parse().unwrap();
        let early = Cursor::event(before, Uuid::from_u128(1));
        assert_eq!(Cursor::read(Order::Event, &early.to_string()), Some(early));
        for bad in ["1-00", "1-C3", "1-c3", "1-ZZ"] {
            assert_eq!(Cursor::read(Order::Name, bad), None, "{bad}");
        }
    }
}
