//! Workflow commands of GitHub Actions: annotations at the lines of a pull request.
//!
//! GitHub shows ten errors, ten warnings and ten notices of a step and drops the others without a word. So of more
//! than ten, nine become annotations, as different ones as possible, the tenth says how many are left, and all that
//! is left stands in the log, folded.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ordain_ir::Severity;

use crate::findings::groups::{Group, groups};
use crate::findings::{Finding, Findings};
use crate::render::check::{Placed, summary};

/// Annotations of each level that GitHub shows of a step.
const MOST: usize = 10;

/// Writes findings, errors first, and one line that sums up.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut by_level: BTreeMap<Severity, Vec<&Finding<'_>>> = BTreeMap::new();
    for finding in spread(findings) {
        by_level.entry(finding.severity()).or_default().push(finding);
    }
    for (severity, found) in by_level {
        let shown = if found.len() > MOST { MOST - 1 } else { found.len() };
        let (shown, rest) = found.split_at(shown);
        for finding in shown {
            annotate(findings, finding, out)?;
        }
        if rest.is_empty() {
            continue;
        }
        let level = level(severity);
        writeln!(
            out,
            "::{level} title=ordain::{} more of this level are in the log of this step",
            rest.len()
        )?;
        writeln!(out, "::group::{} more of level {level}", rest.len())?;
        for finding in rest {
            let placed = Placed::of(findings, finding);
            let message = placed.diagnostic.message.replace('\n', " ");
            // A line that begins with `::` would be a command; a path never does.
            writeln!(out, "{}:{}: {}: {message}", placed.path, placed.span[0].line, finding.code())?;
        }
        writeln!(out, "::endgroup::")?;
    }
    writeln!(out, "{}", summary::line(findings))
}

/// Findings, the worst kind first, where those that stand for a group come before the others of their kind.
fn spread<'a, 'f>(findings: &'f Findings<'a>) -> impl Iterator<Item = &'f Finding<'a>> {
    let groups = groups(findings);
    let firsts: Vec<_> = groups.iter().map(Group::example).collect();
    let rest: Vec<_> = groups.iter().flat_map(|group| group.findings[1..].iter().copied()).collect();
    firsts.into_iter().chain(rest)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

fn annotate(findings: &Findings<'_>, finding: &Finding<'_>, out: &mut dyn Write) -> io::Result<()> {
    let placed = Placed::of(findings, finding);
    let [start, end] = placed.span;
    write!(out, "::{} file={},line={}", level(finding.severity()), property(&placed.path), start.line)?;
    write!(out, ",endLine={}", end.line.max(start.line))?;
    // Columns count only within one line.
    if start.line == end.line {
        write!(out, ",col={},endColumn={}", start.column, end.column)?;
    }
    let title = format!("{} {}", finding.code(), ordain_ir::codes::title(finding.code()).unwrap_or_default());
    writeln!(out, ",title={}::{}", property(&title), data(&placed.explained()))
}

/// Text as the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        assert_eq!(property("a:b,c%d\r\n"), "a%3Ab%2Cc%25d%0D%0A");
        assert_eq!(data("100%: a,b\n"), "100%25: a,b%0A");
    }
}
