//! The few requests that the server itself makes: over HTTP/1.1 and TLS, bounded in size and time, no redirects.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer, in bytes.
const LARGEST: usize = 1 << 20;

/// The largest answer of an API, in bytes: a graph of all policies may be large.
const LARGEST_OF_API: usize = 1 << 26;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file of certificates can't be used.
    #[error("cannot read certificates from `{path}`: {reason}")]
    Certificates {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// This is no address.
    #[error("`{0}` is no address")]
    Address(String),
    /// Nobody answered.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, String),
    /// The answer was no success.
    #[error("{0} answers with {1}")]
    Status(String, StatusCode),
    /// The answer was too large, or broke off.
    #[error("the answer of {0} can't be read: {1}")]
    Body(String, String),
}

/// Whether what is at this address answers with success; the certificates in the file are trusted beside those of the
/// machine.
pub async fn is_ready(address: &str, authorities: Option<&Path>) -> Result<(), ClientError> {
    Client::new(authorities)?.get(address).await.map(drop)
}

/// Somebody who asks a server's API.
#[derive(Clone, Debug)]
pub struct ApiClient {
    client: Client,
    server: String,
}

impl ApiClient {
    /// A client of the server at this address (`http://127.0.0.1:8642`), who trusts also the certificates in the file.
    pub fn new(server: &str, authorities: Option<&Path>) -> Result<Self, ClientError> {
        let server = server.trim_end_matches('/').to_owned();
        let uri: Uri = server.parse().map_err(|_| ClientError::Address(server.clone()))?;
        if uri.scheme().is_none() || uri.authority().is_none() {
            return Err(ClientError::Address(server));
        }
        Ok(Self { client: Client::new(authorities)?, server })
    }

    /// Asks, and gives back the status and the body, whatever they are. A body that is sent is JSON.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let address = format!("{}{path}", self.server);
        let bad = || ClientError::Address(address.clone());
        let uri: Uri = address.parse().map_err(|_| bad())?;
        let mut request = Request::builder().method(method).uri(uri).header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).map_err(|_| bad())?;
        let response = self.client.send(request).await?;
        let status = response.status().as_u16();
        let read = tokio::time::timeout(PATIENCE, to_bytes(response.into_body(), LARGEST_OF_API)).await;
        let failed = |reason: String| ClientError::Body(address.clone(), reason);
        let body = read.map_err(|_| failed(format!("{} seconds are over", PATIENCE.as_secs())))?;
        Ok((status, body.map_err(|error| failed(error.to_string()))?.into()))
    }
}

/// The outermost words say that there was an error; the innermost say which.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Makes requests.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Body>,
}

impl Client {
    /// A client that trusts whom this machine trusts, and those in the file.
    pub(crate) fn new(authorities: Option<&Path>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = authorities {
            let bad = |reason: String| ClientError::Certificates { path: path.display().to_string(), reason };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
            let mut added = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| bad(error.to_string()))?;
                roots.add(certificate).map_err(|error| bad(error.to_string()))?;
                added += 1;
            }
            if added == 0 {
                return Err(bad("there is none in it".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Self { http: HyperClient::builder(TokioExecutor::new()).build(connector) })
    }

    /// Asks, whatever the answer.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<axum::http::Response<Body>, ClientError> {
        let address = request.uri().to_string();
        let unreachable = |reason: String| ClientError::Unreachable(address.clone(), reason);
        let answered = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let answered =
            answered.map_err(|_| unreachable(format!("{} seconds are over", PATIENCE.as_secs())))?;
        answered.map(|response| response.map(Body::new)).map_err(|error| unreachable(innermost(&error)))
    }

    /// What is at this address.
    pub(crate) async fn get(&self, address: &str) -> Result<Vec<u8>, ClientError> {
        let uri: Uri = address.parse().map_err(|_| ClientError::Address(address.to_owned()))?;
        let request = Request::get(uri).header("accept", "application/json").body(Body::empty());
        let request = request.map_err(|_| ClientError::Address(address.to_owned()))?;
        let answered = async {
            let response = self.http.request(request).await;
            let response =
                response.map_err(|error| ClientError::Unreachable(address.to_owned(), innermost(&error)))?;
            if !response.status().is_success() {
                return Err(ClientError::Status(address.to_owned(), response.status()));
            }
            let body = to_bytes(Body::new(response.into_body()), LARGEST).await;
            body.map(Into::into).map_err(|error| ClientError::Body(address.to_owned(), error.to_string()))
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| {
            Err(ClientError::Unreachable(
                address.to_owned(),
                format!("{} seconds are over", PATIENCE.as_secs()),
            ))
        })
    }
}
