//! From a compiled workspace to a bundle.

use std::collections::BTreeSet;

use ordain_ir::{Bundle, FactName, Policies, Report};

use crate::{Db, Workspace, dependencies, policies, source_map};

/// Puts together everything that a runtime needs. The same sources and the same report give the same bundle,
/// whatever the order of files. Of the facts only those stay that a policy reads.
///
/// Whether the workspace is free of errors is for the caller to ask first: policies with errors aren't in it.
pub fn assemble(db: &dyn Db, workspace: Workspace, report: &Report) -> Bundle {
    let config = workspace.config(db);
    Bundle {
        workspace: config.name.clone(),
        language: config.language.clone(),
        compiler: concat!("ordain ", env!("CARGO_PKG_VERSION")).to_owned(),
        policies: with_facts_read(policies(db, workspace)),
        dependencies: dependencies(db, workspace).clone(),
        analysis: report.clone(),
        sources: source_map(db, workspace).clone(),
    }
}

fn with_facts_read(policies: &Policies) -> Policies {
    let mut read: BTreeSet<FactName> = BTreeSet::new();
    policies.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
    policies.limits.values().for_each(|limit| limit.condition.collect_facts(&mut read));
    let mut kept = policies.clone();
    kept.facts.retain(|name, _| read.contains(name));
    kept
}
