//! The analyzer against an oracle that enumerates every request of a finite world, on random workspaces.
//!
//! `ORDAIN_ORACLE_CASES` sets the number of workspaces, `ORDAIN_ORACLE_SEED` the first seed. A disagreement prints
//! its seed and the smallest workspace that still shows one.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ordain_analyzer::{Options, analyze};
use ordain_ir::report::Contradiction;
use ordain_ir::{
    Certainty, Conflict, ConflictSeverity, ConflictType, Path, Policies, PolicyKind, PolicyName, Report,
    Request,
};
use ordain_tests::oracle::{self, Expected, certificate};
use ordain_tests::render::render;
use ordain_tests::shrink::shrink;
use ordain_tests::{cases, generate, reference};

const WORKERS: u64 = 2;

/// What is wrong with the analysis of these policies, if anything is.
fn disagreement(policies: &Policies, tally: &Tally) -> Result<(), String> {
    let report = run(policies, 1)?;
    let bytes = |report: &Report| serde_json::to_string(report).map_err(|error| error.to_string());
    // The order of things is all that threads could change.
    if report.conflicts.len() > 1 && bytes(&report)? != bytes(&run(policies, 3)?)? {
        return Err("one thread and three report different bytes".into());
    }
    let found = pairs(policies, &report)?;
    let expected = oracle::conflicts(policies);
    for (pair, conflict) in &expected {
        match found.get(pair) {
            None => return Err(format!("missing: {pair:?} {conflict:?}")),
            Some(found) if !agree(conflict, found, policies.limits.contains_key(&pair[0])) => {
                return Err(format!("{pair:?} is {conflict:?}, reported as {found:?}"));
            }
            Some(_) => tally.count(conflict, policies.rules.contains_key(&pair[0])),
        }
    }
    if let Some((pair, conflict)) = found.iter().find(|(pair, _)| !expected.contains_key(*pair)) {
        return Err(format!("too much: {pair:?} {conflict:?}"));
    }
    report.conflicts.iter().try_for_each(|conflict| evidence(policies, conflict))?;
    gaps(policies, &report, tally)
}

/// Coverage: the analyzer's gaps are those of the oracle, and each example is one.
fn gaps(policies: &Policies, report: &Report, tally: &Tally) -> Result<(), String> {
    let expected = oracle::gaps(policies);
    let found: BTreeMap<_, _> =
        report.gaps.iter().map(|gap| (gap.obligation.clone(), gap.certainty)).collect();
    if found != expected || found.len() != report.gaps.len() {
        return Err(format!("gaps are {expected:#?}, reported as {found:#?}"));
    }
    for gap in &report.gaps {
        let fail = |why: &str| Err(format!("{why}: {gap:#?}"));
        let opaque = policies.facts.values().any(|fact| fact.opaque);
        if gap.certainty == Certainty::Suspected && (!opaque || gap.uncertainty.is_none()) {
            return fail("suspected without a reason");
        }
        let Some(witness) = &gap.witness else { return fail("a gap without a witness") };
        let request = Request::from_json(witness.request.clone(), &policies.facts, &policies.meters);
        let request = complete(policies, request.map_err(|error| format!("no request, {error}: {gap:#?}"))?);
        let Path { tenant, project, agent } = &request.path;
        let provider = request.provider.as_deref();
        if !reference::selects(&gap.obligation.scope, [tenant, project, agent], provider)
            || !reference::holds(&gap.obligation.condition, &policies.facts, &request.facts)
        {
            return fail("the witness need not be covered");
        }
        if oracle::covers(policies, &gap.obligation).any(|rule| reference::in_rule(policies, rule, &request))
        {
            return fail("the witness is covered");
        }
    }
    let covered = policies.obligations.len() - expected.len();
    let suspected = expected.values().filter(|certainty| **certainty == Certainty::Suspected).count();
    for (slot, count) in [(11, expected.len() - suspected), (12, suspected), (13, covered)] {
        tally.0[slot].fetch_add(count as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// That one limit's domain does not include another's may rest on an opaque fact as well, where the overlap doesn't.
fn agree(expected: &Expected, found: &Expected, limits: bool) -> bool {
    let certainty = if limits { found.certainty.max(expected.certainty) } else { expected.certainty };
    *found == Expected { certainty, ..expected.clone() }
}

fn run(policies: &Policies, threads: usize) -> Result<Report, String> {
    let options = Options { threads: NonZeroUsize::new(threads), ..Options::default() };
    analyze(policies, &options).map_err(|error| format!("the analysis failed: {error}"))
}

/// Whether the conflict is one of those that the oracle derives by other means.
fn is_accumulated(policies: &Policies, conflict: &Conflict) -> bool {
    let quantity = |name: &PolicyName| policies.limits.get(name).map(|limit| &limit.quantity);
    conflict.contradiction == Some(Contradiction::Empty)
        && conflict
            .policies
            .iter()
            .any(|policy| quantity(&policy.name).is_some_and(|quantity| !quantity.is_pointwise()))
}

fn names(conflict: &Conflict) -> BTreeSet<&PolicyName> {
    conflict.policies.iter().map(|policy| &policy.name).collect()
}

/// The reported conflicts as the oracle states them.
fn pairs(policies: &Policies, report: &Report) -> Result<BTreeMap<[PolicyName; 2], Expected>, String> {
    let mut found = BTreeMap::new();
    for conflict in report.conflicts.iter().filter(|conflict| !is_accumulated(policies, conflict)) {
        let names: Vec<PolicyName> = names(conflict).into_iter().cloned().collect();
        let pair = <[PolicyName; 2]>::try_from(names).map_err(|names| format!("no pair: {names:?}"))?;
        let expected = Expected {
            conflict_type: conflict.conflict_type,
            contradiction: conflict.contradiction,
            weakens: conflict.weakens,
            certainty: conflict.certainty,
        };
        if found.insert(pair, expected).is_some() {
            return Err(format!("two conflicts of one pair: {:?}", conflict.policies));
        }
    }
    Ok(found)
}

/// Contradictions of what accumulates: the plain ones are there, and each one fits the definition's frame.
fn contradictions(policies: &Policies, tally: &Tally) -> Result<(), String> {
    let report = run(policies, 2)?;
    let reported: Vec<&Conflict> = report
        .conflicts
        .iter()
        .map(Arc::as_ref)
        .filter(|conflict| is_accumulated(policies, conflict))
        .collect();
    for pair in oracle::plain_contradictions(policies) {
        let is_it = |conflict: &&&Conflict| names(conflict) == pair.iter().collect();
        if reported.iter().find(is_it).is_none() {
            return Err(format!("missing: {pair:?} contradict each other"));
        }
        tally.0[8].fetch_add(1, Ordering::Relaxed);
    }
    for conflict in &reported {
        let names = names(conflict);
        let limits: Vec<_> = names.iter().filter_map(|name| policies.limits.get(*name)).collect();
        let is_floor = |limit: &&Arc<ordain_ir::Limit>| limit.bound.direction.as_str() == "AT_LEAST";
        if !limits.iter().all(|limit| limit.enforcement.is_hard()) || !limits.iter().any(is_floor) {
            return Err(format!("no contradiction of hard bounds with a floor: {names:?}"));
        }
        if names.iter().any(|a| names.iter().any(|b| reference::overrides(policies, a, b))) {
            return Err(format!("one overrides another: {names:?}"));
        }
        if reported.iter().any(|other| other.id != conflict.id && self::names(other).is_subset(&names)) {
            return Err(format!("not minimal: {names:?}"));
        }
        if conflict.certificate.is_none() {
            return Err(format!("no certificate: {names:?}"));
        }
        tally.0[if names.len() > 2 { 9 } else { 10 }].fetch_add(1, Ordering::Relaxed);
    }
    report.conflicts.iter().try_for_each(|conflict| evidence(policies, conflict))
}

/// Whatever a conflict claims must be checkable without the analyzer.
fn evidence(policies: &Policies, conflict: &Conflict) -> Result<(), String> {
    let fail = |what: &str| Err(format!("{what}: {conflict:#?}"));
    if conflict.severity == ConflictSeverity::Blocking && conflict.certainty != Certainty::Proved {
        return fail("blocking without proof");
    }
    let raised = policies.settings.severity.get(&conflict.conflict_type).copied();
    let severity = match conflict.certainty {
        Certainty::Suspected => ConflictSeverity::Warning,
        Certainty::Proved => raised.unwrap_or(match conflict.conflict_type {
            ConflictType::ThresholdContradiction => ConflictSeverity::Blocking,
            _ => ConflictSeverity::Warning,
        }),
    };
    if conflict.severity != severity {
        return fail("wrong severity");
    }
    let opaque = policies.facts.values().any(|fact| fact.opaque && reads(policies, conflict, &fact.name));
    if conflict.certainty == Certainty::Suspected && (!opaque || conflict.uncertainty.is_none()) {
        return fail("suspected without a reason");
    }
    if let [stricter, milder] = &*conflict.policies
        && stricter.kind == PolicyKind::Rule
        && policies.rules[&stricter.name].enforcement_mode < policies.rules[&milder.name].enforcement_mode
    {
        return fail("the stricter comes first");
    }
    if let Some(certificate) = &conflict.certificate
        && let Err(error) = certificate::check(certificate)
    {
        return fail(&error);
    }
    match &conflict.witness {
        Some(witness) => {
            let request = Request::from_json(witness.request.clone(), &policies.facts, &policies.meters);
            let request = request.map_err(|error| format!("no request, {error}: {conflict:#?}"))?;
            for fact in policies.facts.values().filter(|fact| !fact.optional) {
                if !request.facts.contains_key(&fact.name) && reads(policies, conflict, &fact.name) {
                    return fail("the witness lacks a fact");
                }
            }
            let complete = complete(policies, request);
            for policy in &conflict.policies {
                let is_in = match policy.kind {
                    PolicyKind::Rule => {
                        reference::in_rule(policies, &policies.rules[&policy.name], &complete)
                    }
                    PolicyKind::Limit => {
                        reference::in_limit(policies, &policies.limits[&policy.name], &complete)
                    }
                };
                if !is_in {
                    return fail("the witness is outside a domain");
                }
            }
            Ok(())
        }
        None if conflict.certificate.is_some() => Ok(()),
        None => fail("neither witness nor certificate"),
    }
}

fn reads(policies: &Policies, conflict: &Conflict, fact: &ordain_ir::FactName) -> bool {
    let mut read = BTreeSet::new();
    for policy in &conflict.policies {
        if let Some(rule) = policies.rules.get(&policy.name) {
            rule.condition.collect_facts(&mut read);
        }
        if let Some(limit) = policies.limits.get(&policy.name) {
            limit.condition.collect_facts(&mut read);
            let confining = limit.rule.as_ref().map(|rule| &policies.rules[rule]);
            if let Some(rule) = confining {
                rule.condition.collect_facts(&mut read);
            }
        }
    }
    read.contains(fact)
}

/// Fills in facts that no policy of the conflict reads, which a minimal witness leaves out.
fn complete(policies: &Policies, mut request: Request) -> Request {
    for fact in policies.facts.values().filter(|fact| !fact.optional) {
        let any = ordain_tests::world::values(fact).remove(0).expect("required facts have values only");
        request.facts.entry(fact.name.clone()).or_insert(any);
    }
    request
}

/// How often each kind of conflict was confirmed: overlaps, temporal conflicts and priorities of
/// rules, the same of limits, divergent and empty pairs of limits; plain contradictions of what accumulates; and
/// those reported between three or more, and between two; proved and suspected gaps, and obligations without one.
#[derive(Default)]
struct Tally([AtomicU64; 14]);

impl Tally {
    fn count(&self, conflict: &Expected, between_rules: bool) {
        let slot = match (conflict.conflict_type, conflict.contradiction) {
            (ConflictType::ScopeOverlap, _) => 0,
            (ConflictType::TemporalConflict, _) => 1,
            (ConflictType::PriorityOverride, _) => 2,
            (_, Some(Contradiction::Divergent)) => 6,
            (ConflictType::ThresholdContradiction, _) => 7,
        };
        let slot = if slot < 3 && !between_rules { slot + 3 } else { slot };
        self.0[slot].fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs a check on random workspaces, in parallel, and fails with the smallest that it finds wanting.
fn search(
    count: u64,
    generate: fn(u64) -> Policies,
    check: fn(&Policies, &Tally) -> Result<(), String>,
) -> [u64; 14] {
    let first = cases("ORDAIN_ORACLE_SEED", 0);
    let (tally, next) = (Tally::default(), AtomicU64::new(first));
    let failures = std::thread::scope(|scope| {
        let (tally, next) = (&tally, &next);
        let worker = move || {
            let mut failures = vec![];
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count || failures.len() >= 3 {
                    return failures;
                }
                let policies = generate(seed);
                if let Err(error) = check(&policies, tally) {
                    let small = shrink(policies, &|policies| check(policies, &Tally::default()).is_err());
                    let smallest = check(&small, tally).expect_err("shrinking keeps the failure");
                    failures.push(format!("seed {seed}: {error}\nsmallest: {smallest}\n{}", render(&small)));
                }
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    tally.0.map(AtomicU64::into_inner)
}

#[test]
fn the_analyzer_finds_exactly_what_there_is() {
    let count = cases("ORDAIN_ORACLE_CASES", 2_000);
    let confirmed = search(count, generate::workspace, disagreement);
    // Agreement on nothing would be no agreement.
    let found = confirmed[..8].iter().chain(&confirmed[11..]);
    assert!(count < 2_000 || found.into_iter().all(|count| *count >= 20), "{confirmed:?}");
}

#[test]
fn limits_that_add_up_in_several_ways_conflict_as_they_should() {
    let count = cases("ORDAIN_ORACLE_CASES", 2_000) / 4;
    let confirmed = search(count, generate::periods, disagreement);
    assert!(count < 500 || confirmed[..8].iter().sum::<u64>() >= 100, "{confirmed:?}");
    let confirmed = search(count, generate::periods, contradictions);
    assert!(count < 500 || confirmed[8] >= 10, "{confirmed:?}");
}

#[test]
fn contradictions_of_what_accumulates_are_found_and_certified() {
    let count = cases("ORDAIN_ORACLE_CASES", 2_000) / 4;
    let confirmed = search(count, generate::guarantees, contradictions);
    // Sets of three and more are too rare here to be counted on; the specifications have some.
    assert!(count < 500 || (confirmed[8] >= 20 && confirmed[10] >= 20), "{confirmed:?}");
}
