//! `ordain simulate`

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Read};
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ordain_engine::ledger::LimitEvent;
use ordain_engine::{Decision, Engine, Ledger};
use ordain_ir::request::RequestJson;
use serde::Serialize;

use crate::Verdict;
use crate::args::{SimulateArgs, TextOrJson};
use crate::commands::{print, state};
use crate::failure::Failure;
use crate::render;
use crate::simulation::{Differences, Statistics};
use crate::workspace::{self, Refuse};

/// Policies with their own counters.
struct Side {
    engine: Engine,
    ledger: Ledger,
    statistics: Statistics,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Output<'a> {
    schema_version: u32,
    #[serde(flatten)]
    statistics: &'a Statistics,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against<'a>>,
}

#[derive(Serialize)]
struct Against<'a> {
    #[serde(flatten)]
    statistics: &'a Statistics,
    differences: &'a Differences,
}

/// Replays recorded requests through policies, or through two sets of them.
pub(crate) fn run(args: &SimulateArgs, color: bool) -> Result<Verdict, Failure> {
    let Some(mut main) = side(&args.policies, args, color)? else { return Ok(Verdict::Findings) };
    let mut other = match &args.against {
        None => None,
        Some(path) => match side(path, args, color)? {
            None => return Ok(Verdict::Findings),
            other => other,
        },
    };
    let mut differences = Differences::default();
    replay(&args.trace, |line, request| {
        let (path, at) = (request.path.clone(), request.at);
        let before = other.as_mut().map(|other| other.decide(request.clone()));
        let after = main.decide(request);
        if let Some(before) = before {
            differences.add(line, &path, at, &before, &after);
        }
    })?;
    let against = other.as_ref().map(|other| (&other.statistics, &differences));
    print(&match args.format {
        TextOrJson::Text => render::simulation::text(&main.statistics, against),
        TextOrJson::Json => {
            let against = against.map(|(statistics, differences)| Against { statistics, differences });
            let output = Output { schema_version: 1, statistics: &main.statistics, against };
            serde_json::to_string_pretty(&output).map_err(Failure::other)? + "\n"
        }
    })?;
    Ok(Verdict::Clean)
}

fn side(path: &Path, args: &SimulateArgs, color: bool) -> Result<Option<Side>, Failure> {
    let Some(bundle) = workspace::bundle_or_folder(path, Refuse::Errors, color)? else { return Ok(None) };
    let engine = Engine::new(Arc::new(bundle.policies)).map_err(Failure::other)?;
    let ledger = args.state.as_deref().map(state::load).transpose()?.unwrap_or_default();
    let policies = engine.policies();
    let statistics = Statistics::of(policies.rules.keys().chain(policies.limits.keys()));
    Ok(Some(Side { engine, ledger, statistics }))
}

impl Side {
    fn decide(&mut self, request: RequestJson) -> Decision {
        let (path, at) = (request.path.clone(), request.at);
        let mut events: Vec<LimitEvent> = vec![];
        let decision = self.ledger.enforce(&self.engine, request, &mut events);
        self.statistics.add(&path, at, &decision, &events);
        decision
    }
}

/// Reads a trace, one request a line, and tells on standard error how far it has come.
fn replay(trace: &Path, mut each: impl FnMut(usize, RequestJson)) -> Result<(), Failure> {
    let unreadable = |reason| Failure::Read { path: trace.to_owned(), reason };
    let (input, length): (Box<dyn Read>, _) = if trace == Path::new("-") {
        (Box::new(std::io::stdin()), None)
    } else {
        let file = File::open(trace).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        (Box::new(file), Some(length))
    };
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    bar.set_draw_target(target);
    let style = ProgressStyle::with_template("{msg} {bar:40} {percent}% {eta}").map_err(Failure::other)?;
    bar.set_style(style);
    bar.set_message("replaying");
    let mut reader = BufReader::new(input);
    let (mut line, mut number) = (String::new(), 0);
    loop {
        line.clear();
        let read = reader.read_line(&mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        number += 1;
        bar.inc(u64::try_from(read).unwrap_or(0));
        if line.trim().is_empty() {
            continue;
        }
        let request = serde_json::from_str(&line).map_err(|reason| {
            Failure::Other(format!("`{}`, line {number}: no request: {reason}", trace.display()))
        })?;
        each(number, request);
    }
    bar.finish_and_clear();
    Ok(())
}
