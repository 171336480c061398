//! What one would write by hand for just these rules: a table by action. The floor.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape};

struct Table {
    by_action: HashMap<String, Vec<(i64, i64, i64, String)>>,
    requests: Vec<Request>,
    denied: Vec<usize>,
}

pub fn load(rules: &[Rule], requests: &[Request], _: Shape) -> (Box<dyn Loaded>, Duration) {
    let start = Instant::now();
    let mut by_action: HashMap<String, Vec<_>> = HashMap::new();
    for rule in rules {
        let entry = (rule.risk, rule.from, rule.until, rule.name.clone());
        by_action.entry(rule.action.clone()).or_default().push(entry);
    }
    let table = Table { by_action, requests: requests.to_vec(), denied: vec![] };
    (Box::new(table), start.elapsed())
}

impl Loaded for Table {
    fn decide(&mut self, number: usize) -> usize {
        let request = &self.requests[number];
        self.denied.clear();
        if let Some(rules) = self.by_action.get(&request.action) {
            for (place, (risk, from, until, _)) in rules.iter().enumerate() {
                if request.risk > *risk && (*from..*until).contains(&request.hour) {
                    self.denied.push(place);
                }
            }
        }
        self.denied.len()
    }

    fn said(&mut self, number: usize) -> Said {
        self.decide(number);
        let rules = self.by_action.get(&self.requests[number].action);
        Said::Names(self.denied.iter().map(|place| rules.expect("it denied")[*place].3.clone()).collect())
    }
}
