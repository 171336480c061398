//! Dependencies and conflicts as drawings.

use std::collections::BTreeSet;

use ordain_ir::{Conflict, ConflictSeverity, DependencyEdge, DependencyType, PolicyKind, PolicyRef};
use serde_json::json;

use crate::args::GraphFormat;
use crate::workspace::Checked;

/// Draws the graph; dependencies point from the dependent to what it needs, conflicts have no direction.
pub(crate) fn render(checked: &Checked, format: GraphFormat) -> String {
    let mut nodes: BTreeSet<PolicyRef> =
        checked.policies.rules.values().map(|rule| rule.reference()).collect();
    nodes.extend(checked.policies.limits.values().map(|limit| limit.reference()));
    let edges = &checked.dependencies.edges;
    let conflicts: Vec<(&PolicyRef, &PolicyRef, &Conflict)> =
        checked.report.conflicts.iter().flat_map(|conflict| sides(conflict)).collect();
    match format {
        GraphFormat::Dot => dot(&nodes, edges, &conflicts),
        GraphFormat::Mermaid => mermaid(&nodes, edges, &conflicts),
        GraphFormat::Json => {
            let conflicts: Vec<_> = checked
                .report
                .conflicts
                .iter()
                .map(|c| {
                    let policies: Vec<_> = c.policies.iter().map(|policy| policy.id).collect();
                    json!({ "id": c.id, "conflict_type": c.conflict_type, "severity": c.severity, "policies": policies })
                })
                .collect();
            let graph = json!({ "nodes": nodes, "edges": edges, "conflicts": conflicts });
            format!("{graph:#}\n")
        }
    }
}

/// A conflict of n policies as n - 1 lines from the first.
fn sides(conflict: &Conflict) -> impl Iterator<Item = (&PolicyRef, &PolicyRef, &Conflict)> {
    let (first, others) = conflict.policies.split_first().expect("a conflict has at least two policies");
    others.iter().map(move |other| (first, other, conflict))
}

fn dot(
    nodes: &BTreeSet<PolicyRef>,
    edges: &[DependencyEdge],
    conflicts: &[(&PolicyRef, &PolicyRef, &Conflict)],
) -> String {
    let name = |policy: &PolicyRef| format!("{:?}", policy.name.as_str());
    let mut lines = vec![
        "digraph ordain {".to_owned(),
        "  rankdir=LR;".into(),
        "  node [fontname=\"sans-serif\"];".into(),
    ];
    for node in nodes {
        let shape = match node.kind {
            PolicyKind::Rule => "box",
            PolicyKind::Limit => "ellipse",
        };
        lines.push(format!("  {} [shape={shape}];", name(node)));
    }
    for edge in edges {
        let style = match edge.dependency_type {
            DependencyType::Explicit => "solid",
            DependencyType::ImplicitScope => "dotted",
            DependencyType::ImplicitLimit => "dashed",
        };
        let (from, to) = (name(&edge.from), name(&edge.to));
        lines.push(format!("  {from} -> {to} [style={style}, label=\"{}\"];", edge.dependency_type));
    }
    for (a, b, conflict) in conflicts {
        let color = match conflict.severity {
            ConflictSeverity::Blocking => "red",
            ConflictSeverity::Warning => "orange",
        };
        let (a, b, label) = (name(a), name(b), conflict.conflict_type);
        lines.push(format!("  {a} -> {b} [dir=none, color={color}, fontcolor={color}, label=\"{label}\"];"));
    }
    lines.push("}\n".into());
    lines.join("\n")
}

fn mermaid(
    nodes: &BTreeSet<PolicyRef>,
    edges: &[DependencyEdge],
    conflicts: &[(&PolicyRef, &PolicyRef, &Conflict)],
) -> String {
    let id = |policy: &PolicyRef| format!("p{}", policy.id.0.simple());
    let mut lines = vec!["flowchart LR".to_owned()];
    for node in nodes {
        let name = node.name.as_str().replace('"', "#quot;");
        lines.push(match node.kind {
            PolicyKind::Rule => format!("  {}[\"{name}\"]", id(node)),
            PolicyKind::Limit => format!("  {}([\"{name}\"])", id(node)),
        });
    }
    for edge in edges {
        let arrow = match edge.dependency_type {
            DependencyType::Explicit => "-->",
            DependencyType::ImplicitScope | DependencyType::ImplicitLimit => "-.->",
        };
        lines.push(format!("  {} {arrow}|{}| {}", id(&edge.from), edge.dependency_type, id(&edge.to)));
    }
    for (n, (a, b, conflict)) in conflicts.iter().enumerate() {
        let color = match conflict.severity {
            ConflictSeverity::Blocking => "red",
            ConflictSeverity::Warning => "orange",
        };
        lines.push(format!("  {} ---|{}| {}", id(a), conflict.conflict_type, id(b)));
        lines.push(format!("  linkStyle {} stroke:{color}", edges.len() + n));
    }
    lines.join("\n") + "\n"
}
