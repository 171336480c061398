//! Answers in words.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::Condition;

use crate::answer::{Answer, Part, PolicyNumber};
use crate::condition::{Start, Truth};
use crate::decision::{Decision, LimitFinding, Role, RuleFinding, Unmeasured};
use crate::engine::PreparedLimit;
use crate::prepared::Prepared;
use crate::{Engine, SubjectRef};

impl Engine {
    /// An answer in words, with everything that people and programs want to know of it: who the policies are, and
    /// which parts of their conditions hold.
    ///
    /// # Panics
    /// If the answer, or the request, is not of this engine.
    pub fn explain(&self, request: &Prepared, answer: &Answer) -> Decision {
        let rule_name = |number: u32| self.rule(number).name.clone();
        let limit_name = |number: u32| self.limit(number).name.clone();
        let than = || match answer.decider {
            Some(PolicyNumber::Rule(rule)) => Some(rule_name(rule)),
            Some(PolicyNumber::Limit(limit)) => Some(limit_name(limit)),
            None => None,
        };
        let fact = |slot: u32| self.schema.slots[slot as usize].name.clone();
        let rules = answer.rules.iter().map(|it| {
            let rule = self.rule(it.rule);
            let role = match it.part {
                Part::Outranked(by) => Role::Outranked { by: rule_name(by) },
                Part::Overridden(by) => Role::Overridden { by: rule_name(by) },
                Part::Milder => Role::Milder { than: than() },
                other => Role::plain(other),
            };
            let because = self.because(&rule.condition, self.condition_of_rule(it.rule), request);
            RuleFinding {
                id: rule.id(),
                rule: Arc::clone(rule),
                role,
                because,
                unknown: it.unknown.map(fact),
            }
        });
        let limits = answer.limits.iter().map(|it| {
            let limit = self.limit(it.limit);
            let role = match it.part {
                Part::Outranked(by) | Part::Overridden(by) => Role::Overridden { by: limit_name(by) },
                Part::Milder => Role::Milder { than: than() },
                other => Role::plain(other),
            };
            LimitFinding {
                id: limit.id(),
                limit: Arc::clone(limit),
                subject: SubjectRef::of(limit.partition, request.path(), request.provider()).to_subject(),
                span: it.span,
                period_end: it.span.and_then(|_| self.period_end(it.limit, request)),
                value: it.value,
                breached: it.breached,
                unread: it.unread,
                role,
                because: self.because(&limit.condition, self.condition_of_limit(it.limit), request),
                unknown: it.unknown.map(fact),
            }
        });
        let unmeasured = answer.unmeasured.iter().map(|it| {
            let limit = self.limit(it.limit);
            Unmeasured { id: limit.id(), limit: Arc::clone(limit) }
        });
        Decision {
            outcome: answer.outcome,
            rules: rules.collect(),
            limits: limits.collect(),
            unmeasured: unmeasured.collect(),
            faults: vec![],
        }
    }

    /// When the calendar period ends in which the request lies, of a limit that counts by one.
    pub fn period_end(&self, limit: u32, request: &Prepared) -> Option<Timestamp> {
        let PreparedLimit { limit, way, .. } = &self.limits[limit as usize];
        limit.quantity.accumulation()?;
        self.ways[*way as usize].end(request.at)
    }

    /// The parts of a condition because of which it holds, each as it stands or negated; the same part once. Of
    /// alternatives all that hold.
    fn because(&self, condition: &Condition, start: Start, request: &Prepared) -> Vec<String> {
        let mut parts = vec![];
        self.collect(condition, start, true, request, &mut parts);
        parts.iter().map(|part| part.words(&self.policies().facts)).collect()
    }

    fn collect(
        &self,
        condition: &Condition,
        start: Start,
        wanted: bool,
        request: &Prepared,
        into: &mut Vec<Condition>,
    ) {
        let truth = self.code.evaluate(start, &self.schema, request);
        if truth != if wanted { Truth::True } else { Truth::False } {
            return;
        }
        match condition {
            Condition::True | Condition::False => {}
            Condition::Not(inner) => self.collect(inner, start.first_part(), !wanted, request, into),
            Condition::And(parts) | Condition::Or(parts) => {
                let mut at = start.first_part();
                for part in parts {
                    self.collect(part, at, wanted, request, into);
                    at = self.code.next(at);
                }
            }
            leaf => {
                let leaf = if wanted { leaf.clone() } else { leaf.clone().negate() };
                if !into.contains(&leaf) {
                    into.push(leaf);
                }
            }
        }
    }
}
