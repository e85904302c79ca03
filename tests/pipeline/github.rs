//! The part of GitHub's API that the pipeline speaks to, on a port of its own: comments, issues, releases. It knows the
//! tokens that it has given out, and what each may do.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

/// The user that the token of a run belongs to.
pub const BOT: &str = "github-actions[bot]";

/// The repository that all requests are about.
pub const REPOSITORY: &str = "happyrobot/platform";

/// The most characters that GitHub takes for a comment or an issue.
const MOST_CHARACTERS: usize = 65_536;

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: usize,
    /// The number of the issue or pull request.
    pub number: usize,
    pub login: String,
    pub body: String,
}

#[derive(Debug, Clone)]
pub struct Issue {
    pub number: usize,
    pub login: String,
    pub title: String,
    pub body: String,
    pub open: bool,
}

/// The state that tests can read and change.
#[derive(Default)]
pub struct State {
    pub comments: Vec<Comment>,
    pub issues: Vec<Issue>,
    /// The files of the release, by name.
    pub release: BTreeMap<String, Vec<u8>>,
    /// The environments by name: the kinds of rules that protect each.
    pub environments: BTreeMap<String, Vec<&'static str>>,
    /// Requests that change something: method and path.
    pub writes: Vec<String>,
    /// The permissions to write of each token's owner.
    tokens: BTreeMap<String, Vec<String>>,
}

pub struct Github {
    pub url: String,
    state: Arc<Mutex<State>>,
}

pub struct Request {
    pub method: String,
    pub path: String,
    query: BTreeMap<String, String>,
    pub token: String,
    pub body: Vec<u8>,
}

impl Github {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!(
            "http://{}",
            listener.local_addr().expect("the port is known")
        );
        let state = Arc::new(Mutex::new(State::default()));
        let (accepting, base) = (Arc::clone(&state), url.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.expect("a client is connected");
                // A client that hangs up wants no answer.
                let Ok(request) = Request::read(&client) else {
                    continue;
                };
                let mut state = accepting.lock().unwrap_or_else(PoisonError::into_inner);
                let (status, body) = state.answer(&request, &base);
                drop(state);
                let head = format!(
                    "HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                drop(client.write_all(&[head.as_bytes(), &body].concat()));
            }
        });
        Self { url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that may write what is named.
    pub fn token(&self, may_write: Vec<String>) -> String {
        let mut state = self.state();
        let token = format!("ghs_{}", state.tokens.len());
        state.tokens.insert(token.clone(), may_write);
        token
    }

    /// The comments on a pull request.
    pub fn comments(&self, number: usize) -> Vec<Comment> {
        let state = self.state();
        let of_it = state
            .comments
            .iter()
            .filter(|comment| comment.number == number);
        of_it.cloned().collect()
    }
}

type Answer = (u16, Vec<u8>);

fn said(status: u16, body: &Json) -> Answer {
    (status, body.to_string().into_bytes())
}

impl State {
    fn answer(&mut self, request: &Request, base: &str) -> Answer {
        let Some(may_write) = self.tokens.get(&request.token).cloned() else {
            return said(401, &json!({ "message": "Bad credentials" }));
        };
        let may = |what: &str| may_write.iter().any(|name| name == what);
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let forbidden = || {
            let message = "Resource not accessible by integration";
            said(403, &json!({ "message": message }))
        };
        if request.method != "GET" && request.path != "/graphql" {
            self.writes
                .push(format!("{} {}", request.method, request.path));
        }
        let here = format!("/repos/{REPOSITORY}/");
        let of_here = request.path.starts_with(&here);
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["graphql"]) => said(200, &json!({ "data": { "viewer": { "login": BOT } } })),
            ("GET", ["repos", _, _, "releases", "tags", tag]) if *tag == version_tag() => {
                let assets = self.release.keys().map(|name| {
                    let url = format!(
                        "{base}/repos/{}/{}/releases/assets/{name}",
                        parts[1], parts[2]
                    );
                    json!({ "name": name, "url": url })
                });
                said(200, &json!({ "assets": assets.collect::<Vec<_>>() }))
            }
            ("GET", ["repos", _, _, "releases", "assets", name]) => match self.release.get(*name) {
                Some(bytes) => (200, bytes.clone()),
                None => said(404, &json!({ "message": "Not Found" })),
            },
            ("GET", [.., "environments", name]) if of_here => match self.environments.get(*name) {
                Some(kinds) => {
                    let rules = kinds.iter().map(|kind| json!({ "type": kind }));
                    let rules: Vec<Json> = rules.collect();
                    said(200, &json!({ "name": name, "protection_rules": rules }))
                }
                None => said(404, &json!({ "message": "Not Found" })),
            },
            ("GET", [.., "issues", number, "comments"]) if of_here => {
                let comments = self
                    .comments
                    .iter()
                    .filter(|comment| comment.number.to_string() == *number);
                let all = comments.map(|comment| {
                    json!({ "id": comment.id, "user": { "login": comment.login }, "body": comment.body })
                });
                said(200, &request.page(all.collect()))
            }
            ("POST", [.., "issues", _, "comments"])
                if of_here && !may("pull-requests") && !may("issues") =>
            {
                forbidden()
            }
            ("POST", [.., "issues", number, "comments"]) if of_here => {
                self.write(request, |state, body| {
                    let id = 1000 + state.comments.len();
                    let number = number.parse().expect("a number");
                    state.comments.push(Comment {
                        id,
                        number,
                        login: BOT.to_owned(),
                        body,
                    });
                    json!({ "id": id })
                })
            }
            ("PATCH", [.., "issues", "comments", _]) if of_here && !may("pull-requests") => {
                forbidden()
            }
            ("PATCH", [.., "issues", "comments", id]) if of_here => {
                self.write(request, |state, body| {
                    let comment = state
                        .comments
                        .iter_mut()
                        .find(|comment| comment.id.to_string() == *id);
                    comment.expect("the comment is there").body = body;
                    json!({ "id": id })
                })
            }
            ("GET", [.., "issues"]) if of_here => {
                let all = self.issues.iter().filter(|issue| {
                    issue.open
                        && request
                            .query
                            .get("state")
                            .is_some_and(|state| state == "open")
                        && request
                            .query
                            .get("creator")
                            .is_none_or(|creator| *creator == issue.login)
                });
                let all = all.map(|issue| {
                    json!({ "number": issue.number, "user": { "login": issue.login }, "body": issue.body })
                });
                said(200, &request.page(all.collect()))
            }
            (_, [.., "issues"] | [.., "issues", _]) if of_here && !may("issues") => forbidden(),
            ("POST", [.., "issues"]) if of_here => {
                let title = request.json()["title"]
                    .as_str()
                    .expect("a title")
                    .to_owned();
                self.write(request, |state, body| {
                    let number = 1 + state.issues.len();
                    state.issues.push(Issue {
                        number,
                        login: BOT.to_owned(),
                        title,
                        body,
                        open: true,
                    });
                    json!({ "number": number })
                })
            }
            ("PATCH", [.., "issues", number]) if of_here => {
                let sent = request.json();
                let found = self
                    .issues
                    .iter_mut()
                    .find(|issue| issue.number.to_string() == *number);
                let issue = found.expect("the issue is there");
                if let Some(body) = sent["body"].as_str() {
                    body.clone_into(&mut issue.body);
                }
                issue.open = sent["state"] != "closed";
                said(200, &json!({ "number": issue.number }))
            }
            _ => said(404, &json!({ "message": "Not Found" })),
        }
    }

    fn write(&mut self, request: &Request, into: impl FnOnce(&mut Self, String) -> Json) -> Answer {
        let body = request.json()["body"].as_str().expect("a body").to_owned();
        if body.chars().count() > MOST_CHARACTERS {
            return said(
                422,
                &json!({ "message": "body is too long (maximum is 65536 characters)" }),
            );
        }
        let answer = into(self, body);
        said(201, &answer)
    }
}

/// The one release there is.
fn version_tag() -> String {
    format!("v{}", env!("CARGO_PKG_VERSION"))
}

impl Request {
    pub fn read(client: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(client);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query
                .map(|(name, value)| (name.to_owned(), decoded(value)))
                .collect(),
            token: String::new(),
            body: Vec::new(),
        };
        let mut length = 0;
        let mut expects = false;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a length"),
                "authorization" => value
                    .trim_start_matches("Bearer ")
                    .clone_into(&mut request.token),
                "private-token" => value.clone_into(&mut request.token),
                "expect" => expects = true,
                _ => {}
            }
        }
        if expects {
            (&*client).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }

    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).expect("a request is JSON")
    }

    /// The page of a list that is asked for.
    pub fn page(&self, all: Vec<Json>) -> Json {
        let number = |name: &str, default| {
            self.query
                .get(name)
                .map_or(default, |text| text.parse().expect("a number"))
        };
        let (page, size) = (number("page", 1), number("per_page", 30).min(100));
        all.into_iter().skip((page - 1) * size).take(size).collect()
    }
}
