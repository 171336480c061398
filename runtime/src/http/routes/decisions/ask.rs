//! What clients send.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ordain_ir::request::{RequestJson, UsageJson};
use ordain_ir::{FactName, Path};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::problem::ProblemDetail;
use crate::http::schema;
use crate::service::NewDecision;

/// How far a request's instant may lie from now.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// The longest of names, in characters.
const SHORT: usize = 200;
/// For how long usage is held, in seconds: unless something is said, and at most.
const HOLD: u32 = 300;
const LONGEST_HOLD: u32 = 86_400;

/// What an agent asks about.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "path": "acme/support/mailer", "facts": { "tool.name": "send_email" }, "usage": { "tokens": 1200 },
    "request_id": "run-17-step-3", "reserve": true
}))]
pub(crate) struct DecisionAsk {
    /// Who asks: `tenant/project/agent`; a backslash before a slash or a backslash that belongs to a name.
    #[schema(schema_with = schema::path)]
    path: Path,
    /// The model provider that it goes to, if any.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    provider: Option<String>,
    /// The instant of the request: within five minutes of now, or any since 1970 in a rehearsal; now, if nothing is
    /// said.
    #[serde(default)]
    at: Option<Timestamp>,
    /// Values by fact name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    facts: BTreeMap<FactName, Value>,
    /// What it uses.
    #[serde(default)]
    #[schema(value_type = UsageAsk)]
    usage: UsageJson,
    /// Your own name for this request. Asked again under it, the answer is the same and nothing counts twice; so give one
    /// if you may have to try again.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    request_id: Option<String>,
    /// Whether the usage is held until it is settled, instead of counted for good.
    #[serde(default)]
    #[schema(required = false)]
    reserve: bool,
    /// For how many seconds it is held at most; 300, if nothing is said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86_400)]
    hold_seconds: Option<u32>,
    /// Whether it is a rehearsal: decided by the counters as they are, but nothing is counted or recorded.
    #[serde(default)]
    #[schema(required = false)]
    dry_run: bool,
}

/// What is used: amounts as whole numbers or decimal text. One that can't be read, as a negative one, is a fault of a
/// request, which is decided all the same; a settlement with one is refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a part of bodies that is read as the engine's own type")]
pub(crate) struct UsageAsk {
    /// Runs; 1, if nothing is said.
    runs: Option<i64>,
    /// Tokens; 0, if nothing is said.
    tokens: Option<i64>,
    /// Money by currency, as decimal text.
    #[schema(required = false)]
    cost: BTreeMap<String, String>,
    /// Declared meters by name: `"3"`, `"4.50 USD"`, `"30s"`.
    #[schema(required = false)]
    meters: BTreeMap<String, String>,
    /// The risk, as decimal text.
    risk: Option<String>,
    /// How long ago the agent last ran, if the server can't know: `30s`.
    since_last_run: Option<String>,
}

/// One, or 1 to 100.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "describes a body; `OneOrMany` reads it")]
pub(crate) enum DecisionAsks {
    One(DecisionAsk),
    Many(Vec<DecisionAsk>),
}

/// Whether a text can stand in every store and in every log.
fn is_plain(text: &str) -> bool {
    (1..=SHORT).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl DecisionAsk {
    /// What it asks, or everything that is wrong with it; under this name, if it has none of its own.
    pub(super) fn checked(
        mut self,
        place: &str,
        name: Option<String>,
        now: Timestamp,
    ) -> Result<NewDecision, Vec<ProblemDetail>> {
        self.request_id = self.request_id.or(name);
        let mut wrong = vec![];
        let mut add = |field: &str, detail: String| {
            wrong.push(ProblemDetail::in_body(format!("{place}/{field}"), detail));
        };
        let segments = [&self.path.tenant, &self.path.project, &self.path.agent];
        if !segments.iter().all(|segment| is_plain(segment)) {
            let wanted = format!("segments of 1 to {SHORT} characters without control characters");
            add("path", format!("`path` wants {wanted}"));
        }
        for (field, text) in [("provider", &self.provider), ("request_id", &self.request_id)] {
            if text.as_ref().is_some_and(|text| !is_plain(text)) {
                add(field, format!("`{field}` wants 1 to {SHORT} characters and no control characters"));
            }
        }
        if let Some(at) = self.at {
            let fits = if self.dry_run {
                at >= Timestamp::UNIX_EPOCH
            } else {
                at.duration_since(now).abs() <= APART
            };
            let wanted = if self.dry_run {
                "which is before 1970"
            } else {
                "which is more than five minutes from now; is the clock right? `dry_run` takes any instant"
            };
            if !fits {
                add("at", format!("`at` is {at}, {wanted}"));
            }
        }
        if self.reserve && self.dry_run {
            add("reserve", "a rehearsal (`dry_run`) can't `reserve` anything".to_owned());
        }
        if let Some(seconds) = self.hold_seconds {
            if !self.reserve {
                add("hold_seconds", "`hold_seconds` wants `reserve`".to_owned());
            } else if !(1..=LONGEST_HOLD).contains(&seconds) {
                let detail = format!("`hold_seconds` is {seconds}; it wants 1 to {LONGEST_HOLD}");
                add("hold_seconds", detail);
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let fingerprint = *blake3::hash(&serde_json::to_vec(&self).expect("was JSON before")).as_bytes();
        let hold = SignedDuration::from_secs(self.hold_seconds.unwrap_or(HOLD).into());
        Ok(NewDecision {
            request: RequestJson {
                path: self.path,
                provider: self.provider,
                at: self.at.unwrap_or(now),
                facts: Arc::new(self.facts.into_iter().collect()),
                usage: self.usage,
            },
            request_id: self.request_id,
            fingerprint,
            hold: self.reserve.then_some(hold),
            dry_run: self.dry_run,
        })
    }
}
