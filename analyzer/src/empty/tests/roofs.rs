//! Many guarantees under ceilings that lie in each other: what they add up to, beyond what is searched to the end.

use proptest::prelude::*;

use super::*;

/// What each team of a department needs a day, and what the department may have: in a day or in an hour, or anything.
type Department = (Vec<i64>, Option<(bool, i64)>);

fn department() -> impl Strategy<Value = Department> {
    let cap = prop::option::of((any::<bool>(), 0..120_i64));
    (prop::collection::vec(1..12_i64, 1..16), cap)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A sum is all there is to it: what a roof admits in a day against what all below it need. Whatever is found is
    /// minimal, and where nothing is, it is known that there is nothing.
    #[test]
    fn add_up(departments in prop::collection::vec(department(), 1..5), slack in -40..40_i64) {
        let (mut limits, mut roofs) = (vec![], vec![]);
        let mut all = vec![];
        for (at, (teams, cap)) in departments.iter().enumerate() {
            let floors: Vec<(String, i64)> =
                teams.iter().enumerate().map(|(team, need)| (format!("d{at}-{team}"), *need)).collect();
            limits.extend(floors.iter().map(|(name, need)| {
                within(floor(name, "RUNS_DAILY", *need), &format!("acme/{name}"))
            }));
            all.extend(floors.clone());
            if let Some((hourly, most)) = cap {
                let (quantity, times) = if *hourly { ("RUNS_HOURLY", 24) } else { ("RUNS_DAILY", 1) };
                let name = format!("cap{at}");
                limits.push(within(ceiling(&name, quantity, *most), &format!("acme/d{at}-*")));
                roofs.push((name, most * times, floors));
            }
        }
        let most = (all.iter().map(|(_, need)| need).sum::<i64>() + slack).max(0);
        limits.push(within(ceiling("cap", "RUNS_DAILY", most), "acme"));
        roofs.push(("cap".to_owned(), most, all));

        let outcome = analyse(&policies(limits));
        let needed = |floors: &[(String, i64)]| floors.iter().map(|(_, need)| need).sum::<i64>();
        let broken: Vec<&str> =
            roofs.iter().filter(|(_, most, floors)| needed(floors) > *most).map(|(name, ..)| name.as_str()).collect();
        prop_assert_eq!(outcome.findings.is_empty(), broken.is_empty(), "{:?}", outcome);
        prop_assert!(!broken.is_empty() || outcome.not_fully_explored == 0, "{:?}", outcome);
        for set in sets(&outcome) {
            let (roof, most, floors) =
                roofs.iter().find(|(name, ..)| set.contains(&name.as_str())).expect("every set has a roof");
            prop_assert!(broken.contains(&roof.as_str()));
            let members: Vec<i64> =
                floors.iter().filter(|(name, _)| set.contains(&name.as_str())).map(|(_, need)| *need).collect();
            prop_assert_eq!(members.len() + 1, set.len(), "no other roof takes part");
            let sum: i64 = members.iter().sum();
            prop_assert!(sum > *most && members.iter().all(|need| sum - need <= *most), "{:?}", set);
        }
    }
}
