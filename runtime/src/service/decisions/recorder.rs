//! What decisions leave for the panels: gathered, and written together a moment later, so that no decision waits for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ordain_ir::Outcome;
use ordain_store::{EvaluationTally, EvaluationTotal, Store, StoreError, TenantId, Violation, minute_of};

use crate::telemetry;

/// How long is gathered before it is written.
const GATHER: Duration = Duration::from_millis(200);
/// How many violations of one tenant may wait, and how many are written at once.
const MOST: usize = 10_000;
const BATCH: usize = 1_000;

#[derive(Default)]
struct Waiting {
    evaluations: BTreeMap<(Timestamp, Outcome), EvaluationTotal>,
    violations: Vec<Violation>,
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
    ) {
        let mut state = self.locked();
        let waiting = state.waiting.entry(tenant.clone()).or_default();
        let total = waiting.evaluations.entry((minute_of(at), action)).or_default();
        total.evaluations += 1;
        total.microseconds += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        waiting.add(violations);
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
}
