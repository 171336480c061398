//! What a decision says, for programs and for people.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{
    Direction, Enforcement, EnforcementMode, FactName, Fault, Limit, Outcome, PolicyId, PolicyName, Quantity,
    Rule, decimal,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::answer::Part;
use crate::{Span, Subject};

/// The part that a policy played in a decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "role")]
pub enum Role {
    /// It demanded the outcome; the first that did, rules before limits, then by name.
    Decided,
    /// It demanded the outcome too.
    Agreed,
    /// It demanded something milder.
    Milder {
        /// The policy that decided; none where the request is blocked since its agent or provider is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        than: Option<PolicyName>,
    },
    /// A rule of the same concern with a higher priority spoke instead.
    Outranked {
        /// That rule; the first by name.
        by: PolicyName,
    },
    /// A policy that overrides it, directly or through others, applies.
    Overridden {
        /// That policy; the first by name of those that are not overridden themselves.
        by: PolicyName,
    },
    /// A limit whose bound holds.
    Held,
    /// It depends on a fact that the request doesn't say, and the policies let such a policy be silent.
    Ignored,
}

impl Role {
    /// The role of a part that names no other policy.
    pub(crate) fn plain(part: Part) -> Self {
        match part {
            Part::Decided => Self::Decided,
            Part::Held => Self::Held,
            Part::Ignored => Self::Ignored,
            Part::Agreed | Part::Milder | Part::Outranked(_) | Part::Overridden(_) => Self::Agreed,
        }
    }
}

/// A rule in whose domain the request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// Its identity.
    pub id: PolicyId,
    /// The rule.
    pub rule: Arc<Rule>,
    /// What became of it.
    pub role: Role,
    /// The parts of its condition because of which it holds, as one would write them.
    pub because: Vec<String>,
    /// The fact that the request doesn't say and on which it depends whether the request is in the domain.
    pub unknown: Option<FactName>,
}

/// A limit in whose domain the request is, with a known value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitFinding {
    /// Its identity.
    pub id: PolicyId,
    /// The limit.
    pub limit: Arc<Limit>,
    /// Whose counter it is.
    pub subject: Subject,
    /// Which usage counts of an accumulated quantity.
    pub span: Option<Span>,
    /// When the calendar period ends, of what adds up by one: then it counts anew.
    pub period_end: Option<Timestamp>,
    /// The request's value; for accumulated quantities what has been counted with this request's usage. In units of the
    /// quantity's scale, saturating.
    pub value: i64,
    /// Whether the bound is broken, or may be. A floor on an accumulated quantity never is.
    pub breached: bool,
    /// Whether the request's own amount can't be read; it is not in the value then, and the bound counts as broken.
    pub unread: bool,
    /// What became of it.
    pub role: Role,
    /// The parts of its condition because of which it holds, as one would write them.
    pub because: Vec<String>,
    /// The fact that the request doesn't say and on which it depends whether the request is in the domain.
    pub unknown: Option<FactName>,
}

/// A limit in whose domain the request is, but not measured since the request doesn't say its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmeasured {
    /// Its identity.
    pub id: PolicyId,
    /// The limit.
    pub limit: Arc<Limit>,
}

/// What to do with a request, and why. Every list is sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Decision {
    /// What to do.
    pub outcome: Outcome,
    /// The active rules in whose domain the request is.
    pub rules: Vec<RuleFinding>,
    /// The active limits in whose domain the request is.
    pub limits: Vec<LimitFinding>,
    /// The limits that would apply if the request said their value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmeasured: Vec<Unmeasured>,
    /// What is wrong with the request. [`Engine::decide`](crate::Engine::decide) knows only of strangers: typed requests
    /// have no other faults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

impl Decision {
    /// Whether the request leaves out what some policy depends on.
    pub fn is_undecided(&self) -> bool {
        self.rules.iter().any(|finding| finding.unknown.is_some())
            || self.limits.iter().any(|finding| finding.unknown.is_some())
    }

    /// The policies that demanded the outcome, the one that decided first.
    pub fn deciders(&self) -> impl Iterator<Item = &PolicyName> {
        let decided = |role: &Role| matches!(role, Role::Decided | Role::Agreed);
        let rules = self.rules.iter().filter(move |finding| decided(&finding.role));
        let limits = self.limits.iter().filter(move |finding| decided(&finding.role));
        rules.map(|finding| &finding.rule.name).chain(limits.map(|finding| &finding.limit.name))
    }
}

impl RuleFinding {
    /// Why it has its role, in words.
    pub fn reason(&self) -> String {
        let mode = self.rule.enforcement_mode;
        match &self.role {
            Role::Decided => format!("says {mode}, the strictest that is said"),
            Role::Agreed => format!("says {mode} too"),
            Role::Milder { than } => format!("says {mode}, {}", milder(than.as_ref())),
            Role::Outranked { by } => {
                format!("would say {mode}, but `{by}` has a higher priority in {}", self.rule.rule_type)
            }
            Role::Overridden { by } => format!("would say {mode}, but `{by}` overrides it"),
            Role::Held => format!("says {mode}"),
            Role::Ignored => format!("might say {mode}"),
        }
    }
}

impl LimitFinding {
    /// The value as a share of the bound in hundredths of a percent, rounded down; `None` where the bound is not
    /// positive. For a floor 100 % and more is good, for a ceiling more than 100 % is a breach.
    pub fn utilisation(&self) -> Option<i64> {
        let bound = i128::from(self.limit.bound.value);
        let share = || (i128::from(self.value) * 10_000).div_euclid(bound);
        (bound > 0).then(|| i64::try_from(share()).unwrap_or(i64::MAX))
    }

    /// How far the value is from breaking the bound, in units of the quantity's scale; negative beyond it.
    pub fn remainder(&self) -> i64 {
        match self.limit.bound.direction {
            Direction::AtMost => self.limit.bound.value.saturating_sub(self.value),
            Direction::AtLeast => self.value.saturating_sub(self.limit.bound.value),
        }
    }

    /// Whether it is a floor on an accumulated quantity: a guarantee that no single request breaches.
    pub fn is_guarantee(&self) -> bool {
        !self.limit.quantity.is_pointwise() && self.limit.bound.direction == Direction::AtLeast
    }

    fn percent(&self) -> Option<String> {
        self.utilisation().map(|share| format!("{}%", decimal::format(share, 2, 0)))
    }

    /// What was measured, in words: `TOKENS_DAILY 1200 of at most 2000000 (0.06%), agent acme/support/mailer`,
    /// `RUNS_DAILY in Europe/Berlin 7 of at most 10 (70%), until 2026-03-29T22:00:00Z`.
    fn measured(&self) -> String {
        let limit = &self.limit;
        let write = |value| limit.quantity.format(value);
        let (value, bound, quantity) =
            (write(self.value), write(limit.bound.value), limit.quantity.wording());
        let direction = words(limit.bound.direction);
        if self.unread {
            return format!(
                "the request's {quantity} can't be read, so that it may break {direction} {bound}"
            );
        }
        let share = self.percent().map(|share| format!(" ({share})")).unwrap_or_default();
        let subject = match &self.subject {
            Subject::Whole => String::new(),
            subject => format!(", {subject}"),
        };
        // In UTC everybody knows when a period ends.
        let zoned = |_: &Timestamp| quantity != limit.quantity.to_string();
        let until = self.period_end.filter(zoned).map(|end| format!(", until {end}")).unwrap_or_default();
        format!("{quantity} {value} of {direction} {bound}{share}{subject}{until}")
    }

    /// Why it has its role, in words.
    pub fn reason(&self) -> String {
        let (measured, enforcement) = (self.measured(), self.limit.enforcement);
        let beyond = if self.breached { format!("breached, {enforcement}") } else { "held".to_owned() };
        match &self.role {
            Role::Held if self.is_guarantee() => format!("{measured}; a guarantee, breached by no request"),
            Role::Held => format!("{measured}; held"),
            Role::Decided => format!("{measured}; breached, says {enforcement}, the strictest that is said"),
            Role::Agreed => format!("{measured}; breached, says {enforcement} too"),
            Role::Milder { than } => {
                format!("{measured}; breached, says {enforcement}, {}", milder(than.as_ref()))
            }
            Role::Overridden { by } => format!("{measured}; {beyond}, but `{by}` overrides it"),
            Role::Outranked { by } => format!("{measured}; {beyond}, but `{by}` outranks it"),
            Role::Ignored => format!("{measured}; {beyond}, if it speaks"),
        }
    }
}

fn milder(than: Option<&PolicyName>) -> String {
    than.map_or_else(|| "milder than what a stranger gets".to_owned(), |than| format!("milder than `{than}`"))
}

fn words(direction: Direction) -> &'static str {
    match direction {
        Direction::AtMost => "at most",
        Direction::AtLeast => "at least",
    }
}

impl Unmeasured {
    /// What is missing, in words.
    pub fn reason(&self) -> &'static str {
        match self.limit.quantity {
            Quantity::RiskCeiling => "the request does not say its risk",
            Quantity::Cooldown => "the request does not name an earlier run",
            Quantity::PerRun(_) | Quantity::Accumulated(..) => "the request does not say its usage",
        }
    }
}

impl Serialize for RuleFinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Wire<'a> {
            id: PolicyId,
            name: &'a PolicyName,
            rule_type: ordain_ir::RuleType,
            enforcement_mode: EnforcementMode,
            priority: i64,
            #[serde(flatten)]
            role: &'a Role,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            because: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            unknown: Option<&'a FactName>,
            reason: String,
        }
        let rule = &self.rule;
        let (name, rule_type, enforcement_mode) = (&rule.name, rule.rule_type, rule.enforcement_mode);
        let (priority, role, reason) = (rule.priority, &self.role, self.reason());
        let (because, unknown) = (&*self.because, self.unknown.as_ref());
        Wire { id: self.id, name, rule_type, enforcement_mode, priority, role, because, unknown, reason }
            .serialize(serializer)
    }
}

impl Serialize for LimitFinding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Wire<'a> {
            id: PolicyId,
            name: &'a PolicyName,
            limit_type: String,
            enforcement: Enforcement,
            direction: Direction,
            bound: String,
            value: String,
            remainder: String,
            utilisation: Option<String>,
            subject: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            period_start: Option<Timestamp>,
            #[serde(skip_serializing_if = "Option::is_none")]
            period_end: Option<Timestamp>,
            breached: bool,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            unread: bool,
            #[serde(flatten)]
            role: &'a Role,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            because: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none")]
            unknown: Option<&'a FactName>,
            reason: String,
        }
        let limit = &self.limit;
        let write = |value| limit.quantity.format(value);
        Wire {
            id: self.id,
            name: &limit.name,
            limit_type: limit.quantity.to_string(),
            enforcement: limit.enforcement,
            direction: limit.bound.direction,
            bound: write(limit.bound.value),
            value: write(self.value),
            remainder: write(self.remainder()),
            utilisation: self.percent(),
            subject: self.subject.to_string(),
            period_start: self.span.and_then(Span::since),
            period_end: self.period_end,
            breached: self.breached,
            unread: self.unread,
            role: &self.role,
            because: &self.because,
            unknown: self.unknown.as_ref(),
            reason: self.reason(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Unmeasured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = serializer.serialize_struct("Unmeasured", 4)?;
        wire.serialize_field("id", &self.id)?;
        wire.serialize_field("name", &self.limit.name)?;
        wire.serialize_field("limit_type", &self.limit.quantity.to_string())?;
        wire.serialize_field("reason", self.reason())?;
        wire.end()
    }
}

impl fmt::Display for Decision {
    /// The outcome on the first line, then one line for each policy that the request concerns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &|_| None)
    }
}

impl Decision {
    /// The same, with what helps against a fault below it.
    pub fn with_hints<'d>(&'d self, hint: impl Fn(&Fault) -> Option<String> + 'd) -> impl fmt::Display + 'd {
        fmt::from_fn(move |f| self.write(f, &hint))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, hint: &dyn Fn(&Fault) -> Option<String>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        if self.rules.is_empty() && self.limits.is_empty() && self.unmeasured.is_empty() {
            f.write_str("\n  no policy speaks about this request")?;
        }
        let more = |f: &mut fmt::Formatter<'_>, because: &[String], unknown: Option<&FactName>| {
            if !because.is_empty() {
                write!(f, "\n    because {}", because.join(" and "))?;
            }
            if let Some(fact) = unknown {
                write!(f, "\n    whether it speaks depends on `{fact}`, which the request does not say")?;
            }
            Ok(())
        };
        for finding in &self.rules {
            write!(f, "\n  rule `{}` {}", finding.rule.name, finding.reason())?;
            more(f, &finding.because, finding.unknown.as_ref())?;
        }
        for finding in &self.limits {
            write!(f, "\n  limit `{}`: {}", finding.limit.name, finding.reason())?;
            more(f, &finding.because, finding.unknown.as_ref())?;
        }
        for finding in &self.unmeasured {
            write!(f, "\n  limit `{}` is not measured: {}", finding.limit.name, finding.reason())?;
        }
        for fault in &self.faults {
            write!(f, "\n  at `{}`: {fault}", fault.place)?;
            if let Some(hint) = hint(fault) {
                write!(f, "\n    {hint}")?;
            }
        }
        Ok(())
    }
}
