//! Endpoints over HTTP.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::connection::{self, Connection, LONGEST_WAIT};
use crate::error::{ApiError, Dialect};
use crate::reply::Reply;
use crate::{Endpoint, Prepared, Service, openai};

/// How long no connection is accepted when the system has no room for one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that there is no place for may take to be told so, and how many are being told at a time; further ones
/// end without a word.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
const MAX_REFUSALS: usize = 16;

/// Bytes of a connection that wait to be read, the head of a request among them.
const READ_BUFFER: usize = 64 * 1024;

/// Serves until `stop` is done, and then until the requests in work are, or `patience` is over.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    patience: Duration,
) -> io::Result<()> {
    let router = router(service.clone());
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let places = Arc::new(Semaphore::new(service.options.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                // Events are small, and each is waited for. What fails here fails again where it is read or written.
                let _ = stream.set_nodelay(true);
                if let Ok(place) = places.clone().try_acquire_owned() {
                    connections.spawn(converse(service.clone(), router.clone(), stream, place));
                } else if let Ok(place) = refusals.clone().try_acquire_owned() {
                    connections.spawn(turn_away(service.clone(), stream, place));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            // There are too many files open, say: some will be closed.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    service.close();
    drop(listener);
    // Those that are not done in time end with this.
    let _ = tokio::time::timeout(patience, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Ends a connection that there is no place for with an answer that says so.
async fn turn_away(service: Arc<Service>, mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    service.metrics.overloaded.add(1);
    let error = ApiError::Overloaded { limit: service.options.max_connections, what: "connections" };
    let (status, body) = (error.status(), error.body(Dialect::OpenAi).to_string());
    let answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What is still being sent is taken, or the connection would be reset, and the answer lost with it.
        let mut unread = [0; 4_096];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    // How it ends is the client's matter.
    let _ = tokio::time::timeout(REFUSAL_TIME, said).await;
}

/// Answers the requests of one connection, until either side ends it.
async fn converse(service: Arc<Service>, router: Router, stream: TcpStream, _place: OwnedSemaphorePermit) {
    let mut closing = service.closing.subscribe();
    let gone = connection::gone(connection::watched(&stream));
    let connection = Connection::new(stream, service.options.write_timeout);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(service.options.read_timeout.min(LONGEST_WAIT));
    http.max_buf_size(READ_BUFFER);
    let mut conversation =
        std::pin::pin!(http.serve_connection(TokioIo::new(connection), TowerToHyperService::new(router)));
    let conversation = async {
        tokio::select! {
            // How it ends is the client's matter.
            _ = &mut conversation => return,
            _ = closing.wait_for(|&is_closing| is_closing) => {}
        }
        conversation.as_mut().graceful_shutdown();
        let _ = conversation.await;
    };
    tokio::select! {
        () = conversation => {}
        () = gone => {}
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
        .with_state(service)
}

async fn health(State(service): State<Arc<Service>>) -> StatusCode {
    if service.is_healthy() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], service.metrics_page()).into_response()
}

async fn models(State(service): State<Arc<Service>>) -> Response {
    json(StatusCode::OK, openai::models(&service.model.name, service.model.context, service.begun).to_string())
}

async fn model(State(service): State<Arc<Service>>, Path(name): Path<String>) -> Response {
    if name != service.model.name {
        return refuse(&ApiError::NotFound(format!("model {name}")), Dialect::OpenAi);
    }
    json(StatusCode::OK, openai::model(&name, service.model.context, service.begun).to_string())
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
    let reply = match read(service, endpoint, headers, request).await {
        Ok(prepared) => service.complete(prepared).await,
        Err(error) => service.refuse(error),
    };
    match reply {
        Ok(Reply::Whole(document)) => {
            ([(header::CONTENT_TYPE, "application/json")], Body::new(document.into_body())).into_response()
        }
        Ok(Reply::Stream(events)) => event_stream(events),
        Err(error) => refuse(&error, endpoint.dialect()),
    }
}

/// What a request asks for.
async fn read(
    service: &Service,
    endpoint: Endpoint,
    headers: &HeaderMap,
    request: Request,
) -> Result<Prepared, ApiError> {
    let value = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(other) = value(header::CONTENT_TYPE).filter(|value| !is_json(value)) {
        let message = format!("Unsupported Media Type: {other:?}; send application/json in UTF-8.");
        return Err(ApiError::Malformed(message));
    }
    if let Some(other) = value(header::CONTENT_ENCODING).filter(|value| !value.eq_ignore_ascii_case("identity")) {
        return Err(ApiError::Malformed(format!(
            "Content-Encoding {other:?} is not supported; send the body as it is."
        )));
    }
    let received = service.intake.receive(request.into_body()).await?;
    let (mut prepared, room) = service.intake.read(received, |body| service.prepare(endpoint, &body)).await?;
    prepared.plan().keep(room);
    Ok(prepared)
}

/// Whether a content type is JSON in UTF-8.
fn is_json(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
    let charset = parts.find_map(|parameter| parameter.strip_prefix("charset="));
    is_json && charset.is_none_or(|charset| ["utf-8", "utf8"].contains(&charset.trim_matches('"')))
}

fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn refuse(error: &ApiError, dialect: Dialect) -> Response {
    let mut response = json(error.status(), error.body(dialect).to_string());
    if matches!(error, ApiError::Overloaded { .. } | ApiError::NoRoom { .. } | ApiError::CompileWait { .. }) {
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
