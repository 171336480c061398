//! Rules, limits and their clauses.

use ordain_ir::{Direction, PolicyKind, Span};

use super::{Expr, Literal, Name, Scope};

/// A rule or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// Which of both.
    pub kind: PolicyKind,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name; empty where it is missing.
    pub name: Name,
    /// Its clauses, in order.
    pub clauses: Vec<Clause>,
    /// Whether an error in it has been reported, so that what is missing is no news.
    pub broken: bool,
}

/// A clause of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clause {
    /// The clause.
    pub span: Span,
    /// Its keyword (the first, where it has two).
    pub keyword: Span,
    /// What it says.
    pub kind: ClauseKind,
    /// Whether an error in it, or straight behind it, has been reported, so that its meaning is no news.
    pub broken: bool,
}

/// What a clause says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClauseKind {
    /// `type safety`, `type runs_hourly rolling`
    Type(PolicyType),
    /// `enforce block`
    Enforce(Name),
    /// `scope tenant acme`
    Scope(Scope),
    /// `priority 100`, or in a template the name of a parameter
    Priority(Expr),
    /// `active fri 18:00 .. mon 08:00 in Europe/Berlin`
    Active(Window),
    /// `when tool.name == "export"`
    When(Expr),
    /// `when rule no-pii-export`
    WhenRule(Name),
    /// `at most 5`, `at least 5`, or in a template `at most cap * 80%`
    Bound(Direction, Expr),
    /// `warn at 85%`
    WarnAt(Expr),
    /// `per agent`
    Per(Name),
    /// `depends on a, b`
    DependsOn(Vec<Name>),
    /// `overrides a, b because "…"`
    Overrides(Vec<Name>, Option<Literal>),
    /// `status retired`
    Status(Name),
    /// `source learned`
    Source(Name),
    /// A clause that could not be read.
    Broken,
}

/// What a rule is about, or what a limit bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyType {
    /// `safety`, `tokens_daily`
    pub word: Name,
    /// Every `in Zone`.
    pub zones: Vec<Name>,
    /// Every `rolling`.
    pub rolling: Vec<Span>,
}

/// When a policy speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// All of it.
    pub span: Span,
    /// What comes back every week.
    pub recurrence: Option<Recurrence>,
    /// Every `in Zone`.
    pub zones: Vec<Name>,
    /// Every `from …`.
    pub from: Vec<Name>,
    /// Every `until …`.
    pub until: Vec<Name>,
}

/// What comes back every week.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recurrence {
    /// `mon..fri, sun 09:00 .. 17:00`: spans of days (every day if there is none), and times (all day if
    /// there are none).
    Daily {
        /// First and last day.
        days: Vec<(Name, Name)>,
        /// Start and end.
        times: Option<(Name, Name)>,
    },
    /// `fri 18:00 .. mon 08:00`: start day, start, end day, end.
    Weekly([Name; 4]),
}
