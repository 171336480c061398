//! Policies that a lesson suggests, as source. Whatever an event says stands in comments of one line, in quotation marks,
//! or nowhere, so that nothing in it is read as a policy.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ordain_engine::ledger::Band;
use ordain_ir::{
    Condition, Direction, Fact, FactName, Glob, Level, Limit, Meter, MeterUnit, Partition, Path, Policies,
    PolicyName, Quantity, ScopePattern, ScopeSelector, decimal,
};
use ordain_store::{Lesson, LessonSeverity, LessonType};
use serde_json::Value;

use super::detect::{USE_SCALE, floor};
use super::words::in_short;

/// The package of everything that was learned.
const PACKAGE: &str = "learned";
/// The longest comment, in characters.
const COMMENT: usize = 300;

/// Texts that a lesson suggests, the best first. Each is complete by itself.
pub(super) fn texts(lesson: &Lesson, active: &Policies) -> Vec<String> {
    let pattern: Value = lesson
        .detected_pattern
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let mut texts = match lesson.lesson_type {
        LessonType::NearThreshold => limits(lesson, &pattern, active),
        LessonType::Failure | LessonType::CriticalSuccess => vec![],
    };
    texts.push(rule(lesson, &pattern));
    texts
}

fn said<'a>(pattern: &'a Value, field: &str) -> Option<&'a str> {
    pattern[field].as_str()
}

/// The same for what is the same, so that what is learned again takes the place of what was learned before.
fn name(kind: &str, about: &[Option<&str>]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("ordain policy that was learned v1");
    for part in about {
        let part = part.unwrap_or_default();
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    format!("{kind}-{}", &hash[..24])
}

/// The comments above a policy.
fn comments(lesson: &Lesson) -> String {
    let lines = [lesson.title.as_str(), lesson.description.as_str()];
    let mut comments: Vec<String> =
        lines.iter().map(|line| in_short(line, COMMENT)).filter(|line| !line.is_empty()).collect();
    // Where the description begins with the title, it says all.
    if let [title, description] = comments.as_slice()
        && description.starts_with(title.as_str())
    {
        comments.remove(0);
    }
    comments.iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "/// {line}");
        all
    })
}

/// A rule that records what an agent does; after a bad failure, one that warns about it.
fn rule(lesson: &Lesson, pattern: &Value) -> String {
    let path = said(pattern, "path");
    let (kind, about) = match lesson.lesson_type {
        LessonType::Failure => ("failure", [path, said(pattern, "error_code"), said(pattern, "policy_name")]),
        LessonType::NearThreshold => {
            ("near-threshold", [path, said(pattern, "metric"), said(pattern, "band")])
        }
        LessonType::CriticalSuccess => ("practice", [path, None, None]),
    };
    let bad = matches!(lesson.severity, LessonSeverity::Critical | LessonSeverity::High);
    let enforce = if bad && lesson.lesson_type == LessonType::Failure { "warn" } else { "audit" };
    format!(
        "package {PACKAGE}\n\n{}rule {} {{\n  type     system\n  enforce  {enforce}\n  scope    {}\n}}\n",
        comments(lesson),
        name(kind, &about),
        scope_of(path)
    )
}

/// An agent's own scope; everything, where nobody knows whose it was.
fn scope_of(path: Option<&str>) -> String {
    let path: Option<Path> = path.and_then(|path| path.parse().ok());
    path.map_or_else(
        || "global".to_owned(),
        |path| format!("agent {}/{}/{}", segment(&path.tenant), segment(&path.project), segment(&path.agent)),
    )
}

/// Limits that warn where the band begins.
fn limits(lesson: &Lesson, pattern: &Value, active: &Policies) -> Vec<String> {
    let (Some(metric), Some(band)) = (said(pattern, "metric"), said(pattern, "band")) else { return vec![] };
    let Some(band) = [Band::Near85, Band::Near90, Band::Near95].into_iter().find(|it| it.as_str() == band)
    else {
        return vec![];
    };
    let body = match active.limits.get(&PolicyName::from(metric)) {
        Some(limit) => bodies_like(limit, band, active),
        None => body_of_type(metric, band, pattern).into_iter().collect(),
    };
    let name = name(&format!("near-{}", floor(band)), &[Some(metric), said(pattern, "path")]);
    let enforcements = ["warn", "alert"];
    let text = |(head, body): &(String, String), enforce: &str| {
        let comments = comments(lesson);
        format!("package {PACKAGE}\n\n{head}{comments}limit {name} {{\n{body}  enforce  {enforce}\n}}\n")
    };
    enforcements.iter().flat_map(|enforce| body.iter().map(|parts| text(parts, enforce))).collect()
}

/// A ceiling at the beginning of the band, rounded down.
fn at_most(ceiling: i64, band: Band) -> i64 {
    i64::try_from(i128::from(ceiling) * i128::from(floor(band)) / 100).unwrap_or(ceiling)
}

/// What comes before a limit, and its clauses, that speak where an active one does.
fn bodies_like(limit: &Limit, band: Band, active: &Policies) -> Vec<(String, String)> {
    let Some(scope) = scope(&limit.scope).filter(|_| limit.bound.direction == Direction::AtMost) else {
        return vec![];
    };
    let mut body = format!(
        "  type     {}\n  at most  {}\n  scope    {scope}\n",
        limit.quantity.source(),
        limit.quantity.format(at_most(limit.bound.value, band))
    );
    if limit.partition != Partition::Whole {
        let _ = writeln!(body, "  per      {}", limit.partition.as_str().to_ascii_lowercase());
    }
    for clause in &limit.window.clauses {
        let _ = writeln!(body, "  active   {clause}");
    }
    let meter = meter(&limit.quantity).unwrap_or_default();
    if let Some(rule) = &limit.rule {
        // A limit has one `when`.
        let _ = writeln!(body, "  when     rule {rule}");
        return if limit.condition == Condition::True { vec![(meter, body)] } else { vec![] };
    }
    if limit.condition == Condition::True {
        return vec![(meter, body)];
    }
    let _ = writeln!(body, "  when     {}", limit.condition.words(&active.facts));
    // The facts are the library's, or the workspace's own; nobody knows here which.
    let mut read: BTreeSet<FactName> = BTreeSet::new();
    limit.condition.collect_facts(&mut read);
    let declared = read.iter().filter_map(|name| active.facts.get(name)).map(declaration);
    let declared: String = declared.collect();
    vec![(format!("use std.facts.*\n\n{meter}"), body.clone()), (format!("{declared}\n{meter}"), body)]
}

/// The clauses of a limit of a type that a report names, for the agent that it names.
fn body_of_type(metric: &str, band: Band, pattern: &Value) -> Option<(String, String)> {
    // A type's name says no currency, so any will do to find it; but of money nobody guesses one.
    let quantity = Quantity::parse(metric, "USD").filter(|quantity| quantity.currency().is_none())?;
    if quantity == Quantity::Cooldown {
        return None;
    }
    let reported = decimal::parse(said(pattern, "limit")?, USE_SCALE).ok()?;
    let unit = (quantity.scale()..USE_SCALE).fold(1_i64, |unit, _| unit * 10);
    let ceiling = reported / unit;
    let body = format!(
        "  type     {}\n  at most  {}\n  scope    {}\n",
        quantity.source(),
        quantity.format(at_most(ceiling, band)),
        scope_of(said(pattern, "path"))
    );
    Some((String::new(), body))
}

/// The declaration of a meter that a workspace has made itself.
fn meter(quantity: &Quantity) -> Option<String> {
    let (Quantity::PerRun(meter) | Quantity::Accumulated(meter, _)) = quantity else { return None };
    let Meter::Declared { name, unit } = meter else { return None };
    let unit = match unit {
        MeterUnit::Count => "count".to_owned(),
        MeterUnit::Money(currency) => format!("money {currency}"),
        MeterUnit::Duration => "duration".to_owned(),
    };
    Some(format!("meter {name} : {unit}\n\n"))
}

/// The declaration of a fact.
fn declaration(fact: &Fact) -> String {
    let mut line = format!("fact {} : {}", fact.name, fact.ty);
    if let Some((least, most)) = fact.range {
        let bound = |value: i64| match fact.ty.element() {
            ordain_ir::Type::Money { .. } => decimal::format(value, ordain_ir::fact::MONEY_SCALE, 2),
            ordain_ir::Type::Duration => ordain_ir::fact::format_duration(value),
            other => decimal::format(value, other.scale().unwrap_or(0), 0),
        };
        let _ = write!(line, " in {}..{}", bound(least), bound(most));
    }
    if fact.optional {
        line.push_str(" optional");
    }
    if fact.opaque {
        line.push_str(" opaque");
    }
    line + "\n"
}

/// A scope as source; none where a pattern has characters that can't be written.
fn scope(selector: &ScopeSelector) -> Option<String> {
    let list = |patterns: &[ScopePattern]| {
        let all: Option<Vec<String>> = patterns.iter().map(pattern).collect();
        all.map(|all| all.join(", "))
    };
    let include = list(&selector.include)?;
    if selector.except.is_empty() {
        return Some(include);
    }
    Some(format!("{include} except {}", list(&selector.except)?))
}

fn pattern(pattern: &ScopePattern) -> Option<String> {
    let part = |glob: &Option<Glob>| glob.as_ref().map_or_else(|| Some("*".to_owned()), glob_source);
    Some(match pattern.level() {
        Level::Global => "global".to_owned(),
        Level::Tenant => format!("tenant {}", part(&pattern.tenant)?),
        Level::Project => format!("project {}/{}", part(&pattern.tenant)?, part(&pattern.project)?),
        Level::Agent => {
            let (tenant, project) = (part(&pattern.tenant)?, part(&pattern.project)?);
            format!("agent {tenant}/{project}/{}", part(&pattern.agent)?)
        }
        Level::Provider => format!("provider {}", part(&pattern.provider)?),
    })
}

fn glob_source(glob: &Glob) -> Option<String> {
    if let Some(text) = glob.as_literal() {
        return Some(segment(text));
    }
    let text = glob.to_string();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '*' | '?');
    text.chars().all(plain).then_some(text)
}

/// A segment of a path: bare where it is a plain word and none of the language's, in quotation marks otherwise.
fn segment(text: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let bare = text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(plain)
        && !RESERVED.contains(&text);
    if bare { text.to_owned() } else { quoted(text) }
}

/// Words that are no names.
const RESERVED: &[&str] = &[
    "template",
    "tenant",
    "test",
    "true",
    "type",
    "depends",
    "require",
    "rule",
    "active",
    "agent",
    "allow",
    "and",
    "any",
    "apply",
    "at",
    "all",
    "matches",
    "meter",
    "not",
    "scope",
    "source",
    "starts",
    "status",
    "package",
    "per",
    "priority",
    "private",
    "project",
    "provider",
    "or",
    "overrides",
    "in",
    "let",
    "like",
    "limit",
    "until",
    "use",
    "contains",
    "ends",
    "enforce",
    "except",
    "fact",
    "false",
    "from",
    "when",
    "has",
    "because",
    "global",
];

/// A text in quotation marks.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_alphanumeric() || c == ' ' || c.is_ascii_punctuation() => out.push(c),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}
