//! Texts without mistakes: the examples, the standard library, the blocks of documentation and specifications,
//! and one file with everything that the language has.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Everything that the language has, some of it oddly written.
pub(super) const EVERYTHING: &str = include_str!("everything.ordain");

/// Names and texts.
pub(super) static CORPUS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut corpus = vec![("everything".to_owned(), EVERYTHING.to_owned())];
    for folder in ["examples", "stdlib-policies", "docs", "tests/specs"] {
        for path in files(&root.join(folder)) {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("ordain") => corpus.push((name, text)),
                Some("md") => {
                    corpus.extend(
                        blocks(&text).enumerate().map(|(at, block)| (format!("{name} block {at}"), block)),
                    );
                }
                _ => {}
            }
        }
    }
    corpus.retain(|(_, text)| ordain_grammar::parse(text).errors.is_empty());
    assert!(corpus.len() > 50, "only {} texts were found", corpus.len());
    corpus
});

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
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
