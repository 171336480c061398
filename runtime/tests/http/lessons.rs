//! `POST /api/v1/incidents`, `POST /api/v1/runs`, and the lessons learned from them.

mod actions;
mod decisions;
mod ingest;

use serde_json::{Value, json};

use crate::support::Client;

const INCIDENTS: &str = "/api/v1/incidents";
const RUNS: &str = "/api/v1/runs";
const LESSONS: &str = "/api/v1/lessons";

fn with(mut value: Value, more: &Value) -> Value {
    for (key, field) in more.as_object().expect("is an object") {
        value[key] = field.clone();
    }
    value
}

fn titles(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("is a list").iter();
    items.map(|item| item["title"].as_str().expect("has a title")).collect()
}

/// Hands an incident in, and gives the identity of its lesson.
async fn lesson(client: &Client, incident: &Value) -> String {
    let ids = client.post(INCIDENTS, incident, 201).await;
    let wanted = &ids["ids"][0];
    let list = client.ok(&format!("{LESSONS}?limit=100&include_synthetic=true")).await;
    let found =
        list["items"].as_array().expect("is a list").iter().find(|item| item["source_event_id"] == *wanted);
    found.expect("became a lesson")["id"].as_str().expect("has an id").to_owned()
}

fn broken(title: &str) -> Value {
    json!({ "severity": "HIGH", "title": title, "path": "acme/support/mailer" })
}
