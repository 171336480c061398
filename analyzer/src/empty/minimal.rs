//! All minimal sets that a monotone oracle refuses, over at most 64 elements as the bits of a word.
//!
//! Every subset of the ground set that holds no known minimal set avoids at least one element of each of them:
//! it lies under the complement of a minimal hitting set. So when all these complements pass, every minimal
//! set is known; when one fails, it holds a new one. (Reiter 1987; Liffiton and Sakallah 2008.)

use std::collections::BTreeSet;

/// Hitting sets kept at a time; beyond, the enumeration gives up and says so.
const MAX_HITTING_SETS: usize = 4_096;

/// Adds to `known` the minimal refused subsets of `ground`, up to `bound` sets in all. The oracle answers a
/// refused set with a refused subset of it (itself, at worst). Returns whether every minimal set is known now.
pub(super) fn enumerate(
    ground: u64,
    known: &mut Vec<u64>,
    bound: usize,
    mut oracle: impl FnMut(u64) -> Option<u64>,
) -> bool {
    let mut passed = BTreeSet::new();
    loop {
        let Some(hitting) = hitting_sets(known.iter().copied().filter(|set| set & !ground == 0)) else {
            return false;
        };
        let refused = hitting.into_iter().find_map(|set| {
            let rest = ground & !set;
            if passed.contains(&rest) {
                return None;
            }
            let refused = oracle(rest);
            if refused.is_none() {
                passed.insert(rest);
            }
            refused
        });
        let Some(refused) = refused else { return true };
        if known.len() >= bound {
            return false;
        }
        known.push(shrink(refused, &mut oracle));
    }
}

/// Drops elements, first ones first, as long as the rest is refused.
fn shrink(mut set: u64, oracle: &mut impl FnMut(u64) -> Option<u64>) -> u64 {
    for element in bits(set) {
        if set & element != 0
            && let Some(smaller) = oracle(set & !element)
        {
            set = smaller;
        }
    }
    set
}

/// The minimal sets that share an element with each of these (Berge), in ascending order; `None` if there are
/// too many.
fn hitting_sets(sets: impl Iterator<Item = u64>) -> Option<Vec<u64>> {
    let mut found = vec![0_u64];
    for set in sets {
        let (mut next, missing): (Vec<u64>, Vec<u64>) = found.iter().partition(|hit| *hit & set != 0);
        let kept = next.clone();
        for hit in missing {
            for element in bits(set) {
                let candidate = hit | element;
                if !kept.iter().any(|other| other & !candidate == 0) {
                    next.push(candidate);
                }
            }
        }
        found = minimal(next);
        if found.len() > MAX_HITTING_SETS {
            return None;
        }
    }
    Some(found)
}

/// The sets that include no other of them, in ascending order without repetition.
pub(super) fn minimal(mut sets: Vec<u64>) -> Vec<u64> {
    sets.sort_by_key(|set| (set.count_ones(), *set));
    let mut kept: Vec<u64> = vec![];
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
pub(super) fn independent_sets(ground: u64, excludes: &[u64], bound: usize) -> (Vec<u64>, bool) {
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
fn bits(set: u64) -> impl Iterator<Item = u64> {
    indices(set).map(|at| 1 << at)
}

/// The positions of the elements, lowest first.
pub(super) fn indices(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |at| set >> at & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// An oracle that refuses the supersets of some sets has exactly the minimal ones of them.
        #[test]
        fn finds_every_minimal_set(planted in prop::collection::vec(1u64..256, 0..6), ground in 0u64..256) {
            let mut known = vec![];
            let mut calls = 0;
            let complete = enumerate(ground, &mut known, 64, |set| {
                calls += 1;
                planted.iter().any(|p| p & !set == 0).then_some(set)
            });
            prop_assert!(complete && calls < 2_000);
            known.sort_unstable();
            let expected: Vec<u64> = (0..256u64)
                .filter(|set| set & !ground == 0 && planted.iter().any(|p| p & !set == 0))
                .collect();
            prop_assert_eq!(known, minimal(expected));
        }

        #[test]
        fn independent_sets_are_the_largest(pairs in prop::collection::vec((0usize..6, 0usize..6), 0..6)) {
            let mut excludes = [0u64; 6];
            for (a, b) in pairs.into_iter().filter(|(a, b)| a != b) {
                excludes[a] |= 1 << b;
                excludes[b] |= 1 << a;
            }
            let free = |set: u64| indices(set).all(|at| excludes[at] & set == 0);
            let all: Vec<u64> = (0..64u64).filter(|set| free(*set)).collect();
            let largest: Vec<u64> =
                all.iter().copied().filter(|s| !all.iter().any(|o| o != s && s & !o == 0)).collect();
            prop_assert_eq!(independent_sets(63, &excludes, 64), (largest, true));
        }
    }

    #[test]
    fn a_bound_is_kept_and_told() {
        let pairs: Vec<u64> = (0..8).map(|i| 1 << i | 1 << (i + 8)).collect();
        let mut known = vec![];
        let oracle = |set: u64| pairs.iter().any(|p| p & !set == 0).then_some(set);
        assert!(!enumerate(0xffff, &mut known, 5, oracle));
        assert_eq!(known.len(), 5);
    }
}
