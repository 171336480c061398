//! The health of panels, and whose panels there are.

use std::sync::Arc;

use ordain_ir::Outcome;
use uuid::Uuid;

use super::Names;
use super::fixtures::{Packed, at, audit_example, violation};
use super::lessons::{incident, run};
use crate::{
    ApiKeyRecord, EvaluationTally, Learned, PanelAlert, PanelAlertType, PanelHealth, PanelStatus, Principal,
    PrincipalKind, Store, TenantId,
};

fn health(panel: &str, checks: u64) -> PanelHealth {
    PanelHealth {
        panel_id: panel.to_owned(),
        status: PanelStatus::Healthy,
        rows: Some(checks),
        newest_at: None,
        below_since: None,
        alert: None,
        first_checked_at: at(0),
        checked_at: at(i64::try_from(checks).expect("is small")),
        checks,
    }
}

pub(super) async fn health_of_panels_is_kept<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    assert_eq!(store.panel_health(&tenant).await.expect("tells"), []);
    let plain = health("P-2", 1);
    let mut found = vec![];
    for (i, alert_type) in PanelAlertType::ALL.iter().enumerate() {
        let finer = "2026-03-02T10:00:00.123456Z".parse().expect("is an instant");
        found.push(PanelHealth {
            status: PanelStatus::ALL[i + 1],
            rows: (i != 1).then_some(u64::try_from(i64::MAX).expect("is positive")),
            newest_at: Some(finer),
            below_since: (i == 0).then_some(finer),
            alert: Some(PanelAlert { alert_type: *alert_type, since: finer }),
            first_checked_at: finer,
            checked_at: finer,
            ..health(&format!("P-{i}x"), 1)
        });
    }
    found.push(plain);
    assert_eq!(store.record_panel_health(&tenant, &found).await.expect("keeps"), [true; 4]);
    found.sort_by(|a, b| a.panel_id.cmp(&b.panel_id));
    assert_eq!(store.panel_health(&tenant).await.expect("tells"), found, "all of it, by panel");
    assert_eq!(store.panel_health(&other).await.expect("tells"), [], "and nothing to others");
    let mine = [health("P-2", 1)];
    assert_eq!(store.record_panel_health(&other, &mine).await.expect("keeps"), [true], "beside it");
    assert_eq!(store.panel_health(&tenant).await.expect("tells"), found);
}

pub(super) async fn of_several_who_look_at_a_panel_one_is_right<S: Store>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    let keep = async |found: &[PanelHealth]| store.record_panel_health(&tenant, found).await.expect("keeps");
    assert_eq!(keep(&[health("P", 1)]).await, [true]);
    for stale in [1, 3, 4] {
        assert_eq!(keep(&[health("P", stale)]).await, [false], "{stale}");
    }
    assert_eq!(
        keep(&[health("P", 2), health("Q", 1), health("P", 2), health("P", 3)]).await,
        [true, true, false, true]
    );
    let known: Vec<_> = store.panel_health(&tenant).await.expect("tells").iter().map(|it| it.rows).collect();
    assert_eq!(known, [Some(3), Some(1)]);
    assert_eq!(keep(&[]).await, [] as [bool; 0]);
}

pub(super) async fn one_of_many_at_once_is_right<S: Store + 'static>(store: Arc<S>, names: Names) {
    let tenant = names.tenant("a");
    for checks in 1..=5 {
        let looks: Vec<_> = (0..4)
            .map(|_| {
                let (store, tenant) = (Arc::clone(&store), tenant.clone());
                tokio::spawn(async move {
                    let found = [health("P", checks), health("Q", checks)];
                    store.record_panel_health(&tenant, &found).await.expect("keeps")
                })
            })
            .collect();
        let (mut first, mut second) = (0, 0);
        for look in looks {
            let kept = look.await.expect("ends");
            first += usize::from(kept[0]);
            second += usize::from(kept[1]);
        }
        assert_eq!((first, second), (1, 1), "look {checks}");
    }
}

/// All tenants, as one who goes through them by small parts sees them.
async fn known<S: Store>(store: &S) -> Vec<TenantId> {
    let mut all: Vec<TenantId> = vec![];
    loop {
        let part = store.tenants(all.last(), 3).await.expect("tells");
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

pub(super) async fn tenants_are_known_by_what_they_have<S: Store>(store: Arc<S>, names: Names) {
    let suffixes = ["bundle", "evaluation", "incident", "key", "lone violation", "nobody", "run", "Ä'; --"];
    let tenants = suffixes.map(|suffix| names.tenant(suffix));
    let [bundle, evaluation, reporting, key, lone, nobody, running, odd] = &tenants;
    let mine = async || -> Vec<TenantId> {
        let all = known(&*store).await;
        assert!(all.is_sorted_by(|a, b| a < b), "each once, in one order");
        all.into_iter().filter(|tenant| tenants.contains(tenant)).collect()
    };
    assert_eq!(mine().await, []);
    store.activate_bundle(bundle, Packed::new(audit_example()).activation(at(0))).await.expect("activates");
    let tally = EvaluationTally { at: at(0), action: Outcome::Allow, evaluations: 1, microseconds: 1 };
    for _ in 0..2 {
        store.record_evaluations(evaluation, &[tally]).await.expect("records");
    }
    let record = ApiKeyRecord {
        id: Uuid::from_u128(1),
        prefix: key.as_str().to_owned(),
        hash: [0; 32],
        principal: Principal::new(PrincipalKind::Human, "ada").expect("is a name"),
        roles: [].into(),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        replaces: None,
    };
    store.create_api_key(key, &record).await.expect("creates");
    for tenant in [lone, odd] {
        store.record_violations(tenant, &[violation(1, at(0)), violation(2, at(0))]).await.expect("records");
    }
    store
        .record_incidents(reporting, &[Learned { event: incident(1), lessons: vec![] }])
        .await
        .expect("records");
    store.record_runs(running, &[Learned { event: run(1), lessons: vec![] }]).await.expect("records");
    // Whoever only asks has nothing yet; nor has somebody whose panels are looked at.
    store.rules(nobody, &crate::RuleFilter::default(), crate::PageRequest::new(1, 0)).await.expect("lists");
    store.revoke_api_key(nobody, Uuid::from_u128(1), at(0)).await.expect("looks");
    store.record_panel_health(nobody, &[health("P", 1)]).await.expect("keeps");
    let wanted: Vec<_> = tenants.iter().filter(|tenant| *tenant != nobody).cloned().collect();
    assert_eq!(mine().await, wanted);
}
