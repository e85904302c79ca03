//! One run of the engine, as a command makes it: read, plan, refuse or execute.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fde_infra::deployment::history::made_text;
use fde_infra::deployment::{Begun, History, Record};
use fde_infra::execute::{self, Cancel, Event, Outcome};
use fde_infra::graph::ResourceGraph;
use fde_infra::live;
use fde_infra::plan::{self, Goal, Plan, Refusal, Request, RetainReason};
use fde_infra::resource::proof::RunMark;
use fde_infra::resource::{ErrorKind, Proof, ProviderError, Value};
use fde_infra::testing::fake::HOME;
use fde_infra::testing::faults::{Fault, FaultProfile, FaultyAccount, Weathered};
use fde_infra::testing::foreign_actor::ForeignAction;
use fde_infra::testing::generate::stack;
use fde_infra::testing::{FakeAccount, FakeStore, ForeignActor, Random};
use tokio::time::Instant;

use crate::mutations::{Flaw, Flawed, Sent, catalog_with};
use crate::oracle::{self, Held};
use crate::provider::Patient;

/// CI systems kill 7.5 s after they have asked (`promises.md` R8).
const TO_EXIT: Duration = Duration::from_secs(7);

/// The surroundings in which runs take place.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub account: &'a FakeAccount,
    pub foreign_actor: &'a ForeignActor<'a>,
    pub records: &'a Records,
    /// A mistake in the program, to see it caught.
    pub flaw: Option<Flaw>,
}

/// The records that runs keep, in the region that most are in and in the other one.
#[derive(Default)]
pub struct Records([FakeStore; 2]);

impl Records {
    fn of(&self, graph: &ResourceGraph) -> History<'_> {
        let is_home = graph.region.as_deref().is_none_or(|region| region == HOME);
        History::of(&stack(), &self.0[usize::from(!is_home)])
    }
}

/// The task of a run, and the faults that it meets.
#[derive(Debug, Clone)]
pub struct Run {
    /// The name of the run in the story.
    pub who: String,
    pub goal: Goal,
    pub faults: BTreeMap<usize, Fault>,
    pub weather: FaultProfile,
    /// The type that may not be read.
    pub denied: Option<String>,
    /// The deed of another party between reading and executing.
    pub deed: Option<ForeignAction>,
    /// True if data may be deleted.
    pub consents: bool,
    pub replace: Vec<String>,
    /// The regions in which the stack may be set up besides those in which it is.
    pub regions: Vec<String>,
    /// Ids of what is the stack's, although nothing but its tags says so.
    pub trust: Vec<String>,
    /// True if the run takes no lock: others are at work.
    pub takes_no_lock: bool,
    pub parallel: usize,
    pub starts_after: Duration,
    pub seed: u64,
}

impl Run {
    /// A run in which nothing goes wrong.
    pub fn calm(who: &str, goal: Goal, seed: u64) -> Self {
        Self {
            who: who.to_owned(),
            goal,
            faults: BTreeMap::new(),
            weather: FaultProfile::default(),
            denied: None,
            deed: None,
            consents: true,
            replace: Vec::new(),
            regions: Vec::new(),
            trust: Vec::new(),
            takes_no_lock: false,
            parallel: 16,
            starts_after: Duration::ZERO,
            seed,
        }
    }

    fn request(&self, world: World<'_>) -> Request {
        let ignores = world.flaw == Some(Flaw::ConsentIgnored);
        Request {
            goal: self.goal,
            replace: self.replace.clone(),
            allow_regions: self.regions.clone(),
            takes_no_lock: self.takes_no_lock,
            allow_delete: if self.consents || ignores {
                vec!["*".to_owned()]
            } else {
                Vec::new()
            },
            ..Request::default()
        }
    }
}

/// The way in which a run ended.
pub enum Ended {
    Killed,
    NotRead(ProviderError),
    /// The plan must not run as it stands.
    Refused(Plan),
    Ran(Plan, Outcome),
}

impl Ended {
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Ran(_, Outcome::Done(_)))
    }

    /// Returns whether data, or something protected, would have gone had there been consent.
    pub fn spares_data(&self) -> bool {
        let (Self::Refused(plan) | Self::Ran(plan, _)) = self else {
            return false;
        };
        let mut refusals = plan.refusals.iter();
        let mut retained = plan.retained.iter();
        refusals.any(|refusal| {
            matches!(
                refusal,
                Refusal::HoldsData { .. } | Refusal::Protected { .. }
            )
        }) || retained.any(|kept| kept.reason == RetainReason::OnDelete)
    }

    /// The ids of the objects that were refused because only their tags say whose they are, if nothing else was.
    pub fn doubled(&self) -> Option<Vec<String>> {
        let Self::Refused(plan) = self else {
            return None;
        };
        let ids = plan.refusals.iter().map(|refusal| match refusal {
            Refusal::TagsAlone { id, .. } => Some(id.clone()),
            _ => None,
        });
        ids.collect()
    }

    /// The outcome in a word or two, for the story.
    fn word(&self) -> String {
        match self {
            Self::Killed => "killed".to_owned(),
            Self::NotRead(error) => format!("not read: {:?}", error.kind),
            Self::Refused(plan) => format!("refused: {:?}", plan.refusals),
            Self::Ran(_, Outcome::Done(_)) => "done".to_owned(),
            Self::Ran(_, Outcome::Cancelled(_)) => "cancelled".to_owned(),
            Self::Ran(plan, Outcome::Failed(report)) => {
                let failed = report.failed.iter().map(|(id, error)| {
                    let name = plan.steps[*id].urn.name();
                    format!("{name}: {:?}: {}", error.kind, error.message)
                });
                format!("failed: {}", failed.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// The outcome of a run.
pub struct Told {
    pub ended: Ended,
    pub met: Vec<Fault>,
    pub weathered: BTreeSet<Weathered>,
    pub began: Instant,
    pub ended_at: Instant,
    /// The number of API calls, reads included.
    pub calls: u64,
    /// The time from the last Ctrl-C to the end.
    pub exit_took: Option<Duration>,
}

/// Runs, and checks what holds for every run whatever it meets.
///
/// # Errors
/// The promise that does not hold.
pub async fn run(world: World<'_>, graph: &ResourceGraph, run: &Run) -> Held<Told> {
    tokio::time::sleep(run.starts_after).await;
    let began = Instant::now();
    let account = world.account;
    let cancel = Cancel::default();
    let faults = run.faults.clone();
    let foreign_actor = world.foreign_actor;
    let faulty = FaultyAccount::new(
        account,
        foreign_actor,
        &run.who,
        faults,
        cancel.clone(),
        run.seed,
    );
    let faulty = faulty.denying(run.denied.clone()).under(run.weather);
    let patient = Patient::new(&faulty, run.seed);
    let provider = Flawed::new(&patient, &faulty, account, world.flaw);
    let (goal, parallel) = (run.goal, run.parallel);
    let history = world.records.of(graph);
    let id = format!("{} {:x}", run.who, run.seed);
    account.tell(format!("{}: {goal:?}, {parallel} at once", run.who));
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let running = async {
        let live = match live::read(&provider, graph).await {
            Ok(live) => live,
            Err(error) => return Ok::<_, String>(Ended::NotRead(error)),
        };
        let catalog = catalog_with(world.flaw);
        let request = run.request(world);
        let before = history
            .whereabouts()
            .await
            .map_err(|error| error.to_string())?;
        let proof = match world.flaw {
            Some(flaw) if flaw == Flaw::ProofForgotten || flaw.misreads_tags() => Proof::Unknown,
            _ => before.proof.clone().trusting(&run.trust),
        };
        let live = live::sorted_again(&live, graph, catalog, proof);
        let mut plan = plan::build(graph, &live, catalog, &request);
        plan::verify::verify(&plan, graph, catalog)
            .map_err(|error| format!("the plan is wrong: {error}"))?;
        if !plan.refusals.is_empty() {
            return Ok(Ended::Refused(plan));
        }
        let deletions = plan.steps.iter().filter(|step| step.is_delete());
        let deletions = deletions.filter_map(|step| Some(step.observed()?.id.as_str()));
        foreign_actor.hears_of_deletions(&deletions.collect());
        if let Some(done) = run.deed.and_then(|deed| foreign_actor.does(deed)) {
            account.tell(done);
        }
        let key = before.key.clone().unwrap_or_else(|| id.clone());
        let mut mark = RunMark { id, key };
        let parts = |key: &str| {
            let mark = RunMark {
                key: key.to_owned(),
                ..mark.clone()
            };
            plan.announced(&mark, catalog)
        };
        let mut announced = Begun::new(&mark.id, &mark.key, &parts(&mark.key), &before.unfinished);
        let beginning = history.begin(&mut announced, before.versions[1], &parts);
        beginning.await.map_err(|error| error.to_string())?;
        mark.key = announced.key;
        plan.run = Some(mark.clone());
        let deaf = Cancel::default();
        let heard = if world.flaw == Some(Flaw::CancelIgnored) {
            &deaf
        } else {
            &cancel
        };
        let outcome = execute::run(&plan, &provider, parallel, heard, &sender).await;
        let is_done = matches!(outcome, Outcome::Done(_));
        let made = outcome.made(&plan, catalog, &mark.key, &before.proof);
        let record = Record {
            made: made_text(&made),
            key: mark.key,
            over: before.over_after(&mark.id, is_done),
            ..Record::default()
        };
        history
            .add(&record, Some(before.before()))
            .await
            .map_err(|error| error.to_string())?;
        Ok(Ended::Ran(plan, outcome))
    };
    let ended = tokio::select! {
        biased;
        () = faulty.killed() => Ok(Ended::Killed),
        ended = running => ended,
    }?;
    account.tell(format!("{}: {}", run.who, ended.word()));
    let met = faulty.met();
    let exit_took = faulty.cancelled_at().map(|at| Instant::now() - at);
    drop(sender);
    let mut heard = Vec::new();
    while let Ok(event) = events.try_recv() {
        heard.push(event);
    }
    check_errors(&ended, &met)?;
    if let Ended::Ran(plan, _) = &ended {
        check_exit(&met, exit_took)?;
        check_events(&heard)?;
        check_sent(plan, &provider.sent())?;
    }
    if run.seed.is_multiple_of(8)
        && let Ended::Ran(plan, outcome) = &ended
    {
        let told = format!("{plan:?}\n{outcome:?}\n{heard:?}\n{:?}", account.journal());
        oracle::no_secret_told(&told, account)?;
    }
    Ok(Told {
        ended,
        met,
        weathered: faulty.weathered(),
        began,
        ended_at: Instant::now(),
        calls: faulty.calls(),
        exit_took,
    })
}

/// R18: each step sends what the plan has for it, in every property that the plan knew.
fn check_sent(plan: &Plan, sent: &[Sent]) -> Held {
    for sent in sent {
        let mut steps = plan.steps.iter();
        let planned = steps.find(|step| step.urn == sent.urn && !step.is_delete());
        let Some(planned) = planned.and_then(|step| step.comparison()) else {
            return Err(format!("R18: {} has no step", sent.urn));
        };
        let names = planned.inputs.keys().chain(sent.inputs.keys());
        for name in names.collect::<BTreeSet<_>>() {
            let is_sent = sent
                .changed
                .as_ref()
                .is_none_or(|names| names.contains(name));
            let wanted = planned.inputs.get(name);
            let is_known = wanted.is_none_or(Value::is_known);
            if is_sent && is_known && wanted != sent.inputs.get(name) {
                return Err(format!("R18: `{name}` of {} is not as planned", sent.urn));
            }
        }
    }
    Ok(())
}

/// An error that cannot be got over is not passed over.
fn check_errors(ended: &Ended, met: &[Fault]) -> Held {
    let fatal = met.iter().find(|fault| fault.is_fatal());
    match fatal {
        Some(fault) if ended.is_well() => Err(format!(
            "a run that met {fault:?} ended as if all were well"
        )),
        _ => Ok(()),
    }
}

/// R8: out within seven seconds, and at once after the second request.
fn check_exit(met: &[Fault], took: Option<Duration>) -> Held {
    let at_once = met.contains(&Fault::CancelledTwice);
    let limit = if at_once { Duration::ZERO } else { TO_EXIT };
    match took {
        Some(took) if took > limit => Err(format!("R8: out {took:?} after Ctrl-C")),
        _ => Ok(()),
    }
}

/// Every step that began has one end; and once the credentials are not accepted any more, nothing begins (R11).
fn check_events(events: &[Event]) -> Held {
    let mut open = Vec::new();
    let mut expired = false;
    for event in events {
        match event {
            Event::Started { step, .. } if expired => {
                return Err(format!("R11: step {step} began without credentials"));
            }
            Event::Started { step, .. } => open.push(*step),
            Event::Failed { step, error, .. } => {
                expired |= error.is(ErrorKind::Credentials);
                open.retain(|other| other != step);
            }
            Event::Succeeded { step, .. } | Event::Interrupted { step, .. } => {
                open.retain(|other| other != step);
            }
            Event::Waiting { .. } | Event::Skipped { .. } | Event::Cancelling { .. } => {}
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("steps {open:?} began and never ended"))
    }
}

/// Some of these faults, at some of the first calls.
pub fn faults(random: &mut Random, among: &[Fault], calls: usize) -> BTreeMap<usize, Fault> {
    let count = 1 + random.below(3);
    (0..count)
        .filter_map(|_| {
            let at = random.below(calls + calls / 4 + 1);
            Some((at, *random.pick(among)?))
        })
        .collect()
}
