//! `ordain build`

#![expect(clippy::print_stderr, reason = "warnings about keys stand beside the result")]

use std::path::PathBuf;

use ordain_runtime::Clock as _;

use crate::Verdict;
use crate::args::BuildArgs;
use crate::clock::SystemClock;
use crate::commands::{check, print, request_schema};
use crate::failure::Failure;
use crate::files;
use crate::render::count;
use crate::signing::{self, Signed};
use crate::workspace;

/// Writes a bundle, unless the sources have errors or the policies BLOCKING conflicts.
pub(crate) fn run(args: &BuildArgs, color: bool) -> Result<Verdict, Failure> {
    // Before the work, so that a wrong file is told at once.
    let key = args.sign.as_deref().map(signing::private_key).transpose()?;
    let checked = workspace::check(&args.path, None, SystemClock.now())?;
    let blocking = checked.report.blocking().count();
    if checked.errors() > 0 || blocking > 0 {
        check::show(&checked, color)?;
        let why = match (checked.errors(), blocking) {
            (0, n) => count(n, "BLOCKING conflict"),
            (n, 0) => count(n, "error"),
            (errors, conflicts) => {
                format!("{} and {}", count(errors, "error"), count(conflicts, "BLOCKING conflict"))
            }
        };
        print(&format!("no bundle written: {why}\n"))?;
        return Ok(Verdict::Findings);
    }
    let (bytes, digest) = checked.bundle.to_bytes();
    let path =
        args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.ordain-bundle", checked.name)));
    files::write_whole(&path, &bytes)?;
    let signature = signing::beside(&path);
    let mut signed = String::new();
    if let Some((key, open)) = &key {
        files::write_whole(&signature, key.sign(&bytes).to_text().as_bytes())?;
        signed = format!("{}: signed by {}\n", signature.display(), key.public());
        if let Some(file) = args.sign.as_ref().filter(|_| *open) {
            let file = file.display();
            eprintln!("warning: others than its owner may read `{file}`; `chmod 600 {file}` ends that");
        }
    } else if signing::check(&bytes, &signature, &[]).is_ok_and(|it| matches!(it, Signed::Badly(_))) {
        let signature = signature.display();
        eprintln!(
            "warning: `{signature}` does not fit this bundle; sign it with `--sign`, or take the file away"
        );
    }
    if let Some(schema) = &args.request_schema {
        let json = request_schema::of(&checked.policies);
        files::write_whole(schema, (format!("{json:#}") + "\n").as_bytes())?;
    }
    let warnings = checked.report.conflicts.iter().filter(|conflict| !conflict.resolved).count();
    let note =
        if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "WARNING conflict")) };
    let policies = count(checked.policies.len(), "policy");
    print(&format!("{}: {policies}{note}\n{digest}\n{signed}", path.display()))?;
    Ok(Verdict::Clean)
}
