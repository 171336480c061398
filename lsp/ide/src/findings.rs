//! Everything there is to say about the files of a workspace, ready to be shown per file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ordain_ir::{
    Conflict, Diagnostic, Gap, Label, Obligation, Policies, PolicyId, PolicyRef, Severity, SourceMap, Span,
};

use rustc_hash::{FxHashMap, FxHashSet};

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
    pub(crate) said: Said,
}

/// Conflicts in words, by their address. What stands is said before a search for more, and again after it.
#[derive(Default)]
pub(crate) struct Said(Mutex<FxHashMap<usize, InWords>>);

struct InWords {
    diagnostic: Arc<Diagnostic>,
    /// Kept, so that no other comes to lie where it does.
    _conflict: Arc<Conflict>,
}

impl Checked {
    /// The policies that could be compiled.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// The lines of all files in this state.
    pub fn lines(&self) -> &BTreeMap<String, Arc<LineIndex>> {
        &self.lines
    }

    /// The lines of a file in this state.
    pub fn line_index(&self, file: &str) -> Option<&Arc<LineIndex>> {
        self.lines.get(file)
    }

    /// All diagnostics by file, sorted by place. A conflict stands at each policy that takes part, with the
    /// other places as secondary ones. What has no place stands at the workspace file.
    pub fn findings(&self, analysed: Option<&Analysed>) -> BTreeMap<String, Vec<Diagnostic>> {
        self.findings_in(&|_| true, analysed)
    }

    /// The diagnostics of some files. Conflicts elsewhere are not looked at.
    pub fn findings_in(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        analysed: Option<&Analysed>,
    ) -> BTreeMap<String, Vec<Diagnostic>> {
        let mut files: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        let mut add = |diagnostic: Diagnostic| {
            let Some(diagnostic) = self.rehomed(diagnostic) else { return };
            let file = diagnostic.primary.as_ref().map_or(WORKSPACE_FILE, |label| &label.file);
            if wanted(file) {
                match files.get_mut(file) {
                    Some(all) => all.push(diagnostic),
                    None => _ = files.insert(file.to_owned(), vec![diagnostic]),
                }
            }
        };
        let Some(analysed) = analysed else {
            self.diagnostics.iter().cloned().for_each(&mut add);
            return sorted(files);
        };
        self.others(analysed).into_iter().for_each(&mut add);
        let standing = analysed.standing(&self.policies);
        let (mut seen, mut conflicts) = (FxHashSet::default(), vec![]);
        // What is said of a file that can't be opened may come to stand at the workspace file.
        let at_the_workspace = wanted(WORKSPACE_FILE);
        let is_wanted = |file: &str| match (wanted(file), at_the_workspace) {
            (true, true) => true,
            (true, false) => self.is_known(file),
            (false, true) => !self.is_known(file),
            (false, false) => false,
        };
        for (policy, _) in self.source_map.within(&is_wanted) {
            conflicts.extend(standing.of(policy).filter(|conflict| seen.insert(Arc::as_ptr(conflict))));
        }
        let owners = Owners::new(&self.source_map, conflicts.iter().flat_map(|conflict| &conflict.policies));
        for conflict in conflicts {
            let diagnostic = self.said.of(conflict, &self.source_map);
            owners.mirrored(&diagnostic, &is_wanted).into_iter().for_each(&mut add);
            if diagnostic.primary.as_ref().is_none_or(|label| is_wanted(&label.file)) {
                add(Diagnostic::clone(&diagnostic));
            }
        }
        sorted(files)
    }

    /// All that is not about conflicts.
    fn others(&self, analysed: &Analysed) -> Vec<Diagnostic> {
        let mut all = self.diagnostics.clone();
        // Of policies that have changed since, nobody knows yet what is lacking, or allowed for nothing.
        if !analysed.is_of(&self.policies) {
            return all;
        }
        let (found, sources) = (analysed.found(), &self.source_map);
        let gap = |gap: &Gap| ordain_analyzer::gap_diagnostic(gap, &self.obligations);
        all.extend(found.gaps().iter().map(gap));
        // Policies with errors are left out, and what is left may seem idle without them.
        let is_whole = !self.diagnostics.iter().any(|it| it.severity == Severity::Error);
        match analysed.lints().filter(|_| is_whole) {
            Some(lints) => {
                let own = |file: &str| self.lines.contains_key(file);
                let policies = &self.policies;
                all.extend(ordain_analyzer::lint_diagnostics_beside(lints, found, policies, sources, &own));
            }
            // An `allow` of what is still looked for isn't idle.
            None if is_whole => return self.ruled(all, analysed, false),
            None => {}
        }
        self.ruled(all, analysed, true)
    }

    fn is_known(&self, file: &str) -> bool {
        file == WORKSPACE_FILE || self.lines.contains_key(file)
    }
}

impl Said {
    /// More than the files hold that anybody has open; those of all files are said once.
    const KEPT: usize = 4096;

    fn of(&self, conflict: &Arc<Conflict>, sources: &SourceMap) -> Arc<Diagnostic> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = Arc::as_ptr(conflict).addr();
        if let Some(known) = said.get(&address) {
            return Arc::clone(&known.diagnostic);
        }
        let diagnostic = Arc::new(ordain_analyzer::conflict_diagnostic(conflict, sources));
        if said.len() < Self::KEPT {
            said.insert(
                address,
                InWords { diagnostic: Arc::clone(&diagnostic), _conflict: Arc::clone(conflict) },
            );
        }
        diagnostic
    }
}

/// The findings of each file in the order of their places, each once.
fn sorted(mut files: BTreeMap<String, Vec<Diagnostic>>) -> BTreeMap<String, Vec<Diagnostic>> {
    for diagnostics in files.values_mut() {
        diagnostics.sort_unstable();
        diagnostics.dedup();
    }
    files
}

impl Checked {
    /// Without the warnings that an `allow` accepts, and with what is wrong with the `allow`s, once all is found. An
    /// editor doesn't judge by the day: that one has run out is for the gate to say.
    fn ruled(&self, mut all: Vec<Diagnostic>, analysed: &Analysed, complete: bool) -> Vec<Diagnostic> {
        let (found, sources) = (analysed.found(), &self.source_map);
        let ruling =
            ordain_analyzer::ruling_beside(&self.policies, found, &all, sources, &self.allowances, None);
        let mut at = 0..;
        all.retain(|_| at.next().is_none_or(|at| !ruling.accepted.contains(&at)));
        if complete {
            all.extend(ruling.diagnostics);
        }
        all
    }

    /// What is said of a file that can't be opened, such as one of the standard library, is said at the workspace
    /// file, unless a policy elsewhere takes part and tells of it too.
    fn rehomed(&self, mut diagnostic: Diagnostic) -> Option<Diagnostic> {
        let known = |label: &Label| self.is_known(&label.file);
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

/// Which policy stands where, of those that take part in something.
struct Owners<'a>(FxHashMap<&'a str, Vec<(Span, PolicyId)>>);

impl<'a> Owners<'a> {
    fn new<'p>(source_map: &'a SourceMap, policies: impl Iterator<Item = &'p PolicyRef>) -> Self {
        let mut files: FxHashMap<&str, Vec<_>> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        for id in policies.map(|policy| &policy.id).filter(|id| seen.insert(**id)) {
            let Some(source) = source_map.get(id) else { continue };
            files.entry(&source.file).or_default().push((source.item.span, *id));
        }
        Self(files)
    }

    /// The policy whose text holds a place.
    fn of(&self, label: &Label) -> Option<PolicyId> {
        let items = self.0.get(label.file.as_str())?;
        // A file has a few dozen, and most files aren't asked about.
        let (span, id) = items.iter().filter(|(span, _)| span.start <= label.span.start).max()?;
        (label.span.end <= span.end).then_some(*id)
    }

    /// The same diagnostic as seen from each other policy that takes part, in files that are wanted: its first place
    /// there is the primary one, and the original's primary place comes first among the others.
    fn mirrored(&self, diagnostic: &Diagnostic, wanted: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
        let Some(primary) = &diagnostic.primary else { return vec![] };
        let mut seen = vec![(primary.file.as_str(), self.of(primary))];
        let mut mirrors = vec![];
        for (at, label) in diagnostic.secondary.iter().enumerate() {
            let own = (label.file.as_str(), self.of(label));
            if seen.contains(&own) || !wanted(&label.file) {
                continue;
            }
            seen.push(own);
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
            (PolicyId::of(&PolicyName::from(*name)), source)
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
        let all = ["a", "b", "c"].map(|name| PolicyRef::new(PolicyKind::Rule, &name.into()));
        let mirrors = Owners::new(&map, all.iter()).mirrored(&diagnostic, &|_| true);
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
        let map = SourceMap::default();
        let mirrors = Owners::new(&map, [].iter()).mirrored(&diagnostic, &|_| true);
        assert_eq!(mirrors.len(), 1);
        assert_eq!(mirrors[0].primary.as_ref().unwrap().file, "z");
    }
}
