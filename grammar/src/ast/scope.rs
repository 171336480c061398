//! Whom a policy speaks to.

use ordain_ir::Span;

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
