//! Numbers with their units.

use ordain_grammar::ast::LiteralKind;
use ordain_ir::decimal::{self, DecimalError};
use ordain_ir::fact::{DURATION_SCALE, MONEY_SCALE, parse_duration};
use ordain_ir::{Code, Diagnostic, Span, Type, codes};

/// What a number counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nothing in particular: whole numbers and decimals.
    Plain,
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

    /// What it is, with an article.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Plain => "a plain number".to_owned(),
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
        error => BadNumber::new(codes::BAD_LITERAL, format!("`{text}` {error}")),
    };
    match literal {
        LiteralKind::Number(text) => {
            let digits = text
                .split_once('.')
                .map_or(0, |(_, fraction)| fraction.replace('_', "").trim_end_matches('0').len());
            let scale = u8::try_from(digits).unwrap_or(u8::MAX).min(9);
            let value = decimal::parse(text, scale).map_err(|error| explain(text, error))?;
            Ok(Number { value: value.into(), scale, unit: Unit::Plain })
        }
        LiteralKind::Money(text, currency) => {
            let value = decimal::parse(text, MONEY_SCALE).map_err(|error| explain(text, error))?;
            Ok(Number { value: value.into(), scale: MONEY_SCALE, unit: Unit::Money(currency.clone()) })
        }
        LiteralKind::Duration(text) => match parse_duration(text) {
            Some(value) => Ok(Number { value: value.into(), scale: DURATION_SCALE, unit: Unit::Duration }),
            // Well formed where it is with smaller numbers.
            None if !text.contains('.')
                && parse_duration(&text.replace(|c: char| c.is_ascii_digit(), "0")).is_some() =>
            {
                Err(too_large(text, "lengths of time have 64 bits, in milliseconds"))
            }
            None => Err(BadNumber {
                help: Some(
                    "write for example `30s`, `1h30m` or `250ms`; the units are w, d, h, m, s and ms"
                        .to_owned(),
                ),
                ..BadNumber::new(codes::BAD_LITERAL, format!("`{text}` is no length of time"))
            }),
        },
        LiteralKind::Percent(text) => {
            Err(BadNumber::new(codes::RESERVED, format!("`{text}%` has no meaning here")))
        }
        LiteralKind::Text(_) => {
            Err(BadNumber::new(codes::TYPE_MISMATCH, "a number is wanted here, not a text".to_owned()))
        }
    }
}
