//! Regorus: a partial rule for each of ours (code), or one rule over a table by action (data); interpreted, or compiled
//! for its virtual machine (RVM).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape, Tools, ZONE};
use ordain_peers::clock::Processor;

const ENTRY: &str = "data.peers.deny";

enum Machine {
    Interpreter(Box<Engine>),
    Rvm(Box<RegoVM>),
}

struct Rego {
    machine: Machine,
    inputs: Vec<Value>,
}

fn hour(shape: Shape) -> String {
    match shape {
        Shape::Facts | Shape::Patterns | Shape::Parts | Shape::Limits => "hour := input.hour\n".to_owned(),
        Shape::Windows => format!("hour := time.clock([input.ns, \"{ZONE}\"])[0]\n"),
    }
}

fn code(rules: &[Rule], shape: Shape) -> String {
    let mut text = format!("package peers\n\nimport rego.v1\n\n{}", hour(shape));
    for Rule { name, risk, from, until, tools, .. } in rules {
        let tools = match tools {
            Tools::One(action) => format!("input.action == \"{action}\""),
            Tools::List(actions) => format!("input.action in {actions:?}"),
            Tools::Begin(begin) => format!("startswith(input.action, \"{begin}\")"),
            Tools::End(end) => format!("endswith(input.action, \"{end}\")"),
            Tools::Part(part) => format!("contains(input.action, \"{part}\")"),
            Tools::Label(label) => format!("\"{label}\" in input.labels"),
        };
        writeln!(
            text,
            "deny contains \"{name}\" if {{ {tools}; input.risk > {risk}; hour >= {from}; hour < \
             {until} }}"
        )
        .expect("a string takes everything");
    }
    text
}

fn table(rules: &[Rule]) -> String {
    let mut by_action = serde_json::Map::new();
    for rule in rules {
        let entry = serde_json::json!({
            "name": rule.name, "risk": rule.risk, "from": rule.from, "until": rule.until,
        });
        let list = by_action.entry(rule.action.clone()).or_insert_with(|| serde_json::json!([]));
        list.as_array_mut().expect("a list").push(entry);
    }
    serde_json::json!({ "table": by_action }).to_string()
}

fn load_it(
    rules: &[Rule],
    requests: &[Request],
    shape: Shape,
    data: bool,
    rvm: bool,
) -> (Box<dyn Loaded>, Duration) {
    let (text, table) = if data {
        let rule = "deny contains entry.name if {\n  some entry in data.table[input.action]\n  input.risk > \
                    entry.risk\n  hour >= entry.from\n  hour < entry.until\n}\n";
        (format!("package peers\n\nimport rego.v1\n\n{}{rule}", hour(shape)), Some(table(rules)))
    } else {
        (code(rules, shape), None)
    };
    let inputs: Vec<Value> = requests
        .iter()
        .map(|request| {
            let mut input = serde_json::json!({
                "action": request.action, "risk": request.risk, "hour": request.hour,
                "ns": request.second * 1_000_000_000,
            });
            if shape == Shape::Patterns {
                input["labels"] = serde_json::json!(request.labels);
            }
            Value::from_json_str(&input.to_string()).expect("a value")
        })
        .collect();
    let start = Processor::now();
    let mut engine = Engine::new();
    engine.add_policy("peers.rego".to_owned(), text).expect("a policy");
    if let Some(table) = &table {
        engine.add_data_json(table).expect("data");
    }
    let machine = if rvm {
        let compiled = engine.compile_with_entrypoint(&Arc::from(ENTRY)).expect("it compiles");
        let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).expect("a program");
        let mut vm = RegoVM::new();
        vm.load_program(program);
        if let Some(table) = &table {
            vm.set_data(Value::from_json_str(table).expect("data")).expect("it takes data");
        }
        Machine::Rvm(Box::new(vm))
    } else {
        Machine::Interpreter(Box::new(engine))
    };
    let mut rego = Rego { machine, inputs };
    // Regorus does part of its work when it is first asked.
    rego.value(0);
    (Box::new(rego), start.elapsed())
}

pub fn data(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load_it(rules, requests, shape, true, false)
}

pub fn data_rvm(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load_it(rules, requests, shape, true, true)
}

pub fn code_rvm(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load_it(rules, requests, shape, false, true)
}

pub fn code_interpreted(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    load_it(rules, requests, shape, false, false)
}

impl Rego {
    fn value(&mut self, number: usize) -> Value {
        let input = self.inputs[number].clone();
        match &mut self.machine {
            Machine::Interpreter(engine) => {
                engine.set_input(input);
                engine.eval_rule(ENTRY.to_owned()).expect("it decides")
            }
            Machine::Rvm(vm) => {
                vm.set_input(input);
                vm.execute_entry_point_by_index(0).expect("it decides")
            }
        }
    }
}

impl Loaded for Rego {
    fn decide(&mut self, number: usize) -> usize {
        self.value(number).as_set().map_or(0, |names| names.len())
    }

    fn said(&mut self, number: usize) -> Said {
        let value = self.value(number);
        let names = value.as_set().map(|names| {
            names.iter().map(|name| name.as_string().expect("a name").to_string()).collect::<Vec<_>>()
        });
        Said::Names(names.unwrap_or_default())
    }
}
