//! Checking one file: names, types and values, and the policies that come out of it.

mod allow;
mod arithmetic;
mod case;
mod clause;
mod comparison;
mod condition;
mod constant;
mod coverage;
mod declare;
pub(crate) mod fact;
mod lets;
mod limit;
mod linear;
mod list;
mod literal;
pub(crate) mod meter;
mod pattern;
mod policy;
mod quantifier;
mod scope;
mod template;
mod text;
mod uses;
mod value;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_grammar::ast::{self, Item};
use ordain_grammar::suggest::nearest;
use ordain_ir::{
    Allowance, Code, Condition, Diagnostic, Fact, FactName, Limit, Obligation, PolicyName, Rule, Span, codes,
};

use crate::packages::Origin;
use crate::resolve::{Private, Suggestion, Unresolved};
use crate::view::View;
use crate::{Db, SourceFile, Workspace};
pub(crate) use case::{CheckedCases, check_cases};
pub(crate) use clause::clause_of;
use condition::Typed;
pub(crate) use declare::declaration;
use declare::declared;
use template::{Binding, Expansion, Siblings};

/// The policies of one file that have no error, without spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePolicies {
    /// Rules.
    pub rules: BTreeMap<PolicyName, Arc<Rule>>,
    /// Limits.
    pub limits: BTreeMap<PolicyName, Arc<Limit>>,
    /// Coverage that must not lack.
    pub obligations: BTreeSet<Obligation>,
    /// What is accepted with a reason.
    pub allowances: BTreeSet<Allowance>,
}

/// The outcome of checking a file. It has spans, so it changes with every edit; what goes on from here is
/// [`FilePolicies`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) policies: FilePolicies,
    pub(crate) places: Places,
    pub(crate) branches: Branches,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Where the obligations and allowances of a file stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) obligations: BTreeMap<Obligation, Span>,
    pub(crate) allowances: BTreeMap<Allowance, Span>,
}

/// The tests that the condition of each policy joins, as written, with their places from the beginning of the
/// policy.
pub(crate) type Branches = BTreeMap<PolicyName, Vec<(Span, Condition)>>;

#[salsa::tracked]
pub(crate) fn check_file(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Checked {
    check(db, Origin::File(workspace, file))
}

/// The policies of a file. Equal after every edit that changes none of them.
#[salsa::tracked]
pub fn file_policies(db: &dyn Db, workspace: Workspace, file: SourceFile) -> FilePolicies {
    check_file(db, workspace, file).policies.clone()
}

/// Checks a file of a workspace or of the standard library.
pub(crate) fn check(db: &dyn Db, origin: Origin) -> Checked {
    let mut checker = Checker::new(db, View::of(db, origin), &origin.parse(db).file);
    let mut policies = FilePolicies::default();
    checker.uses();
    let mut seen = BTreeSet::new();
    for item in &checker.file.items {
        let template = matches!(item, Item::Template(_));
        let first = declared(item).is_none_or(|name| seen.insert((template, name.into_owned().text)));
        let repeated = checker.is_repeated(item, first);
        match item {
            Item::Fact(it) => checker.fact(it),
            Item::Let(it) if !it.broken => checker.check_let(it, repeated),
            Item::Policy(it) => checker.policy(it, repeated, &mut policies),
            Item::Template(it) => checker.template(it, repeated),
            Item::Apply(it) => checker.apply(it, repeated, &mut policies),
            Item::Meter(it) => checker.meter(it),
            Item::Require(it) => checker.require(it, &mut policies),
            Item::Allow(it) => checker.allow(it, &mut policies),
            _ => {}
        }
    }
    checker.packages();
    let Checker { places, branches, diagnostics, .. } = checker;
    Checked { policies, places, branches, diagnostics }
}

/// The state of checking one file.
pub(crate) struct Checker<'a> {
    db: &'a dyn Db,
    file: &'a ast::File,
    path: &'a str,
    /// What names mean; elsewhere while a `let` or a template from there is read.
    view: View<'a>,
    /// The facts that `let`s from elsewhere read.
    facts: BTreeMap<&'a FactName, &'a Fact>,
    /// Whether a `let` is being read whose errors are reported elsewhere.
    muted: bool,
    diagnostics: Vec<Diagnostic>,
    places: Places,
    branches: Branches,
    /// The tests of the condition that is being read, where somebody wants to know them.
    tests: Option<Vec<(Span, Condition)>>,
    /// What each `let` that was needed stands for, by package and name.
    lets: BTreeMap<(&'a str, &'a str), Typed>,
    /// Those of them that refer to a cycle, or are on one.
    cyclic: BTreeSet<(&'a str, &'a str)>,
    /// The parameters of the template that is being read.
    bindings: BTreeMap<String, Binding>,
    /// Whose policies are being read, where they aren't written out.
    expansion: Option<Expansion>,
    /// Policies that names mean before all others: those of the same template, or of a test's own `apply`.
    siblings: Siblings,
}

impl<'a> Checker<'a> {
    fn new(db: &'a dyn Db, view: View<'a>, file: &'a ast::File) -> Self {
        Self {
            db,
            file,
            path: view.origin().path(db),
            view,
            facts: BTreeMap::new(),
            muted: false,
            diagnostics: vec![],
            places: Places::default(),
            branches: Branches::new(),
            tests: None,
            lets: BTreeMap::new(),
            cyclic: BTreeSet::new(),
            bindings: BTreeMap::new(),
            expansion: None,
            siblings: Siblings::new(),
        }
    }

    /// The declaration of a fact that something names.
    pub(super) fn declared(&self, name: &FactName) -> Option<&'a Fact> {
        let elsewhere = self.facts.get(name).copied();
        elsewhere.or_else(|| self.view.fact(name).and_then(|entry| entry.fact.as_ref()))
    }
}

impl Checker<'_> {
    fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.path, span, message)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.muted {
            self.diagnostics.push(diagnostic);
        }
    }

    /// A word that is not among the allowed ones.
    fn unknown_word(&mut self, word: &ast::Name, what: &str, allowed: &[&str]) {
        let error = self.error(codes::UNKNOWN_WORD, word.span, format!("`{}` is no {what}", word.text));
        let list = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let error = match nearest(&word.text, allowed.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(format!("allowed are {list}")),
        };
        self.report(error);
    }

    /// A name that means nothing here.
    fn unknown_name(&mut self, name: &str, span: Span, what: &str, unresolved: Unresolved) {
        let error = match unresolved {
            Unresolved::Excused => return,
            Unresolved::Ambiguous(packages) => {
                let list =
                    packages.iter().map(|package| format!("`{package}`")).collect::<Vec<_>>().join(" and ");
                let first = packages.first().map_or("", String::as_str);
                self.error(codes::AMBIGUOUS_NAME, span, format!("`{name}` is declared in {list}"))
                    .help(format!("write which one you mean: `{first}.{name}`"))
            }
            Unresolved::Private(private) => self.private_name(name, span, &private),
            Unresolved::Unknown(wanted) => {
                let Suggestion { near, unseen } = self.view.suggest(name, wanted);
                let mut error = self.error(codes::UNKNOWN_NAME, span, format!("unknown {what} `{name}`"));
                if let Some(package) = unseen.first() {
                    error = error.help(if package.is_empty() {
                        "it is declared in a file without a package; give that file a `package` line"
                            .to_owned()
                    } else {
                        format!("it is declared in package `{package}`; add `use {package}.*`")
                    });
                    if !package.is_empty() {
                        error.fixes.push(self.use_fix(package, unseen.len() == 1));
                    }
                } else if let Some(near) = near {
                    error =
                        error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near);
                } else if self.is_difference(name) {
                    error = error.help("a minus sign between two operands needs spaces around it");
                }
                error
            }
        };
        self.report(error);
    }

    /// A name that another package keeps to itself.
    fn private_name(&self, name: &str, span: Span, private: &Private) -> Diagnostic {
        let message = format!("`{name}` is private to package `{}`", private.package);
        let error = self.error(codes::PRIVATE_NAME, span, message);
        let error = match declaration(self.db, private.origin, &private.name) {
            Some(at) => error.and_at(
                private.origin.path(self.db),
                at,
                if private.made {
                    format!("{} that is made here, but is `private` there", private.what)
                } else {
                    format!("declared `private` here, as {}", private.what)
                },
            ),
            None => error,
        };
        error.help("take `private` away there, or use something that its package offers")
    }

    /// Whether a name looks like a subtraction without spaces.
    fn is_difference(&self, name: &str) -> bool {
        name.match_indices('-').any(|(at, _)| {
            let (left, right) = (&name[..at], &name[at + 1..]);
            let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            self.view.value(left).is_ok() && (number(right) || self.view.value(right).is_ok())
        })
    }

    /// Adds a `use` line below the last one; `certain` if nothing else can be meant.
    fn use_fix(&self, package: &str, certain: bool) -> ordain_ir::diagnostic::Fix {
        let last = self.file.items.iter().rfind(|item| matches!(item, Item::Package(_) | Item::Use(_)));
        let (at, replacement) = match last {
            Some(item) => (item.span().end, format!("\nuse {package}.*")),
            None => (0, format!("use {package}.*\n\n")),
        };
        ordain_ir::diagnostic::Fix {
            title: format!("add `use {package}.*`"),
            file: self.path.to_owned(),
            span: Span { start: at, end: at },
            replacement,
            certain,
        }
    }
}
