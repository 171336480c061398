//! Tests built by hand, so that each way to fail is met once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{
    Accumulation, Active, Bound, Condition, DaySet, Enforcement, EnforcementMode, Expectation, Fact,
    FactName, Glob, Limit, Meter, Outcome, Override, Partition, Period, Place, Policies, PolicyName,
    Quantity, Recurrence, Request, Rule, RuleStatus, RuleType, ScopePattern, ScopeSelector, Site, Span,
    TestCase, TextTest, TimeOfDay, Type, Usage, Value, Window,
};

use crate::testing::run::{Runner, TestRun};

pub(crate) const AT: &str = "2026-01-05T12:00:00Z"; // a Monday

pub(crate) fn rule(name: &str, mode: EnforcementMode, condition: Condition) -> Rule {
    Rule { condition, ..Rule::new(name, RuleType::Safety, mode) }
}

pub(crate) fn daily_tokens(name: &str, most: i64, enforcement: Enforcement) -> Limit {
    Limit {
        partition: Partition::Agent,
        ..Limit::new(
            name,
            Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Day)),
            Bound::at_most(most),
            enforcement,
        )
    }
}

fn fact(name: &str, ty: Type) -> (FactName, Fact) {
    let name = FactName::from(name);
    (name.clone(), Fact { name, ty, range: None, optional: false, opaque: false, doc: String::new() })
}

pub(crate) fn text_is(fact: &str, text: &str) -> Condition {
    Condition::Text { fact: fact.into(), test: TextTest::Equals(text.into()) }
}

pub(crate) fn policies(rules: Vec<Rule>, limits: Vec<Limit>) -> Policies {
    let class = Type::Enum { variants: vec!["public".into(), "pii".into()] };
    Policies {
        facts: [fact("tool.name", Type::String), fact("data.class", class)].into(),
        rules: rules.into_iter().map(|rule| (rule.name.clone(), Arc::new(rule))).collect(),
        limits: limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))).collect(),
        ..Policies::default()
    }
}

fn site(line: u32) -> Site {
    Site { file: "a.ordain".into(), place: Place { span: Span::default(), line, column: 1 } }
}

pub(crate) fn expect(outcome: Outcome, by: &[&str], not_by: &[&str]) -> Expectation {
    let names = |names: &[&str]| names.iter().map(|name| PolicyName::from(*name)).collect();
    Expectation { site: site(2), outcome, by: names(by), not_by: names(not_by) }
}

/// A request to export; `data.class` is not given and so public.
pub(crate) fn case(expectations: Vec<Expectation>) -> TestCase {
    let text = |text: &str| Value::Text(text.into());
    TestCase {
        name: "a case".into(),
        package: "p".into(),
        site: site(1),
        rules: BTreeMap::new(),
        limits: BTreeMap::new(),
        facts: BTreeMap::new(),
        meters: BTreeMap::new(),
        request: Request {
            path: "acme/support/mailer".parse().unwrap(),
            provider: None,
            at: AT.parse().unwrap(),
            facts: [("tool.name".into(), text("export")), ("data.class".into(), text("public"))].into(),
            usage: Usage::default(),
        },
        given: ["tool.name".into()].into(),
        used: BTreeMap::new(),
        expectations,
    }
}

fn run(policies: Policies, case: TestCase) -> TestRun {
    Runner::new(Arc::new(policies)).unwrap().run(&Arc::new(case), BTreeMap::new())
}

/// Everything that is said about a run, a line each.
fn said(policies: &Policies, case: TestCase) -> String {
    let run = run(policies.clone(), case);
    let mut lines = vec![];
    for unmet in &run.unmet {
        lines.push(format!("wanted {}", run.expectation(unmet).outcome));
        for (name, silence) in &unmet.missing {
            lines.push(format!("missing {name}: {}", silence.words()));
            if let Some((whose, parts)) = silence.blamed(name) {
                lines.push(format!("  blamed of {whose}: {parts:?}"));
            }
        }
        lines.extend(unmet.unwanted.iter().map(|name| format!("unwanted {name}")));
        lines.extend(unmet.defaults.keys().map(|fact| format!("default {fact}")));
    }
    lines.join("\n")
}

fn pii() -> Condition {
    Condition::OneOf { fact: "data.class".into(), words: BTreeSet::from(["pii".into()]) }
}

#[test]
fn what_is_met_says_nothing() {
    let all = policies(
        vec![rule("p.block", EnforcementMode::Block, text_is("tool.name", "export"))],
        vec![daily_tokens("p.tokens", 10, Enforcement::Reject)],
    );
    assert_eq!(said(&all, case(vec![expect(Outcome::Block, &["p.block"], &["p.tokens"])])), "");
    let mut used = case(vec![expect(Outcome::Block, &["p.block", "p.tokens"], &[])]);
    used.used.insert("p.tokens".into(), 11);
    assert_eq!(said(&all, used), "");
    let nothing = policies(vec![], vec![]);
    assert_eq!(said(&nothing, case(vec![expect(Outcome::Allow, &[], &[])])), "");
}

#[test]
fn a_policy_demands_an_outcome_only_if_that_is_the_outcome() {
    let all = policies(
        vec![
            rule("p.block", EnforcementMode::Block, Condition::True),
            Rule { rule_type: RuleType::Ethical, ..rule("p.warn", EnforcementMode::Warn, Condition::True) },
        ],
        vec![],
    );
    insta::assert_snapshot!(said(&all, case(vec![expect(Outcome::Warn, &["p.warn"], &[])])), @"
    wanted WARN
    missing p.warn: says WARN, milder than `p.block`
    ");
    assert_eq!(said(&all, case(vec![expect(Outcome::Block, &["p.block"], &["p.warn"])])), "");
    insta::assert_snapshot!(said(&all, case(vec![expect(Outcome::Block, &[], &["p.block"])])), @"
    wanted BLOCK
    unwanted p.block
    ");
}

#[test]
fn every_silence_has_its_reason() {
    let exports = || text_is("tool.name", "export");
    let closed = Window::new(vec![Active {
        zone: "UTC".into(),
        recurrence: Some(Recurrence::Daily {
            days: DaySet::ALL,
            start: TimeOfDay::new(18, 0).unwrap(),
            end: TimeOfDay::new(6, 0).unwrap(),
        }),
        from: None,
        until: None,
    }]);
    let elsewhere = ScopeSelector::new(
        vec![ScopePattern { tenant: Some(Glob::literal("globex")), ..ScopePattern::default() }],
        vec![],
    );
    let block = |name: &str, condition| rule(name, EnforcementMode::Block, condition);
    let all = policies(
        vec![
            Rule { status: RuleStatus::Retired, ..block("p.retired", exports()) },
            Rule { scope: elsewhere, ..block("p.elsewhere", exports()) },
            Rule { window: closed, ..block("p.at-night", exports()) },
            block("p.false", Condition::and([exports(), pii(), text_is("tool.name", "mail").negate()])),
            block("p.either", Condition::or([pii(), text_is("tool.name", "mail")])),
            block("p.neither", Condition::or([exports(), pii()]).negate()),
            Rule { priority: -1, ..block("p.outranked", exports()) },
            block("p.overridden", exports()),
            Rule {
                overrides: vec![Override { policy: "p.overridden".into(), because: None }],
                ..rule("p.audit", EnforcementMode::Audit, exports())
            },
        ],
        vec![
            daily_tokens("p.held", 10, Enforcement::Reject),
            Limit { rule: Some("p.false".into()), ..daily_tokens("p.follows", 10, Enforcement::Reject) },
            Limit { quantity: Quantity::RiskCeiling, ..daily_tokens("p.unmeasured", 1, Enforcement::Block) },
        ],
    );
    let names = all.rules.keys().chain(all.limits.keys()).map(PolicyName::as_str);
    let names: Vec<&str> = names.filter(|name| *name != "p.audit").collect();
    insta::assert_snapshot!(said(&all, case(vec![expect(Outcome::Block, &names, &[])])), @r#"
    wanted BLOCK
    missing p.at-night: does not speak: it is not active at this instant
    missing p.either: does not speak: its condition is false
      blamed of p.either: [OneOf { fact: FactName("data.class"), words: {"pii"} }, Text { fact: FactName("tool.name"), test: Equals("mail") }]
    missing p.elsewhere: does not speak: the request is not in its scope, tenant globex
    missing p.false: does not speak: its condition is false
      blamed of p.false: [OneOf { fact: FactName("data.class"), words: {"pii"} }]
    missing p.follows: does not speak: it follows rule `p.false`, which does not speak: its condition is false
      blamed of p.false: [OneOf { fact: FactName("data.class"), words: {"pii"} }]
    missing p.held: stands at TOKENS_DAILY 0 of at most 10 (0%), agent acme/support/mailer; held
    missing p.neither: does not speak: its condition is false
      blamed of p.neither: [Text { fact: FactName("tool.name"), test: Equals("export") }]
    missing p.outranked: would say BLOCK, but `p.audit` has a higher priority in SAFETY
    missing p.overridden: would say BLOCK, but `p.audit` overrides it
    missing p.retired: takes no part, its status is RETIRED
    missing p.unmeasured: is not measured: the request does not say its risk
    default data.class
    "#);
}

#[test]
fn without_names_every_policy_that_could_have_done_it_counts() {
    let all = policies(
        vec![
            rule("p.block", EnforcementMode::Block, pii()),
            rule("p.warn", EnforcementMode::Warn, text_is("tool.name", "mail")),
        ],
        vec![],
    );
    insta::assert_snapshot!(said(&all, case(vec![expect(Outcome::Block, &[], &[])])), @"
    wanted BLOCK
    default data.class
    ");
    // `p.warn` reads no fact that is left out.
    assert_eq!(said(&all, case(vec![expect(Outcome::Warn, &[], &[])])), "wanted WARN");
}

#[test]
fn policies_of_the_test_itself_take_part() {
    let shared = policies(vec![rule("p.audit", EnforcementMode::Audit, Condition::True)], vec![]);
    let mut own = case(vec![expect(Outcome::Queue, &["p.own"], &["p.audit"])]);
    own.limits.insert("p.own".into(), Arc::new(daily_tokens("p.own", 5, Enforcement::Queue)));
    own.request.usage.tokens = 6;
    assert_eq!(said(&shared, own), "");
    assert_eq!(said(&shared, case(vec![expect(Outcome::Audit, &["p.audit"], &[])])), "");
}
