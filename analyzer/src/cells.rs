//! How domains cut the requests of another one into cells: of the subjects and instants of one cell the same policies
//! may speak, so that only their conditions are left to ask about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Answer;
use crate::bits::Bits;
use crate::domain::{Algebra, Domain};
use crate::scope::{self, Subject};
use crate::window::Intervals;

/// Most cells of subjects, of time, and of both together that are asked about for one question, and most parts into
/// which windows cut time.
pub(crate) const MAX_CELLS: usize = 4_096;

/// The cells of a domain that is not empty, each as the set of the others (by number) that may speak there; each set
/// once, the smaller ones first. `None` beyond the caps.
pub(crate) fn cells(base: &Domain, others: &[&Domain], algebra: &Algebra<'_>) -> Option<Vec<Bits>> {
    let within = algebra.selectors(base);
    let subjects = subjects(&within, others, algebra)?;
    let instants = instants(&base.window, others, algebra)?;
    let mut seen = BTreeSet::new();
    for (of_subject, _) in &subjects {
        for (of_time, _) in &instants {
            seen.insert(of_subject.and(of_time));
            if seen.len() > MAX_CELLS {
                return None;
            }
        }
    }
    let mut out: Vec<Bits> = seen.into_iter().collect();
    out.sort_by_key(Bits::len);
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
/// of the configured horizon on, then what was added before it. `None` beyond the cap.
pub(crate) fn instants(
    within: &Intervals,
    domains: &[&Domain],
    algebra: &Algebra<'_>,
) -> Option<Vec<(Bits, i64)>> {
    // Equal windows are one set of instants, shared.
    let mut windows: Vec<&Arc<Intervals>> = vec![];
    let mut number = vec![];
    for domain in domains {
        let known = windows.iter().position(|other| Arc::ptr_eq(other, &domain.window));
        number.push(known.unwrap_or(windows.len()));
        if known.is_none() {
            windows.push(&domain.window);
        }
    }
    let mut cells = vec![(within.clone(), BTreeSet::new())];
    for (at, window) in windows.iter().enumerate() {
        let mut next = vec![];
        for (cell, active) in cells {
            let (inside, outside) = (cell.intersection(window), cell.difference(window));
            if !outside.is_empty() {
                next.push((outside, active.clone()));
            }
            if !inside.is_empty() {
                let mut active: BTreeSet<usize> = active;
                active.insert(at);
                next.push((inside, active));
            }
        }
        if next.len() > MAX_CELLS {
            return None;
        }
        cells = next;
    }
    let start = algebra.policies().settings.horizon.0;
    let mut cells: Vec<(Bits, i64)> = cells
        .into_iter()
        .filter_map(|(cell, active)| {
            let open = Bits::new(domains.len(), |at| active.contains(&number[at]));
            Some((open, cell.first_from(start)?))
        })
        .collect();
    cells.sort_by_key(|(_, at)| (*at < start, *at));
    Some(cells)
}
