//! From paths to the tests in them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ordain_compiler::workspace::LoadedWorkspace;
use ordain_compiler::{Database, OwnPolicies};
use ordain_ir::{Policies, PolicyName, Severity, TestCase};

use super::coverage::{Collector, Written};
use super::filter::Filter;
use super::run::Runner;
use super::session::Suite;
use super::written;
use crate::failure::Failure;
use crate::workspace;

/// A workspace with those of its folders and files whose tests are meant.
#[derive(Debug)]
pub(crate) struct Selection {
    loaded: LoadedWorkspace,
    /// Relative to the workspace; all of it if one of them is empty.
    only: Vec<PathBuf>,
}

/// The workspaces of these paths, each once, in the order in which they are named.
pub(crate) fn select(paths: &[PathBuf]) -> Result<Vec<Selection>, Failure> {
    let mut selected: Vec<Selection> = vec![];
    for path in paths {
        let loaded = workspace::load(path)?;
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let inside = real.strip_prefix(&loaded.root).map(Path::to_owned).unwrap_or_default();
        match selected.iter_mut().find(|selection| selection.loaded == loaded) {
            Some(selection) => selection.only.push(inside),
            None => selected.push(Selection { loaded, only: vec![inside] }),
        }
    }
    Ok(selected)
}

impl Selection {
    fn means(&self, case: &TestCase) -> bool {
        let file = Path::new(&case.site.file);
        self.only.iter().any(|only| file.starts_with(only))
    }

    /// Runs those of the tests that one of the filters fits, or all if there is none. Nothing is run where the
    /// sources have errors: without the broken policies the decisions would be others.
    pub(crate) fn run(self, filters: &[Filter], coverage: bool) -> Result<Suite, Failure> {
        let mut db = Database::default();
        let workspace = self.loaded.open(&mut db);
        let policies = ordain_compiler::policies(&db, workspace);
        let mut suite = Suite {
            workspace: self.loaded.config.name.clone(),
            root: seen_from_here(&self.loaded.root),
            files: self.loaded.files.keys().cloned().collect(),
            texts: self.loaded.texts(),
            diagnostics: ordain_compiler::diagnostics(&db, workspace).clone(),
            branches: ordain_compiler::branches(&db, workspace).clone(),
            runs: vec![],
            skipped: 0,
            coverage: None,
        };
        if suite.diagnostics.iter().any(|found| found.severity == Severity::Error) {
            return Ok(suite);
        }
        let mut cases = ordain_compiler::tests(&db, workspace).clone();
        cases.sort_by(|a, b| (&a.package, &a.site).cmp(&(&b.package, &b.site)));
        let all = cases.len();
        cases.retain(|case| {
            self.means(case) && (filters.is_empty() || filters.iter().any(|filter| filter.matches(case)))
        });
        suite.skipped = all - cases.len();
        let own = ordain_compiler::own_policies(&db, workspace);
        let runner = Runner::new(Arc::clone(policies)).map_err(Failure::other)?;
        let sources = ordain_compiler::source_map(&db, workspace);
        let home = written::Home { texts: &suite.texts, own: &self.loaded.files, tested: false };
        let shared = home.all(policies, sources, &suite.branches);
        let mut collector = coverage.then(|| Collector::new(&shared, policies));
        for case in &cases {
            let own = own.get(&case.site);
            let run = runner.run(case, own.map(|own| own.branches.clone()).unwrap_or_default());
            if let Some(collector) = &mut collector {
                collector.record(&run, &own_written(&home, case, own, &run.policies));
            }
            suite.runs.push(run);
        }
        suite.coverage = collector.map(|collector| {
            let templates = workspace.files(&db).iter().flat_map(|file| {
                let (parse, outline) =
                    (ordain_compiler::parse(&db, *file), ordain_compiler::outline(&db, *file));
                home.templates(file.path(&db), &parse.file, &outline.package)
            });
            collector.finish(templates)
        });
        Ok(suite)
    }
}

/// Where the policies of one test stand.
fn own_written(
    home: &written::Home<'_>,
    case: &TestCase,
    own: Option<&OwnPolicies>,
    policies: &Policies,
) -> BTreeMap<PolicyName, Written> {
    let Some(own) = own else { return BTreeMap::new() };
    let names = case.rules.keys().chain(case.limits.keys());
    let home = written::Home { tested: true, ..*home };
    home.all(&policies.restricted_to(names), &own.sources, &own.branches)
}

/// A folder by its way from the working directory, so that what is written names no machine's folders.
fn seen_from_here(folder: &Path) -> PathBuf {
    let Some(here) = std::env::current_dir().ok().and_then(|here| std::fs::canonicalize(here).ok()) else {
        return folder.to_owned();
    };
    let shared = here.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    // On another drive there is no way.
    if shared == 0 {
        return folder.to_owned();
    }
    let up = here.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(folder.components().skip(shared)).collect()
}
