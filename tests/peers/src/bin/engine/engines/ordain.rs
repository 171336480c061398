//! Ordain: from the bytes of a bundle to an engine; decided from a prepared request, from a typed one, and with the
//! reasons in words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ordain_engine::ledger::Claim;
use ordain_engine::{Answer, Engine, Ledger, NoCounters, Part, Prepared};
use ordain_ir::{
    Accumulation, Active, Bound, Bundle, CompareOp, Condition, DependencyGraph, ElementTest, Enforcement,
    EnforcementMode, Fact, Glob, Limit, Meter, Path, Period, Policies, Quantity, Recurrence, Report,
    RuleType, SourceMap, TextTest, TimeOfDay, Type, Usage, Value, Window,
};

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape, Tools, ZONE, cap};
use ordain_peers::clock::Processor;

#[derive(Clone, Copy)]
enum From {
    Prepared,
    Typed,
    Explained,
}

struct Ordain {
    engine: Engine,
    typed: Vec<ordain_ir::Request>,
    prepared: Vec<Prepared>,
    from: From,
    scratch: Prepared,
    answer: Answer,
    /// Where limits count.
    ledger: Option<Ledger>,
}

fn fact(name: &str, ty: Type) -> (ordain_ir::FactName, Fact) {
    let fact =
        Fact { name: name.into(), ty, range: None, optional: false, opaque: false, doc: String::new() };
    (fact.name.clone(), fact)
}

fn rule(rule: &Rule, shape: Shape) -> ordain_ir::Rule {
    let number = |fact: &str, op, bound| Condition::Compare { terms: vec![(fact.into(), 1)], op, bound };
    let tool = |test| Condition::Text { fact: "tool.name".into(), test };
    let action = match &rule.tools {
        Tools::One(action) => tool(TextTest::Equals(action.clone())),
        Tools::List(all) => Condition::Or(all.iter().map(|it| tool(TextTest::Equals(it.clone()))).collect()),
        Tools::Begin(begin) => tool(TextTest::Like(Glob::parse(&format!("{begin}*")).expect("a pattern"))),
        Tools::End(end) => tool(TextTest::Like(Glob::parse(&format!("*{end}")).expect("a pattern"))),
        Tools::Part(part) => tool(TextTest::Like(Glob::parse(&format!("*{part}*")).expect("a pattern"))),
        Tools::Label(label) => {
            Condition::Any { fact: "labels".into(), test: ElementTest::Text(TextTest::Equals(label.clone())) }
        }
    };
    let risk = number("risk", CompareOp::Greater, rule.risk);
    let time =
        |hour: i64| TimeOfDay::new(u16::try_from(hour).expect("an hour"), 0).expect("an hour of a day");
    let (window, condition) = match shape {
        Shape::Facts | Shape::Patterns | Shape::Parts | Shape::Limits => {
            let from = number("hour", CompareOp::GreaterEqual, rule.from);
            let until = number("hour", CompareOp::Less, rule.until);
            (Window::ALWAYS, Condition::And(vec![action, risk, from, until]))
        }
        Shape::Windows => {
            let recurrence = Recurrence::Daily {
                days: ordain_ir::DaySet::ALL,
                start: time(rule.from),
                end: time(rule.until),
            };
            let clause = Active { zone: ZONE.into(), recurrence: Some(recurrence), from: None, until: None };
            (Window::new(vec![clause]), Condition::And(vec![action, risk]))
        }
    };
    ordain_ir::Rule {
        window,
        condition,
        ..ordain_ir::Rule::new(rule.name.as_str(), RuleType::Safety, EnforcementMode::Block)
    }
}

fn limit(rule: &Rule) -> Limit {
    Limit {
        condition: Condition::Text { fact: "tool.name".into(), test: TextTest::Equals(rule.action.clone()) },
        ..Limit::new(
            rule.name.as_str(),
            Quantity::Accumulated(Meter::Runs, Accumulation::utc(Period::Day)),
            Bound::at_most(cap(rule)),
            Enforcement::Block,
        )
    }
}

fn load(rules: &[Rule], requests: &[Request], shape: Shape, from: From) -> (Box<dyn Loaded>, Duration) {
    let labels = fact("labels", Type::Set { of: Box::new(Type::String) });
    let facts = [fact("tool.name", Type::String), labels, fact("risk", Type::Int), fact("hour", Type::Int)];
    let mut policies = Policies { facts: facts.into(), ..Policies::default() };
    if shape == Shape::Limits {
        let limits = rules.iter().map(limit);
        policies.limits = limits.map(|limit| (limit.name.clone(), Arc::new(limit))).collect();
    } else {
        let rules = rules.iter().map(|it| rule(it, shape));
        policies.rules = rules.map(|rule| (rule.name.clone(), Arc::new(rule))).collect();
    }
    let bundle = Bundle {
        workspace: "peers".into(),
        language: "1".into(),
        compiler: "none".into(),
        policies,
        dependencies: DependencyGraph::default(),
        analysis: Report::default(),
        sources: SourceMap::default(),
    };
    let (bytes, _) = bundle.to_bytes();
    drop(bundle);

    let start = Processor::now();
    let (bundle, _) = Bundle::from_bytes(&bytes).expect("a bundle");
    let engine = Engine::new(Arc::new(bundle.policies)).expect("sound policies");
    let elapsed = start.elapsed();

    let typed: Vec<ordain_ir::Request> = requests
        .iter()
        .map(|request| {
            let mut facts = BTreeMap::from([
                ("tool.name".into(), Value::Text(request.action.clone())),
                ("risk".into(), Value::Number(request.risk)),
                ("hour".into(), Value::Number(request.hour)),
            ]);
            if shape == Shape::Patterns {
                let labels = request.labels.iter().cloned().map(Value::Text);
                facts.insert("labels".into(), Value::Set(labels.collect()));
            }
            ordain_ir::Request {
                path: Path { tenant: "acme".into(), project: "support".into(), agent: "mailer".into() },
                provider: None,
                at: jiff::Timestamp::from_second(request.second).expect("an instant"),
                facts,
                usage: Usage::default(),
            }
        })
        .collect();
    let prepared = typed.iter().map(|request| engine.prepare(request).expect("well-typed")).collect();
    let (scratch, answer) = (Prepared::default(), Answer::default());
    let ledger = (shape == Shape::Limits).then(Ledger::default);
    (Box::new(Ordain { engine, typed, prepared, from, scratch, answer, ledger }), elapsed)
}

pub fn prepared(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load(rules, requests, shape, From::Prepared)
}

pub fn typed(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load(rules, requests, shape, From::Typed)
}

pub fn explained(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load(rules, requests, shape, From::Explained)
}

impl Loaded for Ordain {
    fn decide(&mut self, number: usize) -> usize {
        let request = match self.from {
            From::Prepared => &self.prepared[number],
            From::Typed | From::Explained => {
                self.engine.prepare_into(&self.typed[number], &mut self.scratch).expect("well-typed");
                &self.scratch
            }
        };
        if let Some(ledger) = &self.ledger {
            let claim = Claim { id: None, now: self.typed[number].at, hold: None };
            let mut events = vec![];
            ledger
                .admit(&self.engine, request, claim, &mut self.answer, &mut events)
                .expect("prepared for it");
            return self.answer.limits().len() + events.len();
        }
        self.engine.answer(request, &NoCounters, &mut self.answer).expect("prepared for it");
        match self.from {
            From::Explained => self.engine.explain(request, &self.answer).to_string().len(),
            From::Prepared | From::Typed => self.answer.rules().len(),
        }
    }

    fn said(&mut self, number: usize) -> Said {
        self.decide(number);
        let speaks = |part| matches!(part, Part::Decided | Part::Agreed);
        let rules = self.answer.rules().iter().filter(|it| speaks(it.part));
        let rules = rules.map(|it| self.engine.rule(it.rule).name.to_string());
        let limits = self.answer.limits().iter().filter(|it| speaks(it.part));
        let limits = limits.map(|it| self.engine.limit(it.limit).name.to_string());
        Said::Names(rules.chain(limits).collect())
    }
}
