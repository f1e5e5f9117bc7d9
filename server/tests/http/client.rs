//! A server in this process, and a client that speaks HTTP to it over a socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gpu_runtime::{CpuDevice, ModelFiles};
use serde_json::{Value, json};
use server::{GrammarOptions, Service, ServiceOptions};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A server with the embedded model.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) runtime: Runtime,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn service(options: ServiceOptions) -> Arc<Service> {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    Service::load(&files, CpuDevice::new(1).expect("a device"), options).expect("a service")
}

impl Server {
    pub(crate) fn start(options: ServiceOptions) -> Self {
        Self::serve(service(options))
    }

    pub(crate) fn serve(service: Arc<Service>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let serving = runtime.spawn(server::serve(service, listener, stopped, Duration::from_secs(3_600)));
        Self { address, runtime, stop: Some(stop), serving: Some(serving) }
    }

    /// Sends a request and leaves its answer to be read.
    pub(crate) fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("the request is sent");
        stream
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Response {
        let mut stream = self.open(method, path, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        Response::parse(&bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &body.to_string())
    }

    /// The answer of a request that is fine.
    pub(crate) fn ok(&self, path: &str, body: &Value) -> Value {
        let response = self.post(path, body);
        assert_eq!(response.status, 200, "{body} → {}", response.body);
        response.json()
    }

    pub(crate) fn chat(&self, body: Value) -> Value {
        self.ok("/v1/chat/completions", &body)
    }

    pub(crate) fn generate(&self, body: &Value) -> Value {
        self.ok("/generate", body)
    }

    /// The number behind the name of a metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics").body;
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("grammarc_{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {page}"))
    }
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("the answer is UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { dechunk(body) } else { body.to_owned() };
        Self { status, head: head.to_ascii_lowercase(), body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The events of a stream, which has to end with `[DONE]`.
    pub(crate) fn events(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        assert!(self.head.contains("content-type: text/event-stream"), "{}", self.head);
        let mut events: Vec<&str> = self.body.split_terminator("\n\n").collect();
        assert_eq!(events.pop(), Some("data: [DONE]"), "{}", self.body);
        let event = |text: &&str| text.strip_prefix("data: ").and_then(|text| serde_json::from_str(text).ok());
        events.iter().map(|text| event(text).unwrap_or_else(|| panic!("no event: {text}"))).collect()
    }
}

fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (length, after) = rest.split_once("\r\n").expect("a chunk");
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            return body;
        }
        body.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(300), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The server that tests share. Compiles have so much time that it does not matter how busy the machine is.
pub(crate) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let grammars = GrammarOptions { compile_time: Duration::from_secs(600), ..GrammarOptions::default() };
    SERVER.get_or_init(|| Server::start(ServiceOptions { grammars, ..ServiceOptions::default() }))
}

/// A chat with one message of the user, greedy, with further members.
pub(crate) fn chat_with(message: &str, members: Value) -> Value {
    let mut body = json!({
        "model": "any",
        "messages": [{"role": "user", "content": message}],
        "temperature": 0,
        "max_tokens": 128,
    });
    for (name, value) in members.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

pub(crate) fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("no content in {answer}"))
}

pub(crate) fn assert_valid(schema: &Value, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    let validator = jsonschema::validator_for(schema).expect("a schema");
    assert!(validator.is_valid(&value), "{text} does not follow {schema}");
    value
}
