//! Lexemes with their brackets matched.

use super::lexeme::Lexeme;

/// A lexeme, or a pair of brackets with what stands in them.
#[derive(Clone, Debug)]
pub(super) enum Node<'t, 'a> {
    /// Anything but a bracket.
    Leaf(&'t Lexeme<'a>),
    /// A pair of brackets.
    Brackets {
        /// `(` or `{`
        open: &'t Lexeme<'a>,
        /// What stands in them.
        inner: Vec<Node<'t, 'a>>,
        /// `)` or `}`
        close: &'t Lexeme<'a>,
    },
}

impl<'t, 'a> Node<'t, 'a> {
    /// Its first lexeme.
    pub(super) fn first(&self) -> &'t Lexeme<'a> {
        match self {
            Self::Leaf(lexeme) | Self::Brackets { open: lexeme, .. } => lexeme,
        }
    }

    /// Whether it is this word or sign.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Leaf(lexeme) if lexeme.is(text))
    }

    /// Whether it is a pair of such brackets.
    pub(super) fn opens(&self, bracket: &str) -> bool {
        matches!(self, Self::Brackets { open, .. } if open.is(bracket))
    }
}

/// Matches brackets. In a text without mistakes each has its partner; one that has none stays by itself.
pub(super) fn nodes<'t, 'a>(lexemes: &'t [Lexeme<'a>]) -> Vec<Node<'t, 'a>> {
    let mut open: Vec<(&'t Lexeme<'a>, Vec<Node<'t, 'a>>)> = vec![];
    let mut nodes = vec![];
    for lexeme in lexemes {
        if lexeme.is("(") || lexeme.is("{") {
            open.push((lexeme, std::mem::take(&mut nodes)));
        } else if lexeme.is(")") || lexeme.is("}") {
            match open.pop() {
                Some((bracket, outer)) => {
                    let inner = std::mem::replace(&mut nodes, outer);
                    nodes.push(Node::Brackets { open: bracket, inner, close: lexeme });
                }
                None => nodes.push(Node::Leaf(lexeme)),
            }
        } else {
            nodes.push(Node::Leaf(lexeme));
        }
    }
    while let Some((bracket, outer)) = open.pop() {
        let inner = std::mem::replace(&mut nodes, outer);
        nodes.push(Node::Leaf(bracket));
        nodes.extend(inner);
    }
    nodes
}
