//! The faults of a run, as values, and the rule of the proxy that causes them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::account::Account;
use crate::answers::Row;
use crate::history::History;
use crate::phrases;
use crate::proxy::{Answer, Call, Rule, body_of, is_mutating, with_body, with_header};

/// The point before or after the account has acted on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

/// The moment when something happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// At this call of those that change something, counted from 0.
    Change(usize),
    /// At this call, counted from 0.
    Call(usize),
    /// At the first call after so long.
    After(Duration),
}

/// The harm that is done to a single call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Harm {
    /// The account acts, and its answer is lost.
    Lost,
    /// The account acts, and half of its answer arrives.
    Half,
    /// The line is cut before the account has heard anything.
    Cut,
    /// The connection is reset, and the account acts or does not.
    Reset { acts: bool },
    /// An error with this status, in the protocol of the service.
    Failed(u16),
    /// A page of HTML with this status.
    Page(u16),
    /// Nothing is ever answered, and the account acts or does not.
    Hung { acts: bool },
}

/// A fault of a run.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The program dies at a change, whether its call has reached the account or not.
    Kill(When, usize),
    /// The same, at the first call of this operation.
    KillFirst(When, String),
    /// The program is asked to end, this number of times; the call that it makes at that moment may never get an answer.
    Signal {
        signal: Signal,
        times: usize,
        at: Moment,
        hangs: bool,
    },
    /// This number of calls in a hundred is throttled, chosen by the seed.
    Throttled { percent: u64, seed: u64 },
    /// From this change on, for this long, every call is throttled.
    Storm { at: usize, lasts: Duration },
    /// One call in every `nth` comes to harm. Creates that would make twins may be spared: without knowing better, the
    /// program has to look for two minutes for what they may have made.
    Every {
        nth: usize,
        harm: Harm,
        spares_twins: bool,
    },
    /// The first call of each of these operations comes to harm.
    First {
        operations: &'static [&'static str],
        harm: Harm,
    },
    /// Reads of services that AWS documents as eventually consistent show the account as it was this long ago, all of them,
    /// or those that the seed picks.
    Stale { lag: Duration, flaps: Option<u64> },
    /// From this moment on the credentials are expired.
    Expired(Moment),
    /// From this change on nothing is allowed.
    Denied(usize),
    /// AWS's clock is this number of seconds ahead.
    Skewed(i64),
    /// Every call takes this much longer.
    Slow(Duration),
    /// Operations that take time in AWS take this part of it.
    Provisioning(f64),
    /// AWS's published rates hold.
    Rates,
    /// Calls are answered with what AWS has been seen to answer; those of one operation by its rows, one after the other.
    Answers(Vec<&'static Row>),
}

/// Calls that take neither token nor name: made twice, they make two.
const TWINS: &[&str] = &[
    "CreateVpc",
    "CreateInternetGateway",
    "AllocateAddress",
    "RegisterTaskDefinition",
];

/// Services that AWS documents as eventually consistent:
/// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>, IAM's and ECS's user guides, and the tagging
/// API, which follows them all.
const EVENTUAL: &[&str] = &["ec2", "iam", "ecs", "tagging"];

/// The operations that take time (`promises.md` §2): the call that begins each, its duration, the call that shows it, and
/// what is shown when it is done and before.
const PROVISIONING: &[(&str, f64, &str, &str, &str)] = &[
    (
        "CreateNatGateway",
        105.0,
        "DescribeNatGateways",
        "<state>available</state>",
        "<state>pending</state>",
    ),
    (
        "CreateLoadBalancer",
        118.0,
        "DescribeLoadBalancers",
        "<Code>active</Code>",
        "<Code>provisioning</Code>",
    ),
    (
        "CreateDBInstance",
        229.0,
        "DescribeDBInstances",
        "<DBInstanceStatus>available</DBInstanceStatus>",
        "<DBInstanceStatus>creating</DBInstanceStatus>",
    ),
];

/// The moment at which a fault came about.
#[derive(Debug, Clone)]
pub struct Struck {
    pub at: Instant,
    /// `ec2:CreateVpc`
    pub call: String,
    /// Counted from 0, among all calls of the run.
    pub number: usize,
}

/// The program that a fault strikes.
#[derive(Default)]
pub struct Subject {
    state: Mutex<State>,
    /// Told when the process is known.
    started: Condvar,
    harmed: AtomicUsize,
}

#[derive(Default)]
struct State {
    process: Option<u32>,
    struck: Option<Struck>,
    /// A dead program sends nothing, whatever is still on its way.
    dead: bool,
    began: HashMap<&'static str, Instant>,
    buckets: HashMap<String, (f64, Instant)>,
    /// The number of times that the answer of a row was given, and since when, by its place in the fault.
    given: HashMap<usize, (usize, Instant)>,
}

impl Subject {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the process.
    pub fn is_process(&self, id: u32) {
        self.lock().process = Some(id);
        self.started.notify_all();
    }

    pub fn struck(&self) -> Option<Struck> {
        self.lock().struck.clone()
    }

    /// The number of calls that were not answered by the account itself.
    pub fn harmed(&self) -> usize {
        self.harmed.load(Ordering::Relaxed)
    }

    /// Notes the first time that the fault comes about, and says whether this is it.
    fn strikes(&self, call: &Call) -> bool {
        let mut state = self.lock();
        let first = state.struck.is_none();
        state.struck.get_or_insert_with(|| Struck {
            at: Instant::now(),
            call: format!("{}:{}", call.service, call.operation),
            number: call.number,
        });
        first
    }

    /// Sends a signal, as soon as there is a process.
    fn signal(&self, name: &str) {
        let mut state = self.lock();
        state.dead |= name == "KILL";
        while state.process.is_none() {
            let waited = self.started.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let id = state.process.expect("it is known");
        drop(state);
        signal(name, id);
    }
}

/// Sends a signal to a process, which may have ended by itself in this very moment.
pub fn signal(name: &str, id: u32) {
    let id = id.to_string();
    let status = Command::new("kill").args(["-s", name, &id]).output();
    status.expect("signals can be sent");
}

/// The rule of the proxy that causes all of these faults, and the program that they strike.
pub fn rule(faults: &[Fault], account: &Account) -> (FaultRule, Arc<Subject>) {
    let subject = Arc::new(Subject::default());
    let history = faults.iter().find_map(|fault| match fault {
        Fault::Stale { lag, .. } => Some(History::of(account, *lag)),
        _ => None,
    });
    let rule = FaultRule {
        faults: faults.to_vec(),
        subject: Arc::clone(&subject),
        history,
    };
    (rule, subject)
}

pub struct FaultRule {
    faults: Vec<Fault>,
    subject: Arc<Subject>,
    history: Option<Arc<History>>,
}

/// The time between two signals: one that comes before the program has had its turn is the same to it. No finger is faster.
pub const BETWEEN_SIGNALS: Duration = Duration::from_millis(250);

impl Rule for FaultRule {
    fn before(&self, call: &Call) -> Option<Answer> {
        if self.subject.lock().dead {
            return Some(Answer::Cut);
        }
        let answer = self.faults.iter().find_map(|fault| self.harm(fault, call));
        if answer.is_some() {
            self.subject.harmed.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    fn after(&self, call: &Call, mut answer: Vec<u8>) -> Option<Vec<u8>> {
        for fault in &self.faults {
            match fault {
                Fault::Kill(..) | Fault::KillFirst(..) if fault.kills(When::After, call) => {
                    self.subject.strikes(call);
                    self.subject.signal("KILL");
                    return None;
                }
                Fault::Skewed(ahead) => {
                    answer = with_header(&answer, "date", &clock(*ahead).1);
                }
                Fault::Provisioning(part) => answer = self.provisioned(*part, call, answer),
                _ => {}
            }
        }
        Some(answer)
    }
}

impl FaultRule {
    fn harm(&self, fault: &Fault, call: &Call) -> Option<Answer> {
        let subject = &self.subject;
        let is_later = |from: Moment| {
            let begins = from.is_at(call);
            if begins {
                subject.strikes(call);
            }
            begins || subject.struck().is_some()
        };
        match fault {
            Fault::Kill(..) | Fault::KillFirst(..) if fault.kills(When::Before, call) => {
                subject.strikes(call);
                subject.signal("KILL");
                Some(Answer::Cut)
            }
            Fault::Signal {
                signal,
                times,
                at,
                hangs,
            } => {
                if !at.is_at(call) || !subject.strikes(call) {
                    return None;
                }
                let name = match signal {
                    Signal::Interrupt => "INT",
                    Signal::Terminate => "TERM",
                };
                subject.signal(name);
                for _ in 1..*times {
                    std::thread::sleep(BETWEEN_SIGNALS);
                    subject.signal(name);
                }
                hangs.then_some(Answer::Hang { acts: true })
            }
            Fault::Throttled { percent, seed } => {
                let strikes = chance(*seed, call) < *percent;
                strikes.then(|| phrases::throttled(call.service).into())
            }
            Fault::Storm { at, lasts } => {
                is_later(Moment::Change(*at)).then_some(())?;
                let began = subject.struck()?.at;
                (began.elapsed() < *lasts).then(|| phrases::throttled(call.service).into())
            }
            Fault::Every {
                nth,
                harm,
                spares_twins,
            } => {
                let spared = *spares_twins && TWINS.contains(&call.operation);
                // Which of them is left to chance: otherwise a call that comes again at even distances would be hit forever.
                let which = hash((harm, call.number / nth)) % *nth as u64;
                let strikes = (call.number % nth) as u64 == which;
                (strikes && !spared).then(|| harm.answer(call))
            }
            Fault::First { operations, harm } => {
                let strikes = call.turn == 1 && operations.contains(&call.operation);
                strikes.then(|| harm.answer(call))
            }
            Fault::Stale { flaps, .. } => {
                let is_stale = flaps.is_none_or(|seed| chance(seed, call) < 50);
                let strikes =
                    is_stale && EVENTUAL.contains(&call.service) && !is_mutating(call.operation);
                let history = self.history.as_ref().filter(|_| strikes)?;
                Some(Answer::Elsewhere(history.endpoint()))
            }
            Fault::Expired(from) => is_later(*from).then(|| phrases::expired(call.service).into()),
            Fault::Denied(from) => {
                is_later(Moment::Change(*from)).then(|| phrases::denied(call.service).into())
            }
            Fault::Skewed(ahead) => {
                let (now, date) = clock(*ahead);
                let is_off = (now - signed_at(call)).abs() > 5 * 60;
                is_off.then(|| {
                    let refusal = phrases::out_of_time(call.service).answer(call.service);
                    Answer::Raw(with_header(&refusal, "date", &date))
                })
            }
            Fault::Slow(latency) => {
                std::thread::sleep(*latency);
                None
            }
            Fault::Provisioning(_) => {
                let begins = PROVISIONING.iter().find(|row| row.0 == call.operation);
                if let Some((begins, ..)) = begins {
                    subject.lock().began.insert(begins, Instant::now());
                }
                None
            }
            Fault::Rates => {
                let is_over = self.is_over_rate(call);
                is_over.then(|| phrases::throttled(call.service).into())
            }
            Fault::Answers(rows) => {
                let mut rows = rows.iter().enumerate();
                let (_, row) = rows.find(|(place, row)| {
                    row.meets(&format!("{}:{}", call.service, call.operation))
                        && self.is_due(*place, row)
                })?;
                Some(row.refusal().into())
            }
            Fault::Kill(..) | Fault::KillFirst(..) => None,
        }
    }

    /// Returns whether a row has an answer left, which is then given.
    fn is_due(&self, place: usize, row: &Row) -> bool {
        let mut state = self.subject.lock();
        let (given, since) = state.given.entry(place).or_insert((0, Instant::now()));
        let is_due = row.often.is_due(*given, since.elapsed());
        *given += usize::from(is_due);
        is_due
    }

    /// Shows an object as not ready until its time is over.
    fn provisioned(&self, part: f64, call: &Call, answer: Vec<u8>) -> Vec<u8> {
        let row = PROVISIONING.iter().find(|row| row.2 == call.operation);
        let Some((begins, seconds, _, there, before)) = row else {
            return answer;
        };
        let began = self.subject.lock().began.get(begins).copied();
        let takes = Duration::from_secs_f64(seconds * part);
        if began.is_none_or(|began| began.elapsed() >= takes) {
            return answer;
        }
        let body = String::from_utf8_lossy(body_of(&answer)).replace(there, before);
        with_body(&answer, body.as_bytes())
    }

    fn is_over_rate(&self, call: &Call) -> bool {
        let Some((burst, refill)) = phrases::rate(call.service, call.operation) else {
            return false;
        };
        // Two calls that leave in time may arrive too close to each other on a busy machine.
        let burst = burst + 1.0;
        let now = Instant::now();
        let mut state = self.subject.lock();
        let name = format!("{}:{}", call.service, call.operation);
        let (tokens, filled) = state.buckets.entry(name).or_insert((burst, now));
        *tokens = (*tokens + filled.elapsed().as_secs_f64() * refill).min(burst);
        *filled = now;
        if *tokens < 1.0 {
            return true;
        }
        *tokens -= 1.0;
        false
    }
}

impl Fault {
    /// Returns whether the program dies at this call, before or after the account has acted.
    fn kills(&self, now: When, call: &Call) -> bool {
        match self {
            Self::Kill(when, at) => *when == now && call.mutation == Some(*at),
            Self::KillFirst(when, operation) => {
                let name = format!("{}:{}", call.service, call.operation);
                *when == now && call.turn == 1 && name == *operation
            }
            _ => false,
        }
    }
}

impl Moment {
    fn is_at(self, call: &Call) -> bool {
        match self {
            Self::Change(at) => call.mutation == Some(at),
            Self::Call(at) => call.number == at,
            Self::After(time) => call.at >= time,
        }
    }
}

impl Harm {
    fn answer(self, call: &Call) -> Answer {
        match self {
            Self::Lost => Answer::Lost,
            Self::Half => Answer::Half,
            Self::Cut => Answer::Cut,
            Self::Failed(status) => phrases::failed(call.service, status).into(),
            Self::Page(status) => Answer::Page(status),
            Self::Reset { acts } => Answer::Reset { acts },
            Self::Hung { acts } => Answer::Hang { acts },
        }
    }
}

/// From 0 to 99, and always the same for the same call of a run.
fn chance(seed: u64, call: &Call) -> u64 {
    hash((seed, call.number, call.operation, call.turn)) % 100
}

/// A number that is the same for the same value in every run.
fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A clock that is ahead: in seconds, and as a header has it.
fn clock(ahead: i64) -> (i64, String) {
    let now = DateTime::from(SystemTime::now()).secs() + ahead;
    let date = DateTime::from_secs(now).fmt(Format::HttpDate);
    (now, date.expect("a date of our time"))
}

/// The time at which a call was signed: `20260101T100000Z`.
fn signed_at(call: &Call) -> i64 {
    let date = call.request.header("x-amz-date");
    let part = |from: usize, to: usize| date.get(from..to).unwrap_or_default();
    let date = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    );
    let time = DateTime::from_str(&date, Format::DateTime);
    time.map_or(0, |time| time.secs())
}
