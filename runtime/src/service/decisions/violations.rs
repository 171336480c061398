//! What a decision says about policies that were not kept.

use ordain_engine::{Decision, LimitFinding, Role};
use ordain_ir::{Enforcement, EnforcementMode, Meter, MeterUnit, PolicyId, Quantity, RuleType};
use ordain_store::{
    ViolatedPolicy, Violation, ViolationKind, ViolationSeverity, ViolationSource, ViolationType,
};
use serde_json::json;
use uuid::Uuid;

use super::deciding::{Asked, is_counted};

/// In thousandths: what stops a request, what lets it wait or gives it less, and what warns.
const STOPS: i64 = 800;
const SLOWS: i64 = 500;
const WARNS: i64 = 300;

/// One for each rule that speaks and blocks or warns, and for each limit that speaks and is breached. What nobody could
/// measure is no breach.
pub(super) fn of(decision: &Decision, asked: &Asked, blind: bool) -> Vec<Violation> {
    let speaks = |role: &Role| matches!(role, Role::Decided | Role::Agreed | Role::Milder { .. });
    let made = |id: PolicyId, name: String, kind, severity, description: String| Violation {
        id: identity(asked.id, id),
        violation_type: kind,
        violation_kind: ViolationKind::Standard,
        source: ViolationSource::Runtime,
        severity: ViolationSeverity::from_thousandths(severity).unwrap_or_default(),
        policy: Some(ViolatedPolicy { id, name }),
        path: Some(asked.path.clone()),
        run_id: None,
        description,
        details: Some(json!({ "decision_id": asked.id, "outcome": decision.outcome }).to_string()),
        is_synthetic: false,
        synthetic_scenario_id: None,
        occurred_at: asked.at,
        recorded_at: asked.now,
    };
    let rules = decision.rules.iter().filter(|finding| speaks(&finding.role)).filter_map(|finding| {
        let rule = &finding.rule;
        let severity = match rule.enforcement_mode {
            EnforcementMode::Block => STOPS,
            EnforcementMode::Warn => WARNS,
            EnforcementMode::Audit | EnforcementMode::Disabled => return None,
        };
        let kind = match rule.rule_type {
            RuleType::System | RuleType::Safety => ViolationType::Safety,
            RuleType::Ethical => ViolationType::Ethical,
            RuleType::Temporal => ViolationType::Temporal,
        };
        Some(made(finding.id, rule.name.to_string(), kind, severity, finding.reason()))
    });
    let breached = |finding: &&LimitFinding| {
        finding.breached && speaks(&finding.role) && !(blind && is_counted(&finding.limit))
    };
    let limits = decision.limits.iter().filter(breached).map(|finding| {
        let limit = &finding.limit;
        let severity = match limit.enforcement {
            Enforcement::Block | Enforcement::Reject => STOPS,
            Enforcement::Queue | Enforcement::Degrade => SLOWS,
            Enforcement::Warn | Enforcement::Alert => WARNS,
        };
        made(finding.id, limit.name.to_string(), kind_of(&limit.quantity), severity, finding.reason())
    });
    rules.chain(limits).collect()
}

fn kind_of(quantity: &Quantity) -> ViolationType {
    match quantity {
        Quantity::RiskCeiling => ViolationType::Safety,
        Quantity::Cooldown => ViolationType::Rate,
        Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => match meter {
            Meter::Cost(_) | Meter::Declared { unit: MeterUnit::Money(_), .. } => ViolationType::Cost,
            Meter::Runs | Meter::Tokens | Meter::Declared { .. } => ViolationType::Quota,
        },
    }
}

/// The same for the same decision and policy, so that nothing is recorded twice.
fn identity(decision: Uuid, policy: PolicyId) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("ordain violation of a decision v1");
    hasher.update(decision.as_bytes());
    hasher.update(policy.0.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
