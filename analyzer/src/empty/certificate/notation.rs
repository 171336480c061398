//! How certificates write periods, variables and numbers: what their checker reads.

use std::collections::{BTreeMap, BTreeSet};

use num_rational::BigRational;
use ordain_ir::{Meter, Period, Policies, PolicyName};

use super::CertificateError as E;
use super::dial::Dial;

/// A variable's name, taken apart.
#[derive(PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) meter: Meter,
    pub(super) period: Period,
    pub(super) members: BTreeSet<PolicyName>,
}

/// Periods that lie in each other, in seconds.
pub(super) type Stretches = BTreeMap<Period, (i64, i64)>;

/// Reads `the hour 2026-03-02T10:00 in the day 2026-03-02 (UTC)`, the zone last; the first period must lie in all others.
pub(super) fn periods(text: &str) -> Option<(String, Stretches)> {
    let mut periods = BTreeMap::new();
    let mut first: Option<(i64, i64)> = None;
    let (text, zone) = text.strip_suffix(')')?.rsplit_once(" (")?;
    for part in text.split(" in ") {
        let (word, stamp) = part.strip_prefix("the ")?.split_once(' ')?;
        let period = Period::ALL.iter().find(|p| p.as_str().to_lowercase() == word)?;
        let range = Dial::named(zone, *period, stamp)?;
        let inner = *first.get_or_insert(range);
        let around = range.0 <= inner.0 && inner.1 <= range.1;
        if !around || periods.insert(*period, range).is_some() {
            return None;
        }
    }
    Some((zone.to_owned(), periods))
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
