//! `ordain.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ordain_grammar::suggest::nearest;
use ordain_ir::{
    ConflictSeverity, ConflictType, Diagnostic, Fail, Glob, ScopePattern, Settings, Span, codes,
};
use serde::Deserialize;

use super::MANIFEST;
use crate::{Config, LANGUAGE};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: Option<String>,
    language: Option<Scalar>,
    sources: Option<Vec<String>>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    severity: BTreeMap<ConflictType, ConflictSeverity>,
    solver_bound: Option<u32>,
    horizon: Option<Horizon>,
    fail: Option<Fail>,
    agents: Option<Vec<String>>,
    providers: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Horizon {
    from: String,
    until: String,
}

/// `language: 1` is as good as `language: "1"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u32),
    Text(String),
}

/// The settings, in the order of the documentation.
pub(super) const FIELDS: [&str; 10] = [
    "name",
    "language",
    "sources",
    "dependencies",
    "severity",
    "solver_bound",
    "horizon",
    "fail",
    "agents",
    "providers",
];
pub(super) const HORIZON_FIELDS: [&str; 2] = ["from", "until"];

/// A dependency as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) folder: String,
    pub(super) span: Span,
}

/// What each setting wants.
const WANTED: [(&str, &str); 10] = [
    ("name", "a text, such as `acme-policies`"),
    ("language", "a version, such as `\"1\"`"),
    ("sources", "a list of folders, such as `[policies]`"),
    ("dependencies", "a list of folders, such as `[../platform]`"),
    ("severity", "types of conflicts with their severity, such as `TEMPORAL_CONFLICT: BLOCKING`"),
    ("solver_bound", "a whole number from 1 to 4294967295"),
    ("horizon", "the first day and the day after the last, `from` and `until`"),
    ("fail", "`CLOSED` or `OPEN`"),
    ("agents", "a list of agents, such as `[acme/support/mailer, acme/sales]`"),
    ("providers", "a list of providers, such as `[openai, azure-*]`"),
];

/// Reads the manifest's text; `path` is that of the file, and `folder` names the workspace where it doesn't.
pub(super) fn read(text: &str, path: &str, folder: &str) -> Result<(Config, Vec<Written>), Vec<Diagnostic>> {
    let mut config = Config::named(folder);
    // An empty file is as good as none.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok((config, vec![]));
    }
    let manifest: Manifest = serde_yaml::from_str(text).map_err(|error| vec![explain(text, path, &error)])?;
    let at_key = |key: &str, message: String| {
        Diagnostic::error(codes::BAD_WORKSPACE, path, place_of_key(text, key), message)
    };
    let mut problems = vec![];
    if let Some(language) = manifest.language {
        let language = match language {
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text,
        };
        if language != LANGUAGE {
            let message = format!("language version `{language}` is not known");
            problems
                .push(at_key("language", message).help(format!("this compiler speaks version {LANGUAGE}")));
        }
    }
    if let Some(name) = manifest.name {
        if name.trim().is_empty() {
            let message = "the workspace's name is empty".to_owned();
            problems.push(at_key("name", message).help("leave it out to take the folder's name"));
        }
        config.name = name;
    }
    if let Some(sources) = manifest.sources {
        for source in &sources {
            let outside =
                source.starts_with(['/', '\\']) || source.split(['/', '\\']).any(|part| part == "..");
            if outside {
                let message = format!("the source folder `{source}` lies outside of the workspace");
                problems.push(at_key("sources", message).help("name folders below that of the workspace"));
            }
        }
        config.sources = sources;
    }
    let mut written: Vec<Written> = vec![];
    for (at, folder) in manifest.dependencies.iter().enumerate() {
        let before = manifest.dependencies.iter().take(at).filter(|it| *it == folder).count();
        let folder = folder.clone();
        let span = place_of_entry(text, "dependencies", &folder, before);
        let problem = |message: String| Diagnostic::error(codes::BAD_WORKSPACE, path, span, message);
        if folder.trim().is_empty() || folder.starts_with(['/', '\\']) || folder.contains(':') {
            let message = format!("the dependency `{folder}` must be named from this folder");
            problems.push(problem(message).help("for example `../platform`"));
        } else if written.iter().any(|it| it.folder == folder) {
            let message = format!("the dependency `{folder}` stands twice");
            problems.push(problem(message).help("take one of both out"));
        } else {
            written.push(Written { folder, span });
        }
    }
    config.dependencies = written.iter().map(|it| it.folder.clone()).collect();
    let mut settings = Settings { severity: manifest.severity, ..Settings::default() };
    if let Some(bound) = manifest.solver_bound {
        if bound == 0 {
            let message = "`solver_bound` must be at least 1".to_owned();
            problems.push(at_key("solver_bound", message).help("leave it out for the default"));
        }
        settings.solver_bound = bound;
    }
    if let Some(Horizon { from, until }) = manifest.horizon {
        let mut seconds = |key: &str, text: &str| {
            let date = text.parse::<Date>().ok().and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
            if date.is_none() {
                let message = format!("`{text}` is no date");
                problems.push(at_key(key, message).help("write a date as `2026-01-01`"));
            }
            date.map(|date| date.timestamp().as_second())
        };
        if let (Some(from), Some(until)) = (seconds("from", &from), seconds("until", &until)) {
            if from >= until {
                let message = "the horizon ends before it begins".to_owned();
                problems.push(at_key("horizon", message).help("`from` must be earlier than `until`"));
            }
            settings.horizon = (from, until);
        }
    }
    settings.fail = manifest.fail.unwrap_or(settings.fail);
    let agent = "one to three names with `/` between them, such as `acme/support/*`";
    settings.agents = known(manifest.agents, "agents", agent, ScopePattern::parse, text, path, &mut problems);
    let provider = "a name such as `openai`, in which `*` stands for any characters";
    let pattern = |text: &str| if text.is_empty() { None } else { Glob::parse(text).ok() };
    settings.providers = known(manifest.providers, "providers", provider, pattern, text, path, &mut problems);
    config.settings = settings;
    if problems.is_empty() { Ok((config, written)) } else { Err(problems) }
}

/// What a list says of who is known.
fn known<T: Ord>(
    list: Option<Vec<String>>,
    key: &str,
    wanted: &str,
    read: impl Fn(&str) -> Option<T>,
    text: &str,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<BTreeSet<T>> {
    let list = list?;
    let mut problem = |span, message: String, help: &str| {
        problems.push(Diagnostic::error(codes::BAD_WORKSPACE, path, span, message).help(help));
    };
    if list.is_empty() {
        let help = "leave it out, so that all are known";
        problem(place_of_key(text, key), format!("`{key}` is empty, so that nobody is known"), help);
    }
    let mut patterns = BTreeSet::new();
    for entry in &list {
        match read(entry) {
            Some(pattern) => {
                patterns.insert(pattern);
            }
            None => problem(
                place_of_entry(text, key, entry, 0),
                format!("`{entry}` in `{key}` is no {}", key.trim_end_matches('s')),
                &format!("write {wanted}"),
            ),
        }
    }
    Some(patterns)
}

/// The place of a key's first appearance at the beginning of a line; the start of the file if there is none.
fn place_of_key(text: &str, key: &str) -> Span {
    places_of_key(text, key).first().copied().unwrap_or_default()
}

/// Every place of a key at the beginning of a line.
fn places_of_key(text: &str, key: &str) -> Vec<Span> {
    let mut start = 0;
    let mut places = vec![];
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            places.push(Span::new(start + indent, start + indent + key.len()));
        }
        start += line.len();
    }
    places
}

/// The place of an entry of the list behind a key, after `before` others that read the same, else that of the key.
pub(super) fn place_of_entry(text: &str, key: &str, entry: &str, before: usize) -> Span {
    let key = place_of_key(text, key);
    let rest = &text[key.range().end..];
    let bounded = |at: usize| {
        let name = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '[' | ']' | ',' | '#');
        !rest[..at].ends_with(name) && !rest[at + entry.len()..].starts_with(name)
    };
    let at = rest.match_indices(entry).map(|(at, _)| at).filter(|at| bounded(*at)).nth(before);
    at.map_or(key, |at| Span::new(key.range().end + at, key.range().end + at + entry.len()))
}

/// The YAML library's complaint in our words.
fn explain(text: &str, path: &str, error: &serde_yaml::Error) -> Diagnostic {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    if let Some(field) = between(message, "unknown field `", "`") {
        let known: &[&str] = if message.starts_with("horizon") { &HORIZON_FIELDS } else { &FIELDS };
        let span = place_of_key(text, field);
        let problem = Diagnostic::error(codes::BAD_WORKSPACE, path, span, format!("`{field}` is no setting"));
        return match nearest(field, known.iter().copied()) {
            Some(near) => {
                problem.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
            }
            None => problem.help(format!("the settings are {}", known.join(", "))),
        };
    }
    let span = error.location().map_or(Span::new(0, 0), |location| {
        let at = location.index().min(text.len());
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let length = text[at..].split(['\n', '\r']).next().map_or(0, str::len);
        Span::new(at, at + length)
    });
    if let Some(word) = between(message, "unknown variant `", "`") {
        let allowed: Vec<&str> = ConflictType::ALL
            .iter()
            .map(|word| word.as_str())
            .chain(ConflictSeverity::ALL.iter().map(|word| word.as_str()))
            .chain(Fail::ALL.iter().map(|word| word.as_str()))
            .filter(|word| message.contains(&format!("`{word}`")))
            .collect();
        let problem =
            Diagnostic::error(codes::BAD_WORKSPACE, path, span, format!("`{word}` is not allowed here"));
        return problem.help(match nearest(word, allowed.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("allowed are {}", allowed.join(", ")),
        });
    }
    let problem = |message: String| Diagnostic::error(codes::BAD_WORKSPACE, path, span, message);
    if let Some(field) = between(message, "duplicate field `", "`")
        .or_else(|| between(message, "duplicate entry with key \"", "\""))
    {
        let again = places_of_key(text, field).get(1).copied().unwrap_or(span);
        let message = format!("`{field}` stands twice");
        let problem = Diagnostic::error(codes::BAD_WORKSPACE, path, again, message);
        return problem.and_at(path, place_of_key(text, field), "the first one").help("take one of both out");
    }
    // The one setting that may be of two forms is the one of which no name is given.
    let untagged = message.starts_with("data did not match any variant");
    let key = if untagged { "language" } else { message.split([':', '[', '.']).next().unwrap_or_default() };
    if let Some((_, wanted)) = WANTED.iter().find(|(known, _)| *known == key) {
        let place = place_of_key(text, key);
        return Diagnostic::error(codes::BAD_WORKSPACE, path, place, format!("`{key}` wants {wanted}"));
    }
    if message.starts_with("invalid type") {
        let problem = problem(format!("`{MANIFEST}` holds settings, each with its value"));
        return problem.help("for example `name: acme-policies`");
    }
    problem(format!("`{MANIFEST}` is not understood: {message}"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
