//! Semantic differences for people and for programs.

use std::fmt::Write as _;

use ordain_analyzer::{Change, Difference, Example, Kind, Shift, Shifts};
use serde_json::json;

use crate::render::count;

const SHIFTS: [(Shift, &str); 2] = [(Shift::Loosened, "loosened"), (Shift::Tightened, "tightened")];

fn shifts(change: &Change, shift: Shift) -> &Shifts {
    match shift {
        Shift::Tightened => &change.tightened,
        Shift::Loosened => &change.loosened,
    }
}

/// What comes of a change, in a word or two.
fn effect(change: &Change) -> String {
    let words = SHIFTS.iter().filter_map(|(shift, word)| match shifts(change, *shift) {
        Shifts::Yes(_) => Some((*word).to_owned()),
        Shifts::Undecided { .. } => Some(format!("perhaps {word}")),
        Shifts::No => None,
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "no decision differs".to_owned() } else { words.join(", ") }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "added",
        Kind::Removed => "removed",
        Kind::Changed => "changed",
    }
}

/// What differs in a policy: its clauses, and its values where they fit a line.
fn what(change: &Change) -> String {
    let clauses: Vec<&str> = change.clauses.iter().map(|clause| clause.as_str()).collect();
    match (&change.values, clauses.is_empty()) {
        (Some((before, after)), _) => format!("{}: {before} -> {after}", clauses.join(", ")),
        (None, false) => clauses.join(", "),
        (None, true) => String::new(),
    }
}

/// One line that sums up.
fn verdict(difference: &Difference) -> String {
    let policies = count(difference.changes.len(), "policy");
    let differ = if difference.changes.len() == 1 { "differs" } else { "differ" };
    if difference.is_equivalent() {
        return if difference.changes.is_empty() {
            "equivalent: no policy differs".to_owned()
        } else {
            format!("equivalent: {policies} {differ}, and every decision is proved to be the same")
        };
    }
    let mut said: Vec<String> = SHIFTS
        .iter()
        .filter(|(shift, _)| difference.has(*shift))
        .map(|(_, word)| (*word).to_owned())
        .collect();
    if difference.is_undecided() {
        said.push("undecided in part".to_owned());
    }
    format!("{}: {policies} {differ}", said.join(" and "))
}

/// A request with what was and is decided: `acme/support/mailer at Mon …: ALLOW -> BLOCK`.
fn example(example: &Example) -> String {
    let mut words = ordain_analyzer::witness_in_words(&example.witness);
    if !example.used.is_empty() {
        let used: Vec<String> =
            example.used.iter().map(|(limit, amount)| format!("{amount} of {limit}")).collect();
        let _ = write!(words, ", after {}", used.join(", "));
    }
    format!("{} -> {}: {words}", example.before, example.after)
}

/// For people.
pub(crate) fn text(difference: &Difference) -> String {
    let mut out = String::new();
    for change in &difference.changes {
        let _ = writeln!(
            out,
            "{:<8} {} {}  ({})",
            kind(change.kind),
            change.policy.kind,
            change.policy.name,
            effect(change)
        );
        let what = what(change);
        if !what.is_empty() {
            let _ = writeln!(out, "         {what}");
        }
        for (shift, word) in SHIFTS {
            match shifts(change, shift) {
                Shifts::No => {}
                Shifts::Yes(found) => {
                    let _ = writeln!(out, "  {word:<10} {}", example(found));
                }
                Shifts::Undecided { reason } => {
                    let _ = writeln!(out, "  {word:<10} undecided: {reason}");
                }
            }
        }
    }
    for note in &difference.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out + &verdict(difference) + "\n"
}

/// For a comment on a change.
pub(crate) fn markdown(difference: &Difference) -> String {
    let mut out = format!("**{}**\n", verdict(difference));
    if !difference.changes.is_empty() {
        out.push_str("\n| policy | | decisions | for example |\n| --- | --- | --- | --- |\n");
    }
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for change in &difference.changes {
        let examples: Vec<String> = SHIFTS
            .iter()
            .filter_map(|(shift, _)| match shifts(change, *shift) {
                Shifts::Yes(found) => Some(cell(&example(found))),
                Shifts::Undecided { reason } => Some(format!("undecided: {}", cell(reason))),
                Shifts::No => None,
            })
            .collect();
        let mut said = kind(change.kind).to_owned();
        let what = what(change);
        if !what.is_empty() {
            let _ = write!(said, " {}", cell(&what));
        }
        let _ = writeln!(
            out,
            "| {} `{}` | {said} | {} | {} |",
            change.policy.kind,
            change.policy.name,
            effect(change),
            examples.join("<br>")
        );
    }
    for note in &difference.notes {
        let _ = write!(out, "\n{note}\n");
    }
    out
}

/// For programs: described by `docs/diff.schema.json`.
pub(crate) fn json(difference: &Difference) -> String {
    let output = json!({
        "schema_version": 1,
        "equivalent": difference.is_equivalent(),
        "tightened": difference.has(Shift::Tightened),
        "loosened": difference.has(Shift::Loosened),
        "undecided": difference.is_undecided(),
        "changes": difference.changes,
        "notes": difference.notes,
    });
    format!("{output:#}\n")
}
