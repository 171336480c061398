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
    Accumulation, Bound, Condition, Enforcement, EnforcementMode, Fact, Limit, Meter, Partition, Period,
    Policies, Quantity, Request, Rule, RuleType, TextTest, Type,
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
        doc: "Nothing is exported.".into(),
        condition: Condition::Text { fact: tool.name.clone(), test: TextTest::Equals("export".into()) },
        ..Rule::new("acme.no-export", RuleType::Safety, EnforcementMode::Block)
    };
    let daily_tokens = Limit {
        partition: Partition::Agent,
        ..Limit::new(
            "acme.daily-tokens",
            Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Day)),
            Bound::at_most(1_000),
            Enforcement::Degrade,
        )
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
