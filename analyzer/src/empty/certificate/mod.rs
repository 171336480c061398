//! An independent check of the certificates of empty contradictions: exact arithmetic and the policies,
//! nothing of the code that finds them, no solver.
//!
//! A variable's name says what it measures and where: `runs/day[acme.floor, acme.cap]` is the runs, on the
//! certificate's day, of the requests that count for exactly these members of the set. From that follows what
//! each policy must say about it. That a floor's requests all lie in the variables listed, `covering` checks by
//! listing requests; where several conditions take part that takes their algebra, and isn't checked. `dial` finds the
//! periods of calendars, and `clock` the times of windows, by asking clocks.

mod clock;
mod covering;
mod dial;
mod notation;
pub(crate) mod pointwise;

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use ordain_ir::report::{Certificate, Inequality};
use ordain_ir::{
    Accumulation, Direction, Limit, LimitStatus, Meter, Period, Policies, PolicyId, PolicyName, Quantity,
};

use self::dial::{Touch, touching};
use self::notation::{Variable, number, scaled, variable};

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not `n` or `n/d`.
    #[error("`{0}` is no rational number")]
    Number(String),
    /// A factor below zero would turn an inequality round.
    #[error("the factor `{0}` is negative")]
    NegativeFactor(String),
    /// A variable that is not declared, or whose name is malformed.
    #[error("the variable `{0}` is not explained, or its name is malformed")]
    Variable(String),
    /// A policy that is missing, inactive, not hard, or gives way to another member.
    #[error("`{0}` can't be a member of a contradiction")]
    Member(String),
    /// The stretch of time is malformed, or a period in it does not contain the others.
    #[error("the period `{0}` is malformed")]
    Period(String),
    /// The inequality is not what the policy or the axiom says.
    #[error("the inequality `{0}` is not what its source says")]
    Inequality(String),
    /// A floor also speaks of requests that no variable stands for, or of none at all.
    #[error("the variables leave out what {0}")]
    LeftOut(String),
    /// A variable is left with a negative coefficient.
    #[error("the combination has a negative coefficient at `{0}`")]
    NegativeCoefficient(String),
    /// The right-hand side is no falsehood.
    #[error("the combination's right-hand side is not negative")]
    NotContradictory,
}

use CertificateError as E;

/// Checks that the certificate proves a contradiction between the policies that it names.
pub fn check(certificate: &Certificate, policies: &Policies) -> Result<(), CertificateError> {
    let checker = Checker::new(certificate, policies)?;
    let mut left: BTreeMap<&str, BigRational> = BTreeMap::new();
    let mut right = BigRational::zero();
    for inequality in &certificate.inequalities {
        let factor = number(&inequality.factor)?;
        if factor.is_negative() {
            return Err(E::NegativeFactor(inequality.factor.clone()));
        }
        let holds = checker.follows(inequality)?;
        if !holds {
            return Err(E::Inequality(inequality.because.clone()));
        }
        for (variable, coefficient) in &inequality.terms {
            *left.entry(variable).or_default() += number(coefficient)? * &factor;
        }
        right += number(&inequality.bound)? * factor;
    }
    if let Some((variable, _)) = left.iter().find(|(_, sum)| sum.is_negative()) {
        return Err(E::NegativeCoefficient((*variable).to_owned()));
    }
    if !right.is_negative() {
        return Err(E::NotContradictory);
    }
    covering::check(&checker.floors(certificate), &checker.by_id, policies).map_err(E::LeftOut)
}

struct Checker<'a> {
    policies: &'a Policies,
    by_id: BTreeMap<PolicyId, &'a Limit>,
    variables: BTreeMap<&'a str, Variable>,
    zone: String,
    periods: notation::Stretches,
}

impl<'a> Checker<'a> {
    fn new(certificate: &'a Certificate, policies: &'a Policies) -> Result<Self, E> {
        let mut variables = BTreeMap::new();
        for name in certificate.variables.keys() {
            let variable = variable(name, policies).ok_or_else(|| E::Variable(name.clone()))?;
            variables.insert(name.as_str(), variable);
        }
        let named: BTreeSet<&PolicyName> = variables.values().flat_map(|v| &v.members).collect();
        let mut by_id: BTreeMap<PolicyId, &Limit> = BTreeMap::new();
        for name in named {
            let limit = policies.limits.get(name).map(|limit| &**limit);
            let member = limit.filter(|l| l.status == LimitStatus::Active && l.enforcement.is_hard());
            let member = member.ok_or_else(|| E::Member(name.to_string()))?;
            by_id.insert(member.id(), member);
        }
        // A policy that another member silences where both speak can't count beside it.
        for limit in by_id.values() {
            let mut reached = BTreeSet::new();
            let mut todo: Vec<&PolicyName> = limit.overrides.iter().map(|o| &o.policy).collect();
            while let Some(next) = todo.pop() {
                if reached.insert(next) {
                    let further = policies.limits.get(next).map(|l| &l.overrides[..]).unwrap_or_default();
                    todo.extend(further.iter().map(|o| &o.policy));
                }
            }
            if let Some(silenced) = by_id.values().find(|other| reached.contains(&other.name)) {
                return Err(E::Member(silenced.name.to_string()));
            }
        }
        let (zone, periods) =
            notation::periods(&certificate.period).ok_or_else(|| E::Period(certificate.period.clone()))?;
        Ok(Self { policies, by_id, variables, zone, periods })
    }

    /// The floors that the certificate speaks of in each period, with the cells that it lists for them there.
    fn floors(&self, certificate: &Certificate) -> Vec<covering::Stated<'_>> {
        let mut out = vec![];
        for inequality in &certificate.inequalities {
            let limit = inequality.policy.and_then(|id| self.by_id.get(&id));
            let limit = limit.filter(|limit| limit.bound.direction == Direction::AtLeast);
            let Some((limit, name)) = limit.zip(inequality.terms.keys().next()) else { continue };
            let stretch = |variable: &Variable| self.periods.get(&variable.period);
            if let (Quantity::Accumulated(..), Some(variable)) =
                (&limit.quantity, self.variables.get(name.as_str()))
                && let Some(stretch) = stretch(variable)
            {
                let here = |v: &&Variable| v.meter == variable.meter && v.period == variable.period;
                let cells = self.variables.values().filter(here).map(|variable| &variable.members).collect();
                out.push(covering::Stated { floor: limit.id(), stretch: *stretch, cells });
            }
        }
        out
    }

    /// How often what the first of these limits says is said of a period, where all of them speak.
    fn count(&self, limits: &[&Limit], over: &Accumulation, period: Period, touch: Touch) -> Option<i64> {
        match over {
            Accumulation::Calendar { period: own, zone } if **zone == *self.zone && *own >= period => {
                (*own == period).then_some(1)
            }
            _ => touching(limits, self.policies, over, *self.periods.get(&period)?, (&self.zone, touch)),
        }
    }

    /// Whether the inequality is an axiom, or exactly what its policy says.
    fn follows(&self, inequality: &Inequality) -> Result<bool, E> {
        let bound = number(&inequality.bound)?;
        let mut terms: Vec<(&str, &Variable, BigRational)> = vec![];
        for (name, coefficient) in &inequality.terms {
            let variable = self.variables.get(name.as_str()).ok_or_else(|| E::Variable(name.clone()))?;
            terms.push((name.as_str(), variable, number(coefficient)?));
        }
        let Some(id) = inequality.policy else { return Ok(bound.is_zero() && longer_period(&terms)) };
        let Some(limit) = self.by_id.get(&id) else { return Err(E::Member(id.to_string())) };
        let value = scaled(limit.bound.value, limit.quantity.scale());
        let one = BigRational::one();
        // All variables of one period that count for the policy.
        let Some((_, Variable { period, .. }, _)) = terms.first() else { return Ok(false) };
        let Some(stretch) = self.periods.get(period) else { return Ok(false) };
        let sums = |meter: &Meter, sign: &BigRational| {
            terms.iter().all(|(_, v, coefficient)| {
                v.meter == *meter
                    && v.period == *period
                    && v.members.contains(&limit.name)
                    && coefficient == sign
            })
        };
        Ok(match (&limit.quantity, limit.bound.direction) {
            (Quantity::Accumulated(meter, over), Direction::AtLeast) => {
                let counts = |v: &Variable| {
                    v.meter == *meter && v.period == *period && v.members.contains(&limit.name)
                };
                let all = self.variables.values().filter(|v| counts(v)).count();
                // Every whole period of its own in which it speaks is one more.
                let Some(count) = self.count(&[limit], over, *period, Touch::Whole) else { return Ok(false) };
                let needed = value * BigRational::from_integer(count.into());
                sums(meter, &-one) && terms.len() == all && bound == -needed
            }
            (Quantity::Accumulated(meter, over), Direction::AtMost) => {
                let admits = |limits: &[&Limit]| {
                    let count = self.count(limits, over, *period, Touch::Any);
                    count.is_some_and(|count| bound == &value * BigRational::from_integer(count.into()))
                };
                // What counts for another member too was used while that one speaks as well.
                let common = used_by(&terms);
                let mut others = self.by_id.values().filter(|other| common.contains(&other.name));
                sums(meter, &one) && (admits(&[limit]) || others.any(|other| admits(&[limit, other])))
            }
            (Quantity::Cooldown, Direction::AtLeast) => {
                let length = (stretch.1 - stretch.0) * 1_000;
                limit.bound.value > 0
                    && sums(&Meter::Runs, &one)
                    && bound == BigRational::from_integer((1 + length / limit.bound.value).into())
            }
            (Quantity::PerRun(meter), Direction::AtMost) => {
                let used = terms.iter().find(|(_, v, _)| v.meter == *meter);
                let Some((_, used, coefficient)) = used else { return Ok(false) };
                let runs = terms.iter().find(|(_, v, _)| v.meter == Meter::Runs);
                let rate = runs.map_or_else(BigRational::zero, |(_, _, c)| -c);
                let same = runs.is_none_or(|(_, v, _)| v.period == used.period && v.members == used.members);
                let count = 1 + usize::from(runs.is_some());
                *meter != Meter::Runs
                    && terms.len() == count
                    && same
                    && coefficient.is_one()
                    && rate == value
                    && bound.is_zero()
                    && used.members.contains(&limit.name)
            }
            _ => false,
        })
    }
}

/// The members that all the variables count for.
fn used_by<'v>(terms: &[(&str, &'v Variable, BigRational)]) -> BTreeSet<&'v PolicyName> {
    let mut variables = terms.iter().map(|(_, variable, _)| variable.members.iter().collect());
    let first = variables.next().unwrap_or_default();
    variables.fold(first, |common: BTreeSet<&PolicyName>, more: BTreeSet<&PolicyName>| &common & &more)
}

/// Whether the terms say that a shorter period's amount is no more than a longer one's around it.
fn longer_period(terms: &[(&str, &Variable, BigRational)]) -> bool {
    let [(_, a, x), (_, b, y)] = terms else { return false };
    let (shorter, longer) = if a.period < b.period { ((*a, x), (*b, y)) } else { ((*b, y), (*a, x)) };
    shorter.1.is_one()
        && (-longer.1).is_one()
        && shorter.0.period < longer.0.period
        && (shorter.0.period, longer.0.period) != (Period::Week, Period::Month)
        && shorter.0.meter == longer.0.meter
        && shorter.0.members == longer.0.members
}
