//! Two rules of the same concern: the first table of the definition.

use std::cmp::Reverse;
use std::sync::Arc;

use ordain_ir::{Clause, ConflictType, EnforcementMode, PolicyRef, Rule};

use crate::Answer;
use crate::conflict::{Claim, Doubt, Judgement};
use crate::domain::{Algebra, AnalyzerError, Domain, Finding};
use crate::evidence::{Meeting, Replay};
use crate::pairs::Entry;
use crate::words::{Names, place, text, verb};

/// An active rule with its domain.
pub(crate) struct RuleEntry<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) policy: PolicyRef,
    pub(crate) domain: Domain,
}

impl<'a> RuleEntry<'a> {
    pub(crate) fn new(rule: &'a Rule, algebra: &Algebra<'a>) -> Result<Self, AnalyzerError> {
        Ok(Self { rule, policy: rule.reference(), domain: algebra.rule(rule)? })
    }
}

impl Entry for RuleEntry<'_> {
    fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    fn domain(&self) -> &Domain {
        &self.domain
    }

    fn comparable(&self, other: &Self) -> bool {
        self.rule.rule_type == other.rule.rule_type
            && self.rule.enforcement_mode != other.rule.enforcement_mode
    }

    fn judge(
        &self,
        other: &Self,
        overlap: Finding<Meeting<'_>>,
        algebra: &Algebra<'_>,
        replay: &mut Replay<'_>,
    ) -> Result<Judgement, AnalyzerError> {
        judge(self, other, overlap, algebra, replay)
    }
}

/// The one conflict of two comparable rules of which none overrides the other, if there is one, by what their domains
/// have in common.
fn judge<'r>(
    a: &RuleEntry<'r>,
    b: &RuleEntry<'r>,
    overlap: Finding<Meeting<'_>>,
    algebra: &Algebra<'_>,
    replay: &mut Replay<'_>,
) -> Result<Judgement, AnalyzerError> {
    let mut out = Judgement { by_solver: overlap.by_solver, ..Judgement::default() };
    let (meeting, doubt) = match overlap.answer {
        Answer::No => return Ok(out),
        Answer::Undecided => (None, Some(Doubt::Undecided)),
        Answer::Yes(meeting) => (Some(meeting), overlap.opaque.map(Doubt::Opaque)),
    };
    out.undecided = meeting.is_none();
    let policies = algebra.policies();
    let mut entries = [a, b];
    entries.sort_by_key(|entry| (Reverse(entry.rule.enforcement_mode), &entry.rule.name));
    let pair = entries.map(|entry| entry.rule);
    let [strict, mild] = pair;
    let (winner, loser) = if mild.priority > strict.priority { (mild, strict) } else { (strict, mild) };
    let witness = meeting.map(|meeting| replay.rules(pair, winner, meeting)).transpose()?;
    let names = Names::of(pair.map(|rule| (&rule.name, rule.label())));
    let quoted = |rule: &'r Rule| names.quoted(&rule.name);
    let windowed = pair.iter().any(|rule| !rule.window.is_always());
    let does = |rule: &Rule| verb(rule.enforcement_mode);
    let (conflict_type, explanation, recommended_action, weakens) = if strict.priority != mild.priority {
        let weakens = winner.enforcement_mode < loser.enforcement_mode;
        let explanation = text(format_args!(
            "Policy {} (priority {}) {} and so silences {} (priority {}), which {}{}, {}: this {} enforcement",
            quoted(winner),
            winner.priority,
            does(winner),
            quoted(loser),
            loser.priority,
            if loser.enforcement_mode == EnforcementMode::Disabled { "" } else { "otherwise " },
            does(loser),
            place(&winner.scope, &loser.scope),
            if weakens { "weakens" } else { "tightens" },
        ));
        let action = if weakens {
            text(format_args!(
                "Raise the priority of {} to {} or more, or let {} say `overrides {}` with the reason",
                quoted(loser),
                winner.priority,
                quoted(winner),
                names.plain(&loser.name),
            ))
        } else {
            text(format_args!(
                "Let {} say `overrides {}` with the reason, or narrow one of the scopes",
                quoted(winner),
                names.plain(&loser.name),
            ))
        };
        (ConflictType::PriorityOverride, explanation, action, Some(weakens))
    } else if windowed {
        let first = witness.as_ref().map_or(["", ""], |witness| [", first on ", &witness.local_time]);
        let explanation = text(format_args!(
            "Policy {} {} while {} {} {} where their windows overlap{}{}",
            quoted(strict),
            does(strict),
            quoted(mild),
            does(mild),
            place(&strict.scope, &mild.scope),
            first[0],
            first[1],
        ));
        let action = "Align enforcement modes, separate the windows, or give one rule the higher priority";
        (ConflictType::TemporalConflict, explanation, action.to_owned(), None)
    } else {
        let explanation = text(format_args!(
            "Policy {} {} while {} {} {}",
            quoted(strict),
            does(strict),
            quoted(mild),
            does(mild),
            place(&strict.scope, &mild.scope),
        ));
        (ConflictType::ScopeOverlap, explanation, "Align enforcement modes or narrow scopes".to_owned(), None)
    };
    let claim = Claim {
        conflict_type,
        contradiction: None,
        policies: entries.map(|entry| entry.policy.clone()),
        clauses: pair.map(|rule| clauses(rule, conflict_type)),
        explanation,
        recommended_action,
        weakens,
        doubt,
        witness,
        certificate: None,
        repair: None,
    };
    out.conflict = Some(Arc::new(claim.into_conflict(&policies.settings)));
    Ok(out)
}

/// The clauses of a rule that take part, the decisive one first.
fn clauses(rule: &Rule, conflict_type: ConflictType) -> Vec<Clause> {
    let windowed = !rule.window.is_always();
    let mut out = match conflict_type {
        ConflictType::PriorityOverride => vec![Clause::Priority, Clause::Enforce],
        ConflictType::TemporalConflict if windowed => vec![Clause::Active, Clause::Enforce],
        _ => vec![Clause::Enforce],
    };
    out.push(Clause::Scope);
    if windowed && !out.contains(&Clause::Active) {
        out.push(Clause::Active);
    }
    if rule.condition != ordain_ir::Condition::True {
        out.push(Clause::When);
    }
    out
}
