//! What must hold of every decision, whatever the policies.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::{
    Answer, CounterRef, Counters, DecideError, Decision, Engine, NoCounters, Outcome, Prepared, Role,
};
use ordain_ir::{
    Accumulation, Bound, CompareOp, Condition, Direction, ElementTest, Enforcement, EnforcementMode, Fact,
    FactName, Fail, Glob, Limit, LimitStatus, Meter, MeterUnit, Override, Partition, Path, Period, Policies,
    PolicyName, Quantity, Request, Rule, RuleStatus, RuleType, ScopePattern, ScopeSelector, TextTest, Type,
    Usage, Value,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

const RULES: usize = 5;
const LIMITS: usize = 4;

fn fact(name: &str, ty: Type, optional: bool) -> (FactName, Fact) {
    let range = matches!(ty, Type::Int).then_some((0, 3));
    let name = FactName::from(name);
    (name.clone(), Fact { name, ty, range, optional, opaque: false, doc: String::new() })
}

fn facts() -> BTreeMap<FactName, Fact> {
    let set = |of| Type::Set { of: Box::new(of) };
    [
        fact("flag", Type::Bool, false),
        fact("level", Type::Int, false),
        fact("extra", Type::Bool, true),
        fact("labels", set(Type::String), false),
        fact("ports", set(Type::Int), true),
    ]
    .into()
}

fn condition() -> impl Strategy<Value = Condition> {
    let atom = prop_oneof![
        Just(Condition::True),
        Just(Condition::Fact("flag".into())),
        Just(Condition::Fact("extra".into())),
        Just(Condition::Has("extra".into())),
        (select(CompareOp::ALL), 0i64..4).prop_map(|(op, bound)| Condition::Compare {
            terms: vec![("level".into(), 1)],
            op,
            bound
        }),
        select(vec!["a", "b"])
            .prop_map(|text| any_element("labels", ElementTest::Text(TextTest::Equals(text.into())))),
        (select(CompareOp::ALL), 0i64..3)
            .prop_map(|(op, bound)| any_element("ports", ElementTest::Compare { op, bound }.negate())),
    ];
    atom.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Condition::And),
            vec(inner.clone(), 0..3).prop_map(Condition::Or),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn any_element(fact: &str, test: ElementTest) -> Condition {
    Condition::Any { fact: fact.into(), test }
}

fn emails() -> Meter {
    Meter::Declared { name: "emails".into(), unit: MeterUnit::Count }
}

fn scope() -> impl Strategy<Value = ScopeSelector> {
    let pattern = |tenant: &str, project: Option<&str>| ScopePattern {
        tenant: Some(Glob::parse(tenant).unwrap()),
        project: project.map(|text| Glob::parse(text).unwrap()),
        ..ScopePattern::default()
    };
    select(vec![
        ScopeSelector::global(),
        ScopeSelector::new(vec![pattern("a", None)], vec![]),
        ScopeSelector::new(vec![pattern("*", None)], vec![pattern("a", Some("p"))]),
        ScopeSelector::new(vec![pattern("a", Some("p")), pattern("*", Some("q"))], vec![]),
    ])
}

/// Overrides that lead from lower to higher numbers, so without cycles.
fn overrides(kind: &'static str, own: usize, count: usize) -> impl Strategy<Value = Vec<Override>> {
    vec(proptest::bool::weighted(0.2), count - own - 1).prop_map(move |chosen| {
        let targets = (own + 1..count).zip(chosen).filter(|(_, chosen)| *chosen);
        targets.map(|(n, _)| Override { policy: (&*format!("{kind}{n}")).into(), because: None }).collect()
    })
}

fn rule(n: usize) -> impl Strategy<Value = Rule> {
    (
        select(RuleType::ALL),
        select(EnforcementMode::ALL),
        scope(),
        condition(),
        0i64..3,
        proptest::bool::weighted(0.9),
        overrides("r", n, RULES),
    )
        .prop_map(move |(rule_type, enforcement_mode, scope, condition, priority, active, overrides)| {
            Rule {
                scope,
                condition,
                priority,
                status: if active { RuleStatus::Active } else { RuleStatus::Retired },
                overrides,
                ..Rule::new(&*format!("r{n}"), rule_type, enforcement_mode)
            }
        })
}

fn limit(n: usize) -> impl Strategy<Value = Limit> {
    let quantity = select(vec![
        Quantity::RiskCeiling,
        Quantity::PerRun(Meter::Tokens),
        Quantity::Accumulated(Meter::Runs, Accumulation::utc(Period::Day)),
        Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Month)),
        Quantity::PerRun(emails()),
        Quantity::Accumulated(emails(), Accumulation::utc(Period::Hour)),
        Quantity::Accumulated(
            Meter::Runs,
            Accumulation::Calendar { period: Period::Day, zone: "Europe/Berlin".into() },
        ),
        Quantity::Accumulated(Meter::Tokens, Accumulation::Rolling(Period::Hour)),
        Quantity::Accumulated(Meter::Runs, Accumulation::Concurrent),
    ]);
    (
        quantity,
        (select(Direction::ALL), 0i64..6),
        select(Enforcement::ALL),
        scope(),
        condition(),
        proptest::option::weighted(0.3, 0..RULES),
        select(Partition::ALL),
        overrides("l", n, LIMITS),
    )
        .prop_map(
            move |(
                quantity,
                (direction, value),
                enforcement,
                scope,
                condition,
                rule,
                partition,
                overrides,
            )| {
                Limit {
                    scope,
                    condition,
                    rule: rule.map(|rule| (&*format!("r{rule}")).into()),
                    partition,
                    overrides,
                    ..Limit::new(&*format!("l{n}"), quantity, Bound { direction, value }, enforcement)
                }
            },
        )
}

fn policies() -> impl Strategy<Value = Policies> {
    let rules = [rule(0), rule(1), rule(2), rule(3), rule(4)];
    let limits = [limit(0), limit(1), limit(2), limit(3)];
    (rules, limits).prop_map(|(rules, limits)| Policies {
        facts: facts(),
        meters: [("emails".to_owned(), MeterUnit::Count)].into(),
        rules: rules.into_iter().map(|rule| (rule.name.clone(), Arc::new(rule))).collect(),
        limits: limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))).collect(),
        ..Policies::default()
    })
}

fn request() -> impl Strategy<Value = Request> {
    (
        (select(vec!["a", "b"]), select(vec!["p", "q"])),
        proptest::option::of(Just("openai".to_owned())),
        (any::<bool>(), 0i64..4, proptest::option::of(any::<bool>())),
        (labels(), proptest::option::of(btree_set(0i64..3, 0..3))),
        (0i64..3, 0i64..7, proptest::option::of(0i64..7), proptest::option::of(0i64..7)),
    )
        .prop_map(
            |(
                (tenant, project),
                provider,
                (flag, level, extra),
                (labels, ports),
                (runs, tokens, risk, emails),
            )| {
                let numbers =
                    |ports: BTreeSet<i64>| Value::Set(ports.into_iter().map(Value::Number).collect());
                let facts = [
                    ("flag", Some(Value::Bool(flag))),
                    ("level", Some(Value::Number(level))),
                    ("extra", extra.map(Value::Bool)),
                    ("labels", Some(labels)),
                    ("ports", ports.map(numbers)),
                ];
                let meters = emails.map(|emails| ("emails".to_owned(), emails)).into_iter().collect();
                Request {
                    path: Path { tenant: tenant.into(), project: project.into(), agent: "x".into() },
                    provider,
                    at: Timestamp::from_second(1_772_445_600).unwrap(),
                    facts: facts
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.into(), value?)))
                        .collect(),
                    usage: Usage { runs, tokens, meters, risk, ..Usage::default() },
                }
            },
        )
}

fn labels() -> impl Strategy<Value = Value> {
    let texts = |texts: BTreeSet<&str>| texts.into_iter().map(|text| Value::Text(text.into())).collect();
    btree_set(select(vec!["a", "b", "c"]), 0..3).prop_map(move |set| Value::Set(texts(set)))
}

/// The same for every limit and subject.
struct Used(i64);

impl Counters for Used {
    fn used(&self, _: CounterRef<'_>) -> i64 {
        self.0
    }
}

fn try_decide(policies: &Policies, request: &Request) -> Result<Decision, DecideError> {
    Engine::new(Arc::new(policies.clone())).unwrap().decide(request, &NoCounters)
}

fn decide(policies: &Policies, request: &Request) -> Decision {
    try_decide(policies, request).unwrap()
}

/// Renames every policy by reversing the order of names.
fn renamed(policies: &Policies) -> Policies {
    let rename = |name: &PolicyName| -> PolicyName {
        let (kind, number) = name.as_str().split_at(1);
        (&*format!("{kind}{}", 9 - number.parse::<usize>().unwrap())).into()
    };
    let all = |overrides: &mut Vec<Override>| overrides.iter_mut().for_each(|o| o.policy = rename(&o.policy));
    let mut out = policies.clone();
    (out.rules, out.limits) = (BTreeMap::new(), BTreeMap::new());
    for rule in policies.rules.values() {
        let mut rule = Rule::clone(rule);
        rule.name = rename(&rule.name);
        all(&mut rule.overrides);
        out.rules.insert(rule.name.clone(), Arc::new(rule));
    }
    for limit in policies.limits.values() {
        let mut limit = Limit::clone(limit);
        limit.name = rename(&limit.name);
        limit.rule = limit.rule.as_ref().map(rename);
        all(&mut limit.overrides);
        out.limits.insert(limit.name.clone(), Arc::new(limit));
    }
    out
}

fn without(policies: &Policies, gone: &PolicyName) -> Policies {
    let mut out = policies.clone();
    // Status, not removal: others may refer to it, and overriding goes through it either way.
    let mut rule = Rule::clone(&out.rules[gone]);
    rule.status = RuleStatus::Retired;
    out.rules.insert(gone.clone(), Arc::new(rule));
    out
}

proptest! {
    #[test]
    fn names_and_their_order_never_change_the_outcome(policies in policies(), request in request()) {
        let (one, other) = (decide(&policies, &request), decide(&renamed(&policies), &request));
        prop_assert_eq!(one.outcome, other.outcome);
        let silent = |d: &Decision| {
            let rules = d.rules.iter().filter(|f| matches!(f.role, Role::Overridden { .. } | Role::Outranked { .. }));
            (d.rules.len(), d.limits.len(), rules.count(), d.unmeasured.len())
        };
        prop_assert_eq!(silent(&one), silent(&other));
    }

    #[test]
    fn one_policy_decided_and_all_deciders_say_the_outcome(policies in policies(), request in request()) {
        let decision = decide(&policies, &request);
        let decided = decision.rules.iter().filter(|f| f.role == Role::Decided).count()
            + decision.limits.iter().filter(|f| f.role == Role::Decided).count();
        prop_assert!(decided <= 1);
        prop_assert!(decided == 1 || decision.outcome == Outcome::Allow);
        for finding in &decision.rules {
            if matches!(finding.role, Role::Decided | Role::Agreed) {
                prop_assert_eq!(Outcome::from(finding.rule.enforcement_mode), decision.outcome);
            }
        }
        for finding in &decision.limits {
            if matches!(finding.role, Role::Decided | Role::Agreed) {
                prop_assert!(finding.breached && finding.remainder() < 0);
                prop_assert_eq!(Outcome::from(finding.limit.enforcement), decision.outcome);
            }
        }
    }

    #[test]
    fn a_new_block_never_loosens(policies in policies(), request in request(), mut new in rule(0)) {
        new.name = "z".into();
        new.enforcement_mode = EnforcementMode::Block;
        new.overrides.clear();
        let before = decide(&policies, &request).outcome;
        let mut more = policies;
        more.rules.insert(new.name.clone(), Arc::new(new));
        prop_assert!(decide(&more, &request).outcome >= before);
    }

    #[test]
    fn a_new_limit_never_loosens(policies in policies(), request in request(), mut new in limit(0)) {
        new.name = "z".into();
        new.overrides.clear();
        let before = decide(&policies, &request).outcome;
        let mut more = policies;
        more.limits.insert(new.name.clone(), Arc::new(new));
        prop_assert!(decide(&more, &request).outcome >= before);
    }

    #[test]
    fn more_usage_never_loosens_under_ceilings(mut policies in policies(), request in request(), used in 0i64..9) {
        policies.limits.retain(|_, limit| limit.bound.direction == Direction::AtMost);
        for limit in policies.limits.values_mut() {
            Arc::make_mut(limit).overrides.clear();
        }
        let engine = Engine::new(Arc::new(policies)).unwrap();
        let at = |used| engine.decide(&request, &Used(used)).unwrap().outcome;
        prop_assert!(at(used) <= at(used + 1));
    }

    #[test]
    fn who_is_outranked_or_overridden_has_no_say(policies in policies(), request in request()) {
        let decision = decide(&policies, &request);
        for finding in &decision.rules {
            let silent = match &finding.role {
                Role::Outranked { by } => {
                    let winner = &policies.rules[by];
                    prop_assert!(winner.priority > finding.rule.priority);
                    prop_assert_eq!(winner.rule_type, finding.rule.rule_type);
                    // It may still override others.
                    finding.rule.overrides.is_empty()
                }
                Role::Overridden { by } => {
                    let applies = decision.rules.iter().find(|other| other.rule.name == *by);
                    let applies = !matches!(applies.unwrap().role, Role::Overridden { .. });
                    prop_assert!(applies);
                    true
                }
                _ => false,
            };
            if silent {
                let rest = decide(&without(&policies, &finding.rule.name), &request);
                prop_assert_eq!(rest.outcome, decision.outcome);
            }
        }
    }

    #[test]
    fn a_fact_that_may_be_left_out_changes_nothing(
        policies in policies(), request in request(), level in 0i64..4, labels in labels(),
    ) {
        for name in ["flag", "level", "labels"] {
            let mut partial = request.clone();
            partial.facts.remove(name);
            match try_decide(&policies, &partial) {
                Ok(decision) => {
                    let mut full = request.clone();
                    let value = match name {
                        "flag" => Value::Bool(level > 1),
                        "level" => Value::Number(level),
                        _ => labels.clone(),
                    };
                    full.facts.insert(name.into(), value);
                    // Of alternatives all that hold are named, and of what is missing it isn't known.
                    let parts = |mut decision: Decision| {
                        decision.rules.iter_mut().for_each(|it| it.because.clear());
                        decision.limits.iter_mut().for_each(|it| it.because.clear());
                        decision
                    };
                    prop_assert_eq!(parts(decide(&policies, &full)), parts(decision));
                }
                Err(error) => {
                    let named = matches!(&error, DecideError::MissingFact { fact, .. } if fact.as_str() == name);
                    prop_assert!(named, "{}", error);
                }
            }
        }
    }

    #[test]
    fn in_domain_is_what_the_decision_lists(policies in policies(), request in request()) {
        let engine = Engine::new(Arc::new(policies.clone())).unwrap();
        let decision = engine.decide(&request, &NoCounters).unwrap();
        for (name, rule) in &policies.rules {
            let listed = decision.rules.iter().any(|finding| finding.rule.name == *name);
            prop_assert_eq!(listed, rule.status == RuleStatus::Active && engine.in_domain(name, &request).unwrap());
        }
        for name in policies.limits.keys() {
            let listed = decision.limits.iter().any(|finding| finding.limit.name == *name)
                || decision.unmeasured.iter().any(|finding| finding.limit.name == *name);
            prop_assert_eq!(listed, engine.in_domain(name, &request).unwrap());
        }
    }

    #[test]
    fn failing_closed_is_at_least_as_strict_as_any_value_of_what_is_missing(
        mut policies in policies(), request in request(), others in request(), gone in btree_set(
            select(vec!["flag", "level", "labels"]), 0..4),
        used in 0i64..9,
    ) {
        // What fills the gaps are the facts of another request.
        let mut partial = request.clone();
        let mut full = request;
        for name in gone {
            partial.facts.remove(name);
            full.facts.insert(name.into(), others.facts[name].clone());
        }
        let wire = |request: &Request| request.to_json(&policies.facts, &policies.meters);
        let engine = Engine::new(Arc::new(policies.clone())).unwrap();
        let (closed, decided) = (engine.enforce(wire(&partial), &Used(used)), engine.decide(&full, &Used(used)).unwrap());
        prop_assert!(closed.faults.is_empty());
        prop_assert!(closed.outcome >= decided.outcome, "{} {}", closed, decided);
        // Open is as if what is undecided weren't there.
        policies.settings.fail = Fail::Open;
        let open = Engine::new(Arc::new(policies.clone())).unwrap().enforce(wire(&partial), &Used(used));
        for finding in open.rules.iter().filter(|finding| finding.unknown.is_some()) {
            prop_assert_eq!(&finding.role, &Role::Ignored);
            policies = without(&policies, &finding.rule.name);
        }
        for finding in open.limits.iter().filter(|finding| finding.unknown.is_some()) {
            let mut limit = Limit::clone(&finding.limit);
            limit.status = LimitStatus::Disabled;
            policies.limits.insert(limit.name.clone(), Arc::new(limit));
        }
        let unmeasured: Vec<_> = open.unmeasured.iter().map(|it| it.limit.name.clone()).collect();
        for name in &unmeasured {
            // Who overrides it, overrides through it what it overrides.
            let gone = policies.limits.remove(name).unwrap();
            for limit in policies.limits.values_mut() {
                let own = &mut Arc::make_mut(limit).overrides;
                let before = own.len();
                own.retain(|o| o.policy != *name);
                if own.len() < before {
                    own.extend(gone.overrides.iter().cloned());
                }
            }
        }
        let rest = Engine::new(Arc::new(policies)).unwrap().decide(&partial, &Used(used)).unwrap();
        prop_assert_eq!(rest.outcome, open.outcome);
    }

    #[test]
    fn an_amount_that_cannot_be_read_is_as_strict_as_any(
        mut policies in policies(), request in request(), used in 0i64..9, amount in 0i64..9,
        gone in btree_set(select(vec![
            Quantity::PerRun(Meter::Runs), Quantity::PerRun(Meter::Tokens), Quantity::PerRun(emails()),
            Quantity::RiskCeiling,
        ]), 1..4),
    ) {
        let (mut unread, mut full) = (request.clone(), request);
        for quantity in gone {
            full.usage.set(&quantity, amount);
            unread.usage.set(&quantity, 0);
            unread.usage.unread.insert(quantity);
        }
        let decide = |policies: &Policies, request: &Request| {
            Engine::new(Arc::new(policies.clone())).unwrap().decide(request, &Used(used)).unwrap()
        };
        let (closed, decided) = (decide(&policies, &unread), decide(&policies, &full));
        prop_assert!(closed.outcome >= decided.outcome, "{} {}", closed, decided);
        prop_assert_eq!(closed.limits.len(), decided.limits.len());
        // Open, a limit on it isn't measured.
        policies.settings.fail = Fail::Open;
        prop_assert!(decide(&policies, &unread).limits.iter().all(|it| !it.unread));
    }

    #[test]
    fn memory_that_was_used_before_changes_nothing(policies in policies(), requests in vec(request(), 1..6)) {
        let engine = Engine::new(Arc::new(policies)).unwrap();
        let (mut prepared, mut answer) = (Prepared::default(), Answer::default());
        for request in requests {
            engine.prepare_into(&request, &mut prepared).unwrap();
            let outcome = engine.answer(&prepared, &NoCounters, &mut answer).unwrap();
            let fresh = engine.decide(&request, &NoCounters).unwrap();
            prop_assert_eq!(outcome, fresh.outcome);
            prop_assert_eq!(engine.explain(&prepared, &answer), fresh);
        }
    }

    /// As if the others had been retired or taken away: a limit confined to a rule keeps it, and overriding goes
    /// through what is left out.
    #[test]
    fn some_policies_decide_as_if_there_were_no_others(
        policies in policies(),
        request in request(),
        chosen in any::<u16>(),
    ) {
        let names: Vec<&PolicyName> = policies.rules.keys().chain(policies.limits.keys()).collect();
        let kept = |at: usize| chosen >> (at % 16) & 1 == 1;
        let some: Vec<&PolicyName> =
            (0..names.len()).filter(|at| kept(*at)).rev().map(|at| names[at]).collect();
        let mut left = policies.clone();
        for (_, name) in names.iter().enumerate().filter(|(at, _)| !kept(*at)) {
            if let Some(rule) = left.rules.get_mut(*name) {
                Arc::make_mut(rule).status = RuleStatus::Retired;
            } else {
                Arc::make_mut(left.limits.get_mut(*name).unwrap()).status = LimitStatus::Disabled;
            }
        }
        let engine = Engine::new(Arc::new(policies.clone())).unwrap();
        let decision = engine.decide_by(&some, &request, &Used(1)).unwrap();
        let expected = Engine::new(Arc::new(left)).unwrap().decide(&request, &Used(1)).unwrap();
        prop_assert_eq!(decision.outcome, expected.outcome);
        let limits = |decision: &Decision| -> Vec<_> {
            decision.limits.iter().map(|it| (it.id, it.value, it.breached, it.role.clone())).collect()
        };
        let rules =
            |decision: &Decision| -> Vec<_> { decision.rules.iter().map(|it| (it.id, it.role.clone())).collect() };
        prop_assert_eq!(limits(&decision), limits(&expected));
        prop_assert_eq!(rules(&decision), rules(&expected));
        prop_assert_eq!(decision.unmeasured.len(), expected.unmeasured.len());
        let unknown = PolicyName::from("w.nobody");
        prop_assert!(engine.decide_by(&[&unknown], &request, &Used(1)).is_err());
        let answer = engine.answer_by(&some, &request, &Used(1)).unwrap();
        prop_assert_eq!(answer.outcome(), decision.outcome);
        let listed = (decision.rules.len(), decision.limits.len(), decision.unmeasured.len());
        prop_assert_eq!((answer.rules().len(), answer.limits().len(), answer.unmeasured().len()), listed);
    }
}
