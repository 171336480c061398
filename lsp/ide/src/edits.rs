//! What an editor can do to a text at a person's word: format it, and mend what diagnostics tell how to mend.

use ordain_grammar::FormatError;
use ordain_ir::diagnostic::Fix;
use ordain_ir::{Diagnostic, Span, fix};
use similar::{DiffOp, TextDiff};

use crate::{Analysed, Snapshot};

/// Text to put in place of other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// A change that a person may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub title: String,
    /// What it mends.
    pub mends: Vec<Diagnostic>,
    /// The edits; none touches another.
    pub edits: Vec<Edit>,
    /// Whether it is beyond doubt what is meant.
    pub certain: bool,
}

impl Snapshot {
    /// The edits that format a file, line by line; `None` if it isn't one of the workspace.
    ///
    /// # Errors
    /// See [`FormatError`].
    pub fn format(&self, file: &str) -> Option<Result<Vec<Edit>, FormatError>> {
        let text = self.input.file(&self.db, file)?.text(&self.db);
        Some(ordain_grammar::format(text).map(|formatted| between(text, &formatted)))
    }

    /// The fixes of what is found within a stretch of a file, in the order of their places.
    pub fn fixes(&self, file: &str, within: Span, analysed: Option<&Analysed>) -> Vec<Action> {
        let touches = |span: Span| span.start <= within.end && within.start <= span.end;
        let Some(text) = self.text(file) else { return vec![] };
        let found = self.found(file, analysed);
        let found = found.iter().filter(|it| it.primary.as_ref().is_some_and(|label| touches(label.span)));
        let action = |diagnostic: &Diagnostic, fix: &Fix| Action {
            title: fix.title.clone(),
            mends: vec![diagnostic.clone()],
            edits: vec![edit(fix, text)],
            certain: fix.certain,
        };
        found
            .flat_map(|it| it.fixes.iter().filter(|fix| fix.file == file).map(move |fix| action(it, fix)))
            .collect()
    }

    /// All fixes of a file at once that are beyond doubt; `None` if there is none.
    pub fn fix_all(&self, file: &str, analysed: Option<&Analysed>) -> Option<Action> {
        let text = self.text(file)?;
        let found = self.found(file, analysed);
        let certain = found.iter().flat_map(|diagnostic| {
            let fixes = diagnostic.fixes.iter().filter(|fix| fix.certain && fix.file == file);
            fixes.map(move |fix| (diagnostic, fix))
        });
        let fixes = fix::apart(certain.collect(), |(_, fix)| fix);
        let action = Action {
            title: "apply every fix that is beyond doubt".to_owned(),
            mends: fixes.iter().map(|(diagnostic, _)| (*diagnostic).clone()).collect(),
            edits: fixes.iter().map(|(_, fix)| edit(fix, text)).collect(),
            certain: true,
        };
        (!action.edits.is_empty()).then_some(action)
    }

    fn text(&self, file: &str) -> Option<&str> {
        Some(self.input.file(&self.db, file)?.text(&self.db))
    }

    fn found(&self, file: &str, analysed: Option<&Analysed>) -> Vec<Diagnostic> {
        self.check().findings_in(&|other| other == file, analysed).remove(file).unwrap_or_default()
    }
}

fn edit(fix: &Fix, text: &str) -> Edit {
    let (span, replacement) = fix.edit(text);
    Edit { span, text: replacement.to_owned() }
}

/// The edits that make one text of another: whole lines, so that the cursor stays where nothing changes.
fn between(old: &str, new: &str) -> Vec<Edit> {
    let diff = TextDiff::from_lines(old, new);
    let starts = |slices: &[&str]| {
        let mut at = 0;
        let mut starts: Vec<usize> = vec![0];
        starts.extend(slices.iter().map(|slice| {
            at += slice.len();
            at
        }));
        starts
    };
    let (old_starts, new_starts) = (starts(diff.old_slices()), starts(diff.new_slices()));
    let changed = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changed
        .map(|op| {
            let (from, to) = (op.old_range(), op.new_range());
            let span = Span::new(old_starts[from.start], old_starts[from.end]);
            Edit { span, text: new[new_starts[to.start]..new_starts[to.end]].to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_lead_from_one_text_to_the_other() {
        for (old, new) in [
            ("", ""),
            ("", "a\n"),
            ("a", "a\n"),
            ("a\r\nb\r\nc\r\n", "a\r\n  b\r\nc\r\n"),
            ("a\nb\nc\nd\n", "b\nc\nx\ny\nd\n"),
            ("é\n\n\n𝄞", "é\n\n𝄞\n"),
        ] {
            let edits = between(old, new);
            assert!(edits.is_sorted_by(|a, b| a.span.end <= b.span.start), "{edits:?}");
            let mut edited = old.to_owned();
            for edit in edits.iter().rev() {
                edited.replace_range(edit.span.range(), &edit.text);
            }
            assert_eq!(edited, new);
        }
        assert_eq!(
            between("a\nb\nc\n", "a\n  b\nc\n"),
            [Edit { span: Span::new(2, 4), text: "  b\n".to_owned() }]
        );
    }
}
