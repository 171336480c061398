//! `ordain verify`

use ordain_analyzer::verify;
use serde_json::json;

use crate::Verdict;
use crate::args::{TextOrJson, VerifyArgs};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::count;
use crate::signing::{self, Signed};
use crate::workspace::parse_bundle;

/// Re-checks a bundle's digest, witnesses and certificates, without the solver.
pub(crate) fn run(args: &VerifyArgs) -> Result<Verdict, Failure> {
    let failure = |reason| Failure::Read { path: args.bundle.clone(), reason };
    let bytes = std::fs::read(&args.bundle).map_err(failure)?;
    let trusted = args.key.iter().map(|path| signing::public_key(path)).collect::<Result<Vec<_>, _>>()?;
    let signature = args.signature.clone().unwrap_or_else(|| signing::beside(&args.bundle));
    let signed = signing::check(&bytes, &signature, &trusted)?;
    // Nothing of what nobody vouches for is read any further.
    if let Some(reason) = untrusted(&signed, !trusted.is_empty(), args.signature.is_some()) {
        print(&match args.format {
            TextOrJson::Json => {
                let output =
                    json!({ "schema_version": 1, "verified": false, "signature": { "refused": reason } });
                format!("{output:#}\n")
            }
            TextOrJson::Text => format!("signature     refused: {reason}\nnot verified\n"),
        })?;
        return Ok(Verdict::Findings);
    }
    let (bundle, digest) = parse_bundle(&args.bundle, &bytes)?;
    let verified = verify(&bundle.policies, &bundle.analysis);
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    print(&match args.format {
        TextOrJson::Json => {
            let output = json!({
                "schema_version": 1,
                "digest": digest,
                "signature": match &signed {
                    Signed::By(key) => json!({ "by": key.to_string(), "trusted": !trusted.is_empty() }),
                    _ => json!(null),
                },
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
            if let Signed::By(key) = &signed {
                let whose =
                    if trusted.is_empty() { "; `--key` says whom you trust" } else { ", whom you trust" };
                lines.push(format!("signature     by {key}{whose}"));
            }
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

/// Why a signature doesn't do, if it doesn't. Without one, nothing was said if nobody asks for one.
fn untrusted(signed: &Signed, key: bool, file: bool) -> Option<String> {
    match signed {
        Signed::By(_) => None,
        Signed::Not => (key || file).then(|| "the bundle is not signed".to_owned()),
        Signed::ByAnother(key) => Some(format!("it is by {key}, which is none of the keys that are trusted")),
        Signed::Badly(reason) => Some(reason.to_string()),
    }
}
