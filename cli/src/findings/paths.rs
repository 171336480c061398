//! How files are named for programs that know the repository and not the workspace in it.

use std::path::{Component, Path, PathBuf};

/// Turns the paths of a workspace into those of the folder around it.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// From the outer folder to the workspace: `policies`, or nothing.
    inner: PathBuf,
}

impl Paths {
    /// Paths from the root of the repository that the workspace is in; if it is in none, from the current folder,
    /// and if the workspace isn't below that, from its own.
    pub(crate) fn of(root: &Path) -> Self {
        let repository = root.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
        let outer =
            repository.or_else(|| std::env::current_dir().ok().and_then(|here| here.canonicalize().ok()));
        let inner = outer.and_then(|outer| root.strip_prefix(outer).ok().map(Path::to_owned));
        Self { inner: inner.unwrap_or_default() }
    }

    /// The path of a file, with `/` between its parts.
    pub(crate) fn shown(&self, file: &str) -> String {
        let mut parts: Vec<String> = vec![];
        for component in self.inner.join(file).components() {
            match component {
                Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
                Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                    parts.pop();
                }
                Component::ParentDir => parts.push("..".to_owned()),
                _ => {}
            }
        }
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_dependency_stand_beside_the_workspace() {
        let paths = Paths { inner: "teams/support".into() };
        assert_eq!(paths.shown("a.ordain"), "teams/support/a.ordain");
        assert_eq!(paths.shown("../platform/b/c.ordain"), "teams/platform/b/c.ordain");
        assert_eq!(Paths { inner: PathBuf::new() }.shown("../b.ordain"), "../b.ordain");
    }

    #[test]
    fn a_repository_is_where_paths_begin() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("a/b");
        std::fs::create_dir_all(&root).unwrap();
        assert_eq!(Paths::of(&root).shown("c.ordain"), "c.ordain");
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        assert_eq!(Paths::of(&root).shown("c.ordain"), "a/b/c.ordain");
    }
}
