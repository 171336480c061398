//! From a claim about two policies to the conflict that a report lists.

use std::sync::Arc;

use ordain_ir::report::{Certificate, Contradiction, Repair, Witness};
use ordain_ir::{Certainty, Clause, Conflict, ConflictSeverity, ConflictType, FactName, PolicyRef, Settings};

use crate::evidence;

/// Why something is not proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// A question about conditions or scopes was not decided.
    Undecided,
    /// The answer rests on this opaque fact.
    Opaque(FactName),
}

/// What is claimed of two policies.
pub(crate) struct Claim {
    pub(crate) conflict_type: ConflictType,
    pub(crate) contradiction: Option<Contradiction>,
    /// In report order.
    pub(crate) policies: [PolicyRef; 2],
    /// For each of them, the clauses that took part, the decisive one first.
    pub(crate) clauses: [Vec<Clause>; 2],
    pub(crate) explanation: String,
    pub(crate) recommended_action: String,
    pub(crate) weakens: Option<bool>,
    pub(crate) doubt: Option<Doubt>,
    pub(crate) witness: Option<Witness>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) repair: Option<Repair>,
}

impl Claim {
    pub(crate) fn into_conflict(self, settings: &Settings) -> Conflict {
        let certainty = if self.doubt.is_none() { Certainty::Proved } else { Certainty::Suspected };
        let uncertainty = self.doubt.map(|doubt| match doubt {
            Doubt::Undecided => evidence::undecided(settings),
            Doubt::Opaque(fact) => evidence::rests_on(&fact),
        });
        let clauses = self.policies.iter().map(|policy| policy.id).zip(self.clauses).collect();
        Conflict {
            id: Conflict::fingerprint(self.conflict_type, self.contradiction, &self.policies),
            code: self.conflict_type.code(),
            conflict_type: self.conflict_type,
            contradiction: self.contradiction,
            severity: severity(self.conflict_type, certainty, settings),
            certainty,
            policies: self.policies.into(),
            clauses,
            explanation: self.explanation,
            recommended_action: self.recommended_action,
            weakens: self.weakens,
            uncertainty,
            witness: self.witness,
            certificate: self.certificate.map(Box::new),
            repair: self.repair.map(Box::new),
            resolved: false,
            acknowledgement: None,
        }
    }
}

/// The severity of a conflict. A workspace may raise a type, never lower it; and only what is proved blocks.
pub(crate) fn severity(kind: ConflictType, certainty: Certainty, settings: &Settings) -> ConflictSeverity {
    match certainty {
        Certainty::Suspected => ConflictSeverity::Warning,
        Certainty::Proved => {
            let raised = settings.severity.get(&kind).copied().unwrap_or(ConflictSeverity::Warning);
            raised.max(kind.default_severity())
        }
    }
}

/// What became of one pair.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) conflict: Option<Arc<Conflict>>,
    /// Whether the solver was needed.
    pub(crate) by_solver: bool,
    /// Whether a question stayed open; then the conflict is suspected.
    pub(crate) undecided: bool,
}
