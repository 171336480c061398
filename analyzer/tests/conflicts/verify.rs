//! Evidence is re-checked without what found it, and planted evidence is refused.

use std::sync::Arc;

use ordain_analyzer::verify;
use ordain_ir::Enforcement::{Block, Reject, Warn};
use ordain_ir::request::FactsJson;
use ordain_ir::{
    Certainty, Conflict, ConflictSeverity, ConflictType, EnforcementMode, LimitStatus, Report, Type,
};

use crate::common::{Build, at_least, at_most, equals, fact, limit, rule, scope};

fn overlap() -> Build {
    let mut narrow = rule("acme.narrow", EnforcementMode::Block);
    narrow.scope = scope("acme/support");
    narrow.condition = equals("tool", "export");
    Build::default()
        .facts([fact("tool", Type::String)])
        .rules([narrow, rule("acme.wide", EnforcementMode::Warn)])
}

fn one_value() -> Build {
    let cap = limit("cap", "RISK_CEILING", at_most(500_000), Block);
    Build::default().limits([cap, limit("floor", "RISK_CEILING", at_least(700_000), Reject)])
}

fn over_a_day() -> Build {
    let mut floor = limit("floor", "RUNS_DAILY", at_least(500), Reject);
    floor.scope = scope("acme/support");
    Build::default().limits([limit("cap", "RUNS_HOURLY", at_most(20), Block), floor])
}

fn ladder_turned_round() -> Build {
    let soft = limit("soft", "RUNS_DAILY", at_most(90), Warn);
    Build::default().limits([soft, limit("hard", "RUNS_DAILY", at_most(80), Block)])
}

#[test]
fn what_the_analysis_reports_is_confirmed() {
    for (build, witnesses, certificates) in
        [(overlap(), 1, 0), (one_value(), 1, 1), (over_a_day(), 1, 1), (ladder_turned_round(), 1, 0)]
    {
        let report = build.report();
        let verified = verify(&build.0, &report);
        assert_eq!(verified.refused, [], "{report:#?}");
        assert_eq!((verified.witnesses, verified.certificates), (witnesses, certificates), "{report:#?}");
    }
}

/// A change to what a report says of a conflict.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Conflict));

fn refuses(build: &Build, changes: &[Change<'_>]) {
    for (what, change) in changes {
        let mut report = build.report();
        let told = report.conflicts[0].clone();
        change(Arc::make_mut(&mut report.conflicts[0]));
        if report.conflicts[0] == told {
            continue;
        }
        let verified = verify(&build.0, &report);
        assert_eq!(verified.refused.len(), 1, "{what}: {verified:?}");
    }
}

fn facts(conflict: &mut Conflict) -> &mut FactsJson {
    Arc::make_mut(&mut conflict.witness.as_mut().unwrap().request.facts)
}

#[test]
fn planted_witnesses_are_refused() {
    refuses(
        &overlap(),
        &[
            ("another path", &|c| {
                c.witness.as_mut().unwrap().request.path.tenant = "globex".into();
                c.witness.as_mut().unwrap().request.path.project = "other".into();
            }),
            ("another fact", &|c| {
                facts(c).insert("tool".into(), "read".into());
            }),
            ("a fact that isn't declared", &|c| {
                facts(c).insert("tools".into(), "read".into());
            }),
            ("a fact too few", &|c| facts(c).clear()),
            ("no witness", &|c| c.witness = None),
            ("another type", &|c| c.conflict_type = ConflictType::TemporalConflict),
            ("another fingerprint", &|c| c.id = "0".repeat(c.id.len())),
            ("one policy", &|c| c.policies.truncate(1)),
            ("BLOCKING and suspected", &|c| {
                c.severity = ConflictSeverity::Blocking;
                c.certainty = Certainty::Suspected;
            }),
        ],
    );
}

#[test]
fn planted_certificates_are_refused() {
    for build in [one_value(), over_a_day()] {
        let lines = build.report().conflicts[0].certificate.as_ref().unwrap().inequalities.len();
        for at in 0..lines {
            for number in ["-1", "0", "7", "1/3", "x"] {
                refuses(
                    &build,
                    &[
                        ("bound", &|c| {
                            c.certificate.as_mut().unwrap().inequalities[at].bound = number.into();
                        }),
                        ("coefficient", &|c| {
                            let terms = &mut c.certificate.as_mut().unwrap().inequalities[at].terms;
                            for term in terms.values_mut() {
                                *term = number.into();
                            }
                        }),
                    ],
                );
            }
            refuses(
                &build,
                &[
                    ("a line too few", &|c| {
                        c.certificate.as_mut().unwrap().inequalities.remove(at);
                    }),
                    ("a negative factor", &|c| {
                        c.certificate.as_mut().unwrap().inequalities[at].factor = "-1".into();
                    }),
                    ("no policy", &|c| c.certificate.as_mut().unwrap().inequalities[at].policy = None),
                ],
            );
        }
        refuses(&build, &[("no proof at all", &|c| (c.certificate, c.witness) = (None, None))]);
    }
}

#[test]
fn evidence_about_other_policies_is_refused() {
    let told: Report = one_value().report();
    let mut tighter = one_value();
    let cap = tighter.0.limits.get_mut(&"cap".into()).unwrap();
    Arc::make_mut(cap).bound = at_most(800_000);
    assert_eq!(verify(&tighter.0, &told).refused.len(), 1);
    let mut off = one_value();
    Arc::make_mut(off.0.limits.get_mut(&"cap".into()).unwrap()).status = LimitStatus::Disabled;
    assert_eq!(verify(&off.0, &told).refused.len(), 1);
}
