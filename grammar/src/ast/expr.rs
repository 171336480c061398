//! Names, literals and expressions.

use ordain_ir::Span;

/// A name or a word as it stands in the text; dotted names are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text.
    pub text: String,
    /// Where.
    pub span: Span,
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
