//! From a minimal set to its certificate and explanation.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_rational::BigRational;
use num_traits::{One as _, Zero as _};
use ordain_ir::report::{Certificate, Inequality};

use super::explore::{Found, Space};
use super::member::{Member, Role};
use super::minimal::indices;
use super::program::{Cells, Context, Program, Reason, Sums};
use super::simplex::Feasibility;
use super::timeline::Level;
use super::words::{self, Stated};
use crate::calendar::Stretch;

/// Guarantees that are told one by one.
const MANY: usize = 5;

/// A proof with the programs that it speaks of.
pub(super) struct Proof {
    program: Program,
    factors: Vec<BigRational>,
}

impl Proof {
    /// The proof that a set can't hold, over all its cells, of no longer periods than it takes. `None` if it can after all,
    /// which would be a bug.
    pub(super) fn of(space: &Space, found: Found) -> Option<Self> {
        let whole = space.context(found.chain, found.subject, found.assuming);
        let sums = [Sums::OfCeilings, Sums::All].into_iter();
        sums.flat_map(|sums| (1..=whole.chain.len()).map(move |levels| (sums, levels))).find_map(
            |(sums, levels)| {
                let context = Context { chain: &whole.chain[..levels], ..whole };
                let detail = (Cells::All, sums);
                let program = Program::new(&space.members, &space.bounds(), context, found.set, detail);
                match program.solve() {
                    Feasibility::Infeasible(factors) => Some(Self { program, factors: smallest(&factors) }),
                    Feasibility::Feasible(_) => None,
                }
            },
        )
    }

    /// The certificate.
    pub(super) fn certificate(&self, space: &Space, found: Found) -> Certificate {
        let members = &space.members;
        let chain = &space.chains[found.chain];
        let name = |at| words::name(members, found.set, at);
        let subject = words::subject(members, found.set, space.subjects[found.subject].subject.as_ref());
        let mut used = BTreeSet::new();
        let mut inequalities = vec![];
        for ((row, reason), factor) in self.program.rows.iter().zip(&self.program.reasons).zip(&self.factors)
        {
            if factor.is_zero() {
                continue;
            }
            let terms = row.terms.iter().map(|(variable, coefficient)| {
                used.insert(*variable);
                (self.name(space, found, *variable), coefficient.to_string())
            });
            let terms = terms.collect();
            let (because, policy) = match *reason {
                Reason::Policy { member, level, within } => {
                    let stated = Stated { level: &chain[level], member, within };
                    let within = within.map(name);
                    (
                        words::because(&members[member], &name(member), &stated, within.as_deref(), &subject),
                        Some(members[member].limit.id()),
                    )
                }
                Reason::Longer { shorter, longer } => {
                    let noun = |level: usize| words::noun(chain[level].period);
                    (format!("the {} lies in the {}", noun(shorter), noun(longer)), None)
                }
            };
            let (bound, factor) = (row.bound.to_string(), factor.to_string());
            inequalities.push(Inequality { because, policy, terms, bound, factor });
        }
        let mut variables = BTreeMap::new();
        for at in used {
            let variable = &self.program.variables[at];
            let names: Vec<String> = indices(variable.cell).map(name).collect();
            let meaning = words::meaning(&names, &variable.meter, &chain[variable.level]);
            variables.insert(self.name(space, found, at), meaning);
        }
        Certificate { period: words::stretch(chain, &self.levels()), variables, inequalities }
    }

    /// The periods of which the proof speaks, the shortest first.
    pub(super) fn periods(&self, space: &Space, found: Found) -> Vec<Stretch> {
        self.levels().into_iter().map(|level| space.chains[found.chain][level].stretch).collect()
    }

    /// The levels of which the proof speaks, ascending.
    fn levels(&self) -> Vec<usize> {
        let rows = self.program.rows.iter().zip(&self.factors).filter(|(_, factor)| !factor.is_zero());
        let variables = rows.flat_map(|(row, _)| row.terms.iter().map(|(variable, _)| *variable));
        let levels: BTreeSet<usize> =
            variables.map(|variable| self.program.variables[variable].level).collect();
        levels.into_iter().collect()
    }

    fn name(&self, space: &Space, found: Found, at: usize) -> String {
        let variable = &self.program.variables[at];
        let period = space.chains[found.chain][variable.level].period;
        words::variable(&space.members, variable.cell, &variable.meter, period)
    }

    /// The explanation, without a full stop.
    pub(super) fn explanation(&self, space: &Space, found: Found) -> String {
        let members = &space.members;
        let chain = &space.chains[found.chain];
        let (floors, others): (Vec<usize>, Vec<usize>) =
            indices(found.set).partition(|at| members[*at].is_floor());
        let unit = floors.iter().find_map(|at| match &members[*at].role {
            Role::Floor(meter, _) => Some(meter),
            _ => None,
        });
        // The longest level at which a member enters the proof says most.
        let stated = |at: usize| {
            let entering = self.program.reasons.iter().zip(&self.factors).filter(|(_, f)| !f.is_zero());
            let levels = entering.filter_map(|(reason, _)| match reason {
                Reason::Policy { member, level, within } if *member == at => Some((*level, *within)),
                _ => None,
            });
            levels.max().map(|(level, within)| Stated { level: &chain[level], member: at, within })
        };
        let name = |at: usize| words::name(members, found.set, at);
        let clause = |at: &usize, unit| {
            let stated = stated(*at);
            let within = stated.as_ref().and_then(|stated| stated.within).map(name);
            words::clause(&members[*at], &name(*at), stated.as_ref(), within.as_deref(), unit)
        };
        let together = (floors.len() > MANY).then(|| self.together(space, chain, &floors)).flatten();
        let floors: Vec<String> = match together {
            Some((level, total)) => {
                let names: Vec<String> = floors.iter().map(|at| name(*at)).collect();
                unit.map(|meter| words::together(&names, meter, total, chain[level].period))
                    .into_iter()
                    .collect()
            }
            None => floors.iter().map(|at| clause(at, None)).collect(),
        };
        let others: Vec<String> = others.iter().map(|at| clause(at, unit)).collect();
        let subject = words::subject(members, found.set, space.subjects[found.subject].subject.as_ref());
        let example = if subject.is_empty() { String::new() } else { format!(" (seen{subject})") };
        let when = if space.holds_elsewhere(found) {
            format!("; not at all times, but in {} for one", words::stretch(chain, &self.levels()))
        } else {
            String::new()
        };
        format!("{}, but {}{example}{when}", words::list(&floors), words::list(&others))
    }
}

impl Proof {
    /// The level at which all these floors enter, and what they need there, if the proof just adds them up: then no usage
    /// counts for two of them.
    fn together(&self, space: &Space, chain: &[Level], floors: &[usize]) -> Option<(usize, i128)> {
        let mut total = 0_i128;
        let mut entering = vec![];
        for (reason, factor) in self.program.reasons.iter().zip(&self.factors) {
            if let Reason::Policy { member, level, .. } = reason
                && !factor.is_zero()
                && let Role::Floor(meter, _) = &space.members[*member].role
            {
                entering.push((level, meter, factor));
            }
        }
        let first = *entering.first()?;
        if entering.len() != floors.len() || entering.iter().any(|other| *other != first) {
            return None;
        }
        let level = chain.get(*first.0)?;
        for at in floors {
            let value = i128::from(space.members[*at].limit.bound.value);
            total = total.checked_add(value.checked_mul(level.counts[*at].into())?)?;
        }
        Some((*first.0, total))
    }
}

/// The same combination with the smallest whole factors, which are easier to follow.
fn smallest(factors: &[BigRational]) -> Vec<BigRational> {
    let denominators = factors.iter().fold(BigInt::one(), |all, factor| all.lcm(factor.denom()));
    let scaled = factors.iter().map(|factor| factor * BigRational::from(denominators.clone()));
    let scaled: Vec<BigRational> = scaled.collect();
    let common = scaled.iter().fold(BigInt::zero(), |all, factor| all.gcd(factor.numer()));
    let common = if common.is_zero() { BigInt::one() } else { common };
    scaled.into_iter().map(|factor| factor / BigRational::from(common.clone())).collect()
}

impl Space<'_> {
    /// Whether, for the same subject, the set can hold in other periods in which all its floors apply, so that
    /// the contradiction is one of some periods only.
    fn holds_elsewhere(&self, found: Found) -> bool {
        let bounds = self.bounds();
        let base = |chain: usize| {
            let level = self.chains[chain].first();
            level.map(|level| (level.period, &level.calendar.zone))
        };
        (0..self.chains.len()).filter(|chain| base(*chain) == base(found.chain)).any(|chain| {
            let context = self.context(chain, found.subject, found.assuming);
            let program =
                Program::new(&self.members, &bounds, context, found.set, (Cells::Undominated, Sums::All));
            let stated = |at: usize| {
                program.reasons.iter().any(|r| matches!(r, Reason::Policy { member, .. } if *member == at))
            };
            let floors = indices(found.set).filter(|at| Member::is_floor(&self.members[*at]));
            floors.into_iter().all(stated) && matches!(program.solve(), Feasibility::Feasible(_))
        })
    }
}
