//! Casbin: a line of policy for each rule, whose numbers the matcher reads with a function of ours. It doesn't tell which
//! lines denied.

use std::time::Duration;

use casbin::function_map::OperatorFunction;
use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape};
use ordain_peers::clock::Processor;

const MODEL: &str = "
[request_definition]
r = act, risk, hour

[policy_definition]
p = act, risk, from, until, name, eft

[policy_effect]
e = !some(where (p.eft == deny))

[matchers]
m = r.act == p.act && r.risk > num(p.risk) && r.hour >= num(p.from) && r.hour < num(p.until)
";

struct Casbin {
    enforcer: Enforcer,
    requests: Vec<Request>,
}

pub fn load(rules: &[Rule], requests: &[Request], _: Shape) -> (Box<dyn Loaded>, Duration) {
    let lines: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            let numbers = [rule.risk, rule.from, rule.until].map(|number| number.to_string());
            let [risk, from, until] = numbers;
            vec![rule.action.clone(), risk, from, until, rule.name.clone(), "deny".to_owned()]
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let start = Processor::now();
    let enforcer = runtime.block_on(async {
        let model = DefaultModel::from_str(MODEL).await.expect("a model");
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
        enforcer.add_function(
            "num",
            OperatorFunction::Arg1(|text| text.to_string().parse::<i32>().unwrap_or(0).into()),
        );
        enforcer.add_policies(lines).await.expect("lines of the model");
        enforcer
    });
    let elapsed = start.elapsed();
    (Box::new(Casbin { enforcer, requests: requests.to_vec() }), elapsed)
}

/// Casbin counts in 32 bits.
fn narrow(wide: i64) -> i32 {
    i32::try_from(wide).expect("a small number")
}

impl Loaded for Casbin {
    fn decide(&mut self, number: usize) -> usize {
        let request = &self.requests[number];
        let arguments = (request.action.as_str(), narrow(request.risk), narrow(request.hour));
        usize::from(!self.enforcer.enforce(arguments).expect("it decides"))
    }

    fn said(&mut self, number: usize) -> Said {
        Said::Denied(self.decide(number) == 1)
    }
}
