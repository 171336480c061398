//! Layouts, and how they become lines: texts, places where a line may or must end, and comments, which end
//! theirs. A group stands on one line where it fits, else all of its own places end a line (after Wadler, "A
//! prettier printer").

use std::borrow::Cow;

use super::lines::Lines;

/// A layout.
#[derive(Clone, Debug)]
pub(super) enum Doc<'a> {
    /// Text without line ends.
    Text(Cow<'a, str>),
    /// A blank, but not at the beginning or the end of a line.
    Space,
    /// Blanks up to this column, counted from the indentation; nothing at the end of a line.
    Column(usize),
    /// A blank, or the end of the line where the group is broken.
    Line,
    /// Nothing, or the end of the line where the group is broken.
    Soft,
    /// The end of the line.
    Hard,
    /// What follows begins a line, with an empty one above.
    Blank,
    /// A comma, which goes before the comment behind it.
    Comma,
    /// A comma where the group is broken.
    LastComma,
    /// A word that the language reads as one only where the line, the bracket or the operand ends behind it.
    Fragile(&'a str),
    /// A comment at the end of its line.
    Behind(&'a str),
    /// A comment on a line of its own.
    Above(&'a str),
    /// What begins lines in it is indented further.
    Nest(usize, Block<'a>),
    /// All on one line, or broken.
    Group(Block<'a>),
}

/// Layouts in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Block<'a> {
    docs: Vec<Doc<'a>>,
    /// Whether a line must end within.
    broken: bool,
    /// Whether a line must end behind, because of a comment there.
    commented: bool,
}

impl<'a> Doc<'a> {
    /// A text.
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A group.
    pub(super) fn group(docs: Vec<Self>) -> Self {
        Self::Group(Block::new(docs))
    }

    /// An indented part.
    pub(super) fn nest(by: usize, docs: Vec<Self>) -> Self {
        Self::Nest(by, Block::new(docs))
    }

    /// Whether a line must end within.
    fn is_broken(&self) -> bool {
        match self {
            Self::Hard | Self::Blank | Self::Above(_) => true,
            Self::Nest(_, block) | Self::Group(block) => block.broken,
            _ => false,
        }
    }

    /// Whether a line must end behind it; nothing if it is itself nothing, or goes before the comment.
    fn is_commented(&self) -> Option<bool> {
        match self {
            Self::Behind(_) => Some(true),
            Self::Comma | Self::LastComma => None,
            Self::Nest(_, block) | Self::Group(block) if block.docs.is_empty() => None,
            Self::Nest(_, block) | Self::Group(block) => Some(block.commented),
            _ => Some(false),
        }
    }
}

impl<'a> Block<'a> {
    fn new(docs: Vec<Doc<'a>>) -> Self {
        let (mut broken, mut commented) = (false, false);
        for doc in &docs {
            let behind = doc.is_commented();
            broken |= doc.is_broken() || (commented && behind == Some(false));
            commented = behind.unwrap_or(commented);
        }
        Self { docs, broken, commented }
    }
}

/// How the places of a part end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// A part that is still to be printed.
type Work<'d, 'a> = (usize, Mode, &'d Doc<'a>);

/// Lays out, with lines no longer than `width` as far as that goes.
pub(super) fn print<'a>(docs: &[Doc<'a>], width: usize, lines: &mut Lines<'a>) {
    let mut work: Vec<Work<'_, 'a>> = docs.iter().rev().map(|doc| (0, Mode::Broken, doc)).collect();
    while let Some((indent, mode, doc)) = work.pop() {
        match doc {
            Doc::Text(text) => lines.text(text, indent),
            Doc::Fragile(text) => {
                lines.text(text, indent);
                lines.end_before_operand();
            }
            Doc::Space => lines.space(),
            Doc::Column(column) => lines.column(indent + column),
            Doc::Line if mode == Mode::Flat => lines.space(),
            Doc::Soft | Doc::LastComma if mode == Mode::Flat => {}
            Doc::Line | Doc::Soft | Doc::Hard => lines.end(),
            Doc::Blank => lines.blank(),
            Doc::Comma | Doc::LastComma => lines.comma(),
            Doc::Behind(comment) => lines.behind(comment),
            Doc::Above(comment) => lines.above(comment, indent),
            Doc::Nest(by, block) => {
                work.extend(block.docs.iter().rev().map(|doc| (indent + by, mode, doc)));
            }
            Doc::Group(block) => {
                let parts = |mode| block.docs.iter().rev().map(move |doc| (indent, mode, doc));
                let room = width.checked_sub(lines.next_column(indent)).filter(|_| !block.broken);
                let flat = room.is_some_and(|room| fits(room, parts(Mode::Flat).collect(), &work));
                work.extend(parts(if flat { Mode::Flat } else { Mode::Broken }));
            }
        }
    }
}

/// Whether `parts` and what stands behind them on the same line, whose last is printed first, fit.
fn fits<'d, 'a>(mut room: usize, mut parts: Vec<Work<'d, 'a>>, rest: &[Work<'d, 'a>]) -> bool {
    let mut rest = rest.iter().rev();
    let mut commented = false;
    loop {
        let Some((indent, mode, doc)) = parts.pop().or_else(|| rest.next().copied()) else { return true };
        // Only a comma goes before the comment, which may be as long as it is.
        if commented && !matches!(doc, Doc::Comma | Doc::LastComma) {
            return true;
        }
        commented |= matches!(doc, Doc::Behind(_));
        let needed = match doc {
            Doc::Text(text) => width(text),
            Doc::Fragile(text) => width(text),
            Doc::Space | Doc::Comma => 1,
            Doc::Line if mode == Mode::Flat => 1,
            Doc::LastComma => usize::from(mode == Mode::Broken),
            Doc::Soft if mode == Mode::Flat => 0,
            // No clause has a second column.
            Doc::Column(_) | Doc::Behind(_) => 0,
            Doc::Line | Doc::Soft | Doc::Hard | Doc::Blank | Doc::Above(_) => return true,
            Doc::Nest(_, block) | Doc::Group(block) => {
                parts.extend(block.docs.iter().rev().map(|doc| (indent, mode, doc)));
                0
            }
        };
        match room.checked_sub(needed) {
            Some(left) => room = left,
            None => return false,
        }
    }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// The one line that a layout makes, if it can.
pub(super) fn flat(docs: &[Doc<'_>]) -> Option<String> {
    if docs.iter().any(Doc::is_broken) {
        return None;
    }
    let mut lines = Lines::default();
    let whole = [Doc::Group(Block { docs: docs.to_vec(), ..Block::default() })];
    print(&whole, usize::MAX, &mut lines);
    lines.single()
}
