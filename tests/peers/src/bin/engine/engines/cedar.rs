//! Cedar: a `forbid` for each rule beside one `permit`.

use std::fmt::Write as _;
use std::str::FromStr as _;
use std::time::Duration;

use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request as CedarRequest};

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape, Tools};
use ordain_peers::clock::Processor;

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<CedarRequest>,
}

pub fn load(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    let mut text = String::from("@id(\"permit\")\npermit(principal, action, resource);\n");
    for rule in rules {
        let tools = match &rule.tools {
            Tools::One(action) => format!("context.tool == \"{action}\""),
            Tools::List(actions) => format!("{actions:?}.contains(context.tool)"),
            Tools::Begin(begin) => format!("context.tool like \"{begin}*\""),
            Tools::End(end) => format!("context.tool like \"*{end}\""),
            Tools::Part(part) => format!("context.tool like \"*{part}*\""),
            Tools::Label(label) => format!("context.labels.contains(\"{label}\")"),
        };
        writeln!(
            text,
            "@id(\"{}\")\nforbid(principal, action, resource) when {{ {tools} && context.risk > {} && context.hour >= {} \
             && context.hour < {} }};",
            rule.name, rule.risk, rule.from, rule.until
        )
        .expect("a string takes everything");
    }
    let start = Processor::now();
    let policies = PolicySet::from_str(&text).expect("Cedar policies");
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let elapsed = start.elapsed();
    let uid = |text: &str| EntityUid::from_str(text).expect("a name");
    let requests = requests
        .iter()
        .map(|request| {
            let mut context = serde_json::json!({
                "tool": request.action, "risk": request.risk, "hour": request.hour,
            });
            if shape == Shape::Patterns {
                context["labels"] = serde_json::json!(request.labels);
            }
            let context = Context::from_json_value(context, None).expect("a record");
            let (principal, action, resource) =
                (uid("Agent::\"m\""), uid("Action::\"run\""), uid("Thing::\"t\""));
            CedarRequest::new(principal, action, resource, context, None).expect("a request")
        })
        .collect();
    (Box::new(Cedar { authorizer, policies, entities, requests }), elapsed)
}

impl Loaded for Cedar {
    fn decide(&mut self, number: usize) -> usize {
        let response = self.authorizer.is_authorized(&self.requests[number], &self.policies, &self.entities);
        response.diagnostics().reason().count()
    }

    fn said(&mut self, number: usize) -> Said {
        let response = self.authorizer.is_authorized(&self.requests[number], &self.policies, &self.entities);
        let name = |id| self.policies.annotation(id, "id").expect("each has one").to_owned();
        let mut names: Vec<String> = response.diagnostics().reason().map(name).collect();
        names.retain(|name| name != "permit");
        names.sort();
        Said::Names(names)
    }
}
