//! Entries of the record of who did what.

use jiff::Timestamp;
use ordain_store::{AuditEntry, Principal, Random, new_id};
use serde_json::Value;

/// An entry about something that happens now.
pub(super) fn entry(
    at: Timestamp,
    random: &dyn Random,
    actor: &Principal,
    action: &str,
    subject: &str,
    details: &Value,
) -> AuditEntry {
    AuditEntry {
        id: new_id(at, random),
        at,
        actor: actor.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        details: details.to_string(),
    }
}
