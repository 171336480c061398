//! The linear program of one period, one subject and one set of members.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use num_traits::Zero as _;
use ordain_ir::Meter;

use super::member::{Member, Role};
use super::minimal::{Set, indices};
use super::simplex::{self, Feasibility, Row};
use super::timeline::Level;
use crate::calendar::{self, Periods};

/// The amount of a meter in one period, of the requests that count for exactly the members in `cell`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variable {
    pub(super) level: usize,
    pub(super) cell: Set,
    pub(super) meter: Meter,
}

/// Amounts that are not zero.
pub(super) type Usage = BTreeMap<Variable, BigRational>;

/// Why a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The member says so about this level; within the times of a floor only, if one is named.
    Policy { member: usize, level: usize, within: Option<usize> },
    /// The shorter period lies in the longer one.
    Longer { shorter: usize, longer: usize },
}

/// Where and when: everything that a program needs beside the members themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// Periods that lie in each other, the shortest first.
    pub(super) chain: &'a [Level],
    /// The sets of members (as bits) for which some path counts, under the chosen subject.
    pub(super) scopes: &'a [Set],
    /// The sets of members whose conditions hold together somewhere.
    pub(super) conditions: &'a [Set],
}

/// Rows over variables, with their reasons.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) variables: Vec<Variable>,
    pub(super) rows: Vec<Row>,
    pub(super) reasons: Vec<Reason>,
}

/// What is stated about periods longer than a limit's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// What ceilings admit in all. Enough for most proofs, and easier to follow.
    OfCeilings,
    /// Also what floors need in all, and what ceilings admit within the times of floors.
    All,
}

/// Whether cells that can't help are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    /// All of them, for a certificate that a reader can follow.
    All,
    /// Only those that no other one beats: usage moved from a cell to another which counts for at least the
    /// same floors, at most the same ceilings, and exists in the same periods, breaks nothing; but ceilings that are
    /// counted within the times of floors are broken by usage that counts for more floors.
    Undominated,
}

impl Program {
    /// The program of the members in `set`, with these bounds in place of their own.
    pub(super) fn new(
        members: &[Member],
        bounds: &[i64],
        context: Context,
        set: Set,
        (keep, sums): (Cells, Sums),
    ) -> Self {
        let floors = select(members, set, Member::is_floor);
        let levels = relevant_levels(members, context.chain, set);
        let by_floor = levels.iter().flat_map(|level| context.chain[*level].joint.keys());
        let by_floor = by_floor.filter(|(_, floor)| set >> floor & 1 == 1);
        let by_floor = by_floor.fold(0, |all, (ceiling, _)| all | 1 << ceiling) & set;
        let cells = cells(context, &levels, set, (floors, by_floor), keep);
        let mut program = Self { variables: vec![], rows: vec![], reasons: vec![] };
        let meters: BTreeSet<&Meter> = indices(set).flat_map(|at| members[at].meters()).collect();
        let mut index = BTreeMap::new();
        for ((level, cells), meter) in
            levels.iter().zip(&cells).flat_map(|l| meters.iter().map(move |m| (l, *m)))
        {
            let speaking = select(members, set, |member| member.meters().any(|own| own == meter));
            for cell in cells.iter().filter(|cell| *cell & speaking != 0) {
                let variable = Variable { level: *level, cell: *cell, meter: meter.clone() };
                index.insert(variable.clone(), program.variables.len());
                program.variables.push(variable);
            }
        }
        for level in &levels {
            for member in indices(set) {
                program.state(members, bounds, context.chain, (member, *level), sums);
            }
        }
        program.relate_levels(context.chain, &levels, &index);
        program
    }

    /// Solves it.
    pub(super) fn solve(&self) -> Feasibility {
        simplex::solve(self.variables.len(), &self.rows)
    }

    /// Values of the variables as a usage.
    pub(super) fn usage(&self, values: Vec<BigRational>) -> Usage {
        let used = self.variables.iter().cloned().zip(values);
        used.filter(|(_, value)| !value.is_zero()).collect()
    }

    /// Whether a usage, perhaps of another period or subject, fulfils all rows.
    pub(super) fn admits(&self, usage: &Usage) -> bool {
        let values: Vec<Option<&BigRational>> = self.variables.iter().map(|it| usage.get(it)).collect();
        self.rows.iter().all(|row| {
            let used = row.terms.iter().filter_map(|(variable, c)| Some(c * values[*variable]?));
            used.sum::<BigRational>() <= row.bound
        })
    }

    /// What a member says about one level.
    fn state(
        &mut self,
        members: &[Member],
        bounds: &[i64],
        chain: &[Level],
        (at, level): (usize, usize),
        sums: Sums,
    ) {
        let member = &members[at];
        let value = natural(member, bounds[at]);
        let reason = Reason::Policy { member: at, level, within: None };
        let of = |meter: &Meter| {
            let mine = |v: &Variable| v.level == level && v.cell >> at & 1 == 1 && v.meter == *meter;
            let numbered = self.variables.iter().enumerate();
            numbered.filter(|(_, v)| mine(v)).map(|(number, _)| number).collect::<Vec<_>>()
        };
        let (sign, meter, bound) = match &member.role {
            Role::Floor(..) if !chain[level].is_own(at) && sums == Sums::OfCeilings => return,
            Role::Floor(meter, _) => match chain[level].counts[at] {
                0 => return,
                count => (-1, meter, -&value * integer(count)),
            },
            Role::Ceiling(meter, _) => match chain[level].counts[at] {
                0 => return,
                count => (1, meter, &value * integer(count)),
            },
            Role::Cooldown => {
                let (start, end) = chain[level].stretch;
                (1, &Meter::Runs, integer(1 + (end - start) * 1_000 / bounds[at]))
            }
            Role::PerRun(meter) => {
                for used in of(meter) {
                    let twin = Variable { meter: Meter::Runs, ..self.variables[used].clone() };
                    let runs = self.variables.iter().position(|v| *v == twin);
                    let mut terms = vec![(used, integer(1))];
                    terms.extend(runs.filter(|_| bounds[at] != 0).map(|runs| (runs, -value.clone())));
                    self.rows.push(Row { terms, bound: integer(0) });
                    self.reasons.push(reason);
                }
                return;
            }
        };
        let terms: Vec<_> = of(meter).into_iter().map(|variable| (variable, integer(sign))).collect();
        // A floor without requests in the period doesn't apply there, and a ceiling has nothing to bound.
        if !terms.is_empty() {
            self.rows.push(Row { terms, bound });
            self.reasons.push(reason);
        }
        if let Role::Ceiling(meter, _) = &member.role
            && sums == Sums::All
        {
            self.state_within_floors(meter, &value, &chain[level], at, level);
        }
    }

    /// What a ceiling of a shorter period says about usage that counts for a floor too: only the periods in which
    /// both windows are open admit any.
    fn state_within_floors(
        &mut self,
        meter: &Meter,
        value: &BigRational,
        of: &Level,
        ceiling: usize,
        level: usize,
    ) {
        for ((_, floor), count) in of.joint.range((ceiling, 0)..=(ceiling, usize::MAX)) {
            let both = 1 << ceiling | 1 << floor;
            let counts = |v: &Variable| v.level == level && v.cell & both == both && v.meter == *meter;
            let terms: Vec<_> = self
                .variables
                .iter()
                .enumerate()
                .filter(|(_, variable)| counts(variable))
                .map(|(number, _)| (number, integer(1)))
                .collect();
            if !terms.is_empty() {
                self.rows.push(Row { terms, bound: value * integer(*count) });
                self.reasons.push(Reason::Policy { member: ceiling, level, within: Some(*floor) });
            }
        }
    }

    /// A longer period's amount is at least a shorter one's in it, cell by cell.
    fn relate_levels(&mut self, chain: &[Level], levels: &[usize], index: &BTreeMap<Variable, usize>) {
        let nests = |a: usize, b: usize| calendar::nests(chain[a].period, chain[b].period);
        for (shorter, longer) in levels.iter().flat_map(|s| levels.iter().map(move |l| (*s, *l))) {
            let direct = !levels.iter().any(|between| nests(shorter, *between) && nests(*between, longer));
            if !(nests(shorter, longer) && direct) {
                continue;
            }
            for (variable, at) in index.iter().filter(|(variable, _)| variable.level == shorter) {
                let around = Variable { level: longer, ..variable.clone() };
                let terms = index.get(&around).map(|around| vec![(*at, integer(1)), (*around, integer(-1))]);
                // Every cell with time in the shorter period has time in the longer one; a beaten one is left
                // out of both.
                if let Some(terms) = terms {
                    self.rows.push(Row { terms, bound: integer(0) });
                    self.reasons.push(Reason::Longer { shorter, longer });
                }
            }
        }
    }
}

/// The members in `set` with a property.
pub(super) fn select<'a>(members: &[Member<'a>], set: Set, holds: impl Fn(&Member<'a>) -> bool) -> Set {
    indices(set).filter(|at| holds(&members[*at])).map(|at| 1 << at).sum()
}

/// The levels that matter to a set: those not shorter than its shortest floor; in shorter ones nothing need be used.
/// Longer ones matter even where no member is of their period: what several shorter periods need adds up there.
fn relevant_levels(members: &[Member], chain: &[Level], set: Set) -> Vec<usize> {
    let floors = indices(set).filter(|at| members[*at].is_floor()).filter_map(|at| members[at].periods());
    let Some(least) = floors.map(Periods::period).min() else { return vec![] };
    (0..chain.len()).filter(|level| chain[*level].period >= least).collect()
}

/// The non-empty cells of each level: a request's cell is the set of the members for which it counts. `by_floor`
/// are the ceilings that are counted within the times of floors.
fn cells(
    context: Context,
    levels: &[usize],
    set: Set,
    (floors, by_floor): (Set, Set),
    keep: Cells,
) -> Vec<Vec<Set>> {
    let project = |masks: &[Set]| masks.iter().map(|mask| mask & set).collect::<BTreeSet<Set>>();
    let product = |a: &BTreeSet<Set>, b: &BTreeSet<Set>| {
        a.iter()
            .flat_map(|a| b.iter().map(move |b| a & b))
            .filter(|cell| *cell != 0)
            .collect::<BTreeSet<Set>>()
    };
    let beats = |a: Set, b: Set| {
        let same_floors = a & floors == b & floors;
        a != b && b & floors & !a == 0 && a & !floors & !b == 0 && (same_floors || a & by_floor == 0)
    };
    let reduce = |cells: BTreeSet<Set>| match keep {
        Cells::All => cells,
        Cells::Undominated => {
            cells.iter().copied().filter(|b| !cells.iter().any(|a| beats(*a, *b))).collect::<BTreeSet<Set>>()
        }
    };
    let always = product(&reduce(project(context.scopes)), &reduce(project(context.conditions)));
    let mut presence: BTreeMap<Set, u64> = BTreeMap::new();
    for (at, level) in levels.iter().enumerate() {
        for cell in product(&always, &project(&context.chain[*level].open)) {
            *presence.entry(cell).or_default() |= 1 << at;
        }
    }
    let kept: Vec<(Set, u64)> = presence
        .iter()
        .map(|(cell, levels)| (*cell, *levels))
        .filter(|(b, need)| {
            let beaten = presence.iter().any(|(a, have)| beats(*a, *b) && need & !have == 0);
            keep == Cells::All || (!beaten && b & floors != 0)
        })
        .collect();
    (0..levels.len())
        .map(|at| kept.iter().filter(|(_, levels)| levels >> at & 1 == 1).map(|(cell, _)| *cell).collect())
        .collect()
}

/// A bound in natural units: runs, tokens, currency units, seconds.
fn natural(member: &Member, bound: i64) -> BigRational {
    BigRational::new(bound.into(), 10_i64.pow(member.limit.quantity.scale().into()).into())
}

/// A whole number as a rational.
pub(super) fn integer(value: impl Into<num_bigint::BigInt>) -> BigRational {
    BigRational::from_integer(value.into())
}
