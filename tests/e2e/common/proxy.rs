//! What stands between the program and the account when AWS is to say something else: passes calls on, and answers some
//! itself, mostly with an error in the protocol of the service.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::endpoint;

/// One call on its way.
#[derive(Debug)]
pub struct Call<'a> {
    /// As it is signed: `sns`, `elasticloadbalancing`, `monitoring`.
    pub service: &'a str,
    pub operation: &'a str,
    /// Counted from 1, among those of the same operation.
    pub turn: usize,
}

/// What AWS says instead of doing it.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: &'static str,
}

/// What is answered instead of passing a call on.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Refusal(Refusal),
    /// A success of a service that speaks JSON.
    Json(&'static str),
    /// None: the account has done what it was asked, and the line is cut.
    Lost,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

type Rule = dyn Fn(&Call) -> Option<Answer> + Send + Sync;

/// An address that answers like the account, except where the rule says otherwise. Listens until the test binary ends.
pub struct Proxy {
    pub endpoint: String,
    seen: Arc<Seen>,
}

/// How often each operation was called.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<String, usize>>);

impl Seen {
    /// Counts a call, and says the how manieth of its operation it is.
    fn count(&self, operation: &str) -> usize {
        let mut seen = self.0.lock().expect("no thread failed in here");
        let turn = seen.entry(operation.to_owned()).or_default();
        *turn += 1;
        *turn
    }
}

impl Proxy {
    pub fn new(rule: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("the port is known");
        let seen = Arc::new(Seen::default());
        let counter = Arc::clone(&seen);
        let rule: Arc<Rule> = Arc::new(rule);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client is connected");
                let (rule, counter) = (Arc::clone(&rule), Arc::clone(&counter));
                std::thread::spawn(move || serve(client, &*rule, &counter));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            seen,
        }
    }

    /// How often an operation was called, refused or not.
    pub fn calls(&self, operation: &str) -> usize {
        let seen = self.seen.0.lock().expect("no thread failed in there");
        seen.get(operation).copied().unwrap_or_default()
    }
}

/// Answers one request. A connection is not used twice: that costs a loopback connection, and saves telling where an
/// answer ends.
fn serve(mut client: TcpStream, rule: &Rule, seen: &Seen) {
    // A client that hangs up has no request.
    let Some(request) = Request::read(&client) else {
        return;
    };
    let (service, operation) = (request.service(), request.operation());
    let turn = seen.count(&operation);
    let answer = rule(&Call {
        service: &service,
        operation: &operation,
        turn,
    });
    let answer = match answer {
        Some(Answer::Refusal(refusal)) => refusal.answer(&service),
        Some(Answer::Lost) => {
            request.pass_on();
            Vec::new()
        }
        Some(Answer::Json(body)) => http(200, "application/x-amz-json-1.1", body),
        None => request.pass_on(),
    };
    // The program may have ended meanwhile.
    drop(client.write_all(&answer));
    drop(client.shutdown(Shutdown::Write));
}

struct Request {
    /// The first line, then headers with lower-case names.
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(client: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(client);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut request = Self {
            line: line.trim_end().to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            request
                .headers
                .push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    /// From the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
    fn service(&self) -> String {
        let scope = self.header("authorization").split('/').nth(3);
        scope.unwrap_or_default().to_owned()
    }

    /// The name of the operation, where the protocol says it; method and path for S3.
    fn operation(&self) -> String {
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

    fn pass_on(&self) -> Vec<u8> {
        let host = endpoint().trim_start_matches("http://");
        let mut account = TcpStream::connect(host).expect("the account listens");
        let mut head = format!("{}\r\nconnection: close\r\n", self.line);
        for (name, value) in &self.headers {
            if name != "connection" {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str("\r\n");
        account
            .write_all(&[head.as_bytes(), &self.body].concat())
            .expect("the request is sent");
        let mut answer = Vec::new();
        account
            .read_to_end(&mut answer)
            .expect("the account answers");
        answer
    }
}

/// What stands in for AWS's ids of requests.
const REQUEST_ID: &str = "6f1c0c9e-0000-4000-8000-000000000000";

impl Refusal {
    fn answer(self, service: &str) -> Vec<u8> {
        let Self {
            status,
            code,
            message,
        } = self;
        let xml = format!("<Code>{code}</Code><Message>{message}</Message>");
        let (kind, body) = match service {
            "ec2" => (
                "text/xml",
                format!(
                    "<Response><Errors><Error>{xml}</Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
                ),
            ),
            "s3" => ("application/xml", format!("<Error>{xml}</Error>")),
            "elasticloadbalancing" | "iam" | "rds" | "sns" | "sts" => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type>{xml}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
                ),
            ),
            "monitoring" => panic!("CloudWatch speaks CBOR, which nobody speaks here"),
            _ => (
                "application/x-amz-json-1.1",
                format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
            ),
        };
        http(status, kind, &body)
    }
}

fn http(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nx-amzn-requestid: {REQUEST_ID}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
