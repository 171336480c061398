//! What clients hand in, one or many at once: read strictly, and recorded all or none.

pub(in crate::http) mod incidents;
pub(in crate::http) mod runs;
pub(in crate::http) mod violations;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::problem::{ErrorCode, Problem, ProblemDetail};
use crate::service::Ingested;

/// How many may be handed in at once.
const MOST: usize = 1_000;
/// How far a client's clock may run ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// The longest of names and paths, and of descriptions, in characters.
const SHORT: usize = 500;
const LONG: usize = 10_000;

/// Something that is handed in.
trait Report: Sized {
    /// Several of it, in words.
    const WHAT: &'static str;
    /// What it says, once it is known to be fine.
    type Checked;

    /// What it says; where something is wrong, `checks` has it, and the answer doesn't matter.
    fn checked(self, checks: &mut Checks, now: Timestamp) -> Option<Self::Checked>;
}

/// What is wrong with one report.
struct Checks {
    /// Where the report stands in the body, as a JSON pointer.
    place: String,
    wrong: Vec<ProblemDetail>,
}

impl Checks {
    fn add(&mut self, field: &str, detail: impl Into<String>) {
        self.wrong.push(ProblemDetail::in_body(format!("{}/{field}", self.place), detail));
    }

    /// A name, a path, a title: one line that isn't empty.
    fn short(&mut self, field: &str, text: Option<&str>) {
        let fits =
            |text: &str| (1..=SHORT).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if !text.is_none_or(fits) {
            self.add(field, format!("`{field}` wants 1 to {SHORT} characters and no control characters"));
        }
    }

    fn long(&mut self, field: &str, text: Option<&str>) {
        if text.is_some_and(|text| text.chars().count() > LONG || text.contains('\0')) {
            let detail = format!("`{field}` wants {LONG} characters at most, and none of them U+0000");
            self.add(field, detail);
        }
    }

    fn instant(&mut self, field: &str, at: Option<Timestamp>, now: Timestamp) {
        if let Some(at) = at.filter(|at| *at < Timestamp::UNIX_EPOCH || *at > now + AHEAD) {
            let detail = "which is not between 1970 and now; is the client's clock right?";
            self.add(field, format!("`{field}` is {at}, {detail}"));
        }
    }
}

/// What all of them say, or everything that is wrong with them.
fn checked<R: Report>(reports: Vec<R>, now: Timestamp) -> Result<Vec<R::Checked>, Problem> {
    let many = reports.len();
    if !(1..=MOST).contains(&many) {
        let detail = format!("the body has {many} {}; hand in 1 to {MOST} at once", R::WHAT);
        return Err(Problem::of_details(ErrorCode::InvalidBody, vec![ProblemDetail::in_body("", detail)]));
    }
    let (mut fine, mut wrong) = (vec![], vec![]);
    for (i, report) in reports.into_iter().enumerate() {
        let place = if many == 1 { String::new() } else { format!("/{i}") };
        let mut checks = Checks { place, wrong: vec![] };
        fine.extend(report.checked(&mut checks, now));
        wrong.append(&mut checks.wrong);
    }
    if wrong.is_empty() { Ok(fine) } else { Err(Problem::of_details(ErrorCode::InvalidBody, wrong)) }
}

/// What became of events that were handed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestedView {
    /// How many are new.
    recorded: u64,
    /// How many were there already and stay as they were.
    duplicates: u64,
    /// How many lessons were learned from those that are new.
    lessons: u64,
    /// The events' identities, in the order in which they came.
    ids: Vec<Uuid>,
}

impl IngestedView {
    fn new(Ingested { count, ids }: Ingested) -> Self {
        let (events, lessons) = (count.events, count.lessons);
        Self { recorded: events.recorded, duplicates: events.duplicates, lessons, ids }
    }
}
