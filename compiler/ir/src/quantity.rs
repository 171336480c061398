//! What limits bound: quantities, bounds, enforcements and partitions.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fact::{DURATION_SCALE, MONEY_SCALE, RISK_SCALE, format_duration, parse_duration};
use crate::{decimal, wire_enum};

/// Something that requests use up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Runs of agents.
    Runs,
    /// Tokens in and out.
    Tokens,
    /// Money of one currency (ISO 4217 code); currencies are never compared or added.
    Cost(String),
    /// Whatever a workspace declares with `meter`.
    Declared {
        /// Its name; one name means one meter in the whole workspace.
        name: String,
        /// What it counts in.
        unit: MeterUnit,
    },
}

/// What a declared meter counts in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterUnit {
    /// Whole numbers.
    Count,
    /// Money of one currency, in millionths.
    Money(String),
    /// Time, in milliseconds.
    Duration,
}

impl MeterUnit {
    /// Digits after the point.
    pub const fn scale(&self) -> u8 {
        match self {
            Self::Count => 0,
            Self::Money(_) => MONEY_SCALE,
            Self::Duration => DURATION_SCALE,
        }
    }

    /// Reads an amount as requests write it: `3`, `4.50` or `4.50 USD`, `30s`; `None` if malformed, negative
    /// or too large.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let value = match self {
            Self::Count => decimal::parse(text, 0).ok(),
            Self::Money(currency) => {
                let amount = text.strip_suffix(currency.as_str()).map_or(text, str::trim_end);
                decimal::parse(amount, MONEY_SCALE).ok()
            }
            Self::Duration => parse_duration(text),
        };
        value.filter(|value| *value >= 0)
    }

    /// Writes an amount so that [`parse`](Self::parse) reads it back.
    pub fn format(&self, value: i64) -> String {
        match self {
            Self::Count => value.to_string(),
            Self::Money(currency) => format!("{} {currency}", decimal::format(value, MONEY_SCALE, 2)),
            Self::Duration => format_duration(value),
        }
    }
}

impl Meter {
    /// The currency, if it is money.
    pub fn currency(&self) -> Option<&str> {
        match self {
            Self::Cost(currency) | Self::Declared { unit: MeterUnit::Money(currency), .. } => Some(currency),
            Self::Runs | Self::Tokens | Self::Declared { .. } => None,
        }
    }

    /// Digits after the point.
    pub const fn scale(&self) -> u8 {
        match self {
            Self::Runs | Self::Tokens => 0,
            Self::Cost(_) => MONEY_SCALE,
            Self::Declared { unit, .. } => unit.scale(),
        }
    }

    /// Writes an amount with its unit, as in source: `480`, `12.00 USD`, `30s`.
    pub fn format(&self, value: i64) -> String {
        match self {
            Self::Runs | Self::Tokens => value.to_string(),
            Self::Cost(currency) => format!("{} {currency}", decimal::format(value, MONEY_SCALE, 2)),
            Self::Declared { unit, .. } => unit.format(value),
        }
    }

    /// The word in the names of its quantities: `RUNS`, `EMAILS`, `API_CALLS`.
    pub fn word(&self) -> String {
        match self {
            Self::Runs => "RUNS".to_owned(),
            Self::Tokens => "TOKENS".to_owned(),
            Self::Cost(_) => "COST".to_owned(),
            Self::Declared { name, .. } => name.to_ascii_uppercase().replace(['-', '.'], "_"),
        }
    }
}

wire_enum! {
    /// A length of time over which usage adds up.
    pub enum Period {
        /// 60 seconds.
        Minute = "MINUTE",
        /// 60 minutes.
        Hour = "HOUR",
        /// By the calendar, midnight to midnight; rolling, 24 hours.
        Day = "DAY",
        /// By the calendar, Monday to Monday; rolling, 7 days.
        Week = "WEEK",
        /// By the calendar, the first of a month to the first of the next; rolling, 30 days.
        Month = "MONTH",
    }
}

/// The usage that adds up in one counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accumulation {
    /// That of one calendar period.
    Calendar {
        /// Its length.
        period: Period,
        /// The IANA name, as the time zone database writes it, of the zone whose clocks show when it begins.
        zone: Arc<str>,
    },
    /// That of any stretch as long as the period.
    Rolling(Period),
    /// That of requests which have begun and not ended.
    Concurrent,
}

wire_enum! {
    /// The ways in which usage adds up.
    pub enum AccumulationKind {
        /// By the calendar of a zone.
        Calendar = "CALENDAR",
        /// Over any stretch as long as a period.
        Rolling = "ROLLING",
        /// As long as requests are under way.
        Concurrent = "CONCURRENT",
    }
}

impl Accumulation {
    /// Which way it is.
    pub const fn kind(&self) -> AccumulationKind {
        match self {
            Self::Calendar { .. } => AccumulationKind::Calendar,
            Self::Rolling(_) => AccumulationKind::Rolling,
            Self::Concurrent => AccumulationKind::Concurrent,
        }
    }

    /// The calendar's periods in UTC.
    pub fn utc(period: Period) -> Self {
        Self::Calendar { period, zone: "UTC".into() }
    }

    /// The length of what adds up; `None` where that is no length of time.
    pub const fn period(&self) -> Option<Period> {
        match self {
            Self::Calendar { period, .. } | Self::Rolling(period) => Some(*period),
            Self::Concurrent => None,
        }
    }

    /// The length of a calendar period in UTC; `None` for what adds up otherwise.
    pub fn utc_period(&self) -> Option<Period> {
        self.period().filter(|period| *self == Self::utc(*period))
    }

    /// The end of the `limit_type`.
    const fn suffix(&self) -> &'static str {
        match self.period() {
            None => "CONCURRENT",
            Some(Period::Minute) => "PER_MINUTE",
            Some(Period::Hour) => "HOURLY",
            Some(Period::Day) => "DAILY",
            Some(Period::Week) => "WEEKLY",
            Some(Period::Month) => "MONTHLY",
        }
    }
}

/// What a limit bounds; with the currency, its `limit_type`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The risk value of one request.
    RiskCeiling,
    /// Time since the subject's last run.
    Cooldown,
    /// What one request uses (tokens or cost).
    PerRun(Meter),
    /// What several requests use together.
    Accumulated(Meter, Accumulation),
}

wire_enum! {
    /// The audit's limit category; it follows from the quantity.
    pub enum Category {
        /// Money over a period.
        Budget = "BUDGET",
        /// How often, how much per time.
        Rate = "RATE",
        /// A value of one request.
        Threshold = "THRESHOLD",
    }
}

impl Quantity {
    /// Whether it is a value of one request; else it accumulates.
    pub const fn is_pointwise(&self) -> bool {
        !matches!(self, Self::Accumulated(..))
    }

    /// The length of what adds up, if that is one of time.
    pub const fn period(&self) -> Option<Period> {
        match self {
            Self::Accumulated(_, over) => over.period(),
            Self::RiskCeiling | Self::Cooldown | Self::PerRun(_) => None,
        }
    }

    /// How it adds up; `None` for a value of one request.
    pub const fn accumulation(&self) -> Option<&Accumulation> {
        match self {
            Self::Accumulated(_, accumulation) => Some(accumulation),
            Self::RiskCeiling | Self::Cooldown | Self::PerRun(_) => None,
        }
    }

    /// The currency that is part of the quantity, if it is money.
    pub fn currency(&self) -> Option<&str> {
        match self {
            Self::PerRun(meter) | Self::Accumulated(meter, _) => meter.currency(),
            Self::RiskCeiling | Self::Cooldown => None,
        }
    }

    /// The category.
    pub const fn category(&self) -> Category {
        match self {
            Self::Accumulated(Meter::Cost(_) | Meter::Declared { unit: MeterUnit::Money(_), .. }, _) => {
                Category::Budget
            }
            Self::Accumulated(..) | Self::Cooldown => Category::Rate,
            Self::RiskCeiling | Self::PerRun(_) => Category::Threshold,
        }
    }

    /// Digits after the point: a value `v` stands for `v * 10^-scale` (runs, tokens, currency units, seconds).
    pub const fn scale(&self) -> u8 {
        match self {
            Self::RiskCeiling => RISK_SCALE,
            Self::Cooldown => DURATION_SCALE,
            Self::PerRun(meter) | Self::Accumulated(meter, _) => meter.scale(),
        }
    }

    /// Writes a value with its unit, as in source: `480 `, `0.7`, `12.00 USD`, `30s`.
    pub fn format(&self, value: i64) -> String {
        match self {
            Self::RiskCeiling => decimal::format(value, RISK_SCALE, 0),
            Self::Cooldown => format_duration(value),
            Self::PerRun(meter) | Self::Accumulated(meter, _) => meter.format(value),
        }
    }

    /// Every quantity without a currency in it, and those of `currency`, in a fixed order; periods are the calendar's
    /// in UTC.
    pub fn all(currency: &str) -> Vec<Self> {
        let meters = [Meter::Runs, Meter::Tokens, Meter::Cost(currency.to_owned())];
        let mut all = vec![Self::RiskCeiling, Self::Cooldown];
        all.extend(meters.iter().flat_map(Self::of_meter));
        all
    }

    /// The quantities that a meter gives: its use by one run (runs have none), and in each period of the calendar
    /// in UTC.
    pub fn of_meter(meter: &Meter) -> Vec<Self> {
        let mut all = vec![];
        if *meter != Meter::Runs {
            all.push(Self::PerRun(meter.clone()));
        }
        let periods = Period::ALL.iter().copied().map(Accumulation::utc);
        all.extend(periods.map(|accumulation| Self::Accumulated(meter.clone(), accumulation)));
        all
    }

    /// The `limit_type`, and how it adds up where that is not by the calendar in UTC, as in source but for the case:
    /// `RUNS_DAILY in Europe/Berlin`, `RUNS_HOURLY rolling`.
    pub fn wording(&self) -> String {
        match self {
            Self::Accumulated(_, Accumulation::Calendar { zone, .. }) if &**zone != "UTC" => {
                format!("{self} in {zone}")
            }
            Self::Accumulated(_, Accumulation::Rolling(_)) => format!("{self} rolling"),
            _ => self.to_string(),
        }
    }

    /// The type as source writes it: `runs_daily in Europe/Berlin`, `runs_hourly rolling`.
    pub fn source(&self) -> String {
        let wording = self.wording();
        let (word, rest) = wording.split_at(wording.find(' ').unwrap_or(wording.len()));
        word.to_ascii_lowercase() + rest
    }

    /// Reads a `limit_type` (`RUNS_DAILY`, by the calendar in UTC); money takes the given currency.
    pub fn parse(limit_type: &str, currency: &str) -> Option<Self> {
        Self::all(currency).into_iter().find(|quantity| quantity.to_string() == limit_type)
    }
}

impl fmt::Display for Quantity {
    /// The `limit_type`: `RISK_CEILING`, `TOKENS_PER_RUN`, `RUNS_PER_MINUTE`, `COST_MONTHLY`, `RUNS_CONCURRENT`, …
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::RiskCeiling => "RISK_CEILING".to_owned(),
            Self::Cooldown => "COOLDOWN".to_owned(),
            Self::PerRun(m) => format!("{}_PER_RUN", m.word()),
            Self::Accumulated(m, accumulation) => format!("{}_{}", m.word(), accumulation.suffix()),
        })
    }
}

wire_enum! {
    /// Which side of a bound is allowed.
    pub enum Direction {
        /// A ceiling: the value itself is allowed.
        AtMost = "AT_MOST",
        /// A floor: the value itself is allowed.
        AtLeast = "AT_LEAST",
    }
}

/// A bound on a quantity, inclusive, in units of [`Quantity::scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// Ceiling or floor.
    pub direction: Direction,
    /// The last allowed value.
    pub value: i64,
}

impl Bound {
    /// A ceiling.
    pub const fn at_most(value: i64) -> Self {
        Self { direction: Direction::AtMost, value }
    }

    /// A floor.
    pub const fn at_least(value: i64) -> Self {
        Self { direction: Direction::AtLeast, value }
    }

    /// Whether `value` is allowed.
    pub const fn allows(self, value: i128) -> bool {
        match self.direction {
            Direction::AtMost => value <= self.value as i128,
            Direction::AtLeast => value >= self.value as i128,
        }
    }

    /// Whether every value that this bound allows is allowed by `other` too; never across directions.
    pub fn at_least_as_tight_as(self, other: Self) -> bool {
        self.direction == other.direction
            && match self.direction {
                Direction::AtMost => self.value <= other.value,
                Direction::AtLeast => self.value >= other.value,
            }
    }
}

wire_enum! {
    /// What happens on a breach.
    pub enum Enforcement {
        /// The request is stopped.
        Block = "BLOCK",
        /// The request is refused; as strict as BLOCK.
        Reject = "REJECT",
        /// The request waits.
        Queue = "QUEUE",
        /// The request goes on with less.
        Degrade = "DEGRADE",
        /// Somebody is told.
        Warn = "WARN",
        /// Somebody is told at once; as strict as WARN.
        Alert = "ALERT",
    }
}

impl Enforcement {
    /// Strictness: BLOCK = REJECT (4) > QUEUE > DEGRADE > WARN = ALERT (1).
    pub const fn strictness(self) -> u8 {
        match self {
            Self::Block | Self::Reject => 4,
            Self::Queue => 3,
            Self::Degrade => 2,
            Self::Warn | Self::Alert => 1,
        }
    }

    /// Whether a breach stops the request, so that the bound really holds.
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::Block | Self::Reject)
    }
}

wire_enum! {
    /// Whose counter a limit's is, coarse to fine.
    pub enum Partition {
        /// One for the whole selected scope.
        Whole = "WHOLE",
        /// One per tenant.
        Tenant = "TENANT",
        /// One per project.
        Project = "PROJECT",
        /// One per agent.
        Agent = "AGENT",
        /// One per provider.
        Provider = "PROVIDER",
    }
}

impl Partition {
    /// Whether each subject of `self` lies within one subject of `other`: an agent within its project within
    /// its tenant, everything within the whole, a provider only within itself and the whole.
    pub fn is_same_or_finer_than(self, other: Self) -> bool {
        match (self, other) {
            (a, b) if a == b => true,
            (_, Self::Whole) => true,
            (Self::Provider, _) | (_, Self::Provider) => false,
            (a, b) => a > b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_types_round_trip() {
        for quantity in Quantity::all("USD") {
            assert_eq!(Quantity::parse(&quantity.to_string(), "USD"), Some(quantity));
        }
        assert_eq!(Quantity::parse("RUNS_YEARLY", "USD"), None);
    }

    #[test]
    fn partitions_nest() {
        use Partition::{Agent, Project, Provider, Tenant, Whole};
        assert!(Agent.is_same_or_finer_than(Tenant) && Agent.is_same_or_finer_than(Whole));
        assert!(!Tenant.is_same_or_finer_than(Project) && !Whole.is_same_or_finer_than(Agent));
        assert!(!Provider.is_same_or_finer_than(Tenant) && !Agent.is_same_or_finer_than(Provider));
    }
}
