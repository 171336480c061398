//! The lints of a workspace of the finite [`world`](crate::world), found by trying every request.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{
    Accumulation, Code, Condition, Direction, EnforcementMode, Limit, LimitStatus, Meter, Partition,
    Policies, PolicyName, Quantity, Rule, RuleStatus, RuleType, Window, codes,
};

use super::regions::{instants, valuations};
use super::{Regions, periods};
use crate::reference;
use crate::world::clock;

/// A lint without its words: the policy, the code, and of an `overrides` whom it names.
pub type Told = (PolicyName, Code, Option<PolicyName>);

/// Every lint of the policies at an instant.
pub fn lints(policies: &Policies, now: i64) -> BTreeSet<Told> {
    let regions = Regions::of(policies);
    let sets: Vec<u16> = regions.sets().into_iter().collect();
    let mut world = World { policies, regions: &regions, sets, now, found: BTreeSet::new() };
    world.domains();
    world.rules();
    world.limits();
    world.overrides();
    world.found
}

struct World<'a> {
    policies: &'a Policies,
    regions: &'a Regions,
    sets: Vec<u16>,
    now: i64,
    found: BTreeSet<Told>,
}

impl<'a> World<'a> {
    fn tell(&mut self, policy: &PolicyName, code: Code) {
        self.found.insert((policy.clone(), code, None));
    }

    fn is_told(&self, policy: &PolicyName, codes: &[Code]) -> bool {
        codes.iter().any(|code| self.found.contains(&(policy.clone(), code.clone(), None)))
    }

    fn is_void(&self, policy: &PolicyName) -> bool {
        self.is_told(policy, &[codes::NEVER_ACTIVE, codes::NEVER_TRUE, codes::CANNOT_BIND])
    }

    fn active_rules(&self) -> Vec<&'a Rule> {
        self.policies.rules.values().map(|it| &**it).filter(|it| it.status == RuleStatus::Active).collect()
    }

    fn active_limits(&self) -> Vec<&'a Limit> {
        self.policies.limits.values().map(|it| &**it).filter(|it| it.status == LimitStatus::Active).collect()
    }

    fn has(&self, set: u16, policy: &PolicyName) -> bool {
        set & self.regions.bit(policy) != 0
    }

    fn domains(&mut self) {
        let rules = self.active_rules();
        let rules = rules.iter().map(|it| (&it.name, &it.window, &it.condition, false));
        let limits = self.active_limits();
        let limits = limits.iter().map(|it| (&it.name, &it.window, &it.condition, it.rule.is_some()));
        for (name, window, condition, confined) in rules.chain(limits).collect::<Vec<_>>() {
            if let Some(code) = self.domain(name, window, condition, confined) {
                self.tell(name, code);
            }
        }
    }

    fn domain(
        &self,
        name: &PolicyName,
        window: &Window,
        condition: &Condition,
        confined: bool,
    ) -> Option<Code> {
        let open: Vec<i64> =
            instants(self.policies).filter(|second| reference::in_window(window, *second, &clock)).collect();
        let ends = !window.clauses.is_empty() && window.clauses.iter().all(|clause| clause.until.is_some());
        if open.is_empty() || (ends && open.iter().all(|second| *second < self.now)) {
            return Some(codes::NEVER_ACTIVE);
        }
        let outcomes: BTreeSet<bool> = valuations(self.policies)
            .iter()
            .map(|values| reference::holds(condition, &self.policies.facts, values))
            .collect();
        if !outcomes.contains(&true) {
            return Some(codes::NEVER_TRUE);
        }
        if confined && !self.sets.iter().any(|set| self.has(*set, name)) {
            return Some(codes::CANNOT_BIND);
        }
        (*condition != Condition::True && !outcomes.contains(&false)).then_some(codes::ALWAYS_TRUE)
    }

    /// What each concern says of a request of these policies, and which rules say it.
    fn said(
        &self,
        set: u16,
        without: &BTreeSet<&PolicyName>,
    ) -> (BTreeMap<RuleType, EnforcementMode>, BTreeSet<&'a PolicyName>) {
        let present: Vec<&Rule> = self
            .active_rules()
            .into_iter()
            .filter(|rule| self.has(set, &rule.name) && !without.contains(&rule.name))
            .collect();
        let applies = |rule: &&&Rule| {
            !present.iter().any(|other| reference::overrides(self.policies, &other.name, &rule.name))
        };
        let applicable: Vec<&&Rule> = present.iter().filter(applies).collect();
        let (mut said, mut speaking) = (BTreeMap::new(), BTreeSet::new());
        for rule in &applicable {
            let higher = |other: &&&Rule| other.rule_type == rule.rule_type && other.priority > rule.priority;
            if !applicable.iter().any(higher) {
                let mode = said.entry(rule.rule_type).or_insert(EnforcementMode::Disabled);
                *mode = rule.enforcement_mode.max(*mode);
                speaking.insert(&rule.name);
            }
        }
        // To say nothing and to have nothing to say come to the same.
        said.retain(|_, mode| *mode != EnforcementMode::Disabled);
        (said, speaking)
    }

    fn rules(&mut self) {
        let asked: Vec<&Rule> = self
            .active_rules()
            .into_iter()
            .filter(|rule| {
                !self.is_void(&rule.name) && self.sets.iter().any(|set| self.has(*set, &rule.name))
            })
            .collect();
        let none = BTreeSet::new();
        let mut alone = vec![];
        for rule in asked {
            let mut own = self.sets.iter().filter(|set| self.has(**set, &rule.name));
            if !own.any(|set| self.said(*set, &none).1.contains(&rule.name)) {
                self.tell(&rule.name, codes::SHADOWED);
            } else if rule.enforcement_mode != EnforcementMode::Disabled
                && !self.is_needed(&rule.name)
                && self.is_redundant(rule, &none)
            {
                alone.push(rule);
            }
        }
        let mut gone = BTreeSet::new();
        for rule in alone.into_iter().rev() {
            if self.is_redundant(rule, &gone) {
                gone.insert(&rule.name);
                self.tell(&rule.name, codes::REDUNDANT);
            }
        }
    }

    fn is_needed(&self, name: &PolicyName) -> bool {
        self.policies.limits.values().any(|limit| limit.rule.as_ref() == Some(name))
    }

    fn is_redundant(&self, rule: &'a Rule, gone: &BTreeSet<&'a PolicyName>) -> bool {
        let mut without = gone.clone();
        without.insert(&rule.name);
        self.sets.iter().all(|set| self.said(*set, gone).0 == self.said(*set, &without).0)
    }

    fn limits(&mut self) {
        let asked: Vec<&Limit> = self
            .active_limits()
            .into_iter()
            .filter(|limit| {
                !self.is_void(&limit.name) && self.sets.iter().any(|set| self.has(*set, &limit.name))
            })
            .collect();
        let mut gone: BTreeSet<&PolicyName> = BTreeSet::new();
        for limit in asked.iter().rev() {
            if self.is_needless(limit, &gone) {
                gone.insert(&limit.name);
                self.tell(&limit.name, codes::REDUNDANT);
            }
        }
        for limit in asked.iter().rev() {
            if !gone.contains(&limit.name) && self.is_held_down(limit, &gone) {
                gone.insert(&limit.name);
                self.tell(&limit.name, codes::CANNOT_BIND);
            }
        }
    }

    fn is_needless(&self, limit: &Limit, gone: &BTreeSet<&PolicyName>) -> bool {
        let active = self.active_limits();
        if active.iter().any(|other| reference::overrides(self.policies, &limit.name, &other.name)) {
            return false;
        }
        let guarantee = limit.bound.direction == Direction::AtLeast && !limit.quantity.is_pointwise();
        let covers: Vec<&&Limit> = active
            .iter()
            .filter(|other| {
                other.name != limit.name
                    && !gone.contains(&other.name)
                    && other.quantity == limit.quantity
                    && other.bound.direction == limit.bound.direction
                    && match limit.bound.direction {
                        Direction::AtMost => other.bound.value <= limit.bound.value,
                        Direction::AtLeast => other.bound.value >= limit.bound.value,
                    }
                    && other.enforcement.strictness() >= limit.enforcement.strictness()
                    && is_same_or_finer(limit.partition, other.partition)
                    && self.is_never_silenced(other)
            })
            .collect();
        let within =
            |a: &Limit, b: &Limit| self.sets.iter().all(|s| !self.has(*s, &a.name) || self.has(*s, &b.name));
        let mut around = covers.iter().filter(|other| within(limit, other));
        let is_twin = |other: &Limit| {
            other.bound == limit.bound
                && other.enforcement == limit.enforcement
                && other.partition == limit.partition
                && within(other, limit)
        };
        if !guarantee && around.clone().any(|other| !is_twin(other)) {
            return false;
        }
        if around.any(|other| is_twin(other)) {
            return true;
        }
        let own: Vec<&u16> = self.sets.iter().filter(|set| self.has(**set, &limit.name)).collect();
        limit.quantity.is_pointwise()
            && own.iter().all(|set| covers.iter().any(|other| self.has(**set, &other.name)))
    }

    fn is_never_silenced(&self, limit: &Limit) -> bool {
        !self
            .active_limits()
            .iter()
            .any(|other| reference::overrides(self.policies, &other.name, &limit.name))
    }

    /// Whether hard limits around a ceiling keep usage at or below it.
    fn is_held_down(&self, limit: &Limit, gone: &BTreeSet<&PolicyName>) -> bool {
        if limit.bound.direction != Direction::AtMost {
            return false;
        }
        let around: Vec<&Limit> = self
            .active_limits()
            .into_iter()
            .filter(|other| {
                other.name != limit.name
                    && !gone.contains(&other.name)
                    && other.enforcement.is_hard()
                    && self.is_never_silenced(other)
                    && (matches!(other.quantity, Quantity::PerRun(_))
                        || is_same_or_finer(limit.partition, other.partition))
                    && self.sets.iter().all(|s| !self.has(*s, &limit.name) || self.has(*s, &other.name))
            })
            .collect();
        let caps = |wanted: &dyn Fn(&Quantity) -> bool| -> Vec<(&Quantity, i64)> {
            let ceilings =
                around.iter().filter(|it| it.bound.direction == Direction::AtMost && wanted(&it.quantity));
            ceilings.map(|it| (&it.quantity, it.bound.value)).collect()
        };
        let sums = |meter: &Meter, held: &Accumulation| -> Vec<i64> {
            let of_meter = caps(&|it| {
                *it != limit.quantity && matches!(it, Quantity::Accumulated(of, _) if of == meter)
            });
            let amount = |(quantity, value): (&Quantity, i64)| match quantity {
                Quantity::Accumulated(_, of) => Some(value * periods::most(self.policies, limit, held, of)?),
                _ => None,
            };
            of_meter.into_iter().filter_map(amount).collect()
        };
        let cooldowns = |held: &Accumulation| -> Vec<i64> {
            let all = around.iter().filter(|it| it.quantity == Quantity::Cooldown && it.bound.value > 0);
            let all = all.filter(|it| it.bound.direction == Direction::AtLeast);
            let longest = periods::longest(self.policies, held);
            longest.map_or(vec![], |length| all.map(|it| 1 + length * 1_000 / it.bound.value).collect())
        };
        let most = match &limit.quantity {
            Quantity::PerRun(meter) => {
                let sums = caps(&|it| matches!(it, Quantity::Accumulated(of, _) if of == meter));
                sums.into_iter().map(|(_, value)| value).min()
            }
            Quantity::Accumulated(Meter::Runs, held) => {
                sums(&Meter::Runs, held).into_iter().chain(cooldowns(held)).min()
            }
            Quantity::Accumulated(meter, held) => {
                let one = caps(&|it| *it == Quantity::PerRun(meter.clone()))
                    .into_iter()
                    .map(|(_, value)| value)
                    .min();
                let same = caps(&|it| *it == Quantity::Accumulated(Meter::Runs, held.clone()));
                let same = same.into_iter().map(|(_, value)| value);
                let runs = sums(&Meter::Runs, held).into_iter().chain(cooldowns(held)).chain(same).min();
                let by_runs = one.and_then(|one| Some(one * runs?));
                sums(meter, held).into_iter().chain(by_runs).min()
            }
            Quantity::RiskCeiling | Quantity::Cooldown => None,
        };
        // Who holds something how long nobody says.
        let held = !matches!(limit.quantity, Quantity::Accumulated(_, Accumulation::Concurrent));
        held && most.is_some_and(|most| most <= limit.bound.value)
    }

    fn overrides(&mut self) {
        let rules = self.active_rules().into_iter().map(|it| (&it.name, &it.overrides));
        let limits = self.active_limits().into_iter().map(|it| (&it.name, &it.overrides));
        let all: Vec<_> = rules.chain(limits).collect();
        let names: Vec<&PolicyName> = all.iter().map(|(name, _)| *name).collect();
        for (name, target) in
            all.iter().flat_map(|(name, list)| list.iter().map(move |it| (name, &it.policy)))
        {
            let reaches = |from: &PolicyName, to: &PolicyName| {
                from == to || reference::overrides(self.policies, from, to)
            };
            let meet = names.iter().any(|over| {
                reaches(over, name)
                    && names.iter().any(|under| reaches(target, under) && self.regions.overlap(over, under))
            });
            if !meet {
                self.found.insert(((*name).clone(), codes::IDLE_OVERRIDE, Some(target.clone())));
            }
        }
    }
}

fn is_same_or_finer(a: Partition, b: Partition) -> bool {
    use Partition::{Agent, Project, Tenant, Whole};
    a == b || b == Whole || matches!((a, b), (Agent, Project | Tenant) | (Project, Tenant))
}
