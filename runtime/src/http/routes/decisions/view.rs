//! What clients get; written by the engine and the service, described here.
#![expect(dead_code, reason = "these types describe answers that are written elsewhere")]

use jiff::Timestamp;
use ordain_engine::Outcome;
use ordain_engine::ledger::Band;
use ordain_store::counting::Standing;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::schema;

fn words<'w>(words: impl Iterator<Item = &'w str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

pub(super) fn standing() -> Object {
    let closed = [Standing::Settled, Standing::Released, Standing::Expired];
    words(closed.into_iter().map(Standing::as_str))
}

fn outcome() -> Object {
    words(Outcome::ALL.iter().map(|outcome| outcome.as_str()))
}

fn band() -> Object {
    words([Band::Near85, Band::Near90, Band::Near95, Band::Breached].into_iter().map(Band::as_str))
}

fn role() -> Object {
    words(["decided", "agreed", "milder", "outranked", "overridden", "held", "ignored"].into_iter())
}

/// What to do with a request, and why.
#[derive(ToSchema)]
pub(crate) struct DecisionView {
    /// The decision's identity, for settling and releasing.
    id: Uuid,
    /// The client's own name for the request.
    request_id: Option<String>,
    /// The instant for which it was decided.
    at: Timestamp,
    /// The digest of the bundle by which it was decided.
    bundle: String,
    /// What to do.
    #[schema(schema_with = outcome)]
    outcome: Outcome,
    /// Whether the request may go ahead: ALLOW, AUDIT, WARN and DEGRADE. If so, its usage counts.
    admitted: bool,
    /// Whether its usage is held until it is settled.
    reserved: bool,
    /// Until when it is held.
    hold_until: Option<Timestamp>,
    /// Whether it was a rehearsal, and nothing has been counted.
    dry_run: bool,
    /// Whether the database did not answer: counters are unknown, or the bundle may be another by now.
    degraded: bool,
    /// In how many seconds asking again can help, where it can; 1 where others are in the way that may end at any moment.
    retry_after: Option<i64>,
    /// The active rules in whose domain the request is, by name.
    rules: Vec<RuleFindingView>,
    /// The active limits in whose domain the request is, by name.
    limits: Vec<LimitFindingView>,
    /// Limits that would apply if the request said their value; left out if there is none.
    #[schema(required = false)]
    unmeasured: Vec<UnmeasuredView>,
    /// What is wrong with the request, which was decided all the same, failing closed; left out if nothing is.
    #[schema(required = false)]
    faults: Vec<FaultView>,
    /// Limits that the request brings near their bounds for the first time in what counts, or beyond.
    events: Vec<LimitEventView>,
}

/// A rule, and what became of it.
#[derive(ToSchema)]
pub(crate) struct RuleFindingView {
    id: Uuid,
    name: String,
    #[schema(schema_with = schema::rule_type)]
    rule_type: String,
    #[schema(schema_with = schema::enforcement_mode)]
    enforcement_mode: String,
    priority: i64,
    #[schema(schema_with = role)]
    role: String,
    /// The policy that decided instead, of a milder one.
    #[schema(required = false)]
    than: Option<String>,
    /// The policy that outranks or overrides it.
    #[schema(required = false)]
    by: Option<String>,
    /// The parts of its condition because of which it holds.
    #[schema(required = false)]
    because: Vec<String>,
    /// The fact that the request doesn't say, and on which it depends.
    #[schema(required = false)]
    unknown: Option<String>,
    /// Why it has its role, in words.
    reason: String,
}

/// A limit, its value with the request, and what became of it.
#[derive(ToSchema)]
pub(crate) struct LimitFindingView {
    id: Uuid,
    name: String,
    limit_type: String,
    #[schema(schema_with = schema::enforcement)]
    enforcement: String,
    #[schema(schema_with = schema::direction)]
    direction: String,
    bound: String,
    /// The value with this request; null if the counter can't be read.
    value: Option<String>,
    /// How far the value is from breaking the bound; negative beyond it.
    remainder: Option<String>,
    /// The value as a share of the bound.
    utilisation: Option<String>,
    /// Whose counter it is.
    subject: String,
    /// Since when usage counts of an accumulated quantity: where a calendar period begins, or what counts of a rolling one.
    /// Left out for what is concurrent.
    #[schema(required = false)]
    period_start: Option<Timestamp>,
    /// When the calendar period ends, and the limit counts anew.
    #[schema(required = false)]
    period_end: Option<Timestamp>,
    breached: bool,
    /// True where the request's own amount can't be read, so that the bound counts as broken; it is not in the value.
    #[schema(required = false)]
    unread: bool,
    #[schema(schema_with = role)]
    role: String,
    /// The policy that decided instead, of a milder one.
    #[schema(required = false)]
    than: Option<String>,
    /// The policy that overrides it.
    #[schema(required = false)]
    by: Option<String>,
    /// The parts of its condition because of which it holds.
    #[schema(required = false)]
    because: Vec<String>,
    /// The fact that the request doesn't say, and on which it depends.
    #[schema(required = false)]
    unknown: Option<String>,
    /// Why it has its role, in words.
    reason: String,
}

/// A limit without a value.
#[derive(ToSchema)]
pub(crate) struct UnmeasuredView {
    id: Uuid,
    name: String,
    limit_type: String,
    /// What is missing.
    reason: String,
}

/// What is wrong at one place of a request.
#[derive(ToSchema)]
pub(crate) struct FaultView {
    /// Where: `facts.tool.name`, `usage.cost.USD`.
    place: String,
    message: String,
}

/// A limit that comes near its bound, or beyond.
#[derive(ToSchema)]
pub(crate) struct LimitEventView {
    limit: String,
    subject: String,
    /// Since when usage counts, as of the limit.
    #[schema(required = false)]
    period_start: Option<Timestamp>,
    #[schema(schema_with = band)]
    band: String,
    value: String,
    bound: String,
}

/// The answer to one, or to many.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "is never made")]
pub(crate) enum DecisionAnswers {
    One(DecisionView),
    Many(DecisionBatch),
}

/// Answers in the order of the requests.
#[derive(ToSchema)]
pub(crate) struct DecisionBatch {
    decisions: Vec<DecisionOrProblem>,
}

/// One that could not be decided doesn't hold the others up.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum DecisionOrProblem {
    Decision(DecisionView),
    Problem(Problem),
}
