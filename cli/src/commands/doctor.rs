//! `ordain doctor`

use ordain_analyzer::solver;
use ordain_compiler::workspace::MANIFEST;
use serde_json::json;

use crate::Verdict;
use crate::args::{DoctorArgs, TextOrJson};
use crate::commands::print;
use crate::failure::Failure;
use crate::render::count;
use crate::workspace;

/// One thing that was looked at.
struct Look {
    what: &'static str,
    /// What there is, or what is wrong and what to do.
    found: Result<String, String>,
}

/// Looks at what `ordain` needs, and at what it sees of a workspace. Nothing is analysed and nothing written.
pub(crate) fn run(args: &DoctorArgs) -> Result<Verdict, Failure> {
    let looks = [
        Look { what: "program", found: Ok(program()) },
        Look { what: "solver", found: solver() },
        Look { what: "workspace", found: workspace_at(args) },
        Look { what: "editors", found: Ok(editors()) },
    ];
    let healthy = looks.iter().all(|look| look.found.is_ok());
    print(&match args.format {
        TextOrJson::Json => {
            let checks: Vec<_> = looks
                .iter()
                .map(|Look { what, found }| {
                    let text = found.as_ref().unwrap_or_else(|wrong| wrong);
                    json!({ "what": what, "ok": found.is_ok(), "found": text })
                })
                .collect();
            format!("{:#}\n", json!({ "schema_version": 1, "healthy": healthy, "checks": checks }))
        }
        TextOrJson::Text => {
            let line = |Look { what, found }: &Look| match found {
                Ok(found) => format!("ok     {what:<10} {found}\n"),
                Err(wrong) => format!("wrong  {what:<10} {wrong}\n"),
            };
            looks.iter().map(line).collect()
        }
    })?;
    Ok(if healthy { Verdict::Clean } else { Verdict::Findings })
}

fn program() -> String {
    let (version, os, machine) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    let at = std::env::current_exe().map(|path| format!(", {}", path.display())).unwrap_or_default();
    format!("ordain {version} for {os} on {machine}{at}")
}

fn solver() -> Result<String, String> {
    let advice = "the library `libz3` that is found is not the one that was built against; put that of the release, \
                  or of `cargo xtask setup`, where the program looks for it";
    match solver::check() {
        Ok(()) => Ok(format!("Z3 {}, and it keeps its bounds", solver::VERSION)),
        Err(reason) => Err(format!("{reason}: {advice}")),
    }
}

fn workspace_at(args: &DoctorArgs) -> Result<String, String> {
    let loaded = workspace::load(&args.path).map_err(|failure| failure.to_string())?;
    let root = loaded.root.display();
    if let Some(problem) = loaded.problems.first() {
        return Err(format!("`{}` in {root}: {}", loaded.config.name, problem.message));
    }
    let files = count(loaded.files.len(), "policy file");
    let libraries = match loaded.libraries.len() {
        0 => String::new(),
        n => format!(", and {} that it depends on", count(n, "workspace")),
    };
    if loaded.root.join(MANIFEST).is_file() {
        Ok(format!("`{}` in {root}, {files}{libraries}", loaded.config.name))
    } else {
        Ok(format!("{root}, {files}; there is no `{MANIFEST}` there or above, so the defaults hold"))
    }
}

/// Editors on the search path that know language servers.
fn editors() -> String {
    const KNOWN: [(&str, &str); 6] = [
        ("code", "Visual Studio Code"),
        ("nvim", "Neovim"),
        ("hx", "Helix"),
        ("zed", "Zed"),
        ("emacs", "Emacs"),
        ("subl", "Sublime Text"),
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let found: Vec<&str> =
        KNOWN.iter().filter(|(program, _)| there(program)).map(|(_, name)| *name).collect();
    if found.is_empty() {
        "none that is known here; any that speaks to language servers can start `ordain lsp`".to_owned()
    } else {
        format!("{}; they start `ordain lsp`", found.join(", "))
    }
}
