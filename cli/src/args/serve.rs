//! The command line of `serve` and `config`.

use std::path::PathBuf;

use clap::Subcommand;

use super::TextOrJson;
use crate::config::Flags;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// For trying out: this machine only, no credential asked, everybody may do everything.
    #[arg(long)]
    pub(crate) dev: bool,
}

/// Flags that say what settings are, before the environment and the file.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingArgs {
    /// The configuration file; else the one that the environment variable `ORDAIN_CONFIG` names.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The bundle to serve, or a workspace folder that is compiled first; what is active in the database, if left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<String>,
    /// Where data is kept: `sqlite://FILE` or `postgres://USER@HOST/NAME` [default: `sqlite://ordain.db`]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8642]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The tenant whose bundle `--bundle` is; under `--dev`, whose everything is [default: demo-tenant]
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Any setting: `--set limits.body=2MiB`; may be repeated. `ordain config settings` lists them.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl SettingArgs {
    /// As layers of settings take them.
    pub(crate) fn flags(&self) -> Flags {
        let single = [
            ("--bundle", "bundle", &self.bundle),
            ("--database", "database.url", &self.database),
            ("--listen", "listen", &self.listen),
            ("--tenant", "tenant", &self.tenant),
        ];
        let said = single.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.clone()?)));
        Flags { file: self.config.clone(), single: said.collect(), set: self.set.clone() }
    }
}

/// Arguments of `healthcheck`.
#[derive(Debug, clap::Args)]
pub(crate) struct HealthcheckArgs {
    /// The server's configuration file, which says where it listens; else the one that the environment variable
    /// `ORDAIN_CONFIG` names.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What to ask instead of this machine's `/readyz`; a server with a certificate is asked by the name in it.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Certificates in PEM by which the server is trusted, beside those of this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) authorities: Option<PathBuf>,
}

impl HealthcheckArgs {
    /// Where the settings are.
    pub(crate) fn flags(&self) -> Flags {
        Flags { file: self.config.clone(), ..Flags::default() }
    }
}

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with a file, the environment and what they name, and where; exit with 1 if anything is.
    Check {
        /// The configuration file; else the one of `--config` or `ORDAIN_CONFIG`.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Print the value of each setting and who said it, without secrets. The text is a configuration file.
    Show {
        #[command(flatten)]
        settings: SettingArgs,
        /// How it is written.
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// List every setting with its environment variable, its default and its meaning.
    Settings,
}
