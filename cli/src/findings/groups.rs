//! Findings by what they have in common, so that thousands can be read.
//!
//! Findings of one kind (severity, type, certainty) are taken together. Within a kind the template or policy that takes
//! part in most of them makes a group, then the one in most of the rest, and so on; what is left is grouped by packages
//! or files. So a few groups say where most comes from, and the order depends on the findings alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use ordain_ir::{Derived, PolicyKind, PolicyName};

use crate::findings::{Finding, Findings, What, rank};
use crate::workspace::Checked;

/// A template or policy makes a group of its own if it takes part in this many findings of a kind…
const LEAST: usize = 4;
/// … and in more than one of so many.
const SHARE: usize = 500;

/// What findings have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause<'a> {
    /// Policies that this template makes take part, whoever applies it.
    Template(&'a str),
    /// This policy takes part.
    Policy(&'a PolicyName, PolicyKind),
    /// Policies of one package.
    Package(&'a str),
    /// Policies of these two packages.
    Packages(&'a str, &'a str),
    /// They stand in one file.
    File(&'a str),
    /// They stand in this many files, or nowhere in particular if in none.
    Files(usize),
}

/// Findings of one kind with something in common.
#[derive(Clone, Debug)]
pub(crate) struct Group<'a, 'f> {
    /// What they have in common.
    pub(crate) cause: Cause<'a>,
    /// The findings, in order; at least one.
    pub(crate) findings: Vec<&'f Finding<'a>>,
}

impl<'a, 'f> Group<'a, 'f> {
    /// The finding that stands for all.
    pub(crate) fn example(&self) -> &'f Finding<'a> {
        self.findings[0]
    }
}

/// The template of a policy, and the package that it is in.
fn origin<'a>(checked: &'a Checked, name: &'a PolicyName) -> (Option<&'a str>, &'a str) {
    let policies = &checked.policies;
    let rule = policies.rules.get(name).and_then(|rule| rule.derived.as_ref());
    let derived: Option<&Derived> =
        rule.or_else(|| policies.limits.get(name).and_then(|limit| limit.derived.as_ref()));
    let package = name.as_str().strip_suffix(policies.label(name)).unwrap_or_else(|| name.package());
    (derived.and_then(|it| it.template.as_deref()), package.strip_suffix('.').unwrap_or(package))
}

fn file<'a>(finding: &Finding<'a>) -> Option<&'a str> {
    match finding.what {
        What::Source(diagnostic) => diagnostic.primary.as_ref().map(|label| label.file.as_str()),
        What::Conflict(_) => None,
    }
}

/// What may be the cause of a finding, each once: templates and policies; files of what is wrong with the sources.
fn causes<'a>(checked: &'a Checked, finding: &Finding<'a>) -> Vec<Cause<'a>> {
    let What::Conflict(conflict) = finding.what else {
        return file(finding).map(Cause::File).into_iter().collect();
    };
    let mut causes: Vec<Cause<'a>> = vec![];
    for policy in &conflict.policies {
        causes.push(Cause::Policy(&policy.name, policy.kind));
        causes.extend(origin(checked, &policy.name).0.map(Cause::Template));
    }
    causes.sort();
    causes.dedup();
    causes
}

/// Where a finding is, for those that no template and no policy takes together.
fn place<'a>(checked: &'a Checked, finding: &Finding<'a>) -> Cause<'a> {
    let What::Conflict(conflict) = finding.what else { return Cause::Files(0) };
    let mut packages: Vec<&str> =
        conflict.policies.iter().map(|policy| origin(checked, &policy.name).1).collect();
    packages.sort_unstable();
    packages.dedup();
    match packages.as_slice() {
        [one] => Cause::Package(one),
        [first, second, ..] => Cause::Packages(first, second),
        [] => Cause::Files(0),
    }
}

/// A group of a few findings in each of some files.
fn with_files<'a, 'f>(cause: Cause<'a>, findings: Vec<&'f Finding<'a>>) -> Group<'a, 'f> {
    let files: BTreeSet<&str> = findings.iter().filter_map(|finding| file(finding)).collect();
    let cause = match (cause, files.first()) {
        (Cause::Files(_), Some(one)) if files.len() == 1 => Cause::File(one),
        (Cause::Files(_), _) => Cause::Files(files.len()),
        (cause, _) => cause,
    };
    Group { cause, findings }
}

/// Takes findings apart: causes that explain many first, then places.
fn taken_apart<'a, 'f>(checked: &'a Checked, kind: &[&'f Finding<'a>]) -> Vec<Group<'a, 'f>> {
    let least = LEAST.max(kind.len() / SHARE);
    let mut involved: BTreeMap<Cause<'a>, Vec<usize>> = BTreeMap::new();
    for (at, finding) in kind.iter().enumerate() {
        for cause in causes(checked, finding) {
            involved.entry(cause).or_default().push(at);
        }
    }
    involved.retain(|_, findings| findings.len() >= least);
    let mut heap: BinaryHeap<(usize, Reverse<Cause<'a>>)> =
        involved.iter().map(|(cause, findings)| (findings.len(), Reverse(*cause))).collect();
    let mut taken = vec![false; kind.len()];
    let mut groups = vec![];
    while let Some((size, Reverse(cause))) = heap.pop() {
        let left: Vec<usize> =
            involved.get(&cause).into_iter().flatten().copied().filter(|at| !taken[*at]).collect();
        if left.len() < least {
            continue;
        }
        // Others may have taken some of its findings since it was put here.
        if left.len() < size {
            heap.push((left.len(), Reverse(cause)));
            continue;
        }
        for at in &left {
            taken[*at] = true;
        }
        groups.push(Group { cause, findings: left.into_iter().map(|at| kind[at]).collect() });
    }
    let mut rest: BTreeMap<Cause<'a>, Vec<&'f Finding<'a>>> = BTreeMap::new();
    for (finding, _) in kind.iter().zip(&taken).filter(|(_, taken)| !**taken) {
        rest.entry(place(checked, finding)).or_default().push(finding);
    }
    groups.extend(rest.into_iter().map(|(cause, findings)| with_files(cause, findings)));
    groups.sort_by_key(|group| (Reverse(group.findings.len()), group.cause));
    groups
}

/// Groups of findings: the worst kind first, within a kind the largest first.
pub(crate) fn groups<'a, 'f>(findings: &'f Findings<'a>) -> Vec<Group<'a, 'f>> {
    let mut kinds: BTreeMap<_, Vec<&'f Finding<'a>>> = BTreeMap::new();
    for finding in findings.open() {
        kinds.entry((rank(finding), finding.code())).or_default().push(finding);
    }
    kinds.values().flat_map(|kind| taken_apart(findings.checked, kind)).collect()
}

/// What takes part in most findings, of whatever kind, the largest first; and what comes of the rest.
pub(crate) fn causes_of_most<'a, 'f>(findings: &'f Findings<'a>) -> Vec<Group<'a, 'f>> {
    taken_apart(findings.checked, &findings.open())
}
