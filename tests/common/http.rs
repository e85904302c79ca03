//! The two requests that the local account's own pages take.

use std::io::{Read, Write};
use std::net::TcpStream;

pub fn get(endpoint: &str, path: &str) -> String {
    request(endpoint, "GET", path, "")
}

pub fn post(endpoint: &str, path: &str) -> String {
    request(endpoint, "POST", path, "")
}

/// Like [`post`], with a body.
pub fn send(endpoint: &str, path: &str, body: &str) -> String {
    request(endpoint, "POST", path, body)
}

/// Asks for something whose answer may not come: the receiver may end before it answers.
pub fn tell(endpoint: &str, path: &str) {
    // A receiver that has ended already needs no telling.
    let host = endpoint.trim_start_matches("http://");
    let Ok(mut stream) = TcpStream::connect(host) else {
        return;
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut answer = Vec::new();
    drop(stream.write_all(head.as_bytes()));
    drop(stream.read_to_end(&mut answer));
}

fn request(endpoint: &str, method: &str, path: &str, body: &str) -> String {
    let host = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the account listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the account answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    assert!(head.contains(" 200 "), "{method} {path}: {head}");
    body.to_owned()
}
