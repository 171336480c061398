//! The standard library, compiled in.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use include_dir::{Dir, include_dir};
use ordain_grammar::Parse;
use ordain_grammar::ast::Item;
use ordain_ir::FileSources;

use crate::Db;
use crate::check::{Checked, check};
use crate::declarations::{Outline, outline_of};
use crate::lines::LineIndex;
use crate::mentions::mentions_of;
use crate::packages::Origin;
use crate::sources::sources_of;
use crate::view::{FileTable, LetUnit, TemplateUnit, let_body_of, template_text_of};

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
    pub(crate) lines: LineIndex,
}

/// The files of the standard library, sorted by path. They never change, so they are read once a process.
pub fn library() -> &'static [LibraryFile] {
    &FILES
}

fn read() -> Vec<LibraryFile> {
    let sources = FOLDER.files().filter(|file| file.path().extension().is_some_and(|e| e == "ordain"));
    let mut files: Vec<LibraryFile> = sources
        .filter_map(|file| {
            let name = file.path().to_string_lossy();
            let text = file.contents_utf8()?;
            let parse = ordain_grammar::parse(text);
            let outline = outline_of(&name, &parse.file);
            let (path, lines) = (format!("std/{name}"), LineIndex::new(text));
            Some(LibraryFile { path, text, parse, outline, lines })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// What the names in a file of the standard library stand for.
pub(crate) struct Units {
    pub(crate) table: FileTable,
    pub(crate) lets: BTreeMap<String, LetUnit>,
    pub(crate) templates: BTreeMap<String, TemplateUnit>,
    /// For names that no `let` has.
    pub(crate) no_let: LetUnit,
}

/// What the names in the files of the standard library stand for. Nothing of it is asked of the database, which
/// may hence be any.
pub(crate) fn units(db: &dyn Db) -> &'static [Units] {
    static UNITS: OnceLock<Vec<Units>> = OnceLock::new();
    UNITS.get_or_init(|| library().iter().enumerate().map(|(at, file)| units_of(db, at, file)).collect())
}

fn units_of(db: &dyn Db, at: usize, file: &LibraryFile) -> Units {
    let origin = Origin::Library(at);
    let items = &file.parse.file.items;
    let (mut lets, mut templates) = (BTreeMap::new(), BTreeMap::new());
    for item in items {
        match item {
            Item::Let(it) => {
                let name = &it.name.text;
                lets.insert(name.clone(), LetUnit::of(db, origin, let_body_of(items, name)));
            }
            Item::Template(it) => {
                let name = &it.name.text;
                let unit = template_text_of(file.text, items, name)
                    .and_then(|(text, doc)| TemplateUnit::of(db, origin, &text, &doc));
                templates.extend(unit.map(|unit| (name.clone(), unit)));
            }
            _ => {}
        }
    }
    let table = FileTable::of(db, origin, &mentions_of(&file.parse.file));
    Units { table, lets, templates, no_let: LetUnit::of(db, origin, None) }
}

/// The standard library, checked, file by file. Nothing of it is asked of the database, which may hence be any.
pub(crate) fn checked(db: &dyn Db) -> &'static [Checked] {
    static CHECKED: OnceLock<Vec<Checked>> = OnceLock::new();
    CHECKED.get_or_init(|| (0..library().len()).map(|at| check(db, Origin::Library(at))).collect())
}

/// Where the policies of the standard library stand, file by file.
pub(crate) fn sources(db: &dyn Db) -> &'static [Arc<FileSources>] {
    static SOURCES: OnceLock<Vec<Arc<FileSources>>> = OnceLock::new();
    SOURCES
        .get_or_init(|| (0..library().len()).map(|at| sources_of(db, Origin::Library(at)).into()).collect())
}
