//! The 25 panels: what each asks, and which request answers it.

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Its identity: `POL-GOV-ACT-O1`.
    pub id: &'static str,
    /// GOVERNANCE or LIMITS.
    pub subdomain: &'static str,
    /// ACTIVE, DRAFTS, `POLICY_LIBRARY`, THRESHOLDS or VIOLATIONS.
    pub topic: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// The capability that answers it.
    pub capability: &'static str,
    /// The request that answers it.
    pub request: &'static str,
}

/// How a capability came to be relied on.
pub(crate) const DECLARED: &str = "DECLARED";

macro_rules! panels {
    ($($subdomain:ident / $topic:ident { $($id:literal $question:literal $capability:literal $request:literal)+ })+) => {
        /// Every panel, in order.
        pub const PANELS: &[Panel] = &[$($(Panel {
            id: $id,
            subdomain: stringify!($subdomain),
            topic: stringify!($topic),
            question: $question,
            capability: $capability,
            request: $request,
        }),+),+];
    };
}

panels! {
    GOVERNANCE / ACTIVE {
        "POL-GOV-ACT-O1" "What policy proposals exist?" "policies.proposals_list"
            "/api/v1/policy-proposals"
        "POL-GOV-ACT-O2" "Policy proposal statistics?" "policies.proposals_summary"
            "/api/v1/policy-proposals/stats/summary"
        "POL-GOV-ACT-O3" "What policy requests are pending?" "policies.requests_list"
            "/api/v1/policies/requests"
        "POL-GOV-ACT-O4" "What is the policy layer state?" "policies.state"
            "/api/v1/policies/state"
        "POL-GOV-ACT-O5" "What are the policy layer metrics?" "policies.metrics"
            "/api/v1/policies/metrics"
    }
    GOVERNANCE / DRAFTS {
        "POL-GOV-DFT-O1" "What draft proposals exist?" "policies.drafts_list"
            "/api/v1/policy-proposals?status=draft"
        "POL-GOV-DFT-O2" "What policy versions exist?" "policies.versions_list"
            "/api/v1/policy-proposals/versions"
        "POL-GOV-DFT-O3" "What is the current policy version?" "policies.current_version"
            "/api/v1/policy-proposals/versions?current=true"
        "POL-GOV-DFT-O4" "What policy conflicts exist?" "policies.conflicts"
            "/api/v1/policies/conflicts"
        "POL-GOV-DFT-O5" "What policy dependencies exist?" "policies.dependencies"
            "/api/v1/policies/dependencies"
    }
    GOVERNANCE / POLICY_LIBRARY {
        "POL-GOV-LIB-O1" "What safety rules are defined?" "policies.safety_rules"
            "/api/v1/policies/rules?rule_type=SAFETY"
        "POL-GOV-LIB-O2" "What ethical constraints exist?" "policies.ethical_constraints"
            "/api/v1/policies/rules?rule_type=ETHICAL"
        "POL-GOV-LIB-O3" "What active policies are adopted?" "policies.active_policies"
            "/api/v1/policies/rules?status=ACTIVE"
        "POL-GOV-LIB-O4" "What guard policies exist?" "policies.guard_policies"
            "/api/v1/policies/rules?source=SYSTEM"
        "POL-GOV-LIB-O5" "What temporal policies exist?" "policies.temporal_policies"
            "/api/v1/policies/rules?rule_type=TEMPORAL"
    }
    LIMITS / THRESHOLDS {
        "POL-LIM-THR-O1" "What risk ceilings are set?" "policies.risk_ceilings"
            "/api/v1/policies/limits?limit_type=RISK_CEILING"
        "POL-LIM-THR-O2" "What budgets are configured?" "policies.budgets"
            "/api/v1/policies/budgets"
        "POL-LIM-THR-O3" "What run quotas exist?" "policies.quota_runs"
            "/api/v1/policies/limits?limit_type=RUNS_*"
        "POL-LIM-THR-O4" "What token quotas exist?" "policies.quota_tokens"
            "/api/v1/policies/limits?limit_type=TOKENS_*"
        "POL-LIM-THR-O5" "What cooldowns are configured?" "policies.cooldowns_list"
            "/api/v1/policies/limits?limit_type=COOLDOWN"
    }
    LIMITS / VIOLATIONS {
        "POL-LIM-VIO-O1" "What violations occurred?" "policies.violations"
            "/api/v1/policies/violations"
        "POL-LIM-VIO-O2" "What cost incidents occurred?" "policies.cost_violations"
            "/api/v1/policies/violations?source=cost"
        "POL-LIM-VIO-O3" "What simulated incidents exist?" "policies.sim_violations"
            "/api/v1/policies/violations?source=sim&include_synthetic=true"
        "POL-LIM-VIO-O4" "What anomalies were detected?" "policies.anomaly_violations"
            "/api/v1/policies/violations?violation_kind=ANOMALY"
        "POL-LIM-VIO-O5" "What divergence was observed?" "policies.divergence_violations"
            "/api/v1/policies/violations?violation_kind=DIVERGENCE"
    }
}
