//! The semantic difference against an oracle that tries every request of a finite world, on random edits of random
//! workspaces.
//!
//! What is said to be the same must be the same for every request; each example must come out as it says when it is
//! decided by the reference; and where only rules are involved, nothing may stay undecided.
//!
//! `ORDAIN_ORACLE_CASES` sets the number of edits, `ORDAIN_ORACLE_SEED` the first seed.

use std::num::NonZeroUsize;

use ordain_analyzer::{Change, Example, Options, Shifts, diff};
use ordain_ir::{Limit, Policies, PolicyName, Request, decimal, fact};
use ordain_tests::edit::edited;
use ordain_tests::oracle;
use ordain_tests::reference::{self, Counts, Said, Verdict};
use ordain_tests::render::render;
use ordain_tests::{cases, generate, world};

/// How often decisions were found to shift, to stay, and to be undecided.
#[derive(Default)]
struct Tally {
    shifted: u64,
    same: u64,
    undecided: u64,
}

fn check(old: &Policies, new: &Policies, tally: &mut Tally) -> Result<(), String> {
    let run = |threads| {
        let options = Options { threads: NonZeroUsize::new(threads), ..Options::default() };
        diff(old, new, &options).map_err(|error| format!("the comparison failed: {error}"))
    };
    let difference = run(1)?;
    if difference != run(2)? {
        return Err("one thread and two find different differences".to_owned());
    }
    let truth = oracle::shifts(old, new);
    let only_rules = old.limits.is_empty() && new.limits.is_empty();
    for change in &difference.changes {
        for (stricter, found) in [(true, &change.tightened), (false, &change.loosened)] {
            let name = &change.policy.name;
            let there = truth.iter().any(|(names, shift)| *shift == stricter && names.contains(name));
            match found {
                Shifts::No if only_rules && there => {
                    return Err(format!("it takes part in a shift ({stricter}): {change:#?}"));
                }
                Shifts::No => tally.same += 1,
                Shifts::Yes(example) => {
                    replay(old, new, change, stricter, example)?;
                    tally.shifted += 1;
                    if only_rules && !there {
                        return Err(format!("the oracle knows no such shift ({stricter}): {change:#?}"));
                    }
                }
                Shifts::Undecided { .. } if only_rules => {
                    return Err(format!("undecided ({stricter}): {change:#?}"));
                }
                Shifts::Undecided { .. } => tally.undecided += 1,
            }
        }
    }
    // Whichever of the changes at a request is to blame tells of it, or says that it doesn't know.
    let told = |(names, stricter): &&oracle::Shift| {
        difference
            .changes
            .iter()
            .filter(|change| names.contains(&change.policy.name))
            .any(|change| *(if *stricter { &change.tightened } else { &change.loosened }) != Shifts::No)
    };
    match truth.iter().find(|shift| !told(shift)) {
        Some(shift) => Err(format!("not told of: {shift:?}\n{difference:#?}")),
        None => Ok(()),
    }
}

/// The request with each required fact that it leaves out, in up to 64 ways.
fn completed(request: &Request, policies: &Policies) -> Vec<Request> {
    let absent =
        policies.facts.values().filter(|fact| !fact.optional && !request.facts.contains_key(&fact.name));
    let mut out = vec![request.clone()];
    for fact in absent {
        let values: Vec<_> = world::values(fact).into_iter().flatten().collect();
        out = (0..(out.len() * values.len()).min(64))
            .map(|at| {
                let mut whole = out[at % out.len()].clone();
                // Earlier choices repeat within each value, and where there are too many, values go on in turn.
                let value = &values[(at / out.len() + at) % values.len()];
                whole.facts.insert(fact.name.clone(), value.clone());
                whole
            })
            .collect();
    }
    out
}

/// The reference decides an example on both sides as it says.
fn replay(
    old: &Policies,
    new: &Policies,
    change: &Change,
    stricter: bool,
    example: &Example,
) -> Result<(), String> {
    let fail = |why: String| Err(format!("{why}: {change:#?}"));
    let request = Request::from_json(example.witness.request.clone(), &new.facts, &new.meters);
    let request = request.map_err(|error| format!("no request, {error}: {example:#?}"))?;
    let used = |limit: &Limit, _: &str, _: Counts| {
        let quantity = &limit.quantity;
        example.used.get(&limit.name).map_or(0, |text| {
            let number = text.split(' ').next().unwrap_or_default();
            let amount =
                decimal::parse(number, quantity.scale()).ok().or_else(|| fact::parse_duration(number));
            let amount = amount.filter(|amount| quantity.format(*amount).trim_end() == text);
            amount.unwrap_or_else(|| panic!("`{text}` is no amount of {quantity}"))
        })
    };
    let strictness = |outcome: ordain_ir::Outcome| outcome as u8;
    let said = [strictness(example.before), strictness(example.after)];
    // What the example leaves out has no say: whatever it is, the decisions are these.
    for whole in completed(&request, new) {
        let sides = [old, new];
        let verdicts = sides.map(|policies| reference::decide(policies, &whole, &used));
        let decided = verdicts.each_ref().map(|verdict| verdict.strictness);
        if decided != said {
            return fail(format!("the reference says {decided:?} of {:?}", whole.facts));
        }
        let takes_part = |name: &PolicyName| {
            sides.iter().zip(&verdicts).any(|(policies, Verdict { said, .. })| {
                let silences = |(other, what): (&PolicyName, &Said)| {
                    *what == Said::Overridden && reference::overrides(policies, name, other)
                };
                let counts = said.get(name).is_some_and(|what| *what != Said::Unmeasured);
                matches!(said.get(name), Some(Said::Demands(_))) || (counts && said.iter().any(silences))
            })
        };
        if let Some(idle) = example.because.iter().find(|name| !takes_part(name)) {
            return fail(format!("`{idle}` takes no part"));
        }
    }
    let [before, after] = said;
    if (stricter && before >= after) || (!stricter && after >= before) {
        return fail("the wrong direction".to_owned());
    }
    if !example.because.contains(&change.policy.name) {
        return fail("the policy is not among the causes".to_owned());
    }
    Ok(())
}

#[test]
fn what_differs_is_found_and_what_is_the_same_is_the_same() {
    let (count, first) = (cases("ORDAIN_ORACLE_CASES", 500), cases("ORDAIN_ORACLE_SEED", 0));
    let mut tally = Tally::default();
    for seed in first..first + count + count / 4 {
        // Some with limits that add up in several ways.
        let whole = if seed < first + count { generate::workspace(seed) } else { generate::periods(seed) };
        let old = Policies { obligations: std::collections::BTreeSet::new(), ..whole };
        let new = edited(&old, seed);
        if let Err(error) = check(&old, &new, &mut tally) {
            panic!("seed {seed}: {error}\nold\n{}\nnew\n{}", render(&old), render(&new));
        }
    }
    let Tally { shifted, same, undecided } = tally;
    // Agreement on nothing would be no agreement, and neither is a shrug.
    let enough = shifted >= 100 && same >= 100 && undecided * 10 <= shifted + same;
    assert!(count < 500 || enough, "{shifted} shifted, {same} the same, {undecided} undecided");
}
