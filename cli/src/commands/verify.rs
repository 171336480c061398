//! `ordain verify`

use ordain_analyzer::verify;
use serde_json::json;

use crate::Verdict;
use crate::args::{TextOrJson, VerifyArgs};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::count;
use crate::workspace::read_bundle;

/// Re-checks a bundle's digest, witnesses and certificates, without the solver.
pub(crate) fn run(args: &VerifyArgs) -> Result<Verdict, Failure> {
    let (bundle, digest) = read_bundle(&args.bundle)?;
    let verified = verify(&bundle.policies, &bundle.analysis);
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    print(&match args.format {
        TextOrJson::Json => {
            let output = json!({
                "schema_version": 1,
                "digest": digest,
                "workspace": bundle.workspace,
                "verified": verified.refused.is_empty(),
                "witnesses": verified.witnesses,
                "certificates": verified.certificates,
                "suspected": verified.suspected,
                "refused": verified.refused,
            });
            format!("{output:#}\n")
        }
        TextOrJson::Text => {
            let mut lines = vec![format!("digest        {digest}: intact")];
            lines.push(format!("witnesses     {} decided again", number(verified.witnesses)));
            lines.push(format!("certificates  {} added up again", number(verified.certificates)));
            if verified.suspected > 0 {
                lines.push(format!("suspected     {}, which claim no proof", number(verified.suspected)));
            }
            for refusal in &verified.refused {
                let names: Vec<String> = refusal.policies.iter().map(|name| format!("`{name}`")).collect();
                lines.push(format!(
                    "refused       {} {}: {}",
                    refusal.about,
                    names.join(", "),
                    refusal.reason
                ));
            }
            lines.push(match verified.refused.len() {
                0 => "verified".to_owned(),
                n => format!("not verified: {} refused", count(n, "finding")),
            });
            lines.join("\n") + "\n"
        }
    })?;
    Ok(if verified.refused.is_empty() { Verdict::Clean } else { Verdict::Findings })
}
