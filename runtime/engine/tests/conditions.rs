//! Conditions on requests: patterns, sets, and what is missing.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::{DecideError, Decision, Engine, NoCounters, Predicate, UsedByLimit};
use ordain_ir::{
    Accumulation, Bound, CompareOp, Condition, ElementTest, Enforcement, EnforcementMode, Fact, FactName,
    Limit, Meter, MeterUnit, Path, Period, Policies, Quantity, Request, Rule, RuleType, TextTest, Type,
    Usage, Value,
};

fn fact(name: &str, ty: Type, optional: bool) -> (FactName, Fact) {
    let name = FactName::from(name);
    (name.clone(), Fact { name, ty, range: None, optional, opaque: false, doc: String::new() })
}

fn try_decide(policies: &Policies, request: &Request) -> Result<Decision, DecideError> {
    Engine::new(Arc::new(policies.clone())).unwrap().decide(request, &NoCounters)
}

#[test]
fn values_of_another_kind_are_refused_by_name() {
    let mut policies = Policies { facts: [fact("flag", Type::Bool, false)].into(), ..Policies::default() };
    policies.rules.insert("r".into(), Arc::new(plain_rule("r", Condition::Fact("flag".into()))));
    let mut request = plain_request();
    request.facts.insert("flag".into(), Value::Number(1));
    assert_eq!(
        try_decide(&policies, &request).unwrap_err().to_string(),
        "the request's value of `flag` is no bool"
    );
    request.facts.remove("flag");
    assert_eq!(
        try_decide(&policies, &request).unwrap_err().to_string(),
        "the request does not say `flag`, and whether policy `r` applies depends on it"
    );
}

#[test]
fn patterns_search_anywhere_and_know_unicode() {
    let test =
        |pattern: &str| Condition::Text { fact: "text".into(), test: TextTest::Matches(pattern.into()) };
    let holds = |pattern: &str, text: &str| {
        let mut policies =
            Policies { facts: [fact("text", Type::String, false)].into(), ..Policies::default() };
        policies.rules.insert("r".into(), Arc::new(plain_rule("r", test(pattern))));
        let engine = Engine::new(Arc::new(policies)).map_err(|error| error.to_string())?;
        let mut request = plain_request();
        request.facts.insert("text".into(), Value::Text(text.into()));
        engine.in_domain(&"r".into(), &request).map_err(|error| error.to_string())
    };
    assert_eq!(holds("b+", "abbc"), Ok(true));
    assert_eq!(holds("^b+$", "abbc"), Ok(false));
    assert_eq!(holds(r"^\w.\d$", "éß٣"), Ok(true), "letters and digits of every script");
    assert!(holds("(", "").unwrap_err().starts_with("policy `r` has a pattern that cannot be used, `(`: "));
    assert!(holds(r"(\w{500}){500}", "").unwrap_err().contains("limit"));
}

/// Whether a condition holds for these values of the facts `labels`, `ports` (optional) and `levels`.
fn holds(condition: &Condition, values: &[(&str, Value)]) -> Option<bool> {
    let set = |of| Type::Set { of: Box::new(of) };
    let level = Type::Enum { variants: vec!["low".into(), "high".into()] };
    let facts: BTreeMap<_, _> = [
        fact("labels", set(Type::String), false),
        fact("ports", set(Type::Int), true),
        fact("levels", set(level), false),
    ]
    .into();
    let mut request = plain_request();
    request.facts = values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Predicate::new(condition, &facts).unwrap().evaluate(&request).unwrap()
}

fn texts(texts: &[&str]) -> Value {
    Value::Set(texts.iter().map(|text| Value::Text((*text).into())).collect())
}

fn any(fact: &str, test: ElementTest) -> Condition {
    Condition::Any { fact: fact.into(), test }
}

#[test]
fn any_wants_one_element_and_all_wants_no_other() {
    let pii = || ElementTest::Text(TextTest::StartsWith("pii".into()));
    let (some, every) = (any("labels", pii()), any("labels", pii().negate()).negate());
    let on = |elements: &[&str]| {
        let given = [("labels", texts(elements))];
        (holds(&some, &given).unwrap(), holds(&every, &given).unwrap())
    };
    assert_eq!(on(&[]), (false, true));
    assert_eq!(on(&["pii.name"]), (true, true));
    assert_eq!(on(&["pii.name", "public"]), (true, false));
    assert_eq!(on(&["public"]), (false, false));
}

#[test]
fn elements_are_words_texts_and_numbers() {
    let numbers = |numbers: &[i64]| Value::Set(numbers.iter().copied().map(Value::Number).collect());
    let web = ElementTest::AnyOf(
        [80, 443].map(|bound| ElementTest::Compare { op: CompareOp::Equal, bound }).into(),
    );
    let only_web = any("ports", web.negate()).negate();
    assert_eq!(holds(&only_web, &[("ports", numbers(&[80, 443]))]), Some(true));
    assert_eq!(holds(&only_web, &[("ports", numbers(&[80, 444]))]), Some(false));
    let high = any("levels", ElementTest::OneOf(["high".to_owned()].into()));
    assert_eq!(holds(&high, &[("levels", texts(&["high", "low"]))]), Some(true));
    assert_eq!(holds(&high, &[("levels", texts(&["low"]))]), Some(false));
}

#[test]
fn an_absent_set_has_no_element_and_a_missing_one_is_unknown() {
    let open = any("ports", ElementTest::Compare { op: CompareOp::GreaterEqual, bound: 0 });
    assert_eq!(holds(&open, &[]), Some(false), "optional");
    assert_eq!(holds(&open.clone().negate(), &[]), Some(true));
    let named = any("labels", ElementTest::Text(TextTest::Contains(String::new())));
    assert_eq!(holds(&named, &[]), None, "required");
    assert_eq!(holds(&Condition::And(vec![named.clone(), open.clone()]), &[]), Some(false));
    assert_eq!(holds(&Condition::Or(vec![named, open]), &[]), None);
}

#[test]
fn a_set_of_another_kind_is_refused() {
    let facts = [fact("labels", Type::Set { of: Box::new(Type::String) }, false)].into();
    let test = any("labels", ElementTest::Text(TextTest::Contains("a".into())));
    let predicate = Predicate::new(&test, &facts).unwrap();
    let mut request = plain_request();
    for wrong in [Value::Text("a".into()), Value::Set([Value::Number(1)].into())] {
        request.facts.insert("labels".into(), wrong);
        let error = predicate.evaluate(&request).unwrap_err();
        assert_eq!(error.to_string(), "the request's value of `labels` is no set");
    }
    let unknown = Predicate::new(&test, &BTreeMap::new()).unwrap_err();
    assert_eq!(unknown.to_string(), "the fact `labels` is not declared");
}

#[test]
fn declared_meters_are_counted_in_their_own_unit() {
    let unit = MeterUnit::Duration;
    let gpu = Meter::Declared { name: "gpu-time".into(), unit: unit.clone() };
    let mut policies = Policies { meters: [("gpu-time".to_owned(), unit)].into(), ..Policies::default() };
    for (name, quantity, value) in [
        ("acme.daily", Quantity::Accumulated(gpu.clone(), Accumulation::utc(Period::Day)), 60_000),
        ("acme.each", Quantity::PerRun(gpu), 20_000),
    ] {
        let limit = Limit::new(name, quantity, Bound::at_most(value), Enforcement::Block);
        policies.limits.insert(name.into(), Arc::new(limit));
    }
    let engine = Engine::new(Arc::new(policies)).unwrap();
    let mut request = plain_request();
    request.usage.meters.insert("gpu-time".into(), 15_000);
    let used = UsedByLimit([("acme.daily".into(), 45_500)].into());
    let decision = engine.decide(&request, &used).unwrap();
    assert_eq!(
        decision.to_string(),
        "BLOCK\n  limit `acme.daily`: GPU_TIME_DAILY 1m500ms of at most 1m (100.83%); breached, says BLOCK, the \
         strictest that is said\n  limit `acme.each`: GPU_TIME_PER_RUN 15s of at most 20s (75%); held"
    );
}

fn plain_rule(name: &str, condition: Condition) -> Rule {
    Rule { condition, ..Rule::new(name, RuleType::Safety, EnforcementMode::Block) }
}

fn plain_request() -> Request {
    Request {
        path: Path { tenant: "a".into(), project: "p".into(), agent: "x".into() },
        provider: None,
        at: Timestamp::UNIX_EPOCH,
        facts: BTreeMap::new(),
        usage: Usage::default(),
    }
}
