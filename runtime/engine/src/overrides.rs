//! Who silences whom.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Override, PolicyName};

use crate::EngineError;

/// For each policy, by number, the numbers of those that override it directly or through others, ascending.
///
/// `declared` holds each policy's name and overrides, sorted by name; a policy's number is its place there. The
/// compiler refuses cycles; should a foreign bundle have one, its members don't silence each other, so that a cycle
/// never makes policies vanish.
pub(crate) fn silencers(declared: &[(&PolicyName, &[Override])]) -> Result<Vec<Box<[u32]>>, EngineError> {
    let number = |place: usize| u32::try_from(place).expect("a bundle has fewer than 2^32 policies");
    let mut direct: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (place, (name, overrides)) in declared.iter().enumerate() {
        for Override { policy, .. } in *overrides {
            let target = declared.binary_search_by(|(known, _)| (*known).cmp(policy));
            let unknown = |_| EngineError::UnknownPolicy { policy: (*name).clone(), missing: policy.clone() };
            direct.entry(number(place)).or_default().push(number(target.map_err(unknown)?));
        }
    }
    let reached: BTreeMap<u32, BTreeSet<u32>> =
        direct.keys().map(|from| (*from, reach(&direct, *from))).collect();
    let mut silencers = vec![vec![]; declared.len()];
    for (from, all) in &reached {
        for to in all {
            if reached.get(to).is_none_or(|back| !back.contains(from)) {
                silencers[*to as usize].push(*from);
            }
        }
    }
    Ok(silencers.into_iter().map(Vec::into_boxed_slice).collect())
}

fn reach(direct: &BTreeMap<u32, Vec<u32>>, from: u32) -> BTreeSet<u32> {
    let mut reached = BTreeSet::new();
    let mut open = direct.get(&from).cloned().unwrap_or_default();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(direct.get(&next).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(declared: &[(&str, &[&str])]) -> Result<Vec<Vec<u32>>, EngineError> {
        let overrides = |names: &[&str]| -> Vec<Override> {
            names.iter().map(|name| Override { policy: (*name).into(), because: None }).collect()
        };
        let owned: Vec<(PolicyName, Vec<Override>)> =
            declared.iter().map(|(name, over)| ((*name).into(), overrides(over))).collect();
        let declared: Vec<_> = owned.iter().map(|(name, over)| (name, over.as_slice())).collect();
        Ok(silencers(&declared)?.into_iter().map(Vec::from).collect())
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
