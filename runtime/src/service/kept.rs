//! What is fetched from the store now and then, and used meanwhile: so that whoever decides needn't wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ordain_store::StoreError;
use tokio::time::Instant;

/// Younger than this, a value is used as it is.
const FRESH: Duration = Duration::from_millis(500);
/// Younger than this, it is used while a newer one is fetched; older ones are waited for.
const USABLE: Duration = Duration::from_secs(2);
/// How long anybody waits for the store.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How many values are kept; beyond, all are forgotten.
const MOST: usize = 10_000;

type Fetching<V> = Pin<Box<dyn Future<Output = Result<V, StoreError>> + Send>>;
type Fetch<V> = dyn Fn(String, Option<V>) -> Fetching<V> + Send + Sync;

/// Values by name.
pub(super) struct Kept<V> {
    fetch: Arc<Fetch<V>>,
    /// How old a value may become while the store doesn't answer.
    most: Duration,
    slots: Mutex<HashMap<String, Arc<Mutex<Slot<V>>>>>,
}

struct Slot<V> {
    value: Option<(V, Instant)>,
    fetching: bool,
    /// Counts how often everything known was put in doubt.
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

impl<V: Clone + Send + 'static> Kept<V> {
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
        let slot = Arc::new(Mutex::new(Slot { value: None, fetching: false, doubts: 0 }));
        slots.insert(name.to_owned(), Arc::clone(&slot));
        slot
    }

    /// Puts a value in doubt: the next to ask waits for a newer one.
    pub(super) fn doubt(&self, name: &str) {
        let slot = self.slot(name);
        let mut slot = locked(&slot);
        slot.doubts += 1;
        if let Some((_, checked)) = &mut slot.value {
            *checked = checked.checked_sub(USABLE).unwrap_or(*checked);
        }
    }

    /// Forgets a value, so that it takes no place.
    pub(super) fn forget(&self, name: &str) {
        locked(&self.slots).remove(name);
    }

    /// The value of this name. The store is asked only where the one at hand is no longer fresh, and waited for only
    /// where it is old.
    pub(super) async fn get(&self, name: &str) -> Result<Found<V>, StoreError> {
        self.get_at(name, Instant::now()).await
    }

    async fn get_at(&self, name: &str, now: Instant) -> Result<Found<V>, StoreError> {
        let slot = self.slot(name);
        let at_hand = {
            let mut slot = locked(&slot);
            let age = slot.value.as_ref().map(|(_, checked)| now.saturating_duration_since(*checked));
            let at_hand = slot.value.as_ref().map(|(value, _)| value.clone());
            match (at_hand, age) {
                (Some(value), Some(age)) if age < FRESH => {
                    return Ok(Found { value, unconfirmed: false });
                }
                (Some(value), Some(age)) if age < USABLE => {
                    let first = !std::mem::replace(&mut slot.fetching, true);
                    drop(slot);
                    if first {
                        self.renew(name, &self.slot(name), now);
                    }
                    return Ok(Found { value, unconfirmed: false });
                }
                (value, age) => value.filter(|_| age.is_some_and(|age| age < self.most)),
            }
        };
        let renewing = self.renew(name, &slot, now);
        let failure = match tokio::time::timeout(PATIENCE, renewing).await {
            Ok(Ok(Ok(value))) => return Ok(Found { value, unconfirmed: false }),
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) => StoreError::unavailable("fetching ended with a panic, which is a bug of ours"),
            Err(_) => StoreError::unavailable("the database takes too long"),
        };
        at_hand.map(|value| Found { value, unconfirmed: true }).ok_or(failure)
    }

    /// Fetches on a task of its own, which ends whether somebody waits for it or not: a connection that is given up
    /// half way is lost to its pool.
    fn renew(
        &self,
        name: &str,
        slot: &Arc<Mutex<Slot<V>>>,
        now: Instant,
    ) -> tokio::task::JoinHandle<Result<V, StoreError>> {
        let (fetch, name, slot) = (Arc::clone(&self.fetch), name.to_owned(), Arc::clone(slot));
        tokio::spawn(async move {
            let (before, doubts) = {
                let slot = locked(&slot);
                (slot.value.as_ref().map(|(value, _)| value.clone()), slot.doubts)
            };
            let fetched = fetch(name, before).await;
            let mut slot = locked(&slot);
            slot.fetching = false;
            if let Ok(value) = &fetched
                && slot.doubts == doubts
            {
                slot.value = Some((value.clone(), now));
            }
            fetched
        })
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
