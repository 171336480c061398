//! The checkout, and cargo as we call it in there.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    failure::{Failure, Outcome},
    process,
};

/// The checkout that we work on.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The checkout whose `cargo xtask` runs.
    pub(crate) fn find() -> Outcome<Self> {
        // The variable before the constant: with a shared target folder the binary may stem from another
        // checkout with the same sources.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().filter(|root| root.join("xtask/Cargo.toml").is_file());
        let root = root.ok_or_else(|| {
            Failure::new("the checkout is not where this program was built: run it as `cargo xtask`")
        })?;
        Ok(Self { root: root.to_owned() })
    }

    /// Its top folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What is fetched, never committed.
    pub(crate) fn third_party(&self) -> PathBuf {
        self.root.join("third_party")
    }

    /// The folder of the Z3 library, as `.cargo/config.toml` names it.
    pub(crate) fn z3_library(&self) -> PathBuf {
        self.third_party().join("z3/lib")
    }

    /// A cargo command in the checkout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.root);
        // What `cargo run` tells us about ourselves is no news for builds of other packages.
        for (name, _) in env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|p| name.to_string_lossy().starts_with(p)) {
                command.env_remove(name);
            }
        }
        command
    }

    /// What `cargo metadata` says, with these further arguments.
    pub(crate) fn metadata(&self, arguments: &[&str]) -> Outcome<Value> {
        let mut command = self.cargo(&["metadata", "--format-version", "1"]);
        let output = process::capture(command.args(arguments))?;
        if !output.status.success() {
            let said = process::tail(&output.stderr);
            return Err(Failure::new(format!("`{}` failed:{said}", process::shown(&command))));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::new(format!("`cargo metadata` answered no JSON: {error}")))
    }

    /// Where cargo builds, whether a variable, a configuration or neither moved it.
    pub(crate) fn target(&self) -> Outcome<PathBuf> {
        let metadata = self.metadata(&["--no-deps"])?;
        let folder = metadata["target_directory"].as_str();
        folder.map(PathBuf::from).ok_or_else(|| Failure::new("`cargo metadata` names no target folder"))
    }
}
