//! `check --format json`: one object, described by `docs/check.schema.json`. It holds no time and no machine's
//! path, so the same input gives the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ordain_ir::codes;
use ordain_ir::graph::DependencyEdge;
use ordain_ir::report::{Certificate, Contradiction, Repair, Witness};
use ordain_ir::{
    Certainty, Clause, Conflict, ConflictSeverity, ConflictType, Diagnostic, PairCounts, Place, PolicyRef,
    Severity, SourceMap,
};
use serde::{Serialize, Serializer};

use crate::findings::{Finding, Findings, State, What};
use crate::texts::Texts;

/// Version of the object's shape.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Output<'a, D, C> {
    schema_version: u32,
    summary: Summary,
    diagnostics: D,
    conflicts: C,
    dependencies: &'a [DependencyEdge],
}

/// Written one by one, since there may be very many.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// How much there is.
#[derive(Serialize)]
pub(crate) struct Summary {
    files: usize,
    policies: usize,
    rules: usize,
    limits: usize,
    diagnostics: BTreeMap<Severity, usize>,
    conflicts: ConflictCounts,
    left_out: LeftOut,
    pairs: PairCounts,
    /// How long each part took, in microseconds; only if that is asked for, since it is never the same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    microseconds: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct LeftOut {
    /// By `--select` and `--ignore`.
    not_selected: usize,
    /// Since the baseline has them.
    known: usize,
    /// What the baseline has and is there no more.
    stale: usize,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
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

/// A conflict as programs get it.
#[derive(Serialize)]
pub(crate) struct ConflictOut<'a> {
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

/// What programs are told: what is open, and what is allowed.
pub(crate) fn shown<'a, 'f>(findings: &'f Findings<'a>) -> impl Iterator<Item = &'f Finding<'a>> {
    findings.all.iter().filter(|finding| matches!(finding.state, State::Open | State::Allowed))
}

fn conflicts<'a>(findings: &Findings<'a>) -> impl Iterator<Item = &'a Conflict> {
    shown(findings).filter_map(|finding| match finding.what {
        What::Conflict(conflict) => Some(conflict),
        What::Source(_) => None,
    })
}

impl Summary {
    /// Of what is shown.
    pub(crate) fn of(findings: &Findings<'_>) -> Self {
        let checked = findings.checked;
        let sources = shown(findings).filter(|finding| matches!(finding.what, What::Source(_)));
        Self {
            files: checked.files.len(),
            policies: checked.policies.len(),
            rules: checked.policies.rules.len(),
            limits: checked.policies.limits.len(),
            diagnostics: tally(Severity::ALL, sources.map(Finding::severity)),
            conflicts: ConflictCounts {
                total: conflicts(findings).count(),
                by_type: tally(ConflictType::ALL, conflicts(findings).map(|c| c.conflict_type)),
                by_severity: tally(ConflictSeverity::ALL, conflicts(findings).map(|c| c.severity)),
                by_certainty: tally(Certainty::ALL, conflicts(findings).map(|c| c.certainty)),
            },
            left_out: LeftOut {
                not_selected: findings.count(State::Ignored),
                known: findings.count(State::Known),
                stale: findings.stale.len(),
            },
            pairs: checked.report.pairs,
            microseconds: findings
                .took
                .iter()
                .map(|(part, took)| (*part, u64::try_from(took.as_micros()).unwrap_or(u64::MAX)))
                .collect(),
        }
    }
}

/// Writes what a check found.
pub(crate) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let diagnostics = || {
        shown(findings).filter_map(|finding| match finding.what {
            What::Source(found) => Some(diagnostic(found, Some(&finding.id), &findings.texts)),
            What::Conflict(_) => None,
        })
    };
    let output = Output {
        schema_version: SCHEMA_VERSION,
        summary: Summary::of(findings),
        diagnostics: Each(diagnostics),
        conflicts: Each(|| conflicts(findings).map(|found| conflict(found, &findings.checked.sources))),
        dependencies: &findings.checked.dependencies.edges,
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}

/// How often each value occurs, those that don't as well.
fn tally<T: Copy + Ord>(all: &[T], found: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts: BTreeMap<T, usize> = all.iter().map(|value| (*value, 0)).collect();
    for value in found {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts
}

/// A diagnostic as programs get it, with its fingerprint where it has one.
pub(crate) fn diagnostic<'a>(
    diagnostic: &'a Diagnostic,
    id: Option<&'a str>,
    texts: &Texts<'_>,
) -> DiagnosticOut<'a> {
    let label = |label: &'a ordain_ir::Label| LabelOut {
        file: &label.file,
        place: texts.place(&label.file, label.span),
        text: &label.text,
    };
    DiagnosticOut {
        id,
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
                place: texts.place(&fix.file, fix.span),
                replacement: &fix.replacement,
                certain: fix.certain,
            })
            .collect(),
    }
}

/// A conflict as programs get it.
pub(crate) fn conflict<'a>(conflict: &'a Conflict, sources: &'a SourceMap) -> ConflictOut<'a> {
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
        certificate: conflict.certificate.as_deref(),
        repair: conflict.repair.as_deref(),
        resolved: conflict.resolved,
        acknowledgement: conflict.acknowledgement.as_ref(),
    }
}
