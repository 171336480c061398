//! What one would write by hand for just these rules: a table by action, and a counter for each of its limits and days. The
//! floor.

use std::collections::HashMap;
use std::time::Duration;

use super::{Loaded, Said};
use crate::work::{Request, Rule, Shape, cap};
use ordain_peers::clock::Processor;

struct Table {
    shape: Shape,
    by_action: HashMap<String, Vec<Rule>>,
    requests: Vec<Request>,
    denied: Vec<usize>,
    /// By action and day, the runs that went ahead: all limits of an action count the same.
    used: HashMap<(String, i64), i64>,
}

pub fn load(rules: &[Rule], requests: &[Request], shape: Shape) -> (Box<dyn Loaded>, Duration) {
    let start = Processor::now();
    let mut by_action: HashMap<String, Vec<_>> = HashMap::new();
    for rule in rules {
        by_action.entry(rule.action.clone()).or_default().push(rule.clone());
    }
    let requests = requests.to_vec();
    let table = Table { shape, by_action, requests, denied: vec![], used: HashMap::new() };
    (Box::new(table), start.elapsed())
}

impl Loaded for Table {
    fn decide(&mut self, number: usize) -> usize {
        let request = &self.requests[number];
        self.denied.clear();
        let Some(rules) = self.by_action.get(&request.action) else { return 0 };
        if self.shape == Shape::Limits {
            let used = self.used.entry((request.action.clone(), request.second / 86_400)).or_default();
            let breached = rules.iter().enumerate().filter(|(_, rule)| *used + 1 > cap(rule));
            self.denied.extend(breached.map(|(place, _)| place));
            *used += i64::from(self.denied.is_empty());
        } else {
            for (place, rule) in rules.iter().enumerate() {
                if request.risk > rule.risk && (rule.from..rule.until).contains(&request.hour) {
                    self.denied.push(place);
                }
            }
        }
        self.denied.len()
    }

    fn said(&mut self, number: usize) -> Said {
        self.decide(number);
        let rules = self.by_action.get(&self.requests[number].action);
        let name = |place: &usize| rules.expect("it denied")[*place].name.clone();
        Said::Names(self.denied.iter().map(name).collect())
    }
}
