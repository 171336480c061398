//! What was seen of capabilities.

use std::sync::Arc;

use uuid::Uuid;

use super::Names;
use super::fixtures::at;
use crate::{AuditEntry, CapabilityObservation, PageRequest, Principal, PrincipalKind, Store};

pub(super) async fn the_last_observation_is_kept<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    assert_eq!(store.capability_observations(&tenant).await.expect("reads"), []);
    let ada = Principal { kind: PrincipalKind::Human, name: "ada".to_owned() };
    let robot = Principal { kind: PrincipalKind::Service, name: "nightly".to_owned() };
    let seen = |capability: &str, by: &Principal, seconds| CapabilityObservation {
        capability: capability.to_owned(),
        scenario: format!("scenario of {seconds}"),
        observed_by: by.clone(),
        observed_at: at(seconds),
    };
    let entry = |id, by: &Principal, seconds| AuditEntry {
        id: Uuid::from_u128(id),
        at: at(seconds),
        actor: by.clone(),
        action: "capability.observe".to_owned(),
        subject: "scenario".to_owned(),
        details: "{}".to_owned(),
    };
    let first = [seen("policies.b", &ada, 1), seen("policies.a", &ada, 1), seen("policies.B", &ada, 1)];
    store.observe_capabilities(&tenant, &first, &entry(1, &ada, 1)).await.expect("keeps");
    let again = [seen("policies.b", &robot, 5)];
    store.observe_capabilities(&tenant, &again, &entry(2, &robot, 5)).await.expect("keeps");
    let wanted = [seen("policies.B", &ada, 1), seen("policies.a", &ada, 1), seen("policies.b", &robot, 5)];
    assert_eq!(store.capability_observations(&tenant).await.expect("reads"), wanted);
    let log = store.audit_log(&tenant, PageRequest::new(10, 0)).await.expect("reads");
    assert_eq!(log.items, [entry(2, &robot, 5), entry(1, &ada, 1)]);
    assert_eq!(
        store.capability_observations(&other).await.expect("reads"),
        [],
        "another tenant has seen nothing"
    );
}
