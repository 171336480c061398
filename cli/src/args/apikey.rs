//! The command line of `apikey`.

use std::path::PathBuf;

use clap::Subcommand;

use super::TextOrJson;
use crate::config::Flags;

/// Arguments of `apikey`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApikeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ApikeyCommand,
    /// The server's configuration file; else the one that the environment variable `ORDAIN_CONFIG` names.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where data is kept: `sqlite://FILE` or `postgres://USER@HOST/NAME`; what the server's configuration says, if
    /// left out [default: `sqlite://ordain.db`]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// The tenant whose keys they are [default: demo-tenant]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// How it is written.
    #[arg(long, global = true, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

impl ApikeyArgs {
    /// What settings of the server they are.
    pub(crate) fn flags(&self) -> Flags {
        let single = [("--database", "database.url", &self.database), ("--tenant", "tenant", &self.tenant)];
        let said = single.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.clone()?)));
        Flags { file: self.config.clone(), single: said.collect(), set: vec![] }
    }
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum ApikeyCommand {
    /// Make a key and show it, once.
    Create(ApikeyCreateArgs),
    /// List all keys, also those that count no more.
    List,
    /// Revoke a key at once.
    Revoke {
        /// The key's `id`, as in the list.
        id: String,
    },
    /// Make a key like another, which ends after a while.
    Rotate {
        /// The key's `id`, as in the list.
        id: String,
        /// For how long the old key still counts: `24h`, `7d`, `0s`.
        #[arg(long, value_name = "DURATION", default_value = "24h")]
        grace: Lifetime,
    },
}

/// Arguments of `apikey create`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApikeyCreateArgs {
    /// The person whose key it is.
    #[arg(long, value_name = "NAME", required_unless_present = "service", conflicts_with = "service")]
    pub(crate) human: Option<String>,
    /// The program whose key it is.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// What it may do: viewer, author, approver, ingest, decide, operator; several with commas between them.
    #[arg(long = "role", value_name = "ROLE", required = true, value_delimiter = ',')]
    pub(crate) roles: Vec<ordain_runtime::Role>,
    /// For how long it counts: `90d`, `12h`; or `never` for one that doesn't end.
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub(crate) expires: Lifetime,
}

/// A length of time, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) Option<jiff::SignedDuration>);

impl std::str::FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        let wanted = || format!("`{text}` is no length of time; write it like `90d`, `12h` or `never`");
        let span: jiff::Span = text.parse().map_err(|_| wanted())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wanted())?;
        if length.is_negative() { Err(wanted()) } else { Ok(Self(Some(length))) }
    }
}
