//! Rules and limits as a whole.

use std::sync::Arc;

use ordain_grammar::ast;
use ordain_ir::{
    Condition, Derived, Enforcement, EnforcementMode, Limit, LimitStatus, Partition, PolicyKind, PolicyName,
    Rule, RuleStatus, RuleType, Source, Span, Window,
};

use super::clause::Clauses;
use super::{Checker, FilePolicies};

impl Checker<'_> {
    /// Checks a policy and puts it to the others if nothing is wrong with it.
    pub(super) fn policy(&mut self, policy: &ast::Policy, repeated: bool, into: &mut FilePolicies) {
        let before = self.diagnostics.len();
        self.unfitting(policy);
        let mut clauses = self.clauses(policy);
        self.missing(policy);
        let tests = std::mem::take(&mut clauses.tests);
        let (name, derived, doc) = self.identity(policy);
        let sound = |this: &Self| !policy.broken && !repeated && this.diagnostics.len() == before;
        match policy.kind {
            PolicyKind::Rule => {
                let Some(rule) = self.rule(&name, clauses).filter(|_| sound(self)) else { return };
                into.rules.insert(name.clone(), Arc::new(Rule { doc, derived, ..rule }));
            }
            PolicyKind::Limit => {
                let Some((limit, warning)) = self.limit(&name, clauses).filter(|_| sound(self)) else {
                    return;
                };
                let limit = Limit { doc, derived, ..limit };
                if let Some(bound) = warning {
                    let warning = announcing(&limit, bound);
                    into.limits.insert(warning.name.clone(), Arc::new(warning));
                }
                into.limits.insert(name.clone(), Arc::new(limit));
            }
        }
        let start = policy.span.start;
        let own = |span: Span| Span { start: span.start - start, end: span.end - start };
        self.branches.insert(name, tests.into_iter().map(|(span, test)| (own(span), test)).collect());
    }

    fn rule(&mut self, name: &PolicyName, clauses: Clauses<'_>) -> Option<Rule> {
        let word = clauses.ty.map(|ty| &ty.word);
        let rule_type = self.one_of(word, "type of rule", RuleType::ALL, RuleType::as_str);
        if let Some(ty) = clauses.ty {
            self.refuse_periods(
                ty,
                &format!("only limits count by periods; `{}` is a type of rules", ty.word.text),
            );
        }
        let mode = self.one_of(
            clauses.enforce,
            "enforcement of a rule",
            EnforcementMode::ALL,
            EnforcementMode::as_str,
        );
        let source = self.one_of(clauses.source, "source", Source::ALL, Source::as_str);
        let status = self.one_of(clauses.status, "status of a rule", RuleStatus::ALL, RuleStatus::as_str);
        Some(Rule {
            name: name.clone(),
            doc: String::new(),
            rule_type: rule_type?,
            enforcement_mode: mode?,
            scope: clauses.scope?,
            window: Window::new(clauses.windows),
            condition: clauses.condition.unwrap_or(Condition::True),
            priority: clauses.priority.unwrap_or(0),
            source: source.unwrap_or(Source::Manual),
            status: status.unwrap_or(RuleStatus::Active),
            depends_on: clauses.depends_on,
            overrides: clauses.overrides,
            derived: None,
        })
    }

    /// The limit, and the value of the bound from which on it is announced.
    fn limit(&mut self, name: &PolicyName, clauses: Clauses<'_>) -> Option<(Limit, Option<i64>)> {
        let enforcement =
            self.one_of(clauses.enforce, "enforcement of a limit", Enforcement::ALL, Enforcement::as_str);
        let source = self.one_of(clauses.source, "source", Source::ALL, Source::as_str);
        let status = self.one_of(clauses.status, "status of a limit", LimitStatus::ALL, LimitStatus::as_str);
        let bounded = clauses.ty.and_then(|ty| self.bounded_quantity(ty, clauses.bound.as_ref()));
        let per = [Partition::Tenant, Partition::Project, Partition::Agent, Partition::Provider];
        let partition =
            self.one_of(clauses.per.map(|(word, _)| word), "subject of a counter", &per, Partition::as_str);
        let warning = clauses.warning.as_ref().and_then(|warning| {
            let quantity = bounded.as_ref().map(|(quantity, bound)| (quantity, *bound));
            self.warning(warning, clauses.bound.as_ref(), quantity, enforcement)
        });
        let (quantity, bound) = bounded?;
        if let Some((_, span)) = clauses.per {
            self.check_partition(&quantity, span);
        }
        let limit = Limit {
            name: name.clone(),
            doc: String::new(),
            quantity,
            bound,
            enforcement: enforcement?,
            scope: clauses.scope?,
            window: Window::new(clauses.windows),
            condition: clauses.condition.unwrap_or(Condition::True),
            rule: clauses.rule,
            partition: partition.unwrap_or(Partition::Whole),
            source: source.unwrap_or(Source::Manual),
            status: status.unwrap_or(LimitStatus::Active),
            depends_on: clauses.depends_on,
            overrides: clauses.overrides,
            derived: None,
        };
        Some((limit, warning))
    }
}

/// The limit that announces another one: the same, but that it only warns, and earlier.
fn announcing(limit: &Limit, bound: i64) -> Limit {
    let local = format!("{}.warn", limit.label());
    let template = limit.derived.as_ref().and_then(|it| it.template.clone());
    Limit {
        name: PolicyName::from(format!("{}.warn", limit.name).as_str()),
        bound: ordain_ir::Bound { value: bound, ..limit.bound },
        enforcement: Enforcement::Warn,
        depends_on: vec![],
        derived: Some(Derived { local, template }),
        ..limit.clone()
    }
}
