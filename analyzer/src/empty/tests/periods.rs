//! Scenarios of periods by the clocks of zones, and of rolling ones.

use insta::assert_snapshot;
use ordain_ir::{Accumulation, Period};

use super::scenarios::told;
use super::*;

fn counting(mut limit: Limit, over: Accumulation) -> Limit {
    let Quantity::Accumulated(meter, _) = limit.quantity else { panic!("it accumulates") };
    limit.quantity = Quantity::Accumulated(meter, over);
    limit
}

/// The same by the calendar of a zone.
pub(super) fn by(limit: Limit, zone: &str) -> Limit {
    let period = limit.quantity.period().unwrap();
    counting(limit, Accumulation::Calendar { period, zone: zone.into() })
}

pub(super) fn rolling(limit: Limit) -> Limit {
    let period = limit.quantity.period().unwrap();
    counting(limit, Accumulation::Rolling(period))
}

#[test]
fn a_day_on_which_clocks_go_forward_has_an_hour_less() {
    let (floor, cap) = (|value| floor("floor", "RUNS_DAILY", value), || ceiling("cap", "RUNS_HOURLY", 20));
    let utc = policies([floor(470), cap()]);
    assert_eq!(sets(&analyse(&utc)), [[""; 0]; 0]);
    let outcome = analyse(&policies([by(floor(470), "Europe/Berlin"), by(cap(), "Europe/Berlin")]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 470 runs a day in Europe/Berlin, but 'cap' lets through at most 20 an hour in Europe/Berlin, 460 a day; not at all times, but in the day 2026-03-29 (Europe/Berlin) for one [Proved]
      repair: lower `floor` to 460
    ");
    // Beyond a day of 24 hours, but not of 25.
    let outcome = analyse(&policies([by(floor(490), "Europe/Berlin"), by(cap(), "Europe/Berlin")]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 490 runs a day in Europe/Berlin, but 'cap' lets through at most 20 an hour in Europe/Berlin, 480 a day; not at all times, but in the day 2026-01-01 (Europe/Berlin) for one [Proved]
      repair: lower `floor` to 460
    ");
    let outcome = analyse(&policies([by(floor(460), "Europe/Berlin"), by(cap(), "Europe/Berlin")]));
    assert_eq!(sets(&outcome), [[""; 0]; 0]);
}

#[test]
fn what_two_zones_say_is_added_up_in_both() {
    let outcome = analyse(&policies([
        by(floor("floor", "RUNS_DAILY", 490), "Asia/Tokyo"),
        ceiling("cap", "RUNS_HOURLY", 20),
    ]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 490 runs a day in Asia/Tokyo, but 'cap' lets through at most 20 an hour, 480 a day in Asia/Tokyo [Proved]
      repair: lower `floor` to 480
    ");
    // Half of the first and of the last hour that touch a day of Kolkata's lies in another one.
    let kolkata = |value| by(floor("floor", "RUNS_DAILY", value), "Asia/Kolkata");
    let outcome = analyse(&policies([kolkata(490), ceiling("cap", "RUNS_HOURLY", 20)]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 490 runs a day in Asia/Kolkata, 3430 a week, but 'cap' lets through at most 20 an hour, 3380 a week in Asia/Kolkata [Proved]
      repair: lower `floor` to 480
    ");
    let outcome = analyse(&policies([kolkata(480), ceiling("cap", "RUNS_HOURLY", 20)]));
    assert_eq!(sets(&outcome), [[""; 0]; 0]);
    // A day touches one month, or two.
    let month = by(ceiling("month", "RUNS_MONTHLY", 400), "America/New_York");
    let outcome = analyse(&policies([floor("floor", "RUNS_DAILY", 500), month]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 500 runs a day, 3500 a week, but 'month' lets through at most 400 a month in America/New_York, 800 a week in UTC [Proved]
      repair: lower `floor` to 13
    ");
}

#[test]
fn a_rolling_ceiling_admits_its_amount_wherever_it_is_laid() {
    let day = |value| rolling(ceiling("any-day", "RUNS_DAILY", value));
    let outcome = analyse(&policies([floor("floor", "RUNS_DAILY", 500), day(499)]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 500 runs a day, but 'any-day' lets through at most 499 in any 24 hours, 499 a day [Proved]
      repair: lower `floor` to 499
    ");
    assert_eq!(sets(&analyse(&policies([floor("floor", "RUNS_DAILY", 500), day(500)]))), [[""; 0]; 0]);
    let outcome = analyse(&policies([floor("each-hour", "RUNS_HOURLY", 21), day(500)]));
    assert_snapshot!(told(&outcome), @r"
    'each-hour' guarantees at least 21 runs an hour, 504 a day, but 'any-day' lets through at most 500 in any 24 hours, 500 a day [Proved]
      repair: raise `any-day` to 504
    ");
    let hour = rolling(ceiling("any-hour", "RUNS_HOURLY", 20));
    let office = |value| hours(floor("office", "RUNS_DAILY", value), DaySet::ALL, 9, 17);
    let outcome = analyse(&policies([office(161), hour.clone()]));
    assert_snapshot!(told(&outcome), @r"
    'office' guarantees at least 161 runs a day, but 'any-hour' lets through at most 20 in any 60 minutes, 160 a day within the times of 'office' [Proved]
      repair: lower `office` to 160
    ");
    assert_eq!(sets(&analyse(&policies([office(160), hour]))), [[""; 0]; 0]);
    let month = rolling(ceiling("any-month", "RUNS_MONTHLY", 299));
    let outcome = analyse(&policies([floor("floor", "RUNS_DAILY", 10), month]));
    assert_snapshot!(told(&outcome), @r"
    'floor' guarantees at least 10 runs a day, 300 a month, but 'any-month' lets through at most 299 in any 30 days, 299 a month; not at all times, but in the month 2026-04 (UTC) for one [Proved]
      repair: raise `any-month` to 300
    ");
}

#[test]
fn what_is_under_way_contradicts_no_guarantee() {
    let at_once = counting(ceiling("at-once", "RUNS_DAILY", 1), Accumulation::Concurrent);
    assert_eq!(sets(&analyse(&policies([floor("floor", "RUNS_DAILY", 500), at_once]))), [[""; 0]; 0]);
}

#[test]
fn a_large_group_of_one_zone_is_as_easy_as_one_of_utc() {
    let mut limits = vec![floor("floor", "RUNS_DAILY", 500), ceiling("cap", "RUNS_DAILY", 630)];
    for n in 0..10 {
        let tenant = format!("tenant-{n}");
        limits.push(within(floor(&format!("f{n}"), "RUNS_DAILY", 13), &tenant));
        limits.push(within(ceiling(&format!("h{n}"), "RUNS_HOURLY", 27), &tenant));
        limits.push(within(ceiling(&format!("m{n}"), "RUNS_MONTHLY", 99_999), &tenant));
    }
    let mut limits: Vec<Limit> = limits.into_iter().map(|limit| by(limit, "Europe/Berlin")).collect();
    let outcome = analyse(&policies(limits.clone()));
    assert_eq!((sets(&outcome), outcome.not_fully_explored), (vec![], 0));
    limits[1].bound.value = 499;
    let outcome = analyse(&policies(limits));
    assert_eq!(sets(&outcome), [["cap", "floor"]]);
}

#[test]
fn an_hour_that_comes_twice_is_named_with_its_offset() {
    let Ok(from) = "2026-10-25T01:00:00Z".parse::<jiff::Timestamp>() else { panic!() };
    let mut floor = by(floor("floor", "RUNS_HOURLY", 30), "Europe/Berlin");
    let until = Some(from.as_second() + 3_600);
    floor.window = Window::new(vec![Active {
        zone: "UTC".into(),
        recurrence: None,
        from: Some(from.as_second()),
        until,
    }]);
    let cap = counting(ceiling("cap", "RUNS_DAILY", 20), Accumulation::Rolling(Period::Minute));
    let cap = Limit { bound: Bound { value: 0, ..cap.bound }, ..cap };
    let outcome = analyse(&policies([floor, cap]));
    assert_snapshot!(outcome.findings[0].certificate.period, @"the hour 2026-10-25T02:00+01:00 (Europe/Berlin)");
}
