//! Every list, from one page to the next.

use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

/// What the document says takes a cursor, with what goes into its path.
async fn lists(client: &Client) -> Vec<String> {
    let document = client.ok("/openapi.json").await;
    let rules = client.ok("/api/v1/policies/rules").await;
    let limits = client.ok("/api/v1/policies/limits").await;
    let id = |list: &Value| list["items"][0]["id"].as_str().expect("is there").to_owned();
    let paths = document["paths"].as_object().expect("has paths");
    let takes = |operation: &Value| {
        let parameters = operation["get"]["parameters"].as_array().cloned().unwrap_or_default();
        parameters.iter().any(|parameter| parameter["name"] == "cursor")
    };
    let filled = |path: &String| path.replace("{rule_id}", &id(&rules)).replace("{limit_id}", &id(&limits));
    paths.iter().filter(|(_, operation)| takes(operation)).map(|(path, _)| filled(path)).collect()
}

/// The list in an answer, which may be a part of it.
fn list(mut answer: Value) -> Value {
    for part in ["violations", "breaches"] {
        if answer[part].is_object() {
            answer = answer[part].take();
        }
    }
    answer
}

#[tokio::test]
async fn every_list_is_followed_by_its_cursor() {
    on_each_database("lists-cursors", async |client| {
        crate::panels::seed(&client).await;
        client.post("/api/v1/policy-proposals", &json!({ "title": "c", "text": "acme.c" }), 201).await;
        let incident = json!({ "severity": "LOW", "title": "another" });
        client.post("/api/v1/incidents", &incident, 201).await;
        let lists = lists(&client).await;
        assert!(lists.len() >= 14, "{lists:?}");
        let mut long = 0;
        for path in lists {
            let whole = list(client.ok(&format!("{path}?limit=100")).await);
            assert_eq!((&whole["has_more"], &whole["next_cursor"]), (&json!(false), &Value::Null), "{path}");
            let wanted = whole["items"].as_array().expect("is a list").clone();
            let (mut seen, mut cursor) = (vec![], String::new());
            loop {
                let page = list(client.ok(&format!("{path}?limit=1{cursor}")).await);
                assert_eq!(page["total"], whole["total"], "{path}");
                assert_eq!(page["has_more"], !page["next_cursor"].is_null(), "{path}");
                seen.extend(page["items"].as_array().expect("is a list").clone());
                assert!(seen.len() <= wanted.len(), "{path} goes on");
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(seen, wanted, "{path}");
            long += usize::from(wanted.len() > 1);
            for bad in ["", "x", "1-", "2-00"] {
                client.refused(&format!("{path}?cursor={bad}"), 422, "invalid_parameter").await;
            }
            if !cursor.is_empty() {
                client.ok(&format!("{path}?offset=0{cursor}")).await;
                client.refused(&format!("{path}?offset=1{cursor}"), 422, "invalid_parameter").await;
            }
        }
        assert!(long >= 9, "most have more than one item: {long}");
    })
    .await;
}
