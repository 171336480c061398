//! How many periods of one kind hold those of another, by what clocks show at every half hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use ordain_ir::{Accumulation, Limit, Period, Policies, Window, zone};

use super::regions::instants;
use crate::reference;
use crate::world::{HORIZON, STEP, YEAR, ZONES, clock};

const DAY: i64 = 86_400;
/// How far beyond the horizon changes of clocks are known, in seconds.
const MARGIN: i64 = 100 * DAY;
/// The half hours that matter at all.
const RANGE: (i64, i64) = (HORIZON.0 - YEAR - MARGIN - 40 * DAY, HORIZON.1 + YEAR + MARGIN + 40 * DAY);

/// Of a zone: by half hour, numbers of the hour, day, week and month.
static LABELS: LazyLock<BTreeMap<&str, Vec<[i64; 4]>>> = LazyLock::new(|| {
    let of_zone = |name: &'static str| {
        let tz = zone::find(name).expect("a known zone");
        let labels =
            (RANGE.0..RANGE.1).step_by(usize::try_from(STEP).expect("a positive step")).map(|second| {
                let at = Timestamp::from_second(second).expect("within the calendar");
                let shown = tz.to_datetime(at);
                let offset = i64::from(tz.to_offset(at).seconds());
                let local = second + offset;
                // No clock of these zones goes back over midnight.
                let day = local.div_euclid(DAY);
                let hour = local.div_euclid(3_600) * 200 + offset / STEP;
                let month = i64::from(shown.year()) * 12 + i64::from(shown.month());
                [hour, day, (day + 3).div_euclid(7), month]
            });
        (name, labels.collect())
    };
    ZONES.into_iter().map(of_zone).collect()
});

/// A number that the half hours of one period share, and no others; of minutes, that of the hour.
fn number(zone: &str, period: Period, second: i64) -> i64 {
    let row = usize::try_from((second - RANGE.0) / STEP).expect("not before the world begins");
    LABELS[zone][row][match period {
        Period::Minute | Period::Hour => 0,
        Period::Day => 1,
        Period::Week => 2,
        Period::Month => 3,
    }]
}

/// The seconds of a period without changes of clocks; of months, those that roll.
fn seconds(period: Period) -> i64 {
    match period {
        Period::Minute => 60,
        Period::Hour => 3_600,
        Period::Day => DAY,
        Period::Week => 7 * DAY,
        Period::Month => 30 * DAY,
    }
}

/// The half hours of a horizon with this much around it, by period.
fn by_period(zone: &str, period: Period, (first, last): (i64, i64)) -> Vec<Vec<i64>> {
    let mut all: Vec<Vec<i64>> = vec![];
    for second in (RANGE.0..RANGE.1).step_by(usize::try_from(STEP).expect("a positive step")) {
        let label = number(zone, period, second);
        match all.last_mut() {
            Some(one) if number(zone, period, one[0]) == label => one.push(second),
            _ => all.push(vec![second]),
        }
    }
    all.retain(|one| one[0] < last && first < one[one.len() - 1] + STEP);
    all
}

fn ends(policies: &Policies) -> (i64, i64) {
    let all: Vec<i64> = instants(policies).collect();
    (all[0], all[all.len() - 1] + STEP)
}

/// The longest period of a kind around a horizon.
pub(super) fn longest(policies: &Policies, over: &Accumulation) -> Option<i64> {
    match over {
        Accumulation::Calendar { period: Period::Month, zone } if &**zone == "UTC" => Some(31 * DAY),
        Accumulation::Calendar { period: Period::Minute, .. } => Some(60),
        Accumulation::Calendar { period, zone } => {
            let (first, last) = ends(policies);
            let all = by_period(zone, *period, (first - MARGIN, last + MARGIN));
            let longest = all.iter().map(|one| i64::try_from(one.len()).expect("few") * STEP).max();
            // Months of 31 days there are in every year.
            let usual = if *period == Period::Month { 31 * DAY } else { seconds(*period) };
            Some(longest.unwrap_or(usual).max(usual))
        }
        // The buckets of sixtieths that count at a request: its own, and sixty before and behind it.
        Accumulation::Rolling(period) => Some(121 * seconds(*period) / 60),
        Accumulation::Concurrent => None,
    }
}

/// How many periods of a kind hold these half hours, in order.
fn holding(other: &Accumulation, times: &[i64]) -> i64 {
    match other {
        Accumulation::Calendar { period: Period::Minute, .. } | Accumulation::Rolling(Period::Minute) => {
            i64::try_from(times.len()).expect("few") * STEP / 60
        }
        Accumulation::Calendar { period, zone } => {
            let touched: BTreeSet<i64> = times.iter().map(|at| number(zone, *period, *at)).collect();
            i64::try_from(touched.len()).expect("few")
        }
        Accumulation::Rolling(period) => {
            let (mut covered, mut count) = (i64::MIN, 0);
            for at in times {
                let mut from = covered.max(*at);
                while from < at + STEP {
                    count += 1;
                    from += seconds(*period);
                    covered = from;
                }
            }
            count
        }
        Accumulation::Concurrent => unreachable!("it holds no usage of a period"),
    }
}

/// The most periods of `other` that hold what one counter of a limit counts; `None` where that is not told.
pub(super) fn most(
    policies: &Policies,
    limit: &Limit,
    held: &Accumulation,
    other: &Accumulation,
) -> Option<i64> {
    let period_of_other = other.period()?;
    let Accumulation::Calendar { period, zone } = held else {
        let length = longest(policies, held)?;
        if let Accumulation::Rolling(of) = other {
            return Some((length + seconds(*of) - 1) / seconds(*of));
        }
        // Wherever it lies: whole ones inside, and two at its ends; where clocks change there may be one more.
        let (least, spread, cut) = of_calendar(policies, other);
        return Some((length - 2 + spread) / least + cut + 2);
    };
    let nests = |a: Period, b: Period| a < b && (a, b) != (Period::Week, Period::Month);
    let same = matches!(other, Accumulation::Calendar { zone: of, .. } if of == zone);
    if same && (*period == period_of_other || nests(*period, period_of_other)) {
        return Some(1);
    }
    let rule = limit.rule.as_ref().map(|rule| &policies.rules[rule].window);
    let windows: Vec<&Window> = [Some(&limit.window), rule].into_iter().flatten().collect();
    if windows.iter().all(|window| window.clauses.is_empty()) {
        if *period == Period::Minute {
            return Some(if period_of_other == Period::Minute {
                1
            } else {
                holding(other, &[RANGE.0]).min(1)
            });
        }
        let (first, last) = ends(policies);
        let around = if same { MARGIN } else { 0 };
        let all = by_period(zone, *period, (first - around, last + around));
        let found = all.iter().map(|one| holding(other, one)).max().unwrap_or(0);
        // A year's months and what they hold are known from elsewhere.
        let usual = match (same, period, period_of_other) {
            (true, Period::Month, Period::Week) => 6,
            (true, Period::Week, Period::Month) => 2,
            (true, Period::Month, of) => 31 * DAY / seconds(of),
            (false, Period::Month, _) if matches!(other, Accumulation::Rolling(_)) => {
                let length = longest(policies, held)?;
                (length + seconds(period_of_other) - 1) / seconds(period_of_other)
            }
            _ => 0,
        };
        return Some(found.max(usual));
    }
    let mut open: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for second in instants(policies) {
        if windows.iter().all(|window| reference::in_window(window, second, &clock)) {
            open.entry(number(zone, *period, second)).or_default().push(second);
        }
    }
    Some(open.values().map(|times| holding(other, times)).max().unwrap_or(0))
}

/// The least seconds of a calendar's periods, by how much several in a row may be shorter, and how many are cut.
fn of_calendar(policies: &Policies, over: &Accumulation) -> (i64, i64, i64) {
    let Accumulation::Calendar { period, zone } = over else { unreachable!("a calendar's") };
    let least = if *period == Period::Month { 28 * DAY } else { seconds(*period) };
    let (first, last) = ends(policies);
    let tz = zone::find(zone).expect("a known zone");
    let offsets: BTreeSet<i64> = (first - MARGIN..last + MARGIN)
        .step_by(usize::try_from(STEP).expect("a positive step"))
        .map(|at| i64::from(tz.to_offset(Timestamp::from_second(at).expect("near")).seconds()))
        .collect();
    let spread = offsets.last().expect("one at least") - offsets.first().expect("one at least");
    match period {
        // Clocks that change by half an hour cut one hour.
        Period::Minute => (least, 0, 0),
        Period::Hour => (least, 0, i64::from(spread % 3_600 != 0)),
        _ => (least, spread, 0),
    }
}
