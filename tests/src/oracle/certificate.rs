//! Re-checking certificates with exact rationals of its own.

use std::collections::BTreeMap;

use ordain_ir::report::Certificate;

/// A fraction with a positive denominator, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fraction(i128, i128);

impl Fraction {
    const ZERO: Self = Self(0, 1);

    fn new(numerator: i128, denominator: i128) -> Self {
        let divisor = gcd(numerator.abs(), denominator.abs()).max(1) * denominator.signum();
        Self(numerator / divisor, denominator / divisor)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        let number = |part: &str| part.parse::<i128>().map_err(|error| format!("`{text}`: {error}"));
        match (number(numerator)?, number(denominator)?) {
            (_, 0) => Err(format!("`{text}` divides by zero")),
            (numerator, denominator) => Ok(Self::new(numerator, denominator)),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn times(self, other: Self) -> Self {
        Self::new(self.0 * other.0, self.1 * other.1)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Whether the combination of the inequalities is a falsehood: no negative coefficient on the left, a negative
/// number on the right. The error says what is wrong with it.
pub fn check(certificate: &Certificate) -> Result<(), String> {
    let mut left: BTreeMap<&str, Fraction> = BTreeMap::new();
    let mut right = Fraction::ZERO;
    for inequality in &certificate.inequalities {
        let factor = Fraction::parse(&inequality.factor)?;
        if factor.0 < 0 {
            return Err(format!("a negative factor: {inequality:?}"));
        }
        for (variable, coefficient) in &inequality.terms {
            if !certificate.variables.contains_key(variable) {
                return Err(format!("`{variable}` is not explained"));
            }
            let sum = left.entry(variable).or_insert(Fraction::ZERO);
            *sum = sum.plus(factor.times(Fraction::parse(coefficient)?));
        }
        right = right.plus(factor.times(Fraction::parse(&inequality.bound)?));
    }
    if let Some((variable, sum)) = left.iter().find(|(_, sum)| sum.0 < 0) {
        return Err(format!("`{variable}` is left with {sum:?}"));
    }
    if right.0 < 0 { Ok(()) } else { Err(format!("the right side is {right:?}")) }
}

#[cfg(test)]
mod tests {
    use ordain_ir::report::Inequality;

    use super::*;

    fn certificate(rows: &[(i64, &str, &str)]) -> Certificate {
        let row = |(coefficient, bound, factor): &(i64, &str, &str)| Inequality {
            because: String::new(),
            policy: None,
            terms: [("x".to_owned(), coefficient.to_string())].into(),
            bound: (*bound).to_owned(),
            factor: (*factor).to_owned(),
        };
        let variables = [("x".to_owned(), "usage".to_owned())].into();
        Certificate { period: String::new(), variables, inequalities: rows.iter().map(row).collect() }
    }

    #[test]
    fn falsehoods_pass_and_truths_do_not() {
        assert_eq!(check(&certificate(&[(1, "5", "1/2"), (-1, "-6", "1/2")])), Ok(()));
        assert!(check(&certificate(&[(1, "5", "1"), (-1, "-5", "1")])).is_err(), "0 ≤ 0 holds");
        assert!(check(&certificate(&[(-1, "-6", "1")])).is_err(), "x ≥ 6 holds for some x");
        assert!(check(&certificate(&[(1, "-5", "-1")])).is_err());
    }
}
