//! A proxy between the program and the account, for when AWS is to say something else: it passes calls on, numbers and logs
//! them, and lets a rule answer some itself, mostly with an error in the protocol of the service.

mod answer;
mod request;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use answer::{Answer, Refusal, body_of, with_body, with_header};
pub use request::Request;

/// One call on its way.
#[derive(Debug)]
pub struct Call<'a> {
    /// The name by which it is signed: `sns`, `elasticloadbalancing`, `monitoring`.
    pub service: &'a str,
    pub operation: &'a str,
    /// Counted from 1, among those of the same operation.
    pub turn: usize,
    /// Counted from 0.
    pub number: usize,
    /// Counted from 0, among those that change something; none for a read.
    pub mutation: Option<usize>,
    /// The time since the counting began.
    pub at: Duration,
    pub request: &'a Request,
}

/// Decides what becomes of calls.
pub trait Rule: Send + Sync {
    /// The answer that is given instead of passing a call on.
    fn before(&self, call: &Call) -> Option<Answer>;

    /// The part of the account's answer that arrives; nothing if the line is cut.
    fn after(&self, _call: &Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        Some(answer)
    }
}

/// A rule that looks no further than at the call.
struct Simple<F>(F);

impl<F: Fn(&Call) -> Option<Answer> + Send + Sync> Rule for Simple<F> {
    fn before(&self, call: &Call) -> Option<Answer> {
        self.0(call)
    }
}

/// A call that has come.
#[derive(Debug, Clone)]
pub struct Logged {
    /// `ec2:CreateVpc`
    pub name: String,
    pub mutating: bool,
    /// The time since the counting began.
    pub at: Duration,
    /// The time at which its answer is sent, since the counting began; none while it is under way.
    pub until: Option<Duration>,
}

/// An address that answers like the account, except where the rule says otherwise. Listens until the test binary ends.
pub struct Proxy {
    pub endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Notified when a call has been dealt with.
    settled: Condvar,
}

struct State {
    /// The address that calls are passed on to.
    upstream: String,
    rule: Arc<dyn Rule>,
    began: Instant,
    log: Vec<Logged>,
    /// The number of calls of each operation.
    turns: BTreeMap<String, usize>,
    mutations: usize,
    under_way: usize,
}

impl State {
    fn new(upstream: &str, rule: Arc<dyn Rule>) -> Self {
        Self {
            upstream: upstream.to_owned(),
            rule,
            began: Instant::now(),
            log: Vec::new(),
            turns: BTreeMap::new(),
            mutations: 0,
            under_way: 0,
        }
    }
}

impl Proxy {
    /// Stands before the account at `upstream`, on a port of its own.
    pub fn before(
        upstream: &str,
        rule: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(upstream, Arc::new(Simple(rule)))),
            settled: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client is connected");
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(client));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            shared,
        }
    }

    /// Starts over, perhaps in front of another account, once the calls under way are through.
    pub fn begin(&self, upstream: &str, rule: impl Rule + 'static) {
        let mut state = self.shared.lock();
        while state.under_way > 0 {
            let waited = self.shared.settled.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *state = State::new(upstream, Arc::new(rule));
    }

    /// The calls since the counting began, after those under way are through: the account may still act on a request of a
    /// program that has died.
    pub fn log(&self) -> Vec<Logged> {
        let mut state = self.shared.lock();
        while state.under_way > 0 {
            let waited = self.shared.settled.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.log.clone()
    }

    /// The number of calls of an operation, refused or not.
    pub fn calls(&self, operation: &str) -> usize {
        let state = self.shared.lock();
        state.turns.get(operation).copied().unwrap_or_default()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request. A connection is not used twice: that costs a loopback connection, and saves telling where an
    /// answer ends.
    fn serve(&self, mut client: TcpStream) {
        // A client that hangs up has no request.
        let Ok(request) = Request::read(&mut client) else {
            return;
        };
        let (service, operation) = (request.service(), request.operation());
        let mutating = is_mutating(&operation);
        let mut state = self.lock();
        let turn = {
            let turn = state.turns.entry(operation.clone()).or_default();
            *turn += 1;
            *turn
        };
        let mutation = mutating.then_some(state.mutations);
        state.mutations += usize::from(mutating);
        let call = Call {
            service: &service,
            operation: &operation,
            turn,
            number: state.log.len(),
            mutation,
            at: state.began.elapsed(),
            request: &request,
        };
        let name = format!("{service}:{operation}");
        let at = call.at;
        state.log.push(Logged {
            name,
            mutating,
            at,
            until: None,
        });
        let began = state.began;
        state.under_way += 1;
        let (upstream, rule) = (state.upstream.clone(), Arc::clone(&state.rule));
        drop(state);
        // Whatever comes of it, the call is no longer under way.
        let answer = answered(&*rule, &call, &upstream);
        {
            let mut state = self.lock();
            // A call from before the counting was restarted is not part of this count.
            if state.began == began {
                let until = began.elapsed();
                let logged = state.log.get_mut(call.number);
                logged.expect("the call is logged").until = Some(until);
            }
            state.under_way = state.under_way.saturating_sub(1);
            self.settled.notify_all();
        }
        // Closed with a byte unread, the connection is reset.
        if matches!(answer, Reply::Reset) {
            return;
        }
        Request::read_out(&mut client);
        match answer {
            Reply::Reset => {}
            Reply::Bytes(bytes) => {
                // The program may have ended meanwhile.
                drop(client.write_all(&bytes));
                drop(client.shutdown(Shutdown::Write));
            }
            Reply::Silence => {
                // Until the client hangs up.
                let mut nothing = [0];
                while client.read(&mut nothing).is_ok_and(|read| read > 0) {}
            }
        }
    }
}

/// The reply that a client gets.
enum Reply {
    /// An answer, or a part of one, or none; then the line is cut.
    Bytes(Vec<u8>),
    Silence,
    Reset,
}

fn answered(rule: &dyn Rule, call: &Call, upstream: &str) -> Reply {
    let pass_on = |upstream: &str| {
        // An account that has gone has no answer.
        call.request.pass_on(upstream).unwrap_or_default()
    };
    let bytes = match rule.before(call) {
        None => rule.after(call, pass_on(upstream)).unwrap_or_default(),
        Some(Answer::Elsewhere(account)) => pass_on(&account),
        Some(Answer::Untagged) => {
            let untagged = call.request.without_tags();
            untagged.pass_on(upstream).unwrap_or_default()
        }
        Some(Answer::Hang { acts }) => {
            if acts {
                pass_on(upstream);
            }
            return Reply::Silence;
        }
        Some(Answer::Reset { acts }) => {
            if acts {
                pass_on(upstream);
            }
            return Reply::Reset;
        }
        Some(Answer::Lost) => {
            pass_on(upstream);
            Vec::new()
        }
        Some(Answer::Half) => {
            let whole = pass_on(upstream);
            whole[..whole.len() - body_of(&whole).len() / 2 - 1].to_vec()
        }
        Some(Answer::Cut) => Vec::new(),
        Some(Answer::Raw(bytes)) => bytes,
        Some(Answer::Refusal(refusal)) => refusal.answer(call.service),
        Some(Answer::Page(status)) => answer::page(status),
        Some(Answer::Json(body)) => {
            answer::http(200, "application/x-amz-json-1.1", body.as_bytes())
        }
    };
    Reply::Bytes(bytes)
}

/// Returns whether an operation changes something, judged by its name; for S3 by its method.
pub fn is_mutating(operation: &str) -> bool {
    const READS: &[&str] = &[
        "Describe", "Get", "List", "BatchGet", "Filter", "GET", "HEAD",
    ];
    !READS.iter().any(|verb| operation.starts_with(verb))
}

/// Passes everything on.
pub fn nothing(_: &Call) -> Option<Answer> {
    None
}

impl Request {
    fn pass_on(&self, upstream: &str) -> io::Result<Vec<u8>> {
        let mut account = TcpStream::connect(upstream.trim_start_matches("http://"))?;
        account.write_all(&self.closing())?;
        let mut answer = Vec::new();
        account.read_to_end(&mut answer)?;
        Ok(answer)
    }
}
