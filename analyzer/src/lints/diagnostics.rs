//! Lints as diagnostics.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use ordain_ir::{
    Clause, Condition, Diagnostic, Label, Policies, PolicyId, PolicyRef, Report, Severity, SourceMap, Span,
    codes,
};

use super::Lint;
use crate::session::{Index, Involved};

/// A warning for each lint, in order, at its clause, or where the policy's template is applied. Of policies that stand
/// in no file of the workspace's own nothing is said: its author can't change them; nor of a policy that is needless
/// for the sake of those only with which the report tells a conflict, since what to do about it is told there.
pub fn lint_diagnostics(
    lints: &[impl Borrow<Lint>],
    report: &Report,
    policies: &Policies,
    sources: &SourceMap,
    own: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    lint_diagnostics_beside(lints, &Index::of(report), policies, sources, own)
}

/// The same beside conflicts that are looked up.
pub fn lint_diagnostics_beside(
    lints: &[impl Borrow<Lint>],
    conflicts: &impl Involved,
    policies: &Policies,
    sources: &SourceMap,
    own: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let is_told = |lint: &Lint| {
        if lint.code != codes::REDUNDANT || lint.others.is_empty() {
            return false;
        }
        let told = conflicts.involving(&lint.policy.id).flat_map(|conflict| &conflict.policies);
        let told: BTreeSet<PolicyId> = told.map(|policy| policy.id).collect();
        lint.others.iter().all(|other| told.contains(&other.id))
    };
    let lints = lints.iter().map(Borrow::borrow).filter(|lint| !is_told(lint));
    let mut all: Vec<Diagnostic> = lints.filter_map(|lint| diagnostic(lint, sources, own)).collect();
    all.extend(written_out(policies, sources, own));
    // A template's mistake is told once for each application, not for each policy that it makes.
    all.retain(|diagnostic| seen.insert((diagnostic.primary.clone(), diagnostic.message.clone())));
    all
}

fn diagnostic(lint: &Lint, sources: &SourceMap, own: &dyn Fn(&str) -> bool) -> Option<Diagnostic> {
    let (file, span, made) = place(&lint.policy, lint.clause, sources, own)?;
    let mut out = Diagnostic::warning(lint.code.clone(), &file, span, &lint.message).help(&lint.help);
    for other in &lint.others {
        if let Some(source) = sources.get(&other.id) {
            let span = source.clause(Clause::Name).span;
            let label =
                Label { file: source.file.clone(), span, text: format!("{} `{}`", other.kind, other.name) };
            out.secondary.push(label);
        }
    }
    if lint.removable && !made {
        out = out.fix("take the clause out", "");
    }
    out.severity = Severity::Warning;
    Some(out)
}

/// Conditions that are plainly `true`.
fn written_out(policies: &Policies, sources: &SourceMap, own: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    let rules = policies.rules.values().filter(|rule| rule.condition == Condition::True);
    let limits = policies.limits.values();
    let limits = limits.filter(|limit| limit.condition == Condition::True && limit.rule.is_none());
    let limits = limits.filter(|limit| !super::is_warning(limit)).map(|limit| limit.reference());
    rules
        .map(|rule| rule.reference())
        .chain(limits)
        .filter_map(|policy| {
            let source = sources.get(&policy.id)?;
            if source.application.is_some() || !source.clauses.contains_key(&Clause::When) {
                return None;
            }
            let (file, span, _) = place(&policy, Clause::When, sources, own)?;
            let label = policies.label(&policy.name);
            let message = format!("the condition of `{label}` is always true");
            let out = Diagnostic::warning(codes::ALWAYS_TRUE, &file, span, message);
            Some(
                out.help("every request fulfils it; mend it, or take the clause out")
                    .fix("take the clause out", ""),
            )
        })
        .collect()
}

/// Where to tell of a policy, and whether it is made by a template.
fn place(
    policy: &PolicyRef,
    clause: Clause,
    sources: &SourceMap,
    own: &dyn Fn(&str) -> bool,
) -> Option<(String, Span, bool)> {
    let id: PolicyId = policy.id;
    let source = sources.get(&id)?;
    let (file, span, made) = match &source.application {
        Some(site) => (&site.file, site.place.span, true),
        None => (&source.file, source.clause(clause).span, false),
    };
    own(file).then(|| (file.clone(), span, made))
}
