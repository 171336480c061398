use insta::assert_snapshot;
use ordain_ir::report::Contradiction;
use ordain_ir::{Certainty, ConflictSeverity, DaySet, Meter, Override};

use super::*;
use crate::empty::Finding;

pub(super) fn told(outcome: &Outcome) -> String {
    let told = outcome.findings.iter().map(|finding| {
        let repair = finding.repair.as_ref().map_or("-", |repair| &repair.description);
        format!("{} [{:?}]\n  repair: {repair}\n", finding.explanation, finding.certainty)
    });
    told.collect()
}

fn when(mut limit: Limit, condition: Condition) -> Limit {
    limit.condition = condition;
    limit
}

#[test]
fn a_floor_beyond_the_hours_of_a_day() {
    let outcome = analyse(&policies([
        floor("daily-floor", "RUNS_DAILY", 500),
        ceiling("hourly-cap", "RUNS_HOURLY", 20),
    ]));
    assert_snapshot!(told(&outcome), @r"
    'daily-floor' guarantees at least 500 runs a day, but 'hourly-cap' lets through at most 20 an hour, 480 a day [Proved]
      repair: lower `daily-floor` to 480
    ");
    let certificate = serde_json::to_string_pretty(&outcome.findings[0].certificate).unwrap();
    assert_snapshot!(certificate, @r#"
    {
      "period": "the day 2026-01-01 (UTC)",
      "variables": {
        "runs/day[acme.daily-floor, acme.hourly-cap]": "runs in the day 2026-01-01 of requests that count for `daily-floor` and `hourly-cap`"
      },
      "inequalities": [
        {
          "because": "`daily-floor` needs at least 500 runs that day",
          "policy": "7e832b4d-d2a9-86c5-be88-8c3ffd02d991",
          "terms": {
            "runs/day[acme.daily-floor, acme.hourly-cap]": "-1"
          },
          "bound": "-500",
          "factor": "1"
        },
        {
          "because": "24 hours of at most 20 runs (`hourly-cap`)",
          "policy": "d0b5764b-7e56-81d2-a74f-059b3a115024",
          "terms": {
            "runs/day[acme.daily-floor, acme.hourly-cap]": "1"
          },
          "bound": "480",
          "factor": "1"
        }
      ]
    }
    "#);
}

#[test]
fn a_floor_that_fits_is_none() {
    let exact = [floor("daily-floor", "RUNS_DAILY", 480), ceiling("hourly-cap", "RUNS_HOURLY", 20)];
    assert_eq!(analyse(&policies(exact)), Outcome::default());
    assert_eq!(analyse(&policies([])), Outcome::default());
    assert_eq!(analyse(&policies([ceiling("a", "RUNS_DAILY", 0)])), Outcome::default());
}

#[test]
fn three_limits_of_three_types() {
    let outcome = analyse(&policies([
        floor("tokens", "TOKENS_DAILY", 1_000_000),
        ceiling("per-run", "TOKENS_PER_RUN", 1_000),
        ceiling("runs", "RUNS_HOURLY", 40),
        ceiling("generous", "RUNS_DAILY", 100_000),
    ]));
    assert_eq!(sets(&outcome), [["per-run", "runs", "tokens"]]);
    assert_snapshot!(told(&outcome), @r"
    'tokens' guarantees at least 1000000 tokens a day, but 'per-run' lets one run use at most 1000 tokens and 'runs' lets through at most 40 runs an hour, 960 a day [Proved]
      repair: lower `tokens` to 960000
    ");
}

#[test]
fn money_and_cooldowns() {
    let outcome = analyse(&policies([
        floor("spend", "COST_DAILY", 300_000_000),
        ceiling("price", "COST_PER_RUN", 50_000),
        within(limit("breather", "COOLDOWN", Direction::AtLeast, 60_000), "*"),
    ]));
    assert_eq!(sets(&outcome), [["breather", "price", "spend"]]);
    assert_snapshot!(told(&outcome), @r"
    'spend' guarantees at least 300.00 USD a day, but 'breather' lets a run start only every 1m, at most 1441 runs a day and 'price' lets one run use at most 0.05 USD [Proved]
      repair: lower `spend` to 72.05 USD
    ");
}

#[test]
fn two_floors_under_one_roof() {
    let limits = [
        within(floor("acme", "RUNS_DAILY", 60), "acme"),
        within(floor("globex", "RUNS_DAILY", 60), "globex"),
        within(floor("initech", "RUNS_DAILY", 60), "initech"),
        ceiling("roof", "RUNS_DAILY", 100),
    ];
    let outcome = analyse(&policies(limits));
    assert_eq!(
        sets(&outcome),
        [["acme", "globex", "roof"], ["acme", "initech", "roof"], ["globex", "initech", "roof"]]
    );
}

#[test]
fn an_escape_is_no_contradiction() {
    // Other tenants may use what the floor needs.
    let tenant = within(ceiling("acme", "RUNS_DAILY", 10), "acme");
    assert_eq!(sets(&analyse(&policies([floor("all", "RUNS_DAILY", 50), tenant.clone()]))), [[""; 0]; 0]);
    // Not if each tenant must.
    let each = per(floor("all", "RUNS_DAILY", 50), Partition::Tenant);
    let outcome = analyse(&policies([each, tenant.clone()]));
    assert_eq!(sets(&outcome), [["acme", "all"]]);
    assert_snapshot!(told(&outcome), @r"
    'all' guarantees at least 50 runs a day, but 'acme' lets through at most 10 a day (seen for tenant acme) [Proved]
      repair: lower `all` to 10
    ");
    // A ceiling per agent holds no tenant down: it may have more agents.
    let agents = per(ceiling("agents", "RUNS_DAILY", 10), Partition::Agent);
    assert_eq!(
        sets(&analyse(&policies([within(floor("f", "RUNS_DAILY", 50), "acme"), agents.clone()]))),
        [[""; 0]; 0]
    );
    let one = within(floor("one", "RUNS_DAILY", 50), "acme/support/mailer");
    assert_eq!(sets(&analyse(&policies([one, agents]))), [["agents", "one"]]);
}

#[test]
fn windows_count_the_hours_that_they_touch() {
    let office = hours(floor("office", "RUNS_DAILY", 200), DaySet::range(0, 4), 9, 17);
    let cap = hours(ceiling("cap", "RUNS_HOURLY", 20), DaySet::ALL, 8, 20);
    let outcome = analyse(&policies([office.clone(), cap.clone()]));
    assert_snapshot!(told(&outcome), @r"
    'office' guarantees at least 200 runs a day, but 'cap' lets through at most 20 an hour, 160 a day within the times of 'office' [Proved]
      repair: lower `office` to 160
    ");
    assert_eq!(
        outcome.findings[0].certificate.inequalities[0].because,
        "8 hours of at most 20 runs (`cap`) within the times of `office`"
    );
    let shorter = hours(floor("office", "RUNS_DAILY", 160), DaySet::range(0, 4), 9, 17);
    assert_eq!(sets(&analyse(&policies([shorter, cap]))), [[""; 0]; 0]);
    let cap = hours(ceiling("cap", "RUNS_HOURLY", 20), DaySet::ALL, 9, 17);
    let outcome = analyse(&policies([office.clone(), cap]));
    assert_snapshot!(told(&outcome), @r"
    'office' guarantees at least 200 runs a day, but 'cap' lets through at most 20 an hour, 160 a day [Proved]
      repair: lower `office` to 160
    ");
    // The cap speaks at night only.
    let night = hours(ceiling("cap", "RUNS_HOURLY", 20), DaySet::ALL, 20, 6);
    assert_eq!(sets(&analyse(&policies([office, night]))), [[""; 0]; 0]);
}

#[test]
fn a_short_month_is_enough() {
    let month = |days: i64| [floor("month", "RUNS_MONTHLY", 10 * days), ceiling("day", "RUNS_DAILY", 10)];
    assert_eq!(sets(&analyse(&policies(month(28)))), [[""; 0]; 0]);
    assert_snapshot!(told(&analyse(&policies(month(29)))), @r"
    'month' guarantees at least 290 runs a month, but 'day' lets through at most 10 a day, 280 a month; not at all times, but in the month 2026-02 (UTC) for one [Proved]
      repair: lower `month` to 280
    ");
    assert_snapshot!(told(&analyse(&policies(month(32)))), @r"
    'month' guarantees at least 320 runs a month, but 'day' lets through at most 10 a day, 310 a month [Proved]
      repair: lower `month` to 280
    ");
}

#[test]
fn longer_periods_hold_shorter_ones() {
    let outcome = analyse(&policies([
        floor("day", "RUNS_DAILY", 100),
        within(ceiling("week-acme", "RUNS_WEEKLY", 40), "acme"),
        {
            let mut rest = ceiling("month-rest", "RUNS_MONTHLY", 40);
            rest.scope.except = vec![pattern("acme")];
            rest
        },
    ]));
    assert_eq!(sets(&outcome), [["day", "month-rest", "week-acme"]]);
    assert_snapshot!(told(&outcome), @r"
    'day' guarantees at least 100 runs a day, but 'month-rest' lets through at most 40 a month and 'week-acme' lets through at most 40 a week [Proved]
      repair: lower `day` to 7
    ");
}

#[test]
fn what_each_hour_needs_the_day_needs_as_often() {
    let each = floor("each-hour", "RUNS_HOURLY", 20);
    let outcome = analyse(&policies([each.clone(), ceiling("day", "RUNS_DAILY", 100)]));
    assert_snapshot!(told(&outcome), @r"
    'each-hour' guarantees at least 20 runs an hour, 480 a day, but 'day' lets through at most 100 a day [Proved]
      repair: lower `each-hour` to 4
    ");
    let certificate = &outcome.findings[0].certificate;
    assert_eq!(certificate.period, "the day 2026-01-01 (UTC)");
    let because: Vec<&str> = certificate.inequalities.iter().map(|i| i.because.as_str()).collect();
    assert_eq!(
        because,
        ["`day` lets through at most 100 runs that day", "24 hours of at least 20 runs (`each-hour`)"]
    );
    assert_eq!(sets(&analyse(&policies([each, ceiling("day", "RUNS_DAILY", 480)]))), [[""; 0]; 0]);
    // Only the hours in which it speaks.
    let office = hours(floor("office", "RUNS_HOURLY", 20), DaySet::ALL, 9, 17);
    assert_eq!(sets(&analyse(&policies([office.clone(), ceiling("day", "RUNS_DAILY", 160)]))), [[""; 0]; 0]);
    assert_eq!(sets(&analyse(&policies([office, ceiling("day", "RUNS_DAILY", 159)]))), [["day", "office"]]);
    // Two that never speak together share the day.
    let at = |name: &str, hour| hours(floor(name, "RUNS_HOURLY", 20), DaySet::ALL, hour, hour + 1);
    let outcome = analyse(&policies([at("nine", 9), at("ten", 10), ceiling("day", "RUNS_DAILY", 39)]));
    assert_snapshot!(told(&outcome), @r"
    'nine' guarantees at least 20 runs an hour, 20 a day and 'ten' guarantees at least 20 runs an hour, 20 a day, but 'day' lets through at most 39 a day [Proved]
      repair: raise `day` to 40
    ");
}

#[test]
fn weeks_that_lie_in_a_month_count_as_a_whole() {
    let week = floor("week", "RUNS_WEEKLY", 100);
    let outcome = analyse(&policies([week.clone(), ceiling("month", "RUNS_MONTHLY", 399)]));
    assert_snapshot!(told(&outcome), @r"
    'week' guarantees at least 100 runs a week, 400 a month, but 'month' lets through at most 399 a month; not at all times, but in the month 2026-03 (UTC) for one [Proved]
      repair: raise `month` to 400
    ");
    let outcome = analyse(&policies([week.clone(), ceiling("month", "RUNS_MONTHLY", 299)]));
    assert_snapshot!(told(&outcome), @r"
    'week' guarantees at least 100 runs a week, 300 a month, but 'month' lets through at most 299 a month [Proved]
      repair: lower `week` to 74
    ");
    assert_eq!(sets(&analyse(&policies([week, ceiling("month", "RUNS_MONTHLY", 400)]))), [[""; 0]; 0]);
}

#[test]
fn a_cooldown_that_an_hour_bears_may_be_too_long_for_a_day() {
    let breather = limit("breather", "COOLDOWN", Direction::AtLeast, 7_200_000);
    let outcome = analyse(&policies([floor("each-hour", "RUNS_HOURLY", 1), breather]));
    assert_snapshot!(told(&outcome), @r"
    'each-hour' guarantees at least 1 run an hour, 24 a day, but 'breather' lets a run start only every 2h, at most 13 a day [Proved]
      repair: lower `breather` to 1h2m36s521ms
    ");
}

#[test]
fn declared_meters_are_told_in_their_units() {
    let of = |mut limit: Limit, name: &str| {
        let unit = policies([]).meters[name].clone();
        let declared = Meter::Declared { name: name.into(), unit };
        limit.quantity = match limit.quantity {
            Quantity::Accumulated(_, over) => Quantity::Accumulated(declared, over),
            _ => Quantity::PerRun(declared),
        };
        limit
    };
    let told = |meter: &str, unit: i64| {
        told(&analyse(&policies([
            of(floor("floor", "TOKENS_DAILY", 500 * unit), meter),
            of(ceiling("per-run", "TOKENS_PER_RUN", unit / 2 + 1), meter),
            ceiling("runs", "RUNS_HOURLY", 20),
        ])))
    };
    assert_snapshot!(told("emails", 2), @r"
    'floor' guarantees at least 1000 emails a day, but 'per-run' lets one run use at most 2 emails and 'runs' lets through at most 20 runs an hour, 480 a day [Proved]
      repair: lower `floor` to 960
    ");
    assert_snapshot!(told("refunds", 1_000_000), @r"
    'floor' guarantees at least 500.00 USD of refunds a day, but 'per-run' lets one run use at most 0.500001 USD of refunds and 'runs' lets through at most 20 runs an hour, 480 a day [Proved]
      repair: lower `floor` to 240.00048 USD
    ");
    assert_snapshot!(told("gpu-time", 60_000), @r"
    'floor' guarantees at least 8h20m of gpu-time a day, but 'per-run' lets one run use at most 30s1ms of gpu-time and 'runs' lets through at most 20 runs an hour, 480 a day [Proved]
      repair: lower `floor` to 4h480ms
    ");
    let mixed = [of(floor("floor", "TOKENS_DAILY", 5), "emails"), ceiling("tokens", "TOKENS_DAILY", 1)];
    assert_eq!(sets(&analyse(&policies(mixed))), [[""; 0]; 0], "emails are no tokens");
}

#[test]
fn conditions_open_and_close_ways_out() {
    let urgent = Condition::Fact("urgent".into());
    let cap = when(ceiling("cap", "RUNS_DAILY", 10), urgent.clone());
    assert_eq!(sets(&analyse(&policies([floor("f", "RUNS_DAILY", 50), cap.clone()]))), [[""; 0]; 0]);
    let rest = when(ceiling("rest", "RUNS_DAILY", 10), urgent.negate());
    let outcome = analyse(&policies([floor("f", "RUNS_DAILY", 50), cap, rest]));
    assert_eq!(sets(&outcome), [["cap", "f", "rest"]]);
    assert_eq!(outcome.findings[0].certainty, Certainty::Proved);
}

#[test]
fn what_rests_on_an_opaque_fact_is_suspected() {
    let toxic = Condition::Fact("toxic".into());
    let all = policies([when(floor("f", "RUNS_DAILY", 50), toxic.clone()), ceiling("cap", "RUNS_DAILY", 10)]);
    let finding = analyse(&all).findings.remove(0);
    assert_eq!(finding.certainty, Certainty::Suspected);
    let conflict = finding.into_conflict(&all);
    assert_eq!(conflict.severity, ConflictSeverity::Warning);
    assert!(conflict.uncertainty.is_some());
    // Whatever the classifier says, one of the two caps holds.
    let all = policies([
        floor("f", "RUNS_DAILY", 50),
        when(ceiling("cap", "RUNS_DAILY", 10), toxic.clone()),
        when(ceiling("rest", "RUNS_DAILY", 10), toxic.negate()),
    ]);
    let finding = analyse(&all).findings.remove(0);
    assert_eq!((finding.members.len(), finding.certainty), (3, Certainty::Proved));
    let conflict = finding.into_conflict(&all);
    assert_eq!(conflict.severity, ConflictSeverity::Blocking);
    assert_eq!(conflict.contradiction, Some(Contradiction::Empty));
}

#[test]
fn soft_disabled_and_overridden_limits_take_no_part() {
    let both = || (floor("f", "RUNS_DAILY", 50), ceiling("cap", "RUNS_DAILY", 10));
    let (f, mut cap) = both();
    cap.enforcement = Enforcement::Queue;
    assert_eq!(sets(&analyse(&policies([f, cap]))), [[""; 0]; 0]);
    let (mut f, cap) = both();
    f.status = LimitStatus::Disabled;
    assert_eq!(sets(&analyse(&policies([f, cap]))), [[""; 0]; 0]);
    // Overridden through a third limit, and with another cap that isn't.
    let (f, mut cap) = both();
    let over = |name: &str| vec![Override { policy: PolicyName::new("acme", name), because: None }];
    let mut between = ceiling("between", "TOKENS_DAILY", 10);
    cap.overrides = over("between");
    between.overrides = over("f");
    let other = ceiling("other", "RUNS_DAILY", 20);
    assert_eq!(sets(&analyse(&policies([f, cap, between, other]))), [["f", "other"]]);
}

#[test]
fn large_components_are_explored_around_their_floors() {
    let in_tenant = |n: i64| format!("tenant-{n}");
    let mut limits = vec![floor("floor", "RUNS_DAILY", 500), ceiling("cap", "RUNS_DAILY", 400)];
    for n in 0..20 {
        limits.push(within(floor(&format!("f{n}"), "RUNS_DAILY", 30), &in_tenant(n)));
        limits.push(within(ceiling(&format!("t{n}"), "RUNS_DAILY", 35), &in_tenant(n)));
    }
    let outcome = analyse(&policies(limits));
    assert!(sets(&outcome).contains(&vec!["cap", "floor"]), "{:?}", sets(&outcome));
    // Of the many sets of small floors that are too much for the cap, some.
    assert_eq!(outcome.not_fully_explored, 1);
}

#[test]
fn what_many_need_under_one_roof_adds_up() {
    let under_a_cap = |count: i64, cap: i64| {
        let team = |n| within(floor(&format!("f{n}"), "RUNS_DAILY", 100), &format!("acme/team-{n}"));
        let cap = within(ceiling("cap", "RUNS_DAILY", cap), "acme");
        analyse(&policies((0..count).map(team).chain([cap])))
    };
    for count in [20, 50] {
        assert_eq!(under_a_cap(count, 100 * count), Outcome::default(), "{count}");
        let outcome = under_a_cap(count, 100 * count - 50);
        assert_eq!((outcome.findings.len(), outcome.not_fully_explored), (1, 0), "{count}");
        let Finding { members, repair, .. } = &outcome.findings[0];
        assert_eq!(i64::try_from(members.len()).unwrap(), count + 1);
        assert_eq!(repair.as_ref().unwrap().description, format!("raise `cap` to {}", 100 * count));
    }
    assert_eq!(
        under_a_cap(20, 1950).findings[0].explanation,
        "'f0', 'f1', 'f10' and 17 more guarantee at least 2000 runs a day together, but 'cap' lets through \
         at most 1950 a day"
    );
    // Too many to be searched as a whole.
    let outcome = under_a_cap(130, 1950);
    assert!(!outcome.findings.is_empty());
    assert!(outcome.findings.iter().all(|finding| finding.members.len() == 21), "{:?}", sets(&outcome));
    assert_eq!(outcome.not_fully_explored, 1);
}

#[test]
fn what_admits_all_that_is_needed_is_left_aside() {
    let mut limits = vec![floor("floor", "RUNS_DAILY", 500), ceiling("cap", "RUNS_DAILY", 630)];
    for n in 0..10 {
        let tenant = format!("tenant-{n}");
        // Ten times 13 and 500 are no more than 630, and 24 hours admit 500 and 13.
        limits.push(within(floor(&format!("f{n}"), "RUNS_DAILY", 13), &tenant));
        limits.push(within(ceiling(&format!("h{n}"), "RUNS_HOURLY", 27), &tenant));
        limits.push(within(ceiling(&format!("m{n}"), "RUNS_MONTHLY", 99_999), &tenant));
    }
    let outcome = analyse(&policies(limits.clone()));
    assert_eq!((sets(&outcome), outcome.not_fully_explored), (vec![], 0));
    limits[1].bound.value = 499;
    let outcome = analyse(&policies(limits));
    assert_eq!(sets(&outcome), [["cap", "floor"]]);
}

#[test]
fn what_a_floor_can_avoid_is_left_aside() {
    let mut limits = vec![floor("floor", "RUNS_DAILY", 500), ceiling("cap", "RUNS_DAILY", 400)];
    limits
        .extend((0..40).map(|n| within(ceiling(&format!("t{n}"), "RUNS_DAILY", n), &format!("tenant-{n}"))));
    let outcome = analyse(&policies(limits.clone()));
    assert_eq!(sets(&outcome), [["cap", "floor"]]);
    assert_eq!(outcome.not_fully_explored, 0);
    // Within one tenant it can't avoid that one's ceiling.
    limits[0] = within(limits[0].clone(), "tenant-39");
    limits[0].bound.value = 39;
    assert_eq!(analyse(&policies(limits.clone())), Outcome::default());
    limits[0].bound.value = 40;
    assert_eq!(sets(&analyse(&policies(limits))), [["floor", "t39"]]);
}

#[test]
fn a_counter_per_agent_holds_down_its_agent_alone() {
    let (everyone, mut others) = (ceiling("everyone", "RUNS_HOURLY", 0), ceiling("others", "RUNS_HOURLY", 0));
    others.scope = ScopeSelector::new(vec![pattern("a")], vec![pattern("a/p/x")]);
    let floor = within(floor("floor", "RUNS_HOURLY", 3), "a");
    let all = policies([floor, per(everyone, Partition::Agent), others]);
    assert_eq!(sets(&analyse(&all)), [["everyone", "floor", "others"]]);
}

#[test]
fn a_horizon_shorter_than_the_period_hides_nothing() {
    let mut all = policies([floor("month", "RUNS_MONTHLY", 4), ceiling("cap", "RUNS_MONTHLY", 2)]);
    all.settings.horizon = (1_774_656_000, 1_775_433_600);
    assert_eq!(sets(&analyse(&all)), [["cap", "month"]]);
}
