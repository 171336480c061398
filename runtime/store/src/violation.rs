//! Violations: normalised facts about policies that were not kept, whoever saw it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use ordain_ir::{PolicyId, decimal, wire_enum};
use uuid::Uuid;

use crate::{Cursor, Placed, day_of, hour_of, to_microsecond};

wire_enum! {
    /// What kind of policy was not kept.
    pub enum ViolationType {
        /// More money than allowed.
        Cost = "cost",
        /// More in a period than allowed.
        Quota = "quota",
        /// More often than allowed.
        Rate = "rate",
        /// At another time than allowed.
        Temporal = "temporal",
        /// A safety rule.
        Safety = "safety",
        /// An ethical constraint.
        Ethical = "ethical",
    }
}

wire_enum! {
    /// How it stands out.
    pub enum ViolationKind {
        /// It doesn't.
        Standard = "STANDARD",
        /// It is unlike what happened before.
        Anomaly = "ANOMALY",
        /// What happened is not what was expected.
        Divergence = "DIVERGENCE",
    }
}

wire_enum! {
    /// Who saw it.
    pub enum ViolationSource {
        /// A guard before or after a model.
        Guard = "guard",
        /// A simulation.
        Sim = "sim",
        /// The runtime while it decided.
        Runtime = "runtime",
        /// The accounting of costs.
        Cost = "cost",
    }
}

/// How bad it is, from 0 to 1 in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViolationSeverity(u16);

impl ViolationSeverity {
    /// From thousandths; `None` beyond 1000.
    pub fn from_thousandths(thousandths: i64) -> Option<Self> {
        u16::try_from(thousandths).ok().filter(|n| *n <= 1000).map(Self)
    }

    /// In thousandths.
    pub fn thousandths(self) -> i64 {
        i64::from(self.0)
    }

    /// As the number that JSON writes: the nearest to the thousandths, whose shortest spelling has no more
    /// than three digits after the point.
    pub fn as_number(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl FromStr for ViolationSeverity {
    type Err = ();

    /// A plain decimal number from 0 to 1 with three digits after the point at most.
    fn from_str(text: &str) -> Result<Self, ()> {
        decimal::parse(text, 3).ok().and_then(Self::from_thousandths).ok_or(())
    }
}

impl fmt::Display for ViolationSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal::format(self.thousandths(), 3, 0))
    }
}

/// The policy that was not kept, by its name at the time. It may be gone since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolatedPolicy {
    /// Its identity; it follows from the name.
    pub id: PolicyId,
    /// Its full name.
    pub name: String,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its identity, the client's own or ours.
    pub id: Uuid,
    /// What kind of policy was not kept.
    pub violation_type: ViolationType,
    /// How it stands out.
    pub violation_kind: ViolationKind,
    /// Who saw it.
    pub source: ViolationSource,
    /// How bad it is.
    pub severity: ViolationSeverity,
    /// Which policy, if the source knows.
    pub policy: Option<ViolatedPolicy>,
    /// Whose request it was: `tenant/project/agent`.
    pub path: Option<String>,
    /// In which run.
    pub run_id: Option<String>,
    /// For people.
    pub description: String,
    /// For programs: one JSON object.
    pub details: Option<String>,
    /// Whether it was made up, by a simulation or a test.
    pub is_synthetic: bool,
    /// The scenario that made it up.
    pub synthetic_scenario_id: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Violation {
    /// The beginning of the hour in which it happened, in UTC.
    pub fn hour(&self) -> Timestamp {
        hour_of(self.occurred_at)
    }

    /// The spans in which it is counted beforehand, its hour and its day: their length in seconds, and where they begin.
    pub fn spans(&self) -> [(i32, Timestamp); 2] {
        [(3_600, self.hour()), (86_400, day_of(self.occurred_at))]
    }
}

impl Placed for Violation {
    fn place(&self) -> Cursor {
        Cursor::event(self.occurred_at, self.id)
    }
}

/// Narrows violations. A part that is `None` lets everything through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolationFilter {
    /// Only from this instant on.
    pub since: Timestamp,
    /// Only of this type.
    pub violation_type: Option<ViolationType>,
    /// Only of this kind.
    pub violation_kind: Option<ViolationKind>,
    /// Only seen by this source.
    pub source: Option<ViolationSource>,
    /// Only this bad or worse.
    pub severity_min: Option<ViolationSeverity>,
    /// Only of this policy.
    pub policy: Option<PolicyId>,
    /// Also those that were made up.
    pub include_synthetic: bool,
}

impl ViolationFilter {
    /// Everything real from an instant on.
    pub fn since(since: Timestamp) -> Self {
        Self {
            since,
            violation_type: None,
            violation_kind: None,
            source: None,
            severity_min: None,
            policy: None,
            include_synthetic: false,
        }
    }

    /// Whether a violation passes.
    pub fn passes(&self, violation: &Violation) -> bool {
        to_microsecond(violation.occurred_at) >= self.since
            && self.violation_type.is_none_or(|wanted| wanted == violation.violation_type)
            && self.violation_kind.is_none_or(|wanted| wanted == violation.violation_kind)
            && self.source.is_none_or(|wanted| wanted == violation.source)
            && self.severity_min.is_none_or(|least| violation.severity >= least)
            && self.policy.is_none_or(|id| violation.policy.as_ref().is_some_and(|policy| policy.id == id))
            && (self.include_synthetic || !violation.is_synthetic)
    }
}

/// How many violations there are of each type; none with zero.
pub type ViolationCounts = std::collections::BTreeMap<ViolationType, u64>;

/// What became of violations that were handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many are new.
    pub recorded: u64,
    /// How many were there already, by their identity, and stay as they were.
    pub duplicates: u64,
}

impl Recorded {
    /// Of so many that were handed in, so many are new.
    pub fn of(handed_in: usize, new: usize) -> Self {
        let recorded = new as u64;
        Self { recorded, duplicates: handed_in as u64 - recorded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_exact() {
        for (text, thousandths) in [("0", 0), ("1", 1000), ("1.0", 1000), ("0.75", 750), ("0.001", 1)] {
            let severity: ViolationSeverity = text.parse().unwrap();
            assert_eq!(severity.thousandths(), thousandths, "{text}");
        }
        for text in ["1.001", "-0.1", "0.0001", "x", "", "1e-3", "NaN"] {
            assert!(text.parse::<ViolationSeverity>().is_err(), "{text}");
        }
        for thousandths in 0..=1000 {
            let severity = ViolationSeverity::from_thousandths(thousandths).unwrap();
            assert_eq!(severity.as_number().to_string(), severity.to_string());
        }
    }
}
