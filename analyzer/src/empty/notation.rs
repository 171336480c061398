//! How certificates write periods, variables and numbers: what their checker reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use jiff::tz::TimeZone;
use num_rational::BigRational;
use ordain_ir::{Meter, Period, Policies, PolicyName};

use super::certificate::CertificateError as E;

/// A variable's name, taken apart.
#[derive(PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) meter: Meter,
    pub(super) period: Period,
    pub(super) members: BTreeSet<PolicyName>,
}

/// Reads `the hour 2026-03-02T10:00 in the day 2026-03-02 (UTC)`; the first period must lie in all others.
pub(super) fn periods(text: &str) -> Option<BTreeMap<Period, (i64, i64)>> {
    let mut periods = BTreeMap::new();
    let mut first: Option<(i64, i64)> = None;
    for part in text.strip_suffix(" (UTC)")?.split(" in ") {
        let (word, stamp) = part.strip_prefix("the ")?.split_once(' ')?;
        let period = Period::ALL.iter().find(|p| p.as_str().to_lowercase() == word)?;
        let at = |text: &str| {
            let at: civil::DateTime = text.parse().ok()?;
            Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
        };
        let range = match period {
            Period::Month => {
                let date: civil::Date = format!("{stamp}-01").parse().ok()?;
                let next = date.last_of_month().tomorrow().ok()?;
                (at(&date.to_string())?, at(&next.to_string())?)
            }
            Period::Minute => (at(stamp)?, at(stamp)? + 60),
            Period::Hour => (at(stamp)?, at(stamp)? + 3_600),
            Period::Day => (at(stamp)?, at(stamp)? + 86_400),
            Period::Week => (at(stamp)?, at(stamp)? + 7 * 86_400),
        };
        let aligned = match period {
            Period::Week => (range.0.div_euclid(86_400) + 3).rem_euclid(7) == 0 && range.0 % 86_400 == 0,
            Period::Month => true,
            _ => range.0 % (range.1 - range.0) == 0,
        };
        let inner = *first.get_or_insert(range);
        let around = range.0 <= inner.0 && inner.1 <= range.1;
        if !(aligned && around && periods.insert(*period, range).is_none()) {
            return None;
        }
    }
    Some(periods)
}

/// Reads `cost:USD/month[acme.floor, acme.cap]`.
pub(super) fn variable(name: &str, policies: &Policies) -> Option<Variable> {
    let (head, members) = name.strip_suffix(']')?.split_once('[')?;
    let (meter, period) = head.split_once('/')?;
    let meter = match meter {
        "runs" => Meter::Runs,
        "tokens" => Meter::Tokens,
        other => match other.split_once(':')? {
            ("cost", currency) => Meter::Cost(currency.to_owned()),
            ("meter", name) => {
                Meter::Declared { name: name.to_owned(), unit: policies.meters.get(name)?.clone() }
            }
            _ => return None,
        },
    };
    let period = *Period::ALL.iter().find(|p| p.as_str().to_lowercase() == period)?;
    Some(Variable { meter, period, members: members.split(", ").map(PolicyName::from).collect() })
}

pub(super) fn number(text: &str) -> Result<BigRational, E> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let body = text.strip_prefix('-').unwrap_or(text);
    let well_formed = match body.split_once('/') {
        Some((n, d)) => digits(n) && digits(d) && d.bytes().any(|b| b != b'0'),
        None => digits(body),
    };
    let value = if well_formed { text.parse().ok() } else { None };
    value.ok_or_else(|| E::Number(text.to_owned()))
}

pub(super) fn scaled(value: i64, scale: u8) -> BigRational {
    BigRational::new(value.into(), 10_i64.pow(scale.into()).into())
}
