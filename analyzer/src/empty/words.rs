//! Contradictions in the domain's words.

use std::collections::BTreeSet;

use ordain_ir::fact::{DURATION_UNITS, format_duration};
use ordain_ir::{Meter, MeterUnit, Partition, Period, PolicyName, decimal};

use super::member::{Member, Role};
use super::minimal::{Set, indices};
use super::timeline::Level;
use crate::calendar::{Calendar, Periods};
use crate::scope::Subject;

/// Names of the members of one finding: their own name, or the full one where two share it.
pub(super) fn name(members: &[Member], set: Set, at: usize) -> String {
    let own = members[at].limit;
    let shared = indices(set).filter(|other| members[*other].limit.label() == own.label()).count() > 1;
    if shared { own.name.to_string() } else { own.label().to_owned() }
}

/// `hour`, `day`, …
pub(super) const fn noun(period: Period) -> &'static str {
    match period {
        Period::Minute => "minute",
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
    }
}

/// `an hour`, `a day`, …
pub(super) fn each(period: Period) -> String {
    format!("{} {}", if period == Period::Hour { "an" } else { "a" }, noun(period))
}

/// `a day in Europe/Berlin`, as far as that isn't known to be meant.
fn each_of(period: Period, calendar: &Calendar, known: Option<&Calendar>) -> String {
    let zone = known.map_or("UTC", |known| &known.zone);
    if *calendar.zone == *zone { each(period) } else { format!("{} in {}", each(period), calendar.zone) }
}

/// `60 minutes`, `24 hours`, …
const fn rolling(period: Period) -> &'static str {
    match period {
        Period::Minute => "60 seconds",
        Period::Hour => "60 minutes",
        Period::Day => "24 hours",
        Period::Week => "7 days",
        Period::Month => "30 days",
    }
}

/// What a bound on the use of periods is about: `a day`, `a day in Europe/Berlin`, `in any 24 hours`.
fn in_each(periods: &Periods) -> String {
    match periods {
        Periods::Calendar(period, calendar) => each_of(*period, calendar, None),
        Periods::Rolling(period) => format!("in any {}", rolling(*period)),
    }
}

/// `500 runs`, `1 token`, `12.50 USD`, `7 emails`, `30s of gpu-time`; `value` in units of the quantity's scale, which
/// may exceed 64 bits.
pub(super) fn amount(meter: &Meter, value: i128) -> String {
    let unit = match meter {
        Meter::Runs => "run",
        Meter::Tokens => "token",
        Meter::Cost(_) => return bare(meter, value),
        Meter::Declared { name, unit: MeterUnit::Count } => return format!("{value} {name}"),
        Meter::Declared { name, .. } => return format!("{} of {name}", bare(meter, value)),
    };
    format!("{value} {unit}{}", if value == 1 { "" } else { "s" })
}

/// An amount without the words for what is counted.
pub(super) fn bare(meter: &Meter, value: i128) -> String {
    match meter {
        Meter::Runs | Meter::Tokens | Meter::Declared { unit: MeterUnit::Count, .. } => value.to_string(),
        Meter::Cost(currency) | Meter::Declared { unit: MeterUnit::Money(currency), .. } => {
            // Whole units and the rest separately: the product of a price and a count may exceed 64 bits.
            let scale = ordain_ir::fact::MONEY_SCALE;
            let unit = 10_i128.pow(scale.into());
            let rest = i64::try_from(value.rem_euclid(unit)).unwrap_or(0);
            let rest = decimal::format(rest, scale, 2);
            let digits = rest.split_once('.').map_or("00", |(_, digits)| digits);
            format!("{}.{digits} {currency}", value.div_euclid(unit))
        }
        Meter::Declared { unit: MeterUnit::Duration, .. } => {
            let (longest, week) = DURATION_UNITS[0];
            let weeks = value / i128::from(week);
            match i64::try_from(value % i128::from(week)) {
                Ok(rest) if weeks == 0 || rest != 0 => {
                    let weeks = if weeks == 0 { String::new() } else { format!("{weeks}{longest}") };
                    weeks + &format_duration(rest)
                }
                _ => format!("{weeks}{longest}"),
            }
        }
    }
}

/// `'a'`, `'a' and 'b'`, `'a', 'b' and 'c'`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What many floors need in all in a period, of which some are named: `'a', 'b', 'c' and 17 more guarantee at least 2000
/// runs a day together`.
pub(super) fn together(names: &[String], meter: &Meter, total: i128, period: Period) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = names.iter().take(NAMED).map(|name| format!("'{name}'")).collect();
    let (named, more) = (named.join(", "), names.len().saturating_sub(NAMED));
    format!("{named} and {more} more guarantee at least {} {} together", amount(meter, total), each(period))
}

/// The subject of the partitioned members, as ` for agent acme/support/mailer`; empty if there is none.
pub(super) fn subject(members: &[Member], set: Set, subject: Option<&Subject>) -> String {
    let Some(subject) = subject else { return String::new() };
    let partitions: BTreeSet<Partition> = indices(set).map(|at| members[at].partition()).collect();
    let path = &subject.path;
    let provider = subject.provider.as_deref().filter(|_| partitions.contains(&Partition::Provider));
    let finest = partitions.into_iter().rfind(|p| !matches!(p, Partition::Provider | Partition::Whole));
    let path = match finest {
        Some(Partition::Tenant) => format!(" for tenant {}", path.tenant),
        Some(Partition::Project) => format!(" for project {}/{}", path.tenant, path.project),
        Some(Partition::Agent) => format!(" for agent {path}"),
        _ => String::new(),
    };
    provider.map_or(path.clone(), |provider| format!("{path} for provider {provider}"))
}

/// The stretch of time of some levels, the shortest first, and the zone: `the hour … in the day … (UTC)`.
pub(super) fn stretch(chain: &[Level], levels: &[usize]) -> String {
    let levels = levels.iter().map(|level| &chain[*level]);
    let periods = levels.map(|level| level.calendar.describe(level.period, level.stretch.0));
    let zone = chain.first().map_or("UTC", |level| &level.calendar.zone);
    format!("{} ({zone})", periods.collect::<Vec<_>>().join(" in "))
}

/// Where a member enters a proof.
pub(super) struct Stated<'a> {
    pub(super) level: &'a Level,
    pub(super) member: usize,
    /// The floor in whose times it is counted.
    pub(super) within: Option<usize>,
}

impl Stated<'_> {
    /// Whether that is one of its own periods.
    const fn is_own(&self) -> bool {
        self.level.is_own(self.member)
    }

    /// How many of its own periods count.
    fn count(&self) -> i128 {
        self.level.count(self.member, self.within).into()
    }
}

/// What one member says, as a clause of the explanation; `stated` is where it enters the proof, `within` the name of
/// the floor in whose times it is counted. `unit` is the meter that the reader knows is meant.
pub(super) fn clause(
    member: &Member,
    name: &str,
    stated: Option<&Stated>,
    within: Option<&str>,
    unit: Option<&Meter>,
) -> String {
    // What it comes to over a longer period than its own.
    let total = |meter: &Meter, own: &Periods| {
        let stated = stated.filter(|stated| !stated.is_own())?;
        let known = match own {
            Periods::Calendar(_, calendar) => Some(&**calendar),
            Periods::Rolling(_) => None,
        };
        let each = each_of(stated.level.period, &stated.level.calendar, known);
        let total = bare(meter, i128::from(member.limit.bound.value) * stated.count());
        let within = within.map(|floor| format!(" within the times of '{floor}'")).unwrap_or_default();
        Some(format!(", {total} {each}{within}"))
    };
    let value = i128::from(member.limit.bound.value);
    let written = |meter: &Meter, value| {
        if unit == Some(meter) { bare(meter, value) } else { amount(meter, value) }
    };
    match &member.role {
        Role::Floor(meter, periods) => {
            let own = format!("'{name}' guarantees at least {} {}", amount(meter, value), in_each(periods));
            own + &total(meter, periods).unwrap_or_default()
        }
        Role::Ceiling(meter, periods) => {
            let own = format!("'{name}' lets through at most {} {}", written(meter, value), in_each(periods));
            own + &total(meter, periods).unwrap_or_default()
        }
        Role::PerRun(meter) => format!("'{name}' lets one run use at most {}", amount(meter, value)),
        Role::Cooldown => {
            let every = member.limit.quantity.format(member.limit.bound.value);
            let most = stated.map(|stated| {
                let runs = cooldown_runs(stated.level, member.limit.bound.value);
                format!(", at most {} {}", written(&Meter::Runs, runs.into()), each(stated.level.period))
            });
            format!("'{name}' lets a run start only every {every}{}", most.unwrap_or_default())
        }
    }
}

/// The runs that a cooldown of some milliseconds admits in a period.
pub(super) const fn cooldown_runs(level: &Level, cooldown: i64) -> i64 {
    1 + (level.stretch.1 - level.stretch.0) * 1_000 / cooldown
}

/// Why a member's row holds, for the certificate.
pub(super) fn because(
    member: &Member,
    name: &str,
    stated: &Stated,
    within: Option<&str>,
    subject: &str,
) -> String {
    let value = i128::from(member.limit.bound.value);
    let level = stated.level;
    let that = noun(level.period);
    let many = |own: &Periods| {
        let count = stated.count();
        let s = if count == 1 { "" } else { "s" };
        match own {
            Periods::Calendar(period, calendar) if calendar.zone == level.calendar.zone => {
                format!("{count} {}{s}", noun(*period))
            }
            Periods::Calendar(period, calendar) => {
                format!("{count} {}{s} in {}", noun(*period), calendar.zone)
            }
            Periods::Rolling(period) if count == 1 => rolling(*period).to_owned(),
            Periods::Rolling(period) => format!("{count} times {}", rolling(*period)),
        }
    };
    match &member.role {
        Role::Floor(meter, _) if stated.is_own() => {
            format!("`{name}` needs at least {} that {that}{subject}", amount(meter, value))
        }
        Role::Floor(meter, own) => {
            format!("{} of at least {} (`{name}`){subject}", many(own), amount(meter, value))
        }
        Role::Ceiling(meter, _) if stated.is_own() => {
            format!("`{name}` lets through at most {} that {that}{subject}", amount(meter, value))
        }
        Role::Ceiling(meter, own) => {
            let within = within.map(|floor| format!(" within the times of `{floor}`")).unwrap_or_default();
            format!("{} of at most {} (`{name}`){within}{subject}", many(own), amount(meter, value))
        }
        Role::PerRun(meter) => format!("a run uses at most {} (`{name}`)", amount(meter, value)),
        Role::Cooldown => {
            let runs = amount(&Meter::Runs, cooldown_runs(level, member.limit.bound.value).into());
            let every = member.limit.quantity.format(member.limit.bound.value);
            format!("at most {runs} that {that}, one every {every} (`{name}`){subject}")
        }
    }
}

/// A variable's name, which the certificate's checker takes apart: `runs/day[acme.floor, acme.cap]`.
pub(super) fn variable(members: &[Member], cell: Set, meter: &Meter, period: Period) -> String {
    let names: Vec<&str> = indices(cell).map(|at| members[at].limit.name.as_str()).collect();
    let meter = match meter {
        Meter::Runs => "runs".to_owned(),
        Meter::Tokens => "tokens".to_owned(),
        Meter::Cost(currency) => format!("cost:{currency}"),
        Meter::Declared { name, .. } => format!("meter:{name}"),
    };
    format!("{meter}/{}[{}]", noun(period), names.join(", "))
}

/// What a variable stands for.
pub(super) fn meaning(names: &[String], meter: &Meter, level: &Level) -> String {
    let what = match meter {
        Meter::Runs => "runs".to_owned(),
        Meter::Tokens => "tokens".to_owned(),
        Meter::Cost(currency) => format!("cost in {currency}"),
        Meter::Declared { name, unit: MeterUnit::Count } => name.clone(),
        Meter::Declared { name, unit: MeterUnit::Money(currency) } => format!("{name} in {currency}"),
        Meter::Declared { name, unit: MeterUnit::Duration } => format!("{name} in seconds"),
    };
    let period = level.calendar.describe(level.period, level.stretch.0);
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let rest =
        if names.len() == 1 { "of requests that count only for" } else { "of requests that count for" };
    format!("{what} in {period} {rest} {}", list(&quoted))
}

/// Names in the order of a report, sorted.
pub(super) fn sorted(members: &[Member], set: Set) -> Vec<PolicyName> {
    let mut names: Vec<PolicyName> = indices(set).map(|at| members[at].limit.name.clone()).collect();
    names.sort();
    names
}
