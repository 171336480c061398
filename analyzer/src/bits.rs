//! Sets of small numbers, as bits.

/// A set of numbers below a length that all sets of one family share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    /// The numbers below `length` with a property.
    pub(crate) fn new(length: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let mut words = vec![0_u64; length.div_ceil(64)].into_boxed_slice();
        for i in (0..length).filter(|i| holds(*i)) {
            words[i / 64] |= 1 << (i % 64);
        }
        Self(words)
    }

    /// Puts the number in, or takes it out.
    pub(crate) fn toggle(&mut self, number: usize) {
        self.0[number / 64] ^= 1 << (number % 64);
    }

    /// The numbers in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    /// Whether some number is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether every number of this set is in the other.
    pub(crate) fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    /// Whether the number is in the set.
    pub(crate) fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    /// How many numbers are in the set.
    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether some number of the range is in the set.
    pub(crate) fn any_in(&self, mut range: std::ops::Range<usize>) -> bool {
        range.any(|i| self.contains(i))
    }
}
