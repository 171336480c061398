//! What came of tests, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ordain_ir::{Condition, FactName, Label, PolicyName, Site};

use super::{decided, names, wanted};
use crate::render::count;
use crate::render::terminal::Terminal;
use crate::testing::run::{TestRun, Unmet};
use crate::testing::session::{Suite, Totals};
use crate::testing::words::{self, name_in};

/// Writes results.
pub(crate) struct Text {
    terminal: Terminal,
    color: bool,
    /// Whether tests that pass are named, too.
    verbose: bool,
}

impl Text {
    /// With or without colours, and names of tests that pass.
    pub(crate) fn new(color: bool, verbose: bool) -> Self {
        Self { terminal: Terminal::new(color), color, verbose }
    }

    /// As it is kept in files.
    pub(super) fn plain() -> Self {
        Self { terminal: Terminal::plain(), color: false, verbose: false }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn word(&self, passed: bool) -> String {
        if passed { self.paint("32", "ok    ") } else { self.paint("31", "FAILED") }
    }

    /// A line for each package, what fails in it, and a line that sums up.
    pub(crate) fn results(&self, suites: &[Suite]) -> String {
        let mut out = String::new();
        for suite in suites {
            let names =
                suite.packages().filter_map(|runs| runs.first()).map(|run| run.case.package.chars().count());
            let width = names.max().unwrap_or(0);
            for runs in suite.packages() {
                self.package(suite, runs, width, &mut out);
            }
        }
        out + &self.summary(suites)
    }

    fn package(&self, suite: &Suite, runs: &[TestRun], width: usize, out: &mut String) {
        let failed = runs.iter().filter(|run| !run.passed()).count();
        let package = &runs[0].case.package;
        let tally = match failed {
            0 => count(runs.len(), "test"),
            _ => format!("{failed} of {} failed", count(runs.len(), "test")),
        };
        let _ = writeln!(out, "{}  {package:<width$}  {tally}", self.word(failed == 0));
        for run in runs {
            if self.verbose && run.passed() {
                let _ = writeln!(out, "  {}  {}", self.word(true), run.case.name);
            }
            if !run.passed() {
                out.push_str(&self.failure(suite, run));
            }
        }
    }

    /// `3 tests: 2 passed, 1 failed`
    fn summary(&self, suites: &[Suite]) -> String {
        let Totals { tests, passed, failed, skipped } = Totals::of(suites);
        if tests + skipped == 0 {
            let files = suites.iter().map(|suite| suite.files.len()).sum();
            return format!("no tests found in {}\n", count(files, "file"));
        }
        let mut parts = vec![format!("{passed} passed")];
        if failed > 0 {
            parts.push(self.paint("31", &format!("{failed} failed")));
        }
        if skipped > 0 {
            parts.push(format!("{skipped} left out"));
        }
        format!("{}: {}\n", count(tests, "test"), parts.join(", "))
    }

    /// Everything about a test that failed.
    pub(crate) fn failure(&self, suite: &Suite, run: &TestRun) -> String {
        let mut out = format!("\n  {}  {}\n\n", self.word(false), run.case.name);
        let texts = suite.texts.iter().collect();
        if let Err(reason) = &run.decision {
            let message = format!("no decision: {reason}");
            out.push_str(&self.terminal.draw_message(&message, &label(&run.case.site, ""), &[], &texts));
        }
        for unmet in &run.unmet {
            let expected = run.expectation(unmet);
            let message = format!("expected {}", wanted(run, expected));
            let primary = label(&expected.site, &format!("decided {}", decided(run)));
            let secondary = blamed(suite, run, unmet);
            out.push_str(&self.terminal.draw_message(&message, &primary, &secondary, &texts));
            self.difference(run, unmet, &mut out);
            self.defaults(run, unmet, &mut out);
        }
        if let Ok(decision) = &run.decision {
            let reasons = decision.to_string().replace('\n', "\n  ");
            let _ = writeln!(out, "  {}: {reasons}\n", self.paint("36", "decision"));
        }
        out
    }

    /// What was wanted with `-`, what came with `+`, and for each policy why.
    fn difference(&self, run: &TestRun, unmet: &Unmet, out: &mut String) {
        let Ok(decision) = &run.decision else { return };
        let expected = run.expectation(unmet);
        let minus = |text: String| self.paint("31", &format!("- {text}"));
        let plus = |text: String| self.paint("32", &format!("+ {text}"));
        let mut lines = vec![];
        if decision.outcome == expected.outcome {
            lines.push(format!("  {}", expected.outcome));
        } else {
            lines.push(minus(expected.outcome.to_string()));
            lines.push(plus(decision.outcome.to_string()));
        }
        for (policy, silence) in &unmet.missing {
            lines.push(minus(format!("by {}, which {}", names(run, [policy]), silence.words())));
        }
        for policy in decision.deciders() {
            let by = format!("by {}", names(run, [policy]));
            if unmet.unwanted.contains(policy) {
                lines.push(plus(format!("{by}, which was not to demand it")));
            } else if expected.by.contains(policy) && decision.outcome == expected.outcome {
                lines.push(format!("  {by}"));
            } else if !unmet.missing.is_empty() || decision.outcome != expected.outcome {
                lines.push(plus(by));
            }
        }
        for line in lines {
            let _ = writeln!(out, "    {line}");
        }
    }

    /// What the test leaves out and the policies concerned read.
    fn defaults(&self, run: &TestRun, unmet: &Unmet, out: &mut String) {
        if unmet.defaults.is_empty() {
            return;
        }
        let values = unmet.defaults.iter().filter_map(|(fact, value)| {
            Some(format!("{fact} = {}", words::value(value, &run.policies.facts.get(fact)?.ty)))
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "  {}: {values}", self.paint("36", "not given"));
    }
}

fn label(site: &Site, text: &str) -> Label {
    Label { file: site.file.clone(), span: site.place.span, text: text.to_owned() }
}

/// The parts of conditions that keep policies silent, where they stand.
fn blamed(suite: &Suite, run: &TestRun, unmet: &Unmet) -> Vec<Label> {
    let mut labels: Vec<Label> = vec![];
    for (policy, silence) in &unmet.missing {
        let Some((whose, parts)) = silence.blamed(policy) else { continue };
        for branch in suite.branches(run, whose) {
            let mut read = BTreeSet::new();
            // A branch may stand for a `let` with several parts.
            parts
                .iter()
                .filter(|part| contains(&branch.condition, part))
                .for_each(|part| part.collect_facts(&mut read));
            let label = label(&branch.site, &blame(run, unmet, whose, &read));
            if !read.is_empty() && !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    labels
}

fn contains(condition: &Condition, part: &Condition) -> bool {
    condition == part
        || match condition {
            Condition::Not(inner) => contains(inner, part),
            Condition::And(parts) | Condition::Or(parts) => parts.iter().any(|inner| contains(inner, part)),
            _ => false,
        }
}

/// `keeps `no-export` silent: data.class is public, as the test does not give it`
fn blame(run: &TestRun, unmet: &Unmet, policy: &PolicyName, read: &BTreeSet<FactName>) -> String {
    let facts = read.iter().filter_map(|fact| {
        let declared = run.policies.facts.get(fact)?;
        Some(match run.case.request.facts.get(fact) {
            None => format!("{fact} is absent"),
            Some(value) if unmet.defaults.contains_key(fact) => {
                format!("{fact} is {}, as the test does not give it", words::value(value, &declared.ty))
            }
            Some(value) => format!("{fact} is {}", words::value(value, &declared.ty)),
        })
    });
    let facts = facts.collect::<Vec<_>>().join(", ");
    format!("keeps `{}` silent: {facts}", name_in(&run.policies, policy, &run.case.package))
}
