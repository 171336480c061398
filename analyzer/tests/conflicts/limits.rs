//! The table of limits, line by line, with what must not be reported.

use crate::common::{Build, at_least, at_most, compare, daily, equals, fact, limit, overriding, rule, scope};
use ordain_ir::Enforcement::{Alert, Block, Queue, Reject, Warn};
use ordain_ir::report::Contradiction;
use ordain_ir::{
    Certainty, CompareOp, Conflict, ConflictSeverity, ConflictType, EnforcementMode, Limit, LimitStatus,
    Partition, Type,
};

fn scoped(mut limit: Limit, text: &str) -> Limit {
    limit.scope = scope(text);
    limit
}

fn of(limits: impl IntoIterator<Item = Limit>) -> Build {
    Build::default().limits(limits)
}

fn kind(conflict: &Conflict) -> (ConflictType, Option<Contradiction>) {
    (conflict.conflict_type, conflict.contradiction)
}

const EMPTY: (ConflictType, Option<Contradiction>) =
    (ConflictType::ThresholdContradiction, Some(Contradiction::Empty));
const DIVERGENT: (ConflictType, Option<Contradiction>) =
    (ConflictType::ThresholdContradiction, Some(Contradiction::Divergent));
const OVERRIDE: (ConflictType, Option<Contradiction>) = (ConflictType::PriorityOverride, None);
const TEMPORAL: (ConflictType, Option<Contradiction>) = (ConflictType::TemporalConflict, None);
const OVERLAP: (ConflictType, Option<Contradiction>) = (ConflictType::ScopeOverlap, None);

#[test]
fn a_hard_ceiling_below_a_hard_floor_is_empty() {
    let ceiling = limit("cap", "RISK_CEILING", at_most(500_000), Block);
    let floor = limit("floor", "RISK_CEILING", at_least(700_000), Reject);
    let conflict = of([ceiling.clone(), floor.clone()]).conflict();
    assert_eq!(kind(&conflict), EMPTY);
    assert_eq!(
        conflict.explanation,
        "Policy 'floor' demands RISK_CEILING of at least 0.7 while 'cap' allows at most 0.5 for the same requests: \
         no value satisfies both"
    );
    assert_eq!(conflict.severity, ConflictSeverity::Blocking);
    assert_eq!(conflict.certainty, Certainty::Proved);
    assert_eq!(conflict.witness.unwrap().request.usage.risk.unwrap(), "0.500001");
    let bounds: Vec<_> = conflict.certificate.unwrap().inequalities.into_iter().map(|i| i.bound).collect();
    assert_eq!(bounds, ["1/2", "-7/10"]);
    assert_eq!(conflict.repair.unwrap().description, "lower `floor` to at least 0.5");

    // One value is left: no contradiction.
    let mut touching = floor.clone();
    touching.bound.value = 500_000;
    of([ceiling.clone(), touching]).none();
    // A soft bound gives way.
    let mut soft = floor.clone();
    soft.enforcement = Queue;
    of([ceiling.clone(), soft]).none();
    // Elsewhere.
    of([scoped(ceiling.clone(), "acme"), scoped(floor.clone(), "globex")]).none();
    // Agreed.
    let mut over = floor.clone();
    over.overrides = overriding(&["cap"]);
    of([ceiling, over]).none();
}

#[test]
fn currencies_are_never_compared() {
    let usd = limit("usd", "COST_PER_RUN", at_most(1_000_000), Block);
    let mut eur = limit("eur", "COST_PER_RUN", at_least(2_000_000), Block);
    eur.quantity = ordain_ir::Quantity::parse("COST_PER_RUN", "EUR").unwrap();
    of([usd, eur]).none();
}

#[test]
fn one_limit_defined_twice_diverges() {
    let a = scoped(limit("a", "RUNS_DAILY", at_most(100), Block), "acme/support");
    let b = scoped(limit("b", "RUNS_DAILY", at_most(200), Block), "acme/support");
    let conflict = of([a.clone(), b.clone()]).conflict();
    assert_eq!(kind(&conflict), DIVERGENT);
    assert_eq!(conflict.severity, ConflictSeverity::Blocking);
    assert_eq!(
        conflict.explanation,
        "Policy 'a' sets RUNS_DAILY to at most 100 (BLOCK) while 'b' sets it to at most 200 (BLOCK) for the same requests"
    );
    assert_eq!(conflict.witness.unwrap().request.usage.runs, Some(101));
    assert_eq!(conflict.repair.unwrap().description, "set `b` to at most 100");

    // The same domain, differently written.
    let twice = |mut limit: Limit, bounds: &[i64]| {
        let parts = bounds.iter().map(|b| compare(&[("x", 2)], CompareOp::Less, *b));
        limit.condition = ordain_ir::Condition::And(parts.collect());
        limit
    };
    let build = Build::default().facts([fact("x", Type::Int)]).limits([twice(a, &[10]), twice(b, &[9, 20])]);
    assert_eq!(kind(&build.conflict()), DIVERGENT);
}

#[test]
fn an_exact_duplicate_is_redundant_and_no_conflict() {
    of([limit("a", "RUNS_DAILY", at_most(100), Block), limit("b", "RUNS_DAILY", at_most(100), Block)]).none();
}

#[test]
fn what_can_never_take_effect() {
    // A looser narrow limit under a tighter wide one.
    let wide = scoped(limit("wide", "TOKENS_DAILY", at_most(100), Block), "acme");
    let narrow = scoped(limit("narrow", "TOKENS_DAILY", at_most(500), Block), "acme/support");
    let conflict = of([wide.clone(), narrow.clone()]).conflict();
    assert_eq!(kind(&conflict), OVERRIDE);
    assert_eq!(
        conflict.explanation,
        "Policy 'wide' limits TOKENS_DAILY to at most 100 (BLOCK) and so 'narrow', which says at most 500 (BLOCK) \
         for some of the same requests, can never take effect"
    );
    // A warning beyond the stop that it should announce.
    let warning = limit("warning", "TOKENS_DAILY", at_most(500), Warn);
    let stop = limit("stop", "TOKENS_DAILY", at_most(100), Block);
    assert_eq!(kind(&of([warning, stop]).conflict()), OVERRIDE);
    // Partitions: an agent's counter never exceeds its project's, but the other way round it may.
    let (mut wide, mut narrow) = (wide, narrow);
    (wide.partition, narrow.partition) = (Partition::Project, Partition::Agent);
    assert_eq!(kind(&of([wide.clone(), narrow.clone()]).conflict()), OVERRIDE);
    (wide.partition, narrow.partition) = (Partition::Agent, Partition::Project);
    of([wide, narrow]).none();
    // Two that do the same in other words: the later by name.
    let conflict =
        of([limit("a", "RUNS_DAILY", at_most(100), Block), limit("b", "RUNS_DAILY", at_most(100), Reject)])
            .conflict();
    assert_eq!(kind(&conflict), OVERRIDE);
    assert!(conflict.explanation.contains("so 'b'"), "{}", conflict.explanation);
}

#[test]
fn ladders_and_delegation_are_no_conflicts() {
    of([limit("soft", "RUNS_DAILY", at_most(80), Warn), limit("hard", "RUNS_DAILY", at_most(100), Block)])
        .none();
    of([
        scoped(limit("wide", "RUNS_DAILY", at_most(100), Block), "acme"),
        scoped(limit("narrow", "RUNS_DAILY", at_most(50), Block), "acme/support"),
    ])
    .none();
    // A guarantee for the whole says nothing of its parts.
    of([
        scoped(limit("wide", "RUNS_DAILY", at_least(100), Warn), "acme"),
        scoped(limit("narrow", "RUNS_DAILY", at_least(50), Warn), "acme/support"),
    ])
    .none();
}

#[test]
fn only_the_windows_keep_one_from_including_the_other() {
    let mut a = scoped(limit("a", "RUNS_DAILY", at_most(100), Block), "acme");
    let mut b = scoped(limit("b", "RUNS_DAILY", at_most(200), Block), "acme/support");
    a.window = daily("UTC", 0..=4, (8, 0), (18, 0));
    b.window = daily("UTC", 0..=4, (16, 0), (20, 0));
    let conflict = of([a.clone(), b.clone()]).conflict();
    assert_eq!(kind(&conflict), TEMPORAL);
    assert_eq!(conflict.witness.unwrap().local_time, "Thu 2026-01-01 16:00 UTC");
    // Apart in time.
    b.window = daily("UTC", 0..=4, (18, 0), (20, 0));
    of([a, b]).none();
}

#[test]
fn overlaps_of_scopes() {
    let mut a = limit("a", "RUNS_DAILY", at_most(100), Block);
    let mut b = limit("b", "RUNS_DAILY", at_most(200), Block);
    (a.scope, b.scope) = (scope("acme/support, acme/sales"), scope("acme/sales, acme/legal"));
    let conflict = of([a.clone(), b.clone()]).conflict();
    assert_eq!(kind(&conflict), OVERLAP);
    assert_eq!(conflict.witness.unwrap().request.path.to_string(), "acme/sales/agent");
    // Scopes that cross, with windows: dropping these wouldn't help.
    a.window = daily("UTC", 0..=4, (8, 0), (18, 0));
    assert_eq!(kind(&of([a.clone(), b.clone()]).conflict()), OVERLAP);

    // Equal values, different enforcement: which one counts?
    let a = scoped(limit("a", "RUNS_DAILY", at_most(100), Warn), "acme");
    let b = scoped(limit("b", "RUNS_DAILY", at_most(100), Block), "acme/support");
    assert_eq!(kind(&of([a.clone(), b.clone()]).conflict()), OVERLAP);
    // Both differ: a ladder across scopes.
    let mut c = b.clone();
    c.bound.value = 200;
    of([a.clone(), c]).none();
    // Different counters.
    let mut c = b;
    c.partition = Partition::Provider;
    of([a, c]).none();
}

#[test]
fn providers_are_a_dimension_of_their_own() {
    let a = scoped(limit("a", "RUNS_DAILY", at_most(100), Block), "@openai");
    let b = scoped(limit("b", "RUNS_DAILY", at_most(200), Block), "acme");
    let witness = of([a.clone(), b]).conflict().witness.unwrap();
    assert_eq!(
        (witness.request.path.to_string().as_str(), witness.request.provider.as_deref()),
        ("acme/project/agent", Some("openai"))
    );
    of([a, scoped(limit("b", "RUNS_DAILY", at_most(200), Block), "@other")]).none();
}

#[test]
fn a_limit_speaks_only_where_its_rule_does() {
    let mut confining = rule("night", EnforcementMode::Warn);
    confining.window = daily("UTC", 0..=6, (22, 0), (6, 0));
    confining.condition = equals("tool.name", "export");
    let mut a = limit("a", "RUNS_DAILY", at_most(100), Block);
    a.rule = Some("night".into());
    let mut b = limit("b", "RUNS_DAILY", at_most(200), Block);
    let with = |a: &Limit, b: &Limit| {
        Build::default()
            .facts([fact("tool.name", Type::String)])
            .rules([confining.clone()])
            .limits([a.clone(), b.clone()])
    };
    // Narrower and tighter: delegation. Narrower and looser: without effect.
    with(&a, &b).none();
    a.bound.value = 300;
    let conflict = with(&a, &b).conflict();
    assert_eq!(kind(&conflict), OVERRIDE);
    let witness = conflict.witness.unwrap();
    assert_eq!(witness.local_time, "Thu 2026-01-01 00:00 UTC");
    assert_eq!(witness.request.facts[&"tool.name".into()], "export");
    b.window = daily("UTC", 0..=6, (8, 0), (18, 0));
    with(&a, &b).none();
    b.window = crate::common::validity(None, None);
    b.condition = equals("tool.name", "delete");
    with(&a, &b).none();
}

#[test]
fn inactive_limits_and_other_quantities_are_left_alone() {
    let a = limit("a", "RUNS_DAILY", at_most(100), Block);
    let mut b = limit("b", "RUNS_DAILY", at_most(200), Block);
    b.status = LimitStatus::Disabled;
    of([a.clone(), b]).none();
    of([a, limit("b", "RUNS_HOURLY", at_most(200), Block)]).none();
    // An alert is no stricter than a warning that comes sooner.
    let sooner = limit("a", "RUNS_DAILY", at_most(100), Warn);
    assert_eq!(kind(&of([sooner, limit("b", "RUNS_DAILY", at_most(200), Alert)]).conflict()), OVERRIDE);
}

#[test]
fn a_contradiction_that_rests_on_the_opaque_does_not_block() {
    let mut toxic = fact("toxic", Type::Bool);
    toxic.opaque = true;
    let ceiling = limit("cap", "RISK_CEILING", at_most(500_000), Block);
    let mut floor = limit("floor", "RISK_CEILING", at_least(700_000), Block);
    floor.condition = ordain_ir::Condition::Fact("toxic".into());
    let conflict = Build::default().facts([toxic]).limits([ceiling, floor]).conflict();
    assert_eq!(kind(&conflict), EMPTY);
    assert_eq!((conflict.certainty, conflict.severity), (Certainty::Suspected, ConflictSeverity::Warning));
}
