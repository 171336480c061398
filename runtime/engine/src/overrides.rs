//! Who silences whom.

use std::collections::BTreeMap;

use ordain_ir::{Override, PolicyName};

use crate::EngineError;

/// For each policy, by number, the numbers of those that override it directly or through others, ascending.
///
/// `declared` holds each policy's name and overrides, sorted by name; a policy's number is its place there. The
/// compiler refuses cycles; should a foreign bundle have one, its members don't silence each other, so that a
/// cycle never makes policies vanish.
pub(crate) fn silencers(declared: &[(&PolicyName, &[Override])]) -> Result<Vec<Vec<usize>>, EngineError> {
    let number: BTreeMap<&PolicyName, usize> =
        declared.iter().enumerate().map(|(number, (name, _))| (*name, number)).collect();
    let mut direct = Vec::with_capacity(declared.len());
    for (name, overrides) in declared {
        let target = |o: &Override| {
            let unknown =
                || EngineError::UnknownPolicy { policy: (*name).clone(), missing: o.policy.clone() };
            number.get(&o.policy).copied().ok_or_else(unknown)
        };
        direct.push(overrides.iter().map(target).collect::<Result<Vec<_>, _>>()?);
    }
    let reached: Vec<Vec<bool>> = (0..declared.len())
        .map(|from| if direct[from].is_empty() { vec![] } else { reach(&direct, from) })
        .collect();
    let reaches = |from: usize, to: usize| reached[from].get(to).copied().unwrap_or(false);
    let mut silencers = vec![vec![]; declared.len()];
    for from in (0..declared.len()).filter(|from| !direct[*from].is_empty()) {
        for to in (0..declared.len()).filter(|to| reaches(from, *to) && !reaches(*to, from)) {
            silencers[to].push(from);
        }
    }
    Ok(silencers)
}

fn reach(direct: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; direct.len()];
    let mut open = direct[from].clone();
    while let Some(next) = open.pop() {
        if !std::mem::replace(&mut reached[next], true) {
            open.extend_from_slice(&direct[next]);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(declared: &[(&str, &[&str])]) -> Result<Vec<Vec<usize>>, EngineError> {
        let overrides = |names: &[&str]| -> Vec<Override> {
            names.iter().map(|name| Override { policy: (*name).into(), because: None }).collect()
        };
        let owned: Vec<(PolicyName, Vec<Override>)> =
            declared.iter().map(|(name, over)| ((*name).into(), overrides(over))).collect();
        silencers(&owned.iter().map(|(name, over)| (name, over.as_slice())).collect::<Vec<_>>())
    }

    #[test]
    fn chains_reach_through() {
        assert_eq!(run(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]).unwrap(), [vec![], vec![0], vec![0, 1]]);
    }

    #[test]
    fn a_cycle_silences_none_of_its_members_but_all_below() {
        let found = run(&[("a", &["b"]), ("b", &["a", "c"]), ("c", &[]), ("d", &["d"])]).unwrap();
        assert_eq!(found, [vec![], vec![], vec![0, 1], vec![]]);
    }

    #[test]
    fn a_target_that_is_not_there_is_named() {
        let error = run(&[("a", &["b"])]).unwrap_err();
        assert_eq!(error.to_string(), "policy `a` refers to `b`, which is not there");
    }
}
