//! Markdown for the comment of a pull request: a table that sums up, then groups of findings, the worst first. It stays
//! below the size that code hosts take, and says what it leaves out.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::findings::Findings;
use crate::findings::groups::{Group, groups};
use crate::render::check::full::{describe, kind};
use crate::render::check::{Placed, summary};
use crate::render::count;

/// Most bytes. GitHub takes 65,536 characters, and who posts it may put something before it.
const MOST: usize = 60_000;
/// Findings of a group that are listed.
const LISTED: usize = 5;

/// Writes a comment.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(findings);
    let fails = if findings.fail() { "fails" } else { "passes" };
    let mut text = format!("## `ordain check` {fails}\n\n{}\n", escaped(&summary::line(findings)));
    if !groups.is_empty() {
        text += "\n| findings | kind |\n| ---: | --- |\n";
        for (kind, size) in kinds(&groups) {
            let _ = writeln!(text, "| {size} | {} |", escaped(&kind));
        }
    }
    for (at, group) in groups.iter().enumerate() {
        let section = section(findings, group);
        let left = groups.len() - at;
        if text.len() + section.len() > MOST {
            let sum: usize = groups[at..].iter().map(|group| group.findings.len()).sum();
            let _ = write!(
                text,
                "\n{} in {} left out here; `ordain check` shows all.\n",
                count(sum, "finding"),
                count(left, "group")
            );
            break;
        }
        text += &section;
    }
    out.write_all(text.as_bytes())
}

/// How many findings there are of each kind.
fn kinds(groups: &[Group<'_, '_>]) -> Vec<(String, usize)> {
    let mut kinds: Vec<(String, usize)> = vec![];
    for group in groups {
        let kind = kind(group.example());
        match kinds.last_mut().filter(|(last, _)| *last == kind) {
            Some((_, size)) => *size += group.findings.len(),
            None => kinds.push((kind, group.findings.len())),
        }
    }
    kinds
}

fn section(findings: &Findings<'_>, group: &Group<'_, '_>) -> String {
    let head = format!("{}, {}", kind(group.example()), describe(findings, group.cause));
    let mut text = format!("\n### {} \u{d7} {}\n\n", group.findings.len(), escaped(&head));
    for (at, finding) in group.findings.iter().take(LISTED).enumerate() {
        let placed = Placed::of(findings, finding);
        let line = placed.span[0].line;
        let _ = writeln!(text, "- {}:{line}: {}", code(&placed.path), escaped(&placed.diagnostic.message));
        // Of the first also the evidence.
        if at == 0 {
            for note in &placed.diagnostic.notes {
                let _ = writeln!(text, "  - {}", escaped(&note.replace('\n', " ")));
            }
            if let Some(help) = &placed.diagnostic.help {
                let _ = writeln!(text, "  - help: {}", escaped(help));
            }
        }
    }
    if group.findings.len() > LISTED {
        let _ = writeln!(text, "- \u{2026} and {} more", group.findings.len() - LISTED);
    }
    text
}

/// Text in which nothing is a tag, a table's bar, a mention or an issue. Code in backticks stays code.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut within = false;
    for c in text.chars() {
        within ^= c == '`';
        match c {
            '|' => out.push_str("\\|"),
            '\n' => out.push(' '),
            '<' if !within => out.push_str("&lt;"),
            '&' if !within => out.push_str("&amp;"),
            '*' | '_' | '[' | ']' | '\\' | '~' if !within => out.extend(['\\', c]),
            '@' | '#' if !within => out.extend([c, '\u{200b}']),
            _ => out.push(c),
        }
    }
    out
}

/// Text as code, whatever backticks it has.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
