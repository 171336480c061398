//! Whether the repairs that BLOCKING conflicts name do what they say: each is put into the texts, and all is analysed
//! again.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;
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
    now: Timestamp,
    progress: &Progress,
) -> Result<(), Failure> {
    if checked.errors() > 0 {
        return Ok(());
    }
    let report = Arc::clone(&checked.report);
    let before: BTreeSet<&str> = report.conflicts.iter().map(|conflict| conflict.id.as_str()).collect();
    let blocking = report.conflicts.iter().enumerate().filter_map(|(at, conflict)| {
        let repair = conflict.repair.as_ref().filter(|_| conflict.severity == ConflictSeverity::Blocking)?;
        let fix = repair_fix(repair, &checked.sources)?;
        checked.files.contains_key(&fix.file).then_some((at, fix))
    });
    let tried: Vec<_> = blocking.take(MOST).collect();
    for (at, fix) in tried {
        let mut files = checked.files.clone();
        if let Some(text) = files.get_mut(&fix.file) {
            let (span, clause) = fix.edit(text);
            text.replace_range(span.range(), clause);
        }
        session.set_files(files);
        let after = session.analyse(threads, now, progress)?;
        let Some(conflict) = Arc::make_mut(&mut checked.report).conflicts.get_mut(at) else { continue };
        let alone = |id: &str| id != conflict.id && before.contains(id);
        if after.is_some_and(|after| after.conflicts.iter().all(|other| alone(&other.id))) {
            conflict.repair.iter_mut().for_each(|repair| repair.verified = true);
        } else if let Some(repair) = conflict.repair.take() {
            let example = format!("; for example {}", repair.description);
            conflict.recommended_action = conflict.recommended_action.replace(&example, "");
        }
    }
    session.set_files(checked.files.clone());
    Ok(())
}
