//! What events teach. Everything here is whole numbers: no rounding decides.

use jiff::{SignedDuration, Timestamp};
use ordain_engine::ledger::Band;
use ordain_ir::{Bound, decimal};
use ordain_store::{
    Debounce, Incident, IncidentSeverity, Lesson, LessonEvent, LessonSeverity, LessonSource, LessonStanding,
    LessonType, NewLesson, Run, RunStatus, RunUse,
};
use serde_json::json;
use uuid::Uuid;

use super::words::{in_short, short_key};

/// Digits after the point of what runs use.
pub(crate) const USE_SCALE: u8 = 6;
/// Where a success is exceptional: below so much of every limit, in hundredths, and sooner than this.
const EASY: i128 = 30;
const QUICK: SignedDuration = SignedDuration::from_secs(5);

/// The parts that all lessons of one event have in common.
struct Event<'a> {
    source: LessonSource,
    path: Option<&'a str>,
    is_synthetic: bool,
    scenario: Option<&'a str>,
    learned_at: Timestamp,
}

impl Event<'_> {
    fn lesson(&self, id: Uuid, lesson_type: LessonType, severity: LessonSeverity, title: &str) -> Lesson {
        Lesson {
            id,
            lesson_type,
            severity,
            source: self.source.clone(),
            title: in_short(title, Lesson::TITLE),
            description: String::new(),
            proposed_action: None,
            detected_pattern: None,
            standing: LessonStanding::Pending,
            is_synthetic: self.is_synthetic,
            synthetic_scenario_id: self.scenario.map(ToOwned::to_owned),
            created_at: self.learned_at,
        }
    }

    fn debounce(&self, lesson_type: LessonType, metric: &str, band: &str) -> Debounce {
        Debounce {
            lesson_type,
            metric: short_key(metric),
            band: band.to_owned(),
            is_synthetic: self.is_synthetic,
        }
    }

    fn failure(&self, id: Uuid, severity: IncidentSeverity, failed: &Failure<'_>) -> NewLesson {
        let mut lesson = self.lesson(id, LessonType::Failure, severity.into(), failed.title);
        let said = match (failed.code, failed.message) {
            (None, None) => String::new(),
            (Some(code), None) => format!(" The error was {code}."),
            (None, Some(message)) => format!(" The error said: {message}"),
            (Some(code), Some(message)) => format!(" The error was {code}: {message}"),
        };
        let policy = failed.policy.map_or_else(String::new, |policy| format!(" It is about `{policy}`."));
        let whose = self.path.map_or_else(String::new, |path| format!(" It was a run of `{path}`."));
        lesson.description = format!("{}.{whose}{policy}{said}", failed.title);
        lesson.proposed_action = Some(match self.path {
            Some(path) => format!("Record or warn about what `{path}` does, with a rule of its own."),
            None => "Record or warn about what agents do, with a rule of its own.".to_owned(),
        });
        let pattern = json!({
            "path": self.path, "error_code": failed.code, "policy_name": failed.policy, "severity": severity
        });
        lesson.detected_pattern = Some(pattern.to_string());
        NewLesson { lesson, debounce: None }
    }

    /// That a limit came near its bound.
    fn near(&self, id: Uuid, near: &Near<'_>) -> NewLesson {
        let Near { metric, band, used, limit, .. } = near;
        let severity = match band {
            Band::Far | Band::Near85 => LessonSeverity::Low,
            Band::Near90 => LessonSeverity::Medium,
            Band::Near95 | Band::Breached => LessonSeverity::High,
        };
        let title = format!("{metric} is at {} % of its bound", band.as_str());
        let mut lesson = self.lesson(id, LessonType::NearThreshold, severity, &title);
        // An event may bring several limits near their bounds.
        lesson.source.event_id = format!("{}/{}", self.source.event_id, short_key(metric));
        let whose = self.path.map_or_else(String::new, |path| format!(" by `{path}`"));
        lesson.description = format!("{used} of {limit} of `{metric}` was used{whose}.");
        lesson.proposed_action =
            Some(format!("Warn from {} % of `{metric}` on, or raise its bound.", floor(*band)));
        let pattern = json!({
            "metric": metric, "band": band.as_str(), "used": used, "limit": limit, "path": self.path,
            "subject": near.subject
        });
        lesson.detected_pattern = Some(pattern.to_string());
        let debounce = self.debounce(LessonType::NearThreshold, metric, band.as_str());
        NewLesson { lesson, debounce: Some(debounce) }
    }
}

struct Failure<'a> {
    title: &'a str,
    code: Option<&'a str>,
    message: Option<&'a str>,
    policy: Option<&'a str>,
}

/// A limit near its bound, with amounts as people write them.
#[derive(Clone, Debug)]
pub(crate) struct Near<'a> {
    pub(crate) metric: &'a str,
    pub(crate) band: Band,
    pub(crate) used: String,
    pub(crate) limit: String,
    /// Whose counter it is, where that is known.
    pub(crate) subject: Option<&'a str>,
}

/// Where a band begins, in hundredths.
pub(super) fn floor(band: Band) -> i64 {
    match band {
        Band::Far => 0,
        Band::Near85 => 85,
        Band::Near90 => 90,
        Band::Near95 | Band::Breached => 95,
    }
}

/// How near a use comes to its bound; beyond it counts as nearest, since a report has no other word for that.
fn band(used: &RunUse) -> Option<Band> {
    match Band::of(Bound::at_most(used.limit), used.used) {
        Band::Far => None,
        Band::Breached => Some(Band::Near95),
        near => Some(near),
    }
}

/// Whether a use is far below its bound.
fn is_easy(used: &RunUse) -> bool {
    i128::from(used.used) * 100 < i128::from(used.limit) * EASY
}

/// What is learned from an incident: that it happened.
pub(super) fn from_incident(incident: &Incident, id: impl FnOnce() -> Uuid) -> Vec<NewLesson> {
    let event = Event {
        source: LessonSource {
            event_type: LessonEvent::Incident,
            event_id: incident.id.to_string(),
            run_id: incident.run_id.clone(),
        },
        path: incident.path.as_deref(),
        is_synthetic: incident.is_synthetic,
        scenario: incident.synthetic_scenario_id.as_deref(),
        learned_at: incident.recorded_at,
    };
    let failed = Failure {
        title: &incident.title,
        code: incident.error_code.as_deref(),
        message: incident.error_message.as_deref(),
        policy: incident.policy_name.as_deref(),
    };
    vec![event.failure(id(), incident.severity, &failed)]
}

/// What is learned from a run: that it failed, that limits came near their bounds, or that it went exceptionally well.
pub(super) fn from_run(run: &Run, id: impl Fn() -> Uuid) -> Vec<NewLesson> {
    let event = Event {
        source: LessonSource {
            event_type: LessonEvent::Run,
            event_id: run.id.to_string(),
            run_id: Some(run.run_id.clone()),
        },
        path: run.path.as_deref(),
        is_synthetic: run.is_synthetic,
        scenario: run.synthetic_scenario_id.as_deref(),
        learned_at: run.recorded_at,
    };
    let mut lessons = vec![];
    if run.status == RunStatus::Failed {
        let failed = Failure {
            title: &format!("run `{}` failed", run.run_id),
            code: run.error_code.as_deref(),
            message: run.error_message.as_deref(),
            policy: None,
        };
        lessons.push(event.failure(id(), run.severity.unwrap_or(IncidentSeverity::Medium), &failed));
    }
    for used in &run.usage {
        if let Some(band) = band(used) {
            let amount = |amount| decimal::format(amount, USE_SCALE, 0);
            let (used_amount, limit) = (amount(used.used), amount(used.limit));
            let near = Near { metric: &used.metric, band, used: used_amount, limit, subject: None };
            lessons.push(event.near(id(), &near));
        }
    }
    if is_exceptional(run) {
        lessons.push(event.success(id(), run));
    }
    lessons
}

/// It succeeded, quickly, and used little of each limit; of at least one that is known.
fn is_exceptional(run: &Run) -> bool {
    let quick = match (run.duration_ms, run.started_at) {
        (Some(duration), _) => SignedDuration::from_millis(duration) < QUICK,
        (None, Some(started)) => run.ended_at.duration_since(started) < QUICK,
        (None, None) => false,
    };
    run.status == RunStatus::Succeeded && quick && !run.usage.is_empty() && run.usage.iter().all(is_easy)
}

impl Event<'_> {
    fn success(&self, id: Uuid, run: &Run) -> NewLesson {
        let title = format!("run `{}` succeeded quickly and with little", run.run_id);
        let mut lesson = self.lesson(id, LessonType::CriticalSuccess, LessonSeverity::None, &title);
        let whose = self.path.map_or_else(String::new, |path| format!(" of `{path}`"));
        lesson.description = format!("It took less than 5 seconds and less than 30 % of every limit{whose}.");
        lesson.proposed_action = Some("Document the practice, so that others find it.".to_owned());
        let pattern = json!({ "path": self.path, "duration_ms": run.duration_ms });
        lesson.detected_pattern = Some(pattern.to_string());
        // A good practice is learned once a day, however often it is kept.
        let whose = self.path.unwrap_or_default();
        let debounce = self.debounce(LessonType::CriticalSuccess, whose, "");
        NewLesson { lesson, debounce: Some(debounce) }
    }
}

/// What is learned from a decision of ours that brought a limit near its bound.
pub(crate) fn from_decision(
    (decision, path, at): (Uuid, &str, Timestamp),
    near: &Near<'_>,
    id: Uuid,
) -> NewLesson {
    let event = Event {
        source: LessonSource {
            event_type: LessonEvent::Decision,
            event_id: decision.to_string(),
            run_id: None,
        },
        path: Some(path),
        is_synthetic: false,
        scenario: None,
        learned_at: at,
    };
    event.near(id, near)
}

#[cfg(test)]
mod tests {
    use ordain_store::conformance::fixtures::at;

    use super::*;

    fn used(used: i64, limit: i64) -> RunUse {
        RunUse { metric: "cap".to_owned(), used, limit }
    }

    fn run(status: RunStatus, duration_ms: Option<i64>, usage: Vec<RunUse>) -> Run {
        Run {
            id: Uuid::nil(),
            run_id: "r".to_owned(),
            path: None,
            status,
            severity: None,
            error_code: None,
            error_message: None,
            started_at: None,
            ended_at: at(0),
            duration_ms,
            usage,
            is_synthetic: false,
            synthetic_scenario_id: None,
            recorded_at: at(0),
        }
    }

    fn types(run: &Run) -> Vec<LessonType> {
        from_run(run, Uuid::nil).iter().map(|new| new.lesson.lesson_type).collect()
    }

    /// By hand: 85 % of 200 is 170, of 3 it is 2.55, of the largest amount whatever `i128` says.
    #[test]
    fn bands_begin_exactly_where_they_say() {
        use Band::{Near85, Near90, Near95};
        for (amount, limit, wanted) in [
            (169, 200, None),
            (170, 200, Some(Near85)),
            (179, 200, Some(Near85)),
            (180, 200, Some(Near90)),
            (190, 200, Some(Near95)),
            (200, 200, Some(Near95)),
            (201, 200, Some(Near95)),
            (2, 3, None),
            (3, 3, Some(Near95)),
            (0, 0, None),
            (1, 0, Some(Near95)),
            (849_999, 1_000_000, None),
            (850_000, 1_000_000, Some(Near85)),
            (i64::MAX, i64::MAX, Some(Near95)),
            (7_839_866_231_326_559_435, i64::MAX, None),
            (7_839_866_231_326_559_436, i64::MAX, Some(Near85)),
        ] {
            assert_eq!(band(&used(amount, limit)), wanted, "{amount} of {limit}");
        }
    }

    #[test]
    fn an_exceptional_success_is_quick_and_easy() {
        use LessonType::{CriticalSuccess, Failure, NearThreshold};
        let succeeded = RunStatus::Succeeded;
        let easy = || vec![used(29, 100), used(0, 1)];
        assert_eq!(types(&run(succeeded, Some(4_999), easy())), [CriticalSuccess]);
        assert_eq!(types(&run(succeeded, Some(5_000), easy())), []);
        assert_eq!(types(&run(succeeded, None, easy())), [], "nobody knows how long it took");
        assert_eq!(types(&run(succeeded, Some(0), vec![])), [], "nobody knows what it used");
        assert_eq!(types(&run(succeeded, Some(0), vec![used(30, 100)])), []);
        assert_eq!(types(&run(succeeded, Some(0), vec![used(0, 0)])), [], "nothing is left of nothing");
        assert_eq!(types(&run(RunStatus::Failed, Some(0), easy())), [Failure]);
        assert_eq!(types(&run(RunStatus::Failed, Some(0), vec![used(9, 10)])), [Failure, NearThreshold]);
        assert_eq!(types(&run(succeeded, Some(0), vec![used(9, 10), used(1, 10)])), [NearThreshold]);
        let mut timed = run(succeeded, None, easy());
        timed.started_at = Some(at(-5));
        assert_eq!(types(&timed), []);
        timed.started_at = Timestamp::from_microsecond(at(-5).as_microsecond() + 1).ok();
        assert_eq!(types(&timed), [CriticalSuccess]);
        timed.duration_ms = Some(60_000);
        assert_eq!(types(&timed), [], "what is said counts");
    }

    #[test]
    fn long_names_fit() {
        let mut long = run(RunStatus::Failed, None, vec![used(9, 10)]);
        long.run_id = "🚀".repeat(500);
        long.usage[0].metric = "🚀".repeat(200);
        for new in from_run(&long, Uuid::nil) {
            assert!(new.lesson.title.chars().count() <= Lesson::TITLE);
            assert!(new.lesson.source.event_id.len() < 600, "fits into an index");
        }
    }
}
