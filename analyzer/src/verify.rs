//! Re-checking a report's evidence without the solver and without what found it: witnesses by the decision engine,
//! certificates by exact arithmetic. What only the algebra can tell (that a domain lies within another) is not
//! re-checked, and counted.

use std::sync::Arc;

use ordain_engine::{Engine, Predicate};
use ordain_ir::report::{Certificate, Contradiction, Witness};
use ordain_ir::{
    Certainty, Conflict, ConflictSeverity, ConflictType, EnforcementMode, Gap, Limit, LimitStatus, Policies,
    PolicyId, PolicyKind, PolicyName, Report, Request, RuleStatus,
};

use crate::empty::certificate::{self, pointwise};

/// What became of the evidence of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Witnesses that the engine confirms.
    pub witnesses: u64,
    /// Certificates that add up to a falsehood, line by line as the policies and axioms say.
    pub certificates: u64,
    /// Conflicts and gaps that are only suspected, so that they claim no proof.
    pub suspected: u64,
    /// Evidence that is wrong: about what, and why.
    pub refused: Vec<Refusal>,
}

/// Evidence that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// The conflict's fingerprint, or the obligation's package.
    pub about: String,
    /// The policies that it names.
    pub policies: Vec<PolicyName>,
    /// What is wrong with it.
    pub reason: String,
}

/// Re-checks the evidence of a report about these policies.
pub fn verify(policies: &Policies, report: &Report) -> Verified {
    let mut out = Verified::default();
    let engine = match Engine::new(Arc::new(policies.clone())) {
        Ok(engine) => engine,
        Err(error) => {
            out.refused.push(Refusal {
                about: "the policies".to_owned(),
                policies: vec![],
                reason: format!("they can't decide anything: {error}"),
            });
            return out;
        }
    };
    let checker = Checker { policies, engine };
    for conflict in &report.conflicts {
        let names = conflict.policies.iter().map(|policy| policy.name.clone()).collect();
        match checker.conflict(conflict) {
            Ok(()) => {
                out.witnesses += u64::from(conflict.witness.is_some());
                out.certificates += u64::from(conflict.certificate.is_some());
                out.suspected += u64::from(conflict.certainty == Certainty::Suspected);
            }
            Err(reason) => {
                out.refused.push(Refusal { about: conflict.id.clone(), policies: names, reason });
            }
        }
    }
    for gap in &report.gaps {
        match checker.gap(gap) {
            Ok(()) => {
                out.witnesses += u64::from(gap.witness.is_some());
                out.suspected += u64::from(gap.certainty == Certainty::Suspected);
            }
            Err(reason) => {
                let about = gap.obligation.package.clone();
                out.refused.push(Refusal { about, policies: vec![], reason });
            }
        }
    }
    out
}

struct Checker<'a> {
    policies: &'a Policies,
    engine: Engine,
}

impl Checker<'_> {
    fn conflict(&self, conflict: &Conflict) -> Result<(), String> {
        let proved = conflict.certainty == Certainty::Proved;
        if conflict.severity == ConflictSeverity::Blocking && !proved {
            return Err("it is BLOCKING and not proved".to_owned());
        }
        if proved && conflict.witness.is_none() && conflict.certificate.is_none() {
            return Err("it is called proved, with neither a witness nor a certificate".to_owned());
        }
        if conflict.policies.len() < 2 {
            return Err("it names fewer than two policies".to_owned());
        }
        for policy in &conflict.policies {
            let there = match policy.kind {
                PolicyKind::Rule => {
                    self.policies.rules.get(&policy.name).is_some_and(|it| it.status == RuleStatus::Active)
                }
                PolicyKind::Limit => {
                    self.policies.limits.get(&policy.name).is_some_and(|it| it.status == LimitStatus::Active)
                }
            };
            if !there || policy.id != PolicyId::of(&policy.name) {
                return Err(format!("it names `{}`, of which there is no such active policy", policy.name));
            }
        }
        let id = Conflict::fingerprint(conflict.conflict_type, conflict.contradiction, &conflict.policies);
        if id != conflict.id || conflict.code != conflict.conflict_type.code() {
            return Err("its fingerprint or its code is another's".to_owned());
        }
        self.attributes(conflict)?;
        if let Some(witness) = &conflict.witness {
            self.witness(conflict, witness)?;
        }
        match &conflict.certificate {
            None => Ok(()),
            Some(proof) => self.certificate(conflict, proof),
        }
    }

    /// What the policies' own attributes must be for a conflict of this type.
    fn attributes(&self, conflict: &Conflict) -> Result<(), String> {
        let rules: Vec<_> =
            conflict.policies.iter().filter_map(|policy| self.policies.rules.get(&policy.name)).collect();
        let limits: Vec<_> =
            conflict.policies.iter().filter_map(|policy| self.policies.limits.get(&policy.name)).collect();
        let fits = match (&*rules, &*limits, conflict.conflict_type) {
            ([a, b], [], kind) => {
                let windowed = !a.window.is_always() || !b.window.is_always();
                let of_type = match kind {
                    ConflictType::PriorityOverride => a.priority != b.priority,
                    ConflictType::TemporalConflict => a.priority == b.priority && windowed,
                    ConflictType::ScopeOverlap => a.priority == b.priority && !windowed,
                    ConflictType::ThresholdContradiction => false,
                };
                a.rule_type == b.rule_type && a.enforcement_mode != b.enforcement_mode && of_type
            }
            ([], limits, ConflictType::ThresholdContradiction)
                if conflict.contradiction == Some(Contradiction::Empty) =>
            {
                limits.iter().all(|limit| limit.enforcement.is_hard())
            }
            ([], [a, b], kind) => {
                let same = a.quantity == b.quantity && a.bound.direction == b.bound.direction;
                let divergent = (a.partition, a.enforcement) == (b.partition, b.enforcement)
                    && a.bound.value != b.bound.value;
                same && (divergent || kind != ConflictType::ThresholdContradiction)
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err("its policies can't be in a conflict of this type".to_owned()) }
    }

    fn request(&self, witness: &Witness) -> Result<Request, String> {
        Request::from_json(witness.request.clone(), &self.policies.facts, &self.policies.meters)
            .map_err(|error| format!("its witness is no request: {error}"))
    }

    fn witness(&self, conflict: &Conflict, witness: &Witness) -> Result<(), String> {
        let request = self.request(witness)?;
        for policy in &conflict.policies {
            match self.engine.in_domain(&policy.name, &request) {
                Ok(true) => {}
                Ok(false) => return Err(format!("its witness is not in the domain of `{}`", policy.name)),
                Err(error) => return Err(format!("its witness can't be decided: {error}")),
            }
        }
        Ok(())
    }

    fn certificate(&self, conflict: &Conflict, proof: &Certificate) -> Result<(), String> {
        if conflict.contradiction != Some(Contradiction::Empty) {
            return Err("it has a certificate, but contradicts nothing".to_owned());
        }
        let limits: Vec<&Limit> = conflict
            .policies
            .iter()
            .filter_map(|policy| self.policies.limits.get(&policy.name))
            .map(|limit| &**limit)
            .collect();
        let named = |id: &PolicyId| limits.iter().any(|limit| limit.id() == *id);
        if !proof.inequalities.iter().filter_map(|it| it.policy.as_ref()).all(named) {
            return Err("its certificate speaks of other policies".to_owned());
        }
        if limits.iter().all(|limit| limit.quantity.is_pointwise()) {
            // Of one request's value, both must speak of one request.
            if conflict.certainty == Certainty::Proved && conflict.witness.is_none() {
                return Err("it has no request of which all of its limits speak".to_owned());
            }
            return pointwise::check(proof, &limits).map_err(|error| error.to_string());
        }
        certificate::check(proof, self.policies).map_err(|error| error.to_string())
    }

    fn gap(&self, gap: &Gap) -> Result<(), String> {
        let Some(witness) = &gap.witness else {
            return match gap.certainty {
                Certainty::Proved => Err("a gap is called proved, without a witness".to_owned()),
                Certainty::Suspected => Ok(()),
            };
        };
        let request = self.request(witness)?;
        let obligation = &gap.obligation;
        if !obligation.scope.contains(&request.path, request.provider.as_deref()) {
            return Err("the witness of a gap lies outside of what must be covered".to_owned());
        }
        let condition = Predicate::new(&obligation.condition, &self.policies.facts);
        let meant = condition.map_err(|error| error.to_string())?.evaluate(&request);
        if meant.map_err(|error| error.to_string())? != Some(true) {
            return Err("the witness of a gap is none of the requests that must be covered".to_owned());
        }
        for rule in self.policies.rules.values() {
            let covers = rule.rule_type == obligation.rule_type
                && rule.status == RuleStatus::Active
                && rule.enforcement_mode != EnforcementMode::Disabled;
            if covers && self.engine.in_domain(&rule.name, &request).map_err(|error| error.to_string())? {
                return Err(format!("`{}` covers the witness of a gap", rule.name));
            }
        }
        Ok(())
    }
}
