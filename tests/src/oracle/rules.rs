//! Two rules of the same concern.

use ordain_ir::{ConflictType, Rule, RuleStatus};

use super::{Expected, Regions, expected};

pub(super) fn conflict(regions: &Regions, a: &Rule, b: &Rule) -> Option<Expected> {
    let both_count = a.status == RuleStatus::Active && b.status == RuleStatus::Active;
    let same_concern = a.rule_type == b.rule_type;
    let different_modes = a.enforcement_mode != b.enforcement_mode;
    if !(both_count && same_concern && different_modes && regions.overlap(&a.name, &b.name)) {
        return None;
    }
    Some(if a.priority != b.priority {
        let (winner, loser) = if a.priority > b.priority { (a, b) } else { (b, a) };
        let weakens = winner.enforcement_mode < loser.enforcement_mode;
        Expected { weakens: Some(weakens), ..expected(ConflictType::PriorityOverride) }
    } else if !a.window.is_always() || !b.window.is_always() {
        expected(ConflictType::TemporalConflict)
    } else {
        expected(ConflictType::ScopeOverlap)
    })
}
