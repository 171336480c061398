//! What is fetched from the store now and then, and used meanwhile: so that whoever decides needn't wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ordain_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

/// Younger than this, a value is used as it is.
const FRESH: Duration = Duration::from_millis(500);
/// Younger than this, it is used while a newer one is fetched; older ones are waited for.
const USABLE: Duration = Duration::from_secs(2);
/// How long anybody waits for the store.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long fetching may take before it is given up.
const LONGEST: Duration = Duration::from_secs(10);
/// How many values are kept; beyond, all are forgotten.
const MOST: usize = 10_000;

type Fetched<V> = Result<V, Arc<StoreError>>;
type Fetching<V> = Pin<Box<dyn Future<Output = Result<V, StoreError>> + Send>>;
type Fetch<V> = dyn Fn(String, Option<V>) -> Fetching<V> + Send + Sync;
type Waiting<V> = watch::Receiver<Option<Fetched<V>>>;

/// Values by name.
pub(super) struct Kept<V> {
    fetch: Arc<Fetch<V>>,
    /// How old a value may become while the store doesn't answer.
    most: Duration,
    slots: Mutex<HashMap<String, Arc<Mutex<Slot<V>>>>>,
}

struct Slot<V> {
    value: Option<(V, Instant)>,
    /// What is under way, and since when.
    fetching: Option<(Instant, Waiting<V>)>,
    /// When fetching failed last, if nothing was fetched since.
    failed: Option<Instant>,
    /// How often the value was put in doubt.
    doubts: u64,
}

/// A value, and whether it is one from before that the store has not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<V> {
    pub(super) value: V,
    pub(super) unconfirmed: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No step under the lock panics half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_slow() -> StoreError {
    StoreError::unavailable("the database takes too long")
}

impl<V: Clone + Send + Sync + 'static> Kept<V> {
    /// Values that are fetched this way: by name, and with the value from before.
    pub(super) fn new<F>(
        most: Duration,
        fetch: impl Fn(String, Option<V>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<V, StoreError>> + Send + 'static,
    {
        let fetch = Arc::new(move |name, before| Box::pin(fetch(name, before)) as Fetching<V>);
        Self { fetch, most, slots: Mutex::default() }
    }

    fn slot(&self, name: &str) -> Arc<Mutex<Slot<V>>> {
        let mut slots = locked(&self.slots);
        if let Some(slot) = slots.get(name) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST {
            slots.clear();
        }
        let slot = Arc::new(Mutex::new(Slot { value: None, fetching: None, failed: None, doubts: 0 }));
        slots.insert(name.to_owned(), Arc::clone(&slot));
        slot
    }

    /// Puts a value in doubt: the next to ask waits for a newer one.
    pub(super) fn doubt(&self, name: &str) {
        let slot = self.slot(name);
        let mut slot = locked(&slot);
        slot.doubts += 1;
        (slot.fetching, slot.failed) = (None, None);
        if let Some((_, checked)) = &mut slot.value {
            *checked = checked.checked_sub(USABLE).unwrap_or(*checked);
        }
    }

    /// Forgets a value, so that it takes no place.
    pub(super) fn forget(&self, name: &str) {
        locked(&self.slots).remove(name);
    }

    /// The value of this name. The store is asked only where the one at hand is no longer fresh, and waited for only
    /// where it is old; never where it has just failed, or kept others waiting.
    pub(super) async fn get(&self, name: &str) -> Result<Found<V>, StoreError> {
        self.get_at(name, Instant::now()).await
    }

    async fn get_at(&self, name: &str, now: Instant) -> Result<Found<V>, StoreError> {
        let slot = self.slot(name);
        let (at_hand, mut waiting) = {
            let mut held = locked(&slot);
            let at_hand = held.value.clone();
            let at_hand = at_hand.map(|(value, checked)| (value, now.saturating_duration_since(checked)));
            if let Some((value, age)) = &at_hand
                && *age < USABLE
            {
                if *age >= FRESH {
                    self.renewing(name, &slot, &mut held, now);
                }
                return Ok(Found { value: value.clone(), unconfirmed: false });
            }
            let at_hand = at_hand.filter(|(_, age)| *age < self.most).map(|(value, _)| value);
            let hangs = held.fetching.as_ref().is_some_and(|(since, _)| *since + PATIENCE <= now);
            let failed = held.failed.is_some_and(|at| now < at + FRESH);
            if let (Some(value), true) = (&at_hand, hangs || failed) {
                return Ok(Found { value: value.clone(), unconfirmed: true });
            }
            (at_hand, self.renewing(name, &slot, &mut held, now))
        };
        let fetched = tokio::time::timeout(PATIENCE, waiting.wait_for(Option::is_some)).await;
        let failure = match fetched.ok().and_then(Result::ok).and_then(|fetched| fetched.clone()) {
            Some(Ok(value)) => return Ok(Found { value, unconfirmed: false }),
            Some(Err(error)) => StoreError::unavailable(error.to_string()),
            None => too_slow(),
        };
        at_hand.map(|value| Found { value, unconfirmed: true }).ok_or(failure)
    }

    /// What is being fetched; if nothing is, it is begun, on a task of its own, which ends whether somebody waits for it
    /// or not.
    fn renewing(
        &self,
        name: &str,
        slot: &Arc<Mutex<Slot<V>>>,
        held: &mut Slot<V>,
        now: Instant,
    ) -> Waiting<V> {
        // One that ended with a panic is closed, and tells nobody.
        if let Some((_, waiting)) = held.fetching.as_ref().filter(|it| it.1.has_changed().is_ok()) {
            return waiting.clone();
        }
        let (tell, waiting) = watch::channel(None);
        held.fetching = Some((now, waiting.clone()));
        let (fetching, doubts) =
            ((self.fetch)(name.to_owned(), held.value.clone().map(|it| it.0)), held.doubts);
        let slot = Arc::clone(slot);
        tokio::spawn(async move {
            let begun = Instant::now();
            let fetched = tokio::time::timeout(LONGEST, fetching).await.unwrap_or_else(|_| Err(too_slow()));
            let mut held = locked(&slot);
            // What was begun before the doubt says nothing.
            if held.doubts == doubts {
                held.fetching = None;
                held.failed = fetched.is_err().then(|| now + begun.elapsed());
                if let Ok(value) = &fetched {
                    held.value = Some((value.clone(), now));
                }
            }
            drop(held);
            let _ = tell.send(Some(fetched.map_err(Arc::new)));
        });
        waiting
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Counts how often it is asked, and fails from the third time on.
    fn counting(most: Duration) -> (Kept<u32>, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        let kept = Kept::new(most, move |_, _| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            async move { if number < 2 { Ok(number) } else { Err(StoreError::unavailable("down")) } }
        });
        (kept, asked)
    }

    #[tokio::test]
    async fn values_are_fetched_when_they_are_old_and_used_meanwhile() {
        let (kept, asked) = counting(MINUTE);
        let found = |value, unconfirmed| Found { value, unconfirmed };
        let begin = Instant::now();
        for _ in 0..3 {
            assert_eq!(kept.get_at("a", begin).await.unwrap(), found(0, false));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let later = begin + FRESH;
        assert_eq!(kept.get_at("a", later).await.unwrap(), found(0, false), "used while it is renewed");
        tokio::task::yield_now().await;
        assert_eq!(kept.get_at("a", later).await.unwrap(), found(1, false));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let late = later + USABLE;
        assert_eq!(kept.get_at("a", late).await.unwrap(), found(1, true), "nobody confirms it");
        assert_eq!(kept.get_at("a", late).await.unwrap(), found(1, true));
        assert_eq!(asked.load(Ordering::SeqCst), 3, "what has just failed is not tried again at once");
        assert!(kept.get_at("a", late + MINUTE).await.is_err(), "too old to go by");
    }

    #[tokio::test]
    async fn what_is_in_doubt_is_fetched_anew() {
        let (kept, asked) = counting(MINUTE);
        let begin = Instant::now() + MINUTE;
        assert_eq!(kept.get_at("a", begin).await.unwrap().value, 0);
        kept.doubt("a");
        assert_eq!(kept.get_at("a", begin).await.unwrap().value, 1);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        kept.forget("a");
        assert!(kept.get_at("a", begin).await.is_err());
    }
}
