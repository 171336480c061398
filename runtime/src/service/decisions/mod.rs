//! Decisions: the engine on the active bundle, with counters that the store keeps.
//!
//! Where no counted limit speaks about a request, nothing is asked of the store. Otherwise the decision stands in
//! [line](line) with others, and all of them are decided and counted in one transaction.

mod deciding;
mod engines;
mod line;
mod recorder;
mod violations;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ordain_ir::request::{RequestJson, UsageJson};
use ordain_ir::{Fault, Policies, Request};
use ordain_store::counting::Standing;
use ordain_store::{
    Claim, Clock, CountingAnswer, CountingStep, Decide, Random, Store, StoreError, TenantId, new_id,
    to_microsecond,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::telemetry;
pub use deciding::Rate;
use deciding::{Asked, Deciding, Made};
use engines::{Engines, Loaded};
use line::{Lines, NotCounted, Place};
use recorder::{Neared, Recorder};

/// A request to be decided.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// What is asked about; its instant has been looked at.
    pub request: RequestJson,
    /// What the client calls it, so that asking again counts once.
    pub request_id: Option<String>,
    /// A hash of everything that is asked.
    pub fingerprint: [u8; 32],
    /// How long the usage is to be held until it is settled; counted for good at once, if nothing is said.
    pub hold: Option<SignedDuration>,
    /// Whether it is a rehearsal: nothing is counted and nothing recorded.
    pub dry_run: bool,
}

/// What was decided.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The answer: one JSON object.
    pub answer: String,
    /// Quotas on runs that have a say; none where the answer is one from before.
    pub rates: Vec<Rate>,
}

/// What became of the usage of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// How it stands now.
    pub standing: Standing,
    /// Whether it stood so before.
    pub repeated: bool,
    /// Whether the hold had expired before the real usage came.
    pub late: bool,
}

/// Why nothing was decided, settled or released.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// There is nothing to decide by.
    #[error("no bundle is active")]
    NoActiveBundle,
    /// The name stands for another request.
    #[error("another request was decided under the name `{0}`")]
    OtherRequest(String),
    /// There is no such decision, or it counted nothing.
    #[error("no decision `{0}` holds or has held anything")]
    NotFound(Uuid),
    /// The usage of the decision can't be changed any more.
    #[error("the decision is {0} already")]
    Closed(Standing),
    /// The usage doesn't fit what the policies declare.
    #[error("the usage does not fit what the active policies declare")]
    Usage(Vec<Fault>),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotCounted> for DecisionError {
    fn from(NotCounted(error): NotCounted) -> Self {
        // What several steps failed by is told to each.
        Self::Store(StoreError::unavailable(error.to_string()))
    }
}

/// Decides.
#[derive(Clone)]
pub struct DecisionService {
    engines: Arc<Engines>,
    lines: Lines,
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// A decision that is under way.
struct Pending {
    begun: Instant,
    deciding: Arc<Deciding>,
    /// None where no counter matters.
    place: Option<Result<Place, NotCounted>>,
}

impl DecisionService {
    /// A service over a store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let (engines, recorder) = (Engines::new(Arc::clone(&store)), Recorder::new(Arc::clone(&store)));
        let lines = Lines::new(store, Arc::clone(&clock));
        Self { engines: Arc::new(engines), lines, recorder, clock, random }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        to_microsecond(self.clock.now())
    }

    /// Another bundle may be active from now on.
    pub fn bundle_changed(&self, tenant: &TenantId) {
        self.engines.doubt(tenant);
    }

    /// Writes what decisions have left for the panels so far. It is written without that too, a moment later.
    pub async fn flush(&self) {
        self.recorder.flush().await;
    }

    /// Decides several requests, each for itself and in their order; those that count are counted together.
    pub async fn decide(
        &self,
        tenant: &TenantId,
        requests: Vec<NewDecision>,
    ) -> Result<Vec<Result<Decided, DecisionError>>, DecisionError> {
        let mut found = self.engines.of(tenant).await?;
        if found.value.is_none() {
            // It was so a moment ago; nobody is turned away by that.
            self.engines.doubt(tenant);
            found = self.engines.of(tenant).await?;
        }
        let loaded = found.value.ok_or(DecisionError::NoActiveBundle)?;
        let begin = |new| self.begin(tenant, &loaded, new, found.unconfirmed);
        let pending: Vec<_> = requests.into_iter().map(begin).collect();
        let mut decided = Vec::with_capacity(pending.len());
        for pending in pending {
            decided.push(self.finish(tenant, pending).await);
        }
        Ok(decided)
    }

    fn begin(&self, tenant: &TenantId, loaded: &Arc<Loaded>, new: NewDecision, unconfirmed: bool) -> Pending {
        let (begun, now) = (Instant::now(), self.now());
        let policies = loaded.engine.policies();
        let (request, mut faults) = Request::read(new.request, &policies.facts, &policies.meters);
        faults.extend(request.strangers(&policies.settings));
        let prepared = loaded.engine.prepare(&request).expect("what is read has the declared kinds");
        let hold_until = new.hold.map(|hold| now.saturating_add(hold).unwrap_or(Timestamp::MAX));
        let asked = Asked {
            id: new_id(now, &*self.random),
            request_id: new.request_id,
            at: request.at,
            now,
            path: request.path.to_string(),
            usage: request.usage,
            hold_until,
            dry_run: new.dry_run,
            unconfirmed,
            faults,
        };
        let deciding = Arc::new(Deciding::new(Arc::clone(loaded), asked, prepared));
        let (counters, runs) = deciding.needs();
        let counts = !(counters.is_empty() && runs.is_empty());
        let place = counts.then(|| {
            let asked = &deciding.asked;
            let claim = Claim {
                id: asked.id,
                request_id: asked.request_id.clone().filter(|_| !asked.dry_run),
                fingerprint: new.fingerprint,
                at: asked.at,
                hold_until,
                dry_run: asked.dry_run,
                counters,
                runs,
                decide: Arc::clone(&deciding) as Arc<dyn Decide>,
            };
            self.lines.join(tenant, CountingStep::Claim(Box::new(claim)))
        });
        Pending { begun, deciding, place }
    }

    async fn finish(&self, tenant: &TenantId, pending: Pending) -> Result<Decided, DecisionError> {
        let Pending { begun, deciding, place } = pending;
        let answer = match place {
            None => None,
            Some(Ok(place)) => Some(place.answer().await),
            Some(Err(error)) => Some(Err(error)),
        };
        let degraded = deciding.asked.unconfirmed || matches!(answer, Some(Err(_)));
        let (said, made) = match answer {
            None => deciding.plainly(),
            Some(Ok(CountingAnswer::Decided { answer })) => {
                (answer, deciding.take_made().expect("whoever was counted has been decided"))
            }
            Some(Ok(CountingAnswer::Repeated { answer })) => return Ok(Decided { answer, rates: vec![] }),
            Some(Ok(_)) => {
                let name = deciding.asked.request_id.clone().unwrap_or_default();
                return Err(DecisionError::OtherRequest(name));
            }
            Some(Err(NotCounted(error))) => {
                tracing::warn!(%tenant, id = %deciding.asked.id, %error, "decided without counters");
                deciding.blindly()
            }
        };
        Ok(self.left(tenant, &deciding.asked, begun, degraded, said, made))
    }

    /// Records what a decision leaves behind.
    fn left(
        &self,
        tenant: &TenantId,
        asked: &Asked,
        begun: Instant,
        degraded: bool,
        answer: String,
        made: Made,
    ) -> Decided {
        let Made { outcome, violations, bands, nearing, rates } = made;
        if !asked.dry_run {
            telemetry::requests_decided(outcome, degraded, &bands);
            let whole = |nearing| Neared {
                id: new_id(asked.now, &*self.random),
                decision: asked.id,
                path: asked.path.clone(),
                at: asked.now,
                nearing,
            };
            let neared = nearing.into_iter().map(whole).collect();
            self.recorder.record(tenant, asked.at, outcome, begun.elapsed(), violations, neared);
        }
        Decided { answer, rates }
    }

    /// Counts what was really used instead of what was asked for.
    pub async fn settle(
        &self,
        tenant: &TenantId,
        id: Uuid,
        usage: UsageJson,
    ) -> Result<Closed, DecisionError> {
        let found = self.engines.of(tenant).await?;
        let nothing = Policies::default();
        let policies = found.value.as_ref().map_or(&nothing, |loaded| loaded.engine.policies());
        let request = RequestJson {
            path: ordain_ir::Path { tenant: String::new(), project: String::new(), agent: String::new() },
            provider: None,
            at: self.now(),
            facts: Arc::default(),
            usage,
        };
        let (request, faults) = Request::read(request, &policies.facts, &policies.meters);
        if !faults.is_empty() {
            return Err(DecisionError::Usage(faults));
        }
        self.close(tenant, id, CountingStep::Settle { id, usage: request.usage }, Standing::Settled).await
    }

    /// Gives back what was asked for.
    pub async fn release(&self, tenant: &TenantId, id: Uuid) -> Result<Closed, DecisionError> {
        self.close(tenant, id, CountingStep::Release { id }, Standing::Released).await
    }

    async fn close(
        &self,
        tenant: &TenantId,
        id: Uuid,
        step: CountingStep,
        wanted: Standing,
    ) -> Result<Closed, DecisionError> {
        let answer = self.lines.join(tenant, step)?.answer().await?;
        match answer {
            CountingAnswer::Closed { late } => Ok(Closed { standing: wanted, repeated: false, late }),
            CountingAnswer::Already(standing)
                if standing == wanted || wanted == Standing::Released && standing == Standing::Expired =>
            {
                Ok(Closed { standing, repeated: true, late: false })
            }
            CountingAnswer::Already(standing) => Err(DecisionError::Closed(standing)),
            _ => Err(DecisionError::NotFound(id)),
        }
    }
}
