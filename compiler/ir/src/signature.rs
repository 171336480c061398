//! Signatures of bundles: Ed25519 (RFC 8032) over all bytes of the bundle's file, kept in a file beside it. So a bundle
//! has the same bytes and the same name whether it is signed or not, and by whomever. Format 1:
//!
//! ```text
//! ORDAIN-SIGNATURE 1\n
//! key <the signer's public key: 32 bytes in base64>\n
//! signature <64 bytes in base64>\n
//! ```
//!
//! Keys are files that other tools make and read: private keys PKCS#8 (RFC 8410), public keys
//! `SubjectPublicKeyInfo`, both in PEM.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::KeypairBytes;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

const MAGIC: &str = "ORDAIN-SIGNATURE 1";

/// Who may sign. Doesn't show itself, and is wiped from memory when dropped.
pub struct PrivateKey(SigningKey);

/// Who has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a file holds no key, or a signature is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A public key stands where a private one is wanted.
    #[error("it holds a public key; a private key is wanted here")]
    PublicKey,
    /// A private key stands where a public one is wanted.
    #[error("it holds a private key; give the public one, and keep this one to yourself")]
    PrivateKey,
    /// A private key that asks for a passphrase.
    #[error(
        "its private key is encrypted; `openssl pkey -in FILE -out PLAIN` writes it without a passphrase"
    )]
    Encrypted,
    /// Something else.
    #[error(
        "it holds no Ed25519 key in PEM; `ordain keygen` makes one, as does `openssl genpkey -algorithm ed25519`"
    )]
    NotAKey,
    /// Not a signature's format.
    #[error(
        "it is no signature of format 1: it has to have three lines, `{MAGIC}`, `key …` and `signature …`"
    )]
    NotASignature,
    /// Not a signature's format on one line.
    #[error(
        "it is no signature of format 1 on one line: it has to be `{MAGIC} key … signature …`, the words of the \
         signature's file with single spaces between them"
    )]
    NotALine,
    /// The signature is of other bytes, or by another key.
    #[error("the signature does not fit the bundle: one of both has been changed")]
    Forged,
}

impl PrivateKey {
    /// From 32 bytes that nobody can guess.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads PKCS#8 in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        SigningKey::from_pkcs8_pem(pem.trim())
            .map(Self)
            .map_err(|_| wrong(pem, "PUBLIC KEY", SignatureError::PublicKey))
    }

    /// Writes PKCS#8 in PEM, of the version that all tools read: without the public key.
    pub fn to_pem(&self) -> String {
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = bytes.to_pkcs8_pem(LineEnding::LF).expect("32 bytes are always written");
        pem.as_str().to_owned()
    }

    /// The key that tells this one's signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs the bytes of a file.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature { key: self.public(), signature: self.0.sign(bytes) }
    }
}

impl PublicKey {
    /// Reads `SubjectPublicKeyInfo` in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        VerifyingKey::from_public_key_pem(pem.trim())
            .map(Self)
            .map_err(|_| wrong(pem, "PRIVATE KEY", SignatureError::PrivateKey))
    }

    /// Writes `SubjectPublicKeyInfo` in PEM.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("32 bytes are always written")
    }
}

/// What to say about a text that is no key of the wanted kind.
fn wrong(pem: &str, other: &str, what: SignatureError) -> SignatureError {
    if pem.contains("ENCRYPTED PRIVATE KEY") {
        SignatureError::Encrypted
    } else if pem.contains(other) {
        what
    } else {
        SignatureError::NotAKey
    }
}

impl fmt::Display for PublicKey {
    /// `ed25519:` and the key in base64: how a signer is named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", BASE64.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey of {}", self.public())
    }
}

/// A signature, with the key that it claims to be by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key. Anybody may write any key here: whether it is that of somebody who is trusted is for the reader to say.
    pub key: PublicKey,
    signature: ed25519_dalek::Signature,
}

impl Signature {
    /// Reads a signature's file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let read = || {
            let text = std::str::from_utf8(bytes).ok()?;
            let mut lines = text.strip_suffix('\n')?.split('\n');
            lines.next().filter(|line| *line == MAGIC)?;
            let key = BASE64.decode(lines.next()?.strip_prefix("key ")?).ok()?;
            let signature = BASE64.decode(lines.next()?.strip_prefix("signature ")?).ok()?;
            let key = VerifyingKey::from_bytes(key.as_slice().try_into().ok()?).ok()?;
            let signature = ed25519_dalek::Signature::from_slice(&signature).ok()?;
            lines.next().is_none().then_some(Self { key: PublicKey(key), signature })
        };
        read().ok_or(SignatureError::NotASignature)
    }

    /// Writes a signature's file.
    pub fn to_text(&self) -> String {
        let [key, signature] =
            [&self.key.0.as_bytes()[..], &self.signature.to_bytes()].map(|it| BASE64.encode(it));
        format!("{MAGIC}\nkey {key}\nsignature {signature}\n")
    }

    /// Reads a signature's file whose lines stand on one line, with single spaces between them: as it can be sent in a
    /// header.
    pub fn from_line(line: &str) -> Result<Self, SignatureError> {
        let read = || {
            let (first, rest) = line.trim_end_matches(' ').split_once(" key ")?;
            let (key, signature) = rest.split_once(" signature ")?;
            Self::from_bytes(format!("{first}\nkey {key}\nsignature {signature}\n").as_bytes()).ok()
        };
        read().ok_or(SignatureError::NotALine)
    }

    /// Whether the key has signed these bytes. Keys and signatures that fit more than one message are refused.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), SignatureError> {
        self.key.0.verify_strict(bytes, &self.signature).map_err(|_| SignatureError::Forged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8410, section 10.3 and 10.1.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn keys_are_those_of_the_standard() {
        let key = PrivateKey::from_pem(PRIVATE).unwrap();
        assert_eq!(key.to_pem(), PRIVATE);
        assert_eq!(key.public().to_pem(), PUBLIC);
        assert_eq!(PublicKey::from_pem(PUBLIC), Ok(key.public()));
        assert_eq!(key.public().to_string(), "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
        assert!(!format!("{key:?}").contains("1O5y2"), "it doesn't show itself");
        // With Windows' ends of lines, and white space around.
        assert!(PrivateKey::from_pem(&format!("\n{}\n", PRIVATE.replace('\n', "\r\n"))).is_ok());
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 8032, section 7.1, test 2.
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = PrivateKey::from_seed(seed.try_into().unwrap());
        let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        assert_eq!(key.public().0.as_bytes()[..], public);
        let wanted = hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(signature.signature.to_bytes()[..], wanted);
        assert_eq!(signature.verify(&[0x72]), Ok(()));
    }

    #[test]
    fn the_wrong_file_is_called_what_it_is() {
        assert_eq!(PrivateKey::from_pem(PUBLIC).unwrap_err(), SignatureError::PublicKey);
        assert_eq!(PublicKey::from_pem(PRIVATE).unwrap_err(), SignatureError::PrivateKey);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4C\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(PrivateKey::from_pem(locked).unwrap_err(), SignatureError::Encrypted);
        for other in ["", "ssh-ed25519 AAAA", &PRIVATE[..60], &PRIVATE.replace("MC4C", "MC4D")] {
            assert_eq!(PrivateKey::from_pem(other).unwrap_err(), SignatureError::NotAKey, "{other}");
        }
    }

    #[test]
    fn a_key_that_fits_anything_is_refused() {
        // The neutral element, with which every message has the same signature unless that is looked for.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let text = |key: &[u8], signature: &[u8]| {
            format!("{MAGIC}\nkey {}\nsignature {}\n", BASE64.encode(key), BASE64.encode(signature))
        };
        let mut signature = [0; 64];
        signature[0] = 1;
        let read = Signature::from_bytes(text(&neutral, &signature).as_bytes());
        assert!(read.is_ok_and(|read| read.verify(b"anything") == Err(SignatureError::Forged)));
    }

    proptest! {
        #[test]
        fn no_flipped_bit_and_no_truncation_verifies(
            message in proptest::collection::vec(any::<u8>(), 1..200),
            at in 0usize..10_000,
            bit in 0u8..8,
        ) {
            let key = PrivateKey::from_pem(PRIVATE).unwrap();
            let signature = key.sign(&message);
            let file = signature.to_text().into_bytes();
            prop_assert_eq!(Signature::from_bytes(&file).and_then(|read| read.verify(&message)), Ok(()));
            let line = signature.to_text().replace('\n', " ");
            for line in [&line, line.trim_end()] {
                prop_assert_eq!(Signature::from_line(line), Ok(signature));
            }
            prop_assert_eq!(Signature::from_line(&signature.to_text()), Err(SignatureError::NotALine));
            prop_assert!(Signature::from_line(&line[..at % (line.len() - 1)]).is_err());

            let mut other = message.clone();
            other[at % message.len()] ^= 1 << bit;
            prop_assert_eq!(signature.verify(&other), Err(SignatureError::Forged));
            prop_assert_eq!(signature.verify(&message[1..]), Err(SignatureError::Forged));

            let mut flipped = file.clone();
            flipped[at % file.len()] ^= 1 << bit;
            prop_assert!(Signature::from_bytes(&flipped).and_then(|read| read.verify(&message)).is_err());
            prop_assert!(Signature::from_bytes(&file[..at % file.len()]).is_err());
        }
    }
}
