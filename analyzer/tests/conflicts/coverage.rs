//! Coverage that is required: what is a gap, what is none, and what shows it.

use std::collections::BTreeMap;

use ordain_analyzer::gap_diagnostics;
use ordain_ir::{
    Certainty, Condition, EnforcementMode, Fact, Gap, Obligation, Report, Rule, RuleStatus, RuleType,
    ScopeSelector, Severity, Span, TextTest, Type, Window,
};

use crate::common::{Build, daily, equals, fact, rule, scope, text, validity};

fn obligation(condition: Condition, scope: ScopeSelector) -> Obligation {
    Obligation { package: "acme".into(), rule_type: RuleType::Safety, condition, scope }
}

fn report(obligation: Obligation, rules: Vec<Rule>) -> Report {
    let toxic = Fact { opaque: true, ..fact("toxic", Type::Bool) };
    let mut build = Build::default().facts([fact("tool", Type::String), toxic]).rules(rules);
    build.0.obligations.insert(obligation);
    build.report()
}

fn gap(obligation: Obligation, rules: Vec<Rule>) -> Option<Gap> {
    let mut gaps = report(obligation, rules).gaps;
    assert!(gaps.len() <= 1);
    gaps.pop()
}

/// Path and time of the witness.
fn example(gap: Option<Gap>) -> String {
    let gap = gap.expect("a gap");
    assert_eq!((gap.certainty, &gap.uncertainty), (Certainty::Proved, &None));
    let witness = gap.witness.expect("a proved gap has a witness");
    let facts: Vec<String> =
        witness.request.facts.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{} {}{}", witness.request.path, witness.local_time, facts.concat())
}

fn blocking(name: &str) -> Rule {
    rule(name, EnforcementMode::Block)
}

fn everything() -> Obligation {
    obligation(Condition::True, ScopeSelector::global())
}

#[test]
fn without_rules_everything_is_a_gap() {
    assert_eq!(example(gap(everything(), vec![])), "tenant/project/agent Thu 2026-01-01 00:00 UTC");
    let none = obligation(Condition::False, ScopeSelector::global());
    assert_eq!(gap(none, vec![]), None, "nothing is required");
}

#[test]
fn only_what_speaks_for_the_concern_covers() {
    let audit = rule("acme.r", EnforcementMode::Audit);
    assert_eq!(gap(everything(), vec![audit.clone()]), None);
    for silent in [
        Rule { enforcement_mode: EnforcementMode::Disabled, ..audit.clone() },
        Rule { status: RuleStatus::Retired, ..audit.clone() },
        Rule { rule_type: RuleType::Ethical, ..audit.clone() },
    ] {
        assert!(gap(everything(), vec![silent]).is_some());
    }
    let mut silencing = Rule { condition: equals("tool", "export"), ..blocking("acme.other") };
    silencing.overrides = crate::common::overriding(&["acme.r"]);
    assert_eq!(gap(everything(), vec![audit, silencing]), None, "who overrides it speaks instead");
}

#[test]
fn scopes_windows_and_conditions_are_subtracted_together() {
    let acme = obligation(Condition::True, scope("acme"));
    let support = Rule { scope: scope("acme/support"), ..blocking("acme.support") };
    let found = gap(acme.clone(), vec![support.clone()]);
    assert_eq!(example(found), "acme/project/agent Thu 2026-01-01 00:00 UTC");
    let others = Rule { scope: scope("acme - acme/support"), ..blocking("acme.others") };
    assert_eq!(gap(acme.clone(), vec![support.clone(), others.clone()]), None);
    let by_day = |name: &str, days| Rule {
        window: daily("Europe/Berlin", days, (9, 0), (17, 0)),
        ..Rule { scope: scope("acme - acme/support"), ..blocking(name) }
    };
    let found = gap(acme.clone(), vec![support.clone(), by_day("acme.week", 0..=4)]);
    assert_eq!(example(found), "acme/project/agent Thu 2026-01-01 01:00 Europe/Berlin");
    let night = Rule {
        window: daily("Europe/Berlin", 0..=6, (17, 0), (9, 0)),
        condition: equals("tool", "export"),
        ..others.clone()
    };
    let found = gap(acme.clone(), vec![support.clone(), by_day("acme.day", 0..=6), night.clone()]);
    assert_eq!(example(found), "acme/project/agent Thu 2026-01-01 01:00 Europe/Berlin tool=\"a\"");
    let rest = Rule { condition: equals("tool", "export").negate(), ..blocking("acme.rest") };
    assert_eq!(gap(acme, vec![support, by_day("acme.day", 0..=6), night, rest]), None);
}

#[test]
fn validity_leaves_gaps_at_its_ends() {
    let rule = Rule { window: validity(None, Some("2027-01-01T00:00:00Z")), ..blocking("acme.r") };
    assert_eq!(
        example(gap(everything(), vec![rule.clone()])),
        "tenant/project/agent Fri 2027-01-01 00:00 UTC"
    );
    let next = Rule { window: validity(Some("2027-01-01T00:00:00Z"), None), ..blocking("acme.s") };
    assert_eq!(gap(everything(), vec![rule, next]), None);
}

#[test]
fn only_what_is_required_counts() {
    let exports = obligation(text("tool", TextTest::StartsWith("export".into())), scope("acme"));
    let rule = Rule { condition: equals("tool", "export"), ..blocking("acme.r") };
    let found = gap(exports.clone(), vec![rule.clone()]);
    assert_eq!(example(found), "acme/project/agent Thu 2026-01-01 00:00 UTC tool=\"exporta\"");
    let wider = Rule { condition: text("tool", TextTest::Contains("export".into())), ..rule };
    assert_eq!(gap(exports, vec![wider]), None);
}

#[test]
fn what_rests_on_an_opaque_fact_is_suspected() {
    let toxic = || Condition::Fact("toxic".into());
    let rule = |name: &str, condition: Condition| Rule { condition, ..blocking(name) };
    let found = gap(everything(), vec![rule("acme.r", toxic())]).unwrap();
    assert_eq!(found.certainty, Certainty::Suspected);
    assert_eq!(
        found.uncertainty.unwrap(),
        "it rests on the opaque fact `toxic`, whose value this language can't see"
    );
    assert_eq!(gap(everything(), vec![rule("acme.r", toxic()), rule("acme.s", toxic().negate())]), None);
    // Whatever the classifier says, one of the two projects is open.
    let within = |name: &str, condition, place: &str| Rule { scope: scope(place), ..rule(name, condition) };
    let split = vec![
        within("acme.r", toxic(), "acme/support"),
        within("acme.s", toxic().negate(), "acme - acme/support"),
    ];
    let found = gap(obligation(Condition::True, scope("acme")), split).unwrap();
    assert_eq!(found.certainty, Certainty::Proved);
}

#[test]
fn too_many_parts_are_not_dropped_in_silence() {
    let rules: Vec<Rule> = ('a'..='m')
        .map(|letter| Rule {
            scope: scope(&format!("*{letter}*")),
            condition: equals("tool", &letter.to_string()),
            ..blocking(&format!("acme.{letter}"))
        })
        .collect();
    let found = gap(everything(), rules.clone()).unwrap();
    assert_eq!((found.certainty, found.witness), (Certainty::Suspected, None));
    assert_eq!(
        found.uncertainty.unwrap(),
        "the scopes and windows of the rules cut what is required into more parts than are compared"
    );
    assert!(gap(everything(), rules[..8].to_vec()).unwrap().witness.is_some());
}

#[test]
fn gaps_are_warnings_where_they_are_required() {
    let exports = obligation(equals("tool", "export"), scope("acme"));
    let report = report(exports.clone(), vec![]);
    let places = BTreeMap::from([(exports, ("acme.ordain".to_owned(), Span::new(7, 30)))]);
    let [warning] = &*gap_diagnostics(&report, &places) else { panic!("one for one gap") };
    assert_eq!((warning.code.as_str(), warning.severity), ("ORD0401", Severity::Warning));
    let place = warning.primary.as_ref().map(|label| (label.file.as_str(), label.span));
    assert_eq!(place, Some(("acme.ordain", Span::new(7, 30))));
    assert_eq!(warning.message, "no safety rule speaks about some of the requests that must be covered");
    assert_eq!(
        warning.notes,
        [r#"for example: acme/project/agent at Thu 2026-01-01 00:00 UTC, tool = "export""#]
    );
    assert_eq!(gap_diagnostics(&report, &BTreeMap::new())[0].primary, None);
}

#[test]
fn equal_windows_are_recognised() {
    // As many rules as there are, with one window each: the parts stay few.
    let rules = (0..200).map(|n| Rule {
        window: daily("UTC", 0..=4, (9, 0), (17, 0)),
        scope: scope(&format!("tenant-{n}")),
        ..blocking(&format!("acme.r{n}"))
    });
    let rules: Vec<Rule> = rules.chain([Rule { window: Window::ALWAYS, ..blocking("acme.base") }]).collect();
    assert_eq!(gap(everything(), rules.clone()), None);
    assert!(gap(everything(), rules[..200].to_vec()).unwrap().witness.is_some());
}
