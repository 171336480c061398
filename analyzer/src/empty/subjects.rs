//! Whose counters partitioned limits speak about, and which scopes meet then.

use std::collections::BTreeSet;

use ordain_ir::{Glob, Partition, ScopePattern, ScopeSelector};

use super::member::Member;
use super::minimal::Set;
use crate::scope::{self, Subject};
use crate::strings::Strings;

/// Subjects tried for one component; beyond, the exploration says so.
const MAX_SUBJECTS: usize = 64;
/// Patterns that tell subjects apart, at most: the algebra takes 128 sets at a time.
const MAX_PATTERNS: usize = 128;

/// One choice of the subject whose counters the partitioned members speak about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SubjectCells {
    /// `None` if no member is partitioned.
    pub(super) subject: Option<Subject>,
    /// The sets of members (as bits) for which some path counts, sorted.
    pub(super) scopes: Vec<Set>,
}

/// The choices of a subject that differ to these members, and whether that's all of them.
pub(super) fn subjects(members: &[Member], strings: &Strings) -> (Vec<SubjectCells>, bool) {
    let partitions: BTreeSet<Partition> = members.iter().map(Member::partition).collect();
    let Some((candidates, mut complete)) = candidates(members, &partitions, strings) else {
        return (vec![], false);
    };
    let mut out: Vec<SubjectCells> = vec![];
    for subject in candidates {
        let Some(scopes) = scopes(members, &partitions, subject.as_ref(), strings) else {
            complete = false;
            continue;
        };
        if !out.iter().any(|known| known.scopes == scopes) {
            if out.len() == MAX_SUBJECTS {
                return (out, false);
            }
            out.push(SubjectCells { subject, scopes });
        }
    }
    (out, complete)
}

/// A subject for each way in which the members' patterns, cut to the depth of their partitions, can tell
/// subjects apart: two subjects that match the same ones have counters of the same shape.
fn candidates(
    members: &[Member],
    partitions: &BTreeSet<Partition>,
    strings: &Strings,
) -> Option<(Vec<Option<Subject>>, bool)> {
    let has = |partition| partitions.contains(&partition);
    if partitions.iter().all(|partition| *partition == Partition::Whole) {
        return Some((vec![None], true));
    }
    let agent = has(Partition::Agent);
    let project = agent || has(Partition::Project);
    let tenant = project || has(Partition::Tenant);
    let selectors = members.iter().flat_map(|member| member.scopes.iter().copied());
    let patterns = selectors.flat_map(|selector| selector.include.iter().chain(&selector.except));
    let mut cut: BTreeSet<ScopePattern> = BTreeSet::new();
    for pattern in patterns {
        let keep = |wanted: bool, glob: &Option<Glob>| if wanted { glob.clone() } else { None };
        cut.insert(ScopePattern { tenant: keep(tenant, &pattern.tenant), ..ScopePattern::default() });
        cut.insert(ScopePattern {
            tenant: keep(tenant, &pattern.tenant),
            project: keep(project, &pattern.project),
            ..ScopePattern::default()
        });
        cut.insert(ScopePattern {
            tenant: keep(tenant, &pattern.tenant),
            project: keep(project, &pattern.project),
            agent: keep(agent, &pattern.agent),
            provider: None,
        });
        let provider = keep(has(Partition::Provider), &pattern.provider);
        cut.insert(ScopePattern { provider, ..ScopePattern::default() });
    }
    if has(Partition::Provider) {
        // A subject without a provider has no counter of its own, so one with a provider must be tried.
        cut.insert(ScopePattern { provider: Some(Glob::any()), ..ScopePattern::default() });
    }
    cut.remove(&ScopePattern::default());
    let complete = cut.len() <= MAX_PATTERNS;
    let cut: Vec<ScopeSelector> =
        cut.into_iter().take(MAX_PATTERNS).map(|pattern| ScopeSelector::new(vec![pattern], vec![])).collect();
    let minterms = scope::minterms(&cut.iter().map(|s| vec![s]).collect::<Vec<_>>(), strings)?;
    let mut subjects: Vec<Subject> = minterms.into_iter().map(|(_, subject)| subject).collect();
    subjects.sort();
    Some((subjects.into_iter().map(Some).collect(), complete))
}

/// The sets of members for which some path counts: it lies in a member's scope, and within the subject's
/// share of it if the member is partitioned.
fn scopes(
    members: &[Member],
    partitions: &BTreeSet<Partition>,
    subject: Option<&Subject>,
    strings: &Strings,
) -> Option<Vec<Set>> {
    let shares: Vec<(Partition, Option<ScopeSelector>)> =
        subject.map_or(vec![], |subject| partitions.iter().map(|p| (*p, share(*p, subject))).collect());
    let mut domains: Vec<Vec<&ScopeSelector>> = vec![];
    let mut without = 0;
    for (at, member) in members.iter().enumerate() {
        let mut domain = member.scopes.clone();
        match shares.iter().find(|(partition, _)| *partition == member.partition()) {
            Some((_, Some(share))) => domain.push(share),
            // The subject goes to no provider, so a counter per provider doesn't speak about it.
            Some((_, None)) => without |= 1 << at,
            None => {}
        }
        domains.push(domain);
    }
    let minterms = scope::minterms(&domains, strings)?;
    let sets: BTreeSet<Set> = minterms.into_iter().map(|(set, _)| set & !without).collect();
    Some(sets.into_iter().collect())
}

/// What a subject's counter counts.
fn share(partition: Partition, subject: &Subject) -> Option<ScopeSelector> {
    let named = |segment: &str| Some(Glob::literal(segment));
    let path = &subject.path;
    let pattern = match partition {
        Partition::Whole => return Some(ScopeSelector::global()),
        Partition::Tenant => ScopePattern { tenant: named(&path.tenant), ..ScopePattern::default() },
        Partition::Project => ScopePattern {
            tenant: named(&path.tenant),
            project: named(&path.project),
            ..ScopePattern::default()
        },
        Partition::Agent => ScopePattern {
            tenant: named(&path.tenant),
            project: named(&path.project),
            agent: named(&path.agent),
            provider: None,
        },
        Partition::Provider => {
            ScopePattern { provider: named(subject.provider.as_deref()?), ..ScopePattern::default() }
        }
    };
    Some(ScopeSelector::new(vec![pattern], vec![]))
}
