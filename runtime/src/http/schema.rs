//! Parts of answers that several routes share, and their schemas.

use ordain_ir::{
    AccumulationKind, Category, Certainty, ConflictSeverity, ConflictType, DependencyEdge, DependencyType,
    Direction, Enforcement, EnforcementMode, Level, LimitStatus, Override, Partition, Period, PolicyId,
    PolicyKind, PolicyRef, RuleStatus, RuleType, Source, Window, report::Contradiction,
};
use ordain_store::{
    BundleOrigin, IncidentSeverity, LessonEvent, LessonSeverity, LessonStatus, LessonType,
    PanelAlertSeverity, PanelAlertType, PanelStatus, PrincipalKind, ProposalStatus, RunStatus, ViolationKind,
    ViolationSource, ViolationType,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use uuid::Uuid;

/// Schemas of the wire's enumerations, by the name of the field that they are used for.
macro_rules! words {
    ($($function:ident: $name:ty),+ $(,)?) => {$(
        pub(crate) fn $function() -> Object {
            let words = <$name>::ALL.iter().map(|word| word.as_str());
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
        }
    )+};
}

words! {
    accumulation: AccumulationKind,
    category: Category,
    certainty: Certainty,
    conflict_type: ConflictType,
    contradiction: Contradiction,
    dependency_type: DependencyType,
    direction: Direction,
    enforcement: Enforcement,
    enforcement_mode: EnforcementMode,
    incident_severity: IncidentSeverity,
    kind: PolicyKind,
    lesson_event: LessonEvent,
    lesson_severity: LessonSeverity,
    lesson_status: LessonStatus,
    lesson_type: LessonType,
    level: Level,
    limit_status: LimitStatus,
    panel_alert_severity: PanelAlertSeverity,
    panel_alert_type: PanelAlertType,
    panel_status: PanelStatus,
    partition: Partition,
    period: Period,
    principal_kind: PrincipalKind,
    proposal_status: ProposalStatus,
    bundle_origin: BundleOrigin,
    rule_status: RuleStatus,
    run_status: RunStatus,
    rule_type: RuleType,
    severity: ConflictSeverity,
    source: Source,
    violation_kind: ViolationKind,
    violation_source: ViolationSource,
    violation_type: ViolationType,
}

/// The same, or null.
macro_rules! words_or_null {
    ($($function:ident: $words:ident),+ $(,)?) => {$(
        pub(crate) fn $function() -> Object {
            let mut words = $words();
            words.schema_type = SchemaType::Array(vec![Type::String, Type::Null]);
            words.enum_values.get_or_insert_default().push(serde_json::Value::Null);
            words
        }
    )+};
}

words_or_null! {
    accumulation_or_null: accumulation,
    contradiction_or_null: contradiction,
    enforcement_or_null: enforcement,
    enforcement_mode_or_null: enforcement_mode,
    incident_severity_or_null: incident_severity,
    period_or_null: period,
    rule_type_or_null: rule_type,
}

/// A kind of violation, where nothing said means `STANDARD`.
pub(crate) fn violation_kind_or_standard() -> Object {
    let mut kinds = violation_kind();
    kinds.default = Some(ViolationKind::Standard.as_str().into());
    kinds
}

/// A path of a request, in segments of 1 to 200 characters, none of them a control character.
pub(crate) fn path() -> Object {
    let segment = r"(?:[^/\\\u0000-\u001f\u007f-\u009f]|\\[^\u0000-\u001f\u007f-\u009f]){1,200}";
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^{segment}/{segment}/{segment}$")))
        .build()
}

/// A dependency, seen from one of its ends.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Relation {
    /// The policy at the other end.
    pub(crate) policy_id: Uuid,
    /// Its full name.
    pub(crate) policy_name: String,
    /// Why there is a dependency.
    #[schema(schema_with = dependency_type)]
    pub(crate) dependency_type: DependencyType,
    /// The same in words.
    pub(crate) explanation: String,
}

impl Relation {
    fn new(edge: &DependencyEdge, other: &PolicyRef) -> Self {
        Self {
            policy_id: other.id.0,
            policy_name: other.name.to_string(),
            dependency_type: edge.dependency_type,
            explanation: edge.explanation.clone(),
        }
    }

    /// What the policy depends on.
    pub(crate) fn depends_on(id: PolicyId, edges: &[DependencyEdge]) -> Vec<Self> {
        edges.iter().filter(|edge| edge.from.id == id).map(|edge| Self::new(edge, &edge.to)).collect()
    }

    /// What depends on the policy.
    pub(crate) fn required_by(id: PolicyId, edges: &[DependencyEdge]) -> Vec<Self> {
        edges.iter().filter(|edge| edge.to.id == id).map(|edge| Self::new(edge, &edge.from)).collect()
    }
}

/// A policy that gives way.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OverrideView {
    /// Its full name.
    pub(crate) policy_name: String,
    /// Why.
    pub(crate) because: Option<String>,
}

impl OverrideView {
    pub(crate) fn of(overrides: &[Override]) -> Vec<Self> {
        let view = |o: &Override| Self { policy_name: o.policy.to_string(), because: o.because.clone() };
        overrides.iter().map(view).collect()
    }
}

/// The `active` clauses of a window as in source; none means always.
pub(crate) fn clauses(window: &Window) -> Vec<String> {
    window.clauses.iter().map(ToString::to_string).collect()
}

/// A value of the intermediate representation as JSON.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).expect("every key is a string and every number is finite")
}

/// `part / whole` in units of one `scale`th, rounded down, as the number that JSON writes: the nearest to a decimal
/// fraction, so its shortest spelling is that fraction.
pub(crate) fn ratio(part: u64, whole: u64, scale: u32) -> f64 {
    let scaled = (u128::from(part) * u128::from(scale)).checked_div(whole.into()).unwrap_or(0);
    // Beyond what 64-bit floats hold exactly nobody counts.
    #[expect(clippy::cast_precision_loss, reason = "the quotient of two counts is far below 2^53")]
    let scaled = scaled as f64;
    scaled / f64::from(scale)
}
