//! The suite that every store must pass: the same questions, the same answers.
//!
//! Each case works on tenants of its own, so all cases may share one database, and do so while they run.

mod access;
mod activation;
mod capabilities;
mod concurrency;
mod counting;
mod cursors;
mod draw;
mod filters;
pub mod fixtures;
mod governance;
mod isolation;
mod lessons;
mod oracle;
mod pages;
mod panels;
mod text;
mod violations;
mod vouchers;
mod watching;

use std::future::Future;
use std::sync::Arc;

pub use counting::race::race;
use counting::{forgetting, race, spans};
pub use cursors::followed_conflicts;
pub use lessons::learning::learn_at_once;
use lessons::{actions, learning};
pub use violations::{known_of_a_policy, known_over_days, of_a_policy, over_days};

use crate::{Store, TenantId};

/// Runs every case on a store that `make` gives; it may be the same one each time. The store needs no
/// preparation and is expected to hold nothing of the tenants `conformance-…`.
///
/// # Panics
/// If the store doesn't conform; the message begins with the name of the case.
pub async fn run_all<S, F, M>(make: M)
where
    S: Store + 'static,
    F: Future<Output = Arc<S>>,
    M: Fn() -> F,
{
    macro_rules! cases {
        ($($module:ident :: $case:ident),+ $(,)?) => {$(
            $module::$case(make().await, Names(stringify!($case))).await;
        )+};
    }
    cases![
        activation::nothing_is_there_at_first,
        activation::what_was_activated_is_there,
        activation::a_new_bundle_replaces_the_old_one,
        activation::activating_again_changes_nothing_but_the_analysis,
        activation::going_back_to_an_older_bundle,
        activation::a_failed_activation_changes_nothing,
        activation::a_large_bundle,
        filters::rules_by_each_filter,
        filters::limits_by_each_filter,
        filters::limit_types_by_prefix,
        filters::conflicts_by_severity_and_resolution,
        filters::times_are_inclusive,
        pages::pages_add_up_to_the_list,
        pages::offsets_beyond_the_end,
        cursors::names_are_followed_whatever_becomes_active,
        cursors::conflicts_are_followed_whatever_analyses_find,
        cursors::what_has_happened_is_followed_whatever_comes_in,
        cursors::proposals_versions_and_the_record_are_followed,
        cursors::bundles_are_followed,
        isolation::tenants_see_nothing_of_each_other,
        isolation::tenants_differ_in_case_and_accents,
        text::any_text_comes_back_as_it_was,
        text::names_are_ordered_bytewise,
        oracle::answers_equal_the_model,
        access::a_key_is_found_by_its_prefix_alone,
        access::keys_are_revoked_once_and_by_their_tenant,
        access::a_replaced_key_ends_soon,
        governance::proposals_and_their_versions_are_kept,
        governance::a_decision_is_taken_once,
        governance::people_at_once_decide_once,
        governance::acknowledgements_last_as_long_as_conflicts,
        governance::bundles_are_kept_with_their_history,
        vouchers::who_vouches_for_a_bundle_is_kept,
        watching::what_was_taken_from_a_place_is_kept,
        watching::of_several_who_see_the_same_one_takes_it,
        panels::health_of_panels_is_kept,
        panels::of_several_who_look_at_a_panel_one_is_right,
        panels::one_of_many_at_once_is_right,
        panels::tenants_are_known_by_what_they_have,
        capabilities::the_last_observation_is_kept,
        violations::a_violation_comes_back_as_it_was,
        violations::a_violation_counts_once,
        violations::violations_equal_the_model,
        violations::recorders_at_once_lose_nothing,
        violations::evaluations_add_up_to_the_minute,
        learning::events_and_lessons_come_back_as_they_were,
        learning::an_event_teaches_once,
        learning::what_was_just_learned_is_not_learned_again,
        learning::lessons_equal_the_model,
        learning::what_many_see_at_once_is_learned_once,
        actions::each_action_is_kept_with_its_record,
        actions::a_deferred_lesson_comes_back,
        actions::random_actions_follow_the_states,
        actions::people_at_once_act_once,
        counting::limits_count_all_or_none,
        counting::a_named_claim_counts_once,
        counting::what_was_used_is_settled_once,
        counting::holds_are_released_and_expire,
        counting::periods_and_subjects_have_their_own_counters,
        spans::a_range_is_measured_as_a_whole,
        spans::what_is_concurrent_ends_with_its_hold,
        spans::a_limit_that_counts_something_else_begins_anew,
        counting::cooldowns_and_bands_are_remembered,
        forgetting::old_counters_are_forgotten,
        forgetting::forgetting_goes_by_small_parts_and_follows_no_jump,
        counting::counting_equals_the_model,
        race::claims_at_once_stay_within_a_cap,
        concurrency::readers_never_see_half_an_activation,
        concurrency::activations_of_one_tenant_queue,
    ];
}

/// Makes the tenants of one case.
#[derive(Clone, Copy)]
struct Names(&'static str);

impl Names {
    fn tenant(self, suffix: &str) -> TenantId {
        TenantId::new(&format!("conformance-{}-{suffix}", self.0)).expect("short and printable")
    }
}
