//! How domains cut the requests of another one into cells: of the subjects and instants of one cell the same policies
//! may speak, so that only their conditions are left to ask about.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::Answer;
use crate::bits::Bits;
use crate::domain::{Algebra, Domain, WindowId};
use crate::scope::{self, Subject};
use crate::window::Intervals;

/// Most cells of subjects, of time, and of both together that are asked about for one question, and most parts into
/// which windows cut time.
pub(crate) const MAX_CELLS: usize = 4_096;

/// Subjects and instants at which the same of some domains may speak, with the canonical ones.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// The domains, by number.
    pub(crate) open: Bits,
    pub(crate) subject: Subject,
    pub(crate) at: i64,
}

/// The cells of a domain that is not empty; each set of others once, the smaller sets first. `None` beyond the caps.
pub(crate) fn cells(base: &Domain, others: &[&Domain], algebra: &Algebra<'_>) -> Option<Vec<Cell>> {
    let within = algebra.selectors(base);
    let subjects = subjects(&within, others, algebra)?;
    let instants = instants(&base.window, others, |_| true, algebra, MAX_CELLS)?;
    let mut seen = BTreeSet::new();
    let mut out = vec![];
    for (of_subject, subject) in &subjects {
        for (of_time, at) in &instants {
            let open = of_subject.and(of_time);
            if seen.insert(open.clone()) {
                out.push(Cell { open, subject: subject.clone(), at: *at });
            }
            if out.len() > MAX_CELLS {
                return None;
            }
        }
    }
    // Stable: canonical ones stay in front of others of the same size.
    out.sort_by_key(|cell| cell.open.len());
    Some(out)
}

/// The subjects that all of `within` select by the domains whose scopes they are in, the most readable one of each.
/// `None` beyond the caps, or where something is undecided.
pub(crate) fn subjects(
    within: &[&ordain_ir::ScopeSelector],
    domains: &[&Domain],
    algebra: &Algebra<'_>,
) -> Option<Vec<(Bits, Subject)>> {
    let strings = &algebra.conditions.memo.strings;
    let scopes: BTreeSet<_> = domains.iter().flat_map(|domain| algebra.selectors(domain)).collect();
    let mut meeting = vec![];
    for scope in scopes {
        match scope::find(&[within, &[scope]].concat(), &[], strings) {
            Answer::No => {}
            Answer::Yes(_) => meeting.push(scope),
            Answer::Undecided => return None,
        }
    }
    let numbers: Vec<Vec<Option<usize>>> = domains
        .iter()
        .map(|domain| algebra.selectors(domain).iter().map(|s| meeting.binary_search(s).ok()).collect())
        .collect();
    let cells = scope::cells(within, &meeting, strings)?;
    let of_domains = |cell: &Bits| {
        let is_in = |number: &Option<usize>| number.is_some_and(|scope| cell.contains(scope));
        Bits::new(domains.len(), |at| numbers[at].iter().all(is_in))
    };
    Some(cells.into_iter().map(|(cell, subject)| (of_domains(&cell), subject)).collect())
}

/// The instants of `within` by the domains whose windows they are in, the first one of each part: from the beginning
/// of the configured horizon on, then what was added before it. Only the domains that are `asked` for count. `None` if
/// there are more than `most` parts.
pub(crate) fn instants(
    within: &Intervals,
    domains: &[&Domain],
    asked: impl Fn(usize) -> bool,
    algebra: &Algebra<'_>,
    most: usize,
) -> Option<Vec<(Bits, i64)>> {
    // Equal windows are one.
    let counting = || domains.iter().enumerate().filter(|(at, _)| asked(*at));
    let windows: BTreeMap<WindowId, &Intervals> =
        counting().map(|(_, domain)| (domain.window_id, &*domain.window)).collect();
    let ids: Vec<WindowId> = windows.keys().copied().collect();
    let start = algebra.policies().settings.horizon.0;
    // Where windows open and close; the last of them is what all is within.
    let whole = windows.len();
    let mut changes: Vec<(i64, Option<usize>)> = vec![(start, None)];
    for (at, window) in windows.values().copied().chain([within]).enumerate() {
        changes.extend(window.parts().iter().flat_map(|(from, to)| [(*from, Some(at)), (*to, Some(at))]));
    }
    // Stable, since that merges what is sorted for each window already.
    changes.sort();
    let mut open = Bits::new(whole + 1, |_| false);
    let mut seen: FxHashMap<Bits, i64> = FxHashMap::default();
    for changed in changes.chunk_by(|a, b| a.0 == b.0) {
        for window in changed.iter().filter_map(|(_, window)| *window) {
            open.toggle(window);
        }
        let at = changed[0].0;
        if open.contains(whole) {
            match seen.get_mut(&open) {
                Some(first) if *first < start && at >= start => *first = at,
                Some(_) => {}
                None => drop(seen.insert(open.clone(), at)),
            }
        }
        if seen.len() > most {
            return None;
        }
    }
    let mut numbers = vec![None; domains.len()];
    for (at, domain) in counting() {
        numbers[at] = ids.binary_search(&domain.window_id).ok();
    }
    let of_domains =
        |cell: &Bits| Bits::new(domains.len(), |at| numbers[at].is_some_and(|window| cell.contains(window)));
    let mut cells: Vec<(Bits, i64)> = seen.iter().map(|(cell, at)| (of_domains(cell), *at)).collect();
    cells.sort_unstable_by_key(|(_, at)| (*at < start, *at));
    Some(cells)
}
