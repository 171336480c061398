//! What a workspace settles.

use ordain_ir::Settings;

/// The version of the language that this compiler speaks.
pub const LANGUAGE: &str = "1";

/// The content of `ordain.yaml`, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Name of the workspace.
    pub name: String,
    /// Version of the language.
    pub language: String,
    /// Folders with sources, relative to the workspace, with `/` between folders; `.` is all of it.
    pub sources: Vec<String>,
    /// Folders of the workspaces that it depends on, as written: `../platform`.
    pub dependencies: Vec<String>,
    /// For the analysis.
    pub settings: Settings,
}

impl Config {
    /// The defaults for a workspace of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            language: LANGUAGE.to_owned(),
            sources: vec![".".to_owned()],
            dependencies: vec![],
            settings: Settings::default(),
        }
    }
}
