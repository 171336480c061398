//! Exact rationals in two sizes: of 128 bits, which nearly all programs fit in, and of any.

use num_rational::{BigRational, Ratio};
use num_traits::{
    CheckedAdd as _, CheckedDiv as _, CheckedMul as _, One as _, Signed as _, ToPrimitive as _, Zero as _,
};

/// A rational that may have no room for a result.
pub(super) trait Number: Clone + Ord {
    fn of(value: &BigRational) -> Option<Self>;
    fn big(&self) -> BigRational;
    /// -1, 0 or 1.
    fn sign(&self) -> i32;
    /// `self + a · b`.
    fn plus_product(&self, a: &Self, b: &Self) -> Option<Self>;
    /// `-self / by`, of what isn't zero.
    fn minus_quotient(&self, by: &Self) -> Option<Self>;
    fn whole(value: i8) -> Self;
}

impl Number for BigRational {
    fn of(value: &BigRational) -> Option<Self> {
        Some(value.clone())
    }

    fn big(&self) -> BigRational {
        self.clone()
    }

    fn sign(&self) -> i32 {
        i32::from(self.is_positive()) - i32::from(self.is_negative())
    }

    fn plus_product(&self, a: &Self, b: &Self) -> Option<Self> {
        Some(self + a * b)
    }

    fn minus_quotient(&self, by: &Self) -> Option<Self> {
        Some(-self / by)
    }

    fn whole(value: i8) -> Self {
        Self::from_integer(value.into())
    }
}

/// Leaves a bit free, so that nothing is the least number of all, which has no negative.
fn roomy(value: Ratio<i128>) -> Option<Ratio<i128>> {
    (value.numer().unsigned_abs() < 1 << 126).then_some(value)
}

impl Number for Ratio<i128> {
    fn of(value: &BigRational) -> Option<Self> {
        roomy(Self::new_raw(value.numer().to_i128()?, value.denom().to_i128()?))
    }

    fn big(&self) -> BigRational {
        BigRational::new_raw((*self.numer()).into(), (*self.denom()).into())
    }

    fn sign(&self) -> i32 {
        i32::from(*self.numer() > 0) - i32::from(*self.numer() < 0)
    }

    fn plus_product(&self, a: &Self, b: &Self) -> Option<Self> {
        if self.denom().is_one() && a.denom().is_one() && b.denom().is_one() {
            let sum = self.numer().checked_add(&a.numer().checked_mul(b.numer())?)?;
            return roomy(Self::new_raw(sum, 1));
        }
        roomy(self.checked_add(&a.checked_mul(b)?)?)
    }

    fn minus_quotient(&self, by: &Self) -> Option<Self> {
        let negative = Self::new_raw(self.numer().checked_neg()?, *self.denom());
        if by.is_one() || negative.is_zero() { Some(negative) } else { roomy(negative.checked_div(by)?) }
    }

    fn whole(value: i8) -> Self {
        Self::from_integer(value.into())
    }
}
