//! The processor time of this thread, which other programs on the machine change little.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point in the thread's processor time.
#[derive(Clone, Copy, Debug)]
pub struct Processor(Duration);

impl Processor {
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let part = |number: i64| u64::try_from(number).unwrap_or_default();
        Self(Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec)))
    }

    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}
