//! Many guarantees under ceilings that lie in each other: what they add up to, beyond what is searched to the end.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::oracle::runner;
use super::*;

/// Random organisations by default.
const CASES: u32 = 48;

/// What each team of a department needs a day, and what the department may have: in a day or in an hour, or anything.
type Department = (Vec<i64>, Option<(bool, i64)>);

fn department() -> impl Strategy<Value = Department> {
    let cap = prop::option::of((any::<bool>(), 0..120_i64));
    (prop::collection::vec(1..12_i64, 1..16), cap)
}

/// A sum is all there is to it: what a roof admits in a day against what all below it need. Whatever is found is minimal,
/// and where nothing is, it is known that there is nothing.
#[test]
fn guarantees_under_roofs_add_up() {
    let mut runner = runner(CASES);
    let cases = (prop::collection::vec(department(), 1..5), -40..40_i64);
    let tally = Cell::new((0, 0));
    runner
        .run(&cases, |(departments, room)| {
            let (contradictory, large) = tally.get();
            let found = check(&departments, room)?;
            tally.set((contradictory + u32::from(found > 0), large + u32::from(found > 17)));
            Ok(())
        })
        .unwrap();
    let (contradictory, large) = tally.get();
    println!("{contradictory} contradictory, {large} of them by more than 16 limits together");
    assert!(contradictory > 0 && large > 0);
}

/// The most members of a set that is found.
fn check(departments: &[Department], room: i64) -> Result<usize, TestCaseError> {
    let (mut limits, mut roofs, mut all) = (vec![], vec![], vec![]);
    for (at, (teams, cap)) in departments.iter().enumerate() {
        let floors: Vec<(String, i64)> =
            teams.iter().enumerate().map(|(team, need)| (format!("d{at}-{team}"), *need)).collect();
        let scoped =
            |(name, need): &(String, i64)| within(floor(name, "RUNS_DAILY", *need), &format!("acme/{name}"));
        limits.extend(floors.iter().map(scoped));
        all.extend(floors.clone());
        if let Some((hourly, most)) = cap {
            let (quantity, times) = if *hourly { ("RUNS_HOURLY", 24) } else { ("RUNS_DAILY", 1) };
            let name = format!("cap{at}");
            limits.push(within(ceiling(&name, quantity, *most), &format!("acme/d{at}-*")));
            roofs.push((name, most * times, floors));
        }
    }
    let needed = |floors: &[(String, i64)]| floors.iter().map(|(_, need)| need).sum::<i64>();
    let most = (needed(&all) + room).max(0);
    limits.push(within(ceiling("cap", "RUNS_DAILY", most), "acme"));
    roofs.push(("cap".to_owned(), most, all));

    let outcome = analyse(&policies(limits));
    let broken = roofs.iter().filter(|(_, most, floors)| needed(floors) > *most);
    let broken: Vec<&str> = broken.map(|(name, ..)| name.as_str()).collect();
    prop_assert_eq!(outcome.findings.is_empty(), broken.is_empty(), "{:?}", outcome);
    prop_assert!(!broken.is_empty() || outcome.not_fully_explored == 0, "{:?}", outcome);
    let found = sets(&outcome);
    for set in &found {
        let roof = roofs.iter().find(|(name, ..)| set.contains(&name.as_str()));
        let (roof, most, floors) = roof.expect("every set has a roof");
        prop_assert!(broken.contains(&roof.as_str()));
        let members = floors.iter().filter(|(name, _)| set.contains(&name.as_str())).map(|(_, need)| *need);
        let members: Vec<i64> = members.collect();
        prop_assert_eq!(members.len() + 1, set.len(), "no other roof takes part");
        let sum: i64 = members.iter().sum();
        prop_assert!(sum > *most && members.iter().all(|need| sum - need <= *most), "{:?}", set);
    }
    Ok(found.iter().map(Vec::len).max().unwrap_or(0))
}
