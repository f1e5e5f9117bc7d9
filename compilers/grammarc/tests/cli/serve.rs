//! `serve` as a process: what it says, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::process::{command, grammarc};

#[test]
fn it_says_where_it_listens_and_ends_when_asked_to() {
    let mut server = command(&["serve", "--host", "localhost", "--port", "0", "--threads", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let address = line();
    let address = address.strip_prefix("listening on http://").expect("an address");
    let device = line();
    assert!(device.starts_with("device: cpu") || device.starts_with("device: cuda"), "{device}");
    assert!(device.ends_with(')'), "it says why: {device}");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let asked = Command::new("kill").arg(server.id().to_string()).status().expect("kill");
    assert!(asked.success());
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
}

/// The first signal waits for what is in work, the second does not.
#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server =
        command(&["serve", "--port", "0", "--threads", "1", "--write-seconds", "86400", "--shutdown-seconds", "86400"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let line = lines.next().expect("a line").expect("text");
    let address = line.strip_prefix("listening on http://").expect("an address").to_owned();
    // More than sockets hold, and nobody reads it: it stays in work.
    let body = "{\"text\": \"x\", \"stream\": true, \"return_logprob\": true, \"top_logprobs_num\": 20, \
                \"sampling_params\": {\"ignore_eos\": true, \"max_new_tokens\": 500}}";
    let mut unread = TcpStream::connect(&address).expect("a connection");
    write!(unread, "POST /generate HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("it is sent");
    let mut begin = [0; 15];
    unread.read_exact(&mut begin).expect("it is in work");
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    let id = server.id().to_string();
    let ask = || assert!(Command::new("kill").arg(&id).status().expect("kill").success());
    ask();
    while TcpStream::connect(&address).is_ok() {
        sleep(Duration::from_millis(10));
    }
    assert_eq!(server.try_wait().expect("its state"), None, "it waits for what is in work");
    ask();
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    drop(unread);
}

#[test]
fn what_cannot_be_served() {
    for (args, message) in [
        (&["--grammar-backend", "nonsense"][..], "built with grammarc and none\n"),
        (&["--reasoning-parser", "nonsense"], "deepseek-r1"),
        (&["--tool-call-parser", "nonsense"], "llama3"),
        (&["--model", "/nowhere"], "cannot read"),
        (&["--max-sequences", "0"], "--max-sequences"),
        (&["--host", "no such host"], "no such host"),
    ] {
        let run = grammarc(&[&["serve", "--port", "0"], args].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{args:?}: {}", run.stderr);
    }
}

/// An engine that could be there is named with what it takes to have it.
#[test]
#[cfg(not(feature = "xgrammar"))]
fn an_engine_that_the_program_was_not_built_with() {
    let run = grammarc(&["serve", "--port", "0", "--grammar-backend", "xgrammar"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("cargo build --release -p grammarc --features xgrammar"), "{}", run.stderr);
}
