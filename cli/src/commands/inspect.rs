//! `ordain inspect`

use ordain_ir::ConflictSeverity;
use serde_json::json;

use crate::Verdict;
use crate::args::{InspectArgs, TextOrJson};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::count;
use crate::signing::{self, Signed};
use crate::workspace;

/// Shows what an intact bundle holds.
pub(crate) fn run(args: &InspectArgs) -> Result<Verdict, Failure> {
    let failure = |reason| Failure::Read { path: args.bundle.clone(), reason };
    let bytes = std::fs::read(&args.bundle).map_err(failure)?;
    let (bundle, digest) = workspace::parse_bundle(&args.bundle, &bytes)?;
    let signed = signing::check(&bytes, &signing::beside(&args.bundle), &[])?;
    let policies = &bundle.policies;
    let conflicts = |severity| bundle.analysis.conflicts.iter().filter(|c| c.severity == severity).count();
    let (blocking, warning) = (conflicts(ConflictSeverity::Blocking), conflicts(ConflictSeverity::Warning));
    let edges = bundle.dependencies.edges.len();
    print(&match args.format {
        TextOrJson::Json => {
            let manifest = json!({
                "digest": digest,
                "signed": match &signed {
                    Signed::Not => json!(null),
                    Signed::By(key) | Signed::ByAnother(key) => json!({ "by": key.to_string(), "fits": true }),
                    Signed::Badly(_) => json!({ "by": null, "fits": false }),
                },
                "workspace": bundle.workspace,
                "language": bundle.language,
                "compiler": bundle.compiler,
                "facts": policies.facts.keys().collect::<Vec<_>>(),
                "rules": policies.rules.keys().collect::<Vec<_>>(),
                "limits": policies.limits.keys().collect::<Vec<_>>(),
                "dependencies": edges,
                "conflicts": { "BLOCKING": blocking, "WARNING": warning },
            });
            format!("{manifest:#}\n")
        }
        TextOrJson::Text => {
            let mut lines = vec![
                format!("workspace     {} (language {})", bundle.workspace, bundle.language),
                format!("digest        {digest}"),
                match &signed {
                    Signed::Not => "signed        no".to_owned(),
                    Signed::By(key) | Signed::ByAnother(key) => format!("signed        by {key}"),
                    Signed::Badly(reason) => format!("signed        badly: {reason}"),
                },
                format!("written by    {}", bundle.compiler),
                format!("dependencies  {edges}"),
                format!("conflicts     {blocking} BLOCKING, {warning} WARNING"),
                format!("facts         {}", list(policies.facts.keys())),
                count(policies.rules.len(), "rule"),
            ];
            lines.extend(policies.rules.values().map(|rule| {
                format!(
                    "  {:<9} {:<8} {}  ({})",
                    rule.rule_type, rule.enforcement_mode, rule.name, rule.scope
                )
            }));
            lines.push(count(policies.limits.len(), "limit"));
            lines.extend(policies.limits.values().map(|limit| {
                let direction = match limit.bound.direction {
                    ordain_ir::Direction::AtMost => "at most",
                    ordain_ir::Direction::AtLeast => "at least",
                };
                let bound = limit.quantity.format(limit.bound.value);
                format!(
                    "  {} {direction} {bound} {}  {}  ({})",
                    limit.quantity.wording(),
                    limit.enforcement,
                    limit.name,
                    limit.scope
                )
            }));
            lines.join("\n") + "\n"
        }
    })?;
    Ok(Verdict::Clean)
}

fn list(names: impl ExactSizeIterator<Item = impl std::fmt::Display>) -> String {
    if names.len() == 0 {
        "none".to_owned()
    } else {
        names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
    }
}
