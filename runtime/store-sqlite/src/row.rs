//! From columns to values and back.

use std::str::FromStr;

use jiff::Timestamp;
use ordain_ir::{PolicyId, PolicyRef};
use ordain_store::{StoreError, from_microseconds};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// A failed statement.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::unavailable(error)
}

/// Reads a `definition` column.
pub(crate) fn definition<T: DeserializeOwned>(
    table: &'static str,
    row: &str,
    json: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::inconsistent(table, "definition", &row, &error))
}

/// Writes a `definition` column.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("every key is a string and every number is finite")
}

/// Reads an instant.
pub(crate) fn instant(
    table: &'static str,
    column: &'static str,
    row: &str,
    microseconds: i64,
) -> Result<Timestamp, StoreError> {
    from_microseconds(microseconds).ok_or_else(|| {
        StoreError::inconsistent(table, column, &row, &format!("{microseconds} is no instant"))
    })
}

/// Reads a count.
pub(crate) fn count(table: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|error| StoreError::inconsistent(table, "count(*)", &"", &error))
}

/// An identity as the databases of this crate keep it: readable in any shell.
pub(crate) fn id(id: PolicyId) -> String {
    id.0.hyphenated().to_string()
}

/// The identity of a policy that an edge names.
pub(crate) fn reference(policy: &PolicyRef) -> String {
    id(policy.id)
}

/// Reads a word of one of the wire's enumerations.
pub(crate) fn word<T: FromStr<Err = String>>(
    table: &'static str,
    column: &'static str,
    row: &str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|reason: String| StoreError::inconsistent(table, column, &row, &reason))
}

/// Reads an identity.
pub(crate) fn uuid(table: &'static str, column: &'static str, text: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(text).map_err(|error| StoreError::inconsistent(table, column, &text, &error))
}
