//! What must not matter does not, and what must change does so exactly: renaming, reordering, reformatting, splitting
//! files, adding and removing policies, and moving everything to another year.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_analyzer::{Options, analyze};
use ordain_compiler::{Config, Database, Workspace, compile};
use ordain_ir::{
    Active, Conflict, Limit, Override, Policies, PolicyName, Report, Rule, RuleStatus, ScopeSelector, Window,
};
use ordain_tests::workload::Workload;
use ordain_tests::{generate, random::Random};

/// 28 years: a whole number of weeks, after which days of the week, leap years and changes of clocks come back.
const LATER: i64 = 10_227 * 86_400;

fn report(policies: &Policies) -> Report {
    analyze(policies, &Options::default()).expect("what compiles can be analysed")
}

fn compiled(files: Vec<(String, String)>) -> Arc<Policies> {
    let db = Database::default();
    let compiled = compile(&db, Workspace::of(&db, Config::named("w"), files));
    assert_eq!(compiled.diagnostics, []);
    compiled.policies
}

/// Random workspaces: of pairs of all kinds, of guarantees, and of limits that add up in several ways.
fn workspaces() -> impl Iterator<Item = Policies> {
    let pairs = (0..240).map(generate::workspace);
    pairs.chain((0..80).map(generate::guarantees)).chain((0..120).map(generate::periods))
}

/// The blocks of a file: what comes before the first policy, and the policies.
fn blocks(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split("\n\n").map(|block| format!("{}\n\n", block.trim_end())).collect::<Vec<_>>();
    let starts = ["rule ", "limit ", "apply ", "require "];
    let is_policy =
        |block: &String| block.lines().any(|line| starts.iter().any(|start| line.starts_with(start)));
    let first = parts.iter().position(is_policy).unwrap_or(parts.len());
    let policies = parts.split_off(first);
    (parts.concat(), policies)
}

/// From a path and a text to files.
type Change<'c> = &'c dyn Fn(&str, &str) -> Vec<(String, String)>;

/// A place in a list of conflicts is made of the conflict alone, so a store must sort as an analysis does.
#[test]
fn stores_list_conflicts_as_reports_do() {
    let mut several = 0;
    for policies in workspaces() {
        let conflicts = report(&policies).conflicts;
        several += usize::from(conflicts.len() > 1);
        let places: Vec<_> =
            conflicts.iter().map(|found| (ordain_store::conflict_rank(found), &found.id)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
    assert!(several > 50, "only {several} have an order");
}

#[test]
fn layout_order_and_files_do_not_matter() {
    let workload = Workload::new(5, 240);
    let expected = report(&compiled(workload.files.clone()));
    assert!(expected.conflicts.len() > 50, "{} conflicts", expected.conflicts.len());
    let rewritten = |change: Change<'_>| {
        let files = workload.files.iter().flat_map(|(path, text)| {
            if path.starts_with("base/") { vec![(path.clone(), text.clone())] } else { change(path, text) }
        });
        report(&compiled(files.collect()))
    };

    let airy = rewritten(&|path, text| {
        let text = text.replace("\n  ", "\n\n      // a note\n\t").replace(" {\n", "   {  // so\n");
        vec![(path.to_owned(), text)]
    });
    assert!(airy == expected, "reformatted");

    let backwards = rewritten(&|path, text| {
        let (head, mut policies) = blocks(text);
        policies.reverse();
        vec![(format!("z/{path}"), head + &policies.concat())]
    });
    assert!(backwards == expected, "reordered, in other files");

    let split = rewritten(&|path, text| {
        let (head, policies) = blocks(text);
        let (first, second) = policies.split_at(policies.len() / 2);
        let opens = |line: &&str| line.starts_with("package ") || line.starts_with("use ");
        let lines = head.lines().filter(opens).collect::<Vec<_>>().join("\n");
        vec![
            (path.to_owned(), head + &first.concat()),
            (path.replace(".ordain", "-more.ordain"), lines + "\n\n" + &second.concat()),
        ]
    });
    assert!(split == expected, "split");
}

/// The same policies, each renamed so that their order stays.
fn renamed(policies: &Policies) -> Policies {
    let new = |name: &PolicyName| PolicyName::new(name.package(), &format!("new-{}", name.local()));
    let overrides = |all: &[Override]| -> Vec<Override> {
        all.iter().map(|it| Override { policy: new(&it.policy), ..it.clone() }).collect()
    };
    let mut out = policies.clone();
    out.rules = policies
        .rules
        .values()
        .map(|rule| Rule {
            name: new(&rule.name),
            depends_on: rule.depends_on.iter().map(new).collect(),
            overrides: overrides(&rule.overrides),
            ..Rule::clone(rule)
        })
        .map(|rule| (rule.name.clone(), Arc::new(rule)))
        .collect();
    out.limits = policies
        .limits
        .values()
        .map(|limit| Limit {
            name: new(&limit.name),
            depends_on: limit.depends_on.iter().map(new).collect(),
            overrides: overrides(&limit.overrides),
            rule: limit.rule.as_ref().map(new),
            ..Limit::clone(limit)
        })
        .map(|limit| (limit.name.clone(), Arc::new(limit)))
        .collect();
    out
}

/// A report as text, with the names of policies, their identities and those of conflicts taken out.
fn anonymous(report: &Report) -> Vec<String> {
    let one = |conflict: &Arc<Conflict>| {
        // The clauses stand by identity, so their order changes with the names.
        let clauses: Vec<_> = conflict.policies.iter().map(|policy| &conflict.clauses[&policy.id]).collect();
        let mut text = serde_json::to_string(&Conflict {
            clauses: std::iter::empty().collect(),
            ..Conflict::clone(conflict)
        })
        .expect("a conflict is plain data");
        text = text.replace(&conflict.id, "").replace("new-", "");
        for policy in &conflict.policies {
            text = text.replace(&policy.id.to_string(), "");
        }
        format!("{text} {clauses:?}")
    };
    report.conflicts.iter().map(one).chain([format!("{:?} {:?}", report.pairs, report.gaps)]).collect()
}

#[test]
fn names_do_not_matter() {
    for policies in workspaces() {
        assert_eq!(anonymous(&report(&policies)), anonymous(&report(&renamed(&policies))));
    }
}

#[test]
fn a_policy_matters_to_its_own_conflicts_only() {
    let mut random = Random::new(11);
    let (mut gone, mut left) = (0, 0);
    for policies in workspaces() {
        let whole = report(&policies);
        let names: Vec<&PolicyName> = policies.rules.keys().chain(policies.limits.keys()).collect();
        let out = random.pick(&names);
        let confines = |limit: &Arc<Limit>| limit.rule.as_ref() == Some(out);
        let overrides = |all: &[Override]| all.iter().any(|it| it.policy == *out);
        // A policy that others build on can't just go.
        let needed = policies.limits.values().any(confines)
            || policies.rules.values().any(|rule| overrides(&rule.overrides))
            || policies.limits.values().any(|limit| overrides(&limit.overrides))
            || policies.rules.get(out).is_some_and(|rule| !rule.overrides.is_empty())
            || policies.limits.get(out).is_some_and(|limit| !limit.overrides.is_empty());
        if needed || horizon_moves(&policies, out) {
            continue;
        }
        let mut fewer = policies.clone();
        fewer.rules.remove(out);
        fewer.limits.remove(out);
        let rest = report(&fewer);
        let involves = |conflict: &&Conflict| conflict.policies.iter().any(|policy| policy.name == *out);
        let (own, others): (Vec<&Conflict>, Vec<&Conflict>) =
            whole.conflicts.iter().map(Arc::as_ref).partition(involves);
        // Of a set that can't hold, another period may serve as the example when there are fewer to choose from.
        let essence = |it: &Conflict| {
            let example = it.certificate.is_none().then(|| (it.explanation.clone(), it.witness.clone()));
            (it.id.clone(), (it.certainty, it.severity, it.weakens, example))
        };
        let others: BTreeMap<_, _> = others.into_iter().map(essence).collect();
        let rest: BTreeMap<_, _> = rest.conflicts.iter().map(|it| essence(it)).collect();
        assert_eq!(others, rest, "without `{out}`");
        gone += own.len();
        left += others.len();
    }
    assert!(gone > 30 && left > 100, "{gone} gone, {left} left");
}

/// Whether the policy's dates stretch the time in which windows are compared.
fn horizon_moves(policies: &Policies, name: &PolicyName) -> bool {
    let window = policies.rules.get(name).map(|rule| &rule.window);
    let window = window.or_else(|| policies.limits.get(name).map(|limit| &limit.window));
    window.is_some_and(|window| window.clauses.iter().any(|it| it.from.is_some() || it.until.is_some()))
}

#[test]
fn a_retired_policy_changes_nothing() {
    for policies in workspaces().take(40) {
        let mut more = policies.clone();
        let rules: BTreeSet<&PolicyName> = policies.rules.keys().collect();
        let Some(model) = rules.first().map(|name| &policies.rules[*name]) else { continue };
        let extra = Rule {
            name: PolicyName::from("w.zz-retired"),
            status: RuleStatus::Retired,
            scope: ScopeSelector::global(),
            window: Window::ALWAYS,
            overrides: vec![],
            depends_on: vec![],
            ..Rule::clone(model)
        };
        more.rules.insert(extra.name.clone(), Arc::new(extra));
        assert!(report(&policies) == report(&more));
    }
}

#[test]
fn the_same_policies_in_another_year_conflict_in_that_year() {
    let later = |window: &Window| {
        let clause = |active: &Active| Active {
            from: active.from.map(|at| at + LATER),
            until: active.until.map(|at| at + LATER),
            ..active.clone()
        };
        Window::new(window.clauses.iter().map(clause).collect())
    };
    let mut moved = 0;
    for policies in workspaces() {
        let mut other = policies.clone();
        let (from, until) = policies.settings.horizon;
        other.settings.horizon = (from + LATER, until + LATER);
        for rule in other.rules.values_mut() {
            Arc::make_mut(rule).window = later(&rule.window);
        }
        for limit in other.limits.values_mut() {
            Arc::make_mut(limit).window = later(&limit.window);
        }
        let (now, then) = (report(&policies), report(&other));
        assert_eq!(now.pairs, then.pairs);
        assert_eq!(now.conflicts.len(), then.conflicts.len());
        for (a, b) in now.conflicts.iter().zip(&then.conflicts) {
            assert_eq!((&a.id, a.certainty, a.severity), (&b.id, b.certainty, b.severity));
            let requests =
                (a.witness.as_ref().map(|it| &it.request), b.witness.as_ref().map(|it| &it.request));
            let (Some(here), Some(there)) = requests else {
                assert!(a.witness.is_none() && b.witness.is_none());
                continue;
            };
            assert_eq!(here.at.as_second() + LATER, there.at.as_second());
            assert_eq!((&here.path, &here.facts, &here.usage), (&there.path, &there.facts, &there.usage));
            moved += 1;
        }
    }
    assert!(moved > 100, "{moved} witnesses moved");
}
