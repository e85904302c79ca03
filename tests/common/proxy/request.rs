//! Requests as they come.

use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpStream;

#[derive(Debug)]
pub struct Request {
    /// The first line, then headers with lower-case names.
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn read(client: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(client);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut request = Self {
            line: line.trim_end().to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            request
                .headers
                .push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// From the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
    pub(super) fn service(&self) -> String {
        let scope = self.header("authorization").split('/').nth(3);
        scope.unwrap_or_default().to_owned()
    }

    /// The name of the operation, where the protocol says it; method and path for S3.
    pub(super) fn operation(&self) -> String {
        let path = self.line.split(' ').nth(1).unwrap_or_default();
        if let Some((_, name)) = self.header("x-amz-target").rsplit_once('.') {
            return name.to_owned();
        }
        if let Some((_, name)) = path.split_once("/operation/") {
            return name.to_owned();
        }
        let body = String::from_utf8_lossy(&self.body);
        let action = body
            .split('&')
            .find_map(|part| part.strip_prefix("Action="));
        action.map_or_else(
            || self.line.split(' ').take(2).collect::<Vec<_>>().join(" "),
            str::to_owned,
        )
    }

    /// The same request, but the last one on its connection.
    pub(super) fn closing(&self) -> Vec<u8> {
        let mut head = format!("{}\r\nconnection: close\r\n", self.line);
        for (name, value) in &self.headers {
            if name != "connection" {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}
