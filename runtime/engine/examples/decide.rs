//! Decides one request by two hand-made policies: `cargo run -p ordain-engine --example decide`.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use ordain_engine::{Engine, NoCounters};
use ordain_ir::request::RequestJson;
use ordain_ir::{
    Bound, Condition, Direction, Enforcement, EnforcementMode, Fact, Limit, LimitStatus, Meter, Partition,
    Period, Policies, Quantity, Request, Rule, RuleStatus, RuleType, ScopeSelector, Source, TextTest, Type,
    Window,
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
        quantity: Quantity::Accumulated(Meter::Tokens, Period::Day),
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
    let request = Request::from_json(wire, &engine.policies().facts, &engine.policies().meters)?;
    let decision = engine.decide(&request, &NoCounters)?;
    let mut out = std::io::stdout();
    writeln!(out, "{decision}\n")?;
    writeln!(out, "{}", serde_json::to_string_pretty(&decision)?)?;
    Ok(())
}
