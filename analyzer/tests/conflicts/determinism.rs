//! The same answer whatever the number of threads, the memo or the order of questions.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::common::{at_most, compare, daily, fact, limit, one_of, rule, scope, text};
use ordain_analyzer::{Memo, Options, analyze};
use ordain_ir::{
    Certainty, CompareOp, Condition, ConflictSeverity, ConflictType, Enforcement, EnforcementMode, Policies,
    TextTest, Type, Window,
};

/// A workspace of `n` rules and `n` limits with a bit of everything.
fn workspace(n: usize) -> Policies {
    let tenants = ["acme", "globex", "*", "initech"];
    let modes = EnforcementMode::ALL;
    let condition = |i: usize| match i % 6 {
        0 => Condition::True,
        1 => one_of("data.class", if i % 4 == 1 { &["pii", "phi"] } else { &["public"] }),
        2 => compare(&[("risk", 1), ("cost", 3)], CompareOp::Greater, 40 + i64::try_from(i).unwrap()),
        3 => text("tool.name", TextTest::StartsWith(["de", "deploy", "x"][i % 3].into())),
        4 => compare(&[("risk", 1), ("cost", -1)], CompareOp::Less, i64::try_from(i).unwrap()),
        _ => Condition::Not(Box::new(Condition::Fact("toxic".into()))),
    };
    let rules = (0..n).map(|i| {
        let mut rule = rule(&format!("r{i:03}"), modes[i % 4]);
        rule.scope = scope(&format!("{}/p{}", tenants[i % 4], i % 3));
        rule.condition = condition(i);
        rule.priority = i64::try_from(i % 2).unwrap();
        if i % 5 == 0 {
            rule.window = daily("Europe/Berlin", 0..=4, (8, 0), (18, 0));
        }
        rule
    });
    let limits = (0..n).map(|i| {
        let bound = at_most(10 * i64::try_from(i % 7).unwrap() + 10);
        let mut limit = limit(&format!("l{i:03}"), "RUNS_DAILY", bound, Enforcement::ALL[i % 6]);
        limit.scope = scope(tenants[(i / 2) % 4]);
        limit.condition = condition(i + 1);
        limit
    });
    let mut toxic = fact("toxic", Type::Bool);
    toxic.opaque = true;
    let number = |name: &str| ordain_ir::Fact { range: Some((0, 100)), ..fact(name, Type::Int) };
    let classes = ["public", "internal", "pii", "phi"].map(str::to_owned).to_vec();
    let class = fact("data.class", Type::Enum { variants: classes });
    let facts = [toxic, number("risk"), number("cost"), class, fact("tool.name", Type::String)];
    crate::common::Build::default().facts(facts).rules(rules).limits(limits).0
}

fn bytes(policies: &Policies, threads: usize, memo: &Arc<Memo>) -> String {
    let options =
        Options { threads: NonZeroUsize::new(threads), memo: Some(Arc::clone(memo)), ..Options::default() };
    serde_json::to_string_pretty(&analyze(policies, &options).unwrap()).unwrap()
}

#[test]
fn threads_and_memos_change_nothing() {
    let policies = workspace(48);
    let once = bytes(&policies, 1, &Arc::default());
    let memo = Arc::default();
    for threads in [2, 4, 1] {
        assert_eq!(bytes(&policies, threads, &memo), once, "{threads} threads");
    }
    let report = analyze(&policies, &Options::default()).unwrap();
    assert!(report.pairs.by_solver > 0, "the workspace reaches the solver");
    assert!(report.conflicts.len() > 50);
}

#[test]
fn witnesses_do_not_depend_on_what_the_solver_did_before() {
    let policies = workspace(24);
    let together = analyze(&policies, &Options::default()).unwrap();
    // Each conflict alone, in another order, with a solver that has seen other things.
    for conflict in together.conflicts.iter().rev() {
        let alone = policies.restricted_to(conflict.policies.iter().map(|policy| &policy.name));
        let found = analyze(&alone, &Options::default()).unwrap().conflicts;
        assert_eq!(found, vec![conflict.clone()]);
    }
}

#[test]
fn blocking_implies_proved() {
    let mut policies = workspace(48);
    for kind in ConflictType::ALL {
        policies.settings.severity.insert(*kind, ConflictSeverity::Blocking);
    }
    let report = analyze(&policies, &Options::default()).unwrap();
    assert!(report.conflicts.iter().any(|c| c.certainty == Certainty::Suspected));
    for conflict in &report.conflicts {
        assert_eq!(conflict.severity == ConflictSeverity::Blocking, conflict.certainty == Certainty::Proved);
        assert!(conflict.certainty == Certainty::Suspected || conflict.witness.is_some());
    }
}

#[test]
fn an_edit_asks_only_questions_with_the_edited_policy() {
    let mut policies = workspace(48);
    let memo: Arc<Memo> = Arc::default();
    bytes(&policies, 2, &memo);
    let first = memo.decided();
    bytes(&policies, 2, &memo);
    assert_eq!(memo.decided(), first, "nothing changed, nothing is asked");

    // Priority, mode, scope and window are no part of a question about conditions.
    let mut edited = ordain_ir::Rule::clone(&policies.rules[&"r004".into()]);
    edited.window = Window::ALWAYS;
    edited.priority = 7;
    policies.rules.insert(edited.name.clone(), Arc::new(edited.clone()));
    bytes(&policies, 2, &memo);
    let second = memo.decided();

    edited.condition = compare(&[("risk", 2), ("cost", 5)], CompareOp::Greater, 77);
    policies.rules.insert(edited.name.clone(), Arc::new(edited));
    bytes(&policies, 2, &memo);
    let asked = memo.decided() - second;
    assert!((1..48).contains(&asked), "{asked} questions for one policy among 48");
}

#[test]
fn the_interrupt_is_called_and_may_unwind() {
    let policies = workspace(8);
    let stop = || std::panic::resume_unwind(Box::new("stopped"));
    let run = std::panic::AssertUnwindSafe(|| {
        analyze(&policies, &Options { interrupt: Some(&stop), ..Options::default() })
    });
    assert!(std::panic::catch_unwind(run).is_err());
}
