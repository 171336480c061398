//! The line before the counters: whoever wants to count stands in it, and as many as stand there are counted in one
//! transaction. While one is under way the next gathers, so a busy server commits seldom and an idle one at once.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use ordain_store::{Clock, CountingAnswer, CountingStep, Forget, Forgotten, Store, StoreError, TenantId};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::service::kept::PATIENCE;
use crate::telemetry;

/// How many steps one transaction takes.
const BATCH: usize = 256;
/// How long one may take before it is given up.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(8);
/// How often what is old is forgotten, how much later than the last time it may have become, and how many rows of a table
/// go at once, so that nobody waits for long.
const FORGET: std::time::Duration = std::time::Duration::from_hours(1);
const STEP: SignedDuration = SignedDuration::from_hours(6);
const MOST: u32 = 1_000;
/// How long counters are kept after their period has begun, and decisions after they were taken.
const COUNTERS: SignedDuration = SignedDuration::from_hours(62 * 24);
const DECISIONS: SignedDuration = SignedDuration::from_hours(48);

/// Whether somebody still waits for a step, or it has been taken.
const WAITING: u8 = 0;
const GONE: u8 = 1;
const DONE: u8 = 2;

/// Why nothing was counted.
#[derive(Clone, Debug)]
pub(super) struct NotCounted(pub(super) Arc<StoreError>);

type Reply = Result<CountingAnswer, NotCounted>;

struct Job {
    step: CountingStep,
    standing: Arc<AtomicU8>,
    reply: oneshot::Sender<Reply>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Job>,
    /// Since when a transaction is under way.
    busy: Option<Instant>,
    /// Decisions that may have been counted although nobody got the answer.
    doubtful: Vec<Uuid>,
    /// When something is to be forgotten again; none before the first time.
    forgets_at: Option<Instant>,
    /// Whether there is more to forget.
    forgets: bool,
}

/// The lines of all tenants.
#[derive(Clone)]
pub(super) struct Lines {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    by_tenant: Arc<Mutex<HashMap<TenantId, Line>>>,
}

/// A step that stands in line.
pub(super) struct Place {
    standing: Arc<AtomicU8>,
    reply: oneshot::Receiver<Reply>,
}

fn too_slow() -> NotCounted {
    NotCounted(Arc::new(StoreError::unavailable("the database takes too long")))
}

impl Place {
    /// Waits for the step to be taken, but not for long.
    pub(super) async fn answer(mut self) -> Reply {
        if let Ok(reply) = tokio::time::timeout(PATIENCE, &mut self.reply).await {
            return reply.unwrap_or_else(|_| Err(too_slow()));
        }
        if self.standing.swap(GONE, Ordering::AcqRel) == DONE {
            return self.reply.await.unwrap_or_else(|_| Err(too_slow()));
        }
        Err(too_slow())
    }
}

impl Lines {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, by_tenant: Arc::default() }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<TenantId, Line>> {
        // No step under the lock panics half way.
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the line. Fails at once while a transaction has been under way for too long.
    pub(super) fn join(&self, tenant: &TenantId, step: CountingStep) -> Result<Place, NotCounted> {
        let (standing, (reply, received)) = (Arc::new(AtomicU8::new(WAITING)), oneshot::channel());
        let mut lines = self.locked();
        let line = lines.entry(tenant.clone()).or_default();
        if line.busy.is_some_and(|since| since.elapsed() > PATIENCE) {
            return Err(too_slow());
        }
        line.waiting.push_back(Job { step, standing: Arc::clone(&standing), reply });
        if line.busy.is_none() {
            line.busy = Some(Instant::now());
            let (lines, tenant) = (self.clone(), tenant.clone());
            tokio::spawn(async move { lines.serve(&tenant).await });
        }
        Ok(Place { standing, reply: received })
    }

    /// Takes batches until nobody waits any more.
    async fn serve(&self, tenant: &TenantId) {
        // Whoever came together is in line before the first batch is taken.
        tokio::task::yield_now().await;
        while let Some((jobs, doubtful)) = self.take(tenant) {
            self.work(tenant, jobs, doubtful).await;
            self.forget(tenant).await;
        }
    }

    fn take(&self, tenant: &TenantId) -> Option<(Vec<Job>, Vec<Uuid>)> {
        let mut lines = self.locked();
        let line = lines.get_mut(tenant)?;
        let mut jobs = vec![];
        while jobs.len() < BATCH
            && let Some(job) = line.waiting.pop_front()
        {
            // Who has gone before their turn is not counted.
            if job.standing.load(Ordering::Acquire) != GONE {
                jobs.push(job);
            }
        }
        if jobs.is_empty() {
            line.busy = None;
            return None;
        }
        line.busy = Some(Instant::now());
        Some((jobs, std::mem::take(&mut line.doubtful)))
    }

    async fn work(&self, tenant: &TenantId, jobs: Vec<Job>, doubtful: Vec<Uuid>) {
        let voids = doubtful.iter().map(|id| CountingStep::Void { id: *id });
        let steps: Vec<_> = voids.chain(jobs.iter().map(|job| job.step.clone())).collect();
        telemetry::counted(steps.len());
        let counting = self.store.count(tenant, &steps, self.clock.now());
        let counted = tokio::time::timeout(LONGEST, counting).await;
        match counted.unwrap_or_else(|_| Err(StoreError::unavailable("the database takes too long"))) {
            Ok(answers) => {
                let unheard = jobs
                    .into_iter()
                    .zip(answers.into_iter().skip(doubtful.len()))
                    .filter_map(|(job, answer)| deliver(job, answer))
                    .collect();
                self.doubt(tenant, unheard);
            }
            // One of them meets something unreadable: the others needn't.
            Err(StoreError::Inconsistent { .. }) if steps.len() > 1 => {
                for job in jobs {
                    Box::pin(self.work(tenant, vec![job], vec![])).await;
                }
                self.doubt(tenant, doubtful);
            }
            Err(error) => {
                tracing::error!(%tenant, %error, steps = steps.len(), "the store does not count");
                let error = NotCounted(Arc::new(error));
                let mut unheard = doubtful;
                for job in jobs {
                    // The commit may have come through all the same.
                    unheard.extend(claimed(&job.step));
                    let _ = job.reply.send(Err(error.clone()));
                }
                self.doubt(tenant, unheard);
            }
        }
    }

    /// Remembers decisions to take back with the next transaction. A crash forgets them: then something counts that
    /// nobody used, never the other way round, and what is held runs out.
    fn doubt(&self, tenant: &TenantId, unheard: Vec<Uuid>) {
        if let Some(line) = self.locked().get_mut(tenant)
            && line.doubtful.len() < 100 * BATCH
        {
            line.doubtful.extend(unheard);
        }
    }

    /// Forgets some of what is old, once in a while, and then after each batch until all of it is gone.
    async fn forget(&self, tenant: &TenantId) {
        let turn = |line: &mut Line| {
            let (now, first) = (Instant::now(), line.forgets_at.is_none());
            let due = line.forgets_at.is_none_or(|at| now >= at);
            // The first to come shall not wait for it.
            if due {
                line.forgets_at = Some(now + FORGET);
            }
            let step = if due && !first { Some(STEP) } else { None };
            step.or_else(|| line.forgets.then_some(SignedDuration::ZERO))
        };
        let Some(step) = self.locked().get_mut(tenant).and_then(turn) else { return };
        let now = self.clock.now();
        let forget = Forget { now, counters: COUNTERS, decisions: DECISIONS, step, most: MOST };
        let more = match self.store.forget_counted(tenant, forget).await {
            Ok(Forgotten { counters, decisions, more }) => {
                tracing::debug!(%tenant, counters, decisions, more, "old counters forgotten");
                more
            }
            Err(error) => {
                tracing::warn!(%tenant, %error, "old counters could not be forgotten");
                false
            }
        };
        if let Some(line) = self.locked().get_mut(tenant) {
            line.forgets = more;
        }
    }
}

fn claimed(step: &CountingStep) -> Option<Uuid> {
    match step {
        CountingStep::Claim(claim) if !claim.dry_run => Some(claim.id),
        _ => None,
    }
}

/// Hands an answer over; the decision's identity if it was counted and nobody heard of it.
fn deliver(job: Job, answer: CountingAnswer) -> Option<Uuid> {
    let gone = job.standing.swap(DONE, Ordering::AcqRel) == GONE;
    let unheard = claimed(&job.step).filter(|_| gone && matches!(answer, CountingAnswer::Decided { .. }));
    // Without the swap, a client that hung up counts as one that got its answer: it may ask for it again.
    let _ = job.reply.send(Ok(answer));
    unheard
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ordain_engine::Outcome;
    use ordain_ir::Meter;
    use ordain_store::conformance::fixtures::at;
    use ordain_store::counting::{Charge, Counted, CounterKey, Verdict};
    use ordain_store::{Claim, CounterStore as _, Decide, ManualClock, MemoryStore};

    use super::*;

    /// Lets everything in, and counts one.
    #[derive(Debug)]
    struct Admits;

    impl Decide for Admits {
        fn decide(&self, _: Counted<'_>) -> Verdict {
            let key = CounterKey {
                limit: "cap".into(),
                quantity: "RUNS_DAILY".to_owned(),
                subject: String::new(),
                period_start: at(0),
            };
            let charge = Charge { key, meter: Meter::Runs, amount: 1, told: 0, concurrent: false };
            Verdict { outcome: Outcome::Allow, charges: vec![charge], runs: vec![], answer: String::new() }
        }
    }

    async fn ask(lines: &Lines, tenant: &TenantId, number: u128, name: &str) -> CountingAnswer {
        let claim = Claim {
            id: Uuid::from_u128(number),
            request_id: Some(name.to_owned()),
            fingerprint: [0; 32],
            at: lines.clock.now(),
            hold_until: None,
            dry_run: false,
            counters: BTreeSet::new(),
            runs: BTreeSet::new(),
            decide: Arc::new(Admits),
        };
        let place = lines.join(tenant, CountingStep::Claim(Box::new(claim))).expect("nothing is under way");
        place.answer().await.expect("counts")
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten_between_decisions_once_an_hour() {
        let (clock, store) = (Arc::new(ManualClock::new(at(0))), Arc::new(MemoryStore::default()));
        let lines = Lines::new(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&clock) as Arc<dyn Clock>);
        let tenant = TenantId::new("a").expect("is a tenant");
        let hours_to_the_end = async |first: u128| {
            for hour in 0..20 {
                let again = ask(&lines, &tenant, first + 1000, "first").await;
                if matches!(again, CountingAnswer::Decided { .. }) {
                    return hour;
                }
                // An hour is over.
                lines.locked().get_mut(&tenant).expect("has a line").forgets_at = Some(Instant::now());
                ask(&lines, &tenant, first + hour, &format!("{first} and {hour}")).await;
            }
            panic!("it is never forgotten");
        };
        assert!(matches!(ask(&lines, &tenant, 1, "first").await, CountingAnswer::Decided { .. }));
        // No hour is over: however often somebody asks, and whatever the clock says, all is known.
        clock.set(at(3 * 86_400));
        for number in 2..50 {
            ask(&lines, &tenant, number, &number.to_string()).await;
        }
        assert!(matches!(ask(&lines, &tenant, 99, "first").await, CountingAnswer::Repeated { .. }));
        // A clock that is days ahead is followed by six hours each hour, until two days are over.
        assert_eq!(hours_to_the_end(100).await, 10);
        // Counters stay for two months.
        assert_eq!(store.counters(&tenant, &"cap".into(), 9).await.expect("lists").len(), 1);
    }
}
