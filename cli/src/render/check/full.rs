//! For people: source with carets, evidence and advice. Many findings are grouped by what they have in common.

use std::io::{self, Write};

use ordain_ir::{ConflictSeverity, PolicyId, codes};

use crate::commands::explain;
use crate::findings::groups::{Cause, Group, causes_of_most, groups};
use crate::findings::{Finding, Findings, What};
use crate::render::check::{Look, summary};
use crate::render::count;
use crate::render::terminal::Terminal;

/// Columns where there is no terminal.
pub(crate) const WIDTH: usize = 110;
/// More findings than this are grouped.
const FEW: usize = 30;
/// Groups that are shown with an example, beside the first of each kind.
const EXAMPLES: usize = 10;
/// Further groups that get a line.
const LINES: usize = 15;
/// Causes in the table at the end.
const CAUSES: usize = 10;

/// Writes findings with their source, then one line that sums up.
pub(crate) fn write(findings: &Findings<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let terminal = match look.width {
        Some(width) => Terminal::of_width(width, look.color),
        None => Terminal::new(look.color),
    };
    let open = findings.open();
    if look.all || open.len() <= FEW {
        for finding in &open {
            writeln!(out, "{}", terminal.draw(&finding.diagnostic(findings.checked), &findings.texts))?;
        }
    } else {
        grouped(findings, &terminal, look, out)?;
    }
    writeln!(out, "{}", summary::line(findings))?;
    // Who reads it in a terminal can ask on.
    if look.hint {
        write!(out, "{}", explain::hint(open.iter().map(|found| found.code())))?;
    }
    Ok(())
}

fn grouped(findings: &Findings<'_>, terminal: &Terminal, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(findings);
    let (shown, rest) = chosen(&groups);
    for group in shown {
        let head = format!(
            "{} {}, {}",
            group.findings.len(),
            kind(group.example()),
            describe(findings, group.cause)
        );
        let head = if look.color { format!("\u{1b}[1m{head}\u{1b}[0m") } else { head };
        writeln!(out, "── {head}\n")?;
        let example = group.example().diagnostic(findings.checked);
        write!(out, "{}", terminal.draw(&example, &findings.texts))?;
        let more = group.findings.len() - 1;
        let more = if more == 0 { String::new() } else { format!("  … and {more} more\n") };
        writeln!(out, "{more}")?;
    }
    if !rest.is_empty() {
        let listed = &rest[..rest.len().min(LINES)];
        let (last, what) = others(rest[listed.len()..].iter().map(|group| group.findings.len()));
        let width = width(listed.iter().map(|group| group.findings.len()).chain([last]));
        writeln!(out, "further groups\n")?;
        for group in listed {
            let (size, kind) = (group.findings.len(), kind(group.example()));
            writeln!(out, "  {size:>width$}  {kind}, {}", describe(findings, group.cause))?;
        }
        if last > 0 {
            writeln!(out, "  {last:>width$}  {what}")?;
        }
        writeln!(out)?;
    }
    let causes = causes_of_most(findings);
    let total: usize = causes.iter().map(|group| group.findings.len()).sum();
    writeln!(out, "what most of the {total} findings have in common\n")?;
    let (top, few) = causes.split_at(causes.len().min(CAUSES));
    let (last, what) = others(few.iter().map(|group| group.findings.len()));
    let width = width(top.iter().map(|group| group.findings.len()).chain([last]));
    for group in top {
        let size = group.findings.len();
        writeln!(out, "  {size:>width$}  {:>3}%  {}", size * 100 / total, describe(findings, group.cause))?;
    }
    if last > 0 {
        writeln!(out, "  {last:>width$}  {:>3}%  {what}", last * 100 / total)?;
    }
    writeln!(out, "\n`--all` shows every finding, `--format concise` each on one line\n")
}

/// The groups that are shown with an example: the first of each kind, and of the others the worst. The rest in order.
fn chosen<'g, 'a, 'f>(groups: &'g [Group<'a, 'f>]) -> (Vec<&'g Group<'a, 'f>>, Vec<&'g Group<'a, 'f>>) {
    let first = |at: usize| at == 0 || kind(groups[at].example()) != kind(groups[at - 1].example());
    let firsts = (0..groups.len()).filter(|at| first(*at)).count();
    let mut others = EXAMPLES.saturating_sub(firsts);
    let (mut shown, mut rest) = (vec![], vec![]);
    for (at, group) in groups.iter().enumerate() {
        if first(at) {
            shown.push(group);
        } else if others > 0 {
            others -= 1;
            shown.push(group);
        } else {
            rest.push(group);
        }
    }
    (shown, rest)
}

/// How many findings are in groups of these sizes, and what to call them.
fn others(sizes: impl ExactSizeIterator<Item = usize>) -> (usize, String) {
    let what = format!("in {}", count(sizes.len(), "smaller group"));
    (sizes.sum(), what)
}

fn width(numbers: impl Iterator<Item = usize>) -> usize {
    numbers.map(|n| n.to_string().len()).max().unwrap_or_default()
}

/// Severity and type of a finding, or severity and title of its code.
pub(super) fn kind(finding: &Finding<'_>) -> String {
    let code = finding.code();
    match finding.what {
        What::Source(found) => {
            let title = codes::title(code).map(|title| format!(": {title}")).unwrap_or_default();
            format!("{} {code}{title}", found.severity)
        }
        What::Conflict(conflict) => {
            let suspected = match conflict.certainty {
                ordain_ir::Certainty::Proved => "",
                ordain_ir::Certainty::Suspected => " suspected",
            };
            let severity = match conflict.severity {
                ConflictSeverity::Blocking => "BLOCKING",
                ConflictSeverity::Warning => "WARNING",
            };
            format!("{severity} {} ({code}){suspected}", conflict.conflict_type)
        }
    }
}

/// What a group has in common, in words.
pub(super) fn describe(findings: &Findings<'_>, cause: Cause<'_>) -> String {
    match cause {
        Cause::Template(name) => format!("template `{name}`"),
        Cause::Policy(name, kind) => {
            let source = findings.checked.sources.get(&PolicyId::of(name));
            let at = source.map(|source| {
                let (file, place) = match &source.application {
                    Some(site) => (&site.file, site.place),
                    None => (&source.file, source.item),
                };
                format!(" ({file}:{})", place.line)
            });
            format!("{kind} `{name}`{}", at.unwrap_or_default())
        }
        Cause::Package("") => "within policies without a package".to_owned(),
        Cause::Package(name) => format!("within `{name}`"),
        Cause::Packages(first, second) => format!("between `{first}` and `{second}`"),
        Cause::File(file) => format!("in `{file}`"),
        Cause::Files(0) => "in no file".to_owned(),
        Cause::Files(files) => format!("a few in each of {}", count(files, "file")),
    }
}
