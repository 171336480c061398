//! The baseline: warnings that were there before, so that only new ones are shown.
//!
//! A file of JSON with one finding a line, sorted, so that differences of it can be read. It never has an error or a
//! BLOCKING conflict.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use ordain_ir::{Code, Severity};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;
use crate::findings::{Finding, Findings, State, What};

/// Version of the file's shape.
const VERSION: u32 = 1;

/// A finding that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Its code.
    pub(crate) code: Code,
    /// What it is about, for readers: the names of policies, or the message.
    pub(crate) about: String,
    /// Its fingerprint.
    pub(crate) id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

/// What was known before.
#[derive(Debug, Default)]
pub(crate) struct Baseline(BTreeMap<String, Entry>);

impl Baseline {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = fs::read(path).map_err(|reason| match reason.kind() {
            io::ErrorKind::NotFound => Failure::Other(format!(
                "the baseline `{}` does not exist; `--write-baseline` makes it of what is found now",
                path.display()
            )),
            _ => Failure::Read { path: path.to_owned(), reason },
        })?;
        let unfit = |reason: String| Failure::Other(format!("`{}` is no baseline: {reason}", path.display()));
        let file: File = serde_json::from_slice(&bytes).map_err(|error| unfit(error.to_string()))?;
        if file.version != VERSION {
            return Err(unfit(format!("its version is {}, this program reads {VERSION}", file.version)));
        }
        Ok(Self(file.findings.into_iter().map(|entry| (entry.id.clone(), entry)).collect()))
    }

    /// Of everything that a baseline may have: open warnings.
    pub(crate) fn of(findings: &Findings<'_>) -> Self {
        let mut known = findings.all.iter().filter(|finding| coverable(finding)).collect::<Vec<_>>();
        known.retain(|finding| matches!(finding.state, State::Open | State::Known));
        let entry = |finding: &&Finding<'_>| (finding.id.to_string(), entry(finding));
        Self(known.iter().map(entry).collect())
    }

    /// Writes the file, whole.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let sorted: BTreeSet<&Entry> = self.0.values().collect();
        let lines: Vec<String> = sorted
            .into_iter()
            .map(|entry| "    ".to_owned() + &serde_json::to_string(entry).expect("three texts"))
            .collect();
        let body = if lines.is_empty() { String::new() } else { format!("\n{}\n  ", lines.join(",\n")) };
        let text = format!("{{\n  \"version\": {VERSION},\n  \"findings\": [{body}]\n}}\n");
        files::write_whole(path, text.as_bytes())
    }

    /// How many findings it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has this finding.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// What it has that is not among these, in the order of the file.
    pub(super) fn stale<'f>(&self, found: impl Iterator<Item = &'f str>) -> Vec<Entry> {
        let found: BTreeSet<&str> = found.collect();
        let mut stale: Vec<Entry> =
            self.0.values().filter(|entry| !found.contains(entry.id.as_str())).cloned().collect();
        stale.sort();
        stale
    }
}

/// Whether a baseline may have a finding.
fn coverable(finding: &Finding<'_>) -> bool {
    finding.severity() != Severity::Error
}

fn entry(finding: &Finding<'_>) -> Entry {
    let about = match finding.what {
        What::Source(diagnostic) => diagnostic.message.clone(),
        What::Conflict(conflict) => {
            let names: Vec<&str> = conflict.policies.iter().map(|policy| policy.name.as_str()).collect();
            names.join(", ")
        }
    };
    Entry { code: finding.code().clone(), about, id: finding.id.to_string() }
}
