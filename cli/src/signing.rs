//! Keys and signatures on disk. The signature of `x.ordain-bundle` is `x.ordain-bundle.sig`, unless it is named.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ordain_ir::signature::{PrivateKey, PublicKey, Signature, SignatureError};

use crate::failure::Failure;

/// Where the signature of a bundle is.
pub(crate) fn beside(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|reason| Failure::Read { path: path.to_owned(), reason })
}

fn unfit(path: &Path) -> impl FnOnce(SignatureError) -> Failure {
    move |reason| Failure::Other(format!("`{}`: {reason}", path.display()))
}

/// Reads who may sign, and says whether others than its owner may read it too.
pub(crate) fn private_key(path: &Path) -> Result<(PrivateKey, bool), Failure> {
    let failure = |reason| Failure::Read { path: path.to_owned(), reason };
    let open = fs::metadata(path).map_err(failure)?.permissions().mode() & 0o077 != 0;
    Ok((PrivateKey::from_pem(&read(path)?).map_err(unfit(path))?, open))
}

/// Reads who is trusted.
pub(crate) fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::from_pem(&read(path)?).map_err(unfit(path))
}

/// Reads a signature; none, if there is no such file.
pub(crate) fn signature(path: &Path) -> Result<Option<Signature>, Failure> {
    match fs::read(path) {
        Ok(file) => Signature::from_bytes(&file).map(Some).map_err(unfit(path)),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(Failure::Read { path: path.to_owned(), reason }),
    }
}

/// What a bundle's signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// There is none.
    Not,
    /// By this key, on exactly these bytes.
    By(PublicKey),
    /// By a key that isn't trusted.
    ByAnother(PublicKey),
    /// It is none, or of something else.
    Badly(SignatureError),
}

/// Holds the bytes of a bundle against its signature. Any key will do if none is trusted.
pub(crate) fn check(bytes: &[u8], signature: &Path, trusted: &[PublicKey]) -> Result<Signed, Failure> {
    let file = match fs::read(signature) {
        Ok(file) => file,
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(Signed::Not),
        Err(reason) => return Err(Failure::Read { path: signature.to_owned(), reason }),
    };
    let read = Signature::from_bytes(&file).and_then(|read| read.verify(bytes).map(|()| read.key));
    Ok(match read {
        Err(reason) => Signed::Badly(reason),
        Ok(key) if trusted.is_empty() || trusted.contains(&key) => Signed::By(key),
        Ok(key) => Signed::ByAnother(key),
    })
}
