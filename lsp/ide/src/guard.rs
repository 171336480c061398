//! Computing so that neither a cancellation nor a bug gets further than the question that met it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use salsa::Cancelled;

/// Why a computation has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// Nobody wants it any more: its [`CancelHandle`] was used.
    Cancelled,
    /// An edit overtook it.
    Superseded,
    /// It can't be done here, and says why.
    Failed(String),
    /// It panicked, which is a bug of ours; with the panic's message.
    Panicked(String),
}

/// Computes, and catches cancellations and panics.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Interrupted> {
    // Nothing that the computation may have left half done is seen again: snapshots are dropped after it, and
    // salsa keeps no value of a query that unwound.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| match payload.downcast_ref::<Cancelled>() {
        Some(Cancelled::Local) => Interrupted::Cancelled,
        Some(Cancelled::PendingWrite) => Interrupted::Superseded,
        Some(other) => Interrupted::Panicked(other.to_string()),
        None => Interrupted::Panicked(panic_message(&*payload)),
    })
}

/// What a panic said.
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Stops what is computed on one snapshot, from another thread.
#[derive(Clone)]
pub struct CancelHandle(pub(crate) salsa::CancellationToken);

impl CancelHandle {
    /// Stops it at its next query.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_keep_their_message() {
        assert_eq!(guard(|| 7), Ok(7));
        let number = 3;
        let formatted = guard(|| panic!("no {number}"));
        assert_eq!(formatted, Err::<(), _>(Interrupted::Panicked("no 3".to_owned())));
        let literal = guard(|| panic!("no"));
        assert_eq!(literal, Err::<(), _>(Interrupted::Panicked("no".to_owned())));
    }
}
