//! Which domains meet, and which lie within others, by enumeration.
//!
//! Scope, window and condition share no variable, so each is enumerated by itself: for every path with a provider,
//! every half hour of the horizon and every valuation of the facts, the set of policies for which it is in. What
//! matters is only which such sets occur; a request exists for any choice of one from each of the three parts.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Condition, FactName, Obligation, Policies, PolicyName, Value, Window};

use crate::reference;
use crate::world::{HORIZON, PROVIDERS, SEGMENTS, STEP, YEAR, clock, values};

/// A set of policies and obligations, one bit each.
type Set = u16;

/// The parts of a workspace's world, each as the sets of policies that its points are in.
#[derive(Debug)]
pub struct Regions {
    bits: BTreeMap<PolicyName, Set>,
    required: BTreeMap<Obligation, Set>,
    scopes: BTreeSet<Set>,
    times: BTreeSet<Set>,
    facts: BTreeSet<Set>,
    /// The same for each valuation of the opaque facts.
    facts_by_opaque: BTreeMap<Valuation, BTreeSet<Set>>,
}

pub(super) type Valuation = BTreeMap<FactName, Value>;

/// The parts of one policy's domain: its own, and those of the rule to which it is confined.
struct Parts<'a> {
    scopes: Vec<&'a ordain_ir::ScopeSelector>,
    windows: Vec<&'a Window>,
    conditions: Vec<&'a Condition>,
}

impl Regions {
    /// Enumerates the world of the policies.
    pub fn of(policies: &Policies) -> Self {
        let parts = parts(policies);
        let bits = parts.keys().enumerate().map(|(at, name)| ((*name).clone(), 1 << at)).collect();
        let mut parts: Vec<Parts<'_>> = parts.into_values().collect();
        let mut required = BTreeMap::new();
        for obligation in &policies.obligations {
            required.insert(obligation.clone(), 1 << parts.len());
            let (scopes, conditions) = (vec![&obligation.scope], vec![&obligation.condition]);
            parts.push(Parts { scopes, windows: vec![], conditions });
        }
        let sets = |is_in: &dyn Fn(&Parts<'_>) -> bool| -> Set {
            parts.iter().enumerate().filter(|(_, part)| is_in(part)).fold(0, |set, (at, _)| set | 1 << at)
        };

        let mut scopes = BTreeSet::new();
        for path in paths() {
            for provider in PROVIDERS {
                scopes.insert(sets(&|part| {
                    part.scopes.iter().all(|scope| reference::selects(scope, path, provider))
                }));
            }
        }
        let times = instants(policies).map(|second| {
            sets(&|part| part.windows.iter().all(|window| reference::in_window(window, second, &clock)))
        });
        let mut facts_by_opaque: BTreeMap<Valuation, BTreeSet<Set>> = BTreeMap::new();
        for values in valuations(policies) {
            let set = sets(&|part| {
                part.conditions.iter().all(|one| reference::holds(one, &policies.facts, &values))
            });
            let opaque = values.into_iter().filter(|(name, _)| policies.facts[name].opaque).collect();
            facts_by_opaque.entry(opaque).or_default().insert(set);
        }
        let facts = facts_by_opaque.values().flatten().copied().collect();
        Self { bits, required, scopes, times: times.collect(), facts, facts_by_opaque }
    }

    /// Every set of policies whose domains some request is in, and whose others it is not in, as bits.
    pub fn sets(&self) -> BTreeSet<u16> {
        let meet = |a: &BTreeSet<Set>, b: &BTreeSet<Set>| -> BTreeSet<Set> {
            a.iter().flat_map(|a| b.iter().map(move |b| a & b)).collect()
        };
        meet(&meet(&self.scopes, &self.times), &self.facts)
    }

    /// The bit of a policy.
    pub fn bit(&self, policy: &PolicyName) -> u16 {
        self.bits[policy]
    }

    /// Whether some request is in both domains.
    pub fn overlap(&self, a: &PolicyName, b: &PolicyName) -> bool {
        let both = self.bits[a] | self.bits[b];
        let meet = |part: &BTreeSet<Set>| part.iter().any(|set| set & both == both);
        meet(&self.scopes) && meet(&self.times) && meet(&self.facts)
    }

    /// Whether some request is in both, whatever values the opaque facts have.
    pub fn overlap_whatever_is_opaque(&self, a: &PolicyName, b: &PolicyName) -> bool {
        let both = self.bits[a] | self.bits[b];
        let meet = |part: &BTreeSet<Set>| part.iter().any(|set| set & both == both);
        meet(&self.scopes) && meet(&self.times) && self.facts_by_opaque.values().all(meet)
    }

    /// Whether every request of `a`, which has some, is in the domain of `b`.
    pub fn within(&self, a: &PolicyName, b: &PolicyName) -> bool {
        self.all_within(a, b, &[&self.scopes, &self.times, &self.facts])
    }

    /// The same if both were active at all times.
    pub fn within_at_all_times(&self, a: &PolicyName, b: &PolicyName) -> bool {
        self.all_within(a, b, &[&self.scopes, &self.facts])
    }

    /// Whether some request that the obligation names is in none of these domains; and whether that is so whatever
    /// values the opaque facts have.
    pub fn uncovered<'n>(
        &self,
        obligation: &Obligation,
        covers: impl IntoIterator<Item = &'n PolicyName>,
    ) -> (bool, bool) {
        let (required, covers) =
            (self.required[obligation], covers.into_iter().fold(0, |set, name| set | self.bits[name]));
        let open = |facts: &BTreeSet<Set>| {
            facts.iter().any(|of_facts| {
                self.times.iter().any(|of_time| {
                    self.scopes.iter().any(|of_scope| {
                        let all = of_facts & of_time & of_scope;
                        all & required != 0 && all & covers == 0
                    })
                })
            })
        };
        (open(&self.facts), self.facts_by_opaque.values().all(open))
    }

    fn all_within(&self, a: &PolicyName, b: &PolicyName, parts: &[&BTreeSet<Set>]) -> bool {
        let (a, b) = (self.bits[a], self.bits[b]);
        parts.iter().all(|part| part.iter().all(|set| set & a == 0 || set & b != 0))
    }
}

fn parts(policies: &Policies) -> BTreeMap<&PolicyName, Parts<'_>> {
    let mut parts = BTreeMap::new();
    for (name, rule) in &policies.rules {
        let (scopes, windows, conditions) = (vec![&rule.scope], vec![&rule.window], vec![&rule.condition]);
        parts.insert(name, Parts { scopes, windows, conditions });
    }
    for (name, limit) in &policies.limits {
        let (mut scopes, mut windows) = (vec![&limit.scope], vec![&limit.window]);
        let mut conditions = vec![&limit.condition];
        if let Some(rule) = limit.rule.as_ref().map(|rule| &policies.rules[rule]) {
            scopes.push(&rule.scope);
            windows.push(&rule.window);
            conditions.push(&rule.condition);
        }
        parts.insert(name, Parts { scopes, windows, conditions });
    }
    parts
}

/// Every path of the world.
fn paths() -> impl Iterator<Item = [&'static str; 3]> {
    let below =
        |tenant| SEGMENTS.into_iter().flat_map(move |project| SEGMENTS.map(|agent| [tenant, project, agent]));
    SEGMENTS.into_iter().flat_map(below)
}

/// Every half hour of the horizon, widened by a year around every instant that a policy names. All windows of the
/// world begin and end on half hours, so between two of them nothing changes.
pub(super) fn instants(policies: &Policies) -> impl Iterator<Item = i64> {
    let rules = policies.rules.values().map(|rule| &rule.window);
    let windows = rules.chain(policies.limits.values().map(|limit| &limit.window));
    let named = windows.flat_map(|window| &window.clauses).flat_map(|clause| [clause.from, clause.until]);
    let (mut first, mut last) = HORIZON;
    for instant in named.flatten() {
        // Instants of the world lie within the horizon, so there is no hole between the years around them.
        first = first.min(instant - YEAR);
        last = last.max(instant + YEAR);
    }
    (first..last).step_by(usize::try_from(STEP).expect("a positive step"))
}

/// Every valuation of the facts that some condition reads; the others have any one value.
pub(super) fn valuations(policies: &Policies) -> Vec<Valuation> {
    let mut read = BTreeSet::new();
    policies.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
    policies.limits.values().for_each(|limit| limit.condition.collect_facts(&mut read));
    policies.obligations.iter().for_each(|obligation| obligation.condition.collect_facts(&mut read));
    let mut all = vec![BTreeMap::new()];
    for fact in policies.facts.values() {
        let mut choices = values(fact);
        if !read.contains(&fact.name) {
            choices.truncate(1);
        }
        all = all
            .into_iter()
            .flat_map(|known| {
                choices.iter().map(move |choice| {
                    let mut known: Valuation = known.clone();
                    known.extend(choice.clone().map(|value| (fact.name.clone(), value)));
                    known
                })
            })
            .collect();
    }
    all
}
