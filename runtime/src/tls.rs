//! TLS: a certificate and its key from files, which are read again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::{ErrorCode, plain_problem};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the two sides may take to agree.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The first byte of every TLS connection.
const HANDSHAKE_RECORD: u8 = 0x16;

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate and those that vouch for it, in PEM, its own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// Certificates, in PEM, by one of which a client's must be vouched for; no client is asked for one, if unset.
    pub client_authorities: Option<PathBuf>,
}

/// Why no TLS is spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be used.
    #[error("cannot use `{path}`: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// Certificate and key don't go together.
    #[error("the key in `{key}` does not fit the certificate in `{certificate}`: {reason}")]
    Mismatch {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// In the library's words.
        reason: String,
    },
}

impl TlsOptions {
    /// Whether TLS could be spoken with these files.
    pub fn check(&self) -> Result<(), TlsError> {
        self.load().map(drop)
    }

    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificates = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unusable(&self.key, &words(&error, "key")))?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for them");
        let config = match &self.client_authorities {
            None => config.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in self::certificates(path)? {
                    roots.add(certificate).map_err(|error| unusable(path, &error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                config.with_client_cert_verifier(verifier.map_err(|error| unusable(path, &error))?)
            }
        };
        let mut config = config.with_single_cert(certificates, key).map_err(|error| TlsError::Mismatch {
            certificate: self.certificate.display().to_string(),
            key: self.key.display().to_string(),
            reason: error.to_string(),
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// What changes when the files do.
    fn stamp(&self) -> Vec<Option<(SystemTime, u64)>> {
        let files = [Some(&self.certificate), Some(&self.key), self.client_authorities.as_ref()];
        let stamp =
            |path: &PathBuf| fs::metadata(path).ok().and_then(|it| Some((it.modified().ok()?, it.len())));
        files.into_iter().flatten().map(stamp).collect()
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.display().to_string(), reason: reason.to_string() }
}

fn words(error: &PemError, wanted: &str) -> String {
    match error {
        PemError::NoItemsFound => format!("there is no {wanted} in PEM in it"),
        other => other.to_string(),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |error: PemError| unusable(path, &words(&error, "certificate"));
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(bad)?.collect::<Result<_, _>>().map_err(bad)?;
    if found.is_empty() { Err(bad(PemError::NoItemsFound)) } else { Ok(found) }
}

/// What speaks TLS with whoever connects.
pub(crate) struct Tls {
    options: TlsOptions,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    pub(crate) fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let config = RwLock::new(options.load()?);
        Ok(Self { options, config })
    }

    /// Reads the files again when they change; what can't be used leaves what was there. Never ends.
    pub(crate) async fn keep(&self) {
        let (mut seen, mut every) = (self.options.stamp(), interval(LOOK));
        loop {
            every.tick().await;
            let stamp = self.options.stamp();
            if stamp == seen {
                continue;
            }
            seen = stamp;
            match self.options.load() {
                Ok(config) => {
                    *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("the certificate has been read again");
                }
                // Both files can't change at one instant, so this may be half of a change.
                Err(error) => tracing::warn!(%error, "the old certificate stays"),
            }
        }
    }

    /// The connection, once both sides agree; none with those that don't speak TLS.
    pub(crate) async fn agreed(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let acceptor =
            TlsAcceptor::from(Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)));
        let agreeing = async {
            let mut first = [0];
            if stream.peek(&mut first).await.is_ok_and(|read| read == 1) && first[0] != HANDSHAKE_RECORD {
                refuse(stream).await;
                return None;
            }
            match acceptor.accept(stream).await {
                Ok(stream) => Some(stream),
                Err(error) => {
                    tracing::debug!(%error, "no TLS with a client");
                    None
                }
            }
        };
        timeout(HANDSHAKE, agreeing).await.ok().flatten()
    }
}

/// Tells whoever speaks plain HTTP what to do.
async fn refuse(mut stream: TcpStream) {
    let body = plain_problem(ErrorCode::TlsRequired, "this port speaks TLS; begin the address with https://");
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    // What is left unread would make the system throw the answer away.
    let mut rest = [0; 1024];
    while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await.is_ok_and(|read| read > 0) {}
}
