//! The smallest change of one bound that removes a contradiction everywhere.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use ordain_ir::report::Repair;

use super::component::SMALL;
use super::explore::{Found, Space};
use super::member::Role;
use super::minimal::indices;
use super::program::{Cells, Program, Reason, Sums, integer};
use super::simplex::Feasibility;
use super::words;

/// Steps towards one member's new bound; each is one proof that the bound must move further.
const MAX_STEPS: usize = 256;

/// The change of one member's bound that is smallest in proportion, verified at every place and time.
pub(super) fn repair(space: &Space, found: Found) -> Option<Repair> {
    let mut best: Option<(BigRational, usize, i64)> = None;
    // Of many guarantees under one roof each is less than what all of them need, so the roof moves by less.
    let many = found.set.count_ones() as usize > SMALL;
    for at in indices(found.set).filter(|at| !(many && space.members[*at].is_floor())) {
        let old = space.members[at].limit.bound.value;
        let Some(new) = moved(space, found, at).filter(|new| *new != old) else { continue };
        if old == 0 || (space.members[at].is_floor() && new <= 0) {
            // From nothing every change is beyond proportion; a floor of nothing is no floor.
            continue;
        }
        let change = BigRational::new((BigInt::from(new) - old).abs(), BigInt::from(old).abs());
        if best.as_ref().is_none_or(|(least, ..)| change < *least) {
            best = Some((change, at, new));
        }
    }
    let (_, at, new) = best?;
    let limit = space.members[at].limit;
    let verb = if new > limit.bound.value { "raise" } else { "lower" };
    let name = words::name(&space.members, found.set, at);
    let description = format!("{verb} `{name}` to {}", limit.quantity.format(new).trim_end());
    Some(crate::words::repair(limit, new, description))
}

/// The least bound of one member, moved towards looser, with which the set holds everywhere.
fn moved(space: &Space, found: Found, at: usize) -> Option<i64> {
    let mut bounds = space.bounds();
    for _ in 0..MAX_STEPS {
        let Some((place, program, factors)) = refusal(space, found, &bounds) else { return Some(bounds[at]) };
        let next = match space.members[at].role {
            Role::PerRun(_) => bisect(space, found, &mut bounds, at, place)?,
            _ => step(space, place.0, &program, &factors, &bounds, at)?,
        };
        if next == bounds[at] {
            return None;
        }
        bounds[at] = next;
    }
    None
}

type Place = (usize, usize);

/// The first place at which the set can't hold with these bounds, with the proof.
fn refusal(space: &Space, found: Found, bounds: &[i64]) -> Option<(Place, Program, Vec<BigRational>)> {
    let first = std::iter::once((found.chain, found.subject));
    first.chain(space.places()).find_map(|place| {
        let program = program(space, found, bounds, place);
        match program.solve() {
            Feasibility::Infeasible(factors) => Some((place, program, factors)),
            Feasibility::Feasible(_) => None,
        }
    })
}

fn program(space: &Space, found: Found, bounds: &[i64], place: Place) -> Program {
    let context = space.context(place.0, place.1, found.assuming);
    Program::new(&space.members, bounds, context, found.set, (Cells::Undominated, Sums::All))
}

/// How far a bound on the right-hand side must move at least, by one proof: until the proof's right-hand side
/// is no longer negative. `None` if the proof doesn't use the bound, so that moving it is no help.
fn step(
    space: &Space,
    chain: usize,
    program: &Program,
    factors: &[BigRational],
    bounds: &[i64],
    at: usize,
) -> Option<i64> {
    let member = &space.members[at];
    let right: BigRational = program.rows.iter().zip(factors).map(|(row, factor)| &row.bound * factor).sum();
    let rows = program.reasons.iter().zip(factors);
    let mine = rows.filter_map(|(reason, factor)| match reason {
        Reason::Policy { member, level, within } if *member == at && factor.is_positive() => {
            Some((*level, *within, factor))
        }
        _ => None,
    });
    let mine: Vec<_> = mine.collect();
    let scale = integer(10_i64.pow(member.limit.quantity.scale().into()));
    let weight: BigRational = mine
        .iter()
        .map(|(level, within, factor)| match member.role {
            Role::Ceiling(..) | Role::Floor(..) => {
                *factor * integer(space.chains[chain][*level].count(at, *within))
            }
            _ => (*factor).clone(),
        })
        .sum();
    if weight.is_zero() {
        return None;
    }
    let missing = -right / weight;
    match member.role {
        Role::Floor(..) => (integer(bounds[at]) - missing * scale).floor().to_integer().to_i64(),
        Role::Ceiling(..) => (integer(bounds[at]) + missing * scale).ceil().to_integer().to_i64(),
        Role::Cooldown => {
            // As many more runs as are missing, at the level that admits fewest.
            let (level, ..) = mine.first()?;
            let level = &space.chains[chain][*level];
            let more = missing.ceil().to_integer().to_i64()?;
            let runs = words::cooldown_runs(level, bounds[at]).checked_add(more)?;
            let length = (level.stretch.1 - level.stretch.0) * 1_000;
            let cooldown = length / (runs - 1).max(1);
            (cooldown > 0).then_some(cooldown)
        }
        Role::PerRun(_) => None,
    }
}

/// The least value of what one run may use with which the set holds at this place.
fn bisect(space: &Space, found: Found, bounds: &mut [i64], at: usize, place: Place) -> Option<i64> {
    let old = bounds[at];
    let mut holds = |value: i64| {
        bounds[at] = value;
        matches!(program(space, found, bounds, place).solve(), Feasibility::Feasible(_))
    };
    let (mut low, mut high) = (old, old.max(1).checked_mul(2)?);
    while !holds(high) {
        (low, high) = (high, high.checked_mul(2)?);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle }
    }
    bounds[at] = old;
    Some(high)
}
