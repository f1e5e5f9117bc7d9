//! Endpoints over HTTP.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::connection::Listener;
use crate::error::{ApiError, Dialect};
use crate::reply::Reply;
use crate::{Endpoint, Service, openai};

/// Bytes of a request.
const MAX_BODY: usize = 16_000_000;

/// Bytes from which on a body is parsed while other requests go on.
const LARGE_BODY: usize = 200_000;

/// Serves until `stop` is done, and then until the requests in work are, or `patience` is over.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    patience: Duration,
) -> io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let closing = service.clone();
    let stop = async move {
        stop.await;
        closing.close();
        // The one that waits is there as long as this is.
        let _ = stopping.send(());
    };
    let listener = Listener::new(listener, service.options.write_timeout);
    let serving = axum::serve(listener, router(service)).with_graceful_shutdown(stop);
    let out_of_patience = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(patience).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = out_of_patience => Ok(()),
    }
}

fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/health_generate", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/models", get(models))
        .route("/v1/models/{*name}", get(model))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/generate", post(generate).put(generate))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(service)
}

async fn health(State(service): State<Arc<Service>>) -> StatusCode {
    if service.is_healthy() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], service.metrics_page()).into_response()
}

async fn models(State(service): State<Arc<Service>>) -> Response {
    json(StatusCode::OK, &openai::models(&service.model.name, service.model.context, service.begun))
}

async fn model(State(service): State<Arc<Service>>, Path(name): Path<String>) -> Response {
    if name != service.model.name {
        return refuse(&ApiError::NotFound(format!("model {name}")), Dialect::OpenAi);
    }
    json(StatusCode::OK, &openai::model(&name, service.model.context, service.begun))
}

async fn not_found(uri: Uri) -> Response {
    refuse(&ApiError::NotFound(uri.path().to_owned()), Dialect::OpenAi)
}

/// The `Allow` header is axum's.
async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let path = uri.path().to_owned();
    let dialect = Endpoint::from_path(&path).map_or(Dialect::OpenAi, Endpoint::dialect);
    refuse(&ApiError::MethodNotAllowed { path, method: method.to_string() }, dialect)
}

async fn chat(State(service): State<Arc<Service>>, headers: HeaderMap, request: Request) -> Response {
    answer(&service, Endpoint::Chat, &headers, request).await
}

async fn completions(State(service): State<Arc<Service>>, headers: HeaderMap, request: Request) -> Response {
    answer(&service, Endpoint::Completions, &headers, request).await
}

async fn generate(State(service): State<Arc<Service>>, headers: HeaderMap, request: Request) -> Response {
    answer(&service, Endpoint::Generate, &headers, request).await
}

async fn answer(service: &Arc<Service>, endpoint: Endpoint, headers: &HeaderMap, request: Request) -> Response {
    let reply = match body(headers, request).await {
        Ok(body) => service.answer(endpoint, &body).await,
        Err(error) => service.refuse(error),
    };
    match reply {
        Ok(Reply::Whole(value)) => json(StatusCode::OK, &value),
        Ok(Reply::Stream(events)) => event_stream(events),
        Err(error) => refuse(&error, endpoint.dialect()),
    }
}

/// The body as JSON.
async fn body(headers: &HeaderMap, request: Request) -> Result<Value, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or(""));
    if let Some(other) = content_type.filter(|value| !value.to_ascii_lowercase().contains("json")) {
        let message = format!("Unsupported Media Type: {other:?}; send application/json.");
        return Err(ApiError::Malformed(message));
    }
    let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| ApiError::Malformed(format!("the body is longer than the limit of {MAX_BODY} bytes.")))?;
    let parse = || serde_json::from_slice(&bytes);
    let parsed = if bytes.len() < LARGE_BODY { parse() } else { tokio::task::block_in_place(parse) };
    parsed.map_err(|error| ApiError::Malformed(format!("the body is not JSON: {error}.")))
}

fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn refuse(error: &ApiError, dialect: Dialect) -> Response {
    let mut response = json(error.status(), &error.body(dialect));
    if matches!(error, ApiError::Overloaded { .. } | ApiError::CompileWait { .. }) {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}

fn event_stream(events: mpsc::Receiver<String>) -> Response {
    let data = ReceiverStream::new(events).map(|event| format!("data: {event}\n\n"));
    let data = data.chain(tokio_stream::once("data: [DONE]\n\n".to_owned()));
    let body = Body::from_stream(data.map(|data| Ok::<_, Infallible>(Bytes::from(data))));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}
