//! What decisions leave for the panels: gathered, and written together a moment later, so that no decision waits for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ordain_engine::ledger::Band;
use ordain_ir::Outcome;
use ordain_store::{
    EvaluationTally, EvaluationTotal, NewLesson, Store, StoreError, TenantId, Violation, minute_of,
};
use uuid::Uuid;

use super::deciding::Nearing;
use crate::service::lessons::{Near, from_decision, not_created};
use crate::telemetry;

/// How long is gathered before it is written.
const GATHER: Duration = Duration::from_millis(200);
/// How many violations of one tenant may wait, and how many are written at once.
const MOST: usize = 10_000;
const BATCH: usize = 1_000;

/// A limit that a decision brought near its bound.
pub(super) struct Neared {
    /// The identity of the lesson, if one is learned from it.
    pub(super) id: Uuid,
    pub(super) decision: Uuid,
    pub(super) path: String,
    pub(super) at: Timestamp,
    pub(super) nearing: Nearing,
}

impl Neared {
    fn lesson(&self) -> NewLesson {
        let Nearing { limit, subject, band, value, bound } = &self.nearing;
        let near = Near {
            metric: limit,
            band: *band,
            used: value.clone(),
            limit: bound.clone(),
            subject: Some(subject),
        };
        from_decision((self.decision, &self.path, self.at), &near, self.id)
    }
}

#[derive(Default)]
struct Waiting {
    evaluations: BTreeMap<(Timestamp, Outcome), EvaluationTotal>,
    violations: Vec<Violation>,
    /// Of each limit in each band the last: if any of them teaches something, it does.
    neared: BTreeMap<(String, Band), Neared>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<TenantId, Waiting>,
    /// Whether somebody is about to write.
    awake: bool,
}

/// Gathers and writes.
#[derive(Clone)]
pub(super) struct Recorder {
    store: Arc<dyn Store>,
    state: Arc<Mutex<State>>,
}

impl Recorder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, state: Arc::default() }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        // No step under the lock panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one decision over.
    pub(super) fn record(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        action: Outcome,
        took: Duration,
        violations: Vec<Violation>,
        neared: Vec<Neared>,
    ) {
        let mut state = self.locked();
        let waiting = state.waiting.entry(tenant.clone()).or_default();
        let total = waiting.evaluations.entry((minute_of(at), action)).or_default();
        total.evaluations += 1;
        total.microseconds += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        waiting.add(violations);
        waiting.near(neared);
        if !std::mem::replace(&mut state.awake, true) {
            let recorder = self.clone();
            tokio::spawn(async move {
                while recorder.is_wanted() {
                    tokio::time::sleep(GATHER).await;
                    recorder.flush().await;
                }
            });
        }
    }

    /// Whether something waits; if not, whoever asks goes to sleep.
    fn is_wanted(&self) -> bool {
        let mut state = self.locked();
        state.awake = !state.waiting.is_empty();
        state.awake
    }

    /// Writes everything that waits. What can't be written waits on.
    pub(super) async fn flush(&self) {
        let waiting = std::mem::take(&mut self.locked().waiting);
        for (tenant, mut waiting) in waiting {
            if let Err(error) = self.write(&tenant, &mut waiting).await {
                tracing::warn!(%tenant, %error, "what decisions left could not be written yet");
                let mut state = self.locked();
                let again = state.waiting.entry(tenant).or_default();
                for (key, total) in waiting.evaluations {
                    let sum = again.evaluations.entry(key).or_default();
                    sum.evaluations += total.evaluations;
                    sum.microseconds += total.microseconds;
                }
                again.add(waiting.violations);
                again.near(waiting.neared.into_values());
            }
        }
    }

    /// Takes away what is written.
    async fn write(&self, tenant: &TenantId, waiting: &mut Waiting) -> Result<(), StoreError> {
        let tally = |(key, total): (&(Timestamp, Outcome), &EvaluationTotal)| EvaluationTally {
            at: key.0,
            action: key.1,
            evaluations: total.evaluations,
            microseconds: total.microseconds,
        };
        let tallies: Vec<_> = waiting.evaluations.iter().map(tally).collect();
        self.store.record_evaluations(tenant, &tallies).await?;
        waiting.evaluations.clear();
        while !waiting.violations.is_empty() {
            let batch = waiting.violations.len().min(BATCH);
            let recorded = self.store.record_violations(tenant, &waiting.violations[..batch]).await?;
            telemetry::violations_recorded(recorded.recorded, recorded.duplicates);
            waiting.violations.drain(..batch);
        }
        // Last, so that nothing else waits for them.
        if !waiting.neared.is_empty() {
            let lessons: Vec<_> = waiting.neared.values().map(Neared::lesson).collect();
            let recorded = self.store.record_lessons(tenant, &lessons).await;
            recorded.inspect_err(|_| not_created(lessons.iter()))?;
            waiting.neared.clear();
        }
        Ok(())
    }
}

impl Waiting {
    fn add(&mut self, mut violations: Vec<Violation>) {
        let room = MOST.saturating_sub(self.violations.len());
        if violations.len() > room {
            telemetry::violations_dropped((violations.len() - room) as u64);
            violations.truncate(room);
        }
        self.violations.append(&mut violations);
    }

    fn near(&mut self, neared: impl IntoIterator<Item = Neared>) {
        for new in neared {
            let key = (new.nearing.limit.clone(), new.nearing.band);
            if self.neared.get(&key).is_none_or(|old| old.at <= new.at) {
                self.neared.insert(key, new);
            }
        }
    }
}
