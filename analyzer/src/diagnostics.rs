//! Conflicts and gaps as diagnostics.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use num_rational::BigRational;
use num_traits::Zero as _;
use ordain_ir::fix::Fix;
use ordain_ir::report::{Certificate, Repair, Witness};
use ordain_ir::{
    Certainty, Clause, Conflict, ConflictSeverity, Diagnostic, Gap, Label, Obligation, PolicyRef, Report,
    Severity, SourceMap, Span, codes,
};

use crate::words::as_message;

/// One diagnostic for each conflict, in the report's order.
pub fn conflict_diagnostics(report: &Report, sources: &SourceMap) -> Vec<Diagnostic> {
    report.conflicts.iter().map(|conflict| conflict_diagnostic(conflict, sources)).collect()
}

/// One warning for each gap, in the report's order, at the `require coverage` that it leaves open: its place, by
/// obligation. One for an obligation without a place has none.
pub fn gap_diagnostics(report: &Report, places: &BTreeMap<Obligation, (String, Span)>) -> Vec<Diagnostic> {
    report.gaps.iter().map(|gap| gap_diagnostic(gap, places)).collect()
}

/// The warning about one gap.
pub fn gap_diagnostic(gap: &Gap, places: &BTreeMap<Obligation, (String, Span)>) -> Diagnostic {
    let concern = gap.obligation.rule_type.as_str().to_lowercase();
    let certain = match gap.certainty {
        Certainty::Proved => "",
        Certainty::Suspected => "perhaps ",
    };
    let message =
        format!("{certain}no {concern} rule speaks about some of the requests that must be covered");
    let mut out = Diagnostic::placeless(codes::COVERAGE_GAP, message);
    out.severity = Severity::Warning;
    let place = places.get(&gap.obligation);
    out.primary = place.map(|(file, span)| Label { file: file.clone(), span: *span, text: String::new() });
    if let Some(witness) = &gap.witness {
        out = out.note(format!("for example: {}", witness_in_words(witness)));
    }
    if let Some(why) = &gap.uncertainty {
        out = out.note(format!("suspected and not proved: {why}"));
    }
    out.help(format!("let an active {concern} rule speak about them, or narrow what must be covered"))
}

/// A conflict as a diagnostic: the decisive clause of the first policy is the primary place, the clauses of the others
/// are secondary. BLOCKING is an error, WARNING a warning, and for information only once it is allowed.
pub fn conflict_diagnostic(conflict: &Conflict, sources: &SourceMap) -> Diagnostic {
    let message = as_message(&conflict.explanation, &conflict.policies);
    let decisive = |policy: &PolicyRef| {
        let clauses = conflict.clauses.get(&policy.id);
        clauses.and_then(|clauses| clauses.first()).copied().unwrap_or(Clause::Name)
    };
    let place = |policy: &PolicyRef| {
        let source = sources.get(&policy.id)?;
        // What a template makes is changed where it is applied.
        Some(match &source.application {
            Some(site) => (site.file.as_str(), site.place.span),
            None => (source.file.as_str(), source.clause(decisive(policy)).span),
        })
    };
    let named = |policy: &PolicyRef| [policy.kind.as_str(), " `", policy.name.as_str(), "`"].concat();
    let mut policies = conflict.policies.iter();
    let first = policies.next();
    let primary = first.and_then(|policy| Some((policy, place(policy)?)));
    let mut out = match (primary, conflict.severity) {
        (None, _) => Diagnostic::placeless(conflict.code.clone(), message),
        (Some((policy, (file, span))), ConflictSeverity::Blocking) => {
            Diagnostic::error(conflict.code.clone(), file, span, message).labelled(named(policy))
        }
        (Some((policy, (file, span))), ConflictSeverity::Warning) => {
            Diagnostic::warning(conflict.code.clone(), file, span, message).labelled(named(policy))
        }
    };
    if conflict.severity == ConflictSeverity::Warning {
        out.severity = if conflict.resolved { Severity::Info } else { Severity::Warning };
    }
    for policy in policies {
        if let Some((file, span)) = place(policy) {
            out = out.and_at(file, span, named(policy));
        }
    }
    for policy in &conflict.policies {
        let Some(source) = sources.get(&policy.id).filter(|source| source.application.is_some()) else {
            continue;
        };
        let span = source.clause(decisive(policy)).span;
        out = out.and_at(&source.file, span, format!("what the template says for `{}`", policy.name));
    }
    let (kind, severity) = (conflict.conflict_type, conflict.severity);
    out = out.note(match conflict.certainty {
        Certainty::Proved => [kind.as_str(), ", ", severity.as_str(), ", proved"].concat(),
        Certainty::Suspected => {
            let why = conflict.uncertainty.as_deref().unwrap_or("it is not decided");
            format!("{kind}, {severity}, suspected and not proved: {why}")
        }
    });
    if let Some(witness) = &conflict.witness {
        let mut note = "for example: ".to_owned();
        write_witness(&mut note, witness);
        out = out.note(note);
    }
    if let Some(certificate) = &conflict.certificate {
        out = out.note(arithmetic(certificate));
    }
    if let Some(repair) = conflict.repair.as_ref().filter(|_| !conflict.resolved) {
        if repair.verified {
            let alone =
                format!("with `{}` instead, this conflict is gone, and no other comes up", repair.clause);
            out = out.note(alone);
        }
        out.fixes.extend(repair_fix(repair, sources));
    }
    if let Some(acknowledgement) = &conflict.acknowledgement {
        let until = acknowledgement.until.map_or_else(String::new, |until| format!(" until {until}"));
        out = out.note(format!("allowed{until}: {}", acknowledgement.because));
    }
    if conflict.resolved { out } else { out.help(conflict.recommended_action.clone()) }
}

/// The change of a bound where it stands, which guesses that this is the one to change; `None` if a template makes the limit, since others come of that too.
pub fn repair_fix(repair: &Repair, sources: &SourceMap) -> Option<Fix> {
    let source = sources.get(&repair.policy).filter(|source| source.application.is_none())?;
    Some(Fix {
        title: repair.description.clone(),
        file: source.file.clone(),
        span: source.clauses.get(&Clause::Bound)?.span,
        replacement: repair.clause.clone(),
        certain: false,
    })
}

/// A witness on one line: `acme/support/mailer at Mon 2026-03-02 11:00 Europe/Berlin, tool.name = "export", usage tokens = 100`.
pub fn witness_in_words(witness: &Witness) -> String {
    let mut words = String::new();
    write_witness(&mut words, witness);
    words
}

fn write_witness(words: &mut String, witness: &Witness) {
    let request = &witness.request;
    let _ = write!(words, "{}", request.path);
    if let Some(provider) = &request.provider {
        words.extend([" to provider ", provider]);
    }
    words.extend([" at ", &witness.local_time]);
    for (fact, value) in request.facts.iter() {
        words.extend([", ", fact.as_str(), " = "]);
        match value {
            // What needs no escaping is itself; an editor shows hundreds of these at each stroke.
            serde_json::Value::String(text)
                if !text.contains(|c: char| c == '"' || c == '\\' || c.is_control()) =>
            {
                words.extend(["\"", text, "\""]);
            }
            _ => _ = write!(words, "{value}"),
        }
    }
    let usage = &request.usage;
    let mut used = vec![];
    used.extend(usage.runs.map(|n| format!("runs = {n}")));
    used.extend(usage.tokens.map(|n| format!("tokens = {n}")));
    used.extend(usage.cost.iter().map(|(currency, amount)| format!("cost = {amount} {currency}")));
    used.extend(usage.meters.iter().map(|(meter, amount)| format!("{meter} = {amount}")));
    used.extend(usage.risk.as_ref().map(|risk| format!("risk = {risk}")));
    used.extend(usage.since_last_run.as_ref().map(|time| format!("since last run = {time}")));
    if !used.is_empty() {
        let _ = write!(words, ", usage {}", used.join(", "));
    }
}

/// The certificate in short: what is added up, how often, and what comes out. Every term is in the report.
fn arithmetic(certificate: &Certificate) -> String {
    let mut lines = vec![format!("proof, in {}:", certificate.period)];
    lines.extend(certificate.inequalities.iter().map(|inequality| match inequality.factor.as_str() {
        "1" => format!("  {}", inequality.because),
        factor => format!("  {factor} times: {}", inequality.because),
    }));
    let sum = certificate.inequalities.iter().try_fold(BigRational::zero(), |sum, inequality| {
        let number = |text: &str| text.parse::<BigRational>().ok();
        Some(sum + number(&inequality.bound)? * number(&inequality.factor)?)
    });
    if let Some(sum) = sum {
        lines.push(format!("  added up: 0 \u{2264} {sum}, which is false"));
    }
    lines.join("\n")
}
