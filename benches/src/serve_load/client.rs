//! A client that speaks just enough HTTP: one connection a request, whole answers and streams.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may keep a client waiting for its next bytes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// One JSON document.
    Whole {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Value,
    },
    /// The events of a stream, which ended with `[DONE]`.
    Stream(Vec<Value>),
    /// The client went away, as it was to.
    Abandoned,
}

/// No answer, or none in the form of the API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ClientError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    /// The answer is not what an HTTP server of JSON answers.
    #[error("no answer in the form of the API: {0}")]
    Form(String),
}

/// Sends a request; `abandon_after` is the number of bytes after which the client goes away.
///
/// # Errors
/// When the connection fails, or the answer has another form than the API's.
pub(super) fn send(
    address: SocketAddr,
    path: &str,
    body: &str,
    abandon_after: Option<usize>,
) -> Result<Answer, ClientError> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    // One write, so that no acknowledgement is waited for between head and body.
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    match abandon_after {
        None => stream.read_to_end(&mut bytes).map(drop)?,
        Some(limit) => {
            let mut buffer = [0; 4_096];
            while bytes.len() < limit {
                match stream.read(&mut buffer)? {
                    0 => break,
                    read => bytes.extend_from_slice(&buffer[..read]),
                }
            }
            return Ok(Answer::Abandoned);
        }
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer, ClientError> {
    let wrong = |what: &str| ClientError::Form(format!("{what}: {}", String::from_utf8_lossy(bytes)));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| wrong("there is no head"))?;
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| wrong("there is no status"))?;
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked { joined(body).ok_or_else(|| wrong("a chunk is cut off"))? } else { body.to_owned() };
    if !head.contains("text/event-stream") {
        let body = serde_json::from_str(&body).map_err(|_| wrong("the body is not JSON"))?;
        return Ok(Answer::Whole { status, body });
    }
    let mut events: Vec<&str> = body.split_terminator("\n\n").collect();
    if events.pop() != Some("data: [DONE]") {
        return Err(wrong("the stream does not end with [DONE]"));
    }
    let event = |text: &&str| text.strip_prefix("data: ").and_then(|text| serde_json::from_str(text).ok());
    let events: Option<Vec<Value>> = events.iter().map(event).collect();
    Ok(Answer::Stream(events.ok_or_else(|| wrong("an event is not JSON"))?))
}

/// The chunks of a body, one after the other.
fn joined(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (length, after) = rest.split_once("\r\n")?;
        match usize::from_str_radix(length, 16).ok()? {
            0 => return Some(body),
            length => {
                body.push_str(after.get(..length)?);
                rest = after.get(length..)?.strip_prefix("\r\n")?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_answers_and_streams() {
        let whole = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse(whole).unwrap(), Answer::Whole { status: 400, body: json!({}) });
        let stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
            b\r\ndata: {\"a\":\r\n4\r\n1}\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
        assert_eq!(parse(stream).unwrap(), Answer::Stream(vec![json!({"a": 1})]));
        for cut in 1..stream.len() - 7 {
            assert!(parse(&stream[..cut]).is_err(), "{cut}");
        }
    }
}
