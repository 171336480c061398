//! Reading a workspace from disk: the only place of the compiler that does I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use ordain_ir::{Diagnostic, Span, codes};

use crate::{Config, library};

mod dependencies;
mod manifest;
mod open;

pub use dependencies::{LoadedDependency, LoadedLibrary};

/// The settings that `ordain.yaml` may have, in the order of the documentation.
pub const fn settings() -> &'static [&'static str] {
    &manifest::FIELDS
}

/// The name of the file that makes a folder a workspace.
pub const MANIFEST: &str = "ordain.yaml";
/// The extension of source files.
pub const EXTENSION: &str = "ordain";
/// Files from this size on (in bytes) are refused.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// A workspace as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedWorkspace {
    /// The folder; paths of files are relative to it.
    pub root: PathBuf,
    /// What `ordain.yaml` says, or the defaults.
    pub config: Config,
    /// The texts of the files by path.
    pub files: BTreeMap<String, String>,
    /// What went wrong while files were read.
    pub problems: Vec<Diagnostic>,
    /// The workspaces that it depends on.
    pub dependencies: Vec<LoadedDependency>,
    /// All workspaces that it depends on, directly or not, each behind those that it depends on itself.
    pub libraries: Vec<LoadedLibrary>,
}

impl LoadedWorkspace {
    /// A workspace without files.
    pub fn empty(root: &Path, config: Config) -> Self {
        Self {
            root: root.to_owned(),
            config,
            files: BTreeMap::new(),
            problems: vec![],
            dependencies: vec![],
            libraries: vec![],
        }
    }

    /// Every text that a diagnostic may point at, by path: also those of libraries.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let mut texts = self.files.clone();
        texts.extend(self.libraries.iter().flat_map(|library| library.files.clone()));
        texts.extend(library().iter().map(|file| (file.path.clone(), file.text.to_owned())));
        texts
    }
}

/// Reads the workspace that `path` is or lies in: the nearest folder upwards with an `ordain.yaml`; else the
/// folder itself with the defaults; a source file without a workspace around it is one of its own.
///
/// Files that cannot be read are among the [`LoadedWorkspace::problems`]; an error means that there is
/// nothing to compile.
pub fn load(path: &Path) -> Result<LoadedWorkspace, Vec<Diagnostic>> {
    let unreadable = |error: &io::Error| {
        let message = format!("`{}` cannot be read: {}", path.display(), reason(error));
        vec![Diagnostic::placeless(codes::UNREADABLE, message)]
    };
    let absolute = fs::canonicalize(path).map_err(|error| unreadable(&error))?;
    let is_file = absolute.is_file();
    let folder = if is_file { absolute.parent().unwrap_or(&absolute) } else { &absolute };
    if let Some(root) = folder.ancestors().find(|folder| folder.join(MANIFEST).is_file()) {
        return load_root(root);
    }
    let mut loaded = LoadedWorkspace::empty(folder, Config::named(""));
    let mut reader = Reader::new(folder, "");
    if is_file {
        loaded.config.name =
            absolute.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        reader.read(&absolute);
    } else {
        loaded.config.name = folder_name(folder);
        reader.read_sources(&loaded.config.sources, "");
    }
    (loaded.files, loaded.problems) = (reader.files, reader.problems);
    Ok(loaded)
}

fn load_root(root: &Path) -> Result<LoadedWorkspace, Vec<Diagnostic>> {
    let (text, config, written) = read_manifest(root, "")?;
    let mut loaded = LoadedWorkspace::empty(root, config);
    let mut reader = Reader::new(root, "");
    reader.read_sources(&loaded.config.sources, &text);
    (loaded.files, loaded.problems) = (reader.files, reader.problems);
    dependencies::load(&mut loaded, &written);
    Ok(loaded)
}

/// Reads the `ordain.yaml` of a folder; `prefix` comes before the paths of its files. Gives its text, what it says,
/// and the places of its dependencies.
fn read_manifest(
    root: &Path,
    prefix: &str,
) -> Result<(String, Config, Vec<manifest::Written>), Vec<Diagnostic>> {
    let path = format!("{prefix}{MANIFEST}");
    let bytes = fs::read(root.join(MANIFEST)).map_err(|error| {
        let message = format!("`{path}` cannot be read: {}", reason(&error));
        vec![Diagnostic::placeless(codes::UNREADABLE, message)]
    })?;
    let text = decode(&path, bytes).map_err(|problem| vec![*problem])?;
    let (config, written) = manifest::read(&text, &path, &folder_name(root))?;
    Ok((text, config, written))
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "workspace".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Reads the source files of one workspace.
struct Reader<'a> {
    root: &'a Path,
    /// Comes before the paths of files: empty, or `../platform/`.
    prefix: &'a str,
    files: BTreeMap<String, String>,
    problems: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Path, prefix: &'a str) -> Self {
        Self { root, prefix, files: BTreeMap::new(), problems: vec![] }
    }

    /// Reads every source folder. `manifest` is the text of `ordain.yaml`, for the places in it.
    fn read_sources(&mut self, sources: &[String], manifest: &str) {
        let mut seen = BTreeSet::new();
        for source in sources {
            let folder = self.root.join(source);
            if folder.is_dir() {
                self.read_folder(&folder, &mut seen);
            } else {
                let message = format!("the source folder `{source}` does not exist");
                let place = manifest::place_of_entry(manifest, "sources", source, 0);
                let file = format!("{}{MANIFEST}", self.prefix);
                let problem = Diagnostic::error(codes::BAD_WORKSPACE, &file, place, message);
                self.problems
                    .push(problem.help(format!("create it, or take it out of `sources` in `{MANIFEST}`")));
            }
        }
    }

    /// Reads a folder and those in it. Folders are known by their real paths, so that symbolic links which
    /// lead round in a circle end; hidden folders are left out, and folders that are workspaces themselves.
    fn read_folder(&mut self, folder: &Path, seen: &mut BTreeSet<PathBuf>) {
        let listed = fs::canonicalize(folder).and_then(|real| {
            if !seen.insert(real) {
                return Ok(vec![]);
            }
            let mut entries: Vec<PathBuf> =
                fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
            entries.sort();
            Ok(entries)
        });
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error),
        };
        for entry in entries {
            let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if entry.is_dir() {
                if !hidden && !entry.join(MANIFEST).is_file() {
                    self.read_folder(&entry, seen);
                }
            } else if entry.extension().is_some_and(|extension| extension == EXTENSION) {
                self.read(&entry);
            }
        }
    }

    fn read(&mut self, file: &Path) {
        let path = self.relative(file);
        let read = fs::metadata(file).and_then(|metadata| {
            if metadata.len() >= MAX_FILE_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
            }
            fs::read(file)
        });
        match read.map(|bytes| decode(&path, bytes)) {
            Ok(Ok(text)) => {
                self.files.insert(path, text);
            }
            Ok(Err(problem)) => self.problems.push(*problem),
            Err(error) => self.unreadable(file, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let path = self.relative(path);
        let message = format!("`{path}` cannot be read: {}", reason(error));
        self.problems.push(Diagnostic::error(codes::UNREADABLE, &path, Span::default(), message));
    }

    /// The path from the workspace's folder, with `/` on every system.
    fn relative(&self, path: &Path) -> String {
        let inner = path.strip_prefix(self.root).unwrap_or(path);
        let parts = inner.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            Component::ParentDir => Some("..".to_owned()),
            _ => None,
        });
        format!("{}{}", self.prefix, parts.collect::<Vec<_>>().join("/"))
    }
}

/// The system's words without its number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}

/// The text of a file, or what is wrong with its bytes.
pub fn decode(path: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        let message = format!("byte {at} (0x{byte:02x}) is not valid UTF-8");
        let problem = Diagnostic::error(codes::NOT_UTF8, path, Span::new(at, at + 1), message);
        Box::new(problem.help("save the file as UTF-8"))
    })
}
