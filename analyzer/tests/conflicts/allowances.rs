//! What `allow` accepts, and what it can't.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ordain_analyzer::{Places, Ruling, ruling};
use ordain_ir::{
    Allowance, Allowed, Clause, Code, ConflictType, Diagnostic, Enforcement, EnforcementMode, Place,
    PolicyId, PolicyKind, PolicySource, Severity, SourceMap, Span, codes,
};

use crate::common::{Build, at_least, at_most, limit, rule, scope};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn between(conflict_type: ConflictType, names: &[&str]) -> Allowance {
    let policies: BTreeSet<_> = names.iter().map(|name| (*name).into()).collect();
    Allowance {
        allowed: Allowed::Conflict { conflict_type, policies },
        because: "agreed".into(),
        until: Some(at("2027-01-31T00:00:00Z")),
        package: "acme".into(),
    }
}

/// Two rules that overlap, and what is allowed.
fn overlapping(allowances: impl IntoIterator<Item = Allowance>) -> Build {
    let rules = [rule("acme.new", EnforcementMode::Block), rule("acme.old", EnforcementMode::Warn)];
    let mut build = Build::default().rules(rules);
    build.0.allowances = allowances.into_iter().collect();
    build
}

/// A floor above a ceiling.
fn contradicting(allowances: impl IntoIterator<Item = Allowance>) -> Build {
    let limits = [
        limit("acme.cap", "RUNS_DAILY", at_most(10), Enforcement::Block),
        limit("acme.floor", "RUNS_DAILY", at_least(20), Enforcement::Block),
    ];
    let mut build = Build::default().limits(limits);
    build.0.allowances = allowances.into_iter().collect();
    build
}

fn places(build: &Build) -> Places {
    let places = build.0.allowances.iter().enumerate();
    places
        .map(|(n, allowance)| (allowance.clone(), ("a.ordain".to_owned(), Span::new(n * 10, n * 10 + 5))))
        .collect()
}

fn rule_on(build: &Build, others: &[Diagnostic], sources: &SourceMap, now: Option<&str>) -> Ruling {
    ruling(&build.0, &build.report(), others, sources, &places(build), now.map(at))
}

/// Code, severity and message of each.
fn told(ruling: &Ruling) -> Vec<String> {
    let told = |d: &Diagnostic| format!("{}[{}]: {}", d.severity, d.code, d.message);
    ruling.diagnostics.iter().map(told).collect()
}

#[test]
fn an_overlap_is_acknowledged_until_it_runs_out() {
    let build = overlapping([between(ConflictType::ScopeOverlap, &["acme.new", "acme.old"])]);
    let mut report = build.report();
    let conflict = &report.conflicts[0];
    assert!(conflict.resolved);
    assert_eq!(conflict.acknowledgement.as_ref().unwrap().because, "agreed");
    assert_eq!(rule_on(&build, &[], &SourceMap::default(), Some("2027-01-30T23:59:59Z")), Ruling::default());
    report.expire(at("2027-01-30T23:59:59Z"));
    assert!(report.conflicts[0].resolved);
    report.expire(at("2027-01-31T00:00:00Z"));
    assert!(!report.conflicts[0].resolved, "the last instant is not included");
    let ended = rule_on(&build, &[], &SourceMap::default(), Some("2027-01-31T00:00:00Z"));
    assert_eq!(
        told(&ended),
        [
            "warning[ORD0903]: this `allow` ran out at 2027-01-31T00:00:00Z; scope-overlap between `new` and `old` is there still"
        ]
    );
    assert_eq!(
        rule_on(&build, &[], &SourceMap::default(), None),
        Ruling::default(),
        "without a clock nothing ends"
    );
}

#[test]
fn the_type_and_exactly_the_policies_count() {
    let other = rule("acme.other", EnforcementMode::Audit);
    for allowance in [
        between(ConflictType::TemporalConflict, &["acme.new", "acme.old"]),
        between(ConflictType::ScopeOverlap, &["acme.new"]),
        between(ConflictType::ScopeOverlap, &["acme.new", "acme.old", "acme.other"]),
    ] {
        let other = ordain_ir::Rule { scope: scope("nowhere - nowhere"), ..other.clone() };
        let build = overlapping([allowance]).rules([other]);
        let conflict = build.conflict();
        assert!(!conflict.resolved && conflict.acknowledgement.is_none());
        let unused = rule_on(&build, &[], &SourceMap::default(), None);
        assert!(told(&unused)[0].starts_with("warning[ORD0902]: there is no "), "{unused:?}");
        assert_eq!(unused.diagnostics[0].primary.as_ref().unwrap().span, Span::new(0, 5));
    }
}

#[test]
fn what_is_blocking_stays() {
    let build = contradicting([between(ConflictType::ThresholdContradiction, &["acme.cap", "acme.floor"])]);
    let conflict = build.conflict();
    assert!(!conflict.resolved && conflict.acknowledgement.is_none());
    assert_eq!(
        told(&rule_on(&build, &[], &SourceMap::default(), None)),
        [
            "error[ORD0904]: threshold-contradiction between `cap` and `floor` is BLOCKING and can't be allowed"
        ]
    );
}

#[test]
fn of_two_for_one_conflict_the_longer_counts() {
    let short = between(ConflictType::ScopeOverlap, &["acme.new", "acme.old"]);
    let long = Allowance { until: None, because: "for good".into(), ..short.clone() };
    for allowances in [[short.clone(), long.clone()], [long, short]] {
        let conflict = overlapping(allowances).conflict();
        assert_eq!(conflict.acknowledgement.unwrap().because, "for good");
    }
}

#[test]
fn warnings_are_accepted_within_their_policy() {
    let place = |start: usize, end: usize| Place { span: Span::new(start, end), line: 1, column: 1 };
    let source = PolicySource {
        kind: PolicyKind::Rule,
        file: "a.ordain".into(),
        item: place(100, 200),
        clauses: BTreeMap::from([(Clause::Name, place(105, 110))]),
        application: None,
    };
    let sources: SourceMap = [(PolicyId::of(&"acme.new".into()), source)].into();
    let warning = |code: Code, file: &str, start: usize| {
        Diagnostic::warning(code, file, Span::new(start, start + 10), "a warning")
    };
    let code = || codes::EMPTY_WINDOW;
    let mut error = warning(code(), "a.ordain", 150);
    error.severity = Severity::Error;
    let others = [
        warning(code(), "a.ordain", 150),
        warning(code(), "a.ordain", 195),
        warning(code(), "b.ordain", 150),
        warning(codes::BAD_LIMIT_VALUE, "a.ordain", 150),
        error,
    ];
    let allowance = Allowance {
        allowed: Allowed::Warning { code: code(), policy: "acme.new".into() },
        ..between(ConflictType::ScopeOverlap, &[])
    };
    let build = overlapping([allowance]);
    let ruled = rule_on(&build, &others, &sources, Some("2026-01-01T00:00:00Z"));
    assert_eq!(
        ruled,
        Ruling { diagnostics: vec![], accepted: [0].into() },
        "the others are outside, or no such warning"
    );
    let ended = rule_on(&build, &others, &sources, Some("2028-01-01T00:00:00Z"));
    assert_eq!(ended.accepted, BTreeSet::new());
    assert_eq!(
        told(&ended),
        [
            "warning[ORD0903]: this `allow` ran out at 2027-01-31T00:00:00Z; `ORD0605` for `new` is there still"
        ]
    );
    let unused = rule_on(&build, &others[1..], &sources, None);
    assert_eq!(told(&unused), ["warning[ORD0902]: there is no `ORD0605` for `new` to allow"]);
}

#[test]
fn what_stands_elsewhere_is_not_judged_here() {
    let build = overlapping([between(ConflictType::TemporalConflict, &["acme.new", "acme.old"])]);
    let report = build.report();
    let of_a_library = ruling(&build.0, &report, &[], &SourceMap::default(), &Places::new(), None);
    assert_eq!(of_a_library, Ruling::default());
}
