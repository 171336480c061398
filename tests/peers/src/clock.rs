//! Processor time, which other programs on the machine change little.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point in the processor time of this thread, or of all threads.
#[derive(Clone, Copy, Debug)]
pub struct Processor(ClockId, Duration);

impl Processor {
    /// Of this thread.
    pub fn now() -> Self {
        Self::of(ClockId::ThreadCPUTime)
    }

    /// Of all threads of this process.
    pub fn of_all() -> Self {
        Self::of(ClockId::ProcessCPUTime)
    }

    fn of(clock: ClockId) -> Self {
        let now = clock_gettime(clock);
        let part = |number: i64| u64::try_from(number).unwrap_or_default();
        Self(clock, Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec)))
    }

    pub fn elapsed(self) -> Duration {
        Self::of(self.0).1.saturating_sub(self.1)
    }
}
