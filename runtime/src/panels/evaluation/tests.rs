//! What is known step by step against what the whole history says, read from its definition.

use jiff::SignedDuration;

use super::*;

/// One look: when, and what it found.
type Past = (Timestamp, Finding);

/// Numbers that look like chance.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn earliest(past: &[Past]) -> Timestamp {
    past.iter().map(|(at, _)| *at).min().unwrap()
}

/// Whether what is expected was missing there.
fn is_below(expected: &Expectation, finding: Finding) -> bool {
    matches!(finding, Finding::Shows { rows, due: true, .. } if rows < expected.min_rows)
}

/// Where what is missing at the end of this history began to be, if anything is.
fn beginning(expected: &Expectation, past: &[Past]) -> Option<usize> {
    let enough = |finding| matches!(finding, Finding::Shows { .. }) && !is_below(expected, finding);
    let after = past.iter().rposition(|(_, finding)| enough(*finding)).map_or(0, |last| last + 1);
    (after..past.len()).find(|index| is_below(expected, past[*index].1))
}

/// The alert at the end of a history.
fn alert_type(expected: &Expectation, past: &[Past]) -> Option<PanelAlertType> {
    let (now, finding) = *past.last().unwrap();
    let warm = |past: &[Past]| past.last().unwrap().0.duration_since(earliest(past)) > expected.warmup_grace;
    if !expected.alert_enabled {
        return None;
    }
    if finding == Finding::Broken {
        return Some(PanelAlertType::FilterBreak);
    }
    if is_below(expected, finding) {
        let begun = beginning(expected, past).unwrap();
        let unbroken =
            past.iter().rposition(|(_, finding)| *finding == Finding::Broken).map_or(0, |at| at + 1);
        let due = |end: usize| {
            let waited = past[end].0.duration_since(earliest(&past[begun..=end]));
            warm(&past[..=end]) && waited > expected.alert_after
        };
        return (unbroken.max(begun)..past.len()).any(due).then_some(PanelAlertType::EmptyPanel);
    }
    let Finding::Shows { rows, .. } = finding else { unreachable!() };
    let newest = newest(past)?;
    let too_old = now.duration_since(newest) > expected.freshness_sla?;
    (rows >= expected.min_rows && too_old && warm(past)).then_some(PanelAlertType::StalePanel)
}

fn newest(past: &[Past]) -> Option<Timestamp> {
    past.iter().rev().find_map(|(_, finding)| match finding {
        Finding::Shows { newest, .. } => *newest,
        Finding::Broken => None,
    })
}

/// How a panel with this history is.
fn by_definition(expected: &Expectation, past: &[Past]) -> PanelHealth {
    let (now, finding) = *past.last().unwrap();
    let (rows, status) = match finding {
        Finding::Broken => (None, PanelStatus::Broken),
        Finding::Shows { rows, .. } if rows < expected.min_rows => (Some(rows), PanelStatus::Empty),
        Finding::Shows { rows, .. } => {
            let old = newest(past).zip(expected.freshness_sla);
            let stale = old.is_some_and(|(newest, sla)| now.duration_since(newest) > sla);
            (Some(rows), if stale { PanelStatus::Stale } else { PanelStatus::Healthy })
        }
    };
    let alert = alert_type(expected, past).map(|kind| {
        let same = |end: &usize| alert_type(expected, &past[..*end]) == Some(kind);
        let first = (1..=past.len()).rev().take_while(same).last().unwrap();
        PanelAlert { alert_type: kind, since: earliest(&past[first - 1..]) }
    });
    PanelHealth {
        panel_id: "P".to_owned(),
        status,
        rows,
        newest_at: newest(past),
        below_since: beginning(expected, past).map(|begun| earliest(&past[begun..])),
        alert,
        first_checked_at: earliest(past),
        checked_at: now,
        checks: past.len() as u64,
    }
}

fn expectation(draw: &mut Draw) -> Expectation {
    Expectation {
        min_rows: draw.one(&[0, 1, 1, 3]),
        warmup_grace: minutes(draw.one(&[0, 5, 20])),
        alert_after: minutes(draw.one(&[0, 10, 15, 60])),
        freshness_sla: draw.one(&[None, Some(minutes(10)), Some(minutes(45))]),
        alert_enabled: draw.below(5) > 0,
    }
}

fn finding(draw: &mut Draw, now: Timestamp, mostly: u64) -> Finding {
    if draw.below(12) == 0 {
        return Finding::Broken;
    }
    let rows = if draw.below(6) == 0 { draw.below(4) } else { mostly };
    let newest =
        (rows > 0 && draw.below(4) > 0).then(|| now - minutes(draw.one(&[-5, 0, 10, 11, 45, 50, 90])));
    Finding::Shows { rows, newest, due: draw.below(8) > 0 }
}

#[test]
fn step_by_step_is_what_the_history_says() {
    let mut told = std::collections::BTreeMap::<_, u32>::new();
    for seed in 0..3_000 {
        let mut draw = Draw(seed);
        let expected = expectation(&mut draw);
        let mostly = draw.below(4);
        let mut now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let (mut known, mut past) = (None, vec![]);
        for _ in 0..24 {
            // Mostly forward, now and then far, and back.
            let step = draw.one(&[0, 1, 5, 5, 5, 5, 5, 5, 10, 15, 61, 1_440, -1, -5, -30, -2_000]);
            now += minutes(step);
            past.push((now, finding(&mut draw, now, mostly)));
            let next = evaluate("P", &expected, known.as_ref(), past.last().unwrap().1, now);
            assert_eq!(next, by_definition(&expected, &past), "seed {seed}: {expected:?} {past:#?}");
            let on = raised(known.as_ref(), &next);
            let before =
                past.len().checked_sub(1).filter(|n| *n > 0).and_then(|n| alert_type(&expected, &past[..n]));
            let now_on = alert_type(&expected, &past);
            assert_eq!(on, now_on.filter(|_| before != now_on), "seed {seed}");
            *told.entry((next.status, on)).or_default() += 1;
            known = Some(next);
        }
    }
    // All that can be seen was seen, often.
    for (status, alert) in [
        (PanelStatus::Empty, Some(PanelAlertType::EmptyPanel)),
        (PanelStatus::Stale, Some(PanelAlertType::StalePanel)),
        (PanelStatus::Broken, Some(PanelAlertType::FilterBreak)),
        (PanelStatus::Empty, None),
        (PanelStatus::Stale, None),
        (PanelStatus::Broken, None),
        (PanelStatus::Healthy, None),
    ] {
        assert!(told.get(&(status, alert)).is_some_and(|times| *times > 100), "{status} {alert:?}: {told:?}");
    }
}

/// The rule at its edges: after the grace, and for longer than it may be.
#[test]
fn an_alert_waits_as_long_as_was_agreed_on() {
    let expected = Expectation {
        min_rows: 1,
        warmup_grace: minutes(120),
        alert_after: minutes(60),
        freshness_sla: None,
        alert_enabled: true,
    };
    let begin: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    let empty = Finding::Shows { rows: 0, newest: None, due: true };
    let full = Finding::Shows { rows: 1, newest: None, due: true };
    let mut known: Option<PanelHealth> = None;
    for (minute, finding, on) in [
        (0, empty, false),
        // Empty for longer than an hour, and in the grace.
        (120, empty, false),
        (121, empty, true),
        (122, full, false),
        (123, empty, false),
        (183, empty, false),
        (184, empty, true),
        // It stays on, also where the clock is set back.
        (130, empty, true),
        (131, full, false),
    ] {
        let next = evaluate("P", &expected, known.as_ref(), finding, begin + minutes(minute));
        assert_eq!(next.alert.is_some(), on, "minute {minute}: {next:?}");
        known = Some(next);
    }
}
