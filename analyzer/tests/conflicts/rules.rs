//! The table of rules, line by line, with what must not be reported.

use crate::common::{Build, compare, daily, equals, fact, overriding, rule, scope, validity};
use ordain_ir::EnforcementMode::{Audit, Block, Disabled, Warn};
use ordain_ir::{
    Certainty, Clause, CompareOp, Condition, ConflictSeverity, ConflictType, RuleStatus, RuleType, TextTest,
    Type,
};

#[test]
fn the_audits_example() {
    let mut ethical = rule("ethical-ai", Warn);
    ethical.rule_type = RuleType::Ethical;
    let build = Build::default().rules([
        rule("safety-baseline", Block),
        rule("rate-limit-warning", Disabled),
        ethical,
    ]);
    let conflict = build.conflict();
    assert_eq!(conflict.conflict_type, ConflictType::ScopeOverlap);
    assert_eq!(conflict.severity, ConflictSeverity::Warning);
    assert_eq!(conflict.certainty, Certainty::Proved);
    assert_eq!(
        conflict.explanation,
        "Policy 'safety-baseline' blocks while 'rate-limit-warning' is disabled on same scope"
    );
    assert_eq!(conflict.recommended_action, "Align enforcement modes or narrow scopes");
    let names: Vec<_> = conflict.policies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["safety-baseline", "rate-limit-warning"]);
    let witness = conflict.witness.unwrap();
    assert_eq!(witness.request.path.to_string(), "tenant/project/agent");
    assert_eq!(witness.local_time, "Thu 2026-01-01 00:00 UTC");
    assert_eq!(build.report().pairs.considered, 1);
}

#[test]
fn different_priorities_are_an_override() {
    let mut high = rule("exception", Warn);
    high.priority = 10;
    let conflict = Build::default().rules([high, rule("base", Block)]).conflict();
    assert_eq!(conflict.conflict_type, ConflictType::PriorityOverride);
    assert_eq!(conflict.weakens, Some(true));
    assert_eq!(
        conflict.explanation,
        "Policy 'exception' (priority 10) warns and so silences 'base' (priority 0), which otherwise blocks, \
         on same scope: this weakens enforcement"
    );
    // The stricter comes first, whoever wins.
    assert_eq!(conflict.policies[0].name.as_str(), "base");
    assert_eq!(conflict.clauses[&conflict.policies[0].id][0], Clause::Priority);

    let mut high = rule("stop", Block);
    high.priority = 10;
    let conflict = Build::default().rules([high, rule("base", Audit)]).conflict();
    assert_eq!(conflict.weakens, Some(false));
}

#[test]
fn priority_comes_before_windows() {
    let mut night = rule("night", Block);
    night.window = daily("Europe/Berlin", 0..=6, (22, 0), (6, 0));
    night.priority = 1;
    let conflict = Build::default().rules([night, rule("base", Warn)]).conflict();
    assert_eq!(conflict.conflict_type, ConflictType::PriorityOverride);
}

#[test]
fn one_window_makes_it_temporal() {
    let mut night = rule("night", Block);
    night.window = daily("Europe/Berlin", 4..=4, (22, 0), (6, 0));
    let conflict = Build::default().rules([night, rule("base", Warn)]).conflict();
    assert_eq!(conflict.conflict_type, ConflictType::TemporalConflict);
    assert_eq!(
        conflict.explanation,
        "Policy 'night' blocks while 'base' warns on same scope where their windows overlap, \
         first on Fri 2026-01-02 22:00 Europe/Berlin"
    );
    assert_eq!(conflict.witness.unwrap().request.at.to_string(), "2026-01-02T21:00:00Z");
}

#[test]
fn windows_that_never_meet() {
    let (mut a, mut b) = (rule("a", Block), rule("b", Warn));
    a.window = daily("Europe/Berlin", 0..=4, (9, 0), (17, 0));
    b.window = daily("Europe/Berlin", 0..=4, (17, 0), (9, 0));
    Build::default().rules([a.clone(), b.clone()]).none();
    // An hour later in the east, they do.
    b.window = daily("Europe/Athens", 0..=4, (17, 0), (9, 0));
    assert_eq!(
        Build::default().rules([a.clone(), b.clone()]).conflict().witness.unwrap().local_time,
        "Thu 2026-01-01 16:00 Europe/Berlin"
    );
    a.window = validity(Some("2030-01-01T00:00:00Z"), None);
    b.window = validity(None, Some("2030-01-01T00:00:00Z"));
    Build::default().rules([a, b]).none();
}

#[test]
fn no_conflict() {
    let same_mode = [rule("a", Block), rule("b", Block)];
    Build::default().rules(same_mode).none();

    let mut other_concern = rule("b", Warn);
    other_concern.rule_type = RuleType::System;
    Build::default().rules([rule("a", Block), other_concern]).none();

    let mut retired = rule("b", Warn);
    retired.status = RuleStatus::Retired;
    Build::default().rules([rule("a", Block), retired]).none();

    let (mut a, mut b) = (rule("a", Block), rule("b", Warn));
    (a.scope, b.scope) = (scope("acme"), scope("globex"));
    Build::default().rules([a.clone(), b.clone()]).none();
    b.scope = scope("global - acme");
    Build::default().rules([a, b]).none();
}

#[test]
fn overriding_is_transitive_even_through_the_retired() {
    let (mut a, mut b, c) = (rule("a", Block), rule("b", Warn), rule("c", Audit));
    a.overrides = overriding(&["b"]);
    b.overrides = overriding(&["c"]);
    b.status = RuleStatus::Retired;
    Build::default().rules([a, b, c]).none();
}

#[test]
fn a_third_that_silences_both_changes_nothing() {
    let mut top = rule("top", Block);
    top.overrides = overriding(&["a", "b"]);
    let conflict = Build::default().rules([top, rule("a", Block), rule("b", Warn)]).conflict();
    assert_eq!(conflict.policies[1].name.as_str(), "b");
}

#[test]
fn conditions_decide() {
    let facts = [fact("tool.name", Type::String), fact("x", Type::Int), fact("y", Type::Int)];
    let pair = |p: Condition, q: Condition| {
        let (mut a, mut b) = (rule("a", Block), rule("b", Warn));
        (a.condition, b.condition) = (p, q);
        Build::default().facts(facts.clone()).rules([a, b])
    };
    pair(equals("tool.name", "export"), equals("tool.name", "delete")).none();
    let like = crate::common::text("tool.name", TextTest::Matches("^ex.+t$".into()));
    let conflict = pair(equals("tool.name", "export"), like).conflict();
    assert_eq!(conflict.witness.unwrap().request.facts[&"tool.name".into()], "export");

    // A sum over two facts needs no solver: x + y > 10 with x < 3, y < 5 is impossible. Sums that pull in two
    // directions do.
    let sum = compare(&[("x", 1), ("y", 1)], CompareOp::Greater, 10);
    let small = |bound| {
        Condition::and([
            compare(&[("x", 1)], CompareOp::Less, 3),
            compare(&[("y", 1)], CompareOp::Less, bound),
        ])
    };
    let build = pair(sum.clone(), small(5));
    build.none();
    assert_eq!(build.report().pairs.by_solver, 0);
    let difference = compare(&[("x", 2), ("y", -1)], CompareOp::Greater, 30);
    let build = pair(sum.clone(), Condition::and([difference, small(i64::MAX)]));
    build.none();
    assert_eq!(build.report().pairs.by_solver, 1);
    let conflict = pair(sum, small(20)).conflict();
    let facts = conflict.witness.unwrap().request.facts;
    assert_eq!((&facts[&"x".into()], &facts[&"y".into()]), (&0.into(), &11.into()));
}

#[test]
fn what_rests_on_an_opaque_fact_is_suspected() {
    let mut toxic = fact("toxic", Type::Bool);
    toxic.opaque = true;
    let (mut a, b) = (rule("a", Block), rule("b", Warn));
    a.condition = Condition::Fact("toxic".into());
    let build = Build::default().facts([toxic.clone()]).rules([a.clone(), b.clone()]);
    let conflict = build.conflict();
    assert_eq!(conflict.certainty, Certainty::Suspected);
    assert_eq!(conflict.severity, ConflictSeverity::Warning);
    assert!(conflict.uncertainty.unwrap().contains("`toxic`"));

    // Whatever the classifier says, they meet.
    a.condition =
        Condition::or([Condition::Fact("toxic".into()), compare(&[("x", 1)], CompareOp::Greater, 5)]);
    let build = Build::default().facts([toxic.clone(), fact("x", Type::Int)]).rules([a.clone(), b.clone()]);
    assert_eq!(build.conflict().certainty, Certainty::Proved);

    // And a contradiction in it is a proof of absence.
    let mut b = b;
    a.condition = Condition::Fact("toxic".into());
    b.condition = Condition::Not(Box::new(Condition::Fact("toxic".into())));
    Build::default().facts([toxic]).rules([a, b]).none();
}

#[test]
fn a_raised_type_blocks_if_proved() {
    let mut build = Build::default().rules([rule("a", Block), rule("b", Warn)]);
    build.0.settings.severity.insert(ConflictType::ScopeOverlap, ConflictSeverity::Blocking);
    assert_eq!(build.conflict().severity, ConflictSeverity::Blocking);
}

#[test]
fn what_is_not_decided_is_suspected() {
    // Unicode word boundaries are outside the fragment that automata decide.
    let (mut a, b) = (rule("a", Block), rule("b", Warn));
    a.condition = crate::common::text("tool.name", TextTest::Matches(r"\bx\b".into()));
    let mut build = Build::default().facts([fact("tool.name", Type::String)]).rules([a, b]);
    build.0.settings.severity.insert(ConflictType::ScopeOverlap, ConflictSeverity::Blocking);
    let conflict = build.conflict();
    assert_eq!((conflict.certainty, conflict.severity), (Certainty::Suspected, ConflictSeverity::Warning));
    assert!(conflict.witness.is_none());
    let pairs = build.report().pairs;
    assert_eq!((pairs.considered, pairs.undecided), (1, 1));
}

#[test]
fn local_names_shared_by_two_are_written_out() {
    let conflict = Build::default().rules([rule("p.x", Block), rule("q.x", Warn)]).conflict();
    assert_eq!(conflict.explanation, "Policy 'p.x' blocks while 'q.x' warns on same scope");
}
