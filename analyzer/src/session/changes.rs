//! What differs between two versions of policies, as far as conflicts depend on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Fact, FactName, Obligation, Policies, PolicyName, Rule};

use crate::analysis::Kind;
use crate::conditions::Memo;
use crate::coverage::covers;
use crate::domain::Ground;
use crate::overrides::Overrides;
use crate::pairs::Group;
use crate::scope;
use crate::window;

/// The policies of which something has changed that conflicts with others depend on.
#[derive(Debug)]
pub(crate) struct Changes {
    /// `None` means all of them.
    names: Option<BTreeSet<PolicyName>>,
    kinds: BTreeSet<Kind>,
    /// The rules among them, as they were and as they are.
    rules: Vec<[Option<Arc<Rule>>; 2]>,
    /// What they mean to obligations.
    covering: BTreeMap<Obligation, Covering>,
}

/// What changes of rules mean to an obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Covering {
    /// None of the rules could cover it.
    Alike,
    /// The same rules could as before, where and when they could, but their conditions have changed.
    ByCondition,
    /// Neither.
    Otherwise,
}

impl Changes {
    /// As if there had been nothing before.
    pub(crate) fn everything(policies: &Policies) -> Self {
        let rules = policies.rules.values().map(|rule| Kind::of_rule(rule));
        let limits = policies.limits.values().map(|limit| Kind::of_limit(limit));
        let kinds = rules.chain(limits).collect();
        Self { names: None, kinds, rules: vec![], covering: BTreeMap::new() }
    }

    /// What differs; `None` if everything must be looked at, since something has changed that all may depend on.
    pub(crate) fn between(old: &Policies, new: &Policies, ground: &Ground) -> Option<Self> {
        if old.settings != new.settings || old.meters != new.meters || !same_facts(old, new, ground) {
            return None;
        }
        let (mut names, mut rules, mut limits) = (BTreeSet::new(), vec![], vec![]);
        differing(&old.rules, &new.rules, |name, versions| {
            names.insert(name.clone());
            rules.push(versions.map(Option::<&Arc<Rule>>::cloned));
        });
        differing(&old.limits, &new.limits, |name, versions| {
            names.insert(name.clone());
            limits.extend(versions.into_iter().flatten());
        });
        let versions = || rules.iter().flatten().flatten();
        let windows = versions().map(|rule| &rule.window);
        let mut windows = windows.chain(limits.iter().map(|limit| &limit.window)).flat_map(|it| &it.clauses);
        let names_instants = windows.any(|clause| clause.from.is_some() || clause.until.is_some());
        if names_instants && !ground.is_within(&window::horizon(new)) {
            return None;
        }
        let overrides = versions().map(|rule| &rule.overrides);
        if overrides.chain(limits.iter().map(|limit| &limit.overrides)).any(|it| !it.is_empty()) {
            names.extend(related_anew(old, new));
        }
        if !names.is_empty() {
            // A limit speaks where its rule does.
            let confined = new.limits.values().chain(old.limits.values());
            let confined = confined.filter(|it| it.rule.as_ref().is_some_and(|rule| names.contains(rule)));
            let confined: Vec<PolicyName> = confined.map(|limit| limit.name.clone()).collect();
            names.extend(confined);
        }
        let versions = |name: &PolicyName| {
            let of_rules = [old, new].into_iter().filter_map(|side| side.rules.get(name));
            let of_limits = [old, new].into_iter().filter_map(|side| side.limits.get(name));
            let of_limits = of_limits.map(|limit| Kind::of_limit(limit));
            of_rules.map(|rule| Kind::of_rule(rule)).chain(of_limits).collect::<Vec<_>>()
        };
        let kinds = names.iter().flat_map(versions).collect();
        Some(Self { names: Some(names), kinds, rules, covering: BTreeMap::new() })
    }

    /// Whether that is all policies.
    pub(crate) fn is_everything(&self) -> bool {
        self.names.is_none()
    }

    /// Whether the policy is one of them.
    pub(crate) fn concern(&self, name: &PolicyName) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(name))
    }

    /// Whether a limit is one of them, or was.
    pub(crate) fn concern_limits(&self) -> bool {
        self.is_everything() || self.kinds.iter().any(|kind| matches!(kind, Kind::Limits(_)))
    }

    /// Their names; none where it is everything.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &PolicyName> {
        self.names.iter().flatten()
    }

    /// An empty group for each kind that one of them has or had.
    pub(crate) fn groups<E>(&self, wanted: impl Fn(&Kind) -> bool) -> BTreeMap<Kind, Group<E>> {
        let kinds = self.kinds.iter().filter(|kind| wanted(kind));
        kinds.map(|kind| (kind.clone(), Group { entries: vec![], fresh: vec![] })).collect()
    }

    /// Adds their parts to what is known. Works in the current thread pool.
    pub(crate) fn add_to(&self, ground: &mut Ground, policies: &Policies, memo: &Memo) {
        match &self.names {
            None => {
                let rules = policies.rules.values().map(Arc::as_ref);
                ground.add(rules, policies.limits.values().map(Arc::as_ref), policies, memo);
            }
            Some(names) => {
                let rules = names.iter().filter_map(|name| policies.rules.get(name)).map(Arc::as_ref);
                let limits = names.iter().filter_map(|name| policies.limits.get(name)).map(Arc::as_ref);
                ground.add(rules, limits, policies, memo);
            }
        }
    }

    /// Finds out what they mean to these obligations.
    pub(crate) fn settle<'o>(
        &mut self,
        obligations: impl Iterator<Item = &'o Obligation>,
        ground: &Ground,
        memo: &Memo,
    ) {
        let covering = |obligation: &Obligation, [old, new]: &[Option<Arc<Rule>>; 2]| {
            let could = |rule: &Rule| {
                covers(rule, obligation.rule_type)
                    && !scope::find(&[&obligation.scope, &rule.scope], &[], &memo.strings).is_no()
            };
            let [old, new] = [old, new].map(|rule| rule.as_ref().filter(|rule| could(rule)));
            match (old, new) {
                (None, None) => Covering::Alike,
                (Some(old), Some(new))
                    if (&old.scope, &old.window) == (&new.scope, &new.window)
                        && ground.is_true(&old.condition) == ground.is_true(&new.condition) =>
                {
                    Covering::ByCondition
                }
                _ => Covering::Otherwise,
            }
        };
        let most = |it: &Obligation| self.rules.iter().map(|rule| covering(it, rule)).max();
        self.covering = obligations.map(|it| (it.clone(), most(it).unwrap_or(Covering::Alike))).collect();
    }

    /// What they mean to an obligation.
    pub(crate) fn covering(&self, obligation: &Obligation) -> Covering {
        self.covering.get(obligation).copied().unwrap_or(Covering::Otherwise)
    }
}

/// Calls `visit` with each name whose values differ, and both of them. What is shared is not looked into.
pub fn differing<'p, V: PartialEq>(
    old: &'p BTreeMap<PolicyName, Arc<V>>,
    new: &'p BTreeMap<PolicyName, Arc<V>>,
    mut visit: impl FnMut(&'p PolicyName, [Option<&'p Arc<V>>; 2]),
) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            // What an edit leaves alone is shared.
            (Some((_, a)), Some((_, b))) if Arc::ptr_eq(a, b) => std::cmp::Ordering::Equal,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        let values = [before, after].map(|side| side.map(|(_, value)| value));
        let same = matches!(values, [Some(a), Some(b)] if Arc::ptr_eq(a, b) || a == b);
        if let Some((name, _)) = before.or(after).filter(|_| !same) {
            visit(name, values);
        }
    }
}

/// Whether every fact that a known condition reads is declared as it was. What documentation says doesn't matter.
fn same_facts(old: &Policies, new: &Policies, ground: &Ground) -> bool {
    if old.facts == new.facts {
        return true;
    }
    let mut read = ground.facts();
    for obligation in old.obligations.iter().chain(&new.obligations) {
        obligation.condition.collect_facts(&mut read);
    }
    let plain = |fact: &Fact| Fact { doc: String::new(), ..fact.clone() };
    let declared = |policies: &Policies, name: &FactName| policies.facts.get(name).map(plain);
    read.iter().all(|name| declared(old, name) == declared(new, name))
}

/// The policies of which one overrides the other, if only through others, in one version and not in the other.
fn related_anew(old: &Policies, new: &Policies) -> BTreeSet<PolicyName> {
    let (before, after) = (Overrides::new(old), Overrides::new(new));
    let [before, after] = [before, after].map(|all| all.pairs().collect::<BTreeSet<_>>());
    before.symmetric_difference(&after).flat_map(|(a, b)| [(*a).clone(), (*b).clone()]).collect()
}
