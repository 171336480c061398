//! Coverage for people.

use std::fmt::Write as _;

use ordain_ir::{PolicyKind, Site};

use super::percent;
use crate::testing::coverage::{Coverage, Covered, Reached, Share};
use crate::testing::session::Suite;

const HEAD: [&str; 4] = ["policy", "in domain", "decided", "branches"];

/// A line for each policy, totals, and what is left to test.
pub(crate) fn render(suites: &[Suite]) -> String {
    let mut out = String::new();
    for suite in suites {
        let Some(coverage) = &suite.coverage else { continue };
        if suites.len() > 1 {
            let _ = writeln!(out, "\n{}", suite.workspace);
        }
        out.push('\n');
        table(coverage, &mut out);
        out.push('\n');
        totals(coverage, &mut out);
        left(coverage, &mut out);
    }
    out
}

fn table(coverage: &Coverage, out: &mut String) {
    let rows: Vec<[String; 4]> = coverage
        .policies
        .iter()
        .map(|policy| {
            let Share { covered, total } = policy.branches();
            [
                format!("{:<5} {}", policy.written.kind, policy.written.name),
                policy.counts.in_domain.to_string(),
                if policy.written.guarantee { "-".to_owned() } else { policy.counts.decided.to_string() },
                if total == 0 { "-".to_owned() } else { format!("{covered}/{total}") },
            ]
        })
        .collect();
    let head = HEAD.map(str::to_owned);
    let width = |column: usize| {
        rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    for [name, in_domain, decided, branches] in [&head].into_iter().chain(&rows) {
        let [first, second, third, fourth] = widths;
        let _ = writeln!(out, "{name:<first$}  {in_domain:>second$}  {decided:>third$}  {branches:>fourth$}");
    }
}

fn totals(coverage: &Coverage, out: &mut String) {
    let rows = [
        ("rules decided", coverage.decided(PolicyKind::Rule)),
        ("limits decided", coverage.decided(PolicyKind::Limit)),
        ("branches seen", coverage.branches()),
        ("covered", coverage.total()),
    ];
    for (what, share) in rows {
        let of = format!("{} of {}", share.covered, share.total);
        let _ = writeln!(out, "{what:<15}  {of:>10}  {:>7}", percent(share));
    }
}

/// What no test has seen, where it stands.
fn left(coverage: &Coverage, out: &mut String) {
    let mut lines = vec![];
    let place = |site: &Site| format!("{}:{}:{}", site.file, site.place.line, site.place.column);
    for covered in &coverage.policies {
        let Covered { written, counts } = covered;
        let what = match covered.reached() {
            Reached::Never => "is in the domain of no test",
            Reached::InDomain => "never decides",
            Reached::Decided => "",
        };
        if !what.is_empty() {
            lines.push(format!("{}: `{}` {what}", place(&written.site), written.name));
        }
        for (leaf, seen) in written.leaves.iter().zip(&counts.leaves) {
            let never = match seen {
                // Of a policy that is never asked, that is said already.
                [0, 0] if covered.reached() == Reached::Never => continue,
                [0, 0] => "true or false",
                [0, _] => "true",
                [_, 0] => "false",
                _ => continue,
            };
            lines.push(format!("{}: `{}` is never {never}", place(&leaf.site), leaf.text));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\nleft to test");
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
    }
}
