//! What has been used: counters with holds, in memory, exact whatever the threads.
//!
//! A request is decided and its usage held **in one step under one lock**: of any number of threads that ask at the
//! same instant, no more are admitted than the limits allow, and of several limits on one request either all count it
//! or none does. A hold is settled with what was really used, released, or given back once it expires. There is
//! nothing lock-free in here, so there are no interleavings but whole steps.
//!
//! Time is an argument of every step. Usage counts in the period of the request's own instant; a clock that jumps
//! changes which holds have expired, and nothing else.
//!
//! # What counts
//!
//! Who keeps counters elsewhere asks [`Engine::effects`](crate::Engine::effects) what a decision counts, and
//! [`Engine::nearing`](crate::Engine::nearing) which bounds it comes near; this ledger does the same.
//!
//! A request that may go ahead (ALLOW, AUDIT, WARN, DEGRADE) counts for every active limit on what accumulates in whose
//! domain it is, overridden or not: a counter is the usage of the limit's own domain. One that has to wait or is
//! stopped (QUEUE, BLOCK) counts for none. Cooldowns run from the last request that went ahead.
//!
//! What is concurrent counts as long as it is held: until it is settled, with whatever usage, released, or expired. A
//! request that counts for good at once is measured against such a limit, and counts for nobody under it.

mod effect;
mod event;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use ordain_ir::request::RequestJson;
use ordain_ir::{Outcome, Request, Usage};

pub use effect::{Effect, Nearing};
pub use event::{Band, LimitEvent};
pub use state::{CounterState, HoldState, LastRunState, LedgerState};

use crate::{Answer, DecideError, Decision, Engine, Prepared};
use state::State;

/// Counters and holds, for any number of threads.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<State>);

/// A request for admission.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// What names the request, so that asking twice counts once; one without a name counts each time, and for good.
    pub id: Option<&'a str>,
    /// The present.
    pub now: Timestamp,
    /// How long its usage is held at most until it is settled; `None` if it counts for good at once.
    pub hold: Option<SignedDuration>,
}

impl Claim<'_> {
    /// Whether its usage is held: what nobody can name can't be settled, so it counts at once.
    fn holds(&self) -> bool {
        self.id.is_some() && self.hold.is_some()
    }
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The request may go ahead; its usage counts from now on.
    Admitted,
    /// It may not, and counts nowhere; it may ask again under the same name.
    Refused,
    /// A claim of this name was admitted before, with this outcome. Nothing counts twice; the answer is as it was
    /// before the call.
    Repeated(Outcome),
}

/// How a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The usage that was asked for is set aside.
    Held,
    /// What was really used counts.
    Settled,
    /// It was given back.
    Released,
    /// It was given back because it had expired.
    Expired,
}

/// What settling or releasing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It is done.
    Done,
    /// The hold had expired; what was really used counts all the same.
    Late,
    /// It was closed before, in this way; nothing has changed.
    Already(Standing),
}

/// Why a hold can't be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No claim of this name was admitted.
    #[error("no request `{0}` was admitted")]
    Unknown(String),
}

impl Ledger {
    /// The counters of a [`LedgerState`].
    pub fn restore(state: LedgerState) -> Self {
        Self(Mutex::new(State::restore(state)))
    }

    /// Everything that it knows, in one order whatever the order in which it came to know it.
    pub fn state(&self) -> LedgerState {
        self.lock().snapshot()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No step panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides a request and, if it may go ahead, counts its usage, all in one step. What this means for limits that
    /// come near their bounds is added to `events`.
    ///
    /// # Errors
    /// If the request was prepared for another engine.
    pub fn admit(
        &self,
        engine: &Engine,
        request: &Prepared,
        claim: Claim<'_>,
        answer: &mut Answer,
        events: &mut Vec<LimitEvent>,
    ) -> Result<Admission, DecideError> {
        let mut state = self.lock();
        state.expire(claim.now);
        if let Some(outcome) = claim.id.and_then(|id| state.admitted(id)) {
            return Ok(Admission::Repeated(outcome));
        }
        let outcome = engine.answer(request, &*state, answer)?;
        state.tell(engine, request, answer, claim.holds(), events);
        if !outcome.goes_ahead() {
            return Ok(Admission::Refused);
        }
        state.count(engine, request, answer, claim);
        Ok(Admission::Admitted)
    }

    /// Decides whatever comes, as [`Engine::enforce`] does, and counts at the request's own instant what may go ahead.
    pub fn enforce(&self, engine: &Engine, request: RequestJson, events: &mut Vec<LimitEvent>) -> Decision {
        let policies = engine.policies();
        let (request, mut faults) = Request::read(request, &policies.facts, &policies.meters);
        faults.extend(request.strangers(&policies.settings));
        let prepared = engine.prepare(&request).expect("what is read has the declared kinds");
        let claim = Claim { id: None, now: request.at, hold: None };
        let mut answer = Answer::default();
        self.admit(engine, &prepared, claim, &mut answer, events).expect("it was prepared for this engine");
        Decision { faults, ..engine.explain(&prepared, &answer) }
    }

    /// Counts what a request has really used instead of what it asked for. It may be more than any limit allows: what
    /// has been used has been used. Settling again changes nothing.
    ///
    /// # Errors
    /// If no claim of this name was admitted.
    pub fn settle(&self, id: &str, usage: &Usage, now: Timestamp) -> Result<Closing, LedgerError> {
        let mut state = self.lock();
        state.expire(now);
        state.close(id, Some(usage))
    }

    /// Gives back what a request asked for, since it won't be used. Releasing again changes nothing.
    ///
    /// # Errors
    /// If no claim of this name was admitted.
    pub fn release(&self, id: &str, now: Timestamp) -> Result<Closing, LedgerError> {
        let mut state = self.lock();
        state.expire(now);
        state.close(id, None)
    }

    /// Gives back the holds that have expired by now, and says how many. Every other step does so too.
    pub fn expire(&self, now: Timestamp) -> usize {
        self.lock().expire(now)
    }

    /// Forgets counters under [keys](crate::Span::key) before an instant that hold nothing, and closed holds that expired before it:
    /// they are no longer needed once no request can come for whose [span](crate::Span) they count; a month goes back 31
    /// days at most. A claim of a forgotten name counts as new.
    pub fn forget(&self, before: Timestamp) {
        self.lock().forget(before);
    }
}
