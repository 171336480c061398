//! Policies built by hand, for the suite and for the tests of what stands on stores.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::report::Contradiction;
use ordain_ir::{
    Accumulation, Bound, Bundle, Certainty, Conflict, ConflictSeverity, ConflictType, DependencyEdge,
    DependencyGraph, DependencyType, Enforcement, EnforcementMode, Level, Limit, LimitStatus, Period,
    Policies, PolicyRef, Quantity, Report, Rule, RuleStatus, RuleType, ScopePattern, ScopeSelector, Source,
    SourceMap,
};

use uuid::Uuid;

use crate::{
    Activation, BundleOrigin, Violation, ViolationKind, ViolationSeverity, ViolationSource, ViolationType,
    Voucher, conflict_rank,
};

/// 2026-03-02T10:00:00Z plus so many seconds.
///
/// # Panics
/// Beyond the year 9999.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_445_600 + seconds).expect("within the years of the tests")
}

/// A scope written at this level.
pub fn scope(level: Level) -> ScopeSelector {
    let glob = |text| Some(ordain_ir::Glob::literal(text));
    let mut pattern = ScopePattern::default();
    if level == Level::Provider {
        pattern.provider = glob("openai");
    }
    if matches!(level, Level::Tenant | Level::Project | Level::Agent) {
        pattern.tenant = glob("acme");
    }
    if matches!(level, Level::Project | Level::Agent) {
        pattern.project = glob("support");
    }
    if level == Level::Agent {
        pattern.agent = glob("mailer");
    }
    ScopeSelector::new(vec![pattern], vec![])
}

/// An active, manual, global rule that always speaks.
pub fn rule(name: &str, rule_type: RuleType, enforcement_mode: EnforcementMode) -> Rule {
    Rule::new(name, rule_type, enforcement_mode)
}

/// A quantity by its wording: `TOKENS_DAILY`, `RUNS_HOURLY in Europe/Berlin`, `RUNS_HOURLY rolling`, `RUNS_CONCURRENT`.
fn quantity(wording: &str) -> Quantity {
    let plain = |limit_type: &str| Quantity::parse(limit_type, "USD").expect("a type of limit");
    let adding = |limit_type: &str, how: &dyn Fn(Period) -> Accumulation| match plain(limit_type) {
        Quantity::Accumulated(meter, over) => {
            Quantity::Accumulated(meter, how(over.period().expect("a calendar has one")))
        }
        other => other,
    };
    if let Some(limit_type) = wording.strip_suffix(" rolling") {
        adding(limit_type, &Accumulation::Rolling)
    } else if let Some((limit_type, zone)) = wording.split_once(" in ") {
        adding(limit_type, &|period| Accumulation::Calendar { period, zone: zone.into() })
    } else if let Some(meter) = wording.strip_suffix("_CONCURRENT") {
        adding(&format!("{meter}_DAILY"), &|_| Accumulation::Concurrent)
    } else {
        plain(wording)
    }
}

/// An active, manual, global ceiling that blocks and always speaks; money is in USD.
///
/// # Panics
/// If there is no such type of limit.
pub fn limit(name: &str, limit_type: &str, value: i64) -> Limit {
    Limit::new(name, quantity(limit_type), Bound::at_most(value), Enforcement::Block)
}

/// A set of policies.
pub fn policies(rules: impl IntoIterator<Item = Rule>, limits: impl IntoIterator<Item = Limit>) -> Policies {
    Policies {
        rules: rules.into_iter().map(|rule| (rule.name.clone(), Arc::new(rule))).collect(),
        limits: limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))).collect(),
        ..Policies::default()
    }
}

/// A proved conflict between these policies.
pub fn conflict(conflict_type: ConflictType, severity: ConflictSeverity, policies: &[PolicyRef]) -> Conflict {
    let contradiction =
        (conflict_type == ConflictType::ThresholdContradiction).then_some(Contradiction::Divergent);
    let names: Vec<_> = policies.iter().map(|policy| format!("'{}'", policy.name)).collect();
    Conflict {
        id: Conflict::fingerprint(conflict_type, contradiction, policies),
        code: conflict_type.code(),
        conflict_type,
        contradiction,
        severity,
        certainty: Certainty::Proved,
        policies: policies.to_vec(),
        clauses: std::iter::empty().collect(),
        explanation: format!("{} contradict each other", names.join(" and ")),
        recommended_action: "Change one of them".to_owned(),
        weakens: None,
        uncertainty: None,
        witness: None,
        certificate: None,
        repair: None,
        resolved: false,
        acknowledgement: None,
    }
}

/// Conflicts in the order of their list, of every severity and type, and of names of which some begin others.
pub fn over_names() -> Vec<Conflict> {
    use ConflictSeverity::{Blocking, Warning};
    use ConflictType::{PriorityOverride, ScopeOverlap, TemporalConflict, ThresholdContradiction};
    let kinds = [
        (ThresholdContradiction, Blocking, ["a", "b"]),
        (ScopeOverlap, Warning, ["a", "b"]),
        (ScopeOverlap, Warning, ["a", "b-c"]),
        (ScopeOverlap, Warning, ["a", "b.c"]),
        (ScopeOverlap, Warning, ["a-b", "a"]),
        (ScopeOverlap, Warning, ["ä", "a"]),
        (TemporalConflict, Warning, ["a", "b"]),
        (PriorityOverride, Warning, ["a", "b"]),
    ];
    let of = |name: &str| rule(name, RuleType::Safety, EnforcementMode::Block).reference();
    kinds.map(|(kind, severity, names)| conflict(kind, severity, &names.map(of))).into()
}

/// A dependency.
pub fn edge(from: PolicyRef, to: PolicyRef, dependency_type: DependencyType) -> DependencyEdge {
    let explanation = format!("'{}' depends on '{}'", from.name, to.name);
    DependencyEdge { from, to, dependency_type, explanation }
}

/// A bundle of these parts.
pub fn bundle(policies: Policies, edges: Vec<DependencyEdge>, conflicts: Vec<Conflict>) -> Bundle {
    let mut conflicts: Vec<_> = conflicts.into_iter().map(Arc::new).collect();
    // As reports have them.
    conflicts.sort_by_cached_key(|found| (conflict_rank(found), found.id.clone()));
    Bundle {
        workspace: "fixtures".to_owned(),
        language: "1".to_owned(),
        compiler: "ordain 0.0.0".to_owned(),
        policies,
        dependencies: DependencyGraph { edges },
        analysis: Report { conflicts, ..Report::default() },
        sources: SourceMap::default(),
    }
}

/// The three policies of the audit's section 14.7, with its one conflict and two edges.
pub fn audit_example() -> Bundle {
    let baseline = rule("safety-baseline", RuleType::Safety, EnforcementMode::Block);
    let warning = rule("rate-limit-warning", RuleType::Safety, EnforcementMode::Disabled);
    let ethical = rule("ethical-ai", RuleType::Ethical, EnforcementMode::Warn);
    let mut overlap = conflict(
        ConflictType::ScopeOverlap,
        ConflictSeverity::Warning,
        &[baseline.reference(), warning.reference()],
    );
    "Policy 'safety-baseline' blocks while 'rate-limit-warning' is disabled on same scope"
        .clone_into(&mut overlap.explanation);
    "Align enforcement modes or narrow scopes".clone_into(&mut overlap.recommended_action);
    let mut edges = vec![
        edge(baseline.reference(), warning.reference(), DependencyType::ImplicitScope),
        edge(ethical.reference(), baseline.reference(), DependencyType::ImplicitScope),
    ];
    for edge in &mut edges {
        "Both policies share scope 'GLOBAL'".clone_into(&mut edge.explanation);
    }
    edges.sort();
    bundle(policies([baseline, warning, ethical], []), edges, vec![overlap])
}

/// The activation of a bundle that has passed; its bytes and digest live as long as it.
pub struct Packed {
    /// The bundle.
    pub bundle: Bundle,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its name.
    pub digest: String,
}

impl Packed {
    /// Packs a bundle.
    pub fn new(bundle: Bundle) -> Self {
        let (content, digest) = bundle.to_bytes();
        Self { bundle, content, digest }
    }

    /// Its activation at this instant, with the report and the edges that it carries.
    pub fn activation(&self, at: Timestamp) -> Activation<'_> {
        Activation {
            digest: &self.digest,
            workspace: &self.bundle.workspace,
            language: &self.bundle.language,
            compiler: &self.bundle.compiler,
            content: &self.content,
            policies: &self.bundle.policies,
            conflicts: &self.bundle.analysis.conflicts,
            edges: &self.bundle.dependencies.edges,
            origin: BundleOrigin::Start,
            voucher: Voucher::Nobody,
            at,
        }
    }
}

/// A real violation of a safety rule, of severity 0.5, that a guard saw and recorded at once.
///
/// # Panics
/// Never: a half is below one.
pub fn violation(id: u128, at: Timestamp) -> Violation {
    Violation {
        id: Uuid::from_u128(id),
        violation_type: ViolationType::Safety,
        violation_kind: ViolationKind::Standard,
        source: ViolationSource::Guard,
        severity: ViolationSeverity::from_thousandths(500).expect("is below 1"),
        policy: None,
        path: None,
        run_id: None,
        description: String::new(),
        details: None,
        is_synthetic: false,
        synthetic_scenario_id: None,
        occurred_at: at,
        recorded_at: at,
    }
}

/// Policies with every combination that filters tell apart at least once, and what goes with them.
pub fn varied() -> Packed {
    let mut rules = vec![];
    for (i, rule_type) in RuleType::ALL.iter().enumerate() {
        for (j, mode) in EnforcementMode::ALL.iter().enumerate() {
            let mut rule = rule(&format!("acme.r-{i}{j}"), *rule_type, *mode);
            rule.scope = scope(Level::ALL[(i + j) % 4]);
            rule.source = Source::ALL[(2 * i + j) % 3];
            rule.status = RuleStatus::ALL[usize::from((i * j) % 3 == 2)];
            rule.priority = i64::try_from(j).unwrap_or(0) - 2;
            rules.push(rule);
        }
    }
    let mut limits = vec![];
    for (i, quantity) in Quantity::all("USD").into_iter().enumerate() {
        let mut limit = limit(&format!("acme.l-{i:02}"), &quantity.to_string(), i64::MAX);
        limit.enforcement = Enforcement::ALL[i % Enforcement::ALL.len()];
        limit.scope = scope(Level::ALL[i % Level::ALL.len()]);
        limit.status = LimitStatus::ALL[usize::from(i % 3 == 1)];
        limits.push(limit);
    }
    let mut conflicts = vec![];
    for (i, pair) in rules.windows(2).enumerate() {
        let conflict_type = ConflictType::ALL[i % 4];
        let pair = [pair[0].reference(), pair[1].reference()];
        let mut conflict = conflict(conflict_type, conflict_type.default_severity(), &pair);
        conflict.resolved = conflict.severity == ConflictSeverity::Warning && i % 3 == 0;
        conflicts.push(conflict);
    }
    let edges = rules
        .windows(2)
        .zip(DependencyType::ALL.iter().cycle())
        .map(|(pair, kind)| edge(pair[1].reference(), pair[0].reference(), *kind))
        .collect();
    Packed::new(bundle(policies(rules, limits), edges, conflicts))
}
