//! The algebras of scopes and windows against plain enumeration.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_analyzer::strings::Strings;
use ordain_analyzer::window::{Intervals, Windows};
use ordain_analyzer::{Answer, scope};
use ordain_ir::{
    Active, DaySet, Glob, Path, Recurrence, ScopePattern, ScopeSelector, TimeOfDay, Window, zone,
};
use proptest::prelude::*;

// ---- scopes ----

/// One segment of every kind that the patterns below tell apart.
const SEGMENTS: [&str; 9] = ["a", "b", "c", "aa", "ab", "ba", "bb", "aab", "aba"];

fn glob() -> impl Strategy<Value = Option<Glob>> {
    prop_oneof![
        3 => Just(None),
        5 => prop::sample::select(vec!["a", "b", "ab", "a*", "*b", "*", "?", "a?"]).prop_map(|t| Glob::parse(t).ok()),
    ]
}

fn pattern() -> impl Strategy<Value = ScopePattern> {
    (glob(), glob(), glob(), glob(), prop::bool::weighted(0.3)).prop_map(
        |(tenant, project, agent, provider, named)| ScopePattern {
            tenant,
            project,
            agent,
            provider: provider.filter(|_| named),
        },
    )
}

fn selector() -> impl Strategy<Value = ScopeSelector> {
    (prop::collection::vec(pattern(), 1..3), prop::collection::vec(pattern(), 0..2))
        .prop_map(|(include, except)| ScopeSelector::new(include, except))
}

fn subjects() -> Vec<(Path, Option<String>)> {
    let mut out = vec![];
    for tenant in SEGMENTS {
        for project in SEGMENTS {
            for agent in SEGMENTS {
                let path = Path { tenant: tenant.into(), project: project.into(), agent: agent.into() };
                out.push((path.clone(), None));
                out.extend(SEGMENTS.map(|provider| (path.clone(), Some(provider.to_owned()))));
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn scopes_agree_with_enumeration(a in selector(), b in selector(), c in selector()) {
        let strings = Strings::default();
        let all = subjects();
        let within = |s: &ScopeSelector, (path, provider): &(Path, Option<String>)| s.contains(path, provider.as_deref());
        let exists = all.iter().any(|x| within(&a, x) && within(&b, x) && !within(&c, x));
        match scope::find(&[&a, &b], &[&c], &strings) {
            Answer::Yes(found) => {
                let found = (found.path, found.provider);
                prop_assert!(within(&a, &found) && within(&b, &found) && !within(&c, &found), "{found:?}");
                prop_assert!(exists);
            }
            answer => prop_assert_eq!((answer.is_no(), exists), (true, false)),
        }
        let included = all.iter().all(|x| !within(&a, x) || within(&b, x));
        prop_assert_eq!(scope::included(&[&a], &[&b], &strings).is_yes(), included);

        let sets: BTreeSet<u128> = all
            .iter()
            .map(|x| u128::from(within(&a, x)) | u128::from(within(&b, x) && within(&c, x)) << 1)
            .collect();
        let minterms = scope::minterms(&[vec![&a], vec![&b, &c]], &strings).unwrap();
        prop_assert_eq!(minterms.iter().map(|(set, _)| *set).collect::<BTreeSet<_>>(), sets);
        for (set, found) in minterms {
            let found = (found.path, found.provider);
            let of = u128::from(within(&a, &found)) | u128::from(within(&b, &found) && within(&c, &found)) << 1;
            prop_assert_eq!(of, set);
        }
    }
}

#[test]
fn witnesses_of_scopes_are_readable() {
    let strings = Strings::default();
    let find = |inside: &[&str], outside: &[&str]| {
        let inside: Vec<_> = inside.iter().map(|text| crate::common::scope(text)).collect();
        let outside: Vec<_> = outside.iter().map(|text| crate::common::scope(text)).collect();
        match scope::find(&inside.iter().collect::<Vec<_>>(), &outside.iter().collect::<Vec<_>>(), &strings) {
            Answer::Yes(subject) => subject.path.to_string(),
            answer => format!("{answer:?}"),
        }
    };
    assert_eq!(find(&["global"], &[]), "tenant/project/agent");
    assert_eq!(find(&["acme", "*/support"], &[]), "acme/support/agent");
    assert_eq!(find(&["global"], &["tenant"]), "tenant-2/project/agent");
    assert_eq!(find(&["eu-*", "*-prod"], &[]), "eu-prod/project/agent");
    assert_eq!(find(&["a?"], &["ab", "aa"]), "ac/project/agent");
    assert_eq!(find(&["acme, globex - acme", "acme/support"], &[]), "No");
}

// ---- windows ----

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    // Winter time is the negative one.
    "Europe/Dublin",
    // Half an hour of daylight saving.
    "Australia/Lord_Howe",
    "America/New_York",
    // Quarters of an hour.
    "Pacific/Chatham",
    // Moved its standard offset in 2018 and, by half an hour, in 2015.
    "Asia/Pyongyang",
    // Skipped a whole day in 2011.
    "Pacific/Apia",
];

fn time(range: std::ops::RangeInclusive<u16>) -> impl Strategy<Value = TimeOfDay> {
    // Half of them near the hours at which clocks change.
    prop_oneof![range.clone(), 30..=210_u16, Just(0), Just(*range.end())].prop_map(TimeOfDay)
}

fn recurrence() -> impl Strategy<Value = Recurrence> {
    let (start, end) = (|| time(0..=1439), || time(0..=1440));
    prop_oneof![
        (1..128_u8, start(), end()).prop_map(|(days, start, end)| Recurrence::Daily {
            days: DaySet(days),
            start,
            end
        }),
        (0..7_u8, start(), 0..7_u8, end()).prop_map(|(start_day, start, end_day, end)| Recurrence::Weekly {
            start_day,
            start,
            end_day,
            end
        }),
    ]
}

/// Membership by the wall clock, a minute at a time.
fn on_the_wall(recurrence: &Recurrence, zone: &jiff::tz::TimeZone, at: i64) -> bool {
    let local = Timestamp::from_second(at).unwrap().to_zoned(zone.clone()).datetime();
    let day = local.weekday().to_monday_zero_offset();
    let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
    match recurrence {
        Recurrence::Daily { days, start, end } => {
            let (start, end) = (i32::from(start.0), i32::from(end.0));
            let today = days.contains(u8::try_from(day).unwrap());
            let yesterday = days.contains(u8::try_from((day + 6) % 7).unwrap());
            if end > start {
                today && (start..end).contains(&minute)
            } else {
                today && minute >= start || yesterday && minute < end
            }
        }
        Recurrence::Weekly { start_day, start, end_day, end } => {
            let now = i32::from(day) * 1440 + minute;
            let start = i32::from(*start_day) * 1440 + i32::from(start.0);
            let end = i32::from(*end_day) * 1440 + i32::from(end.0);
            if end > start {
                (start..end).contains(&now)
            } else {
                now >= start || now < end % 10_080 || end == start
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_agree_with_the_clock_on_the_wall(
        zone_name in prop::sample::select(ZONES.to_vec()),
        recurrence in recurrence(),
        year in prop::sample::select(vec![2011_i16, 2015, 2018, 2026, 2031]),
        pick in 0..4_usize,
    ) {
        let zone = zone::find(zone_name).unwrap();
        let start = jiff::civil::date(year, 1, 1).to_zoned(zone.clone()).unwrap().timestamp();
        // Around a transition of that year, if there is one.
        let centre = zone.following(start).take(3).nth(pick % 3).map_or(start, |t| t.timestamp()).as_second();
        let (from, to) = (centre - 5 * 86_400, centre + 5 * 86_400);
        let active = Active { zone: zone_name.into(), recurrence: Some(recurrence.clone()), from: Some(from + 61), until: Some(to - 59) };
        let windows = Windows::new(Intervals::new(vec![(from - 1000, to + 1000)]));
        let set = windows.expand(&Window::new(vec![active])).unwrap();
        prop_assert!(set.parts().iter().all(|(a, b)| a < b) && set.parts().is_sorted_by(|a, b| a.1 < b.0));
        for at in (from - 900..to + 900).step_by(60) {
            for at in [at, at + 59] {
                let expected = at >= from + 61 && at < to - 59 && on_the_wall(&recurrence, &zone, at);
                prop_assert_eq!(set.contains(at), expected, "{} {:?}", Timestamp::from_second(at).unwrap(), recurrence);
            }
        }
    }

    #[test]
    fn interval_sets_are_sets(
        a in prop::collection::vec((0..40_i64, 0..40_i64), 0..6),
        b in prop::collection::vec((0..40_i64, 0..40_i64), 0..6),
        clip in (0..40_i64, 0..40_i64),
    ) {
        let of = |parts: &[(i64, i64)]| -> BTreeSet<i64> { parts.iter().flat_map(|(x, y)| *x..*y).collect() };
        let members = |set: &Intervals| of(set.parts());
        let (x, y) = (of(&a), of(&b));
        let (a, b) = (Intervals::new(a), Intervals::new(b));
        prop_assert_eq!(members(&a), x.clone());
        prop_assert_eq!(members(&a.intersection(&b)), &x & &y);
        prop_assert_eq!(members(&a.union(&b)), &x | &y);
        prop_assert_eq!(members(&a.difference(&b)), &x - &y);
        prop_assert_eq!(a.meets(&b), !x.is_disjoint(&y));
        prop_assert_eq!(a.is_subset_of(&b), x.is_subset(&y));
        let clipped: BTreeSet<i64> = x.iter().copied().filter(|i| (clip.0..clip.1).contains(i)).collect();
        prop_assert_eq!(members(&a.clipped(clip.0, clip.1)), clipped);
        prop_assert_eq!(a.first_from(clip.0), x.range(clip.0..).next().or(x.first()).copied());
        prop_assert!((-1..41).all(|i| a.contains(i) == x.contains(&i)));
    }
}
