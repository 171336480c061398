//! Everything there is to say about the files of a workspace, ready to be shown per file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Diagnostic, Label, Obligation, Policies, PolicyId, Report, Severity, SourceMap, Span};

use crate::{Analysed, LineIndex, WORKSPACE_FILE};

/// A checked state of a workspace: syntax, names, types. Later, conflicts are set into it.
pub struct Checked {
    pub(crate) policies: Arc<Policies>,
    pub(crate) source_map: SourceMap,
    /// What the compiler says.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Where required coverage stands.
    pub(crate) obligations: BTreeMap<Obligation, (String, Span)>,
    /// Where each `allow` stands.
    pub(crate) allowances: ordain_analyzer::Places,
    /// Of every file.
    pub(crate) lines: BTreeMap<String, Arc<LineIndex>>,
}

impl Checked {
    /// The policies that could be compiled.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// The lines of a file in this state.
    pub fn line_index(&self, file: &str) -> Option<&Arc<LineIndex>> {
        self.lines.get(file)
    }

    /// All diagnostics by file, sorted by place. A conflict stands at each policy that takes part, with the
    /// other places as secondary ones. What has no place stands at the workspace file.
    pub fn findings(&self, analysed: Option<&Analysed>) -> BTreeMap<String, Vec<Diagnostic>> {
        let mut all = self.diagnostics.clone();
        if let Some(analysed) = analysed {
            let report = analysed.report_for(&self.policies);
            // Of policies that have changed since, nobody knows yet what is lacking, or allowed for nothing.
            if *analysed.policies() == self.policies {
                all.extend(ordain_analyzer::gap_diagnostics(&report, &self.obligations));
                // Policies with errors are left out, and what is left may seem idle without them.
                if !self.diagnostics.iter().any(|it| it.severity == Severity::Error) {
                    let own = |file: &str| self.lines.contains_key(file);
                    let (lints, sources) = (analysed.lints(), &self.source_map);
                    all.extend(ordain_analyzer::lint_diagnostics(
                        lints,
                        &report,
                        &self.policies,
                        sources,
                        &own,
                    ));
                }
                all = self.ruled(all, &report);
            }
            let owners = Owners::new(&self.source_map);
            for diagnostic in ordain_analyzer::conflict_diagnostics(&report, &self.source_map) {
                all.extend(owners.mirrored(&diagnostic));
                all.push(diagnostic);
            }
        }
        let mut files: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        for diagnostic in all {
            if let Some(diagnostic) = self.rehomed(diagnostic) {
                let file = diagnostic.primary.as_ref().map_or(WORKSPACE_FILE, |label| &label.file);
                files.entry(file.to_owned()).or_default().push(diagnostic);
            }
        }
        for diagnostics in files.values_mut() {
            diagnostics.sort();
            diagnostics.dedup();
        }
        files
    }
}

impl Checked {
    /// Without the warnings that an `allow` accepts, and with what is wrong with the `allow`s. An editor doesn't
    /// judge by the day: that one has run out is for the gate to say.
    fn ruled(&self, mut all: Vec<Diagnostic>, report: &Report) -> Vec<Diagnostic> {
        let sources = &self.source_map;
        let ruling = ordain_analyzer::ruling(&self.policies, report, &all, sources, &self.allowances, None);
        let mut at = 0..;
        all.retain(|_| at.next().is_none_or(|at| !ruling.accepted.contains(&at)));
        all.extend(ruling.diagnostics);
        all
    }

    /// What is said of a file that can't be opened, such as one of the standard library, is said at the workspace
    /// file, unless a policy elsewhere takes part and tells of it too.
    fn rehomed(&self, mut diagnostic: Diagnostic) -> Option<Diagnostic> {
        let known = |label: &Label| label.file == WORKSPACE_FILE || self.lines.contains_key(&label.file);
        let Some(primary) = diagnostic.primary.take_if(|label| !known(label)) else {
            return Some(diagnostic);
        };
        if diagnostic.secondary.iter().any(known) {
            return None;
        }
        diagnostic.secondary.insert(0, primary);
        Some(diagnostic)
    }
}

/// Which policy stands where.
struct Owners<'a>(BTreeMap<&'a str, Vec<(Span, PolicyId)>>);

impl<'a> Owners<'a> {
    fn new(source_map: &'a SourceMap) -> Self {
        let mut files: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (id, source) in source_map {
            files.entry(&source.file).or_default().push((source.item.span, *id));
        }
        for items in files.values_mut() {
            items.sort();
        }
        Self(files)
    }

    /// The policy whose text holds a place.
    fn of(&self, label: &Label) -> Option<PolicyId> {
        let items = self.0.get(label.file.as_str())?;
        let after = items.partition_point(|(span, _)| span.start <= label.span.start);
        let (span, id) = items.get(after.checked_sub(1)?)?;
        (label.span.end <= span.end).then_some(*id)
    }

    /// The same diagnostic as seen from each other policy that takes part: its first place there is the primary
    /// one, and the original's primary place comes first among the others.
    fn mirrored(&self, diagnostic: &Diagnostic) -> Vec<Diagnostic> {
        let Some(primary) = &diagnostic.primary else { return vec![] };
        let owner = |label: &Label| (label.file.clone(), self.of(label));
        let mut seen = BTreeSet::from([owner(primary)]);
        let mut mirrors = vec![];
        for (at, label) in diagnostic.secondary.iter().enumerate() {
            if !seen.insert(owner(label)) {
                continue;
            }
            let mut mirror = diagnostic.clone();
            mirror.primary = Some(label.clone());
            mirror.secondary.remove(at);
            mirror.secondary.insert(0, primary.clone());
            // A replacement belongs to the place where it was offered.
            mirror.fixes.clear();
            mirrors.push(mirror);
        }
        mirrors
    }
}

#[cfg(test)]
mod tests {
    use ordain_ir::{Place, PolicyKind, PolicyName, PolicySource, codes};

    use super::*;

    fn source_map(entries: &[(&str, &str, u32, u32)]) -> SourceMap {
        let entry = |(name, file, start, end): &(&str, &str, u32, u32)| {
            let item = Place { span: Span { start: *start, end: *end }, line: 1, column: 1 };
            let source = PolicySource {
                kind: PolicyKind::Rule,
                file: (*file).to_owned(),
                item,
                clauses: BTreeMap::new(),
                application: None,
            };
            (PolicyId::of(&PolicyName::from(*name)), source.into())
        };
        entries.iter().map(entry).collect()
    }

    fn at(start: u32) -> Span {
        Span { start, end: start + 1 }
    }

    #[test]
    fn a_conflict_is_seen_from_every_policy_once() {
        let map = source_map(&[("a", "x", 0, 10), ("b", "x", 20, 30), ("c", "y", 0, 10)]);
        let diagnostic = Diagnostic::warning(codes::SCOPE_OVERLAP, "x", at(2), "overlap")
            .labelled("a's scope")
            .and_at("x", at(5), "a's mode")
            .and_at("x", at(22), "b's scope")
            .and_at("x", at(25), "b's mode")
            .and_at("y", at(3), "c's scope");
        let mirrors = Owners::new(&map).mirrored(&diagnostic);
        let view = |d: &Diagnostic| {
            let texts: Vec<_> = d.secondary.iter().map(|label| label.text.clone()).collect();
            (d.primary.clone().unwrap().text, texts.join(", "))
        };
        assert_eq!(
            mirrors.iter().map(view).collect::<Vec<_>>(),
            [
                ("b's scope".to_owned(), "a's scope, a's mode, b's mode, c's scope".to_owned()),
                ("c's scope".to_owned(), "a's scope, a's mode, b's scope, b's mode".to_owned()),
            ]
        );
    }

    #[test]
    fn places_outside_of_policies_count_by_file() {
        let diagnostic =
            Diagnostic::warning(codes::SCOPE_OVERLAP, "x", at(2), "overlap").and_at("z", at(1), "there");
        let map = SourceMap::new();
        let mirrors = Owners::new(&map).mirrored(&diagnostic);
        assert_eq!(mirrors.len(), 1);
        assert_eq!(mirrors[0].primary.as_ref().unwrap().file, "z");
    }
}
