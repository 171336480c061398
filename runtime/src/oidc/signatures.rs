//! The signatures of tokens, checked by the library that TLS is built upon. Nothing is signed here.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// What checks signatures of tokens in this process, unless something else has been installed.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    key_utils: KeyUtils::new_unimplemented(),
};

pub(super) fn install() {
    // An error says that one is there already, which may be ours.
    let _ = PROVIDER.install_default();
}

/// One key with one algorithm.
struct Check {
    algorithm: Algorithm,
    how: How,
}

enum How {
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    Other(UnparsedPublicKey<Vec<u8>>),
}

impl Verifier<Vec<u8>> for Check {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let fits = match &self.how {
            How::Rsa(parameters, key) => key.verify(parameters, message, signature),
            How::Other(key) => key.verify(message, signature),
        };
        fits.map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Check {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        _ => return None,
    })
}

fn other(algorithm: Algorithm) -> Option<(AlgorithmFamily, &'static dyn VerificationAlgorithm)> {
    Some(match algorithm {
        Algorithm::ES256 => (AlgorithmFamily::Ec, &ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => (AlgorithmFamily::Ec, &ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => (AlgorithmFamily::Ed, &ED25519),
        _ => return None,
    })
}

/// A key of another family than the algorithm's is refused before anything is computed with it.
fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let how = match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => rsa(algorithm)
            .map(|parameters| How::Rsa(parameters, RsaPublicKeyComponents { n: n.clone(), e: e.clone() })),
        DecodingKeyKind::SecretOrDer(bytes) => other(algorithm)
            .filter(|(family, _)| *family == key.family())
            .map(|(_, check)| How::Other(UnparsedPublicKey::new(check, bytes.clone()))),
    };
    let how = how.ok_or(ErrorKind::InvalidAlgorithm)?;
    Ok(Box::new(Check { algorithm, how }))
}
