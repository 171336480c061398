//! Certificates that the checker must refuse.

use ordain_ir::report::Certificate;

use super::super::certificate::{CertificateError, check};
use super::periods::{by, rolling};
use super::*;

/// Policies with a certificate that uses every kind of inequality.
fn cases() -> Vec<(Policies, Certificate)> {
    let sources = [
        vec![floor("f", "RUNS_DAILY", 500), ceiling("hourly", "RUNS_HOURLY", 20)],
        vec![
            floor("tokens", "TOKENS_HOURLY", 100_000),
            ceiling("per-run", "TOKENS_PER_RUN", 999),
            within(ceiling("acme", "RUNS_DAILY", 40), "acme"),
            {
                let mut rest = ceiling("rest", "RUNS_MONTHLY", 40);
                rest.scope.except = vec![pattern("acme")];
                rest
            },
        ],
        vec![
            floor("spend", "COST_DAILY", 300_000_000),
            ceiling("price", "COST_PER_RUN", 50_000),
            limit("breather", "COOLDOWN", Direction::AtLeast, 60_000),
        ],
        vec![
            hours(floor("office", "RUNS_DAILY", 200), DaySet::ALL, 9, 17),
            hours(ceiling("hourly", "RUNS_HOURLY", 20), DaySet::ALL, 8, 20),
        ],
        vec![floor("week", "RUNS_WEEKLY", 100), ceiling("month", "RUNS_MONTHLY", 299)],
        vec![
            by(floor("short-day", "RUNS_DAILY", 470), "Europe/Berlin"),
            by(ceiling("hourly", "RUNS_HOURLY", 20), "Europe/Berlin"),
        ],
        vec![by(floor("tokyo", "RUNS_DAILY", 490), "Asia/Tokyo"), ceiling("hourly", "RUNS_HOURLY", 20)],
        vec![
            hours(floor("office", "RUNS_DAILY", 161), DaySet::ALL, 9, 17),
            rolling(ceiling("any-hour", "RUNS_HOURLY", 20)),
        ],
    ];
    let mut out = vec![];
    for limits in sources {
        let all = policies(limits);
        let findings = analyse(&all).findings;
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].members.len(), all.limits.len());
        out.push((all, findings[0].certificate.clone()));
    }
    out
}

/// Every way to change one number.
fn others(number: &str) -> Vec<String> {
    let negated = number.strip_prefix('-').map_or(format!("-{number}"), str::to_owned);
    let mut others = vec![negated, format!("{number}1"), "0".into(), "1".into(), "1/2".into(), "-7".into()];
    others.extend(["x", "", "1/0", "+1", "1/-2", " 1"].map(str::to_owned));
    others.retain(|other| other != number && *other != format!("-{number}") || number != "0");
    others.retain(|other| other != number);
    others
}

#[test]
fn every_changed_statement_is_refused() {
    for (all, certificate) in cases() {
        assert_eq!(check(&certificate, &all), Ok(()));
        let refused = |change: &dyn Fn(&mut Certificate), what: &str| {
            let mut changed = certificate.clone();
            change(&mut changed);
            assert!(changed == certificate || check(&changed, &all).is_err(), "{what}: {changed:#?}");
        };
        for (at, inequality) in certificate.inequalities.iter().enumerate() {
            for other in others(&inequality.bound) {
                refused(&|c| c.inequalities[at].bound.clone_from(&other), "bound");
            }
            for variable in inequality.terms.keys() {
                for other in others(&inequality.terms[variable]) {
                    let change = |c: &mut Certificate| {
                        c.inequalities[at].terms.insert(variable.clone(), other.clone());
                    };
                    refused(&change, "coefficient");
                }
                refused(&|c| drop(c.inequalities[at].terms.remove(variable)), "dropped term");
            }
            for variable in certificate.variables.keys().filter(|v| !inequality.terms.contains_key(*v)) {
                let change = |c: &mut Certificate| {
                    c.inequalities[at].terms.insert(variable.clone(), "-1".into());
                };
                refused(&change, "added term");
            }
            refused(&|c| drop(c.inequalities.remove(at)), "dropped inequality");
            refused(&|c| c.inequalities[at].factor = "0".into(), "factor of nothing");
            refused(&|c| c.inequalities[at].factor = format!("-{}", c.inequalities[at].factor), "sign");
            for other in certificate.inequalities.iter().map(|i| i.policy).filter(|p| *p != inequality.policy)
            {
                refused(&|c| c.inequalities[at].policy = other, "another policy");
            }
        }
        for name in certificate.variables.keys() {
            refused(&|c| drop(c.variables.remove(name)), "unexplained variable");
        }
        let malformed = [
            "the day 2026-13-01 (UTC)",
            "the day 2011-12-30 (Pacific/Apia)",
            "the week 2026-03-03 (UTC)",
            "the hour 2026-10-25T02:00 (Europe/Berlin)",
            "the hour 2026-10-25T02:30+02:00 (Europe/Berlin)",
            "the hour 2026-10-25T02:00+03:00 (Europe/Berlin)",
            "the day 2026-03-02",
            "the day 2026-03-02 (Mars/Base)",
            "today",
            "",
        ];
        for period in malformed {
            refused(&|c: &mut Certificate| c.period = period.to_owned(), "period");
        }
    }
}

/// Any other factor is refused unless the combination is still a proof by plain arithmetic.
#[test]
fn a_changed_factor_is_judged_by_arithmetic() {
    let number = |text: &str| text.parse::<num_rational::BigRational>().unwrap();
    let zero = number("0");
    for (all, certificate) in cases() {
        for at in 0..certificate.inequalities.len() {
            for other in ["1/3", "2", "1000000", "0", "-1"] {
                let mut changed = certificate.clone();
                changed.inequalities[at].factor = other.to_owned();
                let mut left = std::collections::BTreeMap::<&str, num_rational::BigRational>::new();
                let mut right = zero.clone();
                for i in &changed.inequalities {
                    right += number(&i.bound) * number(&i.factor);
                    for (variable, coefficient) in &i.terms {
                        *left.entry(variable).or_insert(zero.clone()) +=
                            number(coefficient) * number(&i.factor);
                    }
                }
                let proof = changed.inequalities.iter().all(|i| number(&i.factor) >= zero)
                    && left.values().all(|sum| *sum >= zero)
                    && right < zero;
                assert_eq!(check(&changed, &all).is_ok(), proof, "{changed:#?}");
            }
        }
    }
}

/// What is right of one day, one calendar or one kind of period isn't of others.
#[test]
fn other_periods_are_refused() {
    let short = policies([
        by(floor("f", "RUNS_DAILY", 470), "Europe/Berlin"),
        by(ceiling("c", "RUNS_HOURLY", 20), "Europe/Berlin"),
    ]);
    let certificate = analyse(&short).findings[0].certificate.clone();
    assert_eq!(certificate.period, "the day 2026-03-29 (Europe/Berlin)");
    let of = |period: &str| Certificate { period: period.to_owned(), ..certificate.clone() };
    // Another spring, and days of 24 and of 25 hours.
    assert_eq!(check(&of("the day 2027-03-28 (Europe/Berlin)"), &short), Ok(()));
    for other in ["2026-03-28", "2026-03-30", "2026-10-25"] {
        assert!(check(&of(&format!("the day {other} (Europe/Berlin)")), &short).is_err(), "{other}");
    }
    assert!(check(&of("the day 2026-03-29 (UTC)"), &short).is_err());
    for zone in ["UTC", "Asia/Tokyo"] {
        let mut changed = short.clone();
        for limit in changed.limits.values_mut() {
            *limit = Arc::new(by((**limit).clone(), zone));
        }
        assert!(check(&certificate, &changed).is_err(), "{zone}");
    }
    let roll = |limit: &mut Arc<Limit>| *limit = Arc::new(rolling((**limit).clone()));
    let mut changed = short.clone();
    changed.limits.values_mut().filter(|it| it.name.local() == "c").for_each(roll);
    // Any 60 minutes are as good as the hours of that day.
    assert_eq!(check(&certificate, &changed), Ok(()));
    changed.limits.values_mut().filter(|it| it.name.local() == "f").for_each(roll);
    assert!(check(&certificate, &changed).is_err());
}

#[test]
fn other_policies_are_refused() {
    for (all, certificate) in cases() {
        for name in all.limits.keys() {
            let with = |change: &dyn Fn(&mut Limit)| {
                let mut all = all.clone();
                change(Arc::make_mut(all.limits.get_mut(name).unwrap()));
                check(&certificate, &all)
            };
            assert!(
                with(&|l| l.bound.value += 1).is_err() || all.limits[name].quantity == Quantity::Cooldown
            );
            assert!(with(&|l| l.bound.value *= 2).is_err());
            assert!(with(&|l| l.enforcement = Enforcement::Queue).is_err());
            assert!(with(&|l| l.status = LimitStatus::Disabled).is_err());
            assert!(with(&|l| l.quantity = Quantity::RiskCeiling).is_err());
            let mut fewer = all.clone();
            fewer.limits.remove(name);
            assert_eq!(check(&certificate, &fewer), Err(CertificateError::Member(name.to_string())));
        }
    }
}

/// Proofs about less than the floor speaks of: each line is right, but for the cells that are left out.
#[test]
fn what_leaves_requests_out_is_refused() {
    let unless = |mut limit: Limit, scope: &str| {
        limit.scope.except = vec![pattern(scope)];
        limit
    };
    let daily = |floor: Limit, cap: Limit| [floor, cap];
    let (f, c) = (|| floor("f", "RUNS_DAILY", 500), || ceiling("c", "RUNS_DAILY", 400));
    let office = |limit| hours(limit, DaySet::ALL, 9, 17);
    let honest = policies(daily(f(), c()));
    let certificate = analyse(&honest).findings[0].certificate.clone();
    for others in [
        daily(f(), within(c(), "acme")),
        daily(f(), unless(c(), "acme")),
        daily(f(), within(c(), "a*")),
        daily(f(), within(c(), "*/shop")),
        daily(f(), office(c())),
        daily(f(), per(c(), Partition::Agent)),
        daily(f(), per(within(c(), "acme"), Partition::Tenant)),
    ] {
        let planted = check(&certificate, &policies(others.clone()));
        assert!(matches!(planted, Err(CertificateError::LeftOut(_))), "{planted:?}: {others:#?}");
    }
    for others in [
        daily(within(f(), "acme"), c()),
        daily(within(f(), "acme/shop"), within(c(), "acme")),
        daily(unless(f(), "acme"), unless(c(), "acme")),
        daily(office(f()), c()),
        daily(per(f(), Partition::Agent), per(c(), Partition::Agent)),
        daily(per(f(), Partition::Agent), per(c(), Partition::Tenant)),
    ] {
        assert_eq!(check(&certificate, &policies(others)), Ok(()));
    }
}
