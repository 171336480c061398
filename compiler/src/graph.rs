//! Dependencies between policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{
    DependencyEdge, DependencyGraph, DependencyType, Level, Policies, PolicyName, PolicyRef, Rule,
    RuleStatus, ScopeSelector,
};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

/// The policies of a workspace, equal where [`dependencies_of`] them are: whatever else changes in them, the
/// dependencies aren't drawn again.
#[derive(Clone, Debug)]
pub(crate) struct Related(pub(crate) Arc<Policies>);

impl PartialEq for Related {
    fn eq(&self, other: &Self) -> bool {
        let (mine, theirs) = (&self.0, &other.0);
        same(&mine.rules, &theirs.rules, |a, b| {
            let part = |it: &Rule| (it.rule_type, it.status, it.priority);
            (&a.name, part(a), &a.derived) == (&b.name, part(b), &b.derived)
                && (&a.scope, &a.depends_on) == (&b.scope, &b.depends_on)
        }) && same(&mine.limits, &theirs.limits, |a, b| {
            (&a.name, &a.derived, &a.depends_on, &a.rule) == (&b.name, &b.derived, &b.depends_on, &b.rule)
        })
    }
}

impl Eq for Related {}

/// Whether policies agree one by one, of which most are the very same.
fn same<T>(
    mine: &BTreeMap<PolicyName, Arc<T>>,
    theirs: &BTreeMap<PolicyName, Arc<T>>,
    alike: impl Fn(&T, &T) -> bool,
) -> bool {
    let mut pairs = mine.values().zip(theirs.values());
    mine.len() == theirs.len() && pairs.all(|(a, b)| Arc::ptr_eq(a, b) || alike(a, b))
}

/// The dependencies of a checked set of policies: what `depends on` says, the order of the active rules of
/// one scope, and the rules that limits name.
pub fn dependencies_of(policies: &Policies) -> DependencyGraph {
    let reference = |name: &PolicyName| {
        let rule = policies.rules.get(name).map(|rule| rule.reference());
        rule.or_else(|| policies.limits.get(name).map(|limit| limit.reference()))
    };
    let mut edges = BTreeSet::new();
    let mut add = |from: PolicyRef, to: &PolicyName, dependency_type, explanation: String| {
        if let Some(to) = reference(to) {
            edges.insert(DependencyEdge { from, to, dependency_type, explanation });
        }
    };
    let stated = policies
        .rules
        .values()
        .map(|rule| (rule.reference(), &rule.depends_on))
        .chain(policies.limits.values().map(|limit| (limit.reference(), &limit.depends_on)));
    for (from, targets) in stated {
        for to in targets {
            let explanation =
                format!("Policy '{}' depends on '{}'", policies.label(&from.name), policies.label(to));
            add(from.clone(), to, DependencyType::Explicit, explanation);
        }
    }
    let mut by_scope: BTreeMap<&ScopeSelector, Vec<&Rule>> = BTreeMap::new();
    for rule in policies.rules.values().filter(|rule| rule.status == RuleStatus::Active) {
        by_scope.entry(&rule.scope).or_default().push(rule);
    }
    for (scope, mut rules) in by_scope {
        rules.sort_by_key(|rule| (rule.rule_type, std::cmp::Reverse(rule.priority), &rule.name));
        let shared = if scope.level == Level::Global && scope.except.is_empty() {
            "GLOBAL".to_owned()
        } else {
            scope.to_string()
        };
        for pair in rules.windows(2) {
            let explanation = format!("Both policies share scope '{shared}'");
            add(pair[1].reference(), &pair[0].name, DependencyType::ImplicitScope, explanation);
        }
    }
    for limit in policies.limits.values() {
        if let Some(rule) = &limit.rule {
            let explanation =
                format!("Limit '{}' applies where rule '{}' does", limit.label(), policies.label(rule));
            add(limit.reference(), rule, DependencyType::ImplicitLimit, explanation);
        }
    }
    DependencyGraph { edges: edges.into_iter().collect() }
}

/// The policies whose `EXPLICIT` or `IMPLICIT_LIMIT` dependencies lead to this one, directly or through others,
/// sorted by name: it can't be deleted before them.
pub fn dependents_of(graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef> {
    let binding = graph.edges.iter().filter(|edge| edge.dependency_type != DependencyType::ImplicitScope);
    let (drawn, nodes) = draw(binding.map(|edge| (&edge.from.name, &edge.to.name)));
    let references: BTreeMap<&PolicyName, &PolicyRef> = graph
        .edges
        .iter()
        .flat_map(|edge| [(&edge.from.name, &edge.from), (&edge.to.name, &edge.to)])
        .collect();
    let Some(start) = nodes.get(policy) else { return vec![] };
    let mut found = BTreeSet::new();
    let mut open = vec![*start];
    while let Some(node) = open.pop() {
        for dependent in drawn.neighbors_directed(node, Direction::Incoming) {
            if dependent != *start && found.insert(drawn[dependent]) {
                open.push(dependent);
            }
        }
    }
    found.into_iter().filter_map(|name| references.get(name).map(|reference| (*reference).clone())).collect()
}

/// The cycles in a relation, one for each knot of it: the shortest through its first member, which comes
/// first and isn't repeated at the end. Sorted.
pub(crate) fn cycles<'a, N: Ord>(edges: impl Iterator<Item = (&'a N, &'a N)>) -> Vec<Vec<&'a N>> {
    let (graph, nodes) = draw(edges);
    let mut found: Vec<Vec<&N>> = petgraph::algo::tarjan_scc(&graph)
        .into_iter()
        .filter(|knot| knot.len() > 1 || graph.contains_edge(knot[0], knot[0]))
        .filter_map(|knot| {
            let first = knot.iter().copied().min_by_key(|node| graph[*node])?;
            let inside: BTreeSet<NodeIndex> = knot.into_iter().collect();
            shortest_cycle(&graph, first, &inside)
        })
        .collect();
    found.sort();
    debug_assert!(nodes.len() >= found.len());
    found
}

fn draw<'a, N: Ord>(
    edges: impl Iterator<Item = (&'a N, &'a N)>,
) -> (DiGraph<&'a N, ()>, BTreeMap<&'a N, NodeIndex>) {
    let mut graph = DiGraph::new();
    let mut nodes = BTreeMap::new();
    for (from, to) in edges {
        let mut node = |name| *nodes.entry(name).or_insert_with(|| graph.add_node(name));
        let (from, to) = (node(from), node(to));
        graph.update_edge(from, to, ());
    }
    (graph, nodes)
}

/// Breadth first from `first` back to itself, neighbours by name.
fn shortest_cycle<'a, N: Ord>(
    graph: &DiGraph<&'a N, ()>,
    first: NodeIndex,
    inside: &BTreeSet<NodeIndex>,
) -> Option<Vec<&'a N>> {
    let mut before: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([first]);
    while let Some(node) = open.pop_front() {
        let mut next: Vec<_> = graph.neighbors(node).filter(|next| inside.contains(next)).collect();
        next.sort_by_key(|next| graph[*next]);
        for next in next {
            if next == first {
                let mut path = vec![graph[node]];
                let mut at = node;
                while at != first {
                    at = before[&at];
                    path.push(graph[at]);
                }
                path.reverse();
                return Some(path);
            }
            before.entry(next).or_insert_with(|| {
                open.push_back(next);
                node
            });
        }
    }
    None
}
