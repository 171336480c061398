//! What a check shows of what it found: everything, but for warnings that are not asked for or known already.

pub(crate) mod baseline;
pub(crate) mod groups;
mod identity;
pub(crate) mod paths;
pub(crate) mod select;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use ordain_compiler::workspace::MANIFEST;
use ordain_ir::{Code, Conflict, ConflictSeverity, Diagnostic, Label, Severity};

use crate::args::FailOn;
use crate::findings::baseline::{Baseline, Entry};
use crate::findings::paths::Paths;
use crate::findings::select::Selection;
use crate::texts::Texts;
use crate::workspace::Checked;

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    /// Something wrong with the sources, or a lint.
    Source(&'a Diagnostic),
    /// A contradiction between policies.
    Conflict(&'a Conflict),
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is shown.
    Open,
    /// An `allow` accepts it.
    Allowed,
    /// `--select` and `--ignore` leave it out.
    Ignored,
    /// The baseline has it.
    Known,
}

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Finding<'a> {
    /// What it is.
    pub(crate) what: What<'a>,
    /// A fingerprint that survives moves and reformatting.
    pub(crate) id: Cow<'a, str>,
    /// What becomes of it.
    pub(crate) state: State,
}

impl<'a> Finding<'a> {
    /// Its code.
    pub(crate) const fn code(&self) -> &'a Code {
        match self.what {
            What::Source(diagnostic) => &diagnostic.code,
            What::Conflict(conflict) => &conflict.code,
        }
    }

    /// How bad it is: BLOCKING conflicts are errors.
    pub(crate) fn severity(&self) -> Severity {
        match self.what {
            What::Source(diagnostic) => diagnostic.severity,
            What::Conflict(conflict) if conflict.severity == ConflictSeverity::Blocking => Severity::Error,
            What::Conflict(conflict) if conflict.resolved => Severity::Info,
            What::Conflict(_) => Severity::Warning,
        }
    }

    /// As a diagnostic.
    pub(crate) fn diagnostic(&self, checked: &'a Checked) -> Cow<'a, Diagnostic> {
        match self.what {
            What::Source(diagnostic) => Cow::Borrowed(diagnostic),
            What::Conflict(conflict) => {
                Cow::Owned(ordain_analyzer::conflict_diagnostic(conflict, &checked.sources))
            }
        }
    }

    /// Whether this fails a check.
    pub(crate) fn fails(&self, fail_on: FailOn) -> bool {
        self.state == State::Open
            && match fail_on {
                FailOn::Never => false,
                FailOn::Blocking => self.severity() == Severity::Error,
                FailOn::Warning => self.severity() != Severity::Info,
            }
    }
}

/// What is left out.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// By code.
    pub(crate) selection: Selection,
    /// What was known before.
    pub(crate) baseline: Option<Baseline>,
}

/// Everything that was found, with what becomes of it.
pub(crate) struct Findings<'a> {
    /// Where it was found.
    pub(crate) checked: &'a Checked,
    /// The texts.
    pub(crate) texts: Texts<'a>,
    /// How files are named for programs that stand outside of the workspace.
    pub(crate) paths: Paths,
    /// What fails the check.
    pub(crate) fail_on: FailOn,
    /// Diagnostics, then conflicts, in the order of the analysis.
    pub(crate) all: Vec<Finding<'a>>,
    /// What the baseline has and is there no more.
    pub(crate) stale: Vec<Entry>,
    /// How many errors and BLOCKING conflicts the selection would leave out, if it could.
    pub(crate) kept: usize,
    /// How long each part of the check took, if that is asked for.
    pub(crate) took: Vec<(&'static str, Duration)>,
}

impl<'a> Findings<'a> {
    /// Everything, as it is.
    pub(crate) fn of(checked: &'a Checked) -> Self {
        Self::chosen(checked, &Choice::default(), FailOn::Blocking)
    }

    /// Everything, with what is left out marked.
    pub(crate) fn chosen(checked: &'a Checked, choice: &Choice, fail_on: FailOn) -> Self {
        let texts: Texts<'a> = checked.texts().collect();
        let mut ids = identity::ids(checked, &texts).into_iter();
        let sources = checked.diagnostics.iter().map(|diagnostic| Finding {
            what: What::Source(diagnostic),
            id: Cow::Owned(ids.next().unwrap_or_default()),
            state: State::Open,
        });
        let mut all: Vec<Finding<'_>> = sources.collect();
        all.extend(checked.report.conflicts.iter().map(|conflict| Finding {
            what: What::Conflict(conflict),
            id: Cow::Borrowed(&conflict.id),
            state: if conflict.resolved { State::Allowed } else { State::Open },
        }));
        let mut kept = 0;
        for finding in all.iter_mut().filter(|finding| finding.state == State::Open) {
            let selected = choice.selection.shows(finding.code());
            // What blocks a bundle is never left out, whatever is asked for.
            if finding.severity() == Severity::Error {
                kept += usize::from(!selected);
            } else if choice.baseline.as_ref().is_some_and(|baseline| baseline.has(&finding.id)) {
                finding.state = State::Known;
            } else if !selected {
                finding.state = State::Ignored;
            }
        }
        // Without lints, which errors leave out, nobody knows what is there no more.
        let stale = choice.baseline.as_ref().filter(|_| checked.errors() == 0);
        let stale = stale.map(|baseline| baseline.stale(all.iter().map(|finding| &*finding.id)));
        let paths = Paths::of(&checked.root);
        Self { checked, texts, paths, fail_on, all, stale: stale.unwrap_or_default(), kept, took: vec![] }
    }

    /// What is shown, errors first.
    pub(crate) fn open(&self) -> Vec<&Finding<'a>> {
        let mut open: Vec<_> = self.all.iter().filter(|finding| finding.state == State::Open).collect();
        // Stable: within a severity the order of the analysis stays.
        open.sort_by_key(|finding| finding.severity());
        open
    }

    /// How many findings are in this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.all.iter().filter(|finding| finding.state == state).count()
    }

    /// Whether anything fails the check.
    pub(crate) fn fail(&self) -> bool {
        self.all.iter().any(|finding| finding.fails(self.fail_on))
    }
}

/// Where a finding is for programs that need a file: at the workspace file if it has no place.
pub(crate) fn label(diagnostic: &Diagnostic) -> Label {
    diagnostic.primary.clone().unwrap_or_else(|| Label {
        file: MANIFEST.to_owned(),
        span: ordain_ir::Span::default(),
        text: String::new(),
    })
}

/// How bad a finding is, the worst first: errors, BLOCKING conflicts, those proved, those suspected, lints.
pub(crate) fn rank(finding: &Finding<'_>) -> impl Ord + Copy {
    let conflict = match finding.what {
        What::Source(_) => None,
        What::Conflict(conflict) => Some((Reverse(conflict.severity), conflict.certainty)),
    };
    // A mistake in the sources comes before what was proved without them; a lint after all conflicts.
    let lint = matches!(finding.what, What::Source(_)) && finding.severity() != Severity::Error;
    (finding.severity(), lint, conflict)
}
