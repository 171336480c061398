//! The one place where the program reads the machine's clock.

use jiff::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl ordain_runtime::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the trait's one production implementation")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
