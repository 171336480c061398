//! How the library for object stores makes its requests: by the server's own client.

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};

use crate::client::Client;

/// How much longer than a bundle an answer may be: lists and errors are answers too.
const SLACK: usize = 1 << 20;

/// Connects by our client.
#[derive(Debug)]
pub(super) struct Connector {
    client: Client,
    largest: usize,
}

impl Connector {
    pub(super) fn new(client: Client, largest: usize) -> Self {
        Self { client, largest }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|said| said == "true");
        let largest = self.largest.saturating_add(SLACK);
        Ok(HttpClient::new(Requests { client: self.client.clone(), plain, largest }))
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "its address begins with `http://`, so that others could read along; `AWS_ALLOW_HTTP=true` allows that"
)]
struct NotEncrypted;

#[derive(Debug)]
struct Requests {
    client: Client,
    /// Whether they may go without TLS.
    plain: bool,
    largest: usize,
}

#[async_trait]
impl HttpService for Requests {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.plain && request.uri().scheme_str() != Some("https") {
            return Err(HttpError::new(HttpErrorKind::Unknown, NotEncrypted));
        }
        let sent = self.client.send(request.map(Body::new)).await;
        let (parts, body) = sent.map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?.into_parts();
        let body = to_bytes(body, self.largest).await;
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}
