//! A proxy before the server that speaks PostgreSQL's TLS, and nothing else.

use std::path::Path;
use std::sync::Arc;

use ordain_store::{BundleStore, TenantId};
use ordain_store_postgres::PostgresStore;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::database::TestDatabase;

/// The message with which a client asks for TLS: its length, then a number that no version of the protocol has.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>, `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Signs certificates.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("randomness");
        let certificate = parameters.self_signed(&key).expect("signs itself").pem();
        Self(Issuer::new(parameters, key), certificate)
    }

    fn server(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().expect("randomness");
        let parameters = CertificateParams::new([name.to_owned()]).expect("is a name");
        let certificate: CertificateDer<'static> =
            parameters.signed_by(&key, &self.0).expect("signs").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("is a key");
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("belong together")
    }
}

/// Forwards what comes by TLS; hangs up on whoever begins otherwise.
async fn proxy(server: ServerConfig, (host, port): (String, u16)) -> u16 {
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let own = listener.local_addr().expect("listens").port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (acceptor, host) = (acceptor.clone(), host.clone());
            tokio::spawn(async move {
                let mut begins = [0; 8];
                if client.read_exact(&mut begins).await.is_err() || begins != SSL_REQUEST {
                    return;
                }
                client.write_all(b"S").await.expect("the client listens");
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect((host.as_str(), port)).await.expect("is there");
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    own
}

/// Answers whoever asks for TLS that there is none.
async fn without_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let own = listener.local_addr().expect("listens").port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut begins = [0; 8];
            if client.read_exact(&mut begins).await.is_ok() {
                let _ = client.write_all(b"N").await;
            }
        }
    });
    own
}

fn with_tls(url: &str, mode: &str, authority: Option<&Path>) -> String {
    let plain = url.split_once('?').map_or(url, |(plain, _)| plain);
    let authority = authority.map_or_else(String::new, |path| format!("&sslrootcert={}", path.display()));
    format!("{plain}?sslmode={mode}{authority}")
}

async fn refused(url: &str) -> String {
    PostgresStore::open(url).await.map(drop).expect_err("TLS is not as it should be").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_reached_by_tls_alone() {
    let database = TestDatabase::create().await;
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let paths = [("ours.pem", &ours), ("theirs.pem", &theirs)].map(|(name, authority)| {
        let path = folder.path().join(name);
        std::fs::write(&path, &authority.1).unwrap();
        path
    });
    let [own, other] = paths.each_ref().map(|path| Some(path.as_path()));

    let url = database.url_by_port(proxy(ours.server("127.0.0.1"), database.address()).await);
    for (mode, authority) in [("verify-full", own), ("verify-ca", own), ("require", None), ("prefer", None)] {
        let store = PostgresStore::open(&with_tls(&url, mode, authority)).await.unwrap();
        assert_eq!(store.active_bundle(&TenantId::new("a").unwrap()).await.unwrap(), None, "{mode}");
        store.close().await;
    }
    for (mode, authority) in [("verify-full", other), ("verify-ca", other), ("verify-full", None)] {
        let error = refused(&with_tls(&url, mode, authority)).await;
        assert!(error.contains("its TLS is refused: ") && error.contains("`sslrootcert`"), "{error}");
    }

    // The right authority, and a certificate for somebody else.
    let url = database.url_by_port(proxy(ours.server("db.example"), database.address()).await);
    let error = refused(&with_tls(&url, "verify-full", own)).await;
    assert!(error.contains("that should name `127.0.0.1`"), "{error}");
    PostgresStore::open(&with_tls(&url, "verify-ca", own)).await.unwrap().close().await;

    let url = database.url_by_port(without_tls().await);
    let error = refused(&with_tls(&url, "require", None)).await;
    assert!(error.contains("the server speaks no TLS"), "{error}");
    database.drop().await;
}
