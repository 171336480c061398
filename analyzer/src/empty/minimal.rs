//! All minimal sets that a monotone oracle refuses, over at most 128 elements as the bits of a word.
//!
//! Every subset of the ground set that holds no known minimal set avoids at least one element of each of them:
//! it lies under the complement of a minimal hitting set. So when all these complements pass, every minimal
//! set is known; when one fails, it holds a new one. (Reiter 1987; Liffiton and Sakallah 2008.)

use std::collections::BTreeSet;

/// Elements, as bits.
pub(super) type Set = u128;

/// How far an enumeration goes before it gives up and says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Sets that are known in all.
    pub(super) sets: usize,
    /// Hitting sets kept at a time.
    pub(super) hitting: usize,
}

/// Elements that are dropped one by one.
const FEW: u32 = 16;

/// What an oracle says of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It may be.
    Passed,
    /// It may not, nor may this subset of it (itself, at worst).
    Refused(Set),
    /// The oracle has gone as far as it goes.
    Nothing,
}

/// Adds to `known` the minimal refused subsets of `ground`, within the bounds. Returns whether every
/// minimal set is known now.
pub(super) fn enumerate(
    ground: Set,
    known: &mut Vec<Set>,
    bounds: Bounds,
    mut oracle: impl FnMut(Set) -> Said,
) -> bool {
    let mut passed = BTreeSet::new();
    loop {
        let Some(hitting) =
            hitting_sets(known.iter().copied().filter(|set| set & !ground == 0), bounds.hitting)
        else {
            return false;
        };
        let mut refused = None;
        for rest in hitting.into_iter().map(|set| ground & !set) {
            if passed.contains(&rest) {
                continue;
            }
            match oracle(rest) {
                Said::Passed => {
                    passed.insert(rest);
                }
                Said::Refused(set) => {
                    refused = Some(set);
                    break;
                }
                Said::Nothing => return false,
            }
        }
        let Some(refused) = refused else { return true };
        if known.len() >= bounds.sets {
            return false;
        }
        let Some(smallest) = shrink(refused, &mut oracle) else { return false };
        known.push(smallest);
    }
}

/// Drops elements, first ones first, as long as the rest is refused; of many, many at a time where that does. `None` if the
/// oracle doesn't go so far.
fn shrink(mut set: Set, oracle: &mut impl FnMut(Set) -> Said) -> Option<Set> {
    let mut at_a_time = if set.count_ones() > FEW { set.count_ones() as usize / 2 } else { 1 };
    loop {
        let elements: Vec<Set> = bits(set).collect();
        for some in elements.chunks(at_a_time) {
            let some = some.iter().fold(0, |all, element| all | element) & set;
            if some == 0 {
                continue;
            }
            match oracle(set & !some) {
                Said::Passed => {}
                Said::Refused(smaller) => set = smaller,
                Said::Nothing => return None,
            }
        }
        if at_a_time == 1 {
            return Some(set);
        }
        at_a_time = at_a_time.min(set.count_ones() as usize).div_ceil(2);
    }
}

/// The minimal sets that share an element with each of these (Berge), in ascending order; `None` if there are
/// too many.
fn hitting_sets(sets: impl Iterator<Item = Set>, bound: usize) -> Option<Vec<Set>> {
    let mut found = vec![0];
    for set in sets {
        let (mut next, missing): (Vec<Set>, Vec<Set>) = found.iter().partition(|hit| *hit & set != 0);
        let kept = next.clone();
        for hit in missing {
            for element in bits(set) {
                let candidate = hit | element;
                if !kept.iter().any(|other| other & !candidate == 0) {
                    next.push(candidate);
                }
            }
        }
        // Finding the minimal ones takes the square of their number.
        if next.len() > 16 * bound {
            return None;
        }
        found = minimal(next);
        if found.len() > bound {
            return None;
        }
    }
    Some(found)
}

/// The sets that include no other of them, in ascending order without repetition.
pub(super) fn minimal(mut sets: Vec<Set>) -> Vec<Set> {
    sets.sort_by_key(|set| (set.count_ones(), *set));
    let mut kept: Vec<Set> = vec![];
    for set in sets {
        if !kept.iter().any(|other| other & !set == 0) {
            kept.push(set);
        }
    }
    kept.sort_unstable();
    kept
}

/// The largest subsets of `ground` without two elements that exclude each other, at most `bound` of them;
/// `excludes[i]` are the elements that `i` excludes. Returns them in ascending order, and whether that's all.
pub(super) fn independent_sets(ground: Set, excludes: &[Set], bound: usize) -> (Vec<Set>, bool) {
    let mut done = vec![];
    let mut todo = vec![ground];
    let mut seen = BTreeSet::from([ground]);
    while let Some(set) = todo.pop() {
        let clash = indices(set).find(|at| excludes[*at] & set != 0);
        match clash {
            None => done.push(set),
            Some(at) => {
                for smaller in [set & !(1 << at), set & !excludes[at]] {
                    if seen.len() < 16 * bound && seen.insert(smaller) {
                        todo.push(smaller);
                    }
                }
            }
        }
    }
    let all = done.clone();
    done.retain(|set| !all.iter().any(|other| other != set && set & !other == 0));
    done.sort_unstable();
    done.dedup();
    let complete = seen.len() < 16 * bound && done.len() <= bound;
    done.truncate(bound);
    (done, complete)
}

/// The elements, each as a set of its own, lowest first.
fn bits(set: Set) -> impl Iterator<Item = Set> {
    indices(set).map(|at| 1 << at)
}

/// The positions of the elements, lowest first.
pub(super) fn indices(set: Set) -> impl Iterator<Item = usize> {
    (0..128).filter(move |at| set >> at & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Refuses the supersets of these.
    fn refuse(planted: &[Set], set: Set) -> Said {
        if planted.iter().any(|p| p & !set == 0) { Said::Refused(set) } else { Said::Passed }
    }

    proptest! {
        /// An oracle that refuses the supersets of some sets has exactly the minimal ones of them.
        #[test]
        fn finds_every_minimal_set(planted in prop::collection::vec(1..256_u128, 0..6), ground in 0..256_u128) {
            let mut known = vec![];
            let mut calls = 0;
            let complete = enumerate(ground, &mut known, Bounds { sets: 64, hitting: 4_096 }, |set| {
                calls += 1;
                refuse(&planted, set)
            });
            prop_assert!(complete && calls < 2_000);
            known.sort_unstable();
            let expected: Vec<Set> = (0..256)
                .filter(|set| set & !ground == 0 && planted.iter().any(|p| p & !set == 0))
                .collect();
            prop_assert_eq!(known, minimal(expected));
        }

        #[test]
        fn independent_sets_are_the_largest(pairs in prop::collection::vec((0usize..6, 0usize..6), 0..6)) {
            let mut excludes = [0; 6];
            for (a, b) in pairs.into_iter().filter(|(a, b)| a != b) {
                excludes[a] |= 1 << b;
                excludes[b] |= 1 << a;
            }
            let free = |set: Set| indices(set).all(|at| excludes[at] & set == 0);
            let all: Vec<Set> = (0..64).filter(|set| free(*set)).collect();
            let largest: Vec<Set> =
                all.iter().copied().filter(|s| !all.iter().any(|o| o != s && s & !o == 0)).collect();
            prop_assert_eq!(independent_sets(63, &excludes, 64), (largest, true));
        }
    }

    proptest! {
        /// From many elements, the smallest set is one of those that were planted.
        #[test]
        fn many_elements_are_dropped_at_once(planted in prop::collection::vec(prop::collection::btree_set(0..100_usize, 1..30), 1..4)) {
            let planted: Vec<Set> =
                planted.iter().map(|set| set.iter().map(|at: &usize| 1 << at).sum()).collect();
            let planted = minimal(planted);
            let found = shrink((1 << 100) - 1, &mut |set| refuse(&planted, set)).unwrap();
            prop_assert!(planted.contains(&found));
        }
    }

    #[test]
    fn a_bound_is_kept_and_told() {
        let pairs: Vec<Set> = (0..8).map(|i| 1 << i | 1 << (i + 8)).collect();
        let mut known = vec![];
        let oracle = |set: Set| refuse(&pairs, set);
        assert!(!enumerate(0xffff, &mut known, Bounds { sets: 5, hitting: 4_096 }, oracle));
        assert_eq!(known.len(), 5);
        // What was found before stays, and nothing comes up that isn't minimal.
        let (mut known, mut calls) = (vec![], 0);
        let tires = |set: Set| {
            calls += 1;
            if calls > 30 { Said::Nothing } else { refuse(&pairs, set) }
        };
        assert!(!enumerate(0xffff, &mut known, Bounds { sets: 64, hitting: 4_096 }, tires));
        assert!(!known.is_empty() && known.iter().all(|set| pairs.contains(set)), "{known:?}");
    }
}
