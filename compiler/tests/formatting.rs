//! Formatting changes nothing that is compiled: the policies, what they depend on, and what is said about them.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ordain_compiler::{Compiled, compile_str};
use ordain_grammar::{TokenKind, format, parse, tokens};
use proptest::prelude::*;
use proptest::sample::Index;

/// Files by their paths that are compiled together.
type Files = Vec<(String, String)>;

/// The example workspaces, the standard library, and each block in the language of specifications and
/// documentation, as far as they can be formatted.
static CORPUS: LazyLock<Vec<Files>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut corpus: Vec<Files> =
        fs::read_dir(root.join("examples")).unwrap().map(|folder| sources(&folder.unwrap().path())).collect();
    // Under another name, since the compiler brings its own copy.
    let library = sources(&root.join("stdlib-policies")).into_iter();
    corpus.push(library.map(|(path, text)| (path, text.replace("std.", "copy."))).collect());
    corpus.push(sources(&root.join("grammar/tests/format")));
    for folder in ["tests/specs", "docs"] {
        let markdown = files(&root.join(folder)).into_iter().filter(|path| has_extension(path, "md"));
        for path in markdown {
            let text = fs::read_to_string(path).unwrap();
            corpus.extend(blocks(&text).map(|block| vec![("block.ordain".to_owned(), block)]));
        }
    }
    corpus.retain(|files| !files.is_empty() && files.iter().all(|(_, text)| parse(text).errors.is_empty()));
    assert!(corpus.len() > 50, "only {} workspaces were found", corpus.len());
    corpus
});

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

fn sources(folder: &Path) -> Files {
    let paths = files(folder).into_iter().filter(|path| has_extension(path, "ordain"));
    paths
        .map(|path| {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The blocks of a Markdown file that are in the language.
fn blocks(markdown: &str) -> impl Iterator<Item = String> {
    let mut lines = markdown.lines();
    std::iter::from_fn(move || {
        lines.by_ref().find(|line| line.starts_with("```ordain"))?;
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        Some(block.join("\n") + "\n")
    })
}

fn compiled(files: &[(String, String)]) -> Compiled {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    compile_str(&files)
}

/// What is said, without its places.
fn said(compiled: &Compiled) -> Vec<String> {
    let mut said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|it| {
            let primary = it.primary.iter();
            let labels: Vec<&str> = primary.chain(&it.secondary).map(|label| label.text.as_str()).collect();
            format!("{} {:?} {} {labels:?} {:?} {:?}", it.code, it.severity, it.message, it.notes, it.help)
        })
        .collect();
    said.sort();
    said
}

fn means_the_same(files: &Files) {
    let formatted: Files = files.iter().map(|(path, text)| (path.clone(), format(text).unwrap())).collect();
    let (before, after) = (compiled(files), compiled(&formatted));
    assert_eq!(said(&before), said(&after), "{formatted:#?}");
    assert_eq!(before.policies, after.policies, "{formatted:#?}");
    assert_eq!(before.dependencies, after.dependencies, "{formatted:#?}");
}

#[test]
fn of_the_corpus() {
    let mut policies = 0;
    for files in CORPUS.iter() {
        means_the_same(files);
        policies += compiled(files).policies.len();
    }
    assert!(policies > 150, "only {policies} policies were compiled");
}

/// What is put between two tokens.
const INSERTIONS: [&str; 6] =
    [" // behind\n", "\n// above\n", "\n/// documentation\n", " /// behind\n", "\n\n// apart\n\n", "\n\n"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn with_comments_anywhere(
        workspace in any::<Index>(),
        file in any::<Index>(),
        insertions in prop::collection::vec((any::<Index>(), any::<Index>()), 1..12),
    ) {
        let mut files = workspace.get(&CORPUS).clone();
        let (_, text) = &mut files[file.index(workspace.get(&CORPUS).len())];
        let spaces: Vec<usize> = tokens(text)
            .iter()
            .filter(|token| token.kind == TokenKind::Space)
            .map(|token| token.span.range().start)
            .collect();
        prop_assume!(!spaces.is_empty());
        let mut places: Vec<(usize, &str)> =
            insertions.iter().map(|(at, what)| (*at.get(&spaces), *what.get(&INSERTIONS))).collect();
        places.sort_unstable();
        for (at, what) in places.into_iter().rev() {
            text.insert_str(at, what);
        }
        prop_assume!(parse(text).errors.is_empty());
        means_the_same(&files);
    }
}
