//! From a stack file to a plan: the part that all commands share.
//!
//! Begin with [`Offline::load`] (all that is known without AWS), then [`Session::connect`].
//!
//! In this order, so that nothing is asked of AWS that a look at the file could have refused, and nothing but STS before
//! account and region are known to be the right ones: file, region, identity, account, live objects, plan. Where the file
//! names no account, any is right, and a preview begins to read beside the identity; it uses nothing before that is known.

mod accepts;
pub mod account;
mod connection;
mod endpoints;
pub mod files;
mod memory;
mod names;
mod offers;
mod offline;
mod remembered;
pub mod revision;
pub mod sandbox;
pub mod stack_file;
pub mod whereabouts;

pub use offline::{Offline, path_of};
pub use remembered::Remembered;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::aws::retry::with_progress;
use crate::aws::{self, AwsProvider, Connection};
use crate::cli::Invocation;
use crate::cli::arguments::exclusive;
use crate::cli::report::{self, Failure};
use crate::display::{
    Estimate, Line, Message, Section, Style, Terminal, View, annotation, diff, events, message,
    preview, progress,
};
use crate::live::{self, Hints, Tally};
use crate::plan::{self, Goal, Plan, Request};
use crate::resource::provider::Progress;
use crate::resource::{LiveSnapshot, Observed, Provider};
use connection::{guard_account, guard_region, not_connected, other_region};

/// The time between two states of the status line.
const FRAME: Duration = Duration::from_millis(100);

/// A stack, and the account it is in.
pub struct Session {
    pub offline: Offline,
    pub provider: AwsProvider,
    remembered: Mutex<Option<Remembered>>,
}

impl Session {
    /// Connects, and makes sure that it is the right account and region.
    pub async fn connect(invocation: &mut Invocation, offline: Offline) -> Result<Self, Failure> {
        Self::connect_and(invocation, offline, false).await
    }

    /// Connects like [`Session::connect`], for a command that looks at what is live and at nothing before that. Where the
    /// file names no account, there is none that must be left alone: reading begins while the account is asked for.
    pub async fn connect_to_look(
        invocation: &mut Invocation,
        offline: Offline,
    ) -> Result<Self, Failure> {
        let begins = offline.stack.account.is_none();
        Self::connect_and(invocation, offline, begins).await
    }

    async fn connect_and(
        invocation: &mut Invocation,
        offline: Offline,
        begins_to_read: bool,
    ) -> Result<Self, Failure> {
        exclusive([
            ("--sandbox", invocation.global.sandbox),
            ("--endpoint-url", invocation.global.endpoint_url.is_some()),
        ])?;
        let region = offline.stack.region.clone();
        guard_region(&offline, &invocation.global)?;
        if let Some(note) = other_region(&offline) {
            let width = invocation.terminal.width();
            invocation.terminal.report(&message::note(&note, width));
        }
        let mut connection = Connection {
            profile: invocation.global.profile.clone(),
            region: Some(region),
            endpoint_url: invocation.global.endpoint_url.clone(),
            static_credentials: None,
        };
        if invocation.global.sandbox {
            sandbox::enter(invocation, &mut connection).await?;
        }
        if invocation.can_animate() {
            let text = format!("Connecting to {} …", offline.stack.region);
            invocation.terminal.status(Line::styled(Style::Faint, text));
        }
        let connecting = async {
            if begins_to_read {
                AwsProvider::reading(&connection, &offline.graph.stack).await
            } else {
                aws::connect(&connection).await.map(AwsProvider::new)
            }
        };
        let connecting = invocation.interrupts.guard(connecting).await;
        invocation.terminal.clear_frame();
        let provider = connecting?.map_err(|error| {
            // A preview tries the connection as well, and changes nothing.
            let retry = invocation.stack_command("preview");
            not_connected(&error, connection.profile, retry)
        })?;
        let aws = provider.context();
        endpoints::tell(invocation, &aws.endpoints);
        guard_account(&offline, &aws.account_id, &aws.caller)?;
        Ok(Self {
            offline,
            provider,
            remembered: Mutex::default(),
        })
    }

    /// Reads the live objects, and tells the user when AWS makes it wait.
    pub async fn read(&self, invocation: &mut Invocation) -> Result<LiveSnapshot, Failure> {
        self.read_with(invocation, &Hints::default()).await
    }

    /// Reads like [`Session::read`], and also where the hints say.
    pub async fn read_with(
        &self,
        invocation: &mut Invocation,
        hints: &Hints,
    ) -> Result<LiveSnapshot, Failure> {
        let tally = Tally::default();
        let reading = Reading {
            place: self.place(),
            tally: &tally,
            can_animate: invocation.can_animate(),
            screen: Mutex::new(Screen {
                terminal: &mut invocation.terminal,
                said: None,
                waits_for: String::new(),
                tick: 0,
            }),
        };
        let work = live::read_counting(&self.provider, &self.offline.graph, hints, &tally);
        let work = reading.shown_beside(with_progress(&reading, work));
        let live = invocation.interrupts.guard(work).await;
        invocation.terminal.clear_frame();
        live?.map_err(|error| Failure::of_reading(invocation, &error))
    }

    /// Makes the plan, checks it, and adds what others hold of its objects, and what AWS does not offer.
    pub async fn plan(
        &self,
        invocation: &mut Invocation,
        live: &LiveSnapshot,
        request: &Request,
    ) -> Result<Plan, Failure> {
        self.check_names(invocation, live, request)?;
        let (graph, catalog) = (&self.offline.graph, self.provider.catalog());
        let mut plan = plan::build(graph, live, catalog, request);
        let proven;
        let mut live = live;
        if !plan.is_empty() || !plan.refusals.is_empty() {
            // A preview without changes needs no record.
            proven = self.proven(invocation, live, request).await?;
            live = &proven;
            plan = plan::build(graph, live, catalog, request);
        }
        plan::verify::verify(&plan, graph, catalog)
            .map_err(|violation| Failure::of_plan(&violation))?;
        let going: Vec<&Observed> = plan.going().into_iter().map(|(_, object)| object).collect();
        if !going.is_empty() && plan.refusals.is_empty() {
            let asking = self.provider.blockers_of(&going);
            let answers = invocation.interrupts.guard(asking).await?;
            let mut holders = Vec::new();
            let mut unknown = BTreeSet::new();
            for answer in answers {
                holders.push(answer.unwrap_or_else(|error| {
                    unknown.insert(error.to_string());
                    Vec::new()
                }));
            }
            let unknown = unknown.into_iter().map(|error| {
                Message::warning("it is unknown whether others use what will be deleted")
                    .fact("answer", error)
                    .fact("now", "AWS will say so when it is deleted")
            });
            report::show(&unknown.collect::<Vec<_>>(), &mut invocation.terminal);
            plan.refuse_held(live, holders);
        }
        self.check_offers(invocation, &mut plan).await?;
        Ok(plan)
    }

    pub fn account(&self) -> &str {
        &self.provider.context().account_id
    }

    pub fn region(&self) -> &str {
        &self.provider.context().region
    }

    /// ARN of the caller.
    pub fn caller(&self) -> &str {
        &self.provider.context().caller
    }

    /// `happyrobot-fde/dev in 123456789012, eu-south-2`.
    pub fn place(&self) -> String {
        let stack = &self.offline.graph.stack;
        format!("{stack} in {}, {}", self.account(), self.region())
    }

    /// Prints a plan: title, rich diff if asked for, tree and counts.
    pub fn show(&self, invocation: &mut Invocation, plan: &Plan, options: ShowOptions) {
        let title = match plan.goal {
            Goal::Up => "Previewing update",
            Goal::Destroy => "Previewing destroy",
        };
        let sections = Offline::sections();
        let view = self.view(invocation, plan, options, &sections);
        let width = view.width;
        let mut lines = vec![Line::new()];
        if options.diff {
            lines.extend(diff::render(plan, &self.offline.catalog, width));
        }
        lines.extend(preview::tree(view));
        let title = Line::styled(Style::Heading, title).and(format!(" ({}):", self.place()));
        self.tell_plan(invocation, plan);
        invocation.terminal.begin(Section::Preview, &title);
        invocation.terminal.print(&lines);
        // The folded sections hide nothing that a reader has to know.
        invocation.terminal.end();
        invocation.terminal.print(&preview::conclusion(view));
        if let Some(estimate) = self.estimate(invocation, plan) {
            invocation.terminal.print(&[Line::new()]);
            invocation.terminal.print(&estimate.lines(width));
        }
        self.tell_drift(invocation, plan);
    }

    /// The time that a plan usually takes. A plan that is refused is not run.
    pub fn estimate(&self, invocation: &Invocation, plan: &Plan) -> Option<Estimate> {
        let is_local = invocation.global.sandbox;
        let estimate = Estimate::of(plan, &self.offline.catalog, is_local);
        estimate.filter(|_| plan.refusals.is_empty())
    }

    /// Prints the counts of a plan once more: the details of it have moved them off the screen.
    pub fn show_counts(&self, invocation: &mut Invocation, plan: &Plan) {
        let sections = Offline::sections();
        let view = self.view(invocation, plan, ShowOptions::default(), &sections);
        invocation.terminal.print(&preview::counts(view));
    }

    fn view<'a>(
        &'a self,
        invocation: &Invocation,
        plan: &'a Plan,
        options: ShowOptions,
        sections: &'a [&'a str],
    ) -> View<'a> {
        View {
            plan,
            catalog: &self.offline.catalog,
            sections,
            show_sames: options.show_sames,
            width: invocation.terminal.width(),
        }
    }

    /// Tells those who read events about a plan.
    pub fn tell_plan(&self, invocation: &mut Invocation, plan: &Plan) {
        if invocation.terminal.streams() {
            let estimate = self.estimate(invocation, plan);
            let event = events::of_plan(plan, &self.offline.catalog, estimate.as_ref());
            invocation.terminal.event(&event);
        }
    }

    /// Tells CI about drift: changes that a person has made by hand, or that something else has made.
    pub fn tell_drift(&self, invocation: &mut Invocation, plan: &Plan) {
        let drift = annotation::drift(plan, &|urn| self.offline.place(urn));
        invocation.terminal.annotate(&drift);
    }
}

/// The options for showing a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShowOptions {
    pub diff: bool,
    pub show_sames: bool,
}

/// Says what a read waits for: in the status line meanwhile, or now and then in a line of its own.
struct Reading<'a> {
    place: String,
    tally: &'a Tally,
    can_animate: bool,
    screen: Mutex<Screen<'a>>,
}

struct Screen<'a> {
    terminal: &'a mut Terminal,
    /// The time at which a line was last written.
    said: Option<Instant>,
    /// The reason why the reading waits, in words.
    waits_for: String,
    tick: usize,
}

impl Reading<'_> {
    /// Draws the status line again and again while the work goes on.
    async fn shown_beside<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut ticker = tokio::time::interval(FRAME);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticker.tick(), if self.can_animate => {
                    let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
                    screen.tick += 1;
                    let line = reading(&self.place, self.tally, &screen.waits_for, screen.tick);
                    screen.terminal.status(line);
                }
            }
        }
    }
}

/// The status line. What moves comes first: the end is cut where there is too little room.
fn reading(place: &str, tally: &Tally, waits_for: &str, tick: usize) -> Line {
    let mut text = format!("{} Reading", progress::spinner(tick));
    let (read, all, objects) = tally.counts();
    if all > 0 {
        text.push_str(&format!(" {read} of {all} types, {objects} objects"));
    }
    if !waits_for.is_empty() {
        text.push_str(&format!("; {waits_for}"));
    }
    Line::styled(Style::Faint, format!("{text}: {place} …"))
}

impl Progress for Reading<'_> {
    fn status(&self, text: &str) {
        /// The time between two lines of a log.
        const PAUSE: Duration = Duration::from_secs(10);
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.can_animate {
            text.clone_into(&mut screen.waits_for);
        } else if !text.is_empty() && screen.said.is_none_or(|at| at.elapsed() >= PAUSE) {
            screen.said = Some(Instant::now());
            let note = format!("reading {}: {text}", self.place);
            let lines = message::note(&note, screen.terminal.width());
            screen.terminal.report(&lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_a_reading_is_not_cut() {
        let tally = Tally::default();
        let place = "happyrobot-fde-of-a-customer/staging in 123456789012, eu-south-2";
        let at = |waits_for: &str| reading(place, &tally, waits_for, 0).cut(79).render(false);
        assert!(at("").starts_with("⠋ Reading: happyrobot-fde"));
        tally.begin(43);
        tally.add(30);
        tally.add(37);
        let text = "⠋ Reading 2 of 43 types, 67 objects; ";
        assert!(
            at("throttled, attempt 3").starts_with(&format!("{text}throttled, attempt 3: happy"))
        );
        assert!(at("").ends_with('…'));
    }
}
