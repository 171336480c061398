//! Whether the repairs that BLOCKING conflicts name do what they say: each is put into the texts, and all is analysed
//! again.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ordain_analyzer::repair_fix;
use ordain_ir::ConflictSeverity;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::workspace::{Checked, Session};

/// Repairs that are tried; beyond, they are told as what they are: computed for the conflict alone.
const MOST: usize = 16;

/// Tries the repairs of BLOCKING conflicts. One that leaves its conflict, or brings up another one, is told no more.
pub(crate) fn verify(
    session: &mut Session,
    checked: &mut Checked,
    threads: Option<NonZeroUsize>,
    progress: &Progress,
) -> Result<(), Failure> {
    if checked.errors() > 0 {
        return Ok(());
    }
    let conflicts = &checked.report.conflicts;
    let blocking = conflicts.iter().enumerate().filter_map(|(at, conflict)| {
        let repair = conflict.repair.as_ref().filter(|_| conflict.severity == ConflictSeverity::Blocking)?;
        let fix = repair_fix(repair, &checked.sources)?;
        checked.files.contains_key(&fix.file).then_some((at, fix))
    });
    let tried: Vec<_> = blocking.take(MOST).collect();
    if tried.is_empty() {
        return Ok(());
    }
    let before: BTreeSet<&str> = conflicts.iter().map(|conflict| conflict.id.as_str()).collect();
    let mut outcomes = vec![];
    for (at, fix) in tried {
        let mut files = checked.files.clone();
        if let Some(text) = files.get_mut(&fix.file) {
            let (span, clause) = fix.edit(text);
            text.replace_range(span.range(), clause);
        }
        session.set_files(files);
        let after = session.analyse(threads, progress)?;
        let alone = |id: &str| id != conflicts[at].id && before.contains(id);
        outcomes.push((at, after.is_some_and(|after| after.conflicts().all(|other| alone(&other.id)))));
    }
    session.set_files(checked.files.clone());
    let report = Arc::make_mut(&mut checked.report);
    for (at, verified) in outcomes {
        let conflict = Arc::make_mut(&mut report.conflicts[at]);
        if verified {
            conflict.repair.iter_mut().for_each(|repair| repair.verified = true);
        } else if let Some(repair) = conflict.repair.take() {
            let example = format!("; for example {}", repair.description);
            conflict.recommended_action = conflict.recommended_action.replace(&example, "");
        }
    }
    Ok(())
}
