//! Files, and what stands in them at the outermost level.

use ordain_ir::Span;

use super::{Apply, Expr, Literal, Name, Policy, Scope, Template, Test};

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

impl Declares {
    /// The keyword.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Fact => "fact",
            Self::Let => "let",
            Self::Rule => "rule",
            Self::Limit => "limit",
            Self::Meter => "meter",
            Self::Template => "template",
            Self::Apply => "apply",
        }
    }
}
