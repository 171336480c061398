//! Policies, prepared for deciding.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use ordain_ir::{
    Accumulation, Condition, Limit, LimitStatus, Outcome, Policies, PolicyName, Quantity, Request, Rule,
    RuleStatus, RuleType, ScopeSelector, Window,
};

use crate::answer::PolicyNumber;
use crate::condition::{Code, Start, Truth};
use crate::counters::counted_as;
use crate::index::{Candidate, Entry, Index, Side, Step, is_certain};
use crate::keys::keys;
use crate::overrides::silencers;
use crate::prepared::Prepared;
use crate::schema::Schema;
use crate::span::Adding;
use crate::window::{Clocks, CompiledWindow, Now};
use crate::{DecideError, EngineError};

/// Decides requests by one set of policies. Building it compiles every condition and pattern and looks up every zone;
/// deciding then only reads it, so one engine serves any number of threads.
#[derive(Debug)]
pub struct Engine {
    policies: Arc<Policies>,
    /// Sorted by name.
    pub(crate) rules: Vec<PreparedRule>,
    /// Sorted by name.
    pub(crate) limits: Vec<PreparedLimit>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) code: Code,
    pub(crate) clocks: Clocks,
    /// Each once; a policy's number is one more than its place here.
    windows: Vec<CompiledWindow>,
    /// The ways in which what its limits count adds up, each once.
    pub(crate) ways: Vec<Adding>,
    /// The active policies.
    pub(crate) index: Index,
}

/// One line of the processor's memory; read only of rules that speak, or might.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct PreparedRule {
    pub(crate) rule: Arc<Rule>,
    domain: Domain,
    pub(crate) says: Outcome,
    /// As the rule says; here, so that deciding looks at one place of memory for each rule.
    pub(crate) rule_type: RuleType,
    pub(crate) priority: i64,
    /// Rules that override it, directly or through others, by number, ascending.
    pub(crate) silencers: Box<[u32]>,
}

#[derive(Debug)]
pub(crate) struct PreparedLimit {
    pub(crate) limit: Arc<Limit>,
    domain: Domain,
    pub(crate) says: Outcome,
    /// The number of its meter; 0 where it has none.
    pub(crate) meter: u32,
    /// The number of the way in which it adds up; 0 where it doesn't accumulate.
    pub(crate) way: u32,
    /// As of [`CounterRef::quantity`](crate::CounterRef::quantity); empty where it doesn't accumulate.
    pub(crate) quantity: Arc<str>,
    /// The rule to whose domain it is confined, by number.
    confining: Option<u32>,
    /// Limits that override it, likewise.
    pub(crate) silencers: Box<[u32]>,
}

/// Scope × window × condition; the scope stands with the policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// Whether being found in the index says all about the scope.
    pub(crate) certain: bool,
    /// By number, none where it is always.
    pub(crate) window: Option<NonZeroU32>,
    pub(crate) condition: Start,
}

/// What policies are made of while they are prepared.
struct Builder<'p> {
    policies: &'p Policies,
    schema: Schema,
    code: Code,
    clocks: Clocks,
    windows: Vec<CompiledWindow>,
    known_windows: BTreeMap<&'p Window, NonZeroU32>,
    ways: Vec<(Accumulation, Adding)>,
    quantities: BTreeSet<Arc<str>>,
}

impl<'p> Builder<'p> {
    /// The number of the way in which a limit's quantity adds up, and what its counters call it.
    fn counting(&mut self, limit: &Limit) -> Result<(u32, Arc<str>), EngineError> {
        let Some(accumulation) = limit.quantity.accumulation() else { return Ok((0, "".into())) };
        let known = self.ways.iter().position(|(way, _)| way == accumulation);
        let way = if let Some(way) = known {
            way
        } else {
            let unknown = |zone| EngineError::UnknownZone { policy: limit.name.clone(), zone };
            self.ways.push((accumulation.clone(), Adding::new(accumulation).map_err(unknown)?));
            self.ways.len() - 1
        };
        let name = counted_as(&limit.quantity);
        let quantity = match self.quantities.get(&*name) {
            Some(known) => Arc::clone(known),
            None => name.into(),
        };
        self.quantities.insert(Arc::clone(&quantity));
        Ok((number(way), quantity))
    }

    fn window(&mut self, window: &'p Window) -> Result<Option<NonZeroU32>, String> {
        if window.is_always() {
            return Ok(None);
        }
        if let Some(known) = self.known_windows.get(window) {
            return Ok(Some(*known));
        }
        self.windows.push(CompiledWindow::new(window, &mut self.clocks)?);
        let number = NonZeroU32::new(number(self.windows.len()));
        self.known_windows.extend(number.map(|number| (window, number)));
        Ok(number)
    }

    fn domain(
        &mut self,
        policy: &PolicyName,
        scope: &ScopeSelector,
        window: &'p Window,
        condition: &Condition,
    ) -> Result<Domain, EngineError> {
        let unknown = |zone| EngineError::UnknownZone { policy: policy.clone(), zone };
        let unusable = |error| EngineError::of_condition(error, policy);
        Ok(Domain {
            certain: is_certain(scope),
            window: self.window(window).map_err(unknown)?,
            condition: self.code.add(condition, &self.policies.facts, &mut self.schema).map_err(unusable)?,
        })
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB has fewer than 2^32 policies")
}

impl Engine {
    /// Prepares the policies. Fails only on policies that the compiler would not have produced.
    pub fn new(policies: Arc<Policies>) -> Result<Self, EngineError> {
        let rules: Vec<&Arc<Rule>> = policies.rules.values().collect();
        let limits: Vec<&Arc<Limit>> = policies.limits.values().collect();
        let mut builder = Builder {
            policies: &policies,
            schema: Schema::default(),
            code: Code::default(),
            clocks: Clocks::default(),
            windows: vec![],
            known_windows: BTreeMap::new(),
            ways: vec![],
            quantities: BTreeSet::new(),
        };

        let overrides: Vec<_> = rules.iter().map(|rule| (&rule.name, rule.overrides.as_slice())).collect();
        let mut prepared_rules: Vec<PreparedRule> = Vec::with_capacity(rules.len());
        for (rule, silencers) in rules.iter().zip(silencers(&overrides)?) {
            let domain = builder.domain(&rule.name, &rule.scope, &rule.window, &rule.condition)?;
            prepared_rules.push(PreparedRule {
                rule: Arc::clone(rule),
                domain,
                says: rule.enforcement_mode.into(),
                rule_type: rule.rule_type,
                priority: rule.priority,
                silencers,
            });
        }

        let overrides: Vec<_> =
            limits.iter().map(|limit| (&limit.name, limit.overrides.as_slice())).collect();
        let mut prepared_limits: Vec<PreparedLimit> = Vec::with_capacity(limits.len());
        for (limit, silencers) in limits.iter().zip(silencers(&overrides)?) {
            let domain = builder.domain(&limit.name, &limit.scope, &limit.window, &limit.condition)?;
            let confining = match &limit.rule {
                None => None,
                Some(rule) => {
                    let found = prepared_rules.binary_search_by(|known| known.rule.name.cmp(rule));
                    let unknown =
                        || EngineError::UnknownPolicy { policy: limit.name.clone(), missing: rule.clone() };
                    Some(number(found.map_err(|_| unknown())?))
                }
            };
            let meter = match &limit.quantity {
                Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => {
                    builder.schema.intern_meter(meter)
                }
                Quantity::RiskCeiling | Quantity::Cooldown => 0,
            };
            let (way, quantity) = builder.counting(limit)?;
            let (says, limit) = (limit.enforcement.into(), Arc::clone(limit));
            prepared_limits.push(PreparedLimit {
                limit,
                domain,
                says,
                meter,
                way,
                quantity,
                confining,
                silencers,
            });
        }

        let Builder { mut schema, mut code, clocks, windows, ways, .. } = builder;
        let active_rules = rules.iter().enumerate().filter(|(_, rule)| rule.status == RuleStatus::Active);
        let active_limits =
            limits.iter().enumerate().filter(|(_, limit)| limit.status == LimitStatus::Active);
        let entries = active_rules
            .map(|(n, rule)| (Side::Rules, n, &rule.scope, &rule.condition, prepared_rules[n].domain))
            .chain(active_limits.map(|(n, limit)| {
                (Side::Limits, n, &limit.scope, &limit.condition, prepared_limits[n].domain)
            }))
            .map(|(side, n, scope, condition, domain)| Entry {
                side,
                number: number(n),
                scope,
                domain,
                keys: keys(condition, &mut schema),
            })
            .collect::<Vec<_>>();
        let index = Index::new(&entries, &mut schema, &code);
        code.shrink();
        drop(entries);
        drop((rules, limits));
        Ok(Self {
            policies,
            rules: prepared_rules,
            limits: prepared_limits,
            schema: Arc::new(schema),
            code,
            clocks,
            windows,
            ways: ways.into_iter().map(|(_, way)| way).collect(),
            index,
        })
    }

    /// The policies that it decides by.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// A rule by its number in an [`Answer`](crate::Answer).
    ///
    /// # Panics
    /// If the number is of another engine, which has more rules.
    pub fn rule(&self, number: u32) -> &Arc<Rule> {
        &self.rules[number as usize].rule
    }

    /// A limit by its number in an [`Answer`](crate::Answer).
    ///
    /// # Panics
    /// If the number is of another engine, which has more limits.
    pub fn limit(&self, number: u32) -> &Arc<Limit> {
        &self.limits[number as usize].limit
    }

    /// Whether the request lies in the policy's own domain: scope × window × condition, and for a limit the domain
    /// of the rule that it names. Statuses, overrides and priorities don't matter here.
    pub fn in_domain(&self, policy: &PolicyName, request: &Request) -> Result<bool, DecideError> {
        let number = self.number_of(policy).ok_or_else(|| DecideError::UnknownPolicy(policy.clone()))?;
        let prepared = self.prepare(request)?;
        let mut now = Now::default();
        now.set(prepared.second, &self.clocks);
        let truth = match number {
            PolicyNumber::Rule(rule) => self.rule_holds(rule, &prepared, &mut now),
            PolicyNumber::Limit(limit) => self.limit_holds(limit, &prepared, &mut now),
        };
        match truth {
            Truth::True => Ok(true),
            Truth::False => Ok(false),
            Truth::Unknown(slot) => Err(self.missing(slot, policy)),
        }
    }

    /// The number under which answers name a policy, if there is one of this name.
    pub fn number_of(&self, policy: &PolicyName) -> Option<PolicyNumber> {
        if let Ok(rule) = self.rules.binary_search_by(|known| known.rule.name.cmp(policy)) {
            return Some(PolicyNumber::Rule(number(rule)));
        }
        let limit = self.limits.binary_search_by(|known| known.limit.name.cmp(policy)).ok()?;
        Some(PolicyNumber::Limit(number(limit)))
    }

    pub(crate) fn missing(&self, slot: u32, policy: &PolicyName) -> DecideError {
        let fact = self.schema.slots[slot as usize].name.clone();
        DecideError::MissingFact { fact, policy: policy.clone() }
    }

    /// Whether the request is in the domain of a rule.
    pub(crate) fn rule_holds(&self, number: u32, request: &Prepared, now: &mut Now) -> Truth {
        let PreparedRule { rule, domain, .. } = &self.rules[number as usize];
        self.holds(domain, &rule.scope, request, now)
    }

    /// Whether the request is in the domain of a limit, and in that of the rule that it names.
    pub(crate) fn limit_holds(&self, number: u32, request: &Prepared, now: &mut Now) -> Truth {
        let PreparedLimit { limit, domain, .. } = &self.limits[number as usize];
        self.holds(domain, &limit.scope, request, now).and(|| self.confines(number, request, now))
    }

    /// The same of a policy that the index has found.
    #[inline]
    pub(crate) fn candidate_holds(
        &self,
        side: Side,
        (candidate, tests): (&Candidate, &[Step]),
        request: &Prepared,
        now: &mut Now,
    ) -> Truth {
        let number = candidate.number as usize;
        let scope = || match side {
            Side::Rules => &self.rules[number].rule.scope,
            Side::Limits => &self.limits[number].limit.scope,
        };
        if !candidate.certain && !selects(scope(), request) || !self.is_within(candidate.window, now) {
            return Truth::False;
        }
        let tests = tests.iter().filter_map(Step::as_test);
        let own = self.code.all_hold(tests, &self.schema, request);
        match side {
            Side::Rules => own,
            Side::Limits => own.and(|| self.confines(candidate.number, request, now)),
        }
    }

    /// Whether the request is in the domain of the rule that a limit names, if it names one.
    fn confines(&self, number: u32, request: &Prepared, now: &mut Now) -> Truth {
        let confining = self.limits[number as usize].confining;
        confining.map_or(Truth::True, |rule| self.rule_holds(rule, request, now))
    }

    /// The condition, the only part that may be unknown, comes last.
    fn holds(&self, domain: &Domain, scope: &ScopeSelector, request: &Prepared, now: &mut Now) -> Truth {
        if !selects(scope, request) || !self.is_within(domain.window, now) {
            return Truth::False;
        }
        self.code.evaluate(domain.condition, &self.schema, request)
    }

    fn is_within(&self, window: Option<NonZeroU32>, now: &mut Now) -> bool {
        window.is_none_or(|it| self.windows[it.get() as usize - 1].contains(now, &self.clocks))
    }

    pub(crate) fn condition_of_rule(&self, number: u32) -> Start {
        self.rules[number as usize].domain.condition
    }

    pub(crate) fn condition_of_limit(&self, number: u32) -> Start {
        self.limits[number as usize].domain.condition
    }
}

fn selects(scope: &ScopeSelector, request: &Prepared) -> bool {
    let ([tenant, project, agent], provider) = (request.path(), request.provider());
    let within = |patterns: &[ordain_ir::ScopePattern]| {
        patterns.iter().any(|pattern| pattern.selects([tenant, project, agent], provider))
    };
    within(&scope.include) && !within(&scope.except)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_line_of_memory() {
        assert_eq!(size_of::<PreparedRule>(), 64);
    }
}
