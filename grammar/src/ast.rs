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
    /// Something that a later version of the language gives a meaning.
    Reserved(Reserved),
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
            Self::Reserved(item) => item.span,
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

/// `use std.facts.*` or `use std.facts.run.risk`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The item.
    pub span: Span,
    /// The package, or the package and a name in it; which part is which only the declarations tell.
    pub path: Name,
    /// Whether everything in the package is meant.
    pub all: bool,
}

/// `fact amount : money USD in 0.00..5.00 optional`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// The item.
    pub span: Span,
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
    /// `set of …`, reserved.
    Set,
}

/// `let x = …`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Let {
    /// The item.
    pub span: Span,
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
}

/// A rule or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The item.
    pub span: Span,
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
    /// `priority 100`
    Priority(Literal),
    /// `active fri 18:00 .. mon 08:00 in Europe/Berlin`
    Active(Window),
    /// `when tool.name == "export"`
    When(Expr),
    /// `when rule no-pii-export`
    WhenRule(Name),
    /// `at most 5` or `at least 5`
    Bound(Direction, Literal),
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
    /// A clause that a later version of the language gives a meaning.
    Reserved,
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

/// Something that is read but has no meaning yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reserved {
    /// The item.
    pub span: Span,
    /// Its keyword.
    pub keyword: Name,
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
            ExprKind::Has(name) => name.span = Span::default(),
        }
    }
}
