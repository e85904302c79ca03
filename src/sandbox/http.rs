//! The few requests that control the local account: plain HTTP/1.1 over a loopback connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// The longest time that a connection on this machine may take.
const CONNECT: Duration = Duration::from_secs(1);

/// Bytes of an answer: a line of JSON behind a few headers.
const LONGEST: usize = 64 << 10;

/// The answer to `/_account/status`.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Status {
    /// The version of the program that runs.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its answer to the question; nothing from a server of an earlier version.
    #[serde(default)]
    pub proof: String,
}

/// Asks the server on a port for its identity, and for the proof of it. An error means that nothing of ours answers there.
pub(super) fn status(port: u16, question: &str) -> io::Result<Status> {
    let path = format!("/_account/status?prove={question}");
    let body = request("GET", port, &path, Duration::from_secs(5))?;
    serde_json::from_slice(&body)
        .map_err(|source| io::Error::new(io::ErrorKind::InvalidData, source))
}

/// Sends a control request that changes something.
pub(super) fn post(port: u16, path: &str) -> io::Result<()> {
    // Emptying a large account can wait for calls that are under way.
    request("POST", port, path, Duration::from_secs(30)).map(drop)
}

fn request(method: &str, port: u16, path: &str, patience: Duration) -> io::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_write_timeout(Some(patience))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    body_of(&read(&mut stream, patience)?)
}

/// The whole answer, within a time and a size: another user's server may be listening there.
fn read(stream: &mut TcpStream, patience: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if answer.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Ok(answer),
            count => answer.extend_from_slice(&part[..count]),
        }
    }
}

/// The body of an answer with status 200.
fn body_of(answer: &[u8]) -> io::Result<Vec<u8>> {
    let unexpected = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "not an answer of the local account",
        )
    };
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(unexpected)?;
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    let status = head.split(|byte| *byte == b' ').nth(1);
    if !head.starts_with(b"HTTP/1.") || status.is_none_or(|code| !code.starts_with(b"200")) {
        return Err(unexpected());
    }
    Ok(body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn the_body_follows_the_empty_line() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(body_of(answer).unwrap(), b"{}");
        assert_eq!(body_of(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), b"");
    }

    #[test]
    fn other_answers_are_errors() {
        for answer in [
            &b""[..],
            b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            b"HTTP/1.1 404 NOT FOUND\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            assert!(body_of(answer).is_err());
        }
    }

    /// It would fill the memory otherwise.
    #[test]
    fn an_answer_without_an_end_is_given_up() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        assert!(status(port, "").is_err());
        server.join().unwrap();
    }

    #[test]
    fn another_server_on_the_port_is_not_taken_for_ours() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n<html>hello</html>")
                .unwrap();
        });
        assert_eq!(
            status(port, "").unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        server.join().unwrap();
    }
}
