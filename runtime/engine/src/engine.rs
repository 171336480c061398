//! Policies, prepared for deciding.

use std::sync::Arc;

use ordain_ir::{Limit, LimitStatus, Policies, PolicyId, PolicyName, Request, Rule, RuleStatus};

use crate::domain::Domain;
use crate::index::ScopeIndex;
use crate::overrides::silencers;
use crate::{DecideError, EngineError};

/// Decides requests by one set of policies. Building it compiles every pattern and looks up every zone; deciding
/// then only reads it, so one engine serves any number of threads.
#[derive(Debug)]
pub struct Engine {
    policies: Arc<Policies>,
    /// Sorted by name.
    pub(crate) rules: Vec<PreparedRule>,
    /// Sorted by name.
    pub(crate) limits: Vec<PreparedLimit>,
    /// The active rules.
    pub(crate) rule_index: ScopeIndex,
    /// The active limits.
    pub(crate) limit_index: ScopeIndex,
}

#[derive(Debug)]
pub(crate) struct PreparedRule {
    pub(crate) id: PolicyId,
    pub(crate) rule: Arc<Rule>,
    pub(crate) domain: Domain,
    /// Rules that override it, directly or through others, by number, ascending.
    pub(crate) silencers: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct PreparedLimit {
    pub(crate) id: PolicyId,
    pub(crate) limit: Arc<Limit>,
    pub(crate) domain: Domain,
    /// The rule to whose domain it is confined, by number.
    pub(crate) confining: Option<usize>,
    /// Limits that override it, likewise.
    pub(crate) silencers: Vec<usize>,
}

impl Engine {
    /// Prepares the policies. Fails only on policies that the compiler would not have produced.
    pub fn new(policies: Arc<Policies>) -> Result<Self, EngineError> {
        let overrides: Vec<_> =
            policies.rules.iter().map(|(name, rule)| (name, rule.overrides.as_slice())).collect();
        let mut rules = Vec::with_capacity(policies.rules.len());
        for ((name, rule), silencers) in policies.rules.iter().zip(silencers(&overrides)?) {
            let domain = Domain::new(name, &rule.scope, &rule.window, &rule.condition, &policies)?;
            rules.push(PreparedRule { id: rule.id(), rule: Arc::clone(rule), domain, silencers });
        }

        let overrides: Vec<_> =
            policies.limits.iter().map(|(name, limit)| (name, limit.overrides.as_slice())).collect();
        let mut limits = Vec::with_capacity(policies.limits.len());
        for ((name, limit), silencers) in policies.limits.iter().zip(silencers(&overrides)?) {
            let domain = Domain::new(name, &limit.scope, &limit.window, &limit.condition, &policies)?;
            let confining = match &limit.rule {
                None => None,
                Some(rule) => {
                    Some(rules.binary_search_by(|known| known.rule.name.cmp(rule)).map_err(|_| {
                        EngineError::UnknownPolicy { policy: name.clone(), missing: rule.clone() }
                    })?)
                }
            };
            limits.push(PreparedLimit {
                id: limit.id(),
                limit: Arc::clone(limit),
                domain,
                confining,
                silencers,
            });
        }

        let (mut rule_index, mut limit_index) = (ScopeIndex::default(), ScopeIndex::default());
        for (number, PreparedRule { rule, .. }) in rules.iter().enumerate() {
            if rule.status == RuleStatus::Active {
                rule_index.insert(number, &rule.scope);
            }
        }
        for (number, PreparedLimit { limit, .. }) in limits.iter().enumerate() {
            if limit.status == LimitStatus::Active {
                limit_index.insert(number, &limit.scope);
            }
        }
        Ok(Self { policies, rules, limits, rule_index, limit_index })
    }

    /// The policies that it decides by.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// Whether the request lies in the policy's own domain: scope × window × condition, and for a limit the domain
    /// of the rule that it names. Statuses, overrides and priorities don't matter here.
    pub fn in_domain(&self, policy: &PolicyName, request: &Request) -> Result<bool, DecideError> {
        if let Ok(rule) = self.rules.binary_search_by(|known| known.rule.name.cmp(policy)) {
            self.rules[rule].domain.contains(None, request)
        } else if let Ok(limit) = self.limits.binary_search_by(|known| known.limit.name.cmp(policy)) {
            self.limit_contains(&self.limits[limit], request)
        } else {
            Err(DecideError::UnknownPolicy(policy.clone()))
        }
    }

    /// Of these policies the active ones whose domain the request is in: rules and limits by number, ascending.
    pub(crate) fn among(
        &self,
        policies: &[&PolicyName],
        request: &Request,
    ) -> Result<(Vec<usize>, Vec<usize>), DecideError> {
        let (mut rules, mut limits) = (vec![], vec![]);
        for policy in policies {
            if let Ok(number) = self.rules.binary_search_by(|known| known.rule.name.cmp(policy)) {
                let PreparedRule { rule, domain, .. } = &self.rules[number];
                if rule.status == RuleStatus::Active && domain.contains(None, request)? {
                    rules.push(number);
                }
            } else if let Ok(number) = self.limits.binary_search_by(|known| known.limit.name.cmp(policy)) {
                let prepared = &self.limits[number];
                if prepared.limit.status == LimitStatus::Active && self.limit_contains(prepared, request)? {
                    limits.push(number);
                }
            } else {
                return Err(DecideError::UnknownPolicy((*policy).clone()));
            }
        }
        for list in [&mut rules, &mut limits] {
            list.sort_unstable();
            list.dedup();
        }
        Ok((rules, limits))
    }

    /// The active rules whose domain the request is in, by number, ascending.
    pub(crate) fn rules_at(&self, request: &Request) -> Result<Vec<usize>, DecideError> {
        let mut found = self.rule_index.candidates(&request.path);
        keep(&mut found, |number| self.rules[number].domain.contains(None, request))?;
        Ok(found)
    }

    /// The active limits whose domain the request is in, by number, ascending.
    pub(crate) fn limits_at(&self, request: &Request) -> Result<Vec<usize>, DecideError> {
        let mut found = self.limit_index.candidates(&request.path);
        keep(&mut found, |number| self.limit_contains(&self.limits[number], request))?;
        Ok(found)
    }

    fn limit_contains(&self, limit: &PreparedLimit, request: &Request) -> Result<bool, DecideError> {
        limit.domain.contains(limit.confining.map(|rule| &self.rules[rule].domain), request)
    }
}

fn keep(
    numbers: &mut Vec<usize>,
    holds: impl Fn(usize) -> Result<bool, DecideError>,
) -> Result<(), DecideError> {
    let mut failure = Ok(());
    numbers.retain(|number| match holds(*number) {
        Ok(holds) => holds,
        Err(error) => {
            // The first by name, so that the error doesn't depend on anything else.
            if failure.is_ok() {
                failure = Err(error);
            }
            false
        }
    });
    failure
}
