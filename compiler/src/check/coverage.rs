//! `require coverage`: requests that no policy may overlook.

use ordain_grammar::ast::Require;
use ordain_ir::{Condition, Obligation, RuleType, ScopeSelector};

use super::{Checker, FilePolicies};

impl Checker<'_> {
    /// Checks an obligation and puts it to the others if nothing is wrong with it.
    pub(super) fn require(&mut self, it: &Require, into: &mut FilePolicies) {
        let before = self.diagnostics.len();
        let rule_type = self.one_of(Some(&it.concern), "type of rule", RuleType::ALL, RuleType::as_str);
        let condition = it.condition.as_ref().map(|expr| self.condition(expr));
        let scope = it.scope.as_ref().map(|scope| {
            self.prepare_scope(scope);
            let selector = self.scope(scope)?;
            self.refuse_providers(&selector, scope.span);
            Some(selector)
        });
        if it.broken || self.diagnostics.len() > before {
            return;
        }
        let (Some(rule_type), Some(condition), Some(scope)) = (
            rule_type,
            condition.unwrap_or(Some(Condition::True)),
            scope.unwrap_or_else(|| Some(ScopeSelector::global())),
        ) else {
            return;
        };
        let package = self.view.package().to_owned();
        let obligation = Obligation { package, rule_type, condition, scope };
        self.places.obligations.entry(obligation.clone()).or_insert(it.span);
        into.obligations.insert(obligation);
    }
}
