//! A compiler and analyzer of a toy language, so that these tests need neither: what is tested is what the runtime makes
//! of their answers. The real ones stand behind the program's own tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::{
    Bundle, ConflictSeverity, ConflictType, DependencyGraph, DependencyType, EnforcementMode, Policies,
    PolicyName, PolicyRef, Report, RuleType, Source,
};
use ordain_runtime::{CompileError, Compiled, Gate, GateError, SourceProblem};
use ordain_store::conformance::fixtures::{bundle, conflict, edge, policies, rule};

/// A text has one rule a line: its name, and the names that it depends on. `!` is an error. Two rules in whose names
/// `bad` stands are a BLOCKING conflict, two in whose names `odd` stands a WARNING.
pub(crate) struct Workshop;

impl Gate for Workshop {
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError> {
        let pair = |word: &str, severity| {
            let rules =
                bundle.policies.rules.values().filter(|rule| rule.status == ordain_ir::RuleStatus::Active);
            let named: Vec<_> = rules.filter(|rule| rule.name.as_str().contains(word)).collect();
            let pairs = named.windows(2).map(move |pair| {
                conflict(ConflictType::ScopeOverlap, severity, &[pair[0].reference(), pair[1].reference()])
            });
            pairs.collect::<Vec<_>>()
        };
        let mut conflicts = pair("bad", ConflictSeverity::Blocking);
        conflicts.extend(pair("odd", ConflictSeverity::Warning));
        let conflicts = conflicts.into_iter().map(Arc::new).collect();
        Ok(Report { conflicts, ..Report::default() })
    }

    fn evidence(&self, _: &Bundle) -> Result<(), String> {
        Ok(())
    }

    fn compile(&self, active: Option<&Bundle>, text: &str, source: Source) -> Result<Compiled, CompileError> {
        if let Some(line) = text.lines().position(|line| line.contains('!')) {
            return Err(CompileError::Invalid(vec![SourceProblem {
                code: Some("ORD0101".to_owned()),
                place: Some((u32::try_from(line).unwrap_or(0) + 1, 1)),
                message: "`!` is nothing".to_owned(),
                help: Some("leave it out".to_owned()),
            }]));
        }
        let mut all = active.cloned().unwrap_or_else(|| bundle(policies([], []), vec![], vec![]));
        let mut changed = vec![];
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            let mut new = rule(name, RuleType::Safety, EnforcementMode::Block);
            new.depends_on = words.map(PolicyName::from).collect();
            new.source = source;
            changed.push(new.reference());
            all.policies.rules.insert(new.name.clone(), Arc::new(new));
        }
        all.dependencies = self.dependencies(&all.policies);
        Ok(Compiled { bundle: all, changed })
    }

    fn dependencies(&self, policies: &Policies) -> DependencyGraph {
        let known: BTreeMap<_, _> =
            policies.rules.iter().map(|(name, rule)| (name, rule.reference())).collect();
        let edges = policies.rules.values().flat_map(|rule| {
            let to = |name: &PolicyName| known.get(name).cloned();
            let edge = |to| edge(rule.reference(), to, DependencyType::Explicit);
            rule.depends_on.iter().filter_map(to).map(edge).collect::<Vec<_>>()
        });
        DependencyGraph { edges: edges.collect() }
    }

    fn dependents(&self, graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef> {
        graph.edges.iter().filter(|edge| edge.to.name == *policy).map(|edge| edge.from.clone()).collect()
    }
}
