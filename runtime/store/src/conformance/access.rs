//! API keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Names;
use super::fixtures::at;
use crate::{ApiKeyRecord, FoundApiKey, Principal, PrincipalKind, Role, Store};

/// A key of its own for each case and number.
fn key(names: Names, number: u128) -> ApiKeyRecord {
    ApiKeyRecord {
        id: Uuid::from_u128(number),
        prefix: format!("{}-{number}", names.0),
        hash: [u8::try_from(number).expect("is small"); 32],
        principal: Principal { kind: PrincipalKind::Human, name: "Ada Ł. \"x\" 'y'".to_owned() },
        roles: BTreeSet::from([Role::Viewer, Role::Approver]),
        created_at: at(i64::try_from(number).expect("is small")),
        expires_at: Some(at(1000)),
        revoked_at: None,
        last_used_at: None,
        replaces: None,
    }
}

pub(super) async fn a_key_is_found_by_its_prefix_alone<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let service = ApiKeyRecord {
        principal: Principal { kind: PrincipalKind::Service, name: "worker".to_owned() },
        roles: Role::ALL.iter().copied().collect(),
        expires_at: None,
        ..key(names, 2)
    };
    store.create_api_key(&tenant, &key(names, 1)).await.expect("creates");
    store.create_api_key(&other, &service).await.expect("creates");
    for (tenant, wanted) in [(&tenant, key(names, 1)), (&other, service.clone())] {
        let found = store.api_key_by_prefix(&wanted.prefix).await.expect("looks");
        assert_eq!(found, Some(FoundApiKey { tenant: tenant.clone(), key: wanted.clone() }));
        assert_eq!(store.api_keys(tenant).await.expect("lists"), [wanted], "and nobody else's");
    }
    for near in
        ["", "%", "nobody", &key(names, 1).prefix.to_uppercase(), &format!("{} ", key(names, 1).prefix)]
    {
        assert_eq!(store.api_key_by_prefix(near).await.expect("looks"), None, "{near:?}");
    }
    // The same prefix again would leave open whose key it is.
    let twin = ApiKeyRecord { id: Uuid::from_u128(3), ..key(names, 1) };
    if std::any::type_name::<S>() != std::any::type_name::<crate::MemoryStore>() {
        assert!(store.create_api_key(&other, &twin).await.is_err());
    }
}

pub(super) async fn keys_are_revoked_once_and_by_their_tenant<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    store.create_api_key(&tenant, &key(names, 1)).await.expect("creates");
    let id = Uuid::from_u128(1);
    assert_eq!(store.revoke_api_key(&other, id, at(5)).await.expect("looks"), None);
    assert_eq!(store.revoke_api_key(&tenant, Uuid::from_u128(9), at(5)).await.expect("looks"), None);
    let revoked = store.revoke_api_key(&tenant, id, at(5)).await.expect("revokes").expect("is there");
    assert_eq!(revoked, ApiKeyRecord { revoked_at: Some(at(5)), ..key(names, 1) });
    let again = store.revoke_api_key(&tenant, id, at(6)).await.expect("revokes").expect("is there");
    assert_eq!(again.revoked_at, Some(at(5)), "the first time counts");
    assert!(!again.is_valid(at(4)) && key(names, 1).is_valid(at(999)) && !key(names, 1).is_valid(at(1000)));
    let new = ApiKeyRecord { replaces: Some(id), ..key(names, 2) };
    assert!(!store.replace_api_key(&tenant, id, at(9), &new).await.expect("looks"), "it counts no more");
    assert_eq!(store.api_keys(&tenant).await.expect("lists").len(), 1);
}

pub(super) async fn a_replaced_key_ends_soon<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let eternal = ApiKeyRecord { expires_at: None, ..key(names, 1) };
    store.create_api_key(&tenant, &eternal).await.expect("creates");
    let second = ApiKeyRecord { replaces: Some(eternal.id), ..key(names, 2) };
    assert!(!store.replace_api_key(&other, eternal.id, at(50), &second).await.expect("looks"));
    assert!(store.replace_api_key(&tenant, eternal.id, at(50), &second).await.expect("replaces"));
    let third = ApiKeyRecord { replaces: Some(second.id), ..key(names, 3) };
    assert!(store.replace_api_key(&tenant, second.id, at(2000), &third).await.expect("replaces"));
    let keys = store.api_keys(&tenant).await.expect("lists");
    let ends: Vec<_> = keys.iter().map(|key| (key.id.as_u128(), key.expires_at, key.replaces)).collect();
    assert_eq!(
        ends,
        [
            (1, Some(at(50)), None),
            (2, Some(at(1000)), Some(Uuid::from_u128(1))),
            (3, Some(at(1000)), Some(Uuid::from_u128(2))),
        ],
        "never later than it would have ended anyway"
    );
    store.touch_api_key(&tenant, second.id, at(7000)).await.expect("touches");
    store.touch_api_key(&tenant, second.id, at(3700)).await.expect("touches");
    store.touch_api_key(&other, third.id, at(7000)).await.expect("touches nothing");
    let keys = store.api_keys(&tenant).await.expect("lists");
    let used: Vec<_> = keys.iter().map(|key| key.last_used_at).collect();
    assert_eq!(used, [None, Some(at(3600)), None], "to the hour, and never back");
}
