//! Whether the cells that a certificate lists are all in which a floor's requests lie: requests are listed one by one,
//! by the names and patterns in the members' scopes and the times of their windows, and looked up.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::glob::GlobPart;
use ordain_ir::{
    Condition, Glob, Limit, Partition, Path, Policies, PolicyId, PolicyName, Quantity, ScopePattern,
    ScopeSelector,
};

use super::clock;

/// Requests listed at most; with more, nothing is checked.
const MOST: usize = 4_096;
/// Names beside those that policies name.
const OTHERS: [&str; 2] = ["somebody", "somebody-else"];

/// What a certificate says of a floor in a period.
pub(super) struct Stated<'c> {
    pub(super) floor: PolicyId,
    /// The period, in seconds.
    pub(super) stretch: (i64, i64),
    /// The members for which the requests of each variable count.
    pub(super) cells: Vec<&'c BTreeSet<PolicyName>>,
}

/// A place that requests come from and go to.
type Place = (Path, Option<String>);

/// Checks that, for some subject, each floor has requests, all of them in cells that are listed; otherwise says which
/// are not. Where members have a condition, requests that fulfil it are meant: that others exist takes the algebra of
/// conditions, and so does which of several hold together, so members with more than one are not checked.
pub(super) fn check(
    stated: &[Stated<'_>],
    members: &BTreeMap<PolicyId, &Limit>,
    policies: &Policies,
) -> Result<(), String> {
    let members: Vec<Member<'_>> = members.values().map(|limit| Member::new(limit, policies)).collect();
    let conditions: BTreeSet<String> = members
        .iter()
        .filter(|member| member.conditional())
        .map(|member| format!("{:?}", member.conditions))
        .collect();
    let places = places(&members);
    if conditions.len() > 1 || places.len() > MOST || members.len() > 64 {
        return Ok(());
    }
    let bits = |holds: &dyn Fn(&Member<'_>) -> bool| -> u64 {
        members.iter().enumerate().filter(|(_, member)| holds(member)).map(|(at, _)| 1 << at).sum()
    };
    let scopes: Vec<u64> = places.iter().map(|place| bits(&|member| member.selects(place))).collect();
    let times: Vec<BTreeSet<u64>> = stated.iter().map(|it| open(&members, it.stretch)).collect();
    let cell = |names: &&BTreeSet<PolicyName>| bits(&|member| names.contains(&member.limit.name));
    let listed: Vec<BTreeSet<u64>> = stated.iter().map(|it| it.cells.iter().map(cell).collect()).collect();
    let floors: Vec<u64> = stated.iter().map(|it| bits(&|member| member.limit.id() == it.floor)).collect();
    let whole = members.iter().all(|member| member.partition == Partition::Whole);
    let subjects = if whole { &places[..1] } else { &places[..] };
    let mut first = None;
    for subject in subjects {
        let shares: Vec<u64> = places.iter().map(|place| bits(&|m| m.counts(place, subject))).collect();
        let left_out = (0..stated.len()).find_map(|at| {
            let name = members.iter().find(|member| member.limit.id() == stated[at].floor);
            let name = name.map_or("", |member| member.limit.name.as_str());
            let mut found = false;
            for ((place, scope), share) in places.iter().zip(&scopes).zip(&shares) {
                for cell in times[at].iter().map(|open| scope & share & open) {
                    found |= cell & floors[at] != 0;
                    if cell & floors[at] != 0 && !listed[at].contains(&cell) {
                        return Some(format!("`{name}` says of requests such as those of `{}`", place.0));
                    }
                }
            }
            (!found).then(|| format!("`{name}` speaks of: no request"))
        });
        match left_out {
            None => return Ok(()),
            Some(why) => drop(first.get_or_insert(why)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// A member as the listing sees it.
struct Member<'a> {
    limit: &'a Limit,
    scopes: Vec<&'a ScopeSelector>,
    conditions: Vec<&'a Condition>,
    windows: Vec<&'a ordain_ir::Window>,
    partition: Partition,
}

impl<'a> Member<'a> {
    fn new(limit: &'a Limit, policies: &'a Policies) -> Self {
        let rule = limit.rule.as_ref().and_then(|name| policies.rules.get(name));
        let per_run = matches!(limit.quantity, Quantity::PerRun(_));
        Self {
            limit,
            scopes: [&limit.scope].into_iter().chain(rule.map(|rule| &rule.scope)).collect(),
            conditions: [&limit.condition].into_iter().chain(rule.map(|rule| &rule.condition)).collect(),
            windows: clock::windows(limit, policies).collect(),
            partition: if per_run { Partition::Whole } else { limit.partition },
        }
    }

    fn conditional(&self) -> bool {
        self.conditions.iter().any(|condition| **condition != Condition::True)
    }

    fn selects(&self, (path, provider): &Place) -> bool {
        self.scopes.iter().all(|scope| scope.contains(path, provider.as_deref()))
    }

    /// Whether the subject's counter counts what comes from a place.
    fn counts(&self, (path, provider): &Place, (subject, to): &Place) -> bool {
        match self.partition {
            Partition::Whole => true,
            Partition::Tenant => path.tenant == subject.tenant,
            Partition::Project => (&path.tenant, &path.project) == (&subject.tenant, &subject.project),
            Partition::Agent => path == subject,
            Partition::Provider => provider == to && to.is_some(),
        }
    }
}

/// The sets of members whose windows are open together at some instant of a stretch.
fn open(members: &[Member<'_>], stretch: (i64, i64)) -> BTreeSet<u64> {
    let windows: Vec<_> = members.iter().flat_map(|member| member.windows.iter().copied()).collect();
    if windows.iter().all(|window| window.is_always()) {
        return BTreeSet::from([u64::MAX]);
    }
    let samples = clock::samples(&windows, stretch, 60).into_iter();
    let open = |at: i64| {
        let open = |member: &Member<'_>| member.windows.iter().all(|window| clock::is_active(window, at));
        members.iter().enumerate().filter(|(_, member)| open(member)).map(|(at, _)| 1 << at).sum()
    };
    samples.map(open).collect()
}

/// A place for each combination of names: those that the members name, one for each of their patterns, and others.
fn places(members: &[Member<'_>]) -> Vec<Place> {
    let selectors = members.iter().flat_map(|member| member.scopes.iter().copied());
    let patterns: Vec<&ScopePattern> =
        selectors.flat_map(|selector| selector.include.iter().chain(&selector.except)).collect();
    let names = |of: fn(&ScopePattern) -> &Option<Glob>| {
        let mut names: BTreeSet<String> =
            patterns.iter().filter_map(|p| of(p).as_ref()).flat_map(examples).collect();
        names.remove("");
        names.extend(OTHERS.map(str::to_owned));
        names
    };
    let [tenants, projects, agents, providers] =
        [names(|p| &p.tenant), names(|p| &p.project), names(|p| &p.agent), names(|p| &p.provider)];
    let count = [&tenants, &projects, &agents, &providers].iter().fold(1_usize, |n, names| n * names.len());
    let providers: Vec<Option<String>> = [None].into_iter().chain(providers.into_iter().map(Some)).collect();
    let mut out = vec![];
    if count > MOST {
        // One more than are listed.
        out.resize(
            MOST + 1,
            (Path { tenant: String::new(), project: String::new(), agent: String::new() }, None),
        );
        return out;
    }
    for tenant in &tenants {
        for (project, agent) in projects.iter().flat_map(|p| agents.iter().map(move |a| (p, a))) {
            let path = Path { tenant: tenant.clone(), project: project.clone(), agent: agent.clone() };
            out.extend(providers.iter().map(|provider| (path.clone(), provider.clone())));
        }
    }
    out
}

/// Names that match a pattern: with nothing, and with something, for each `*`.
fn examples(glob: &Glob) -> [String; 2] {
    ["", OTHERS[0]].map(|any| {
        let part = |part: &GlobPart| match part {
            GlobPart::Text(text) => text.clone(),
            GlobPart::One => "x".to_owned(),
            GlobPart::Any => any.to_owned(),
        };
        glob.parts().iter().map(part).collect()
    })
}
