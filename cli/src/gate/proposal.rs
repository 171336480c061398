//! The text of a proposal, together with what is active.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_compiler::{Config, Database, DeclarationKind, LineIndex, Workspace, bundle, outline};
use ordain_ir::{
    Bundle, DependencyGraph, Diagnostic, FactName, PolicyName, PolicyRef, Report, Severity, Source, SourceMap,
};
use ordain_runtime::{CompileError, Compiled, SourceProblem};

use super::stubs;

/// The path of the text, in messages.
const FILE: &str = "proposal.ordain";

/// Compiles a text and puts its policies in the place of those of the same names.
///
/// The text is complete by itself: it declares or uses the facts, meters, lets and templates that it needs. Of what
/// is active it can name rules and limits.
pub(super) fn compile(active: Option<&Bundle>, text: &str, source: Source) -> Result<Compiled, CompileError> {
    let empty = Bundle {
        workspace: "proposals".to_owned(),
        language: ordain_compiler::LANGUAGE.to_owned(),
        compiler: String::new(),
        policies: ordain_ir::Policies::default(),
        dependencies: DependencyGraph::default(),
        analysis: Report::default(),
        sources: SourceMap::default(),
    };
    let active = active.unwrap_or(&empty);
    let mut db = Database::default();
    let own = declared(&mut db, text);
    let (mut files, stubs) = stubs::of(&active.policies, &own);
    files.insert(FILE.to_owned(), text.to_owned());
    let workspace = Workspace::of(&db, Config::named(active.workspace.clone()), files);
    let errors: Vec<_> = ordain_compiler::diagnostics(&db, workspace)
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| problem(found, text))
        .collect();
    if !errors.is_empty() {
        return Err(CompileError::Invalid(errors));
    }
    let new = bundle::assemble(&db, workspace, &Report::default());
    merged(active, new, &stubs, source)
}

/// The full names of the policies that a text declares itself.
fn declared(db: &mut Database, text: &str) -> BTreeSet<PolicyName> {
    let files = [(FILE.to_owned(), text.to_owned())];
    let alone = Workspace::of(db, Config::named("proposal"), files);
    let Some(file) = alone.file(db, FILE) else { return BTreeSet::new() };
    let outline = outline(db, file);
    let policies = outline.declarations.iter().filter(|item| matches!(item.kind, DeclarationKind::Policy(_)));
    policies.map(|item| PolicyName::new(&outline.package, &item.name)).collect()
}

fn problem(found: &Diagnostic, text: &str) -> SourceProblem {
    let place = found.primary.as_ref().filter(|label| label.file == FILE).map(|label| {
        let place = LineIndex::new(text).place(text, label.span);
        (place.line, place.column)
    });
    SourceProblem {
        code: Some(found.code.to_string()),
        place,
        message: found.message.clone(),
        help: found.help.clone(),
    }
}

fn placeless(message: String, help: &str) -> CompileError {
    let problem = SourceProblem { code: None, place: None, message, help: Some(help.to_owned()) };
    CompileError::Invalid(vec![problem])
}

fn merged(
    active: &Bundle,
    new: Bundle,
    stubs: &BTreeSet<PolicyName>,
    source: Source,
) -> Result<Compiled, CompileError> {
    let mut bundle = active.clone();
    bundle.compiler.clone_from(&new.compiler);
    bundle.language.clone_from(&new.language);
    bundle.analysis = Report::default();
    let policies = &mut bundle.policies;
    let mut read: BTreeSet<FactName> = BTreeSet::new();
    let mut changed: Vec<PolicyRef> = vec![];
    for (name, rule) in new.policies.rules.into_iter().filter(|(name, _)| !stubs.contains(name)) {
        let mut rule = Arc::unwrap_or_clone(rule);
        if source == Source::Learned {
            rule.source = source;
        }
        rule.condition.collect_facts(&mut read);
        changed.push(rule.reference());
        policies.limits.remove(&name);
        policies.rules.insert(name, Arc::new(rule));
    }
    for (name, limit) in new.policies.limits.into_iter().filter(|(name, _)| !stubs.contains(name)) {
        let mut limit = Arc::unwrap_or_clone(limit);
        if source == Source::Learned {
            limit.source = source;
        }
        limit.condition.collect_facts(&mut read);
        changed.push(limit.reference());
        policies.rules.remove(&name);
        policies.limits.insert(name, Arc::new(limit));
    }
    if changed.is_empty() {
        return Err(placeless(
            "the text has no rule and no limit".to_owned(),
            "write the policies that are to become active",
        ));
    }
    for (name, fact) in new.policies.facts.into_iter().filter(|(name, _)| read.contains(name)) {
        let other = policies.facts.get(&name).filter(|known| **known != fact);
        if other.is_some() {
            return Err(placeless(
                format!("the fact `{name}` is declared otherwise by what is active"),
                "one fact has one meaning; declare it alike",
            ));
        }
        policies.facts.insert(name, fact);
    }
    for (name, unit) in new.policies.meters {
        let other = policies.meters.get(&name).filter(|known| **known != unit);
        if other.is_some() {
            return Err(placeless(
                format!("the meter `{name}` is declared otherwise by what is active"),
                "one meter has one unit; declare it alike",
            ));
        }
        policies.meters.insert(name, unit);
    }
    policies.obligations.extend(new.policies.obligations);
    policies.allowances.extend(new.policies.allowances);
    if let Some(cycle) = cycle(&bundle) {
        return Err(placeless(
            format!("together with what is active, `{cycle}` depends on itself or overrides itself"),
            "take one of the links out",
        ));
    }
    let news = new.sources.iter().filter(|(id, _)| changed.iter().any(|policy| policy.id == **id));
    let sources = bundle.sources.iter().chain(news).map(|(id, source)| (*id, source.clone()));
    bundle.sources = sources.collect();
    bundle.dependencies = ordain_compiler::dependencies_of(&bundle.policies);
    changed.sort();
    Ok(Compiled { bundle, changed })
}

/// A policy from which `depends on` alone, or `overrides` alone, leads back to itself.
fn cycle(bundle: &Bundle) -> Option<PolicyName> {
    let (rules, limits) = (&bundle.policies.rules, &bundle.policies.limits);
    let depends: BTreeMap<&PolicyName, Vec<&PolicyName>> = rules
        .values()
        .map(|rule| (&rule.name, rule.depends_on.iter().collect()))
        .chain(
            limits.values().map(|limit| (&limit.name, limit.depends_on.iter().chain(&limit.rule).collect())),
        )
        .collect();
    let overrides: BTreeMap<&PolicyName, Vec<&PolicyName>> = rules
        .values()
        .map(|rule| (&rule.name, rule.overrides.iter().map(|it| &it.policy).collect()))
        .chain(
            limits.values().map(|limit| (&limit.name, limit.overrides.iter().map(|it| &it.policy).collect())),
        )
        .collect();
    [depends, overrides]
        .iter()
        .find_map(|links| {
            links.keys().find(|start| {
                let (mut seen, mut open) = (BTreeSet::new(), links[**start].clone());
                while let Some(next) = open.pop() {
                    if next == **start {
                        return true;
                    }
                    if seen.insert(next) {
                        open.extend(links.get(next).into_iter().flatten().copied());
                    }
                }
                false
            })
        })
        .map(|name| (*name).clone())
}
