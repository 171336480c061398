//! What `allow` accepts: conflicts and warnings, for a reason and perhaps for a time.
//!
//! Which conflicts are acknowledged follows from the policies alone and is part of the report. Whether an
//! `allow` has run out depends on the day, so it is asked separately and never changes a bundle.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ordain_ir::report::Acknowledgement;
use ordain_ir::{
    Allowance, Allowed, Code, Conflict, ConflictSeverity, ConflictType, Diagnostic, Policies, PolicyId,
    PolicyName, Report, Severity, SourceMap, Span, codes,
};

use crate::session::{Index, Involved};

/// Where each `allow` stands: file and bytes.
pub type Places = BTreeMap<Allowance, (String, Span)>;

/// What the `allow`s of a workspace do to the findings of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// Those that allow nothing, have run out, or would allow what can't be allowed.
    pub diagnostics: Vec<Diagnostic>,
    /// Which of the given warnings are accepted, by position.
    pub accepted: BTreeSet<usize>,
}

/// The `allow`s of conflicts, by one of the policies that they name.
pub(crate) struct Acknowledgements<'a>(BTreeMap<&'a PolicyName, Vec<&'a Allowance>>);

impl<'a> Acknowledgements<'a> {
    pub(crate) fn of(policies: &'a Policies) -> Self {
        let mut all: BTreeMap<&PolicyName, Vec<&Allowance>> = BTreeMap::new();
        for allowance in &policies.allowances {
            if let Allowed::Conflict { policies, .. } = &allowance.allowed
                && let Some(first) = policies.first()
            {
                all.entry(first).or_default().push(allowance);
            }
        }
        Self(all)
    }

    /// The policies that the `allow`s name first.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &'a PolicyName> {
        self.0.keys().copied()
    }

    /// The conflict marked as resolved, if an `allow` names it, never a BLOCKING one. Of several `allow`s for one
    /// conflict the one that lasts longest counts.
    pub(crate) fn acknowledged(&self, conflict: &Conflict) -> Option<Conflict> {
        if self.0.is_empty() || conflict.severity == ConflictSeverity::Blocking {
            return None;
        }
        let first = conflict.policies.iter().map(|policy| &policy.name).min()?;
        let allowances = self.0.get(first)?.iter().filter(|allowance| names(allowance, conflict));
        // The last of equals would win; the set's order decides then.
        let longest = allowances.max_by_key(|it| (it.until.is_none(), it.until))?;
        let (because, until) = (longest.because.clone(), longest.until);
        let acknowledgement = Some(Acknowledgement { because, until });
        Some(Conflict { acknowledgement, resolved: true, ..conflict.clone() })
    }
}

/// Whether an `allow` speaks of this conflict: the type and exactly its policies.
fn names(allowance: &Allowance, conflict: &Conflict) -> bool {
    let Allowed::Conflict { conflict_type, policies } = &allowance.allowed else { return false };
    let involved: BTreeSet<&PolicyName> = conflict.policies.iter().map(|policy| &policy.name).collect();
    *conflict_type == conflict.conflict_type && policies.iter().eq(involved)
}

/// What the `allow`s of `policies` do at the instant `now`, or as if none had run out where there is no such
/// instant: `report` is that of the policies, `others` are the other findings of the check.
pub fn ruling(
    policies: &Policies,
    report: &Report,
    others: &[Diagnostic],
    sources: &SourceMap,
    places: &Places,
    now: Option<Timestamp>,
) -> Ruling {
    ruling_beside(policies, &Index::of(report), others, sources, places, now)
}

/// The same beside conflicts that are looked up.
pub fn ruling_beside(
    policies: &Policies,
    conflicts: &impl Involved,
    others: &[Diagnostic],
    sources: &SourceMap,
    places: &Places,
    now: Option<Timestamp>,
) -> Ruling {
    let mut ruling = Ruling::default();
    let ended = |allowance: &Allowance| allowance.until.filter(|until| now.is_some_and(|now| *until <= now));
    for allowance in &policies.allowances {
        // Those of a library stand elsewhere, and so do their readers.
        let Some((file, span)) = places.get(allowance) else { continue };
        let say = |code, message: String| Diagnostic::warning(code, file, *span, message);
        let (used, blocking, what) = match &allowance.allowed {
            Allowed::Conflict { conflict_type, policies: named } => {
                let first = named.first().map(PolicyId::of);
                let found = first.iter().flat_map(|first| conflicts.involving(first));
                let found: Vec<_> = found.filter(|conflict| names(allowance, conflict)).collect();
                let blocking = found.iter().find(|it| it.severity == ConflictSeverity::Blocking).copied();
                (!found.is_empty(), blocking, between(policies, *conflict_type, named))
            }
            Allowed::Warning { code, policy } => {
                let about: Vec<usize> =
                    (0..others.len()).filter(|at| is_about(&others[*at], code, policy, sources)).collect();
                let used = !about.is_empty();
                if ended(allowance).is_none() {
                    ruling.accepted.extend(about);
                }
                (used, None, format!("`{code}` for `{}`", policies.label(policy)))
            }
        };
        if let Some(conflict) = blocking {
            let mut error = say(codes::BLOCKING_ALLOWED, format!("{what} is BLOCKING and can't be allowed"));
            error.severity = Severity::Error;
            error = error.note(conflict.explanation.clone());
            ruling.diagnostics.push(error.help(conflict.recommended_action.clone()));
        } else if !used {
            let error = say(codes::UNUSED_ALLOW, format!("there is no {what} to allow"));
            ruling.diagnostics.push(error.help("take the `allow` out").fix("take it out", "").certain());
        } else if let Some(until) = ended(allowance) {
            let message = format!("this `allow` ran out at {until}; {what} is there still");
            let error = say(codes::EXPIRED_ALLOW, message);
            ruling.diagnostics.push(error.help("mend the policies, or give a later date with a new reason"));
        }
    }
    ruling
}

/// What an `allow` of a conflict names: its type and its policies, without an article.
fn between(policies: &Policies, conflict_type: ConflictType, named: &BTreeSet<PolicyName>) -> String {
    let kind = conflict_type.as_str().to_lowercase().replace('_', "-");
    let mut labels: Vec<_> = named.iter().map(|name| format!("`{}`", policies.label(name))).collect();
    let last = labels.pop().unwrap_or_default();
    format!("{kind} between {} and {last}", labels.join(", "))
}

/// Whether a finding is a warning with this code whose place lies in this policy.
fn is_about(diagnostic: &Diagnostic, code: &Code, policy: &PolicyName, sources: &SourceMap) -> bool {
    let inside = || {
        let (place, source) = (diagnostic.primary.as_ref()?, sources.get(&PolicyId::of(policy))?);
        let within = |file: &str, span: Span| {
            place.file == file && span.start <= place.span.start && place.span.end <= span.end
        };
        let applied = source.application.as_ref();
        Some(
            within(&source.file, source.item.span)
                || applied.is_some_and(|site| within(&site.file, site.place.span)),
        )
    };
    diagnostic.code == *code && diagnostic.severity != Severity::Error && inside().unwrap_or(false)
}
