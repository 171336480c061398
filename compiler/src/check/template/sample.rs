//! What is wrong with a template whatever it is applied to.
//!
//! Its policies are read with samples for its parameters, several times where a parameter is one of some words.
//! Reported is what goes wrong each time and can't lie in the values: errors that may are left to the
//! applications, if a parameter takes part where they stand.

#![expect(clippy::needless_pass_by_value, reason = "a query owns what it is asked by")]

use std::collections::{BTreeMap, BTreeSet};

use ordain_grammar::ast::{ClauseKind, Expr, ExprKind, Item, Template};
use ordain_ir::{Code, Diagnostic, Type, codes};

use super::super::Checker;
use super::apply::{Found, moved, names_parameter, parameters_at};
use super::argument::Given;
use super::parameter::Takes;
use super::{Binding, Expansion, Siblings};
use crate::made::{all_made_by, goes_round, round_trip};
use crate::packages::Origin;
use crate::view::View;
use crate::{Db, SourceFile, Workspace};

/// How often a template is read at most.
const MAX_RUNS: usize = 16;

/// Codes of mistakes that may lie in the value of a parameter.
const OF_VALUES: [Code; 21] = [
    codes::BAD_ARGUMENT,
    codes::BAD_DIRECTION,
    codes::BAD_LIMIT_VALUE,
    codes::BAD_LITERAL,
    codes::BAD_PARTITION,
    codes::BAD_PATTERN,
    codes::BAD_PERCENT,
    codes::BAD_SCOPE,
    codes::BAD_TIME,
    codes::BAD_WARNING,
    codes::EMPTY_WINDOW,
    codes::INEXACT,
    codes::IN_EXPANSION,
    codes::MIXED_SCOPE,
    codes::OUT_OF_RANGE,
    codes::OVERFLOW,
    codes::REPEATED_ENTRY,
    codes::TOO_LARGE,
    codes::UNGUARDED_OPTIONAL,
    codes::UNKNOWN_WORD,
    codes::UNKNOWN_ZONE,
];

/// What is wrong with a template whatever it is applied to. Places are counted from the template's beginning, in a
/// file without a name.
pub(crate) fn template_problems<'a>(db: &'a dyn Db, origin: Origin, name: &str) -> &'a [Diagnostic] {
    match origin {
        Origin::File(workspace, file) => problems_in_file(db, workspace, file, name.to_owned()),
        // Tests see to it that there are none.
        Origin::Library(_) => &[],
    }
}

#[salsa::tracked(returns(deref))]
fn problems_in_file(db: &dyn Db, workspace: Workspace, file: SourceFile, name: String) -> Vec<Diagnostic> {
    problems_of(db, Origin::File(workspace, file), &name)
}

fn problems_of(db: &dyn Db, origin: Origin, name: &str) -> Vec<Diagnostic> {
    let Some(unit) = origin.template_unit(db, name) else { return vec![] };
    let view = View::new(db, origin, &unit.table);
    let mut checker = Checker::new(db, view, &origin.parse(db).file);
    checker.path = "";
    let found = Found { origin, package: view.package(), name, unit };
    checker.template_header(&unit.template);
    checker.repeated_inside(&unit.template);
    if !unit.is_header_broken {
        checker.sampled(found);
    }
    checker.diagnostics
}

/// Whether the value of a bound can't be what is wrong with it: it is a product with parameters, so it is 0 where
/// they are, and 0 fits every quantity.
fn is_of_unit(template: &Template, problem: &Diagnostic) -> bool {
    let Some(span) = problem.primary.as_ref().map(|label| label.span) else { return false };
    let clauses = template.items.iter().filter_map(|item| match item {
        Item::Policy(policy) => Some(policy.clauses.iter()),
        _ => None,
    });
    problem.code == codes::BAD_LIMIT_VALUE
        && clauses.flatten().any(|clause| match &clause.kind {
            ClauseKind::Bound(_, expr) => {
                clause.span.start <= span.start && span.end <= clause.span.end && is_product(expr)
            }
            _ => false,
        })
}

fn is_product(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Product(parts) => parts.iter().all(is_product),
        ExprKind::Name(_) | ExprKind::Literal(_) => true,
        _ => false,
    }
}

impl<'a> Checker<'a> {
    /// Checks a template where it stands.
    pub(in crate::check) fn template(&mut self, template: &Template, repeated: bool) {
        if repeated || template.name.text.is_empty() {
            return;
        }
        let origin = self.view.origin();
        let problems = match origin {
            Origin::File(..) => template_problems(self.db, origin, &template.name.text).to_vec(),
            Origin::Library(_) => problems_of(self.db, origin, &template.name.text),
        };
        let base = template.span.start;
        for mut problem in problems {
            for label in problem.primary.iter_mut().chain(&mut problem.secondary) {
                if label.file.is_empty() {
                    self.path.clone_into(&mut label.file);
                    label.span = moved(label.span, base);
                }
            }
            for fix in problem.fixes.iter_mut().filter(|fix| fix.file.is_empty()) {
                self.path.clone_into(&mut fix.file);
                fix.span = moved(fix.span, base);
            }
            self.report(problem);
        }
        self.template_cycle(template);
    }

    /// Templates that apply each other.
    fn template_cycle(&mut self, template: &Template) {
        let own = (self.view.package(), template.name.text.as_str());
        let origin = self.view.origin();
        // What is asked first is a query; the cycle itself is only looked for where there is one.
        if !goes_round(self.db, origin, own.0, own.1) {
            return;
        }
        let Some(cycle) = round_trip(self.db, origin, own.0, own.1) else { return };
        // Each member finds the same cycle; the one whose name sorts first tells.
        if cycle.iter().map(|step| (step.package, step.name)).min() != Some(own) {
            return;
        }
        let mut path: Vec<String> = cycle.iter().map(|step| format!("`{}`", step.name)).collect();
        path.extend(path.first().cloned());
        let message = match cycle.as_slice() {
            [_] => format!("template `{}` applies itself", template.name.text),
            _ => format!("templates apply each other in a cycle: {}", path.join(" -> ")),
        };
        let mut error = self.error(codes::TEMPLATE_CYCLE, template.name.span, message);
        let next = cycle.iter().cycle().skip(1);
        for (step, next) in cycle.iter().zip(next) {
            let place = step.origin.parse(self.db).file.items.iter().find_map(|item| match item {
                Item::Template(it) if it.name.text == step.name => {
                    it.items.iter().find_map(|inner| match inner {
                        Item::Apply(apply) if apply.template.text == step.applies => {
                            Some(apply.template.span)
                        }
                        _ => None,
                    })
                }
                _ => None,
            });
            if let Some(place) = place {
                let text = format!("`{}` applies `{}`", step.name, next.name);
                error = error.and_at(step.origin.path(self.db), place, text);
            }
        }
        self.report(error.help("take one of these applications out"));
    }

    /// Parameters: names, types and defaults.
    fn template_header(&mut self, template: &Template) {
        let mut seen = BTreeMap::new();
        for parameter in &template.parameters {
            let name = &parameter.name;
            if name.text.is_empty() {
                continue;
            }
            if let Some(first) = seen.insert(&name.text, name.span) {
                let message = format!("the parameter `{}` stands twice", name.text);
                let error = self.error(codes::DUPLICATE_NAME, name.span, message);
                self.report(error.and_at(self.path, first, "the first one"));
                continue;
            }
            let mut problems = vec![];
            let takes = Takes::of(&parameter.ty, &mut |problem| problems.push(problem));
            self.placed(problems);
            let (Some(takes), Some(default)) = (takes, &parameter.default) else { continue };
            if let Some(other) = names_parameter(template, default).filter(|it| it.span != name.span) {
                let message = format!("`{}` is a parameter too, and a default can't be one", other.text);
                let error = self.error(codes::BAD_ARGUMENT, parameter.span, message);
                self.report(error.help("write the value itself"));
                continue;
            }
            self.argument(name, &takes, default);
        }
    }

    /// Rules, limits and applications of one name.
    fn repeated_inside(&mut self, template: &Template) {
        let mut seen: BTreeMap<String, _> = BTreeMap::new();
        for item in &template.items {
            let Some(name) = super::super::declared(item).filter(|name| !name.text.is_empty()) else {
                continue;
            };
            let (text, span) = (name.text.clone(), name.span);
            if let Some(first) = seen.get(&text) {
                let message = format!("`{text}` is declared twice in this template");
                let error = self.error(codes::DUPLICATE_NAME, span, message);
                self.report(error.and_at(self.path, *first, "first declared here"));
            } else {
                seen.insert(text, span);
            }
        }
    }

    /// Reads the policies with samples.
    fn sampled(&mut self, found: Found<'a>) {
        let template = &found.unit.template;
        let takes: BTreeMap<&str, Option<Takes>> = template
            .parameters
            .iter()
            .map(|it| (it.name.text.as_str(), Takes::of(&it.ty, &mut |_| {})))
            .collect();
        let variants = takes.values().map(|takes| match takes {
            Some(Takes::Value(Type::Enum { variants })) => variants.len(),
            Some(Takes::Value(Type::Bool)) => 2,
            _ => 1,
        });
        let runs = variants.max().unwrap_or(1).clamp(1, MAX_RUNS);
        let numbers = takes.values().any(|takes| match takes {
            Some(Takes::Value(ty)) => ty.scale().is_some(),
            takes => *takes == Some(Takes::Percent),
        });
        let siblings: Siblings = all_made_by(self.db, found.origin, &found.full())
            .into_iter()
            .map(|(local, made)| {
                let full = format!("{}.{}.{local}", found.package, found.name);
                (local, (full.as_str().into(), made.kind))
            })
            .collect();
        let mut common: Option<Vec<Diagnostic>> = None;
        // In the last run all numbers are 0.
        for run in 0..runs + usize::from(numbers) {
            let given = takes.iter().map(|(name, takes)| {
                let unknown = || Given { put: None, binding: Binding::Unknown, text: String::new() };
                let given = takes
                    .as_ref()
                    .and_then(|takes| Given::sample(takes, run, run == runs))
                    .unwrap_or_else(unknown);
                ((*name).to_owned(), given)
            });
            let expansion = Expansion {
                package: found.package.to_owned(),
                prefix: found.name.to_owned(),
                template: String::new(),
                applied_doc: String::new(),
                template_doc: String::new(),
                depth: 0,
            };
            let (_, problems) = self.expand_with(found, &given.collect(), expansion, siblings.clone());
            let key = |it: &Diagnostic| (it.code.clone(), it.primary.as_ref().map(|label| label.span));
            let here: BTreeSet<_> = problems.iter().map(key).collect();
            common = Some(match common {
                None => problems,
                Some(before) => before.into_iter().filter(|it| here.contains(&key(it))).collect(),
            });
        }
        self.branches.clear();
        for problem in common.unwrap_or_default() {
            let span = problem.primary.as_ref().map(|label| label.span).unwrap_or_default();
            let involved = parameters_at(template, span);
            let unknown = involved.iter().any(|name| takes.get(name).is_some_and(Option::is_none));
            let of_values = OF_VALUES.contains(&problem.code) && !is_of_unit(template, &problem);
            if !unknown && (involved.is_empty() || !of_values) {
                self.report(problem);
            }
        }
    }
}
