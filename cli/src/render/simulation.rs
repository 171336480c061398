//! `simulate` for people.

use std::fmt::Write as _;

use ordain_ir::PolicyName;

use crate::render::count;
use crate::simulation::{Change, Differences, Outcomes, Parts, Statistics};
use crate::testing::words::listed;

/// The statistics, and how they differ from those of other policies.
pub(crate) fn text(statistics: &Statistics, against: Option<(&Statistics, &Differences)>) -> String {
    let mut out = count(usize::try_from(statistics.requests).unwrap_or(usize::MAX), "request");
    if let (Some(from), Some(until)) = (statistics.from, statistics.until) {
        let _ = write!(out, " from {from} to {until}");
    }
    let _ = writeln!(out, ": {}", outcomes(&statistics.outcomes));
    if statistics.with_faults > 0 {
        let _ = writeln!(out, "{} of them with faults", statistics.with_faults);
    }

    let width = |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0);
    let spoke: Vec<(&PolicyName, &Parts)> =
        statistics.policies.iter().filter(|(_, parts)| **parts != Parts::default()).collect();
    if !spoke.is_empty() {
        let width = width(&mut spoke.iter().map(|(name, _)| name.as_str().len()));
        let _ = writeln!(
            out,
            "\n{:width$} {:>9} {:>9} {:>9} {:>9}",
            "policy", "decided", "milder", "silenced", "held"
        );
        for (name, Parts { decided, milder, silenced, held }) in &spoke {
            let _ = writeln!(out, "{name:width$} {decided:>9} {milder:>9} {silenced:>9} {held:>9}");
        }
    }
    let silent: Vec<&str> = statistics
        .policies
        .iter()
        .filter(|(_, parts)| **parts == Parts::default())
        .map(|(name, _)| name.as_str())
        .collect();
    if !silent.is_empty() {
        let _ = writeln!(out, "\nno request is in the domain of {}", listed(silent));
    }

    let columns = width(&mut statistics.scopes.keys().map(String::len)).max("project".len());
    let _ = writeln!(out, "\n{:columns$} outcomes", "project");
    for (scope, own) in &statistics.scopes {
        let _ = writeln!(out, "{scope:columns$} {}", outcomes(own));
    }

    if !statistics.bands.is_empty() {
        let _ = writeln!(out, "\nlimits that came near their bounds, in percent, and how often");
        for (limit, bands) in &statistics.bands {
            let bands: Vec<String> =
                bands.iter().map(|(band, times)| format!("{} {times}×", band.as_str())).collect();
            let _ = writeln!(out, "{limit}: {}", bands.join(", "));
        }
    }

    if let Some((other, differences)) = against {
        let _ = writeln!(out, "\nthe policies compared with: {}", outcomes(&other.outcomes));
        let changed = differences.stricter + differences.milder;
        if changed == 0 {
            let _ = writeln!(out, "no outcome differs");
        } else {
            let _ = writeln!(
                out,
                "{changed} outcomes differ: {} stricter, {} milder",
                differences.stricter, differences.milder
            );
        }
        for Change { before, after, requests, first } in &differences.changes {
            let by = |names: &[PolicyName]| {
                if names.is_empty() {
                    String::new()
                } else {
                    format!(" by {}", listed(names.iter().map(PolicyName::as_str)))
                }
            };
            let _ = writeln!(
                out,
                "  {before} -> {after}: {requests}, first on line {}, {} at {}: {before}{}, then {after}{}",
                first.line,
                first.path,
                first.at,
                by(&first.before_by),
                by(&first.after_by)
            );
        }
    }
    out
}

/// `ALLOW 12, BLOCK 3`
fn outcomes(outcomes: &Outcomes) -> String {
    let words: Vec<String> = outcomes.iter().map(|(outcome, times)| format!("{outcome} {times}")).collect();
    words.join(", ")
}
