//! What stands in clauses and declarations: conditions, scopes, lists, windows, types.

use super::doc::Doc;
use super::lexeme::{Lexeme, is_reserved, write_last};
use super::tree::Node;
use crate::TokenKind;

type Docs<'a> = Vec<Doc<'a>>;

/// How much further the parts of something stand that takes several lines.
pub(super) const INDENT: usize = 2;

/// What a row is part of, which decides on the blanks in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// A condition or an amount.
    Condition,
    /// A window.
    Window,
    /// Names, types, ranges.
    Declaration,
    /// A parameter of a template, whose colon follows its name.
    Parameter,
}

/// A row: what stands on one line, but for its lists and conditions in parentheses.
pub(super) fn row<'a>(nodes: &[Node<'_, 'a>], setting: Setting, out: &mut Docs<'a>) {
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 && !is_tight(nodes, at, setting) {
            out.push(Doc::Space);
        }
        match node {
            Node::Leaf(lexeme) if lexeme.is(",") => comma(lexeme, out),
            Node::Leaf(lexeme) if setting == Setting::Condition && is_fragile(nodes, at) => {
                lexeme.write_above(out);
                out.push(Doc::Fragile(lexeme.text));
                lexeme.write_behind(out);
            }
            Node::Leaf(lexeme) => lexeme.write(out),
            Node::Brackets { open, inner, close } if open.is("{") => list(open, inner, close, out),
            Node::Brackets { open, inner, close } => {
                let mut inside = vec![Doc::Soft];
                match setting {
                    Setting::Condition => condition(inner, &mut inside),
                    _ => row(inner, setting, &mut inside),
                }
                brackets(open, inside, close, Doc::Soft, out);
            }
        }
    }
}

/// Whether no blank stands before the node at `at`.
fn is_tight(nodes: &[Node<'_, '_>], at: usize, setting: Setting) -> bool {
    let (before, node) = (&nodes[at - 1], &nodes[at]);
    let range = |dots: usize| match setting {
        Setting::Window => [dots.checked_sub(1), Some(dots + 1)]
            .into_iter()
            .all(|at| at.and_then(|at| nodes.get(at)).is_some_and(|node| is_day(node.first().text))),
        _ => true,
    };
    node.is(",")
        || node.is(".*")
        || node.is(":") && setting == Setting::Parameter
        || node.opens("(") && setting != Setting::Condition
        || node.is("..") && range(at)
        || before.is("..") && range(at - 1)
        || before.is("-") && is_sign(&nodes[..at - 1])
}

fn is_day(word: &str) -> bool {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&word)
}

/// Whether a minus behind these is a sign, and no subtraction.
fn is_sign(before: &[Node<'_, '_>]) -> bool {
    match before.last() {
        None => true,
        Some(Node::Leaf(lexeme)) => match lexeme.kind {
            TokenKind::Symbol => true,
            TokenKind::Keyword => is_operator(lexeme.text),
            _ => false,
        },
        Some(Node::Brackets { .. }) => false,
    }
}

/// Whether a word takes an operand.
fn is_operator(word: &str) -> bool {
    is_reserved(word) && !["true", "false"].contains(&word)
}

/// Whether the node is a word of an enumeration that is a keyword elsewhere.
fn is_fragile(nodes: &[Node<'_, '_>], at: usize) -> bool {
    const TESTS: [&str; 11] = ["==", "!=", "<", "<=", ">", ">=", "like", "matches", "contains", "with", "="];
    let Some(Node::Leaf(before)) = at.checked_sub(1).and_then(|before| nodes.get(before)) else {
        return false;
    };
    let Node::Leaf(lexeme) = &nodes[at] else { return false };
    TESTS.iter().any(|test| before.is(test))
        && lexeme.kind == TokenKind::Keyword
        && is_operator(lexeme.text)
        && !["not", "has"].contains(&lexeme.text)
}

/// A comma goes before the comment of what it follows, unless it has one itself.
fn comma<'a>(lexeme: &Lexeme<'a>, out: &mut Docs<'a>) {
    if lexeme.is_bare() {
        out.push(Doc::Comma);
    } else {
        lexeme.write(out);
    }
}

/// `inside` in brackets, as one group.
fn brackets<'a>(
    open: &Lexeme<'a>,
    mut inside: Docs<'a>,
    close: &Lexeme<'a>,
    line: Doc<'a>,
    out: &mut Docs<'a>,
) {
    open.write_above(out);
    write_last(&close.above, true, &mut inside);
    let mut docs = vec![Doc::text(open.text)];
    open.write_behind(&mut docs);
    docs.push(Doc::nest(INDENT, inside));
    docs.push(line);
    docs.push(Doc::text(close.text));
    out.push(Doc::group(docs));
    close.write_behind(out);
}

/// `{ a, b }`, or broken, one on each line.
fn list<'a>(open: &Lexeme<'a>, inner: &[Node<'_, 'a>], close: &Lexeme<'a>, out: &mut Docs<'a>) {
    let elements = elements(inner, &|_| true);
    let line = if inner.is_empty() { Doc::Soft } else { Doc::Line };
    let mut inside = vec![line.clone()];
    write_elements(&elements, &mut inside, &mut |element, out| row(element, Setting::Declaration, out));
    brackets(open, inside, close, line, out);
}

/// An argument of a template, or a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    /// Where it starts.
    pub(super) start: u32,
    /// Whether its value is a scope.
    pub(super) scope: bool,
}

/// `(a = 1, b = 2)`, or broken, one on each line.
pub(super) fn arguments<'a>(
    node: &Node<'_, 'a>,
    arguments: &[Argument],
    setting: Setting,
    out: &mut Docs<'a>,
) {
    let Node::Brackets { open, inner, close } = node else {
        return row(std::slice::from_ref(node), setting, out);
    };
    let of = |start: u32| arguments.iter().find(|argument| argument.start == start);
    let elements = elements(inner, &|next| of(next.start).is_some());
    let mut inside = vec![Doc::Soft];
    write_elements(&elements, &mut inside, &mut |element, out| {
        let scope = of(element[0].first().start).is_some_and(|argument| argument.scope);
        let equals = element.iter().position(|node| node.is("=")).map_or(element.len(), |at| at + 1);
        let (name, value) = element.split_at(equals);
        row(name, setting, out);
        if !value.is_empty() {
            out.push(Doc::Space);
            let mut docs = vec![];
            if scope {
                scopes(value, &mut docs);
            } else {
                condition(value, &mut docs);
            }
            out.push(Doc::nest(INDENT, docs));
        }
    });
    brackets(open, inside, close, Doc::Soft, out);
}

/// An element of a list, and the comma behind it.
struct Element<'n, 't, 'a> {
    nodes: &'n [Node<'t, 'a>],
    comma: Option<&'t Lexeme<'a>>,
}

/// Elements, each up to a comma that is the last or is followed by the start of another.
fn elements<'n, 't, 'a>(
    nodes: &'n [Node<'t, 'a>],
    starts: &dyn Fn(&Lexeme<'a>) -> bool,
) -> Vec<Element<'n, 't, 'a>> {
    let mut elements = vec![];
    let mut from = 0;
    for (at, node) in nodes.iter().enumerate() {
        let Node::Leaf(lexeme) = node else { continue };
        if lexeme.is(",") && nodes.get(at + 1).is_none_or(|next| starts(next.first())) {
            elements.push(Element { nodes: &nodes[from..at], comma: Some(lexeme) });
            from = at + 1;
        }
    }
    if from < nodes.len() {
        elements.push(Element { nodes: &nodes[from..], comma: None });
    }
    elements
}

/// Elements with the places between them, and a comma behind the last where they stand on lines of their own.
fn write_elements<'a>(
    elements: &[Element<'_, '_, 'a>],
    out: &mut Docs<'a>,
    write: &mut dyn FnMut(&[Node<'_, 'a>], &mut Docs<'a>),
) {
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push(Doc::Line);
            gap(element.nodes, out);
        }
        write(element.nodes, out);
        match element.comma {
            Some(lexeme) if at + 1 < elements.len() || !lexeme.is_bare() => comma(lexeme, out),
            _ => out.push(Doc::LastComma),
        }
    }
}

/// The empty line above a part that isn't the first.
fn gap<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    if nodes.first().is_some_and(|node| node.first().gap()) {
        out.push(Doc::Blank);
    }
}

/// A part of a row, and the word before it.
struct Part<'n, 't, 'a> {
    word: Option<&'t Lexeme<'a>>,
    nodes: &'n [Node<'t, 'a>],
}

/// Splits before words; each part but the first has one.
fn parts<'n, 't, 'a>(nodes: &'n [Node<'t, 'a>], words: &[&str]) -> Vec<Part<'n, 't, 'a>> {
    let mut parts = vec![];
    let (mut word, mut from) = (None, 0);
    for (at, node) in nodes.iter().enumerate() {
        let Node::Leaf(lexeme) = node else { continue };
        if words.iter().any(|word| lexeme.is(word)) && !is_fragile(nodes, at) {
            if at > from || word.is_some() {
                parts.push(Part { word, nodes: &nodes[from..at] });
            }
            (word, from) = (Some(*lexeme), at + 1);
        }
    }
    parts.push(Part { word, nodes: &nodes[from..] });
    parts
}

/// Parts with the places between them, all of one group; those that begin a line are indented by `hang`.
fn write_parts<'a>(
    parts: &[Part<'_, '_, 'a>],
    hang: usize,
    out: &mut Docs<'a>,
    write: &mut dyn FnMut(&Part<'_, '_, 'a>, &mut Docs<'a>),
) {
    let (mut docs, mut rest) = (vec![], vec![]);
    for (at, part) in parts.iter().enumerate() {
        let docs = if at == 0 { &mut docs } else { &mut rest };
        if at > 0 {
            docs.push(Doc::Line);
        }
        if let Some(word) = part.word {
            word.write(docs);
            docs.push(Doc::Space);
        }
        write(part, docs);
    }
    docs.push(Doc::nest(hang, rest));
    out.push(Doc::group(docs));
}

/// A condition: where it is too long, `or` begins lines, then `and`.
pub(super) fn condition<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let alternatives = parts(nodes, &["or"]);
    let hang = if alternatives.len() > 1 { INDENT } else { 0 };
    write_parts(&alternatives, 0, out, &mut |part, out| {
        write_parts(&parts(part.nodes, &["and"]), hang, out, &mut |part, out| {
            row(part.nodes, Setting::Condition, out);
        });
    });
}

/// A scope: where it is too long, `except` begins a line, then each entry does.
pub(super) fn scopes<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    write_parts(&parts(nodes, &["except"]), 0, out, &mut |part, out| {
        let mut docs = vec![];
        names(part.nodes, &mut docs);
        let by = part.word.map_or(0, |word| word.text.len() + 1);
        out.push(Doc::nest(by, docs));
    });
}

/// Names or scopes with commas between them, on one line or each on its own.
pub(super) fn names<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let mut docs = vec![];
    for (at, element) in elements(nodes, &|_| true).iter().enumerate() {
        if at > 0 {
            docs.push(Doc::Line);
            gap(element.nodes, &mut docs);
        }
        row(element.nodes, Setting::Declaration, &mut docs);
        if let Some(lexeme) = element.comma {
            comma(lexeme, &mut docs);
        }
    }
    out.push(Doc::group(docs));
}

/// Names, then `because`.
pub(super) fn overrides<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    write_parts(&parts(nodes, &["because"]), 0, out, &mut |part, out| names(part.nodes, out));
}

/// A window, broken before its zone and its ends.
pub(super) fn window<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    write_parts(&parts(nodes, &["in", "from", "until"]), 0, out, &mut |part, out| {
        row(part.nodes, Setting::Window, out);
    });
}

/// `block by a, b not by c`, broken before each `by`.
pub(super) fn expectation<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let mut docs = vec![];
    let mut from = 0;
    for at in 1..=nodes.len() {
        let by = nodes.get(at).is_none_or(|node| node.is("not") || node.is("by") && !nodes[at - 1].is("not"));
        if by {
            let part = &nodes[from..at];
            let words = part.iter().take_while(|node| node.is("not") || node.is("by")).count();
            if from > 0 {
                docs.push(Doc::Line);
            }
            row(&part[..words], Setting::Declaration, &mut docs);
            docs.push(Doc::Space);
            names(&part[words..], &mut docs);
            from = at;
        }
    }
    out.push(Doc::group(docs));
}

/// What is given or used in a test: all on one line if that can be, else who asks where and when on one and the
/// facts on others. A request of several parts always has its own line.
pub(super) fn assignments<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let fact = |at: usize| nodes.get(at + 1).is_some_and(|next| next.is("="));
    let request = |at: usize| {
        let word = ["agent", "provider", "at"].iter().any(|word| nodes[at].is(word));
        word && !(at > 0 && nodes[at - 1].is("="))
    };
    let starts: Vec<usize> = (0..nodes.len()).filter(|at| *at == 0 || fact(*at) || request(*at)).collect();
    let between = if starts.iter().filter(|at| !fact(**at)).count() > 1 { Doc::Hard } else { Doc::Line };
    let (mut runs, mut run) = (vec![], vec![]);
    for (index, at) in starts.iter().copied().enumerate() {
        let part = &nodes[at..starts.get(index + 1).copied().unwrap_or(nodes.len())];
        match index.checked_sub(1).map(|before| fact(starts[before]) == fact(at)) {
            Some(true) => run.push(Doc::Line),
            Some(false) => runs.extend([Doc::group(std::mem::take(&mut run)), between.clone()]),
            None => {}
        }
        if at > 0 {
            gap(part, &mut run);
        }
        row(part, Setting::Declaration, &mut run);
    }
    runs.push(Doc::group(run));
    out.push(Doc::group(runs));
}

/// Whether the last lexeme is a word that must end its line.
pub(super) fn ends_fragile(lexemes: &[Lexeme<'_>]) -> bool {
    let nodes: Vec<Node<'_, '_>> = lexemes.iter().map(Node::Leaf).collect();
    nodes.len().checked_sub(1).is_some_and(|last| is_fragile(&nodes, last))
}
