//! The bundle: everything a runtime needs, in one content-addressed file. Format 1:
//!
//! ```text
//! ORDAIN-BUNDLE 1\n
//! blake3:<64 lower-case hexadecimal digits>\n
//! <the body: one JSON object, UTF-8, without white space between tokens, map keys sorted>
//! ```
//!
//! The second line is the BLAKE3 hash of the body's bytes and is the bundle's name. The same sources give the
//! same bytes on every machine: the body has no time, no path outside the workspace, no hash order. A reader
//! checks the hash before it parses, and refuses fields that it doesn't know, so that a bundle is taken
//! whole or not at all.

use serde::{Deserialize, Serialize};

use crate::{DependencyGraph, Policies, Report, SourceMap};

const MAGIC: &str = "ORDAIN-BUNDLE 1\n";
const DIGEST_PREFIX: &str = "blake3:";

/// The largest bundle that is read, in bytes: 1 GiB.
pub const MAX_BYTES: usize = 1 << 30;

/// A compiled workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Name of the workspace.
    pub workspace: String,
    /// Version of the language that it is written in.
    pub language: String,
    /// The compiler that made it: `ordain 0.1.0`.
    pub compiler: String,
    /// The policies.
    pub policies: Policies,
    /// Their dependencies.
    pub dependencies: DependencyGraph,
    /// What the analysis found.
    pub analysis: Report,
    /// Where they stand in source.
    pub sources: SourceMap,
}

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The first line is another.
    #[error("this is no Ordain bundle: it does not begin with `ORDAIN-BUNDLE`")]
    NotABundle,
    /// The format's number is another.
    #[error(
        "the bundle has format `{0}`, this program reads format 1; use a program of the bundle's version"
    )]
    Format(String),
    /// Ends before the hash does.
    #[error("the bundle is truncated")]
    Truncated,
    /// The hash is another than the body's.
    #[error("the bundle is damaged: its body has the hash {actual}, its header says {expected}")]
    Digest {
        /// As in the header.
        expected: String,
        /// Of the bytes.
        actual: String,
    },
    /// The body is intact but not understood.
    #[error("the bundle's body is not understood: {0}")]
    Body(#[from] serde_json::Error),
    /// Larger than [`MAX_BYTES`].
    #[error("the bundle is larger than 1 GiB")]
    TooLarge,
}

impl Bundle {
    /// Writes the bundle and returns its bytes with its digest (`blake3:…`).
    pub fn to_bytes(&self) -> (Vec<u8>, String) {
        let body = serde_json::to_vec(self).expect("every key is a string and every number is finite");
        let digest = digest(&body);
        let mut bytes = Vec::with_capacity(MAGIC.len() + digest.len() + 1 + body.len());
        bytes.extend_from_slice(MAGIC.as_bytes());
        bytes.extend_from_slice(digest.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&body);
        (bytes, digest)
    }

    /// Reads a bundle and its digest, checking everything that can be checked without the sources.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, String), BundleError> {
        if bytes.len() > MAX_BYTES {
            return Err(BundleError::TooLarge);
        }
        let first = bytes.iter().position(|b| *b == b'\n').map(|end| &bytes[..end]);
        let first = first.ok_or_else(|| {
            if MAGIC.as_bytes().starts_with(bytes) && !bytes.is_empty() {
                BundleError::Truncated
            } else {
                BundleError::NotABundle
            }
        })?;
        match first.strip_prefix(b"ORDAIN-BUNDLE ") {
            Some(b"1") => {}
            Some(format) => return Err(BundleError::Format(String::from_utf8_lossy(format).into_owned())),
            None => return Err(BundleError::NotABundle),
        }
        let rest = &bytes[MAGIC.len()..];
        let end = rest.iter().position(|b| *b == b'\n').ok_or(BundleError::Truncated)?;
        let (expected, body) = (String::from_utf8_lossy(&rest[..end]).into_owned(), &rest[end + 1..]);
        let actual = digest(body);
        if expected != actual {
            return Err(BundleError::Digest { expected, actual });
        }
        Ok((serde_json::from_slice(body)?, actual))
    }
}

fn digest(body: &[u8]) -> String {
    format!("{DIGEST_PREFIX}{}", blake3::hash(body).to_hex())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bundle() -> Bundle {
        Bundle {
            workspace: "w".into(),
            language: "1".into(),
            compiler: "ordain 0.1.0".into(),
            policies: Policies::default(),
            dependencies: DependencyGraph::default(),
            analysis: Report::default(),
            sources: SourceMap::default(),
        }
    }

    #[test]
    fn round_trips() {
        let (bytes, digest) = bundle().to_bytes();
        let (read, again) = Bundle::from_bytes(&bytes).unwrap();
        assert_eq!((read, again), (bundle(), digest));
    }

    #[test]
    fn unknown_fields_and_formats_are_refused() {
        let other = b"ORDAIN-BUNDLE 2\nblake3:00\n{}";
        assert!(matches!(Bundle::from_bytes(other), Err(BundleError::Format(f)) if f == "2"));
        let body = String::from_utf8(bundle().to_bytes().0).unwrap().lines().nth(2).unwrap().replacen(
            '{',
            "{\"extra\":1,",
            1,
        );
        let bytes = format!("{MAGIC}{}\n{body}", digest(body.as_bytes()));
        assert!(matches!(Bundle::from_bytes(bytes.as_bytes()), Err(BundleError::Body(_))));
    }

    proptest! {
        #[test]
        fn no_truncation_and_no_flipped_bit_is_read(cut in 0usize..400, at in 0usize..400, bit in 0u8..8) {
            let (bytes, _) = bundle().to_bytes();
            let cut = cut % bytes.len();
            prop_assert!(Bundle::from_bytes(&bytes[..cut]).is_err());
            let mut flipped = bytes.clone();
            let at = at % bytes.len();
            flipped[at] ^= 1 << bit;
            prop_assert!(Bundle::from_bytes(&flipped).is_err());
        }
    }
}
