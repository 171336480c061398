//! An independent check of certificates about one request's value: a ceiling and a floor that no value satisfies. Exact
//! arithmetic and the policies, nothing of the code that finds them.

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use ordain_ir::report::Certificate;
use ordain_ir::{Direction, Limit, LimitStatus};

use super::CertificateError as E;
use super::notation::{number, scaled};

/// Checks that the certificate proves that no value of one request satisfies all these limits: each of its inequalities
/// is what one of them says (`v ≤ bound` or `-v ≤ -bound`), and with its factors they add up to `0 ≤ c < 0`.
pub(crate) fn check(certificate: &Certificate, limits: &[&Limit]) -> Result<(), E> {
    let mut names = certificate.variables.keys();
    let (Some(variable), None) = (names.next(), names.next()) else {
        return Err(E::Variable(certificate.variables.keys().cloned().collect::<Vec<_>>().join(", ")));
    };
    let (mut left, mut right) = (BigRational::zero(), BigRational::zero());
    for inequality in &certificate.inequalities {
        let factor = number(&inequality.factor)?;
        if factor.is_negative() {
            return Err(E::NegativeFactor(inequality.factor.clone()));
        }
        let limit = limits.iter().find(|limit| Some(limit.id()) == inequality.policy);
        let limit = limit.ok_or_else(|| E::Inequality(inequality.because.clone()))?;
        let member = limit.status == LimitStatus::Active && limit.enforcement.is_hard();
        if !member || !limit.quantity.is_pointwise() || limit.quantity.to_string() != *variable {
            return Err(E::Member(limit.name.to_string()));
        }
        let sign = match limit.bound.direction {
            Direction::AtMost => BigRational::one(),
            Direction::AtLeast => -BigRational::one(),
        };
        let bound = &sign * scaled(limit.bound.value, limit.quantity.scale());
        let mut terms = inequality.terms.iter();
        let (Some((name, coefficient)), None) = (terms.next(), terms.next()) else {
            return Err(E::Inequality(inequality.because.clone()));
        };
        if name != variable || number(coefficient)? != sign || number(&inequality.bound)? != bound {
            return Err(E::Inequality(inequality.because.clone()));
        }
        left += sign * &factor;
        right += bound * factor;
    }
    if !left.is_zero() {
        return Err(E::NegativeCoefficient(variable.clone()));
    }
    if right.is_negative() { Ok(()) } else { Err(E::NotContradictory) }
}
