//! Numbers with their units.

use ordain_grammar::ast::LiteralKind;
use ordain_ir::decimal::{self, DecimalError};
use ordain_ir::fact::{DURATION_SCALE, MONEY_SCALE, format_duration, parse_duration};
use ordain_ir::{Code, Diagnostic, Span, Type, codes};

/// Most digits that a number may have after the point.
const MAX_DIGITS: u8 = 9;

/// What a number counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nothing in particular: whole numbers and decimals.
    Plain,
    /// A part of something; 100 % is 1.
    Percent,
    /// Money of one currency.
    Money(String),
    /// Seconds.
    Duration,
}

impl Unit {
    /// The unit of the numbers of a type; `None` for what is no number.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        match ty {
            Type::Int | Type::Decimal { .. } => Some(Self::Plain),
            Type::Money { currency } => Some(Self::Money(currency.clone())),
            Type::Duration => Some(Self::Duration),
            Type::Bool | Type::String | Type::Enum { .. } | Type::Set { .. } => None,
        }
    }

    /// Whether numbers of this unit multiply others without giving them a unit.
    pub(crate) fn is_factor(&self) -> bool {
        matches!(self, Self::Plain | Self::Percent)
    }

    /// `value · 10^-scale` of this unit, as in source.
    pub(crate) fn written(&self, value: i128, scale: u8) -> String {
        match self {
            Self::Plain => exact_text(value, scale, 0),
            Self::Percent => match scale.checked_sub(2) {
                Some(scale) => format!("{}%", exact_text(value, scale, 0)),
                None => format!("{}%", exact_text(value.saturating_mul(100), scale, 0)),
            },
            Self::Money(currency) => format!("{} {currency}", exact_text(value, scale, 2)),
            Self::Duration => {
                let digits = DURATION_SCALE.checked_sub(scale).map(|missing| 10_i128.pow(missing.into()));
                let milliseconds = digits.and_then(|factor| i64::try_from(value.checked_mul(factor)?).ok());
                milliseconds.map_or_else(|| format!("{}s", exact_text(value, scale, 0)), format_duration)
            }
        }
    }

    /// What it is, with an article.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Plain => "a plain number".to_owned(),
            Self::Percent => "a percentage".to_owned(),
            Self::Money(currency) => format!("an amount of {currency}"),
            Self::Duration => "a length of time".to_owned(),
        }
    }
}

/// `value · 10^-scale` of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: i128,
    pub(crate) scale: u8,
    pub(crate) unit: Unit,
}

/// Why a literal is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadNumber {
    code: Code,
    message: String,
    help: Option<String>,
}

impl BadNumber {
    fn new(code: Code, message: String) -> Self {
        Self { code, message, help: None }
    }

    pub(crate) fn at(self, path: &str, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, path, span, self.message);
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Reads a literal that is a number.
pub(crate) fn number(literal: &LiteralKind) -> Result<Number, BadNumber> {
    let too_large = |text: &str, help: &str| BadNumber {
        help: Some(help.to_owned()),
        ..BadNumber::new(codes::OVERFLOW, format!("`{text}` is too large"))
    };
    let explain = |text: &str, error: DecimalError| match error {
        DecimalError::TooLarge => too_large(text, "numbers have 64 bits"),
        DecimalError::TooPrecise(_) => BadNumber::new(codes::TOO_PRECISE, format!("`{text}` {error}")),
        DecimalError::Malformed => BadNumber::new(codes::BAD_LITERAL, format!("`{text}` {error}")),
    };
    match literal {
        LiteralKind::Number(text) => {
            let scale = digits(text).min(MAX_DIGITS);
            let value = decimal::parse(text, scale).map_err(|error| explain(text, error))?;
            Ok(Number { value: value.into(), scale, unit: Unit::Plain })
        }
        LiteralKind::Percent(text) => {
            let scale = digits(text).min(MAX_DIGITS);
            let value = decimal::parse(text, scale).map_err(|error| explain(&format!("{text}%"), error))?;
            Ok(Number { value: value.into(), scale: scale + 2, unit: Unit::Percent })
        }
        LiteralKind::Money(text, currency) => {
            let value = decimal::parse(text, MONEY_SCALE).map_err(|error| explain(text, error))?;
            Ok(Number { value: value.into(), scale: MONEY_SCALE, unit: Unit::Money(currency.clone()) })
        }
        LiteralKind::Duration(text) => match parse_duration(text) {
            Some(value) => Ok(Number { value: value.into(), scale: DURATION_SCALE, unit: Unit::Duration }),
            // Well formed where it is with smaller numbers.
            None if parse_duration(&text.replace(|c: char| c.is_ascii_digit(), "0")).is_some() => {
                if text.contains('.') && parse_duration(&without_fractions(text)).is_some() {
                    let message = format!("`{text}` is no whole number of milliseconds");
                    return Err(BadNumber::new(codes::TOO_PRECISE, message));
                }
                Err(too_large(text, "lengths of time have 64 bits, in milliseconds"))
            }
            None => Err(BadNumber {
                help: Some(
                    "write for example `30s`, `1h30m` or `250ms`; the units are `w`, `d`, `h`, `m`, `s` and `ms`"
                        .to_owned(),
                ),
                ..BadNumber::new(codes::BAD_LITERAL, format!("`{text}` is no length of time"))
            }),
        },
        LiteralKind::Text(_) => {
            Err(BadNumber::new(codes::TYPE_MISMATCH, "a number is wanted here, not a text".to_owned()))
        }
    }
}

/// Digits after the point, without zeros at the end.
fn digits(text: &str) -> u8 {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.trim_end_matches(['0', '_']).bytes().filter(u8::is_ascii_digit).count();
    u8::try_from(digits).unwrap_or(u8::MAX)
}

/// A length of time with whole numbers only.
fn without_fractions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fraction = false;
    for c in text.chars() {
        fraction = c == '.' || fraction && (c.is_ascii_digit() || c == '_');
        if !fraction {
            out.push(c);
        }
    }
    out
}

/// `value · 10^-scale` with at least `least` digits after the point, as far as there are so many.
fn exact_text(value: i128, scale: u8, least: usize) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let kept = fraction.trim_end_matches('0').len().max(least.min(scale));
    let sign = if value < 0 { "-" } else { "" };
    if kept == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &fraction[..kept]) }
}
