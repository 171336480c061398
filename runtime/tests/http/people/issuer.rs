//! An issuer of tokens on a real port, with real keys.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that signs tokens.
pub(crate) enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    /// From a file made for these tests: `ring` makes no RSA keys.
    pub(crate) fn rsa(pem: &str) -> Self {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("is a key");
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("is an RSA key")))
    }

    pub(crate) fn ec() -> Self {
        let random = SystemRandom::new();
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("makes one");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
        Self::Ec(pair.expect("is one"))
    }

    pub(crate) fn ed() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("makes one");
        Self::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("is one"))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// As issuers publish it.
    pub(crate) fn published(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": base64(n), "e": base64(e) })
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "kid": kid, "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])
                })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "kid": kid, "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signs");
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).expect("signs").as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with these claims.
    pub(crate) fn token(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        format!("{message}.{}", base64(self.sign(message.as_bytes())))
    }
}

/// What an issuer says, and how often it was asked.
#[derive(Clone, Default)]
pub(crate) struct Issuer {
    pub(crate) address: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    /// One that answers from now on.
    pub(crate) async fn started(keys: Vec<Value>) -> Self {
        Self::started_at(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), keys)
    }

    /// One on this port.
    pub(crate) fn started_at(listener: TcpListener, keys: Vec<Value>) -> Self {
        let address: SocketAddr = listener.local_addr().expect("listens");
        let issuer = Self {
            address: format!("http://{address}"),
            keys: Arc::new(Mutex::new(keys)),
            asked: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(published))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// From now on it publishes these.
    pub(crate) fn rotate(&self, keys: Vec<Value>) {
        *self.keys.lock().expect("nobody panicked") = keys;
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    Json(json!({
        "issuer": issuer.address, "jwks_uri": format!("{}/keys", issuer.address), "response_types_supported": ["code"]
    }))
}

async fn published(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.asked.fetch_add(1, Ordering::Relaxed);
    let mut keys = issuer.keys.lock().expect("nobody panicked").clone();
    // What nobody here knows is left aside.
    keys.push(json!({ "kty": "LATTICE", "kid": "pq", "crv": "new" }));
    Json(json!({ "keys": keys }))
}
