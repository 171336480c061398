//! Draws from a fixed seed.

use crate::PageRequest;

/// Numerical Recipes' linear congruential generator: the same draws on every machine.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).expect("is below a usize")
    }

    pub(super) fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    pub(super) fn maybe<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        (self.below(3) == 0).then(|| self.one(all))
    }

    pub(super) fn page(&mut self) -> PageRequest<'static> {
        PageRequest::new(u32::try_from(1 + self.below(12)).expect("is small"), self.below(9) as u64)
    }
}
