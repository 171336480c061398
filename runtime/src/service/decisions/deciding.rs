//! One decision: what it asks of the counters, what it says once it knows them, and what it leaves behind.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use ordain_engine::ledger::{Band, Effect};
use ordain_engine::{
    Answer, CounterRef, Counters, Engine, Fault, LimitFinding, LimitPart, NoCounters, Outcome, Part,
    Prepared, Room, RuleFinding, Span, SubjectRef, Unmeasured,
};
use ordain_ir::{Direction, Enforcement, Limit, Meter, Quantity, Source, Usage};
use ordain_store::counting::{Charge, CounterRange, Verdict};
use ordain_store::{Counted, CounterKey, Decide, RunKey, Violation};
use serde::Serialize;
use uuid::Uuid;

use super::engines::Loaded;
use super::violations;

/// What is said of a limit that comes near its bound, or beyond.
#[derive(Debug, Serialize)]
struct Event {
    limit: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_start: Option<Timestamp>,
    band: Band,
    value: String,
    bound: String,
}

/// A quota on runs, as header fields tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The limit.
    pub limit: String,
    /// How many runs a period may have, or may be under way at once.
    pub quota: i64,
    /// How many are left.
    pub remaining: i64,
    /// The period; none where it is about runs at once.
    pub window: Option<RateWindow>,
}

/// The period of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateWindow {
    /// How long it is, in seconds.
    pub seconds: i64,
    /// In how many seconds the whole quota is there again.
    pub reset: i64,
}

/// A limit that came near its bound, and didn't break it.
#[derive(Clone, Debug)]
pub(super) struct Nearing {
    pub(super) limit: String,
    pub(super) subject: String,
    pub(super) band: Band,
    pub(super) value: String,
    pub(super) bound: String,
}

/// What a decision leaves behind beside its answer.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) outcome: Outcome,
    pub(super) violations: Vec<Violation>,
    pub(super) bands: Vec<Band>,
    pub(super) nearing: Vec<Nearing>,
    pub(super) rates: Vec<Rate>,
}

/// What is known of a request before it is decided.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: Uuid,
    pub(super) request_id: Option<String>,
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) path: String,
    pub(super) usage: Usage,
    pub(super) hold_until: Option<Timestamp>,
    pub(super) dry_run: bool,
    /// Whether the bundle may be another by now, since the store doesn't answer.
    pub(super) unconfirmed: bool,
    pub(super) faults: Vec<Fault>,
}

/// A request that is ready to be decided, as soon as the counters are known.
pub(super) struct Deciding {
    pub(super) loaded: Arc<Loaded>,
    pub(super) asked: Asked,
    prepared: Prepared,
    /// Of the last decision; a transaction that is tried again decides again.
    made: Mutex<Option<Made>>,
}

impl fmt::Debug for Deciding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.fmt(f)
    }
}

#[derive(Serialize)]
struct AnswerView<'a> {
    id: Uuid,
    request_id: Option<&'a str>,
    at: Timestamp,
    bundle: &'a str,
    admitted: bool,
    reserved: bool,
    hold_until: Option<Timestamp>,
    dry_run: bool,
    degraded: bool,
    outcome: Outcome,
    rules: &'a [RuleFinding],
    limits: LimitsView<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unmeasured: &'a [Unmeasured],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [Fault],
    events: Vec<Event>,
    retry_after: Option<i64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LimitsView<'a> {
    Known(&'a [LimitFinding]),
    /// Without the values that nobody knows.
    Blurred(Vec<serde_json::Value>),
}

/// How the counter is called in the store under which a request's own usage is kept.
fn counter_key(counter: CounterRef<'_>) -> CounterKey {
    CounterKey {
        limit: counter.limit.name.clone(),
        quantity: counter.quantity.to_owned(),
        subject: counter.subject.to_subject().to_string(),
        period_start: counter.span.key(),
    }
}

/// The counters in the store from one instant to another.
fn counter_range(counter: CounterRef<'_>, (from, to): (Timestamp, Timestamp)) -> CounterRange {
    let CounterKey { limit, quantity, subject, .. } = counter_key(counter);
    CounterRange { limit, quantity, subject, from, to }
}

fn run_key(limit: &Limit, subject: SubjectRef<'_>) -> RunKey {
    RunKey { limit: limit.name.clone(), subject: subject.to_subject().to_string() }
}

/// Notes what is asked for, and answers that nothing was used.
#[derive(Default)]
struct Noting {
    counters: RefCell<BTreeSet<CounterRange>>,
    runs: RefCell<BTreeSet<RunKey>>,
}

impl Counters for Noting {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        self.counters.borrow_mut().insert(counter_range(counter, counter.span.horizon()));
        0
    }

    fn last_run(&self, limit: &Limit, subject: SubjectRef<'_>) -> Option<Timestamp> {
        self.runs.borrow_mut().insert(run_key(limit, subject));
        None
    }
}

/// What the store knows.
struct Stored<'a>(Counted<'a>);

impl Stored<'_> {
    /// The nearest band that was told of what counts.
    fn told(&self, counter: CounterRef<'_>) -> Band {
        band_of(match counter.span {
            Span::Rolling { .. } => self.0.told(&counter_range(counter, counter.span.keys())),
            Span::Calendar(_) | Span::Concurrent { .. } => self.0.counter(&counter_key(counter)).told,
        })
    }
}

impl Counters for Stored<'_> {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        self.0.total(&counter_range(counter, counter.span.keys()))
    }

    fn last_run(&self, limit: &Limit, subject: SubjectRef<'_>) -> Option<Timestamp> {
        self.0.last_run(&run_key(limit, subject))
    }
}

/// Nothing is known. What may stop a request counts as reached, everything else as untouched.
struct Unknown {
    now: Timestamp,
}

/// Whether a limit stops requests, so that it fails closed.
fn fails_closed(limit: &Limit) -> bool {
    matches!(limit.enforcement, Enforcement::Block | Enforcement::Reject | Enforcement::Queue)
}

impl Counters for Unknown {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        if fails_closed(counter.limit) { i64::MAX } else { 0 }
    }

    fn last_run(&self, limit: &Limit, _: SubjectRef<'_>) -> Option<Timestamp> {
        fails_closed(limit).then_some(self.now)
    }
}

/// Whether the value of a limit comes from counters.
pub(super) fn is_counted(limit: &Limit) -> bool {
    matches!(limit.quantity, Quantity::Accumulated(..) | Quantity::Cooldown)
}

impl Deciding {
    pub(super) fn new(loaded: Arc<Loaded>, asked: Asked, prepared: Prepared) -> Self {
        Self { loaded, asked, prepared, made: Mutex::default() }
    }

    fn engine(&self) -> &Engine {
        &self.loaded.engine
    }

    fn answered(&self, counters: &impl Counters) -> Answer {
        let mut answer = Answer::default();
        self.engine().answer(&self.prepared, counters, &mut answer).expect("it was prepared for this engine");
        answer
    }

    /// The counters and cooldowns that the decision depends on.
    pub(super) fn needs(&self) -> (BTreeSet<CounterRange>, BTreeSet<RunKey>) {
        if !self.loaded.counts {
            return Default::default();
        }
        let noting = Noting::default();
        self.answered(&noting);
        (noting.counters.into_inner(), noting.runs.into_inner())
    }

    /// Decides where no counter matters.
    pub(super) fn plainly(&self) -> (String, Made) {
        let answer = self.answered(&NoCounters);
        let (said, made, _) = self.said(&answer, Some(&NoCounters), |_| Band::Far);
        (said, made)
    }

    /// Decides although nothing is known of the counters.
    pub(super) fn blindly(&self) -> (String, Made) {
        let answer = self.answered(&Unknown { now: self.asked.at });
        let (said, made, _) = self.said(&answer, None::<&NoCounters>, |_| Band::Breached);
        (said, made)
    }

    /// What the last decision left behind.
    pub(super) fn take_made(&self) -> Option<Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The answer on the wire, what it leaves behind, and the bands that are told for the first time; by counters, if
    /// anything is known of them.
    fn said<C: Counters>(
        &self,
        answer: &Answer,
        counters: Option<&C>,
        told: impl Fn(CounterRef<'_>) -> Band,
    ) -> (String, Made, Vec<(CounterKey, Band)>) {
        let (engine, asked, blind) = (self.engine(), &self.asked, counters.is_none());
        let (mut events, mut bands, mut newly, mut nearing) = (vec![], vec![], vec![], vec![]);
        for near in engine.nearing(&self.prepared, answer) {
            if blind && is_counted(near.limit) {
                continue;
            }
            if let (Some(counter), false) = (near.counter, near.band == Band::Breached) {
                if told(counter) >= near.band {
                    continue;
                }
                newly.push((counter_key(counter), near.band));
            }
            bands.push(near.band);
            let event = Event {
                limit: near.limit.name.to_string(),
                subject: near.subject.to_subject().to_string(),
                period_start: near.counter.and_then(|counter| counter.span.since()),
                band: near.band,
                value: near.limit.quantity.format(near.value),
                bound: near.limit.quantity.format(near.limit.bound.value),
            };
            // What was learned teaches nothing about itself.
            let teaches = near.limit.source != Source::Learned;
            if teaches && near.band != Band::Breached && !asked.dry_run {
                nearing.push(Nearing {
                    limit: event.limit.clone(),
                    subject: event.subject.clone(),
                    band: event.band,
                    value: event.value.clone(),
                    bound: event.bound.clone(),
                });
            }
            events.push(event);
        }
        let decision = engine.explain(&self.prepared, answer);
        let outcome = decision.outcome;
        let hold_until = asked.hold_until.filter(|_| outcome.goes_ahead() && !blind);
        let view = AnswerView {
            id: asked.id,
            request_id: asked.request_id.as_deref(),
            at: asked.at,
            bundle: &self.loaded.digest,
            admitted: outcome.goes_ahead(),
            reserved: hold_until.is_some(),
            hold_until,
            dry_run: asked.dry_run,
            degraded: blind || asked.unconfirmed,
            retry_after: match counters {
                None => Some(1).filter(|_| !outcome.goes_ahead()),
                Some(counters) => self.retry(answer, counters),
            },
            outcome,
            rules: &decision.rules,
            limits: if blind {
                LimitsView::Blurred(blurred(&decision.limits))
            } else {
                LimitsView::Known(&decision.limits)
            },
            unmeasured: &decision.unmeasured,
            faults: &asked.faults,
            events,
        };
        let rates = counters.map_or_else(Vec::new, |counters| self.rates(answer, counters));
        let violations = violations::of(&decision, asked, blind);
        let said = serde_json::to_string(&view).expect("text and numbers become JSON");
        (said, Made { outcome, violations, bands, nearing, rates }, newly)
    }

    /// In how many seconds asking again can help: once every counted limit that demands the outcome gives way. `None`
    /// where something else demands it, or the request alone is too much.
    fn retry(&self, answer: &Answer, counters: &impl Counters) -> Option<i64> {
        if answer.outcome().goes_ahead() {
            return None;
        }
        let demands = |part: Part| matches!(part, Part::Decided | Part::Agreed);
        if answer.rules().iter().any(|rule| demands(rule.part)) {
            return None;
        }
        let mut seconds = 0;
        for part in answer.limits().iter().filter(|limit| demands(limit.part)) {
            let limit = self.engine().limit(part.limit);
            let own = self.asked.usage.value(&limit.quantity).unwrap_or(0);
            let wait = match self.engine().room(&self.prepared, part, own, counters) {
                Some(Room::At(at)) => whole_seconds(at.duration_since(self.asked.at)),
                // Any moment, as far as anybody knows.
                Some(Room::OnceOthersEnd) => 1,
                None if limit.quantity == Quantity::Cooldown => {
                    (limit.bound.value - part.value + 999).div_euclid(1000)
                }
                Some(Room::Never) | None => return None,
            };
            seconds = seconds.max(wait);
        }
        Some(seconds.max(1))
    }

    /// Quotas on runs that were measured and are not overridden.
    fn rates(&self, answer: &Answer, counters: &impl Counters) -> Vec<Rate> {
        let rate = |part: &LimitPart| {
            let (limit, span) = (self.engine().limit(part.limit), part.span?);
            let overridden = matches!(part.part, Part::Overridden(_));
            let of_runs = matches!(limit.quantity, Quantity::Accumulated(Meter::Runs, _));
            if !of_runs || overridden || limit.bound.direction != Direction::AtMost {
                return None;
            }
            let own = self.asked.usage.value(&limit.quantity).unwrap_or(0);
            let goes_ahead = answer.outcome().goes_ahead();
            // What was stopped uses nothing.
            let used = if goes_ahead { part.value } else { part.value - own };
            Some(Rate {
                limit: limit.name.to_string(),
                quota: limit.bound.value,
                remaining: limit.bound.value.saturating_sub(used).max(0),
                window: self.rate_window(part, span, goes_ahead && own > 0, counters),
            })
        };
        answer.limits().iter().filter_map(rate).collect()
    }

    /// The period of a quota, where it has one; `counts` says whether the request itself counts from now on.
    fn rate_window(
        &self,
        part: &LimitPart,
        span: Span,
        counts: bool,
        counters: &impl Counters,
    ) -> Option<RateWindow> {
        let (engine, at) = (self.engine(), self.asked.at);
        if let Some(seconds) = span.rolling_seconds() {
            let all = engine.limit(part.limit).bound.value;
            let free = match engine.room(&self.prepared, part, all, counters) {
                Some(Room::At(free)) => free,
                _ => at,
            };
            let free = if counts { free.max(span.ends_at()?) } else { free };
            return Some(RateWindow { seconds, reset: whole_seconds(free.duration_since(at)) });
        }
        let (start, end) = (span.since()?, engine.period_end(part.limit, &self.prepared)?);
        let seconds = whole_seconds(end.duration_since(start));
        Some(RateWindow { seconds, reset: whole_seconds(end.duration_since(at)) })
    }
}

/// Rounded up.
fn whole_seconds(duration: SignedDuration) -> i64 {
    duration.as_secs() + i64::from(duration.subsec_nanos() > 0)
}

/// Limits without the values of those that count, since nobody knows them.
fn blurred(limits: &[LimitFinding]) -> Vec<serde_json::Value> {
    let blur = |finding: &LimitFinding| {
        let mut wire = serde_json::to_value(finding).expect("text and numbers become JSON");
        let limit = &finding.limit;
        if is_counted(limit) {
            for field in ["value", "remainder", "utilisation"] {
                wire[field] = serde_json::Value::Null;
            }
            let counts_as = if fails_closed(limit) { "used up" } else { "untouched" };
            let so = if fails_closed(limit) { "fails closed" } else { "lets pass" };
            let (quantity, enforcement) = (limit.quantity.wording(), limit.enforcement);
            wire["reason"] =
                format!("{quantity} cannot be read, so it counts as {counts_as}: {enforcement} {so}").into();
        }
        wire
    };
    limits.iter().map(blur).collect()
}

fn band_of(told: i16) -> Band {
    let all = [Band::Far, Band::Near85, Band::Near90, Band::Near95];
    usize::try_from(told).ok().and_then(|told| all.get(told).copied()).unwrap_or(Band::Breached)
}

impl Decide for Deciding {
    fn decide(&self, counted: Counted<'_>) -> Verdict {
        let engine = self.engine();
        let stored = Stored(counted);
        let answer = self.answered(&stored);
        let (said, made, newly) = self.said(&answer, Some(&stored), |counter| stored.told(counter));
        let mut verdict = Verdict { outcome: made.outcome, charges: vec![], runs: vec![], answer: said };
        if made.outcome.goes_ahead() {
            for effect in engine.effects(&self.prepared, &answer) {
                match effect {
                    Effect::Uses { counter, meter, amount, band } => {
                        let (key, concurrent) = (counter_key(counter), !counter.span.outlasts_requests());
                        let told = match newly.iter().find(|(told, _)| *told == key) {
                            Some((_, band)) => *band as i16,
                            // Below all bands, what is concurrent begins anew.
                            None if concurrent && band == Band::Far => Band::Far as i16,
                            None => counted.counter(&key).told,
                        };
                        verdict.charges.push(Charge { key, meter: meter.clone(), amount, told, concurrent });
                    }
                    Effect::Runs { limit, subject } => verdict.runs.push(run_key(limit, subject)),
                }
            }
        }
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
        verdict
    }
}
