//! Looking for new bundles where somebody else puts them, again and again. What is found has to pass everything that an
//! uploaded one has to; whatever is wrong with it, or with the place, what is active stays.

mod place;
mod s3;

use std::sync::Arc;
use std::time::Duration;

use ordain_ir::signature::Signature;
use ordain_store::TenantId;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use place::{NotSeen, Seen, Shelf};
pub use place::{Place, PlaceError};

use crate::client::{Client, ClientError};
use crate::service::{BundleFile, BundleService, DecisionService, Found, Judgement, LoadError, Untrusted};
use crate::telemetry::{self, Watched};

/// While the place or the database doesn't answer, it is asked less and less often, but at least so often, or as often
/// as was asked for.
const SLOWEST: Duration = Duration::from_mins(5);

/// What to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// Where.
    pub place: Place,
    /// How long it is left alone after each look.
    pub every: Duration,
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The client can't be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What the environment says of the store makes no sense.
    #[error("{0} can't be watched: {1}")]
    Store(String, String),
}

impl WatchOptions {
    /// What is wrong with it, as far as can be seen without looking there.
    pub fn check(&self) -> Result<(), WatchError> {
        self.open(0).map(drop)
    }

    fn open(&self, largest: usize) -> Result<Shelf, WatchError> {
        let client = Client::new(None)?;
        self.place
            .open(&client, largest)
            .map_err(|error| WatchError::Store(self.place.to_string(), error.to_string()))
    }
}

/// Takes what a place has for a tenant.
pub(crate) struct Watch {
    options: WatchOptions,
    shelf: Shelf,
    tenant: TenantId,
    bundles: BundleService,
    decisions: DecisionService,
    /// Held while it is looked.
    memory: Mutex<Memory>,
}

/// What became of the last look, so that nothing is judged or told twice.
#[derive(Default)]
struct Memory {
    handled: Option<Handled>,
    missing: bool,
}

/// An object that was dealt with.
struct Handled {
    seen: Seen,
    outcome: Watched,
    until: Until,
}

/// What has to happen before it is dealt with again.
enum Until {
    /// There is another bundle.
    Bundle,
    /// There is another signature than the one of this version, if there was any; or another bundle.
    Signature(Option<String>),
}

/// Why a look has come to nothing, and is to be tried again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Place(NotSeen),
    #[error("{0}")]
    Bundle(LoadError),
}

impl Watch {
    /// Ready to look, with bundles of so many bytes at most.
    pub(crate) fn new(
        options: WatchOptions,
        largest: usize,
        tenant: TenantId,
        bundles: BundleService,
        decisions: DecisionService,
    ) -> Result<Self, WatchError> {
        let shelf = options.open(largest)?;
        Ok(Self { options, shelf, tenant, bundles, decisions, memory: Mutex::default() })
    }

    /// Looks again and again. Never ends.
    pub(crate) async fn keep(self: Arc<Self>) {
        let (every, place) = (self.options.every, &self.options.place);
        tracing::info!(%place, tenant = %self.tenant, every = ?every, "new bundles are looked for");
        let mut pause = every;
        loop {
            // Each look is a task of its own: a panic ends the look and nothing else. It ends with this one.
            let (mut task, watch) = (JoinSet::new(), Arc::clone(&self));
            task.spawn(async move { watch.look().await });
            let trouble = match task.join_next().await {
                Some(Ok(Ok(outcome))) => {
                    telemetry::watched(outcome, self.bundles.now());
                    None
                }
                Some(Ok(Err(trouble))) => Some(trouble.to_string()),
                Some(Err(_)) | None => Some("it ended with a panic, which is a bug of ours".to_owned()),
            };
            if let Some(reason) = trouble {
                telemetry::watched(Watched::Failed, self.bundles.now());
                tracing::warn!(%place, %reason, again_in = ?pause, "could not look for new bundles; what is active stays");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(SLOWEST.max(every));
            } else {
                pause = every;
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Looks once.
    async fn look(&self) -> Result<Watched, Trouble> {
        let mut memory = self.memory.lock().await;
        let place = &self.options.place;
        let seen = match self.shelf.look().await {
            Ok(seen) => seen,
            Err(NotSeen::Missing) => {
                if !memory.missing {
                    memory.missing = true;
                    tracing::warn!(%place, "there is no bundle; what is active stays");
                }
                return Ok(Watched::Missing);
            }
            Err(other) => return Err(Trouble::Place(other)),
        };
        memory.missing = false;
        if let Some(handled) = memory.handled.as_ref().filter(|handled| seen.is(&handled.seen)) {
            let settled = match &handled.until {
                Until::Bundle => true,
                Until::Signature(before) => {
                    let now = self.shelf.look_for_signature(&seen.object).await;
                    *before == now.map_err(Trouble::Place)?
                }
            };
            if settled {
                return Ok(if handled.outcome == Watched::Refused {
                    Watched::Refused
                } else {
                    Watched::Unchanged
                });
            }
        }
        let handled = self.handle(seen).await?;
        let outcome = handled.outcome;
        memory.handled = Some(handled);
        Ok(outcome)
    }

    /// Deals with what hasn't been seen before.
    async fn handle(&self, seen: Seen) -> Result<Handled, Trouble> {
        let place = &self.options.place;
        let refused = |seen: Seen, until, reason: String| {
            tracing::warn!(
                %place, object = seen.name(), %reason, "the bundle that was found is refused; what is active stays"
            );
            Ok(Handled { seen, outcome: Watched::Refused, until })
        };
        let (seen, bytes) = match self.shelf.read(&seen.object).await {
            Ok((now, bytes)) => (if now.is(&seen) { seen } else { now }, bytes),
            Err(reason @ NotSeen::TooLarge(..)) => return refused(seen, Until::Bundle, reason.to_string()),
            Err(other) => return Err(Trouble::Place(other)),
        };
        let signature = self.shelf.read_signature(&seen.object).await.map_err(Trouble::Place)?;
        let (version, signature) = signature.unzip();
        let read = signature.map(|bytes| Signature::from_bytes(&bytes)).transpose();
        let file = match read {
            Ok(signature) => BundleFile { bytes, signature },
            Err(error) => {
                return refused(seen, Until::Signature(version), Untrusted::from(error).to_string());
            }
        };
        let found = Found {
            place: place.to_string(),
            object: seen.name().to_owned(),
            is_newest: place.is_folder(),
            modified_at: seen.modified_at,
            file,
        };
        match self.bundles.take(&self.tenant, found).await {
            Ok(Judgement::Taken) => {
                self.decisions.bundle_changed(&self.tenant);
                Ok(Handled { seen, outcome: Watched::Taken, until: Until::Bundle })
            }
            Ok(Judgement::Known) => Ok(Handled { seen, outcome: Watched::Unchanged, until: Until::Bundle }),
            Ok(Judgement::Left) => {
                tracing::info!(
                    %place, object = seen.name(),
                    "what was taken last is gone from there; what is active stays, and nothing goes back to what is left"
                );
                Ok(Handled { seen, outcome: Watched::Unchanged, until: Until::Bundle })
            }
            Ok(Judgement::Earlier) => {
                let reason = "it is older than what was last taken from there; to go back, write it anew or activate it \
                              over the API";
                refused(seen, Until::Bundle, reason.to_owned())
            }
            Err(error @ LoadError::Store(_)) => Err(Trouble::Bundle(error)),
            Err(error @ LoadError::Untrusted(_)) => {
                refused(seen, Until::Signature(version), error.to_string())
            }
            Err(error) => refused(seen, Until::Bundle, error.to_string()),
        }
    }
}
