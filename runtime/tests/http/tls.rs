//! TLS on a real port, with certificates made here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ordain_runtime::{ServeError, ServeOptions, Server, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use crate::server::{exchange, options};

/// Who vouches for certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("signs").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key, in PEM.
    fn vouched(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("is a name");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        (certificate.pem(), key.serialize_pem())
    }

    /// A client that believes this authority, and shows a certificate of its own.
    fn client(&self, shows: Option<&(String, String)>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("is PEM"))
            .expect("is a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("has some");
        let config = config.with_root_certificates(roots);
        match shows {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("is PEM")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("is PEM");
                config.with_client_auth_cert(chain, key).expect("go together")
            }
        }
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
    folder: tempfile::TempDir,
}

fn write(folder: &Path, (certificate, key): &(String, String)) -> TlsOptions {
    let path = |name: &str| -> PathBuf { folder.join(name) };
    std::fs::write(path("server.crt"), certificate).expect("works");
    std::fs::write(path("server.key"), key).expect("works");
    TlsOptions { certificate: path("server.crt"), key: path("server.key"), client_authorities: None }
}

async fn running(pair: &(String, String), change: impl FnOnce(&Path, &mut TlsOptions)) -> Running {
    let folder = tempfile::tempdir().expect("works");
    let (options, stop) = options(&folder, "127.0.0.1:0");
    let mut tls = write(folder.path(), pair);
    change(folder.path(), &mut tls);
    let server = Server::bind(ServeOptions { tls: Some(tls), ..options }).await.expect("works");
    Running { address: server.local_addr().expect("works"), stop, server: tokio::spawn(server.run()), folder }
}

impl Running {
    async fn end(self) {
        self.stop.send(()).expect("works");
        tokio::time::timeout(Duration::from_secs(9), self.server)
            .await
            .expect("ends soon")
            .expect("works")
            .expect("works");
    }
}

/// The certificate that the server shows, and its answer to a question over HTTP/1.1.
async fn asked(address: SocketAddr, config: &ClientConfig) -> std::io::Result<(Vec<u8>, String)> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("is a name");
    let mut stream = TlsConnector::from(Arc::new(config.clone())).connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().expect("shows one")[0].as_ref().to_vec();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok((shown, answer))
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_tls() {
    let authority = Authority::new();
    let it = running(&authority.vouched("localhost"), |_, _| {}).await;
    let (_, answer) = asked(it.address, &authority.client(None)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // What the two sides agree upon by ALPN.
    for (connector, version) in [
        (
            hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(authority.client(None))
                .https_only()
                .enable_all_versions()
                .build(),
            Version::HTTP_2,
        ),
        (
            hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(authority.client(None))
                .https_only()
                .enable_http1()
                .build(),
            Version::HTTP_11,
        ),
    ] {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let address = format!("https://localhost:{}/api/v1/policies/state", it.address.port());
        let response = client.request(Request::get(address).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        let body = to_bytes(Body::new(response.into_body()), 1 << 20).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["total_policies"], 3);
    }
    it.end().await;
}

#[tokio::test]
async fn plain_http_is_told_what_to_do() {
    let authority = Authority::new();
    let it = running(&authority.vouched("localhost"), |_, _| {}).await;
    let answer =
        exchange(it.address, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("Content-Type: application/problem+json\r\n"), "{answer}");
    let problem: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(problem["code"], "tls_required");
    assert_eq!(problem["detail"], "this port speaks TLS; begin the address with https://");
    // Somebody who says nothing at all holds nothing up, neither others nor the end.
    let silent = TcpStream::connect(it.address).await.unwrap();
    asked(it.address, &authority.client(None)).await.unwrap();
    it.end().await;
    drop(silent);
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_a_restart() {
    let authority = Authority::new();
    let (first, second) = (authority.vouched("localhost"), authority.vouched("localhost"));
    let it = running(&first, |_, _| {}).await;
    let client = authority.client(None);
    let (shown, _) = asked(it.address, &client).await.unwrap();
    let der = |pair: &(String, String)| {
        CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap().as_ref().to_vec()
    };
    assert_eq!(shown, der(&first));
    // Half of a change: the old pair stays.
    std::fs::write(it.folder.path().join("server.crt"), &second.0).unwrap();
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(asked(it.address, &client).await.unwrap().0, der(&first));
    write(it.folder.path(), &second);
    let begun = Instant::now();
    while asked(it.address, &client).await.unwrap().0 != der(&second) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the new one isn't taken");
        sleep(Duration::from_millis(50)).await;
    }
    it.end().await;
}

#[tokio::test]
async fn clients_may_have_to_show_certificates_too() {
    let authority = Authority::new();
    let it = running(&authority.vouched("localhost"), |folder, tls| {
        std::fs::write(folder.join("clients.crt"), &authority.pem).unwrap();
        tls.client_authorities = Some(folder.join("clients.crt"));
    })
    .await;
    let (_, answer) = asked(it.address, &authority.client(Some(&authority.vouched("agent")))).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    asked(it.address, &authority.client(None)).await.unwrap_err();
    let stranger = Authority::new().vouched("agent");
    asked(it.address, &authority.client(Some(&stranger))).await.unwrap_err();
    it.end().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let (pair, other) = (authority.vouched("localhost"), authority.vouched("localhost"));
    let good = write(folder.path(), &pair);
    good.check().unwrap();
    let refused = |options: &TlsOptions| options.check().unwrap_err().to_string();
    let absent = TlsOptions { certificate: "none.crt".into(), ..good.clone() };
    assert!(refused(&absent).starts_with("cannot use `none.crt`: "), "{}", refused(&absent));
    let swapped = TlsOptions { certificate: good.key.clone(), key: good.certificate.clone(), ..good.clone() };
    assert!(refused(&swapped).ends_with("there is no certificate in PEM in it"), "{}", refused(&swapped));
    let keyless = TlsOptions { key: good.certificate.clone(), ..good.clone() };
    assert!(refused(&keyless).ends_with("there is no key in PEM in it"), "{}", refused(&keyless));
    std::fs::write(&good.key, &other.1).unwrap();
    assert!(refused(&good).contains("does not fit the certificate"), "{}", refused(&good));
}
