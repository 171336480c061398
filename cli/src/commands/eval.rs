//! `ordain eval`

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use ordain_engine::{Engine, NoCounters, Outcome};
use ordain_ir::request::RequestJson;
use ordain_ir::{Policies, PolicyName, Request};

use crate::Verdict;
use crate::args::{EvalArgs, TextOrJson};
use crate::commands::print;
use crate::failure::Failure;
use crate::workspace::{self, Refuse};

/// Decides one request.
pub(crate) fn run(args: &EvalArgs, color: bool) -> Result<Verdict, Failure> {
    let expected = args.expect.as_deref().map(outcome).transpose()?;
    // A folder may contradict itself: that is when one wants to see what a conflict's witness gets.
    let Some(bundle) = workspace::bundle_or_folder(&args.policies, Refuse::Errors, color)? else {
        return Ok(Verdict::Findings);
    };
    let policies = Arc::new(chosen(bundle.policies, &args.only)?);
    let text = read(&args.request)?;
    let name =
        if args.request == Path::new("-") { "standard input" } else { &args.request.to_string_lossy() };
    let mut wire: RequestJson = serde_json::from_str(&text).map_err(|reason| {
        Failure::Other(format!("`{name}` is no request: {reason}; it looks like {EXAMPLE}"))
    })?;
    if let Some(at) = args.at {
        wire.at = at;
    }
    let request = Request::from_json(wire, &policies.facts, &policies.meters)
        .map_err(|reason| Failure::Other(format!("`{name}`: {reason}")))?;
    let engine = Engine::new(policies).map_err(Failure::other)?;
    let decision = engine
        .decide(&request, &NoCounters)
        .map_err(|reason| Failure::Other(format!("`{name}`: {reason}")))?;
    print(&match args.format {
        TextOrJson::Text => format!("{decision}\n"),
        TextOrJson::Json => {
            serde_json::to_string_pretty(&decision).expect("every key is a string and every number is finite")
                + "\n"
        }
    })?;
    match expected {
        Some(expected) if expected != decision.outcome => {
            print(&format!("expected {expected}, decided {}\n", decision.outcome))?;
            Ok(Verdict::Findings)
        }
        _ => Ok(Verdict::Clean),
    }
}

/// Only the named policies; all if none is named.
fn chosen(policies: Policies, only: &[String]) -> Result<Policies, Failure> {
    if only.is_empty() {
        return Ok(policies);
    }
    let names: Vec<PolicyName> = only.iter().map(|name| name.as_str().into()).collect();
    let known =
        |name: &&PolicyName| policies.rules.contains_key(*name) || policies.limits.contains_key(*name);
    match names.iter().find(|name| !known(name)) {
        Some(unknown) => {
            let same = |name: &&PolicyName| {
                policies.label(name) == unknown.local() || name.local() == unknown.local()
            };
            let meant = policies.rules.keys().chain(policies.limits.keys()).find(same);
            let hint = meant.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            Err(Failure::Other(format!("`--only {unknown}`: there is no such policy{hint}")))
        }
        None => Ok(policies.restricted_to(&names)),
    }
}

const EXAMPLE: &str =
    r#"{"path": "acme/support/mailer", "at": "2026-03-02T10:00:00Z", "facts": {"tool.name": "export"}}"#;

fn outcome(text: &str) -> Result<Outcome, Failure> {
    Outcome::ALL.iter().copied().find(|outcome| outcome.as_str().eq_ignore_ascii_case(text)).ok_or_else(
        || {
            let known: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
            Failure::Other(format!("`--expect {text}`: an outcome is one of {}", known.join(", ")))
        },
    )
}

fn read(path: &Path) -> Result<String, Failure> {
    let result = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    result.map_err(|reason| Failure::Read { path: path.to_owned(), reason })
}
