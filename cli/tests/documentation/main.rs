//! The documentation is true: its examples compile as it says, its commands print what it says, its links lead
//! somewhere, and the pages of the standard library are what the library says of itself.
//!
//! What a block is follows from its language, the words after it, and its first line:
//!
//! | block | means |
//! | --- | --- |
//! | `ordain` whose first line is `// a/b.ordain` | that file, in the page's own folder |
//! | `ordain` | a workspace of one file, in which nothing is found |
//! | `ordain,fails=ORD0204` | likewise, in which this is found and nothing else; several stand one after the other |
//! | `ordain,unformatted` | one that `ordain fmt` would change, as no other |
//! | `yaml` whose first line is `# a/b.yaml` | that file; where it is `ordain.yaml`, it is accepted |
//! | `json,file=request.json` | that file |
//! | `console` | commands after `$ ` and what they print; a line `…` stands for any lines |
//! | `sh` | commands |
//! | `text`, `toml`, `lua`, … | nothing that is run |
//!
//! Commands run in the page's folder, which is empty at first; those that name `examples/` or `stdlib-policies/`
//! run in the checkout.

mod blocks;
mod book;
mod highlight;
mod layout;
mod library;
mod links;
mod run;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use support::root;

/// All Markdown files below a folder, sorted.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).expect("there is documentation") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The pages of the book.
fn book() -> Vec<PathBuf> {
    let pages = pages(&root().join("docs/src"));
    assert!(pages.len() > 30, "the book has lost its pages");
    pages
}

/// The documents that stand outside of the book.
fn others() -> Vec<PathBuf> {
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "editors/README.md"]
        .map(|name| root().join(name))
        .into()
}

/// A path as the messages of these tests show it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
