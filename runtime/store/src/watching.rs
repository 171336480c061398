//! Places that are watched for new bundles.

use jiff::Timestamp;

/// What was last taken from a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name there.
    pub object: String,
    /// When it changed there, as the place says.
    pub modified_at: Timestamp,
    /// The bundle's name.
    pub digest: String,
    /// When it was taken.
    pub taken_at: Timestamp,
}

/// Where a bundle that becomes active was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// The place, always written in the same way.
    pub place: &'a str,
    /// Its name there.
    pub object: &'a str,
    /// When it changed there, as the place says.
    pub modified_at: Timestamp,
    /// The digest of what must be the last that was taken from there; none if nothing may have been.
    pub after: Option<&'a str>,
}
