//! `check --format json`: one object, described by `docs/check.schema.json`. It holds no time and no machine's
//! path, so the same input gives the same bytes.

use std::collections::BTreeMap;

use ordain_ir::codes;
use ordain_ir::graph::DependencyEdge;
use ordain_ir::report::{Certificate, Contradiction, Repair, Witness};
use ordain_ir::{
    Certainty, Clause, Conflict, ConflictSeverity, ConflictType, Diagnostic, PairCounts, Place, PolicyRef,
    Severity, SourceMap,
};
use serde::Serialize;

use crate::workspace::{Checked, place};

/// Version of the object's shape.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Output<'a> {
    schema_version: u32,
    summary: Summary,
    diagnostics: Vec<DiagnosticOut<'a>>,
    conflicts: Vec<ConflictOut<'a>>,
    dependencies: &'a [DependencyEdge],
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    policies: usize,
    rules: usize,
    limits: usize,
    diagnostics: BTreeMap<Severity, usize>,
    conflicts: ConflictCounts,
    pairs: PairCounts,
}

#[derive(Serialize)]
struct ConflictCounts {
    total: usize,
    by_type: BTreeMap<ConflictType, usize>,
    by_severity: BTreeMap<ConflictSeverity, usize>,
    by_certainty: BTreeMap<Certainty, usize>,
}

/// A diagnostic as programs get it.
#[derive(Serialize)]
pub(crate) struct DiagnosticOut<'a> {
    code: &'a str,
    title: Option<&'static str>,
    severity: Severity,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<LabelOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<LabelOut<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<FixOut<'a>>,
}

#[derive(Serialize)]
struct LabelOut<'a> {
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
}

#[derive(Serialize)]
struct FixOut<'a> {
    title: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    replacement: &'a str,
    certain: bool,
}

#[derive(Serialize)]
struct ConflictOut<'a> {
    id: &'a str,
    code: &'a str,
    conflict_type: ConflictType,
    #[serde(skip_serializing_if = "Option::is_none")]
    contradiction: Option<Contradiction>,
    severity: ConflictSeverity,
    certainty: Certainty,
    policies: Vec<PolicyOut<'a>>,
    explanation: &'a str,
    recommended_action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    weakens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a Witness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a Certificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<&'a Repair>,
    resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<&'a ordain_ir::Acknowledgement>,
}

#[derive(Serialize)]
struct PolicyOut<'a> {
    #[serde(flatten)]
    policy: &'a PolicyRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    spans: BTreeMap<Clause, Place>,
}

/// Writes what a check found.
pub(crate) fn render(checked: &Checked) -> String {
    let report = &checked.report;
    let mut by_severity: BTreeMap<_, _> = Severity::ALL.iter().map(|severity| (*severity, 0)).collect();
    for diagnostic in &checked.diagnostics {
        *by_severity.entry(diagnostic.severity).or_insert(0) += 1;
    }
    let output = Output {
        schema_version: SCHEMA_VERSION,
        summary: Summary {
            files: checked.files.len(),
            policies: checked.policies.len(),
            rules: checked.policies.rules.len(),
            limits: checked.policies.limits.len(),
            diagnostics: by_severity,
            conflicts: ConflictCounts {
                total: report.conflicts.len(),
                by_type: tally(ConflictType::ALL, report.conflicts.iter().map(|c| c.conflict_type)),
                by_severity: tally(ConflictSeverity::ALL, report.conflicts.iter().map(|c| c.severity)),
                by_certainty: tally(Certainty::ALL, report.conflicts.iter().map(|c| c.certainty)),
            },
            pairs: report.pairs,
        },
        diagnostics: checked.diagnostics.iter().map(|d| diagnostic(d, &|file| checked.text(file))).collect(),
        conflicts: report.conflicts.iter().map(|c| conflict(c, &checked.sources)).collect(),
        dependencies: &checked.dependencies.edges,
    };
    serde_json::to_string_pretty(&output).expect("every key is a string and every number is finite") + "\n"
}

/// How often each value occurs, those that don't as well.
fn tally<T: Copy + Ord>(all: &[T], found: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts: BTreeMap<T, usize> = all.iter().map(|value| (*value, 0)).collect();
    for value in found {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts
}

/// A diagnostic as programs get it; `text_of` gives those of the files that it points at.
pub(crate) fn diagnostic<'a>(
    diagnostic: &'a Diagnostic,
    text_of: &dyn Fn(&str) -> Option<&'a str>,
) -> DiagnosticOut<'a> {
    let label = |label: &'a ordain_ir::Label| LabelOut {
        file: &label.file,
        place: place(text_of(&label.file), label.span),
        text: &label.text,
    };
    DiagnosticOut {
        code: diagnostic.code.as_str(),
        title: codes::title(&diagnostic.code),
        severity: diagnostic.severity,
        message: &diagnostic.message,
        at: diagnostic.primary.as_ref().map(label),
        related: diagnostic.secondary.iter().map(label).collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        fixes: diagnostic
            .fixes
            .iter()
            .map(|fix| FixOut {
                title: &fix.title,
                file: &fix.file,
                place: place(text_of(&fix.file), fix.span),
                replacement: &fix.replacement,
                certain: fix.certain,
            })
            .collect(),
    }
}

fn conflict<'a>(conflict: &'a Conflict, sources: &'a SourceMap) -> ConflictOut<'a> {
    let policies = conflict.policies.iter().map(|policy| {
        let source = sources.get(&policy.id);
        let clauses = conflict.clauses.get(&policy.id).map_or(&[] as &[_], Vec::as_slice);
        let spans = source.iter().flat_map(|source| {
            let named = [Clause::Name].into_iter().chain(clauses.iter().copied());
            named.filter_map(|clause| Some((clause, *source.clauses.get(&clause)?)))
        });
        PolicyOut { policy, file: source.map(|source| source.file.as_str()), spans: spans.collect() }
    });
    ConflictOut {
        id: &conflict.id,
        code: conflict.code.as_str(),
        conflict_type: conflict.conflict_type,
        contradiction: conflict.contradiction,
        severity: conflict.severity,
        certainty: conflict.certainty,
        policies: policies.collect(),
        explanation: &conflict.explanation,
        recommended_action: &conflict.recommended_action,
        weakens: conflict.weakens,
        uncertainty: conflict.uncertainty.as_deref(),
        witness: conflict.witness.as_ref(),
        certificate: conflict.certificate.as_ref(),
        repair: conflict.repair.as_ref(),
        resolved: conflict.resolved,
        acknowledgement: conflict.acknowledgement.as_ref(),
    }
}
