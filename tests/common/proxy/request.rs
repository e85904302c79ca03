//! Requests as they come.

use std::io::{self, BufRead, Read};
use std::net::TcpStream;

#[derive(Debug)]
pub struct Request {
    /// The first line, then headers with lower-case names.
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Reads a request, but leaves its last byte with the system: Linux resets a connection that is closed with something
    /// unread in it (RFC 1122, 4.2.2.13), and only so can a reset be brought about. [`Request::read_out`] takes that byte.
    pub(super) fn read(client: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let mut arrived = vec![0; 1 << 16];
        loop {
            let count = client.peek(&mut arrived)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let start = bytes.len();
            bytes.extend_from_slice(&arrived[..count]);
            let request = Self::parse(&bytes);
            let taken = count - usize::from(request.is_ok());
            client.read_exact(&mut bytes[start..start + taken])?;
            match request {
                // There is more to come.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                request => return request,
            }
        }
    }

    /// Takes what [`Request::read`] has left.
    pub(super) fn read_out(client: &mut TcpStream) {
        // A client that is gone has left nothing.
        drop(client.read_exact(&mut [0]));
    }

    fn parse(mut reader: &[u8]) -> io::Result<Self> {
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
            if reader.read_line(&mut header)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
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

    /// All of it, but that the names of headers are in lower case.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The service, from the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
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

    /// The same request without the tags that it gives, where the service is spoken to in forms or in JSON.
    pub(super) fn without_tags(&self) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        let read = serde_json::from_slice::<serde_json::Value>(&self.body);
        let body = if let Ok(serde_json::Value::Object(mut members)) = read {
            members.retain(|name, _| !name.eq_ignore_ascii_case("tags"));
            serde_json::Value::Object(members).to_string()
        } else {
            let is_tag = |part: &&str| {
                ["Tags.", "Tag.", "TagSpecification."]
                    .iter()
                    .any(|name| part.starts_with(name))
            };
            let kept: Vec<&str> = text.split('&').filter(|part| !is_tag(part)).collect();
            kept.join("&")
        };
        let headers = self.headers.iter().map(|(name, value)| {
            let value = match name.as_str() {
                "content-length" => body.len().to_string(),
                _ => value.clone(),
            };
            (name.clone(), value)
        });
        Self {
            line: self.line.clone(),
            headers: headers.collect(),
            body: body.into_bytes(),
        }
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
