//! The answers that are given instead of the account's own.

/// The stand-in for AWS's request ids.
const REQUEST_ID: &str = "6f1c0c9e-0000-4000-8000-000000000000";

/// The error that AWS returns instead of doing what it was asked.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: &'static str,
}

/// The answer that is given instead of passing a call on.
#[derive(Debug, Clone)]
pub enum Answer {
    Refusal(Refusal),
    /// A success of a service that speaks JSON.
    Json(&'static str),
    /// None: the account has done what it was asked, and the line is cut.
    Lost,
    /// The line is cut before the account has heard anything.
    Cut,
    /// The connection is reset, whether the account has acted or not: an error, where a cut line is an end.
    Reset {
        acts: bool,
    },
    /// The account has done what it was asked, and the line is cut in the middle of its answer.
    Half,
    /// A page of HTML with this status, from whatever stands before the service.
    Page(u16),
    /// No answer ever, whether the account has acted or not; the line stays open.
    Hang {
        acts: bool,
    },
    /// The answer of another account.
    Elsewhere(String),
    /// The account's answer to the same request without its tags, which never reach it.
    Untagged,
    /// This answer, to the letter.
    Raw(Vec<u8>),
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl Refusal {
    /// The answer in the protocol of the service.
    pub fn answer(self, service: &str) -> Vec<u8> {
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
                )
                .into_bytes(),
            ),
            "s3" => ("application/xml", format!("<Error>{xml}</Error>").into_bytes()),
            "elasticloadbalancing" | "iam" | "rds" | "sns" | "sts" => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type>{xml}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
                )
                .into_bytes(),
            ),
            "monitoring" => ("application/cbor", cbor(code, message)),
            _ => (
                "application/x-amz-json-1.1",
                format!(r#"{{"__type":"{code}","message":"{message}"}}"#).into_bytes(),
            ),
        };
        let mut answer = http(status, kind, &body);
        if service == "monitoring" {
            let first = answer.iter().position(|byte| *byte == b'\n');
            let first = first.expect("a first line") + 1;
            let headers =
                format!("smithy-protocol: rpc-v2-cbor\r\nx-amzn-query-error: {code};Sender\r\n");
            answer.splice(first..first, headers.into_bytes());
        }
        answer
    }
}

/// An error of CloudWatch, which speaks Smithy RPC v2: a map of two texts.
fn cbor(code: &str, message: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("a short text");
        [&[0x78, length][..], text.as_bytes()].concat()
    };
    [
        vec![0xa2],
        text("__type"),
        text(&format!("com.amazonaws.cloudwatch#{code}")),
        text("message"),
        text(message),
    ]
    .concat()
}

/// The answer of a load balancer without available targets.
pub(super) fn page(status: u16) -> Vec<u8> {
    let body =
        format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
    http(status, "text/html", body.as_bytes())
}

pub(super) fn http(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nx-amzn-requestid: {REQUEST_ID}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The same answer with another header, in place of those of that name.
pub fn with_header(answer: &[u8], name: &str, value: &str) -> Vec<u8> {
    let body = body_of(answer);
    let head = String::from_utf8_lossy(&answer[..answer.len() - body.len()]).into_owned();
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    lines.retain(|line| {
        let header = line.split(':').next().unwrap_or_default();
        !header.eq_ignore_ascii_case(name)
    });
    let head = format!("{}\r\n{name}: {value}\r\n\r\n", lines.join("\r\n"));
    [head.as_bytes(), body].concat()
}

/// The same answer with another body.
pub fn with_body(answer: &[u8], body: &[u8]) -> Vec<u8> {
    let head = answer.len() - body_of(answer).len();
    let answer = [&answer[..head], body].concat();
    with_header(&answer, "content-length", &body.len().to_string())
}

/// The part of an answer after its head.
pub fn body_of(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or(&[], |end| &answer[end + 4..])
}
