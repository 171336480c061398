//! Limits that come near their bounds.

use jiff::Timestamp;
use ordain_ir::{Bound, Direction, PolicyName};

use crate::Subject;

/// How near to its bound a limit is, in the bands of near-threshold events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Band {
    /// Below 85 %.
    #[serde(rename = "0-85")]
    Far,
    /// From 85 % to below 90 %.
    #[serde(rename = "85-90")]
    Near85,
    /// From 90 % to below 95 %.
    #[serde(rename = "90-95")]
    Near90,
    /// From 95 % to the bound itself.
    #[serde(rename = "95-100")]
    Near95,
    /// Beyond the bound.
    #[serde(rename = "breached")]
    Breached,
}

impl Band {
    /// The band of a value under a ceiling; that of a value over a floor is breached or far.
    pub fn of(bound: Bound, value: i64) -> Self {
        if !bound.allows(value.into()) {
            return Self::Breached;
        }
        let (value, ceiling) = (i128::from(value), i128::from(bound.value));
        if bound.direction == Direction::AtLeast || ceiling <= 0 {
            return Self::Far;
        }
        match value * 100 / ceiling {
            95.. => Self::Near95,
            90.. => Self::Near90,
            85.. => Self::Near85,
            _ => Self::Far,
        }
    }

    /// How a band is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Far => "0-85",
            Self::Near85 => "85-90",
            Self::Near90 => "90-95",
            Self::Near95 => "95-100",
            Self::Breached => "breached",
        }
    }
}

/// A request brought a limit into a band that hadn't been told of what counts for it; or broke its bound, which is told
/// every time. What is concurrent is told anew once it has been below all bands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LimitEvent {
    /// Which limit.
    pub limit: PolicyName,
    /// Whose counter.
    #[serde(serialize_with = "written")]
    pub subject: Subject,
    /// Since when usage counts, where that is a matter of time: where a calendar period begins, for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_start: Option<Timestamp>,
    /// How near it is.
    pub band: Band,
    /// The value with the request, in units of the quantity's scale.
    pub value: i64,
    /// The bound, likewise.
    pub bound: i64,
    /// The instant of the request.
    pub at: Timestamp,
}

fn written<S: serde::Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_begin_where_they_say() {
        use Band::{Breached, Far, Near85, Near90, Near95};
        let ceiling = |value| Band::of(Bound { direction: Direction::AtMost, value: 200 }, value);
        let found = [169, 170, 179, 180, 189, 190, 200, 201].map(ceiling);
        assert_eq!(found, [Far, Near85, Near85, Near90, Near90, Near95, Near95, Breached]);
        let floor = |value| Band::of(Bound { direction: Direction::AtLeast, value: 200 }, value);
        assert_eq!([199, 200, 400].map(floor), [Breached, Far, Far]);
        let none = |value| Band::of(Bound { direction: Direction::AtMost, value: 0 }, value);
        assert_eq!([0, 1].map(none), [Far, Breached]);
        let most = Bound { direction: Direction::AtMost, value: i64::MAX };
        assert_eq!(Band::of(most, i64::MAX), Near95);
    }
}
