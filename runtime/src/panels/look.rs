//! A look at what a panel's request answers.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

use super::Panel;
use crate::http::Presented;

/// The largest answer of a panel, in bytes: a graph of all policies may be large.
const LARGEST: usize = 1 << 28;

/// Who answers for panels.
#[derive(Clone)]
pub(crate) struct Answers {
    routes: Router,
    /// The longest that an answer may take.
    time: Duration,
}

/// What became of a request.
pub(crate) enum Answer {
    /// It was answered.
    Data(Value),
    /// It was refused, or failed.
    Refused(Response),
    /// It was answered with something that is no JSON.
    Unreadable,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The panel shows so much, and this is the newest of it.
    Shows(u64, Option<Timestamp>),
    /// Its request is not answered as it should be, for this reason.
    Broken(String),
    /// Whoever would have to answer can't, which says nothing of the panel.
    Unknown(Trouble),
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// The database is away.
    #[error("the database does not answer")]
    Store,
    /// It takes too long.
    #[error("its request takes too long")]
    Time,
}

impl Answers {
    pub(crate) fn new(routes: Router, time: Duration) -> Self {
        Self { routes, time }
    }

    /// Asks on behalf of somebody.
    pub(crate) async fn ask(&self, request: &str, presented: Presented) -> Answer {
        let mut asked = Request::new(Body::empty());
        let Ok(uri) = request.parse() else { return Answer::Unreadable };
        *asked.uri_mut() = uri;
        asked.extensions_mut().insert(presented);
        let Ok(response) = self.routes.clone().oneshot(asked).await;
        if !response.status().is_success() {
            return Answer::Refused(response);
        }
        let body = to_bytes(response.into_body(), LARGEST).await.ok();
        let data = body.and_then(|body| serde_json::from_slice(&body).ok());
        data.map_or(Answer::Unreadable, Answer::Data)
    }

    /// Looks at a panel of whoever presents this.
    pub(crate) async fn look(&self, panel: &Panel, presented: Presented) -> Look {
        match tokio::time::timeout(self.time, self.ask(&panel.request, presented)).await {
            Err(_) => Look::Unknown(Trouble::Time),
            Ok(Answer::Unreadable) => {
                Look::Broken("it was answered with something that is no JSON".to_owned())
            }
            Ok(Answer::Refused(response)) => match response.status() {
                StatusCode::SERVICE_UNAVAILABLE => Look::Unknown(Trouble::Store),
                StatusCode::GATEWAY_TIMEOUT => Look::Unknown(Trouble::Time),
                status => Look::Broken(format!("it was answered with {status}")),
            },
            Ok(Answer::Data(data)) => read(panel, &data),
        }
    }

    /// How much an answer counts of something else.
    pub(crate) async fn count(&self, request: &str, counts: &str, presented: Presented) -> Look {
        let panel = Panel {
            id: String::new(),
            subdomain: String::new(),
            topic: String::new(),
            question: String::new(),
            capability: String::new(),
            request: request.to_owned(),
            counts: counts.to_owned(),
            newest: None,
            only_with: None,
        };
        self.look(&panel, presented).await
    }
}

/// What a panel shows by an answer to its request.
pub(crate) fn read(panel: &Panel, data: &Value) -> Look {
    let counted = &data[&panel.counts];
    let Some(rows) = counted.as_u64().or_else(|| counted.as_array().map(|list| list.len() as u64)) else {
        return Look::Broken(format!("its answer has no `{}` to count", panel.counts));
    };
    if let Some(ignored) = ignored(&panel.request, data) {
        return Look::Broken(format!("its answer does not say that `{ignored}` was applied"));
    }
    let Some(field) = &panel.newest else { return Look::Shows(rows, None) };
    let instant = |value: &Value| value[field].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let items = data["items"].as_array().map_or(&[][..], Vec::as_slice);
    let newest = instant(data).or_else(|| items.iter().filter_map(instant).max());
    if rows > 0 && newest.is_none() {
        return Look::Broken(format!("its answer has no `{field}`"));
    }
    Look::Shows(rows, newest)
}

/// A filter of a request that its answer doesn't say to have applied, where it says anything of filters.
fn ignored(request: &str, data: &Value) -> Option<String> {
    let applied = data["filters_applied"].as_object()?;
    let (_, query) = request.split_once('?')?;
    let told = |name: &str, wanted: &str| match applied.get(name) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(flag)) => wanted.parse() == Ok(*flag),
        Some(Value::Number(number)) => number.to_string() == wanted,
        _ => false,
    };
    let mut filters = form_urlencoded::parse(query.as_bytes());
    filters.find(|(name, wanted)| !told(name, wanted)).map(|(name, wanted)| format!("{name}={wanted}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::PANELS;
    use super::*;

    fn panel(id: &str) -> &'static Panel {
        PANELS.iter().find(|panel| panel.id == id).unwrap()
    }

    #[test]
    fn an_answer_counts_and_has_an_age() {
        let violations = |applied: Value, items: Value| {
            let data = json!({ "total": items.as_array().unwrap().len(), "items": items, "filters_applied": applied });
            read(panel("POL-LIM-VIO-O2"), &data)
        };
        let at = |text: &str| json!({ "occurred_at": text });
        let (early, late) = (at("2026-03-02T10:00:00Z"), at("2026-03-02T11:00:00Z"));
        let cost = json!({ "source": "cost" });
        let newest = Some("2026-03-02T11:00:00Z".parse().unwrap());
        assert_eq!(violations(cost.clone(), json!([late, early])), Look::Shows(2, newest));
        assert_eq!(violations(cost.clone(), json!([])), Look::Shows(0, None));
        let broken = |reason: &str| Look::Broken(reason.to_owned());
        assert_eq!(violations(cost, json!([{}])), broken("its answer has no `occurred_at`"));
        let ignored = broken("its answer does not say that `source=cost` was applied");
        assert_eq!(violations(json!({ "tenant_id": "a" }), json!([late])), ignored);
        assert_eq!(violations(json!({ "source": "sim" }), json!([late])), ignored);
        let flag = json!({ "total": 0, "filters_applied": { "current": true } });
        assert_eq!(read(panel("POL-GOV-DFT-O3"), &flag), Look::Shows(0, None));
        let graph = json!({ "nodes": [1, 2, 3], "edges": [] });
        assert_eq!(read(panel("POL-GOV-DFT-O5"), &graph), Look::Shows(3, None));
        for odd in [json!({}), json!([]), json!(null), json!({ "nodes": "many" }), json!({ "nodes": -1 })] {
            assert_eq!(read(panel("POL-GOV-DFT-O5"), &odd), broken("its answer has no `nodes` to count"));
        }
        let state = json!({ "total_policies": 3, "last_updated": "2026-03-02T11:00:00Z" });
        assert_eq!(read(panel("POL-GOV-ACT-O4"), &state), Look::Shows(3, newest));
    }
}
