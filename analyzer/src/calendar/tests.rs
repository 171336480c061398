use super::*;

fn second(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn calendar(zone: &str, around: Stretch) -> Calendar {
    Calendar::new(&zone.into(), around).unwrap()
}

#[test]
fn periods_contain_their_instants() {
    let utc = Calendar::utc();
    let at = second("2026-03-02T10:20:30Z"); // a Monday
    let range = |period| {
        let (start, end) = utc.containing(period, at);
        assert!(start <= at && at < end);
        (utc.describe(period, start), end - start)
    };
    assert_eq!(range(Period::Minute), ("the minute 2026-03-02T10:20".into(), 60));
    assert_eq!(range(Period::Hour), ("the hour 2026-03-02T10:00".into(), 3_600));
    assert_eq!(range(Period::Day), ("the day 2026-03-02".into(), DAY));
    assert_eq!(range(Period::Week), ("the week 2026-03-02".into(), 7 * DAY));
    assert_eq!(range(Period::Month), ("the month 2026-03".into(), 31 * DAY));
    let leap = utc.containing(Period::Month, second("2028-02-29T00:00:00Z"));
    assert_eq!(leap.1, second("2028-03-01T00:00:00Z"));
    let sunday = utc.containing(Period::Week, second("2026-03-01T23:59:59Z"));
    assert_eq!(sunday.1, second("2026-03-02T00:00:00Z"));
}

#[test]
fn shorter_periods_are_counted_where_they_touch() {
    let utc = Calendar::utc();
    let day = utc.containing(Period::Day, second("2026-03-02T00:00:00Z"));
    let at = |hour: i64, minute: i64| day.0 + hour * 3_600 + minute * 60;
    assert_eq!(utc.touching(Period::Hour, day, &[day]), 24);
    assert_eq!(utc.touching(Period::Hour, day, &[(at(9, 0), at(17, 0))]), 8);
    // Two stretches in one hour count it once; one minute past the hour counts another.
    assert_eq!(utc.touching(Period::Hour, day, &[(at(9, 0), at(9, 5)), (at(9, 50), at(10, 1))]), 2);
    assert_eq!(utc.touching(Period::Hour, day, &[(day.0 - 9, day.0), (day.1, day.1 + 9)]), 0);
    let month = utc.containing(Period::Month, second("2026-02-10T00:00:00Z"));
    let always = [(i64::MIN / 4, i64::MAX / 4)];
    assert_eq!(utc.touching(Period::Day, month, &always), 28);
    assert_eq!(utc.touching(Period::Week, month, &always), 5); // from Sunday the 1st to Saturday the 28th
    assert_eq!(utc.touching(Period::Minute, month, &always), 28 * 1_440);
    let weeks = utc.of_whole_periods(Period::Week, month);
    assert_eq!(utc.touching(Period::Week, weeks, &always), 3); // from Monday the 2nd to Sunday the 22nd
    assert_eq!(utc.of_whole_periods(Period::Day, month), month);
    let (start, end) = utc.of_whole_periods(Period::Week, day);
    assert!(end <= start);
}

#[test]
fn rolling_periods_are_laid_where_they_cover_most() {
    assert_eq!(covering(10, (0, 100), &[(0, 100)]), 10);
    assert_eq!(covering(10, (0, 101), &[(-50, 1_000)]), 11);
    assert_eq!(covering(10, (0, 100), &[(3, 5), (12, 13), (13, 40)]), 4);
    assert_eq!(covering(10, (0, 4), &[(5, 6)]), 0);
}

/// Zones whose clocks change by half an hour, by two, at midnight, by a day, never, or in other ways, with a stretch
/// of time to look at.
const CHANGES: [(&str, &str, i64); 16] = [
    ("Europe/Berlin", "2026-03-27T00:00:00Z", 5),
    ("Europe/Berlin", "2026-10-23T00:00:00Z", 5),
    ("Australia/Lord_Howe", "2026-04-03T00:00:00Z", 4),
    ("Australia/Lord_Howe", "2026-10-02T00:00:00Z", 4),
    ("Antarctica/Troll", "2026-03-27T00:00:00Z", 4),
    ("America/Santiago", "2026-04-03T00:00:00Z", 4),
    ("America/Santiago", "2026-09-04T00:00:00Z", 4),
    ("Africa/Cairo", "2026-04-22T00:00:00Z", 4),
    ("Africa/Cairo", "2026-10-28T00:00:00Z", 4),
    ("Asia/Kathmandu", "2026-02-27T00:00:00Z", 4),
    ("America/St_Johns", "2009-10-30T00:00:00Z", 4), // back from a minute past midnight
    ("America/St_Johns", "2009-03-06T00:00:00Z", 4),
    ("Pacific/Apia", "2011-12-28T00:00:00Z", 5), // without a 30th of December
    ("Pacific/Kwajalein", "1993-08-19T00:00:00Z", 5),
    ("Africa/Casablanca", "2026-02-13T00:00:00Z", 4),
    ("America/Havana", "2026-10-30T00:00:00Z", 4),
];

/// The definition, minute by minute: which hour and offset the clocks show, and the latest date that they have shown.
#[test]
fn periods_are_what_clocks_show() {
    for (name, from, days) in CHANGES {
        let zone = zone::find(name).unwrap();
        let from = second(from);
        let shown = |at: i64| zone.to_datetime(Timestamp::from_second(at).unwrap());
        let offset = |at: i64| zone.to_offset(Timestamp::from_second(at).unwrap()).seconds();
        let mut latest = shown(from - 3 * DAY).date();
        let labels: Vec<(i64, [String; 5])> = (from - 3 * DAY..from + days * DAY)
            .step_by(60)
            .map(|at| {
                let (now, offset) = (shown(at), offset(at));
                latest = latest.max(now.date());
                let monday = latest.iso_week_date().first_of_week().unwrap();
                let label = [
                    format!("{} {}:{} {offset}", now.date(), now.hour(), now.minute()),
                    format!("{} {} {offset}", now.date(), now.hour()),
                    latest.to_string(),
                    format!("{monday:?}"),
                    format!("{}-{}", latest.year(), latest.month()),
                ];
                (at, label)
            })
            .collect();
        let calendar = calendar(name, (from - 40 * DAY, from + 40 * DAY));
        let first = from - 3 * DAY;
        let end = from + days * DAY;
        for period in Period::ALL {
            let of = *period as usize;
            // The starts of periods that lie inside.
            let starts: Vec<i64> = labels
                .windows(2)
                .filter(|pair| pair[0].1[of] != pair[1].1[of])
                .map(|pair| pair[1].0)
                .collect();
            let mut found = vec![];
            let mut at = calendar.containing(*period, first).1;
            while at < end {
                assert_eq!(calendar.containing(*period, at - 1).1, at, "{name} {period}");
                found.push(at);
                let (start, next) = calendar.containing(*period, at);
                assert_eq!(start, at, "{name} {period}");
                at = next;
            }
            assert_eq!(found, starts, "{name} {period}");
            let inside = u64::try_from(starts.len()).unwrap() + 1;
            assert_eq!(calendar.touching(*period, (first, end), &[(first, end)]), inside, "{name} {period}");
            for pair in starts.windows(2) {
                assert!(calendar.lengths(*period).contains(&(pair[1] - pair[0])), "{name} {period}");
                assert!(calendar.describe(*period, pair[0]) != calendar.describe(*period, pair[1]));
            }
            let over = Periods::Calendar(*period, Arc::new(self::calendar(name, (from, end))));
            for (a, b) in [(3, 50), (0, starts.len().saturating_sub(1)), (1, 2)] {
                if let (Some(a), Some(b)) = (starts.get(a), starts.get(b).filter(|_| a < b)) {
                    let (whole, length) = (over.whole((*a, *b), &[(*a, *b)]), b - a);
                    assert!(i64::try_from(whole).unwrap() <= over.most_whole(length), "{name} {period}");
                    assert!(i64::try_from(whole).unwrap() >= over.least_touching(length), "{name} {period}");
                }
            }
        }
    }
}

#[test]
fn days_where_clocks_change_have_other_lengths() {
    let around = (second("2026-01-01T00:00:00Z"), second("2027-01-01T00:00:00Z"));
    let berlin = calendar("Europe/Berlin", around);
    assert_eq!(berlin.lengths(Period::Day), [23 * 3_600, DAY, 25 * 3_600]);
    assert_eq!(berlin.lengths(Period::Hour), [3_600]);
    assert_eq!((berlin.spread_of(Period::Day), berlin.cuts(Period::Hour)), (3_600, 0));
    let lord_howe = calendar("Australia/Lord_Howe", around);
    assert_eq!(lord_howe.lengths(Period::Hour), [1_800, 3_600]);
    assert_eq!((lord_howe.spread_of(Period::Week), lord_howe.cuts(Period::Hour)), (1_800, 1));
    let hour = berlin.containing(Period::Hour, second("2026-10-25T01:00:00Z")).0;
    assert_eq!(berlin.describe(Period::Hour, hour), "the hour 2026-10-25T02:00+01:00");
    assert_eq!(berlin.describe(Period::Hour, hour - 3_600), "the hour 2026-10-25T02:00+02:00");
    assert_eq!(berlin.describe(Period::Day, second("2026-03-28T23:00:00Z")), "the day 2026-03-29");
}
