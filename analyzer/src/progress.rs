//! How far an analysis is, for those who wait for it.

use std::cell::Cell;

/// What an analysis is busy with. It comes back to some of these many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Preparing scopes, windows and conditions, and looking which scopes meet.
    Domains,
    /// Looking which windows meet.
    Windows,
    /// Looking which conditions can hold together.
    Conditions,
    /// Judging and replaying pairs.
    Conflicts,
    /// Looking for sets of limits that can't all hold.
    Contradictions,
    /// Looking for gaps in required coverage.
    Coverage,
    /// Putting the report together.
    Report,
}

impl Stage {
    /// In words: `comparing scopes`.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Domains => "comparing scopes",
            Self::Windows => "comparing windows",
            Self::Conditions => "comparing conditions",
            Self::Conflicts => "replaying examples",
            Self::Contradictions => "adding up limits",
            Self::Coverage => "checking coverage",
            Self::Report => "writing the report",
        }
    }
}

/// Tells those who wait, and lets them stop it.
#[derive(Default)]
pub(crate) struct Watch<'a> {
    pub(crate) interrupt: Option<&'a dyn Fn()>,
    pub(crate) progress: Option<&'a dyn Fn(Stage)>,
    last: Cell<Option<Stage>>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(interrupt: Option<&'a dyn Fn()>, progress: Option<&'a dyn Fn(Stage)>) -> Self {
        Self { interrupt, progress, last: Cell::new(None) }
    }

    /// The analysis turns to this now. Unwinds if it is no longer wanted.
    pub(crate) fn enter(&self, stage: Stage) {
        if let Some(interrupt) = self.interrupt {
            interrupt();
        }
        if self.last.replace(Some(stage)) != Some(stage)
            && let Some(progress) = self.progress
        {
            progress(stage);
        }
    }
}
