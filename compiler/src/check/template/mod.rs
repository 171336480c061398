//! Templates and their applications.
//!
//! A template is read anew for every application, with its parameters bound to values, in the view of the place
//! where the template stands; arguments are read in the view of the application. Numbers, texts and the like are
//! [put](put) into the template's tree before it is read, and so are zones, times and instants, so that the other
//! files of this folder know of no parameters in these places. Conditions, scopes, lists and words are found by
//! name, as [`Binding`]s.

mod apply;
mod argument;
mod parameter;
mod put;
mod sample;

use std::collections::BTreeMap;

use ordain_grammar::ast::{self, Expr};
use ordain_ir::{Derived, PolicyKind, PolicyName, ScopeSelector, Span, codes};

use super::Checker;
use super::condition::{Truth, Typed};
pub(crate) use sample::template_problems;

/// What a parameter of the template that is being read stands for, where its value isn't put into the tree.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// A condition.
    Condition(Truth),
    /// A scope.
    Scope(ScopeSelector),
    /// The entries of a list.
    List(Vec<Expr>),
    /// A word of an enumeration.
    Word(String),
    /// Something that is put into the tree wherever it may stand: what it is, with an article.
    Elsewhere(String),
    /// Something with an error that has been reported.
    Unknown,
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
    /// What the application is documented with, or the one around it.
    applied_doc: String,
    /// What the template is documented with.
    template_doc: String,
    /// How many applications are around it.
    depth: usize,
}

/// Policies that can be named without their package, by how they are named.
pub(super) type Siblings = BTreeMap<String, (PolicyName, PolicyKind)>;

impl Checker<'_> {
    /// What a parameter stands for in a condition; `None` if no parameter has this name.
    pub(super) fn parameter(&mut self, name: &str, span: Span) -> Option<Typed> {
        Some(match self.bindings.get(name)?.clone() {
            Binding::Condition(truth) => Typed::Truth(truth),
            Binding::Scope(selector) => Typed::Scope(selector),
            Binding::List(entries) => Typed::List(entries),
            Binding::Word(word) => Typed::Literal(word),
            Binding::Elsewhere(what) => {
                let message = format!("`{name}` is {what}, which can't stand here");
                let error = self.error(codes::WRONG_KIND, span, message);
                self.report(error);
                Typed::Poison
            }
            Binding::Unknown => Typed::Poison,
        })
    }

    /// Whether a name is a parameter of the template that is being read.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }

    /// A word, or the one that a parameter stands for.
    pub(super) fn word_bound(&self, word: &str) -> String {
        match self.bindings.get(word) {
            Some(Binding::Word(bound)) => bound.clone(),
            _ => word.to_owned(),
        }
    }

    /// The full name of a policy that is being read, what it was made from, and its documentation.
    pub(super) fn identity(&self, policy: &ast::Policy) -> (PolicyName, Option<Derived>, String) {
        let Some(expansion) = &self.expansion else {
            let name = PolicyName::new(self.view.package(), &policy.name.text);
            return (name, None, policy.doc.clone());
        };
        let local = format!("{}.{}", expansion.prefix, policy.name.text);
        let name = PolicyName::new(&expansion.package, &local);
        let docs = [&policy.doc, &expansion.applied_doc, &expansion.template_doc];
        let doc = docs.into_iter().find(|doc| !doc.is_empty()).cloned().unwrap_or_default();
        let derived = Derived { local, template: Some(expansion.template.clone()) };
        (name, Some(derived), doc)
    }
}
