//! Decides requests by two hand-made policies, once with words and once as a busy service would, with counters:
//! `cargo run -p ordain-engine --example decide`. A bundle is read with `ordain_ir::Bundle::from_bytes`.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use jiff::SignedDuration;
use ordain_engine::ledger::Claim;
use ordain_engine::{Answer, Engine, Ledger, NoCounters, Prepared};
use ordain_ir::request::RequestJson;
use ordain_ir::{
    Accumulation, Bound, Condition, Direction, Enforcement, EnforcementMode, Fact, Limit, LimitStatus, Meter,
    Partition, Period, Policies, Quantity, Request, Rule, RuleStatus, RuleType, ScopeSelector, Source,
    TextTest, Type, Window,
};

fn policies() -> Policies {
    let mut policies = Policies::default();
    let tool = Fact {
        name: "tool.name".into(),
        ty: Type::String,
        range: None,
        optional: false,
        opaque: false,
        doc: String::new(),
    };
    let no_export = Rule {
        name: "acme.no-export".into(),
        doc: "Nothing is exported.".into(),
        rule_type: RuleType::Safety,
        enforcement_mode: EnforcementMode::Block,
        scope: ScopeSelector::global(),
        window: Window::ALWAYS,
        condition: Condition::Text { fact: tool.name.clone(), test: TextTest::Equals("export".into()) },
        priority: 0,
        source: Source::Manual,
        status: RuleStatus::Active,
        depends_on: vec![],
        overrides: vec![],
        derived: None,
    };
    let daily_tokens = Limit {
        name: "acme.daily-tokens".into(),
        doc: String::new(),
        quantity: Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Day)),
        bound: Bound { direction: Direction::AtMost, value: 1_000 },
        enforcement: Enforcement::Degrade,
        scope: ScopeSelector::global(),
        window: Window::ALWAYS,
        condition: Condition::True,
        rule: None,
        partition: Partition::Agent,
        source: Source::Manual,
        status: LimitStatus::Active,
        depends_on: vec![],
        overrides: vec![],
        derived: None,
    };
    policies.facts.insert(tool.name.clone(), tool);
    policies.rules.insert(no_export.name.clone(), Arc::new(no_export));
    policies.limits.insert(daily_tokens.name.clone(), Arc::new(daily_tokens));
    policies
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(Arc::new(policies()))?;
    let wire: RequestJson = serde_json::from_str(
        r#"{ "path": "acme/support/mailer", "at": "2026-03-02T10:00:00Z",
             "facts": { "tool.name": "export" }, "usage": { "tokens": 1200 } }"#,
    )?;
    let mut request = Request::from_json(wire, &engine.policies().facts, &engine.policies().meters)?;
    let decision = engine.decide(&request, &NoCounters)?;
    let mut out = std::io::stdout();
    writeln!(out, "{decision}\n")?;
    writeln!(out, "{}\n", serde_json::to_string_pretty(&decision)?)?;

    // One of each for every thread, used again for every request.
    let (mut prepared, mut answer, mut events) = (Prepared::default(), Answer::default(), vec![]);
    let ledger = Ledger::default();
    request.facts.insert("tool.name".into(), ordain_ir::Value::Text("search".to_owned()));
    for (id, tokens) in [("first", 900), ("second", 300)] {
        request.usage.tokens = tokens;
        engine.prepare_into(&request, &mut prepared)?;
        let hold = Some(SignedDuration::from_secs(60));
        let claim = Claim { id: Some(id), now: request.at, hold };
        let admission = ledger.admit(&engine, &prepared, claim, &mut answer, &mut events)?;
        writeln!(out, "{id}: {admission:?}, {}", answer.outcome())?;
        // Less was used than held.
        request.usage.tokens = tokens - 100;
        ledger.settle(id, &request.usage, request.at)?;
    }
    for event in &events {
        writeln!(out, "{} is in the band {}", event.limit, event.band.as_str())?;
    }
    Ok(())
}
