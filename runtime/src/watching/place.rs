//! Places that can be watched: a bundle or a folder of bundles, on this machine or in an S3-compatible store.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, RetryConfig};

use super::s3::Connector;
use crate::client::Client;

/// How a bundle's name ends.
const SUFFIX: &str = ".ordain-bundle";
/// What stands behind a bundle's name in that of its signature.
const SIGNATURE: &str = ".sig";
/// How long one request may take in all. The next look begins anew.
const LONGEST: Duration = Duration::from_mins(1);

/// Where new bundles are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    kind: Kind,
    /// Below the root of the machine, or within the bucket.
    path: Path,
    /// Whether it is a folder with bundles, rather than a bundle.
    folder: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Files,
    Bucket(String),
}

/// Why a text is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is of a kind that nobody here knows.
    #[error("`{0}://` is no place that can be watched; write a path, `file:///PATH` or `s3://BUCKET/PATH`")]
    Unknown(String),
    /// It names another machine.
    #[error("a file's place has three slashes, `file:///PATH`: files of other machines can't be watched")]
    Host,
    /// It names no bucket.
    #[error("the name of the bucket is missing; write `s3://BUCKET/PATH`")]
    NoBucket,
    /// It holds what belongs elsewhere.
    #[error(
        "it holds a credential, a port or a query; credentials and the endpoint come from the environment, as \
             `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_ENDPOINT_URL`"
    )]
    NotPlain,
    /// It can't be a name.
    #[error("it is no path: {0}")]
    Path(String),
}

impl Place {
    /// Reads a path, `file:///PATH` (as it stands, nothing is decoded) or `s3://BUCKET/PATH`. What ends with
    /// `.ordain-bundle` is one bundle, anything else a folder.
    pub fn new(text: &str) -> Result<Self, PlaceError> {
        let bad = |error: object_store::path::Error| PlaceError::Path(error.to_string());
        let (kind, path) = match text.split_once("://") {
            Some(("s3", rest)) => {
                if rest.contains(['@', '?', '#']) {
                    return Err(PlaceError::NotPlain);
                }
                let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(PlaceError::NoBucket);
                }
                if bucket.contains(':') {
                    return Err(PlaceError::NotPlain);
                }
                (Kind::Bucket(bucket.to_owned()), Path::parse(path.trim_matches('/')).map_err(bad)?)
            }
            Some(("file", path)) if !path.starts_with('/') => return Err(PlaceError::Host),
            Some((scheme, _)) if scheme != "file" => return Err(PlaceError::Unknown(scheme.to_owned())),
            file => {
                let path = file.map_or(text, |(_, path)| path);
                let path = std::path::absolute(FilePath::new(path))
                    .map_err(|error| PlaceError::Path(error.to_string()))?;
                (Kind::Files, Path::from_absolute_path(path).map_err(bad)?)
            }
        };
        let folder = !path.as_ref().ends_with(SUFFIX);
        Ok(Self { kind, path, folder })
    }

    /// Whether it is a folder with bundles.
    pub(super) fn is_folder(&self) -> bool {
        self.folder
    }

    /// Makes ready to look there. Nothing is asked yet.
    pub(super) fn open(&self, client: &Client, largest: usize) -> Result<Shelf, object_store::Error> {
        let store: Arc<dyn ObjectStore> = match &self.kind {
            Kind::Files => Arc::new(LocalFileSystem::new()),
            Kind::Bucket(bucket) => {
                // A moment's trouble is tried once more; whoever watches tries again anyway.
                let retry = RetryConfig {
                    backoff: BackoffConfig::default(),
                    max_retries: 1,
                    retry_timeout: Duration::from_secs(5),
                };
                let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
                Arc::new(builder.with_http_connector(Connector::new(client.clone(), largest)).build()?)
            }
        };
        Ok(Shelf { store, path: self.path.clone(), folder: self.folder, largest })
    }
}

impl std::fmt::Display for Place {
    /// Always in the same way: as it is known in the database and in the record.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Files => write!(f, "file:///{}", self.path),
            Kind::Bucket(bucket) => write!(f, "s3://{bucket}/{}", self.path),
        }
    }
}

/// What can be looked at, again and again.
pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
    path: Path,
    folder: bool,
    largest: usize,
}

/// An object as it stands there.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its name.
    pub(super) object: Path,
    /// Another one whenever it was written anew.
    pub(super) version: String,
    /// When it was.
    pub(super) modified_at: Timestamp,
}

impl Seen {
    /// What it is called in its place.
    pub(super) fn name(&self) -> &str {
        self.object.filename().unwrap_or_default()
    }

    /// Whether it is the same as before. When it changed doesn't matter: lists may say that more exactly than heads.
    pub(super) fn is(&self, before: &Self) -> bool {
        (&self.object, &self.version) == (&before.object, &before.version)
    }
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSeen {
    /// There is nothing.
    #[error("there is nothing")]
    Missing,
    /// It is too large.
    #[error("it has {0} bytes, and the largest bundle that is taken has {1} (`limits.bundle`)")]
    TooLarge(u64, usize),
    /// The place doesn't answer.
    #[error("{0}")]
    Failed(object_store::Error),
    /// It answers too slowly.
    #[error("it takes longer than {} seconds", LONGEST.as_secs())]
    TooSlow,
}

impl From<object_store::Error> for NotSeen {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Failed(other),
        }
    }
}

async fn patiently<T>(asked: impl Future<Output = Result<T, object_store::Error>>) -> Result<T, NotSeen> {
    Ok(tokio::time::timeout(LONGEST, asked).await.map_err(|_| NotSeen::TooSlow)??)
}

fn seen(meta: &ObjectMeta) -> Seen {
    let micros = meta.last_modified.timestamp_micros();
    Seen {
        object: meta.location.clone(),
        version: meta.e_tag.clone().unwrap_or_else(|| format!("{micros} {}", meta.size)),
        modified_at: Timestamp::from_microsecond(micros).unwrap_or_default(),
    }
}

impl Shelf {
    /// The bundle that is there, or the newest one; of those written at the same instant, that with the greatest name.
    pub(super) async fn look(&self) -> Result<Seen, NotSeen> {
        if !self.folder {
            return Ok(seen(&patiently(self.store.head(&self.path)).await?));
        }
        let list = patiently(self.store.list_with_delimiter(Some(&self.path))).await?;
        let bundles = list.objects.iter().filter(|meta| {
            let name = meta.location.filename().unwrap_or_default();
            name.ends_with(SUFFIX) && !name.starts_with('.')
        });
        let newest =
            bundles.max_by(|a, b| (a.last_modified, &a.location).cmp(&(b.last_modified, &b.location)));
        newest.map(seen).ok_or(NotSeen::Missing)
    }

    /// A bundle's bytes, as they are now.
    pub(super) async fn read(&self, object: &Path) -> Result<(Seen, Vec<u8>), NotSeen> {
        let found = patiently(self.store.get_opts(object, GetOptions::default())).await?;
        if usize::try_from(found.meta.size).is_ok_and(|size| size <= self.largest) {
            let seen = seen(&found.meta);
            Ok((seen, patiently(found.bytes()).await?.into()))
        } else {
            Err(NotSeen::TooLarge(found.meta.size, self.largest))
        }
    }

    fn signature_of(object: &Path) -> Path {
        Path::from(format!("{object}{SIGNATURE}"))
    }

    /// The version of a bundle's signature, if there is one.
    pub(super) async fn look_for_signature(&self, object: &Path) -> Result<Option<String>, NotSeen> {
        match patiently(self.store.head(&Self::signature_of(object))).await {
            Ok(meta) => Ok(Some(seen(&meta).version)),
            Err(NotSeen::Missing) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// A bundle's signature, if there is one.
    pub(super) async fn read_signature(&self, object: &Path) -> Result<Option<(String, Vec<u8>)>, NotSeen> {
        match self.read(&Self::signature_of(object)).await {
            Ok((seen, bytes)) => Ok(Some((seen.version, bytes))),
            Err(NotSeen::Missing) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_always_written_in_the_same_way() {
        let here = std::env::current_dir().unwrap();
        for (text, wanted, folder) in [
            ("s3://b/shop.ordain-bundle", "s3://b/shop.ordain-bundle".to_owned(), false),
            ("s3://b/a/c/", "s3://b/a/c".to_owned(), true),
            ("s3://b", "s3://b/".to_owned(), true),
            ("file:///srv/x.ordain-bundle", "file:///srv/x.ordain-bundle".to_owned(), false),
            ("/srv/policies/", "file:///srv/policies".to_owned(), true),
            ("policies", format!("file://{}/policies", here.display()), true),
            ("./x.ordain-bundle", format!("file://{}/x.ordain-bundle", here.display()), false),
        ] {
            let place = Place::new(text).unwrap();
            assert_eq!((place.to_string(), place.is_folder()), (wanted, folder), "{text}");
            assert_eq!(Place::new(&place.to_string()), Ok(place), "{text}");
        }
        for (text, wanted) in [
            ("gs://b/x", "`gs://` is no place"),
            ("s3://", "the name of the bucket is missing"),
            ("s3:///x", "the name of the bucket is missing"),
            ("s3://key:secret@b/x", "it holds a credential"),
            ("s3://b/x?versionId=1", "it holds a credential, a port or a query"),
            ("file://host/x", "three slashes"),
            ("s3://b/a/../c", "it is no path"),
        ] {
            let error = Place::new(text).unwrap_err().to_string();
            assert!(error.contains(wanted) && !error.contains("secret@"), "{text}: {error}");
        }
    }
}
