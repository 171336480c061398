//! Templates: what their parameters stand for while one is read.
//!
//! Closed values (numbers, texts, words, zones, times, instants, lists of such) are put into the template's tree
//! before it is checked, so nothing else in this module knows of them. Conditions and scopes are read where the
//! application stands, since their names mean what they mean there, and reach the template as [`Binding`]s.

use std::collections::BTreeMap;

use ordain_grammar::ast;
use ordain_ir::{Derived, PolicyKind, PolicyName, ScopeSelector, Span, codes};

use super::Checker;
use super::condition::{Truth, Typed};

/// What a parameter of the template that is being read stands for.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// A condition.
    Condition(Truth),
    /// A scope.
    Scope(ScopeSelector),
    /// Something that has its own places, and is no value: what it is, with an article.
    Elsewhere(&'static str),
}

/// Whose policies are being read, where they aren't written out.
#[derive(Clone, Debug)]
pub(super) struct Expansion {
    /// The package of the application.
    package: String,
    /// The application's name, with those of the applications around it: `outer.inner`.
    prefix: String,
    /// Full name of the template.
    template: String,
    /// What the application is documented with, else the template.
    doc: String,
}

/// Policies that can be named without their package, by how they are named.
pub(super) type Siblings = BTreeMap<String, (PolicyName, PolicyKind)>;

impl Checker<'_> {
    /// What a parameter stands for in a condition; `None` if no parameter has this name.
    pub(super) fn parameter(&mut self, name: &str, span: Span) -> Option<Typed> {
        match self.bindings.get(name)?.clone() {
            Binding::Condition(truth) => Some(Typed::Truth(truth)),
            Binding::Scope(selector) => Some(Typed::Scope(selector)),
            Binding::Elsewhere(what) => {
                let message = format!("`{name}` is {what}, not a value");
                let error = self.error(codes::WRONG_KIND, span, message);
                self.report(error);
                Some(Typed::Poison)
            }
        }
    }

    /// Whether a name is a parameter of the template that is being read.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }

    /// The full name of a policy that is being read, what it was made from, and its documentation.
    pub(super) fn identity(&self, policy: &ast::Policy) -> (PolicyName, Option<Derived>, String) {
        let Some(expansion) = &self.expansion else {
            let name = PolicyName::new(&self.view.outline.package, &policy.name.text);
            return (name, None, policy.doc.clone());
        };
        let local = format!("{}.{}", expansion.prefix, policy.name.text);
        let name = PolicyName::new(&expansion.package, &local);
        let doc = if policy.doc.is_empty() { &expansion.doc } else { &policy.doc };
        let derived = Derived { local, template: Some(expansion.template.clone()) };
        (name, Some(derived), doc.clone())
    }
}
