//! Clocks and memory for benches. Work on one thread is measured in the processor time of that thread, which other
//! programs on the machine change little; what several threads do together, by the wall.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// The time that this thread ran on a processor.
    pub processor: Duration,
    /// The time that passed.
    pub wall: Duration,
}

/// What a bench says of its clock, once, before the figures.
pub const CLOCK: &str = "times are the thread's own processor time, unless they say otherwise";

/// A point of time by the clocks of the whole process, for what several threads do together.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    processor: Duration,
    wall: Instant,
}

impl Mark {
    /// This moment.
    pub fn now() -> Self {
        Self { processor: clock(ClockId::ProcessCPUTime), wall: Instant::now() }
    }

    /// What all threads took between an earlier mark and this one.
    pub fn since(self, earlier: Self) -> Took {
        let processor = self.processor.saturating_sub(earlier.processor);
        Took { processor, wall: self.wall.saturating_duration_since(earlier.wall) }
    }
}

fn processor() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

fn clock(id: ClockId) -> Duration {
    let now = clock_gettime(id);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::from_secs(part(now.tv_sec)) + Duration::from_nanos(part(now.tv_nsec))
}

/// Does a piece of work and tells what it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (wall, start) = (Instant::now(), processor());
    let value = work();
    let took = Took { processor: processor().saturating_sub(start), wall: wall.elapsed() };
    (value, took)
}

/// The middle one of several goes of the same work, by processor time.
///
/// # Panics
/// If there is no go.
pub fn middle(goes: impl IntoIterator<Item = Took>) -> Took {
    percentile(goes, 50)
}

/// The go that this many of a hundred take no longer than, by processor time.
///
/// # Panics
/// If there is no go.
pub fn percentile(goes: impl IntoIterator<Item = Took>, part: usize) -> Took {
    let mut goes: Vec<Took> = goes.into_iter().collect();
    goes.sort_by_key(|it| it.processor);
    let at = (goes.len() * part).div_ceil(100).max(1) - 1;
    *goes.get(at).expect("at least one go")
}

/// How often something happens a second.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Bytes of memory that are resident now; `None` where the system doesn't tell.
pub fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_goes() {
        let goes = || (1..=20).rev().map(|n| Took { processor: Duration::from_secs(n), ..Took::default() });
        let at = |part| percentile(goes(), part).processor.as_secs();
        assert_eq!((at(0), at(50), at(95), at(96), at(100)), (1, 10, 19, 20, 20));
        assert_eq!(middle(goes()), percentile(goes(), 50));
    }

    #[test]
    fn sleeping_takes_no_processor() {
        let ((), took) = timed(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(took.wall >= Duration::from_millis(20), "{took:?}");
        assert!(took.processor < took.wall, "{took:?}");
    }
}
