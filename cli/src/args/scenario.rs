//! The command line of `scenario`.

use std::path::PathBuf;

use clap::Subcommand;

use super::TextOrJson;

/// Arguments of `scenario`.
#[derive(Debug, clap::Args)]
pub(crate) struct ScenarioArgs {
    #[command(subcommand)]
    pub(crate) command: ScenarioCommand,
}

/// What is done with scenarios.
#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Ask a running server what YAML files say, and compare its answers.
    Run(ScenarioRunArgs),
}

/// Arguments of `scenario run`.
#[derive(Debug, clap::Args)]
pub(crate) struct ScenarioRunArgs {
    /// Scenarios.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8642")]
    pub(crate) server: String,
    /// A file with the API key for steps `as` this name, or, without a name, for all others; may be repeated. Without any, the
    /// server must run with `--dev`.
    #[arg(long, value_name = "[NAME=]FILE")]
    pub(crate) key: Vec<String>,
    /// Certificates in PEM by which the server is trusted, beside those of this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) authorities: Option<PathBuf>,
    /// Tell the server which capabilities the scenarios that passed have seen at work: they are OBSERVED then. Takes the role
    /// `operator`, by the key for `operator`, or for all others.
    #[arg(long)]
    pub(crate) promote: bool,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}
