//! `ordain eval`

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use ordain_engine::{Decision, Engine, NoCounters, Outcome};
use ordain_grammar::suggest::nearest;
use ordain_ir::request::{RequestError, RequestJson};
use ordain_ir::{FactName, Fault, Glob, Policies, PolicyName, ScopePattern};

use crate::Verdict;
use crate::args::{EvalArgs, TextOrJson};
use crate::commands::{print, state};
use crate::failure::Failure;
use crate::workspace::{self, Refuse};

/// Decides one request, or several one after the other.
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
    let requests = requests(&text, name)?;
    let engine = Engine::new(policies).map_err(Failure::other)?;
    let ledger = args.state.as_deref().map(state::load).transpose()?;
    let many = requests.len() != 1;
    let mut verdict = Verdict::Clean;
    for mut wire in requests {
        if let Some(at) = args.at {
            wire.at = at;
        }
        let decision = match &ledger {
            None => engine.enforce(wire, &NoCounters),
            Some(ledger) => ledger.enforce(&engine, wire, &mut vec![]),
        };
        print(&match args.format {
            TextOrJson::Text => text_of(&decision, &engine, many),
            TextOrJson::Json => {
                let json = if many {
                    serde_json::to_string(&decision)
                } else {
                    serde_json::to_string_pretty(&decision)
                };
                json.expect("every key is a string and every number is finite") + "\n"
            }
        })?;
        if !decision.faults.is_empty() || decision.is_undecided() {
            verdict = Verdict::Findings;
        }
        if let Some(expected) = expected.filter(|expected| *expected != decision.outcome) {
            print(&format!("expected {expected}, decided {}\n", decision.outcome))?;
            verdict = Verdict::Findings;
        }
    }
    if let (Some(path), Some(ledger)) = (&args.state, &ledger) {
        state::save(path, ledger)?;
    }
    Ok(verdict)
}

/// The requests of a text: one JSON object over any number of lines, or one a line.
fn requests(text: &str, name: &str) -> Result<Vec<RequestJson>, Failure> {
    let whole = match serde_json::from_str(text) {
        Ok(request) => return Ok(vec![request]),
        Err(reason) => reason,
    };
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    // What isn't an object a line is one request with something wrong in it.
    let objects = lines.clone().all(|(_, line)| line.starts_with('{') && line.ends_with('}'));
    if !objects || lines.clone().count() < 2 {
        return Err(Failure::Other(format!("`{name}` is no request: {whole}; it looks like {EXAMPLE}")));
    }
    lines
        .map(|(number, line)| {
            let place = number + 1;
            serde_json::from_str(line).map_err(|reason| {
                Failure::Other(format!(
                    "`{name}`, line {place}: no request: {reason}; it looks like {EXAMPLE}"
                ))
            })
        })
        .collect()
}

/// The decision, and of names that nobody knows the nearest that somebody does.
fn text_of(decision: &Decision, engine: &Engine, many: bool) -> String {
    let hint = |fault: &Fault| Some(format!("did you mean `{}`?", meant(&fault.error, engine.policies())?));
    format!("{}\n{}", decision.with_hints(hint), if many { "\n" } else { "" })
}

/// What may be meant by a name in a request.
fn meant(error: &RequestError, policies: &Policies) -> Option<String> {
    let near = match error {
        RequestError::UnknownFact(fact) => {
            nearest(fact.as_str(), policies.facts.keys().map(FactName::as_str))?
        }
        RequestError::UnknownMeter(meter) => nearest(meter, policies.meters.keys().map(String::as_str))?,
        RequestError::UnknownProvider(provider) => {
            nearest(provider, policies.settings.providers.iter().flatten().filter_map(Glob::as_literal))?
        }
        RequestError::UnknownAgent(path) => {
            let agents = policies.settings.agents.iter().flatten();
            let known: Vec<String> = agents.filter_map(|pattern| like(pattern, path)).collect();
            return nearest(&path.to_string(), known.iter().map(String::as_str)).map(ToOwned::to_owned);
        }
        _ => return None,
    };
    Some(near.to_owned())
}

/// The agent nearest to this one that a pattern selects, if each segment of it is near.
fn like(pattern: &ScopePattern, path: &ordain_ir::Path) -> Option<String> {
    let segment = |own: &String, known: &Option<Glob>| match known {
        None => Some(own.clone()),
        Some(known) if known.matches(own) => Some(own.clone()),
        Some(known) => nearest(own, known.as_literal()).map(ToOwned::to_owned),
    };
    let near = ordain_ir::Path {
        tenant: segment(&path.tenant, &pattern.tenant)?,
        project: segment(&path.project, &pattern.project)?,
        agent: segment(&path.agent, &pattern.agent)?,
    };
    Some(near.to_string())
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
