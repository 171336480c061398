//! Every policy text in the repository that has no mistake.

use std::path::{Path, PathBuf};

/// A text and where it is from.
pub(crate) struct Text {
    pub(crate) from: String,
    pub(crate) text: String,
}

/// All `.ordain` files of the examples, the standard library and the tests, and all blocks of policies in the
/// specifications and the documentation. Always in the same order.
pub(crate) fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut texts = vec![];
    for folder in ["examples", "stdlib-policies", "compiler/tests", "grammar/tests", "tests/specs", "docs"] {
        for path in files(&root.join(folder)) {
            let from = path.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "ordain") {
                texts.push(Text { from, text });
            } else {
                let blocks = blocks(&text).into_iter().enumerate();
                texts.extend(blocks.map(|(at, text)| Text { from: format!("{from}#{at}"), text }));
            }
        }
    }
    texts.retain(|text| ordain_grammar::parse(&text.text).errors.is_empty());
    texts
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut files = vec![];
    for path in paths {
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "ordain" || extension == "md") {
            files.push(path);
        }
    }
    files
}

/// What stands between ```` ```ordain ```` and ```` ``` ````.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut block: Option<String> = None;
    for line in markdown.lines() {
        match &mut block {
            Some(text) if line.trim() == "```" => {
                blocks.push(std::mem::take(text));
                block = None;
            }
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line.trim().starts_with("```ordain") => block = Some(String::new()),
            None => {}
        }
    }
    blocks
}
