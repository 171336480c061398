//! From columns to values and back.

use std::str::FromStr;

use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{StoreError, clamped_microseconds, from_microseconds};
use serde::{Serialize, de::DeserializeOwned};

/// A failed statement.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::unavailable(error)
}

/// Reads a `definition` column.
pub(crate) fn definition<T: DeserializeOwned>(
    table: &'static str,
    row: &dyn std::fmt::Display,
    json: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::inconsistent(table, "definition", row, &error))
}

/// Writes a `definition` column.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("every key is a string and every number is finite")
}

/// Reads a count.
pub(crate) fn count(table: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|error| StoreError::inconsistent(table, "count(*)", &"", &error))
}

/// Bounds of a time filter, as columns are compared with.
pub(crate) fn bounds(
    after: Option<jiff::Timestamp>,
    before: Option<jiff::Timestamp>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let (after, before) = clamped_microseconds(after, before);
    let instant = |at: Option<i64>| at.and_then(from_microseconds).map(ToSqlx::to_sqlx);
    (instant(after), instant(before))
}

/// The instant of a place, to begin after it where the latest comes first; none is later where it begins at the first.
pub(crate) fn latest(at: Option<jiff::Timestamp>) -> Option<Timestamp> {
    bounds(None, Some(at.unwrap_or(jiff::Timestamp::MAX))).1
}

/// Reads a word of one of the wire's enumerations.
pub(crate) fn word<T: FromStr<Err = String>>(
    table: &'static str,
    column: &'static str,
    row: &dyn std::fmt::Display,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|reason: String| StoreError::inconsistent(table, column, row, &reason))
}
