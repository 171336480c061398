//! Every setting of `ordain serve`, once: its name, its type, what it is without anybody's word, what it means.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ordain_runtime::{Place, TenantId};

use super::field::{
    Algorithms, Bytes, Count, DatabaseUrl, Field, Issuer, LogFilter, LogFormat, Positive, Raw, RoleMap,
    Shape, Share, Url,
};
use super::layers::Resolved;

/// One setting, without its value.
pub(crate) struct Setting {
    /// Its name: where it stands in a file, with a dot between section and name.
    pub(crate) key: &'static str,
    /// What it is where nobody says anything.
    pub(crate) default: Option<&'static str>,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// How it is written in a file.
    pub(crate) shape: Shape,
    /// What is wrong with a value.
    pub(crate) check: fn(&Raw) -> Result<(), String>,
    /// The value as one would write it, in a configuration.
    pub(crate) show: fn(&Config) -> Option<Raw>,
}

impl Setting {
    /// The environment variable that says it.
    pub(crate) fn variable(&self) -> String {
        // Known by this name to those who look for a fault.
        if self.key == "log.filter" {
            return "ORDAIN_LOG".to_owned();
        }
        format!("ORDAIN_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

macro_rules! settings {
    ($($field:ident: $type:ty = $key:literal $(or $default:literal)?, $meaning:literal;)+) => {
        /// What `ordain serve` is told, by whomever.
        #[derive(Debug)]
        pub(crate) struct Config { $(#[doc = $meaning] pub(crate) $field: $type),+ }

        /// Every setting, in the order in which they are shown.
        pub(crate) const SETTINGS: &[Setting] = &[$(Setting {
            key: $key,
            default: settings!(@default $($default)?),
            meaning: $meaning,
            shape: <$type as Field>::SHAPE,
            check: |raw| <$type as Field>::read(raw).map(drop),
            show: |config| config.$field.show(),
        }),+];

        impl Config {
            /// From values that were checked.
            pub(crate) fn of(resolved: &Resolved) -> Self {
                Self { $($field: settings!(@read resolved, $key, $type $(, $default)?)),+ }
            }
        }
    };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
    (@read $resolved:ident, $key:literal, $type:ty, $default:literal) => {
        <$type as Field>::read($resolved.get($key).expect("has a default")).expect("was checked")
    };
    (@read $resolved:ident, $key:literal, $type:ty) => {
        $resolved.get($key).and_then(|raw| <$type as Field>::read(raw).expect("was checked"))
    };
}

settings! {
    listen: SocketAddr = "listen" or "127.0.0.1:8642", "address and port to listen on";
    bundle: Option<PathBuf> = "bundle",
        "the bundle to serve, or a workspace folder that is compiled first; what is active in the database, if unset";
    tenant: TenantId = "tenant" or "demo-tenant", "the tenant whose bundle that is, and that of `bundles.watch`";
    bundle_keys: Option<Vec<String>> = "bundles.keys",
        "files with public keys in PEM: each bundle has to be signed by one of them; none has to, if unset";
    bundle_watch: Option<Place> = "bundles.watch",
        "where new bundles are looked for: a bundle or a folder of them, `/PATH`, `file:///PATH` or `s3://BUCKET/PATH`";
    bundle_interval: Positive = "bundles.interval" or "30s", "how long that place is left alone after each look";
    database_url: Option<DatabaseUrl> = "database.url",
        "where data is kept: `sqlite://FILE` or `postgres://USER@HOST/NAME`; `sqlite://ordain.db` if neither is set";
    database_url_file: Option<PathBuf> = "database.url_file", "a file that holds the database's URL, for one with a password";
    certificate: Option<PathBuf> = "tls.certificate",
        "the certificate in PEM, with those that vouch for it; plain HTTP, if unset. Read again when it changes";
    key: Option<PathBuf> = "tls.key", "its private key in PEM";
    client_authorities: Option<PathBuf> = "tls.client_authorities",
        "certificates in PEM, by one of which a client's must be vouched for; clients need none, if unset";
    issuer: Option<Issuer> = "oidc.issuer", "who makes the tokens of people, as their `iss` says it";
    audience: Option<Vec<String>> = "oidc.audience", "for whom tokens must be: one of these is in `aud`";
    algorithms: Algorithms = "oidc.algorithms" or "RS256,ES256,EdDSA", "how tokens may be signed";
    oidc_tenant: Option<TenantId> = "oidc.tenant", "the tenant to which everybody of the issuer belongs";
    tenant_claim: Option<String> = "oidc.tenant_claim", "or the claim that names the tenant";
    name_claim: String = "oidc.name_claim" or "sub", "the claim that says who it is; choose one that nobody can change";
    roles_claim: String = "oidc.roles_claim" or "roles", "the claim that says what somebody is or belongs to";
    roles: Option<RoleMap> = "oidc.roles",
        "what roles follow from each value of that claim; a role from its own name, if unset";
    skew: Duration = "oidc.skew" or "30s", "how far the clocks of issuer and server may be apart";
    authorities: Option<PathBuf> = "oidc.authorities",
        "certificates in PEM that the issuer is trusted by, beside those of this machine";
    body: Bytes = "limits.body" or "1MiB", "the largest body of a request";
    upload: Bytes = "limits.bundle" or "64MiB", "the largest bundle that is uploaded";
    time: Positive = "limits.time" or "30s", "the longest that an answer may take";
    requests: Count = "limits.requests" or "256", "how many requests are answered at once; more get 503 `overloaded`";
    connections: Count = "limits.connections" or "4096", "how many connections are open at once; more wait";
    idle: Positive = "limits.idle" or "75s", "how long a connection may be without a request";
    panel_registry: Option<PathBuf> = "panels.registry",
        "a file that says what is expected of panels where that differs from what comes with the program";
    panel_interval: Positive = "panels.interval" or "5m", "how long panels are left alone after each look at all of them";
    delay: Duration = "shutdown.delay" or "0s",
        "for how long `/readyz` says 503 before connections are no longer taken";
    deadline: Duration = "shutdown.deadline" or "10s", "for how long requests under way may then go on";
    log_format: LogFormat = "log.format" or "text", "`text`, or `json` for an object a line";
    log_filter: LogFilter = "log.filter" or "info,salsa=warn", "what is logged: levels, also of single modules";
    traces_endpoint: Option<Url> = "traces.endpoint",
        "where traces are sent as OTLP over HTTP, whole: `http://collector:4318/v1/traces`; nowhere, if unset";
    sample: Share = "traces.sample" or "100%", "how many of the traces that begin here are sent";
}

/// The setting of this name.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn defaults_are_values() {
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                assert_eq!((setting.check)(&Raw::Text(default.to_owned())), Ok(()), "{}", setting.key);
            }
        }
    }

    #[test]
    fn names_are_unique_and_no_setting_is_a_section() {
        let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        let variables: BTreeSet<_> = SETTINGS.iter().map(Setting::variable).collect();
        assert_eq!((keys.len(), variables.len()), (SETTINGS.len(), SETTINGS.len()));
        for key in &keys {
            assert!(!keys.iter().any(|other| other.starts_with(&format!("{key}."))), "{key}");
        }
    }

    /// What the runtime does by itself is what is said here.
    #[test]
    fn the_runtimes_defaults_are_the_same() {
        let resolved = Resolved::defaults();
        let config = Config::of(&resolved);
        assert_eq!(config.limits(), ordain_runtime::Limits::default());
        assert_eq!(config.shutdown(), ordain_runtime::Shutdown::default());
        let panels = config.panels().expect("no file is read");
        assert_eq!(panels, ordain_runtime::PanelOptions::default());
    }
}
