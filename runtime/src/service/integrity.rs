//! Whether the parts of a bundle fit together. Its digest says that it is what somebody wrote, not that it
//! makes sense.

use std::collections::BTreeSet;

use ordain_ir::{Bundle, Conflict, PolicyKind, PolicyName, PolicyRef};

/// The first thing that doesn't fit.
pub(super) fn check(bundle: &Bundle) -> Result<(), String> {
    let policies = &bundle.policies;
    for text in [&bundle.workspace, &bundle.language, &bundle.compiler] {
        if text.chars().any(char::is_control) {
            return Err(format!("`{}` has a control character", text.escape_debug()));
        }
    }
    let rules = policies.rules.iter().map(|(key, rule)| (key, &rule.name));
    let limits = policies.limits.iter().map(|(key, limit)| (key, &limit.name));
    for (key, name) in rules.chain(limits) {
        if key != name {
            return Err(format!("the policy `{name}` stands under the name `{key}`"));
        }
        if name.as_str().is_empty() || name.as_str().chars().any(char::is_control) {
            return Err(format!("`{}` is no policy's name", name.as_str().escape_debug()));
        }
        if policies.rules.contains_key(name) && policies.limits.contains_key(name) {
            return Err(format!("`{name}` is a rule and a limit"));
        }
    }
    let mut edges = BTreeSet::new();
    for edge in &bundle.dependencies.edges {
        for end in [&edge.from, &edge.to] {
            if !is_there(bundle, end) {
                return Err(format!("a dependency names `{}`, which is not in the bundle", end.name));
            }
        }
        if !edges.insert((&edge.from.name, &edge.to.name, edge.dependency_type)) {
            return Err(format!("the dependency of `{}` on `{}` stands twice", edge.from.name, edge.to.name));
        }
    }
    // Whoever asks later whether a policy may be deleted relies on these.
    let pairs: BTreeSet<_> = edges.into_iter().map(|(from, to, _)| (from, to)).collect();
    for (from, to) in declared(bundle) {
        if !pairs.contains(&(from, to)) {
            return Err(format!("`{from}` depends on `{to}`, but the dependency graph does not say so"));
        }
    }
    Ok(())
}

/// Whether every policy that a conflict names is in the bundle, and there are at least two.
pub(super) fn fits(bundle: &Bundle, conflict: &Conflict) -> bool {
    conflict.policies.len() >= 2 && conflict.policies.iter().all(|policy| is_there(bundle, policy))
}

fn is_there(bundle: &Bundle, policy: &PolicyRef) -> bool {
    let known = match policy.kind {
        PolicyKind::Rule => bundle.policies.rules.contains_key(&policy.name),
        PolicyKind::Limit => bundle.policies.limits.contains_key(&policy.name),
    };
    known && PolicyRef::new(policy.kind, &policy.name) == *policy
}

/// Dependencies that policies state themselves.
fn declared(bundle: &Bundle) -> impl Iterator<Item = (&PolicyName, &PolicyName)> {
    let rules = bundle.policies.rules.values().flat_map(|r| r.depends_on.iter().map(move |to| (&r.name, to)));
    let limits = bundle
        .policies
        .limits
        .values()
        .flat_map(|l| l.depends_on.iter().chain(&l.rule).map(move |to| (&l.name, to)));
    rules.chain(limits)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ordain_ir::DependencyType;
    use ordain_store::conformance::fixtures::{audit_example, edge, limit};

    use super::*;

    #[test]
    fn a_whole_bundle_passes() {
        assert_eq!(check(&audit_example()), Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refused = |change: &dyn Fn(&mut Bundle)| {
            let mut bundle = audit_example();
            change(&mut bundle);
            check(&bundle).unwrap_err()
        };
        let misplaced = refused(&|b| {
            let rule = b.policies.rules[&"ethical-ai".into()].clone();
            b.policies.rules.insert("other".into(), rule);
        });
        assert_eq!(misplaced, "the policy `ethical-ai` stands under the name `other`");
        let gone = refused(&|b| drop(b.policies.rules.remove(&"ethical-ai".into())));
        assert_eq!(gone, "a dependency names `ethical-ai`, which is not in the bundle");
        let forged = refused(&|b| b.dependencies.edges[0].from.id = b.dependencies.edges[0].to.id);
        assert!(forged.ends_with("which is not in the bundle"), "{forged}");
        let twice = refused(&|b| {
            let again = b.dependencies.edges[0].clone();
            b.dependencies.edges.push(again);
        });
        assert!(twice.ends_with("stands twice"), "{twice}");
        let both = refused(&|b| {
            let limit = limit("ethical-ai", "COOLDOWN", 1);
            b.policies.limits.insert(limit.name.clone(), Arc::new(limit));
        });
        assert_eq!(both, "`ethical-ai` is a rule and a limit");
        let silent = refused(&|b| {
            let mut limit = limit("cap", "RUNS_DAILY", 1);
            limit.rule = Some("ethical-ai".into());
            b.policies.limits.insert(limit.name.clone(), Arc::new(limit));
        });
        assert_eq!(silent, "`cap` depends on `ethical-ai`, but the dependency graph does not say so");
        assert!(refused(&|b| b.workspace.push('\0')).ends_with("has a control character"));
    }

    #[test]
    fn a_stated_dependency_needs_its_edge() {
        let mut bundle = audit_example();
        let mut cap = limit("cap", "RUNS_DAILY", 1);
        let rule = bundle.policies.rules[&"ethical-ai".into()].reference();
        cap.rule = Some(rule.name.clone());
        bundle.dependencies.edges.push(edge(cap.reference(), rule, DependencyType::ImplicitLimit));
        bundle.policies.limits.insert(cap.name.clone(), Arc::new(cap));
        assert_eq!(check(&bundle), Ok(()));
    }
}
