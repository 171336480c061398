//! Tests of policies.

use ordain_ir::Span;

use super::{Apply, Expr, Literal, Name, ScopeEntry};

/// `test "…" { … }`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    /// The item.
    pub span: Span,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// What it is about.
    pub name: Literal,
    /// Its clauses, in order.
    pub clauses: Vec<TestClause>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

/// A clause of a test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TestClause {
    /// The clause.
    pub span: Span,
    /// Its keyword.
    pub keyword: Span,
    /// What it says.
    pub kind: TestClauseKind,
}

/// What a clause of a test says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TestClauseKind {
    /// `apply spend-guard(…) as x`: policies that exist in this test only.
    Apply(Apply),
    /// `given agent acme/support/mailer provider openai at 2026-03-02T10:00:00Z` and facts, each part optional
    Given(Given),
    /// `uses tokens = 1_200, cost = 0.04 USD`: what the request uses
    Uses(Vec<Assignment>),
    /// `used daily-tokens = 1_999_000`: what the counters of limits hold before the request
    Used(Vec<Assignment>),
    /// `expect block by a, b not by c`
    Expect(Expect),
    /// A clause that could not be read.
    Broken,
}

/// The request of a test, or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Given {
    /// Who asks: `agent acme/support/mailer`.
    pub agent: Option<ScopeEntry>,
    /// The model provider.
    pub provider: Option<ScopeEntry>,
    /// When.
    pub at: Option<Name>,
    /// What is known.
    pub facts: Vec<Assignment>,
}

/// `tool.name = "export"`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// All of it.
    pub span: Span,
    /// What.
    pub name: Name,
    /// Its value.
    pub value: AssignedValue,
}

/// The value that something has in a test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AssignedValue {
    /// A literal, a word, `true` or `false`.
    Expr(Expr),
    /// `{ "a", "b" }`, the elements of a set.
    Set(Span, Vec<Expr>),
}

/// What a test wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Expect {
    /// The outcome: `allow`, `audit`, `warn`, `degrade`, `queue` or `block`.
    pub outcome: Name,
    /// Policies that demand it.
    pub by: Vec<Name>,
    /// Policies that don't.
    pub not_by: Vec<Name>,
}
