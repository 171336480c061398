//! Chance, through a trait, so that answers can be replayed.

use std::sync::Mutex;

use jiff::Timestamp;
use uuid::Uuid;

/// Where bytes that nobody can guess come from. The program that starts everything has the one real source.
pub trait Random: Send + Sync {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// A source that gives the same bytes in every run, for tests.
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// A source for this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    /// Sebastiano Vigna's `SplitMix64`.
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A new identity: a version 7 UUID (RFC 9562), so that identities made later sort later.
pub fn new_id(at: Timestamp, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_sort_by_time_and_differ() {
        let random = SeededRandom::new(1);
        let at = |second| Timestamp::from_second(second).unwrap();
        let ids = [new_id(at(1), &random), new_id(at(2), &random), new_id(at(2), &random)];
        assert!(ids[0] < ids[1] && ids[1] != ids[2]);
        assert_eq!(ids[0].get_version_num(), 7);
        assert_eq!(new_id(at(1), &SeededRandom::new(1)), ids[0], "the same seed, the same identities");
    }
}
