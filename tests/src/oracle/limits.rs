//! Two limits, line by line as in the definition's table; the first line that fits gives the type.

use ordain_ir::report::Contradiction;
use ordain_ir::{ConflictType, Direction, Limit, LimitStatus, Partition};

use super::{Expected, Regions, expected};

pub(super) fn conflict(regions: &Regions, a: &Limit, b: &Limit) -> Option<Expected> {
    if a.status != LimitStatus::Active || b.status != LimitStatus::Active {
        return None;
    }
    let contradiction =
        |kind| Expected { contradiction: Some(kind), ..expected(ConflictType::ThresholdContradiction) };
    let same_type = a.quantity == b.quantity;
    if same_type && a.quantity.is_pointwise() && (excludes(regions, a, b) || excludes(regions, b, a)) {
        return Some(contradiction(Contradiction::Empty));
    }

    let same_direction = a.bound.direction == b.bound.direction;
    let same_partition = a.partition == b.partition;
    let same_enforcement = a.enforcement == b.enforcement;
    let different_values = a.bound.value != b.bound.value;
    // Every line from here on needs both; and a policy that speaks about nothing is in no conflict.
    if !(same_type && same_direction && regions.overlap(&a.name, &b.name)) {
        return None;
    }
    let (a_in_b, b_in_a) = (regions.within(&a.name, &b.name), regions.within(&b.name, &a.name));

    if same_partition && same_enforcement && a_in_b && b_in_a && different_values {
        return Some(contradiction(Contradiction::Divergent));
    }
    // Word for word the same limit twice is redundant, which is a lint and no conflict.
    let duplicate = same_partition && same_enforcement && !different_values && a_in_b && b_in_a;
    if !duplicate && ((a_in_b && is_idle_beside(a, b)) || (b_in_a && is_idle_beside(b, a))) {
        return Some(expected(ConflictType::PriorityOverride));
    }
    if same_partition && same_enforcement && different_values && !a_in_b && !b_in_a {
        let but_for_windows =
            regions.within_at_all_times(&a.name, &b.name) || regions.within_at_all_times(&b.name, &a.name);
        return Some(expected(if but_for_windows {
            ConflictType::TemporalConflict
        } else {
            ConflictType::ScopeOverlap
        }));
    }
    (same_partition && !same_enforcement && !different_values).then(|| expected(ConflictType::ScopeOverlap))
}

/// A hard floor above a hard ceiling, for some request.
fn excludes(regions: &Regions, floor: &Limit, ceiling: &Limit) -> bool {
    floor.bound.direction == Direction::AtLeast
        && ceiling.bound.direction == Direction::AtMost
        && floor.enforcement.is_hard()
        && ceiling.enforcement.is_hard()
        && floor.bound.value > ceiling.bound.value
        && regions.overlap(&floor.name, &ceiling.name)
}

/// Whether `a`, all of whose requests are also `b`'s, can never take effect beside it. Never so of a guarantee: that
/// much is used in a wide domain doesn't mean that anything is used in a narrow one.
fn is_idle_beside(a: &Limit, b: &Limit) -> bool {
    if a.bound.direction == Direction::AtLeast && !a.quantity.is_pointwise() {
        return false;
    }
    let tight = match a.bound.direction {
        Direction::AtMost => b.bound.value <= a.bound.value,
        Direction::AtLeast => b.bound.value >= a.bound.value,
    };
    is_same_or_finer(a.partition, b.partition)
        && tight
        && b.enforcement.strictness() >= a.enforcement.strictness()
}

fn is_same_or_finer(a: Partition, b: Partition) -> bool {
    use Partition::{Agent, Project, Tenant, Whole};
    a == b || b == Whole || matches!((a, b), (Agent, Project | Tenant) | (Project, Tenant))
}

/// A hard floor and a hard ceiling on the same accumulated quantity, counted alike, where whatever the floor demands
/// counts against the ceiling and is too much for it.
pub(super) fn contradict_plainly(regions: &Regions, a: &Limit, b: &Limit) -> bool {
    let plainly = |floor: &Limit, ceiling: &Limit| {
        floor.bound.direction == Direction::AtLeast
            && ceiling.bound.direction == Direction::AtMost
            && floor.bound.value > ceiling.bound.value
            && regions.overlap(&floor.name, &ceiling.name)
            && regions.within(&floor.name, &ceiling.name)
    };
    let count = |limit: &Limit| limit.status == LimitStatus::Active && limit.enforcement.is_hard();
    count(a)
        && count(b)
        && a.quantity == b.quantity
        && a.partition == b.partition
        && !a.quantity.is_pointwise()
        && (plainly(a, b) || plainly(b, a))
}
