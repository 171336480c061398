//! Exact decimal numbers as scaled integers. No floating point anywhere.

/// Why a text is no number of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point, `_` between digits, and at most one leading `-`.
    #[error("is not a number")]
    Malformed,
    /// More digits after the point than the scale holds.
    #[error("has more than {0} digits after the point")]
    TooPrecise(u8),
    /// Beyond 64 bits.
    #[error("is too large")]
    TooLarge,
}

/// Reads `text` (`-1_200.50`) as an integer number of units of 10^-`scale`.
pub fn parse(text: &str, scale: u8) -> Result<i64, DecimalError> {
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = body.split_once('.').unwrap_or((body, "0"));
    let digits = |part: &str| {
        let ends =
            part.starts_with(|c: char| c.is_ascii_digit()) && part.ends_with(|c: char| c.is_ascii_digit());
        (ends && part.chars().all(|c| c.is_ascii_digit() || c == '_'))
            .then(|| part.replace('_', ""))
            .ok_or(DecimalError::Malformed)
    };
    let (whole, fraction) = (digits(whole)?, digits(fraction)?);
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(DecimalError::TooPrecise(scale));
    }
    let text =
        format!("{}{whole}{fraction:0<width$}", if negative { "-" } else { "" }, width = usize::from(scale));
    text.parse().map_err(|_| DecimalError::TooLarge)
}

/// Writes `value` units of 10^-`scale` with at least `least` digits after the point.
pub fn format(value: i64, scale: u8, least: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let kept = fraction.trim_end_matches('0').len().max(usize::from(least).min(scale));
    let sign = if value < 0 { "-" } else { "" };
    if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &fraction[..kept]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_refuses() {
        assert_eq!(parse("1_200.50", 6), Ok(1_200_500_000));
        assert_eq!(parse("-0.5", 1), Ok(-5));
        assert_eq!(parse("0.70", 1), Ok(7));
        assert_eq!(parse("0.71", 1), Err(DecimalError::TooPrecise(1)));
        assert_eq!(parse("9223372036854775807", 0), Ok(i64::MAX));
        assert_eq!(parse("-9223372036854775808", 0), Ok(i64::MIN));
        assert_eq!(parse("9223372036854775808", 0), Err(DecimalError::TooLarge));
        for text in ["", "-", ".", "1.", ".5", "1__", "_1", "1e3", "１", "--1"] {
            assert_eq!(parse(text, 3), Err(DecimalError::Malformed), "{text}");
        }
    }

    #[test]
    fn writes() {
        assert_eq!(format(1_200_000_000, 6, 2), "1200.00");
        assert_eq!(format(-5, 1, 0), "-0.5");
        assert_eq!(format(700_000, 6, 0), "0.7");
        assert_eq!(format(7, 0, 2), "7");
        assert_eq!(format(i64::MIN, 0, 0), i64::MIN.to_string());
    }

    proptest! {
        #[test]
        fn round_trips(value: i64, scale in 0u8..=9, least in 0u8..=9) {
            prop_assert_eq!(parse(&format(value, scale, least), scale), Ok(value));
        }
    }
}
