//! The standard library, compiled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use ordain_grammar::Parse;

use crate::declarations::{LetBody, Outline, let_bodies_of, outline_of};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../stdlib-policies");
static FILES: LazyLock<Vec<LibraryFile>> = LazyLock::new(read);

/// A file of the standard library.
#[derive(Debug)]
pub struct LibraryFile {
    /// Its path as diagnostics show it: `std/facts.ordain`.
    pub path: String,
    /// Its text.
    pub text: &'static str,
    /// Its tree.
    pub parse: Parse,
    /// What it declares.
    pub outline: Outline,
    /// The bodies of its `let` declarations.
    pub(crate) let_bodies: BTreeMap<String, LetBody>,
}

/// The files of the standard library, sorted by path. They never change, so they are read once a process.
pub fn library() -> &'static [LibraryFile] {
    &FILES
}

fn read() -> Vec<LibraryFile> {
    let sources = FOLDER.files().filter(|file| file.path().extension().is_some_and(|e| e == "ordain"));
    let mut files: Vec<LibraryFile> = sources
        .filter_map(|file| {
            let path = format!("std/{}", file.path().to_string_lossy());
            let text = file.contents_utf8()?;
            let parse = ordain_grammar::parse(text);
            let outline = outline_of(&path, &parse.file);
            let let_bodies = let_bodies_of(&parse.file);
            Some(LibraryFile { path, text, parse, outline, let_bodies })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
