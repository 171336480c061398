//! The policy tests of a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Diagnostic, Fact, FactName, Policies, TestCase, Type, Value, codes};

use crate::check::{CheckedCases, check_cases};
use crate::packages::{Names, Origin};
use crate::{Db, SourceFile, Workspace, names, policies};

/// The tests of a file.
#[salsa::tracked]
pub(crate) fn file_cases(db: &dyn Db, workspace: Workspace, file: SourceFile) -> CheckedCases {
    check_cases(db, Origin::File(workspace, file))
}

/// The tests of a workspace that can be run, by file and place. Those of libraries don't count.
#[salsa::tracked]
pub fn tests(db: &dyn Db, workspace: Workspace) -> Vec<Arc<TestCase>> {
    let (policies, names) = (policies(db, workspace), names(db, workspace));
    let mut seen = BTreeSet::new();
    let all = workspace.files(db).iter().flat_map(|file| &file_cases(db, workspace, *file).cases);
    all.filter(|case| seen.insert((&case.package, &case.name)))
        .map(|case| {
            let mut case = TestCase::clone(case);
            complete(&mut case, policies, names);
            Arc::new(case)
        })
        .collect()
}

/// Gives the facts that the test leaves out their mildest values.
fn complete(case: &mut TestCase, policies: &Policies, names: &Names) {
    let mut read: BTreeSet<FactName> = case.given.clone();
    case.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
    case.limits.values().for_each(|limit| limit.condition.collect_facts(&mut read));
    let own = read.into_iter().filter(|name| !policies.facts.contains_key(name));
    case.facts = own
        .filter_map(|name| {
            let fact = names.facts.get(&name)?.fact.clone()?;
            Some((name, fact))
        })
        .collect();
    case.meters.retain(|name, _| !policies.meters.contains_key(name));
    for (name, fact) in policies.facts.iter().chain(&case.facts).filter(|(_, fact)| !fact.optional) {
        case.request.facts.entry(name.clone()).or_insert_with(|| mildest(fact));
    }
}

/// The value that a fact has where a test doesn't give it.
fn mildest(fact: &Fact) -> Value {
    let (least, greatest) = fact.bounds();
    match &fact.ty {
        Type::Bool => Value::Bool(false),
        Type::Int | Type::Decimal { .. } | Type::Money { .. } | Type::Duration => {
            Value::Number(0.clamp(least, greatest))
        }
        Type::String => Value::Text(String::new()),
        Type::Enum { variants } => Value::Text(variants.first().cloned().unwrap_or_default()),
        Type::Set { .. } => Value::Set(BTreeSet::new()),
    }
}

/// Tests that have the name of another one in their package.
#[salsa::tracked]
pub(crate) fn repeated_cases(db: &dyn Db, workspace: Workspace) -> Vec<Diagnostic> {
    let mut first: BTreeMap<(&str, &str), &TestCase> = BTreeMap::new();
    let mut problems = vec![];
    for case in workspace.files(db).iter().flat_map(|file| &file_cases(db, workspace, *file).cases) {
        let known = *first.entry((&case.package, &case.name)).or_insert(case);
        if !std::ptr::eq(known, &raw const **case) {
            let message = format!("the package has a test {:?} already", case.name);
            let error =
                Diagnostic::error(codes::DUPLICATE_NAME, &case.site.file, case.site.place.span, message);
            let error = error.and_at(&known.site.file, known.site.place.span, "the first one");
            problems.push(error.help("reports name tests by what they are about; give each its own words"));
        }
    }
    problems
}
