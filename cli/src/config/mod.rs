//! The configuration of `ordain serve`: from a file, the environment and flags to one typed value.

pub(crate) mod field;
mod file;
mod layers;
pub(crate) mod settings;

use std::path::Path;
use std::sync::Arc;

use ordain_ir::signature::PublicKey;
use ordain_runtime::{
    Limits, Oidc, OidcOptions, PanelOptions, PanelRegistry, Shutdown, TenantSource, TlsOptions, Trust,
    WatchOptions,
};

pub(crate) use layers::{Effective, Flags, Origin, Problems, Resolved, environment, resolve};
pub(crate) use settings::Config;

use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::signing::{self, Signed};

/// What is wrong with an endpoint where nothing can be sent to it.
#[cfg(not(feature = "traces"))]
pub(crate) const NO_TRACES: &str =
    "`traces.endpoint`: this build of ordain sends no traces; build it with `--features traces`";

/// What is wrong with a workspace where bundles have to be signed.
pub(crate) const NOT_SIGNED: &str = "`bundle`: a workspace folder has no signature, and `bundles.keys` asks for one; build it with \
     `ordain build --sign KEY` and name what comes out";

/// Where data is kept if nobody says otherwise.
const DATABASE: &str = "sqlite://ordain.db";

impl Config {
    /// What the server bears.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            body: self.body.0,
            bundle: self.upload.0,
            time: self.time.0,
            requests: self.requests.0,
            connections: self.connections.0,
            idle: self.idle.0,
        }
    }

    /// How it ends.
    pub(crate) fn shutdown(&self) -> Shutdown {
        Shutdown { delay: self.delay, deadline: self.deadline }
    }

    /// How panels are watched.
    pub(crate) fn panels(&self) -> Result<PanelOptions, Failure> {
        let registry = match &self.panel_registry {
            None => PanelRegistry::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|reason| Failure::Read { path: path.clone(), reason })?;
                PanelRegistry::read(&text)
                    .map_err(|error| Failure::Other(format!("{}:{error}", path.display())))?
            }
        };
        Ok(PanelOptions { registry: Arc::new(registry), interval: self.panel_interval.0 })
    }

    /// How TLS is spoken, if it is.
    pub(crate) fn tls(&self) -> Option<TlsOptions> {
        let (certificate, key) = (self.certificate.clone()?, self.key.clone()?);
        Some(TlsOptions { certificate, key, client_authorities: self.client_authorities.clone() })
    }

    /// Where new bundles are looked for, if anywhere.
    pub(crate) fn watch(&self) -> Option<WatchOptions> {
        let place = self.bundle_watch.clone()?;
        Some(WatchOptions { place, every: self.bundle_interval.0 })
    }

    /// Whose signatures bundles need.
    pub(crate) fn trust(&self) -> Result<Trust, Failure> {
        Ok(Trust::new(self.trusted_keys().into_iter().collect::<Result<Vec<_>, _>>()?))
    }

    fn trusted_keys(&self) -> Vec<Result<PublicKey, Failure>> {
        let files = self.bundle_keys.iter().flatten();
        files.map(|file| signing::public_key(Path::new(file))).collect()
    }

    /// What stands in the way of the bundle that the server is to be started with.
    fn bundle_not_there(&self) -> Option<String> {
        let file = self.bundle.as_ref()?;
        let failed = |failure: Failure| Some(format!("`bundle`: {failure}"));
        if let Err(reason) = std::fs::metadata(file) {
            return failed(Failure::Read { path: file.clone(), reason });
        }
        self.bundle_keys.as_ref()?;
        if file.is_dir() {
            return Some(NOT_SIGNED.to_owned());
        }
        let keys: Vec<_> = self.trusted_keys().into_iter().flatten().collect();
        let checked = std::fs::read(file)
            .map_err(|reason| Failure::Read { path: file.clone(), reason })
            .and_then(|bytes| signing::check(&bytes, &signing::beside(file), &keys));
        let wrong = match checked {
            Ok(Signed::By(_)) => return None,
            Ok(Signed::Not) => "is not signed, and `bundles.keys` asks for it".to_owned(),
            Ok(Signed::ByAnother(key)) => format!("is signed by {key}, which is none of `bundles.keys`"),
            Ok(Signed::Badly(reason)) => format!("has a signature that is worth nothing: {reason}"),
            Err(failure) => return failed(failure),
        };
        Some(format!("`bundle`: `{}` {wrong}", file.display()))
    }

    /// Where traces go, if they go anywhere.
    #[cfg(feature = "traces")]
    pub(crate) fn traces(&self) -> Option<ordain_runtime::TraceOptions> {
        let endpoint = self.traces_endpoint.clone()?.0;
        Some(ordain_runtime::TraceOptions { endpoint, per_mille: self.sample.0 })
    }

    /// Who says which people there are, if somebody does.
    pub(crate) fn people(&self) -> Option<OidcOptions> {
        let tenant = match (&self.oidc_tenant, &self.tenant_claim) {
            (Some(tenant), _) => TenantSource::Always(tenant.clone()),
            (None, claim) => TenantSource::Claim(claim.clone()?),
        };
        Some(OidcOptions {
            issuer: self.issuer.clone()?.0,
            audience: self.audience.clone()?,
            algorithms: self.algorithms.0.clone(),
            tenant,
            name_claim: self.name_claim.clone(),
            roles_claim: self.roles_claim.clone(),
            roles: self.roles.clone().unwrap_or_default().0,
            skew: self.skew,
            authorities: self.authorities.clone(),
        })
    }

    /// The database's URL, with what may be secret in it.
    pub(crate) fn database(&self) -> Result<String, Failure> {
        let Some(path) = &self.database_url_file else {
            return Ok(self.database_url.as_ref().map_or(DATABASE, |url| &url.0).to_owned());
        };
        let text =
            std::fs::read_to_string(path).map_err(|reason| Failure::Read { path: path.clone(), reason })?;
        let raw = field::Raw::Text(text.trim().to_owned());
        match <field::DatabaseUrl as field::Field>::read(&raw) {
            Ok(url) => Ok(url.0),
            Err(message) => Err(Failure::Other(format!("`{}`: {message}", path.display()))),
        }
    }

    /// What settings name and isn't there, as far as can be seen without serving.
    pub(crate) fn not_there(&self) -> Vec<String> {
        let mut found = vec![];
        found.extend(self.bundle_not_there());
        let unfit = self.trusted_keys().into_iter().filter_map(Result::err);
        found.extend(unfit.map(|failure| format!("`bundles.keys`: {failure}")));
        if let Err(failure) = self.database() {
            found.push(format!("`database.url_file`: {failure}"));
        }
        if let Some(Err(error)) = self.watch().map(|watch| watch.check()) {
            found.push(format!("`bundles.watch`: {error}"));
        }
        if let Err(failure) = self.panels() {
            found.push(format!("`panels.registry`: {failure}"));
        }
        if let Some(Err(error)) = self.tls().map(|tls| tls.check()) {
            found.push(format!("`tls`: {error}"));
        }
        #[cfg(not(feature = "traces"))]
        if self.traces_endpoint.is_some() {
            found.push(NO_TRACES.to_owned());
        }
        if let Some(Err(error)) = self.people().map(|people| Oidc::new(people, Arc::new(SystemClock))) {
            found.push(format!("`oidc`: {error}"));
        }
        found
    }

    /// Settings that don't go together.
    fn contradictions(&self, resolved: &Resolved) -> Vec<String> {
        let mut found = vec![];
        let who = |key: &str| resolved.origin(key).map_or_else(String::new, |origin| format!(" ({origin})"));
        if self.database_url.is_some() && self.database_url_file.is_some() {
            found.push(format!(
                "`database.url`{} and `database.url_file`{} both say where data is kept; leave one out",
                who("database.url"),
                who("database.url_file")
            ));
        }
        let need = |key: &str, there: bool, other: &str, why: &str| {
            let said = resolved.origin(key).is_some_and(|origin| *origin != Origin::Default);
            (said && !there).then(|| format!("`{key}`{} needs `{other}`{why}", who(key)))
        };
        found.extend(need("tls.certificate", self.key.is_some(), "tls.key", ""));
        found.extend(need("tls.key", self.certificate.is_some(), "tls.certificate", ""));
        found.extend(need("tls.client_authorities", self.certificate.is_some(), "tls.certificate", ""));
        found.extend(need(
            "oidc.issuer",
            self.audience.is_some(),
            "oidc.audience",
            ", so that no token for others counts",
        ));
        let tenants = (self.oidc_tenant.is_some(), self.tenant_claim.is_some());
        let either = "oidc.tenant_claim` or `oidc.tenant";
        found.extend(need(
            "oidc.issuer",
            tenants != (false, false),
            either,
            ", which say whose data a token is about",
        ));
        if tenants == (true, true) {
            found.push(
                "`oidc.tenant` and `oidc.tenant_claim` both say whose data a token is about; leave one out"
                    .to_owned(),
            );
        }
        let others = settings::SETTINGS
            .iter()
            .filter(|setting| setting.key.starts_with("oidc.") && setting.default.is_none());
        for setting in others.filter(|setting| setting.key != "oidc.issuer") {
            found.extend(need(setting.key, self.issuer.is_some(), "oidc.issuer", ""));
        }
        found
    }
}

impl Problems {
    /// Nothing was served, since this is wrong.
    pub(crate) fn into_failure(self) -> Failure {
        Failure::Other(format!("the configuration is wrong\n  {}", self.0.join("\n  ")))
    }
}
