//! The syntax tree: what is written, with a span for every clause and every name, whether or not it means
//! anything. Broken parts stay in it, so that their names still count as declared.

use ordain_ir::{Direction, PolicyKind, Span};

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct File {
    /// Its items, in order.
    pub items: Vec<Item>,
}

/// Something at the outermost level.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// `package acme.support`
    Package(Package),
    /// `use std.facts.*`
    Use(Use),
    /// `fact amount : money USD`
    Fact(Fact),
    /// `let x = …`
    Let(Let),
    /// `rule x { … }` or `limit x { … }`
    Policy(Policy),
    /// `meter emails : count`
    Meter(Meter),
    /// `template x(a: int) { … }`
    Template(Template),
    /// `apply x(a = 1) as y`
    Apply(Apply),
    /// `require coverage safety for … in …`
    Require(Require),
    /// `allow scope-overlap between a and b because "…"`
    Allow(Allow),
    /// `test "…" { … }`
    Test(Test),
    /// Something that could not be read.
    Broken(Broken),
}

impl Item {
    /// The bytes of the item, without its documentation.
    pub fn span(&self) -> Span {
        match self {
            Self::Package(item) => item.span,
            Self::Use(item) => item.span,
            Self::Fact(item) => item.span,
            Self::Let(item) => item.span,
            Self::Policy(item) => item.span,
            Self::Meter(item) => item.span,
            Self::Template(item) => item.span,
            Self::Apply(item) => item.span,
            Self::Require(item) => item.span,
            Self::Allow(item) => item.span,
            Self::Test(item) => item.span,
            Self::Broken(item) => item.span,
        }
    }
}

/// A name or a word as it stands in the text; dotted names are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// `package acme.support`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Package {
    /// The item.
    pub span: Span,
    /// The package.
    pub name: Name,
}

/// `use std.facts.*`, `use std.facts.run.risk`, `use acme.base.sensitive as hot` or `use std.facts as f`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The item.
    pub span: Span,
    /// The package, or the package and a name in it; which part is which only the declarations tell.
    pub path: Name,
    /// Whether everything in the package is meant.
    pub all: bool,
    /// The name by which it is known here.
    pub alias: Option<Name>,
}

/// `fact amount : money USD in 0.00..5.00 optional`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: FactType,
    /// Every `in a..b` that is written.
    pub ranges: Vec<Range>,
    /// Every `optional`.
    pub optional: Vec<Span>,
    /// Every `opaque`.
    pub opaque: Vec<Span>,
}

/// `in a..b`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// All of it.
    pub span: Span,
    /// The least value.
    pub least: Literal,
    /// The greatest value.
    pub greatest: Literal,
}

/// The type of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FactType {
    /// Where.
    pub span: Span,
    /// Which.
    pub kind: FactTypeKind,
}

/// The type of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FactTypeKind {
    /// One word: `bool`, `int`, `duration`, `string`, or one that is no type.
    Word(String),
    /// `decimal(2)`, with the digits as written.
    Decimal(Name),
    /// `money USD`
    Money(Name),
    /// `enum { a, b }`
    Enum(Vec<Name>),
    /// `set of string`, with the type of the elements.
    Set(Box<FactType>),
}

/// `let x = …`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Let {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// What it stands for.
    pub value: LetValue,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

/// What a `let` stands for. A lone name reads as a condition, whatever it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LetValue {
    /// A condition.
    Condition(Expr),
    /// A scope.
    Scope(Scope),
    /// A list of literals and words, for `in`.
    Set(Vec<Expr>),
}

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
    /// `type safety`
    Type(Name),
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

/// Whom a policy speaks to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// All of it.
    pub span: Span,
    /// What is in.
    pub include: Vec<ScopeEntry>,
    /// What is out all the same.
    pub except: Vec<ScopeEntry>,
}

/// An entry of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopeEntry {
    /// Where.
    pub span: Span,
    /// The keyword in front of it, if it has one.
    pub level: Option<ordain_ir::Level>,
    /// Its segments; none for `global`.
    pub path: Vec<Segment>,
}

/// A segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Where.
    pub span: Span,
    /// The text, without quotation marks.
    pub text: String,
    /// Whether it was quoted, so that `*` has no meaning in it.
    pub quoted: bool,
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

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// Where, with its sign.
    pub span: Span,
    /// What.
    pub kind: LiteralKind,
}

/// A literal's text, by its form. Numbers keep their sign and their underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    /// `1_200` or `0.75`
    Number(String),
    /// `1_200.00 USD`: amount and currency.
    Money(String, String),
    /// `1h30m`
    Duration(String),
    /// `85%`, without the sign for percent.
    Percent(String),
    /// Text, with its escapes resolved.
    Text(String),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Expr {
    /// Where; parentheses around it are part of it.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExprKind {
    /// Nothing stands where something should; that has been reported.
    Missing,
    /// Two or more, joined by `or`.
    Or(Vec<Expr>),
    /// Two or more, joined by `and`.
    And(Vec<Expr>),
    /// `not …`
    Not(Box<Expr>),
    /// `a < b`
    Compare {
        /// Left.
        left: Box<Expr>,
        /// The comparison.
        op: ordain_ir::CompareOp,
        /// Where the operator stands.
        op_span: Span,
        /// Right.
        right: Box<Expr>,
    },
    /// `a in { x, y }`; the entries are names and literals.
    In {
        /// Left.
        left: Box<Expr>,
        /// The entries.
        set: Vec<Expr>,
    },
    /// `a in name`, where the name stands for a list
    InNamed {
        /// Left.
        left: Box<Expr>,
        /// The list.
        list: Name,
    },
    /// `any a like "x*"` or `all a in { x, y }`: some element, or every element, of a set passes the test
    Quantified {
        /// `all`; else `any`.
        all: bool,
        /// Where the keyword stands.
        keyword: Span,
        /// A comparison, `in` or a test of text, whose left side is the set.
        test: Box<Expr>,
    },
    /// `a like "x*"`
    Text {
        /// Left.
        left: Box<Expr>,
        /// Which test.
        op: TextOp,
        /// Where the operator stands.
        op_span: Span,
        /// Right.
        right: Box<Expr>,
    },
    /// `has a`; the name is empty where it is missing.
    Has(Name),
    /// Two or more, each added, or subtracted where the flag is set.
    Sum(Vec<(bool, Expr)>),
    /// Two or more, multiplied.
    Product(Vec<Expr>),
    /// `-a`
    Negative(Box<Expr>),
    /// A fact, a `let`, or a word of an enumeration.
    Name(String),
    /// A literal.
    Literal(LiteralKind),
    /// `true` or `false`
    Bool(bool),
}

/// A test of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// `like`
    Like,
    /// `matches`
    Matches,
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
}

impl TextOp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

/// `meter emails : count`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meter {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// What it counts in: `count`, `money USD` or `duration`.
    pub unit: FactType,
}

/// `template spend-guard(team: project, cap: money USD = 100.00 USD) { … }`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What it is made of, in order: [`Item::Policy`], [`Item::Apply`] and [`Item::Broken`] only.
    pub items: Vec<Item>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

/// `cap: money USD = 100.00 USD`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What it takes.
    pub ty: ParameterType,
    /// What it is where an application leaves it out.
    pub default: Option<ArgumentValue>,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParameterType {
    /// Where.
    pub span: Span,
    /// Which.
    pub kind: ParameterTypeKind,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParameterTypeKind {
    /// A scope of one level: `tenant`, `project`, `agent` or `provider`.
    Level(ordain_ir::Level),
    /// What a fact could hold, or one of the words `scope`, `condition`, `percent`, `zone`, `time` and `instant`.
    Value(FactTypeKind),
}

/// `apply spend-guard(team = acme/support, cap = 400.00 USD) as support-spend`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Apply {
    /// The item.
    pub span: Span,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// The template.
    pub template: Name,
    /// What its parameters are, in order.
    pub arguments: Vec<Argument>,
    /// The name under which its policies stand; that of the template where there is none.
    pub alias: Option<Name>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

impl Apply {
    /// The name under which its policies stand.
    pub fn name(&self) -> Name {
        let own = self.template.text.rsplit('.').next().unwrap_or_default().to_owned();
        self.alias.clone().unwrap_or_else(|| Name { text: own, span: self.template.span })
    }
}

/// `cap = 400.00 USD`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Argument {
    /// All of it.
    pub span: Span,
    /// The parameter.
    pub name: Name,
    /// Its value.
    pub value: ArgumentValue,
}

/// What a parameter is. The form is what can be told without its type: a lone name is an [`Expr`], a zone with
/// a slash reads as a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentValue {
    /// A value, a condition or a name.
    Expr(Expr),
    /// `acme/support`, `tenant acme`, `global`, also with `except`.
    Scope(Scope),
    /// `{ "delete", "drop" }`
    Set(Vec<Expr>),
    /// `09:00`
    Time(Name),
    /// `2026-01-01` or `2026-01-01T08:00:00Z`
    Moment(Name),
}

/// `require coverage safety for tool.name in { "export" } in tenant acme`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Require {
    /// The item.
    pub span: Span,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// The concern.
    pub concern: Name,
    /// Which requests; all where there is none.
    pub condition: Option<Expr>,
    /// Whose; everybody's where there is none.
    pub scope: Option<Scope>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

/// `allow scope-overlap between a and b until 2027-01-31 because "…"` or `allow ORD0404 for a because "…"`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allow {
    /// The item.
    pub span: Span,
    /// What is allowed: a type of conflict in kebab case, or a code.
    pub what: Name,
    /// Between which policies, or for which one.
    pub policies: Vec<Name>,
    /// Every `until`: the first instant or day on which it isn't allowed any more.
    pub until: Vec<Name>,
    /// Every `because`.
    pub because: Vec<Literal>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

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

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// The item.
    pub span: Span,
    /// What it declares, as far as can be told.
    pub declares: Option<(Declares, Name)>,
}

/// The kinds of declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Declares {
    /// A package.
    Package,
    /// A fact.
    Fact,
    /// A `let`.
    Let,
    /// A rule.
    Rule,
    /// A limit.
    Limit,
    /// A meter.
    Meter,
    /// A template.
    Template,
    /// Policies of a template, under a name.
    Apply,
}

impl Scope {
    /// The same, as if it stood at the start of a file: equal to every scope that reads the same.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        self.span = Span::default();
        for entry in self.include.iter_mut().chain(&mut self.except) {
            entry.span = Span::default();
            entry.path.iter_mut().for_each(|segment| segment.span = Span::default());
        }
        self
    }
}

impl Expr {
    /// The same, as if it stood at the start of a file: equal to every expression that reads the same.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        self.erase_spans();
        self
    }

    fn erase_spans(&mut self) {
        self.span = Span::default();
        match &mut self.kind {
            ExprKind::Missing | ExprKind::Name(_) | ExprKind::Literal(_) | ExprKind::Bool(_) => {}
            ExprKind::Or(parts) | ExprKind::And(parts) | ExprKind::Product(parts) => {
                parts.iter_mut().for_each(Self::erase_spans);
            }
            ExprKind::Sum(parts) => parts.iter_mut().for_each(|(_, part)| part.erase_spans()),
            ExprKind::Not(inner) | ExprKind::Negative(inner) => inner.erase_spans(),
            ExprKind::Compare { left, op_span, right, .. } | ExprKind::Text { left, op_span, right, .. } => {
                *op_span = Span::default();
                left.erase_spans();
                right.erase_spans();
            }
            ExprKind::In { left, set } => {
                left.erase_spans();
                set.iter_mut().for_each(Self::erase_spans);
            }
            ExprKind::InNamed { left, list } => {
                list.span = Span::default();
                left.erase_spans();
            }
            ExprKind::Quantified { keyword, test, .. } => {
                *keyword = Span::default();
                test.erase_spans();
            }
            ExprKind::Has(name) => name.span = Span::default(),
        }
    }
}
