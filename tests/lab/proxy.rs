//! A proxy before an account: numbers the calls that change something, and kills the program at one of them.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// When the program dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Its call never reaches the account.
    Before(usize),
    /// The account has acted, and the program never hears so.
    After(usize),
}

#[derive(Default)]
struct State {
    /// The calls that change something: `ec2:CreateVpc`.
    mutating: Vec<String>,
    kill: Option<Kill>,
    /// The process that dies.
    process: Option<u32>,
    /// Nothing is forwarded any more: a dead program sends nothing.
    dead: bool,
}

struct Shared {
    upstream: String,
    state: Mutex<State>,
    /// Told when the process is known.
    started: Condvar,
}

pub struct Proxy {
    pub endpoint: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Stands before `upstream`, on a port of its own.
    pub fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            state: Mutex::default(),
            started: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                // A connection that breaks is the program's to deal with.
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { endpoint, shared }
    }

    /// Begins to count anew. The process is told with [`Proxy::process`].
    pub fn begin(&self, kill: Option<Kill>) {
        *self.shared.lock() = State {
            kill,
            ..State::default()
        };
    }

    /// Says which process is to die.
    pub fn process(&self, id: u32) {
        self.shared.lock().process = Some(id);
        self.shared.started.notify_all();
    }

    /// The calls since [`Proxy::begin`] that were to change something.
    pub fn mutating(&self) -> Vec<String> {
        self.shared.lock().mutating.clone()
    }

    pub fn has_killed(&self) -> bool {
        self.shared.lock().dead
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request; the connection is closed after it.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = Request::read(&mut client)?;
        let operation = request.operation();
        let kill = {
            let mut state = self.lock();
            if state.dead {
                return Ok(());
            }
            let number = state.mutating.len();
            if is_mutating(&operation) {
                state.mutating.push(operation);
                state.kill.filter(|kill| {
                    let (Kill::Before(at) | Kill::After(at)) = kill;
                    *at == number
                })
            } else {
                None
            }
        };
        if let Some(Kill::Before(_)) = kill {
            self.kill();
            return Ok(());
        }
        let answer = self.forward(&request)?;
        if kill.is_some() {
            self.kill();
            return Ok(());
        }
        client.write_all(&closing(&answer))
    }

    fn forward(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.upstream)?;
        upstream.write_all(&closing(&request.head))?;
        upstream.write_all(&request.body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn kill(&self) {
        let mut state = self.lock();
        state.dead = true;
        while state.process.is_none() {
            state = self
                .started
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let id = state.process.expect("it is known").to_string();
        let status = Command::new("kill").args(["-KILL", &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "{id} is alive");
    }
}

/// The same message, but the last one on its connection.
fn closing(message: &[u8]) -> Vec<u8> {
    let end = message.windows(2).position(|pair| pair == b"\r\n");
    let end = end.expect("a first line") + 2;
    let (first, rest) = message.split_at(end);
    let head_end = rest.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = rest.split_at(head_end.expect("an end of the head"));
    let head = String::from_utf8_lossy(head);
    let mut closing = first.to_vec();
    for line in head.split("\r\n") {
        if !line.to_ascii_lowercase().starts_with("connection:") {
            closing.extend_from_slice(line.as_bytes());
            closing.extend_from_slice(b"\r\n");
        }
    }
    closing.extend_from_slice(b"Connection: close");
    closing.extend_from_slice(body);
    closing
}

struct Request {
    /// Up to and with the empty line.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let mut request = Self {
            head,
            body: Vec::new(),
        };
        let length = request.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        stream.read_exact(&mut request.body)?;
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head);
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// `ec2:CreateVpc`; `s3:PUT` where the operation is in method and path.
    fn operation(&self) -> String {
        let scope = self.header("authorization").unwrap_or_default();
        let service = scope.split('/').nth(3).unwrap_or("none").to_owned();
        let head = String::from_utf8_lossy(&self.head);
        let mut first = head.split(' ');
        let (method, path) = (
            first.next().unwrap_or_default(),
            first.next().unwrap_or_default(),
        );
        let target = self.header("x-amz-target");
        let name = if let Some(target) = &target {
            target.rsplit('.').next().unwrap_or_default()
        } else if let Some((_, name)) = path.split_once("/operation/") {
            name
        } else {
            let body = std::str::from_utf8(&self.body).unwrap_or_default();
            let action = body
                .split('&')
                .find_map(|pair| pair.strip_prefix("Action="));
            action.unwrap_or(method)
        };
        format!("{service}:{name}")
    }
}

fn is_mutating(operation: &str) -> bool {
    let (_, name) = operation.split_once(':').expect("a service");
    let reads = [
        "Describe", "Get", "List", "BatchGet", "Filter", "GET", "HEAD",
    ];
    !reads.iter().any(|verb| name.starts_with(verb))
}
