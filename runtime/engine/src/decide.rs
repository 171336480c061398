//! The decision function.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Direction, Outcome, PolicyName, Quantity, Request, RuleType};

use crate::decision::{Decision, LimitFinding, Role, RuleFinding, Unmeasured};
use crate::engine::PreparedLimit;
use crate::{Counters, DecideError, Engine, Subject, period};

/// How a policy stands before it is known what the others say.
enum Standing {
    /// It has no say, for this reason.
    Silent(Role),
    /// It demands this.
    Says(Outcome),
}

impl Standing {
    fn says(&self) -> Option<Outcome> {
        match self {
            Self::Says(outcome) => Some(*outcome),
            Self::Silent(_) => None,
        }
    }
}

/// A limit's value for a request.
struct Measurement {
    number: usize,
    subject: Subject,
    period_start: Option<Timestamp>,
    value: i64,
    breached: bool,
}

impl Engine {
    /// What the policies say about the request, and why.
    pub fn decide(&self, request: &Request, counters: &dyn Counters) -> Result<Decision, DecideError> {
        Ok(self.decision(self.rules_at(request)?, self.limits_at(request)?, request, counters))
    }

    /// What these policies say about the request, were there no others: the ones that are active and whose domain
    /// the request is in. Who overrides whom stays as it is, also where that goes through policies left out.
    pub fn decide_by(
        &self,
        policies: &[&PolicyName],
        request: &Request,
        counters: &dyn Counters,
    ) -> Result<Decision, DecideError> {
        let (rules, limits) = self.among(policies, request)?;
        Ok(self.decision(rules, limits, request, counters))
    }

    /// The decision where these rules and limits, by number and ascending, are all that apply.
    fn decision(
        &self,
        rules: Vec<usize>,
        limits: Vec<usize>,
        request: &Request,
        counters: &dyn Counters,
    ) -> Decision {
        let rules = self.rule_standings(&rules);
        let (limits, unmeasured) = self.limit_standings(&limits, request, counters);

        let rule_name = |number: usize| &self.rules[number].rule.name;
        let limit_name = |number: usize| &self.limits[number].limit.name;
        let said = rules.iter().map(|(number, standing)| (rule_name(*number), standing.says()));
        let said: Vec<(&PolicyName, Outcome)> = said
            .chain(limits.iter().map(|(measured, standing)| (limit_name(measured.number), standing.says())))
            .filter_map(|(name, says)| Some((name, says?)))
            .collect();
        let outcome = said.iter().map(|(_, says)| *says).max().unwrap_or(Outcome::Allow);
        // Rules come first, then names: where several demand the outcome, one is said to have decided it.
        let decider = said.iter().find(|(_, says)| *says == outcome).map(|(name, _)| *name);
        let role = |standing: Standing, name: &PolicyName| match (standing, decider) {
            (Standing::Silent(role), _) => role,
            (Standing::Says(says), Some(than)) if says < outcome => Role::Milder { than: than.clone() },
            (Standing::Says(_), Some(decider)) if decider != name => Role::Agreed,
            (Standing::Says(_), _) => Role::Decided,
        };

        let rules = rules.into_iter().map(|(number, standing)| {
            let prepared = &self.rules[number];
            let role = role(standing, &prepared.rule.name);
            RuleFinding { id: prepared.id, rule: Arc::clone(&prepared.rule), role }
        });
        let limits = limits.into_iter().map(|(measured, standing)| {
            let prepared = &self.limits[measured.number];
            let role = role(standing, &prepared.limit.name);
            let Measurement { subject, period_start, value, breached, .. } = measured;
            let limit = Arc::clone(&prepared.limit);
            LimitFinding { id: prepared.id, limit, subject, period_start, value, breached, role }
        });
        let unmeasured = unmeasured.into_iter().map(|number| {
            let prepared = &self.limits[number];
            Unmeasured { id: prepared.id, limit: Arc::clone(&prepared.limit) }
        });
        Decision {
            outcome,
            rules: rules.collect(),
            limits: limits.collect(),
            unmeasured: unmeasured.collect(),
        }
    }

    /// How the rules stand of which these apply.
    fn rule_standings(&self, present: &[usize]) -> Vec<(usize, Standing)> {
        let silencers = |number: usize| self.rules[number].silencers.as_slice();
        // The first by name of each concern's rules of highest priority.
        let mut top: [Option<usize>; RuleType::ALL.len()] = Default::default();
        for number in present.iter().copied() {
            let rule = &self.rules[number].rule;
            let best = &mut top[rule.rule_type as usize];
            if silencer(present, silencers, number).is_none()
                && best.is_none_or(|best| self.rules[best].rule.priority < rule.priority)
            {
                *best = Some(number);
            }
        }
        let standing = |number: usize| {
            let rule = &self.rules[number].rule;
            if let Some(by) = silencer(present, silencers, number) {
                return Standing::Silent(Role::Overridden { by: self.rules[by].rule.name.clone() });
            }
            match top[rule.rule_type as usize].map(|best| &self.rules[best].rule) {
                Some(best) if best.priority > rule.priority => {
                    Standing::Silent(Role::Outranked { by: best.name.clone() })
                }
                _ => Standing::Says(rule.enforcement_mode.into()),
            }
        };
        present.iter().map(|number| (*number, standing(*number))).collect()
    }

    /// How the limits stand of whose domains the request is in: those with a value, and the numbers of those
    /// without. A limit without a value does not apply, so it overrides nothing either.
    fn limit_standings(
        &self,
        present: &[usize],
        request: &Request,
        counters: &dyn Counters,
    ) -> (Vec<(Measurement, Standing)>, Vec<usize>) {
        let (mut measured, mut unmeasured) = (vec![], vec![]);
        for number in present.iter().copied() {
            match measure(number, &self.limits[number], request, counters) {
                Some(measurement) => measured.push(measurement),
                None => unmeasured.push(number),
            }
        }
        let present: Vec<usize> = measured.iter().map(|measurement| measurement.number).collect();
        let silencers = |number: usize| self.limits[number].silencers.as_slice();
        let standing = |measurement: Measurement| {
            let standing = match silencer(&present, silencers, measurement.number) {
                Some(by) => Standing::Silent(Role::Overridden { by: self.limits[by].limit.name.clone() }),
                None if measurement.breached => {
                    Standing::Says(self.limits[measurement.number].limit.enforcement.into())
                }
                None => Standing::Silent(Role::Held),
            };
            (measurement, standing)
        };
        (measured.into_iter().map(standing).collect(), unmeasured)
    }
}

/// Who silences policy `number` among those `present` (ascending): the first by name that is not silenced itself.
/// There is one wherever there is a silencer at all, since overriding is transitive and has no cycle.
fn silencer<'a>(present: &[usize], silencers: impl Fn(usize) -> &'a [usize], number: usize) -> Option<usize> {
    let of = |number| silencers(number).iter().copied().filter(|s| present.binary_search(s).is_ok());
    of(number).find(|silencer| of(*silencer).next().is_none())
}

/// The limit's value for this request, and whether it breaks the bound; `None` where the value is unknown.
fn measure(
    number: usize,
    prepared: &PreparedLimit,
    request: &Request,
    counters: &dyn Counters,
) -> Option<Measurement> {
    let limit = &*prepared.limit;
    let own = i128::from(request.usage.value(&limit.quantity)?);
    let subject = Subject::of(limit.partition, request);
    let (period_start, used) = match &limit.quantity {
        Quantity::Accumulated(_, period) => {
            let start = period::start(*period, request.at);
            (Some(start), i128::from(counters.used(limit, &subject, start)))
        }
        Quantity::RiskCeiling | Quantity::Cooldown | Quantity::PerRun(_) => (None, 0),
    };
    let value = used + own;
    // A floor on what accumulates is a guarantee, to be protected from other limits; no request breaches it.
    let guarantee = period_start.is_some() && limit.bound.direction == Direction::AtLeast;
    Some(Measurement {
        number,
        subject,
        period_start,
        value: i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }),
        breached: !guarantee && !limit.bound.allows(value),
    })
}
