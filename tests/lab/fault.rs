//! What goes wrong in a run, as a value, and the rule of the proxy that makes it so.

use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::proxy::{Answer, Call, Rule};

/// Whether the account has acted on a call.
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

/// What goes wrong. Calls that change something are counted from 0.
#[derive(Debug, Clone)]
pub enum Fault {
    None,
    /// The program dies at once, and its call has reached the account or not.
    Kill(When, usize),
    /// The program is asked to end, once or twice, at a call; and that call perhaps never gets an answer.
    Signal {
        signal: Signal,
        times: usize,
        at: usize,
        hangs: bool,
    },
}

/// When a fault came about.
#[derive(Debug, Clone)]
pub struct Struck {
    pub at: Instant,
    /// `ec2:CreateVpc`
    pub call: String,
}

/// The program that a fault befalls.
#[derive(Default)]
pub struct Subject {
    state: Mutex<State>,
    /// Told when the process is known.
    started: Condvar,
}

#[derive(Default)]
struct State {
    process: Option<u32>,
    struck: Option<Struck>,
    /// A dead program sends nothing, whatever is still on its way.
    dead: bool,
}

impl Subject {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which process it is.
    pub fn is_process(&self, id: u32) {
        self.lock().process = Some(id);
        self.started.notify_all();
    }

    pub fn struck(&self) -> Option<Struck> {
        self.lock().struck.clone()
    }

    fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Notes the first time that the fault comes about.
    fn strikes(&self, call: &Call) {
        self.lock().struck.get_or_insert_with(|| Struck {
            at: Instant::now(),
            call: format!("{}:{}", call.service, call.operation),
        });
    }

    /// Sends a signal, as soon as there is a process.
    fn signal(&self, name: &str) {
        let mut state = self.lock();
        state.dead |= name == "KILL";
        while state.process.is_none() {
            let waited = self.started.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let id = state.process.expect("it is known").to_string();
        drop(state);
        // It may have ended by itself in this very moment.
        let status = Command::new("kill").args(["-s", name, &id]).status();
        status.expect("signals can be sent");
    }
}

impl Fault {
    /// What the proxy does, and to whom.
    pub fn rule(&self, _account: &Account) -> (FaultRule, Arc<Subject>) {
        let subject = Arc::new(Subject::default());
        let rule = FaultRule {
            fault: self.clone(),
            subject: Arc::clone(&subject),
        };
        (rule, subject)
    }
}

pub struct FaultRule {
    fault: Fault,
    subject: Arc<Subject>,
}

/// Between two signals: one that follows at once would be taken for the same.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

impl Rule for FaultRule {
    fn before(&self, call: &Call) -> Option<Answer> {
        if self.subject.is_dead() {
            return Some(Answer::Cut);
        }
        match &self.fault {
            Fault::Kill(When::Before, at) if call.mutation == Some(*at) => {
                self.subject.strikes(call);
                self.subject.signal("KILL");
                Some(Answer::Cut)
            }
            Fault::Signal {
                signal,
                times,
                at,
                hangs,
            } if call.mutation == Some(*at) => {
                let name = match signal {
                    Signal::Interrupt => "INT",
                    Signal::Terminate => "TERM",
                };
                self.subject.strikes(call);
                self.subject.signal(name);
                for _ in 1..*times {
                    std::thread::sleep(BETWEEN_SIGNALS);
                    self.subject.signal(name);
                }
                hangs.then_some(Answer::Hang { acts: true })
            }
            _ => None,
        }
    }

    fn after(&self, call: &Call, answer: Vec<u8>) -> Option<Vec<u8>> {
        match &self.fault {
            Fault::Kill(When::After, at) if call.mutation == Some(*at) => {
                self.subject.strikes(call);
                self.subject.signal("KILL");
                None
            }
            _ => Some(answer),
        }
    }
}
