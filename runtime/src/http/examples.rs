//! Examples of requests and answers in the document. They are what a server was asked and has answered: a test of the
//! program asks again, and renews them.

use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{PathItem, RefOr};

/// By the operation's identity, a `request` where it takes a body, and an `answer`; and a `problem`.
const RECORDED: &str = include_str!("examples.json");

const JSON: &str = "application/json";

/// Adds them to the document.
pub(super) struct Examples;

impl utoipa::Modify for Examples {
    fn modify(&self, document: &mut OpenApi) {
        let recorded: Map<String, Value> = serde_json::from_str(RECORDED).expect("a test has written it");
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let Some(example) = operation.operation_id.as_ref().and_then(|id| recorded.get(id)) else {
                continue;
            };
            if let Some(RefOr::T(body)) = operation.request_body.as_mut()
                && let Some(content) = body.content.get_mut(JSON)
            {
                show(content, example.get("request"));
            }
            let done = operation.responses.responses.iter_mut().find(|(status, _)| status.starts_with('2'));
            if let Some((_, RefOr::T(Response { content, .. }))) = done
                && let Some(content) = content.get_mut(JSON)
            {
                show(content, example.get("answer"));
            }
        }
        let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
        for (_, schema) in schemas.filter(|(name, _)| *name == "Problem") {
            if let RefOr::T(Schema::Object(problem)) = schema {
                problem.examples.extend(recorded.get("problem").cloned());
            }
        }
    }
}

fn show(content: &mut RefOr<Content>, example: Option<&Value>) {
    if let RefOr::T(content) = content {
        content.example = example.cloned();
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().filter_map(Option::as_mut)
}
