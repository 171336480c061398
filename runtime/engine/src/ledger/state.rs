//! Counters and holds under the lock.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use jiff::Timestamp;
use ordain_ir::{Limit, Meter, Outcome, PolicyName, Usage};

use super::effect::Effect;
use super::event::{Band, LimitEvent};
use super::{Claim, Closing, LedgerError, Standing};
use crate::{Answer, CounterRef, Counters, Engine, Prepared, Span, Subject, SubjectRef};

/// What is counted of one limit for one subject under one [key](crate::Span::key).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CounterState {
    /// Which limit.
    pub limit: PolicyName,
    /// What is counted, and how it adds up, as [`counted_as`](crate::counted_as) says.
    pub quantity: String,
    /// Whose counter.
    pub subject: Subject,
    /// The key: where the calendar period begins, or the part of a rolling one; the month of what is concurrent.
    pub period_start: Timestamp,
    /// What has been used for good, in units of the quantity's scale.
    pub used: i64,
    /// What is held beside it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: i64,
    /// The nearest band that was told.
    #[serde(default = "far", skip_serializing_if = "is_far")]
    pub told: Band,
}

/// When a subject last ran under a limit on cooldowns.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LastRunState {
    /// Which limit.
    pub limit: PolicyName,
    /// Who ran.
    pub subject: Subject,
    /// The latest instant at which one went ahead.
    pub at: Timestamp,
}

/// What one request holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HoldState {
    /// The request's name.
    pub id: String,
    /// What was decided.
    pub outcome: Outcome,
    /// How it stands.
    pub standing: Standing,
    /// When it expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    entries: Vec<Entry>,
}

/// A hold's share in one counter.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Entry {
    limit: PolicyName,
    quantity: Box<str>,
    subject: Subject,
    period_start: Timestamp,
    meter: Meter,
    amount: i64,
    /// Whether it counts only as long as the request holds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    concurrent: bool,
}

/// Everything that a ledger knows, to be kept elsewhere; every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerState {
    /// By limit, quantity, subject and key.
    #[serde(default)]
    pub counters: Vec<CounterState>,
    /// By limit and subject.
    #[serde(default)]
    pub last_runs: Vec<LastRunState>,
    /// By name of the request.
    #[serde(default)]
    pub holds: Vec<HoldState>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

const fn far() -> Band {
    Band::Far
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_far(band: &Band) -> bool {
    *band == Band::Far
}

/// What is counted of one limit for one subject, by key.
#[derive(Debug)]
struct Series {
    limit: PolicyName,
    quantity: Box<str>,
    subject: Subject,
    counts: BTreeMap<Timestamp, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    used: i64,
    held: i64,
    told: Band,
}

impl Default for Count {
    fn default() -> Self {
        Self { used: 0, held: 0, told: Band::Far }
    }
}

impl Series {
    /// What counts in a span.
    fn within(&self, span: Span) -> impl Iterator<Item = &Count> {
        let (from, to) = span.keys();
        self.counts.range(from..=to).map(|(_, count)| count)
    }

    /// The nearest band of which somebody was told who measured some of what counts in a span.
    fn told(&self, span: Span) -> Band {
        match span {
            Span::Rolling { .. } => self.within(span).map(|count| count.told).max(),
            Span::Calendar(_) | Span::Concurrent { .. } => {
                self.counts.get(&span.key()).map(|count| count.told)
            }
        }
        .unwrap_or(Band::Far)
    }
}

/// The tables are looked up by key only; where all of them are read, they are sorted first.
#[derive(Debug, Default)]
pub(super) struct State {
    series: HashMap<Box<str>, Series>,
    last_runs: HashMap<Box<str>, LastRunState>,
    holds: HashMap<Box<str>, HoldState>,
    /// Holds by the instant at which they expire.
    expiring: BTreeSet<(Timestamp, Box<str>)>,
    /// For looking up without memory of its own.
    key: RefCell<String>,
}

/// Writes the name of a series, or of a last run, whose quantity is empty; different ones are written differently, since
/// no name has a NUL in it but a subject's, and those are written with their lengths.
fn write_key(into: &mut String, limit: &PolicyName, quantity: &str, subject: SubjectRef<'_>) {
    into.clear();
    into.push_str(limit.as_str());
    into.push('\0');
    into.push_str(quantity);
    let parts: &[&str] = match subject {
        SubjectRef::Whole => &["w"],
        SubjectRef::Tenant(tenant) => &["t", tenant],
        SubjectRef::Project(tenant, project) => &["p", tenant, project],
        SubjectRef::Agent(tenant, project, agent) => &["a", tenant, project, agent],
        SubjectRef::Provider(None) => &["n"],
        SubjectRef::Provider(Some(provider)) => &["m", provider],
    };
    for part in parts {
        // Writing to a string can't fail.
        let _ = write!(into, "\0{}:{part}", part.len());
    }
}

fn key(limit: &PolicyName, quantity: &str, subject: &Subject) -> Box<str> {
    let mut key = String::new();
    write_key(&mut key, limit, quantity, subject.as_ref());
    key.into()
}

impl Counters for State {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        let mut key = self.key.borrow_mut();
        write_key(&mut key, &counter.limit.name, counter.quantity, counter.subject);
        let Some(series) = self.series.get(key.as_str()) else { return 0 };
        let counts = series.within(counter.span);
        counts.fold(0, |sum, count| sum.saturating_add(count.used).saturating_add(count.held))
    }

    fn last_run(&self, limit: &Limit, subject: SubjectRef<'_>) -> Option<Timestamp> {
        let mut key = self.key.borrow_mut();
        write_key(&mut key, &limit.name, "", subject);
        self.last_runs.get(key.as_str()).map(|last| last.at)
    }
}

impl State {
    /// What was decided on a claim of this name that counts, or did until it was closed.
    pub(super) fn admitted(&self, id: &str) -> Option<Outcome> {
        self.holds.get(id).map(|hold| hold.outcome)
    }

    /// Gives expired holds back.
    pub(super) fn expire(&mut self, now: Timestamp) -> usize {
        let mut expired = 0;
        while let Some((expires, id)) = self.expiring.first()
            && *expires <= now
        {
            let id = id.clone();
            self.give_back(&id, Standing::Expired);
            expired += 1;
        }
        expired
    }

    fn give_back(&mut self, id: &str, standing: Standing) {
        let Some(hold) = self.holds.get_mut(id) else { return };
        if let Some(expires) = hold.expires {
            self.expiring.remove(&(expires, id.into()));
        }
        hold.standing = standing;
        for entry in &hold.entries {
            let series = self.series.get_mut(&key(&entry.limit, &entry.quantity, &entry.subject));
            if let Some(count) = series.and_then(|series| series.counts.get_mut(&entry.period_start)) {
                count.held = count.held.saturating_sub(entry.amount);
            }
        }
    }

    /// Settles with a usage, or releases without one.
    pub(super) fn close(&mut self, id: &str, usage: Option<&Usage>) -> Result<Closing, LedgerError> {
        let hold = self.holds.get(id).ok_or_else(|| LedgerError::Unknown(id.to_owned()))?;
        let closing = match (hold.standing, usage) {
            (Standing::Held, _) => Closing::Done,
            (Standing::Expired, Some(_)) => Closing::Late,
            (standing, _) => return Ok(Closing::Already(standing)),
        };
        if closing == Closing::Done {
            self.give_back(id, Standing::Released);
        }
        if let (Some(usage), Some(hold)) = (usage, self.holds.get_mut(id)) {
            hold.standing = Standing::Settled;
            // What counts only while it is held is over.
            hold.entries.retain(|entry| !entry.concurrent);
            for entry in &mut hold.entries {
                entry.amount = usage.amount(&entry.meter);
                let key = key(&entry.limit, &entry.quantity, &entry.subject);
                let series = self.series.entry(key).or_insert_with(|| entry.series());
                let count = series.counts.entry(entry.period_start).or_default();
                count.used = count.used.saturating_add(entry.amount);
            }
        }
        Ok(closing)
    }

    /// Tells of limits that the request brings near their bounds, or beyond. `held` says whether what it uses is held.
    pub(super) fn tell(
        &mut self,
        engine: &Engine,
        request: &Prepared,
        answer: &Answer,
        held: bool,
        events: &mut Vec<LimitEvent>,
    ) {
        for near in engine.nearing(request, answer) {
            if let (Some(counter), false) = (near.counter, near.band == Band::Breached) {
                let series = self.series(counter);
                if series.told(counter.span) >= near.band {
                    continue;
                }
                // What counts for nobody later is not remembered either.
                if held || counter.span.outlasts_requests() {
                    series.counts.entry(counter.span.key()).or_default().told = near.band;
                }
            }
            events.push(near.event(request));
        }
    }

    fn series(&mut self, counter: CounterRef<'_>) -> &mut Series {
        let key = self.key.get_mut();
        write_key(key, &counter.limit.name, counter.quantity, counter.subject);
        self.series.entry(key.as_str().into()).or_insert_with(|| Series {
            limit: counter.limit.name.clone(),
            quantity: counter.quantity.into(),
            subject: counter.subject.to_subject(),
            counts: BTreeMap::new(),
        })
    }

    /// Counts a request that goes ahead.
    pub(super) fn count(&mut self, engine: &Engine, request: &Prepared, answer: &Answer, claim: Claim<'_>) {
        let mut entries = vec![];
        let held = claim.holds();
        for effect in engine.effects(request, answer) {
            match effect {
                Effect::Uses { counter, meter, amount, band } => {
                    let (period_start, concurrent) = (counter.span.key(), !counter.span.outlasts_requests());
                    if concurrent && !held {
                        continue;
                    }
                    let count = self.series(counter).counts.entry(period_start).or_default();
                    let side = if held { &mut count.held } else { &mut count.used };
                    // What really goes in, so that as much comes out again.
                    let amount = side.saturating_add(amount) - *side;
                    *side += amount;
                    if concurrent && band == Band::Far {
                        count.told = Band::Far;
                    }
                    if claim.id.is_some() {
                        entries.push(Entry {
                            limit: counter.limit.name.clone(),
                            quantity: counter.quantity.into(),
                            subject: counter.subject.to_subject(),
                            period_start,
                            meter: meter.clone(),
                            amount,
                            concurrent,
                        });
                    }
                }
                Effect::Runs { limit, subject } => self.ran(&limit.name, subject, request.at),
            }
        }
        let Some(id) = claim.id else { return };
        let expires = claim.hold.map(|hold| claim.now.saturating_add(hold).unwrap_or(Timestamp::MAX));
        if let Some(expires) = expires {
            self.expiring.insert((expires, id.into()));
        }
        let standing = if held { Standing::Held } else { Standing::Settled };
        let hold = HoldState { id: id.to_owned(), outcome: answer.outcome(), standing, expires, entries };
        self.holds.insert(id.into(), hold);
    }

    fn ran(&mut self, limit: &PolicyName, subject: SubjectRef<'_>, at: Timestamp) {
        let key = self.key.get_mut();
        write_key(key, limit, "", subject);
        let last = self.last_runs.entry(key.as_str().into()).or_insert_with(|| LastRunState {
            limit: limit.clone(),
            subject: subject.to_subject(),
            at,
        });
        last.at = last.at.max(at);
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.series.retain(|_, series| {
            series.counts.retain(|key, count| *key >= before || count.held != 0);
            !series.counts.is_empty()
        });
        self.holds.retain(|_, hold| {
            hold.standing == Standing::Held || hold.expires.is_none_or(|expires| expires >= before)
        });
    }

    pub(super) fn snapshot(&self) -> LedgerState {
        let counters = self.series.values().flat_map(|series| {
            series.counts.iter().map(|(period_start, count)| CounterState {
                limit: series.limit.clone(),
                quantity: series.quantity.to_string(),
                subject: series.subject.clone(),
                period_start: *period_start,
                used: count.used,
                held: count.held,
                told: count.told,
            })
        });
        let mut counters: Vec<_> = counters.collect();
        let place =
            |it: &CounterState| (it.limit.clone(), it.quantity.clone(), it.subject.clone(), it.period_start);
        counters.sort_by_cached_key(place);
        let mut last_runs: Vec<_> = self.last_runs.values().cloned().collect();
        last_runs.sort_by(|a, b| (&a.limit, &a.subject).cmp(&(&b.limit, &b.subject)));
        let mut holds: Vec<_> = self.holds.values().cloned().collect();
        holds.sort_by(|a, b| a.id.cmp(&b.id));
        LedgerState { counters, last_runs, holds }
    }

    pub(super) fn restore(state: LedgerState) -> Self {
        let mut restored = Self::default();
        for counter in state.counters {
            let CounterState { limit, quantity, subject, period_start, used, held, told } = counter;
            let key = key(&limit, &quantity, &subject);
            let quantity = quantity.into();
            let new = || Series { limit, quantity, subject, counts: BTreeMap::new() };
            let series = restored.series.entry(key).or_insert_with(new);
            series.counts.insert(period_start, Count { used, held, told });
        }
        for last in state.last_runs {
            restored.last_runs.insert(key(&last.limit, "", &last.subject), last);
        }
        for hold in state.holds {
            if let (Standing::Held, Some(expires)) = (hold.standing, hold.expires) {
                restored.expiring.insert((expires, hold.id.as_str().into()));
            }
            restored.holds.insert(hold.id.as_str().into(), hold);
        }
        restored
    }
}

impl Entry {
    fn series(&self) -> Series {
        Series {
            limit: self.limit.clone(),
            quantity: self.quantity.clone(),
            subject: self.subject.clone(),
            counts: BTreeMap::new(),
        }
    }
}
