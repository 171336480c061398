//! Specifications in Markdown, run as tests.
//!
//! Each section with code in it is one case. Its fenced blocks are
//!
//! - `ordain`: a source file, named by a line of the form `` `name.ordain`: `` before it, else `main.ordain`; in it
//!   `⟨U+202E⟩` stands for the character with this number;
//! - `yaml`: the workspace's `ordain.yaml`, defaults without it;
//! - `expect`: what comes out, one finding a line:
//!
//! ```text
//! conflict SCOPE_OVERLAP WARNING proved safety-baseline, rate-limit-warning: Policy 'safety-baseline' blocks while …
//! conflict SCOPE_OVERLAP WARNING proved allowed old, new
//! conflict THRESHOLD_CONTRADICTION empty BLOCKING proved floor, ceiling
//! edge ethical-ai -> safety-baseline IMPLICIT_SCOPE
//! no edges
//! no lints
//! rule safety-baseline
//! limit daily COST_DAILY AT_MOST 400.00 USD BLOCK
//! test "exports are blocked"
//! now 2027-03-01T00:00:00Z
//! error[ORD0801]: a diagnostic that stands in no source line
//! ```
//!
//! The explanation of a conflict is optional, and exact where it is given. Edges are compared where the block says
//! something of them; so are policies, by what is left of them, and tests that can be run. `now` is the instant at
//! which `allow`s are asked whether they have run out, and windows whether they have passed; none has without it.
//! Lints (`ORD0402` and what follows) count in a case that expects one, or says `no lints`.
//!
//! A diagnostic is expected where it is found, by a comment at the end of its first line,
//! ``// error[ORD0201] at `nope`: part of the message``, or in a comment of its own for the last line before that has
//! none. What it stands at, from the first of its bytes to the last, and the message are optional. Whatever is expected
//! and not found, or found and not expected, fails.

mod parse;
mod run;

use std::collections::BTreeSet;
use std::fmt;

/// One section with code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// The headings above it, joined.
    pub title: String,
    /// Line of its heading in the Markdown file, from 1.
    pub line: usize,
    /// Sources, by path, in order.
    pub files: Vec<(String, String)>,
    /// `ordain.yaml`.
    pub manifest: Option<String>,
    /// Lines of `expect` blocks that are not empty.
    pub expected: Vec<String>,
}

impl Case {
    /// The codes of the diagnostics that it expects.
    pub fn codes(&self) -> BTreeSet<String> {
        let comments = self.files.iter().flat_map(|(file, text)| run::comments(file, text));
        let code = |line: &str| {
            let (_, code) = run::expectation(line)?.0.split_once('[')?;
            Some(code.split(' ').next().unwrap_or_default().to_owned())
        };
        comments.chain(self.expected.iter().cloned()).filter_map(|line| code(&line)).collect()
    }
}

/// What is wrong with a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Expected, and not found.
    pub missing: Vec<String>,
    /// Found, and not expected.
    pub unexpected: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.missing {
            writeln!(f, "    expected and not found: {line}")?;
        }
        for line in &self.unexpected {
            writeln!(f, "    found and not expected: {line}")?;
        }
        Ok(())
    }
}

/// Takes a Markdown file apart. The error names the line of a block that is not understood.
pub fn parse(markdown: &str) -> Result<Vec<Case>, String> {
    parse::cases(markdown)
}

/// Compiles and analyses a case in a folder of its own, and compares.
pub fn check(case: &Case) -> Result<(), Mismatch> {
    run::check(case)
}
