//! From a state of a project to the findings that are shown: computed on a worker, those of open documents first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ordain_ide::{Analysed, Checked, LineIndex, WORKSPACE_FILE};
use ordain_ir::Diagnostic;

use crate::event::{Batch, Part};

/// Files whose findings are made and handed over at once.
const BATCH: usize = 16;

/// What is to be shown of one state.
pub(crate) struct Show {
    pub(crate) checked: Arc<Checked>,
    pub(crate) analysed: Option<Analysed>,
    /// Its number.
    pub(crate) state: u64,
    /// The latest state; what is made of an older one is no longer wanted.
    pub(crate) latest: Arc<AtomicU64>,
    pub(crate) part: Part,
    /// The files of open documents.
    pub(crate) open: BTreeSet<String>,
    /// What was shown of the others, and the lines of all files then.
    pub(crate) known: Known,
}

/// The findings of files that are not open, as they were shown last.
#[derive(Clone, Default)]
pub(crate) struct Known {
    pub(crate) files: BTreeMap<String, Arc<Vec<Diagnostic>>>,
    pub(crate) lines: BTreeMap<String, Arc<LineIndex>>,
}

impl Show {
    /// Makes the findings and hands them over, as long as they are wanted.
    pub(crate) fn run(self, mut hand_over: impl FnMut(Batch)) {
        let Self { checked, analysed, state, latest, part, open, known } = self;
        if part == Part::Open {
            let mut files = checked.findings_in(&|file| open.contains(file), analysed.as_ref());
            for file in open {
                files.entry(file).or_default();
            }
            return hand_over(Batch { part, files });
        }
        let lines = checked.lines();
        // The same places of a file that has changed may be on other lines.
        let moved = |file: &String| {
            let then_and_now = known.lines.get(file).zip(lines.get(file));
            !then_and_now.is_some_and(|(then, now)| Arc::ptr_eq(then, now))
        };
        let moved: BTreeSet<&String> = lines.keys().filter(|file| moved(file)).collect();
        let all = lines.keys().map(String::as_str).chain([WORKSPACE_FILE]);
        let gone = known.files.keys().map(String::as_str);
        let all: BTreeSet<&str> = all.chain(gone).filter(|file| !open.contains(*file)).collect();
        let all: Vec<&str> = all.into_iter().collect();
        for names in all.chunks(BATCH) {
            if latest.load(Ordering::Relaxed) != state {
                return;
            }
            let mut found =
                checked.findings_in(&|file| names.binary_search(&file).is_ok(), analysed.as_ref());
            let mut changed = BTreeMap::new();
            for name in names {
                let found = found.remove(*name).unwrap_or_default();
                let same = known
                    .files
                    .get(*name)
                    .filter(|known| ***known == found && !found.iter().any(|it| mentions(it, &moved)));
                if same.is_none() {
                    changed.insert((*name).to_owned(), found);
                }
            }
            hand_over(Batch { part: Part::Others, files: changed });
        }
        hand_over(Batch { part: Part::Last, files: BTreeMap::new() });
    }
}

/// Whether a finding has a place in one of these files.
fn mentions(finding: &Diagnostic, files: &BTreeSet<&String>) -> bool {
    finding.primary.iter().chain(&finding.secondary).any(|label| files.contains(&label.file))
}
