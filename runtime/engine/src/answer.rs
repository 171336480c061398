//! What is decided, by numbers: without a word, and without memory of its own for each decision.

use ordain_ir::Outcome;

use crate::Span;
use crate::window::Now;

/// The part that a policy played; policies are numbers, see [`Engine::rule`](crate::Engine::rule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It demanded the outcome; the first that did, rules before limits, then by name.
    Decided,
    /// It demanded the outcome too.
    Agreed,
    /// It demanded something milder than the policy that decided, or than what a stranger gets.
    Milder,
    /// A rule of the same concern with a higher priority spoke instead: the first of those by name.
    Outranked(u32),
    /// A policy that overrides it, directly or through others, applies: the first by name of those that are not
    /// overridden themselves.
    Overridden(u32),
    /// A limit whose bound holds.
    Held,
    /// It depends on a fact that the request doesn't say, and the policies let such a policy be silent.
    Ignored,
}

/// A rule in whose domain the request is, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulePart {
    /// Its number.
    pub rule: u32,
    /// What became of it.
    pub part: Part,
    /// The number of the fact on which it depends whether the request is in its domain.
    pub(crate) unknown: Option<u32>,
}

/// A limit in whose domain the request is, or may be, with a known value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitPart {
    /// Its number.
    pub limit: u32,
    /// What became of it.
    pub part: Part,
    /// The request's value; for accumulated quantities what has been counted with this request's usage. In units of the
    /// quantity's scale, saturating.
    pub value: i64,
    /// Whether the bound is broken, or may be since the request's own amount can't be read.
    pub breached: bool,
    /// Whether the request's own amount can't be read; it is not in the value then.
    pub unread: bool,
    /// Which usage counts of an accumulated quantity.
    pub span: Option<Span>,
    /// As of [`RulePart::unknown`].
    pub(crate) unknown: Option<u32>,
}

/// A limit in whose domain the request is, or may be, without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmeasuredPart {
    /// Its number.
    pub limit: u32,
    /// As of [`RulePart::unknown`].
    pub(crate) unknown: Option<u32>,
}

/// Which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyNumber {
    /// A rule.
    Rule(u32),
    /// A limit.
    Limit(u32),
}

/// A decision with its reasons, by numbers; [`Engine::explain`](crate::Engine::explain) puts it into words. Keep one
/// for each thread: its memory is used again.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) decider: Option<PolicyNumber>,
    pub(crate) rules: Vec<RulePart>,
    pub(crate) limits: Vec<LimitPart>,
    pub(crate) unmeasured: Vec<UnmeasuredPart>,
    /// What the clocks show.
    pub(crate) now: Now,
    /// By number of the [way](crate::Engine) in which usage adds up, once it was asked for.
    pub(crate) spans: Vec<Option<Span>>,
    /// Policies in whose domain the request is, or may be, with the fact that this depends on.
    pub(crate) found: Vec<(u32, Option<u32>)>,
}

impl Default for Answer {
    /// As of no policies: everything is allowed.
    fn default() -> Self {
        Self {
            outcome: Outcome::Allow,
            decider: None,
            rules: vec![],
            limits: vec![],
            unmeasured: vec![],
            now: Now::default(),
            spans: vec![],
            found: vec![],
        }
    }
}

impl Answer {
    /// What to do.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The first policy that demanded the outcome; rules come first, then names.
    pub fn decider(&self) -> Option<PolicyNumber> {
        self.decider
    }

    /// The active rules in whose domain the request is, or may be, by name.
    pub fn rules(&self) -> &[RulePart] {
        &self.rules
    }

    /// The active limits in whose domain the request is, or may be, and whose value is known, by name.
    pub fn limits(&self) -> &[LimitPart] {
        &self.limits
    }

    /// The active limits that would apply if the request said their value, by name.
    pub fn unmeasured(&self) -> &[UnmeasuredPart] {
        &self.unmeasured
    }

    /// The first policy, rules before limits, then by name, of which it is not known whether it speaks, and the
    /// number of the fact on which that depends.
    pub(crate) fn undecided(&self) -> Option<(PolicyNumber, u32)> {
        let rules = self.rules.iter().map(|it| (PolicyNumber::Rule(it.rule), it.unknown));
        let limits = self.limits.iter().map(|it| (PolicyNumber::Limit(it.limit), it.unknown));
        let unmeasured = self.unmeasured.iter().map(|it| (PolicyNumber::Limit(it.limit), it.unknown));
        rules.chain(limits).chain(unmeasured).find_map(|(policy, unknown)| Some((policy, unknown?)))
    }
}
