//! What an analysis finds: conflicts with their evidence.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use crate::request::RequestJson;
use jiff::Timestamp;

use crate::{Clause, Code, Obligation, PolicyId, PolicyRef, codes, wire_enum};

wire_enum! {
    /// The audit's four conflict types.
    pub enum ConflictType {
        /// Overlapping scopes with different enforcement.
        ScopeOverlap = "SCOPE_OVERLAP",
        /// Bounds that can't all hold, or one limit defined twice with different values.
        ThresholdContradiction = "THRESHOLD_CONTRADICTION",
        /// Overlapping time windows with different enforcement.
        TemporalConflict = "TEMPORAL_CONFLICT",
        /// A policy that another one beats wherever they meet.
        PriorityOverride = "PRIORITY_OVERRIDE",
    }
}

impl ConflictType {
    /// The diagnostic code.
    pub const fn code(self) -> Code {
        match self {
            Self::ScopeOverlap => codes::SCOPE_OVERLAP,
            Self::ThresholdContradiction => codes::THRESHOLD_CONTRADICTION,
            Self::TemporalConflict => codes::TEMPORAL_CONFLICT,
            Self::PriorityOverride => codes::PRIORITY_OVERRIDE,
        }
    }

    /// The severity of a proved conflict of this type, unless the workspace says otherwise.
    pub const fn default_severity(self) -> ConflictSeverity {
        match self {
            Self::ThresholdContradiction => ConflictSeverity::Blocking,
            _ => ConflictSeverity::Warning,
        }
    }
}

wire_enum! {
    /// How bad a conflict is. BLOCKING implies proved.
    pub enum ConflictSeverity {
        /// May be activated after a human has looked.
        Warning = "WARNING",
        /// Must not be activated.
        Blocking = "BLOCKING",
    }
}

wire_enum! {
    /// How sure the analysis is.
    pub enum Certainty {
        /// The answer rests on nothing opaque, and its witness replays or its certificate checks.
        Proved = "proved",
        /// The solver gave up, or the overlap rests on something that the language can't see.
        Suspected = "suspected",
    }
}

wire_enum! {
    /// The two kinds of `THRESHOLD_CONTRADICTION`.
    pub enum Contradiction {
        /// Bounds that no usage satisfies together.
        Empty = "empty",
        /// The same limit, twice, with different values.
        Divergent = "divergent",
    }
}

/// A concrete request in the domains of all policies of a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The request, ready for `ordain eval`.
    pub request: RequestJson,
    /// The instant on the wall clock of the first zone that a policy names: `Mon 2026-03-02 11:00 Europe/Berlin`.
    pub local_time: String,
}

/// One inequality of a certificate: `Σ coefficient · variable ≤ bound`, all numbers exact rationals written
/// `n` or `n/d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inequality {
    /// Why it holds, in words.
    pub because: String,
    /// The policy that states it; `None` for an axiom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// Left-hand side by variable.
    pub terms: BTreeMap<String, String>,
    /// Right-hand side.
    pub bound: String,
    /// The non-negative factor with which it enters the combination.
    pub factor: String,
}

/// A proof that bounds contradict each other. The inequalities, each multiplied by its factor and added up,
/// have only non-negative coefficients on the left and a negative number on the right; since no variable is
/// negative, that says `0 ≤ left ≤ right < 0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The stretch of time that it speaks of, in words: `the day 2026-03-02 (UTC)`.
    pub period: String,
    /// What each variable stands for.
    pub variables: BTreeMap<String, String>,
    /// The combination.
    pub inequalities: Vec<Inequality>,
}

/// The smallest change of one value that removes a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Whose value changes.
    pub policy: PolicyId,
    /// In words: "raise `daily-floor` to 480".
    pub description: String,
    /// The new bound as its clause in source: `at most 480`.
    #[serde(default)]
    pub clause: String,
    /// Whether the workspace was analysed with this change: the conflict was gone, and there was no other one for it.
    #[serde(default)]
    pub verified: bool,
}

/// Two or more policies that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Fingerprint: a hash of type and policies, so it survives moves, reformatting and changed values.
    pub id: String,
    /// Diagnostic code.
    pub code: Code,
    /// Type.
    pub conflict_type: ConflictType,
    /// The kind of a `THRESHOLD_CONTRADICTION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<Contradiction>,
    /// Severity.
    pub severity: ConflictSeverity,
    /// Certainty.
    pub certainty: Certainty,
    /// The policies, the stricter (then the one whose name sorts first) in front; at least two.
    pub policies: Vec<PolicyRef>,
    /// The clauses of each policy that took part.
    pub clauses: LiteMap<PolicyId, Vec<Clause>>,
    /// What is wrong, in the domain's words.
    pub explanation: String,
    /// What to do about it.
    pub recommended_action: String,
    /// For `PRIORITY_OVERRIDE` between rules: whether the winner is milder than the loser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakens: Option<bool>,
    /// Why a suspected conflict is not proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<String>,
    /// A request in all domains, where one exists and is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// Proof of an empty contradiction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Box<Certificate>>,
    /// A way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Box<Repair>>,
    /// Whether somebody has acknowledged it with a reason that still holds.
    #[serde(default)]
    pub resolved: bool,
    /// The `allow` that acknowledges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Acknowledgement>,
}

/// Why a conflict is accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The reason, as written.
    pub because: String,
    /// From this instant on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A request that a `require coverage` names but no rule of the concern covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What was required.
    pub obligation: Obligation,
    /// Proved, or suspected because the gap rests on something that the language can't see or the solver gave up.
    pub certainty: Certainty,
    /// The request, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// Why a suspected gap is not proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<String>,
}

static FINGERPRINT: LazyLock<blake3::Hasher> =
    LazyLock::new(|| blake3::Hasher::new_derive_key("ordain conflict id v1"));

impl Conflict {
    /// The fingerprint of a conflict of this type between these policies, in any order.
    pub fn fingerprint(
        conflict_type: ConflictType,
        contradiction: Option<Contradiction>,
        policies: &[PolicyRef],
    ) -> String {
        let mut ids: Vec<_> = policies.iter().map(|policy| policy.id).collect();
        ids.sort();
        let mut hasher = FINGERPRINT.clone();
        hasher.update(conflict_type.as_str().as_bytes());
        hasher.update(contradiction.map_or("", Contradiction::as_str).as_bytes());
        for id in ids {
            hasher.update(id.0.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// How the pairs of policies that could conflict were decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs of the same concern, or of the same quantity, that were compared.
    pub considered: u64,
    /// Decided by exact algebra alone.
    pub by_algebra: u64,
    /// Sent to the solver.
    pub by_solver: u64,
    /// Left undecided within the solver's bound; each is reported as suspected.
    pub undecided: u64,
    /// Groups of limits that were not searched to the end for sets that contradict each other, since a bound on
    /// the search was met.
    pub unexplored_groups: u64,
}

/// The outcome of an analysis. Conflicts are sorted: BLOCKING first, then by type, then by names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was found; shared, since there can be very many and others list them too.
    pub conflicts: Vec<Arc<Conflict>>,
    /// How.
    pub pairs: PairCounts,
    /// Coverage that is required and lacking, sorted by obligation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl Report {
    /// Conflicts whose acknowledgement has run out at `now` count as unresolved again.
    pub fn expire(&mut self, now: Timestamp) {
        for conflict in &mut self.conflicts {
            let until = conflict.acknowledgement.as_ref().and_then(|it| it.until);
            if until.is_some_and(|until| until <= now) && conflict.resolved {
                Arc::make_mut(conflict).resolved = false;
            }
        }
    }

    /// The conflicts that forbid activation.
    pub fn blocking(&self) -> impl Iterator<Item = &Conflict> {
        let all = self.conflicts.iter().map(Arc::as_ref);
        all.filter(|conflict| conflict.severity == ConflictSeverity::Blocking)
    }
}
