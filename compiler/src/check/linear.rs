//! Sums of facts with constant factors, exact.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ordain_ir::{CompareOp, Condition, Fact, FactName};

use super::literal::{Number, Unit};

/// `(Σ coefficient · fact + constant) · 10^-scale`, each fact in units of its own type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linear {
    pub(crate) unit: Unit,
    pub(crate) terms: BTreeMap<FactName, i128>,
    pub(crate) constant: i128,
    pub(crate) scale: u8,
}

impl Linear {
    pub(crate) fn constant(number: Number) -> Self {
        Self { unit: number.unit, terms: BTreeMap::new(), constant: number.value, scale: number.scale }
    }

    /// `None` for a fact that is no number.
    pub(crate) fn fact(fact: &Fact) -> Option<Self> {
        let (unit, scale) = (Unit::of(&fact.ty)?, fact.ty.scale()?);
        Some(Self { unit, terms: BTreeMap::from([(fact.name.clone(), 1)]), constant: 0, scale })
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.terms.is_empty()
    }

    /// The constant as it could be written.
    pub(crate) fn constant_text(&self) -> String {
        self.unit.written(self.constant, self.scale)
    }

    /// The whole numbers of 10^-`scale` next to the constant, from below and from above; both are the constant
    /// where it is one. `None` on overflow.
    pub(crate) fn nearest(&self, scale: u8) -> Option<(i64, i64)> {
        if let Some(finer) = scale.checked_sub(self.scale) {
            let value = self.constant.checked_mul(10_i128.checked_pow(finer.into())?)?;
            let value = i64::try_from(value).ok()?;
            return Some((value, value));
        }
        let unit = 10_i128.checked_pow((self.scale - scale).into())?;
        let below = self.constant.div_euclid(unit);
        let above = if self.constant.rem_euclid(unit) == 0 { below } else { below + 1 };
        Some((i64::try_from(below).ok()?, i64::try_from(above).ok()?))
    }

    /// The only fact, where nothing is added to it and it has no factor.
    pub(crate) fn lone_fact(&self) -> Option<&FactName> {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next()) {
            (Some((name, 1)), None) if self.constant == 0 => Some(name),
            _ => None,
        }
    }

    /// Least and greatest value in units of 10^-`scale`, given those of the facts, in units of their types;
    /// `None` on overflow, or where a fact has none.
    pub(crate) fn range(&self, facts: impl Fn(&FactName) -> Option<(i64, i64)>) -> Option<(i128, i128)> {
        let mut range = (self.constant, self.constant);
        for (fact, coefficient) in &self.terms {
            let (least, greatest) = facts(fact)?;
            let ends = (coefficient.checked_mul(least.into())?, coefficient.checked_mul(greatest.into())?);
            range.0 = range.0.checked_add(ends.0.min(ends.1))?;
            range.1 = range.1.checked_add(ends.0.max(ends.1))?;
        }
        Some(range)
    }

    /// The same in a finer scale; `None` on overflow.
    fn rescaled(mut self, scale: u8) -> Option<Self> {
        if scale == self.scale {
            return Some(self);
        }
        let factor = 10_i128.checked_pow(u32::from(scale.checked_sub(self.scale)?))?;
        self.scale = scale;
        self.times_integer(factor)
    }

    fn times_integer(mut self, factor: i128) -> Option<Self> {
        self.constant = self.constant.checked_mul(factor)?;
        for coefficient in self.terms.values_mut() {
            *coefficient = coefficient.checked_mul(factor)?;
        }
        self.terms.retain(|_, coefficient| *coefficient != 0);
        Some(self)
    }

    /// The sum of two of one unit; `None` on overflow.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (mut sum, other) = (self.rescaled(scale)?, other.rescaled(scale)?);
        sum.constant = sum.constant.checked_add(other.constant)?;
        for (fact, coefficient) in other.terms {
            match sum.terms.entry(fact) {
                Entry::Vacant(entry) => {
                    entry.insert(coefficient);
                }
                Entry::Occupied(mut entry) => {
                    *entry.get_mut() = entry.get().checked_add(coefficient)?;
                    if *entry.get() == 0 {
                        entry.remove();
                    }
                }
            }
        }
        Some(sum)
    }

    pub(crate) fn negated(self) -> Option<Self> {
        self.times_integer(-1)
    }

    /// The product with a constant; `None` on overflow.
    pub(crate) fn times(mut self, factor: &Self) -> Option<Self> {
        self.scale = self.scale.checked_add(factor.scale)?;
        self.times_integer(factor.constant)
    }

    /// `self op 0`; `None` on overflow.
    pub(crate) fn compared_to_zero(&self, op: CompareOp) -> Option<Condition> {
        let bound = self.constant.checked_neg()?;
        if self.terms.is_empty() {
            return Some(if op.holds(&0, &bound) { Condition::True } else { Condition::False });
        }
        let divisor =
            self.terms.values().fold(bound.unsigned_abs(), |divisor, c| gcd(divisor, c.unsigned_abs()));
        let divisor = i128::try_from(divisor.max(1)).ok()?;
        let mut magnitude: u128 = 0;
        let mut terms = vec![];
        for (fact, coefficient) in &self.terms {
            let coefficient = coefficient / divisor;
            magnitude = magnitude.checked_add(coefficient.unsigned_abs())?;
            terms.push((fact.clone(), i64::try_from(coefficient).ok()?));
        }
        let bound = i64::try_from(bound / divisor).ok()?;
        // So that 128 bits hold every sum.
        (magnitude < 1 << 62).then_some(Condition::Compare { terms, op, bound })
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
