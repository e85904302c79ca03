//! A story: a stack is brought up, changed and taken down while a scenario's troubles happen; after each of these, a run
//! in peace must find its way, and the oracle looks at what it has left.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use fde_infra::graph::{OnDelete, Resource, ResourceGraph};
use fde_infra::plan::{Goal, Refusal};
use fde_infra::resource::value::properties;
use fde_infra::resource::{Condition, CreateClass, ErrorKind, Observed, Properties, Tags};
use fde_infra::testing::fake::Rate;
use fde_infra::testing::faults::{Fault, FaultProfile};
use fde_infra::testing::foreign_actor::ForeignAction;
use fde_infra::testing::generate::{catalog, edited, elaborate, graph_of, known, resources};
use fde_infra::testing::{FakeAccount, ForeignActor, Lag, Random, Staleness};

use crate::mutations::Flaw;
use crate::oracle::{self, Held};
use crate::run::{Ended, Records, Run, Told, World, faults, run};
use crate::seeds::Recorder;
use crate::wanted;

/// The things that were met, and how often.
pub type Tally = BTreeMap<String, usize>;

/// Met where data would have gone had there been consent.
pub const SPARED: &str = "data spared";
/// Met where a read saw a state that was no longer true.
pub const MISLED: &str = "misled";
/// Met where two objects bore the mark of one run, since an answer was lost or others were at work: a copy would look the
/// same.
const VOUCHED: &str = "vouched for";
/// Met where this many runs were under way at one moment.
pub const AT_ONCE: &str = " at once";

/// The subject of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Runs that are killed, cancelled, refused, throttled, unheard.
    Faults,
    /// Reads that are behind; the runs within that time meet faults as well.
    Stale,
    /// This number of runs at once, with the lock off.
    Crowd(usize),
    /// Another party is at work in the same account.
    ForeignActor,
    /// No run has consent to the deletion of data.
    Data,
    /// A neighbour uses the same account: it hangs, tags, owns and takes; the file renames; and the stack stands in another
    /// region as well.
    Beside,
}

impl Scenario {
    const ALL: &[Self] = &[
        Self::Faults,
        Self::Stale,
        Self::Crowd(2),
        Self::ForeignActor,
        Self::Data,
        Self::Stale,
        Self::Faults,
        Self::Crowd(8),
        Self::Beside,
    ];

    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        Self::ALL[(seed % Self::ALL.len() as u64) as usize]
    }
}

/// The time by which reads are behind (`promises.md` R10).
const LAGS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// Longer than the longest of [`LAGS`] and than anything takes to come up: then all see what is, and what will become of
/// it.
const SETTLED: Duration = Duration::from_secs(240);

/// Tells a story to its end.
///
/// # Errors
/// The promise that did not hold, with everything that led there, and how to hear it again.
pub async fn ends_well(seed: u64, scenario: Scenario) -> Held {
    tell(seed, scenario, None).await.1
}

/// Tells a story: what was met in it, and how it ended ([`ends_well`]).
pub async fn tell(seed: u64, scenario: Scenario, flaw: Option<Flaw>) -> (Tally, Held) {
    let account = FakeAccount::with_provisioning(catalog(), |token| {
        Duration::from_secs(match token {
            "t:net:Gateway" => 100,
            "t:data:Store" => 230,
            "t:app:Service" => 60,
            _ => 0,
        })
    });
    let mut foreign_actor = ForeignActor::new(&account, seed);
    if flaw.is_some_and(Flaw::misreads_tags) {
        foreign_actor = foreign_actor.forging_nothing();
    }
    let records = Records::default();
    // Numbers of their own, so that what they decide moves nothing else in a seed's story.
    let mut beside = Random::new(!seed);
    let (weather, rate) = weather(&mut beside);
    let mut story = Story {
        world: World {
            account: &account,
            foreign_actor: &foreign_actor,
            records: &records,
            flaw,
        },
        scenario,
        random: Random::new(seed),
        beside,
        weather,
        rate,
        theirs: vec![somebodys("network-foreign"), somebodys("network-other")],
        elsewhere: Vec::new(),
        regions: Vec::new(),
        consents: true,
        doomed: false,
        tally: Tally::new(),
    };
    for object in &story.theirs {
        account.insert(object.clone());
    }
    account.tell(format!("trouble comes with {weather:?}, {rate:?}"));
    let ended = match scenario {
        Scenario::Beside => story.told_beside().await,
        _ => story.told().await,
    };
    let heard = Recorder {
        seed,
        filter: "stories",
        call: format!("ends_well({seed}, Scenario::{scenario:?})"),
    };
    (story.tally, heard.end(&account, ended))
}

pub struct Story<'a> {
    pub world: World<'a>,
    pub scenario: Scenario,
    pub random: Random,
    /// Decides which further properties the resources have.
    pub beside: Random,
    /// The weather that all calls have to reckon with until there is peace.
    weather: FaultProfile,
    rate: Option<Rate>,
    /// The objects that are not ours, as they were put there.
    pub theirs: Vec<Observed>,
    /// The objects of the stack in another region.
    pub elsewhere: Vec<Observed>,
    /// The regions in which runs may set the stack up.
    pub regions: Vec<String>,
    /// True if data may be deleted, for now.
    consents: bool,
    /// True if something may still turn out never to come up.
    doomed: bool,
    tally: Tally,
}

impl Story<'_> {
    /// From nothing to a stack, to another version of it, and back.
    async fn told(&mut self) -> Held {
        let count = 4 + self.random.below(9);
        let mut first = resources(&mut self.random, count);
        elaborate(&mut self.beside, &mut first);
        let mut second = edited(&mut self.random, &first);
        elaborate(&mut self.beside, &mut second);
        if self.scenario == Scenario::Data {
            for resource in first.iter_mut().chain(&mut second) {
                resource.options.on_delete = OnDelete::Retain;
            }
        }
        let (first, second) = (stack_of(first)?, stack_of(second)?);
        for (graph, other) in [(&first, &second), (&second, &first)] {
            self.trouble(graph, other, Goal::Up).await?;
            self.peace(graph, Goal::Up).await?;
            if self.scenario == Scenario::Data {
                self.protect_some();
            }
        }
        self.trouble(&second, &first, Goal::Destroy).await?;
        self.peace(&second, Goal::Destroy).await
    }

    pub fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    /// A run that meets faults.
    pub fn troubled(
        &mut self,
        who: &str,
        graph: &ResourceGraph,
        goal: Goal,
        among: &[Fault],
    ) -> Run {
        let mut run = self.calm(who, goal);
        run.faults = faults(&mut self.random, among, graph.len());
        run.weather = self.weather;
        if self.random.once_in(3) {
            run.parallel = 1;
        }
        run
    }

    pub fn calm(&mut self, who: &str, goal: Goal) -> Run {
        let mut run = Run::calm(who, goal, self.random.number());
        run.consents = self.consents;
        run.regions.clone_from(&self.regions);
        run
    }

    /// Runs, counts, and checks what holds after any run.
    pub async fn runs(&mut self, graph: &ResourceGraph, run: &Run) -> Held<Told> {
        let account = self.world.account;
        let discarded = account.discarded();
        let changes = account.mutations();
        let stripped = self.stripped();
        let told = self::run(self.world, graph, run).await?;
        self.note(&told);
        if matches!(told.ended, Ended::Refused(_)) && account.mutations() > changes {
            return Err("4: a run that was refused has changed something".to_owned());
        }
        if !run.consents {
            if told.ended.spares_data() {
                self.count(SPARED);
            }
            oracle::no_data_without_consent(&discarded, &account.discarded())?;
        }
        // An object that is stripped while a run is under way may still be changed by that run; the next one leaves it
        // alone.
        oracle::nothing_foreign_changed(account, &stripped)?;
        self.all_of_others_stays()?;
        Ok(told)
    }

    /// 4, in all that others have: objects, parts and tags.
    pub fn all_of_others_stays(&self) -> Held {
        oracle::nothing_foreign_changed(self.world.account, &self.theirs())?;
        match self.world.foreign_actor.lost_tag() {
            Some(lost) => Err(format!("4: {lost} {}", oracle::TOUCHED)),
            None => Ok(()),
        }
    }

    fn note(&mut self, told: &Told) {
        self.doomed |= told.met.contains(&Fault::Broken);
        for fault in &told.met {
            self.count(format!("{fault:?}"));
        }
        for done in &told.weathered {
            self.count(format!("{done:?}"));
        }
        match &told.ended {
            Ended::Refused(_) => self.count("refused"),
            Ended::NotRead(_) => self.count("not read"),
            _ => {}
        }
    }

    /// The objects that are no longer ours because their tags were taken. A client token is a proof of its own, so that what
    /// it made can be taken back.
    fn stripped(&self) -> Vec<Observed> {
        let stripped = self.world.foreign_actor.stripped();
        let is_token = |object: &Observed| {
            let schema = known().get(&object.token);
            schema.is_some_and(|schema| schema.create_class == CreateClass::Token)
        };
        let ids = stripped.iter().filter(|object| !is_token(object));
        let ids: Vec<&str> = ids.map(|object| object.id.as_str()).collect();
        let objects = self.world.account.objects().into_iter();
        objects
            .filter(|object| object.tags.is_empty() && ids.contains(&object.id.as_str()))
            .collect()
    }

    pub async fn trouble(
        &mut self,
        graph: &ResourceGraph,
        other: &ResourceGraph,
        goal: Goal,
    ) -> Held {
        self.consents = self.scenario != Scenario::Data;
        self.world.account.limit(self.rate);
        match self.scenario {
            Scenario::Faults | Scenario::Data => self.meet_faults(graph, goal).await,
            Scenario::Stale => self.read_stale(graph, goal).await,
            Scenario::Crowd(count) => self.crowd(graph, other, goal, count).await,
            Scenario::ForeignActor => self.meet_somebody(graph, goal).await,
            Scenario::Beside => self.meet_neighbour(graph, goal).await,
        }
    }

    async fn meet_faults(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        for _ in 0..=self.random.below(2) {
            let mut run = self.troubled("up", graph, goal, Fault::OURS);
            let tokens: Vec<&str> = graph.iter().map(|resource| resource.urn.token()).collect();
            if self.random.once_in(10) {
                run.denied = self.random.pick(&tokens).map(|token| (*token).to_owned());
            }
            let names: Vec<&str> = graph.iter().map(|resource| resource.urn.name()).collect();
            if self.random.once_in(5) {
                let name = self.random.pick(&names);
                run.replace = name.map(|name| (*name).to_owned()).into_iter().collect();
            }
            let told = self.runs(graph, &run).await?;
            self.judge(&run, &told)?;
            // A fault that a run has got over has left no trace.
            if told.ended.is_well() && self.is_survived(&told) && self.consents {
                self.check(graph, goal)?;
            }
        }
        Ok(())
    }

    /// Judges a run: one that met nothing but what can be got over must end well.
    fn judge(&self, run: &Run, told: &Told) -> Held {
        if let Ended::NotRead(error) = &told.ended {
            return match &run.denied {
                Some(_) => Ok(()),
                None => Err(format!("reading failed by itself: {error}")),
            };
        }
        if let Some(denied) = &run.denied {
            return Err(format!(
                "{denied} may not be read, and that was taken for \"there is none\""
            ));
        }
        let is_refused = matches!(told.ended, Ended::Refused(_)) && !self.consents;
        if self.is_survived(told) && !told.ended.is_well() && !is_refused {
            return Err(format!(
                "R9: a run ended badly that met only {:?}",
                told.met
            ));
        }
        Ok(())
    }

    /// Returns whether a run met nothing but what can be got over.
    fn is_survived(&self, told: &Told) -> bool {
        !self.doomed && told.met.iter().all(|fault| fault.is_survived())
    }

    /// R10: reads are behind for as long as all of this takes.
    ///
    /// Within a run nothing is made twice, taken for gone, or changed without need. Runs that follow each other within that
    /// time may not know of each other: there the promise is [`oracle::nothing_doubled_but_class_c`], and that the run after
    /// it sets things right.
    async fn read_stale(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        let behind = LAGS[self.random.below(LAGS.len())];
        let kind = *self
            .random
            .pick(Staleness::ALL)
            .unwrap_or(&Staleness::Steady);
        let account = self.world.account;
        account.lag(Some(Lag { behind, kind }), self.random.number());
        account.tell(format!("reads are {behind:?} behind: {kind:?}"));
        self.count(format!("{behind:?} behind"));
        if self.random.once_in(2) {
            let mut run = self.calm("up", goal);
            run.weather.unanswered = 10 * self.random.below(2);
            let told = self.runs(graph, &run).await?;
            if !told.ended.is_well() {
                return Err(format!(
                    "R10: a run in which reads are {behind:?} behind ends badly"
                ));
            }
            self.check(graph, goal)?;
        }
        for _ in 0..=self.random.below(3) {
            let mut run = self.troubled("up", graph, goal, Fault::OURS);
            run.starts_after = behind * self.random.below(20) as u32 / 10;
            self.runs(graph, &run).await?;
            oracle::nothing_doubled_but_class_c(account)?;
        }
        Ok(())
    }

    /// R7: runs at once, some of them from an older file.
    async fn crowd(
        &mut self,
        graph: &ResourceGraph,
        other: &ResourceGraph,
        goal: Goal,
        count: usize,
    ) -> Held {
        let account = self.world.account;
        if self.random.once_in(3) {
            let behind = LAGS[self.random.below(LAGS.len())];
            let kind = Staleness::Steady;
            account.lag(Some(Lag { behind, kind }), self.random.number());
            account.tell(format!("reads are {behind:?} behind"));
        }
        self.consents = self.random.once_in(2);
        let with_faults = self.random.once_in(2);
        let with_both = goal == Goal::Up && self.random.once_in(4);
        let mut runs = Vec::new();
        for number in 0..count {
            let who = format!("up {number}");
            let mut run = if with_faults && self.random.once_in(2) {
                self.troubled(&who, graph, goal, Fault::OURS)
            } else {
                self.calm(&who, goal)
            };
            run.weather = self.weather;
            run.takes_no_lock = true;
            run.starts_after = Duration::from_millis(self.random.below(20_000) as u64);
            runs.push((run, with_both && number % 2 == 1));
        }
        let discarded = account.discarded();
        let world = self.world;
        let told = try_join_all(runs.iter().map(|(run, is_other)| {
            let graph = if *is_other { other } else { graph };
            self::run(world, graph, run)
        }));
        let told = told.await?;
        for told in &told {
            self.note(told);
        }
        // Most are at work together when one of them begins.
        let at_once = told.iter().map(|one| {
            let others = told
                .iter()
                .filter(|other| (other.began..other.ended_at).contains(&one.began));
            others.count()
        });
        let at_once = at_once.max().unwrap_or_default();
        self.count(format!("{at_once}{AT_ONCE}"));
        if !self.consents && goal == Goal::Up {
            oracle::no_data_without_consent(&discarded, &account.discarded())?;
        }
        self.consents = true;
        oracle::nothing_foreign_changed(account, &self.theirs())
    }

    async fn meet_somebody(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        for _ in 0..=self.random.below(2) {
            if self.random.once_in(2) {
                self.deed(ForeignAction::ALL);
            }
            let mut run = self.troubled("up", graph, goal, Fault::THEIRS);
            if self.random.once_in(2) {
                run.deed = self.random.pick(ForeignAction::ALL).copied();
            }
            self.runs(graph, &run).await?;
        }
        Ok(())
    }

    /// The objects that others have in the account, by themselves and attached to ours.
    pub fn theirs(&self) -> Vec<Observed> {
        let owned = self.world.foreign_actor.owned();
        let theirs = self.theirs.iter().chain(&self.elsewhere).cloned();
        theirs.chain(owned).collect()
    }

    pub fn deed(&mut self, among: &[ForeignAction]) {
        let deed = self.random.pick(among).copied();
        let Some(deed) = deed else { return };
        if let Some(done) = self.world.foreign_actor.does(deed) {
            self.world.account.tell(done);
            self.count(format!("{:?}", Fault::ForeignActor(deed)));
        }
    }

    /// Another party protects things by hand.
    fn protect_some(&mut self) {
        for object in self.world.account.objects() {
            if object.tags.owner().is_some() && self.random.once_in(5) {
                let protect = |object: &mut Observed| object.tags.insert("fde:protect", "true");
                self.world.account.edit(&object.id, protect);
            }
        }
    }

    /// Nothing goes wrong any more, and all reads are current: now the stack reaches its wanted state, and stays there.
    pub async fn peace(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        let account = self.world.account;
        tokio::time::sleep(SETTLED).await;
        if account.misled() > 0 {
            self.count(MISLED);
        }
        account.lag(None, 0);
        account.limit(None);
        account.tell("peace");
        self.doomed = false;
        match self.scenario {
            Scenario::ForeignActor => self.first_run_beside_somebody(graph, goal).await?,
            Scenario::Data => self.first_run_without_consent(graph, goal).await?,
            Scenario::Beside => self.first_run_beside_neighbour(graph, goal).await?,
            _ => {}
        }
        let run = self.calm("next", goal);
        let (began, before) = (Instant::now(), account.objects());
        let mut told = self.runs(graph, &run).await?;
        let doubled = told.ended.doubled().filter(|_| self.may_double());
        if let Some(ids) = doubled {
            account.tell(format!("somebody vouches for {ids:?}"));
            self.count(VOUCHED);
            let run = Run { trust: ids, ..run };
            told = self.runs(graph, &run).await?;
        }
        match &told.ended {
            Ended::Ran(plan, outcome) => oracle::next_run_ends_well(plan, outcome)?,
            Ended::Refused(plan) => {
                return Err(format!("1: the next run is refused: {:?}", plan.refusals));
            }
            Ended::NotRead(error) => return Err(format!("1: the next run cannot read: {error}")),
            Ended::Killed => return Err("1: the next run was killed".to_owned()),
        }
        self.check(graph, goal)?;
        if goal == Goal::Destroy {
            return Ok(());
        }
        wanted::ignored_stays((began, &before), account, graph)?;
        // The state as it is, and not as a flawed program sees it.
        let before = account.mutations();
        let unflawed = World {
            flaw: self.world.flaw.filter(|flaw| flaw.blinds()),
            ..self.world
        };
        let run = self.calm("third", goal);
        let told = self::run(unflawed, graph, &run).await?;
        match &told.ended {
            Ended::Ran(plan, _) | Ended::Refused(plan) => {
                oracle::further_run_changes_nothing(plan, account.mutations() - before)
            }
            _ => Err("7: a further run cannot read".to_owned()),
        }
    }

    /// Returns whether runs of ours may have made something twice by the same request: copies made by others do not count.
    fn may_double(&self) -> bool {
        matches!(self.scenario, Scenario::Stale | Scenario::Crowd(_))
    }

    /// Checks the account after a run that ended well.
    fn check(&self, graph: &ResourceGraph, goal: Goal) -> Held {
        let account = self.world.account;
        if goal == Goal::Destroy {
            oracle::destroy_leaves_theirs(account, &self.theirs())?;
        } else {
            oracle::stands_as_wanted(account, graph, &self.theirs())?;
        }
        oracle::nothing_foreign_changed(account, &self.theirs())
    }

    /// An object whose tags were taken is not ours, and may stand in the way: a name that is taken refuses the run or fails
    /// a step, and so does something of ours that it uses. Once the tags are given back, or the object is taken away, all is
    /// well.
    async fn first_run_beside_somebody(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        let is_stripped = |object: &Observed| {
            let schema = known().get(&object.token);
            object.tags.is_empty() && schema.is_some_and(|schema| schema.taggable)
        };
        let is_in_the_way = self.world.account.objects().iter().any(is_stripped);
        let forged = self.world.foreign_actor.forged();
        let run = self.calm("beside", goal);
        let told = self.runs(graph, &run).await?;
        let is_about_it = match &told.ended {
            Ended::Refused(plan) => {
                let mut refusals = plan.refusals.iter();
                refusals.all(|refusal| match refusal {
                    Refusal::NameTaken { .. } => is_in_the_way,
                    Refusal::TagsAlone { id, .. } => forged.contains(id),
                    _ => false,
                })
            }
            Ended::Ran(_, outcome) => {
                let mut failed = outcome.report().failed.iter();
                failed.all(|(_, error)| matches!(error.kind, ErrorKind::NotOurs | ErrorKind::InUse))
            }
            _ => false,
        };
        let is_explained = (is_in_the_way || !forged.is_empty()) && is_about_it;
        if !is_explained && !told.ended.is_well() {
            return Err("1: the run beside somebody else ends badly".to_owned());
        }
        let account = self.world.account;
        for object in self.stripped() {
            let all = account.objects();
            let mut values = all.iter().flat_map(|other| other.inputs.values());
            let is_used = values.any(|value| value.as_str() == Some(&object.id));
            if !is_used && self.random.once_in(2) {
                account.tell(format!("somebody takes {} away", object.id));
                account.remove(&object.id);
            }
        }
        account.tell("somebody gives the tags back");
        self.world.foreign_actor.gives_back();
        self.world.foreign_actor.takes_back();
        Ok(())
    }

    /// R6: refused, and nothing is lost; with consent, and without protection, it goes on.
    async fn first_run_without_consent(&mut self, graph: &ResourceGraph, goal: Goal) -> Held {
        self.consents = false;
        let run = self.calm("unasked", goal);
        let told = self.runs(graph, &run).await?;
        if let Ended::Refused(plan) = &told.ended {
            let is_guard = |refusal: &Refusal| {
                matches!(
                    refusal,
                    Refusal::HoldsData { .. } | Refusal::Protected { .. }
                )
            };
            if !plan.refusals.iter().all(is_guard) {
                return Err(format!(
                    "R6: refused for another reason: {:?}",
                    plan.refusals
                ));
            }
        } else if !told.ended.is_well() {
            return Err("R6: a run without consent ends badly".to_owned());
        }
        self.consents = true;
        let account = self.world.account;
        account.tell("data may be deleted, and nothing is protected");
        for object in account.objects() {
            account.edit(&object.id, |object| {
                let kept = object.tags.iter().filter(|(key, _)| *key != "fde:protect");
                object.tags = kept
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect();
            });
        }
        Ok(())
    }
}

/// Every other story has some: throttles, a storm, answers that do not come, rates that are soon used up.
fn weather(random: &mut Random) -> (FaultProfile, Option<Rate>) {
    let mut weather = FaultProfile::default();
    let mut rate = None;
    match random.below(8) {
        0 => weather.throttled = 10 + random.below(30),
        1 => {
            let begins = Duration::from_millis(random.below(20_000) as u64);
            let lasts = Duration::from_secs(5 + random.below(40) as u64);
            weather.storm = Some((begins, begins + lasts));
        }
        2 => weather.unanswered = 5 + random.below(10),
        3 => {
            rate = Some(Rate {
                burst: 10.0,
                per_second: 1.0 + random.below(5) as f64,
            });
        }
        _ => {}
    }
    (weather, rate)
}

fn stack_of(resources: Vec<Resource>) -> Held<ResourceGraph> {
    graph_of(resources).map_err(|errors| format!("the generator makes unsound stacks: {errors:?}"))
}

/// An object of another stack.
fn somebodys(id: &str) -> Observed {
    Observed {
        token: "t:net:Network".to_owned(),
        id: id.to_owned(),
        arn: None,
        inputs: properties([("range", "10.0.0.0/16".into())]),
        outputs: Properties::new(),
        tags: Tags::from_iter([("fde:stack".to_owned(), "other/dev".to_owned())]),
        condition: Condition::Ready,
    }
}
