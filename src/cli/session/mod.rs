//! From a stack file to a plan: the part that all commands share.
//!
//! In this order, so that nothing is asked of AWS that a look at the file could have refused, and nothing but STS before
//! account and region are known to be the right ones: file, region, identity, account, live objects, plan. Where the file
//! names no account, any is right, and a preview begins to read beside the identity; it uses nothing before that is known.

mod accepts;
mod endpoints;
pub mod memory;
pub mod sandbox;
pub mod stack_file;
pub mod whereabouts;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::aws::retry::with_progress;
use crate::aws::{self, AwsProvider, BundleError, ConnectError, Connection};
use crate::cli::arguments::{GlobalArguments, StackArguments, exclusive};
use crate::cli::report::Failure;
use crate::cli::{Context, Exit, report};
use crate::component::{self, Notes, registry};
use crate::display::{
    Line, Message, Place, Section, Style, Terminal, View, annotation, diff, message, preview,
};
use crate::graph::ResourceGraph;
use crate::live::{self, Hints};
use crate::plan::{self, Goal, Plan, Request};
use crate::resource::nearest::nearest;
use crate::resource::path::{self, Path};
use crate::resource::provider::Progress;
pub use crate::resource::shell::quoted;
use crate::resource::tags::short_hash;
use crate::resource::{Catalog, ErrorKind, LiveSnapshot, Observed, Provider, ProviderError, Urn};
use crate::stack::redact::hide;
use crate::stack::region::REGIONS;
use crate::stack::{self, Flag, Stack};
use memory::Remembered;

/// The contents of a stack file.
pub struct Offline {
    pub stack: Stack,
    pub graph: ResourceGraph,
    pub notes: Notes,
    pub catalog: Catalog,
    /// Hash of the file and its layers, without secrets: with them, the hash could be used to guess passwords.
    pub hash: String,
    /// The paths that the flags set, without the values.
    pub set: Vec<String>,
    file: PathBuf,
    /// The command line without the command: the arguments that select this stack again.
    suffix: String,
    /// The same, without an AWS account.
    in_sandbox: String,
}

impl Offline {
    /// Reads the file, for a command that then works on it.
    pub fn load(
        command: &str,
        arguments: &StackArguments,
        global: &GlobalArguments,
    ) -> Result<Self, Failure> {
        let file = stack_file::find(arguments.stack.as_deref(), command)?;
        let catalog = aws::registry::catalog();
        let texts = RefCell::new(String::new());
        let read = |path: &str| {
            let text = stack_file::read(path, &file)?;
            texts.borrow_mut().push_str(&text);
            Ok(text)
        };
        let stack = stack::load(&file.to_string_lossy(), &read, &arguments.flags())?;
        let (graph, notes) = component::stack_graph(&stack, &catalog)?;
        let shown = hide(&texts.borrow(), &catalog.secret_names());
        let offline = Self {
            stack,
            graph,
            notes,
            catalog,
            hash: short_hash(&shown, 12),
            set: arguments.flags().iter().map(path_of).collect(),
            file,
            suffix: suffix(arguments, global),
            in_sandbox: suffix(
                arguments,
                &GlobalArguments {
                    sandbox: true,
                    profile: None,
                    endpoint_url: None,
                    ..global.clone()
                },
            ),
        };
        accepts::check(&offline)?;
        Ok(offline)
    }

    /// Warns about inputs that AWS may, or may not, refuse.
    pub fn warn(&self, terminal: &mut Terminal) {
        report::warn(&component::warnings(&self.stack, &self.graph), terminal);
    }

    pub fn file_name(&self) -> String {
        self.file.to_string_lossy().into_owned()
    }

    /// A command line for the same stack, to be copied.
    pub fn command_line(&self, command: &str) -> String {
        format!("fde-infra {command}{}", self.suffix)
    }

    /// Returns whether a flag carries a value that must not be shown.
    pub fn hides(&self, flag: &str) -> bool {
        hide(flag, &self.catalog.secret_names()) != flag
    }

    /// The place in the stack file that a resource comes from; `None` if it is no longer there.
    pub fn place(&self, urn: &Urn) -> Option<Place> {
        let resource = self.graph.get(urn)?;
        let span = self.stack.document().key_place(&resource.origin.path);
        report::place(span, self.stack.sources())
    }

    /// Sections in the order of the reference architecture.
    pub fn sections() -> Vec<&'static str> {
        registry::SECTIONS
            .iter()
            .map(|section| section.key)
            .collect()
    }
}

/// The path of `path=value`.
pub fn path_of(flag: &Flag) -> String {
    Path::scan(&flag.text, path::is_plain)
        .map(|(path, _)| path.to_string())
        .unwrap_or_default()
}

/// The arguments that follow the command on a command line for this stack.
pub fn suffix(arguments: &StackArguments, global: &GlobalArguments) -> String {
    let mut suffix = String::new();
    let mut add = |flag: &str, value: Option<&str>| {
        suffix.push_str(flag);
        if let Some(value) = value {
            suffix.push_str(&quoted(value));
        }
    };
    if let Some(stack) = &arguments.stack {
        add(" ", Some(stack));
    }
    let hidden = aws::registry::catalog().secret_names();
    for flag in arguments.flags() {
        add(
            &format!(" {} ", flag.name()),
            Some(&hide(&flag.text, &hidden)),
        );
    }
    if global.sandbox {
        add(" --sandbox", None);
    }
    if let Some(profile) = &global.profile {
        add(" --profile ", Some(profile));
    }
    if let Some(endpoint) = &global.endpoint_url {
        add(" --endpoint-url ", Some(&hide(endpoint, &hidden)));
    }
    suffix
}

/// A stack, and the account it is in.
pub struct Session {
    pub offline: Offline,
    pub provider: AwsProvider,
    pub(super) remembered: Mutex<Option<Remembered>>,
}

impl Session {
    /// Connects, and makes sure that it is the right account and region.
    pub async fn connect(context: &mut Context, offline: Offline) -> Result<Self, Failure> {
        Self::connect_and(context, offline, false).await
    }

    /// Connects like [`Session::connect`], for a command that looks at what is live and at nothing before that. Where the
    /// file names no account, there is none that must be left alone: reading begins while the account is asked for.
    pub async fn connect_to_look(context: &mut Context, offline: Offline) -> Result<Self, Failure> {
        let begins = offline.stack.account.is_none();
        Self::connect_and(context, offline, begins).await
    }

    async fn connect_and(
        context: &mut Context,
        offline: Offline,
        begins_to_read: bool,
    ) -> Result<Self, Failure> {
        exclusive([
            ("--sandbox", context.global.sandbox),
            ("--endpoint-url", context.global.endpoint_url.is_some()),
        ])?;
        let region = offline.stack.region.clone();
        guard_region(&offline, &context.global)?;
        let mut connection = Connection {
            profile: context.global.profile.clone(),
            region: Some(region),
            endpoint_url: context.global.endpoint_url.clone(),
            static_credentials: None,
        };
        if context.global.sandbox {
            sandbox::enter(context, &mut connection).await?;
        }
        if context.can_animate() {
            let text = format!("Connecting to {} …", offline.stack.region);
            context.terminal.status(Line::styled(Style::Faint, text));
        }
        let connecting = async {
            if begins_to_read {
                AwsProvider::reading(&connection, &offline.graph.stack).await
            } else {
                aws::connect(&connection).await.map(AwsProvider::new)
            }
        };
        let connecting = context.interrupts.guard(connecting).await;
        context.terminal.clear_frame();
        let provider =
            connecting?.map_err(|error| not_connected(&error, &offline, connection.profile))?;
        let aws = provider.context();
        endpoints::tell(context, &aws.endpoints);
        guard_account(&offline, &aws.account_id, &aws.caller)?;
        Ok(Self {
            offline,
            provider,
            remembered: Mutex::default(),
        })
    }

    /// Reads the live objects, and tells the user when AWS makes it wait.
    pub async fn read(&self, context: &mut Context, again: &str) -> Result<LiveSnapshot, Failure> {
        self.read_with(context, again, &Hints::default()).await
    }

    /// Reads like [`Session::read`], and also where the hints say.
    pub async fn read_with(
        &self,
        context: &mut Context,
        again: &str,
        hints: &Hints,
    ) -> Result<LiveSnapshot, Failure> {
        let reading = Reading {
            place: self.place(),
            can_animate: context.can_animate(),
            screen: Mutex::new(Screen {
                terminal: &mut context.terminal,
                said: None,
            }),
        };
        reading.status("");
        let work = live::read_with(&self.provider, &self.offline.graph, hints);
        let live = context
            .interrupts
            .guard(with_progress(&reading, work))
            .await;
        context.terminal.clear_frame();
        live?.map_err(|error| Failure::of_reading(&error, again))
    }

    /// Makes the plan, checks it, and adds what others hold of its objects.
    pub async fn plan(
        &self,
        context: &mut Context,
        live: &LiveSnapshot,
        request: &Request,
    ) -> Result<Plan, Failure> {
        self.check_names(live, request)?;
        let (graph, catalog) = (&self.offline.graph, self.provider.catalog());
        let mut plan = plan::build(graph, live, catalog, request);
        let proven;
        let mut live = live;
        if !plan.is_empty() || !plan.refusals.is_empty() {
            // A preview without changes needs no record.
            proven = self.proven(context, live, request).await?;
            live = &proven;
            plan = plan::build(graph, live, catalog, request);
        }
        plan::verify::verify(&plan, graph, catalog)
            .map_err(|violation| Failure::of_plan(&violation))?;
        let going: Vec<&Observed> = plan.going().into_iter().map(|(_, object)| object).collect();
        if !going.is_empty() && plan.refusals.is_empty() {
            let asking = self.provider.blockers_of(&going);
            let answers = context.interrupts.guard(asking).await?;
            let mut holders = Vec::new();
            let mut unknown = BTreeSet::new();
            for answer in answers {
                holders.push(answer.unwrap_or_else(|error| {
                    unknown.insert(error.to_string());
                    Vec::new()
                }));
            }
            let unknown = unknown.into_iter().map(|error| {
                Message::warning("whether others use what is to be deleted is not known")
                    .fact("answer", error)
                    .fact("now", "what others use is found out when it is deleted")
            });
            report::show(&unknown.collect::<Vec<_>>(), &mut context.terminal);
            plan.refuse_held(live, holders);
        }
        Ok(plan)
    }

    /// Refuses names that name nothing. Such a name is a slip, and would make the plan another than the one that was meant.
    /// Only a consent may come too late: its object is gone already.
    fn check_names(&self, live: &LiveSnapshot, request: &Request) -> Result<(), Failure> {
        let wanted = self
            .offline
            .graph
            .iter()
            .map(|resource| resource.urn.name());
        let names: Vec<&str> = wanted.chain(live.ours.keys().map(Urn::name)).collect();
        let mut messages = Vec::new();
        for (flag, patterns) in [
            ("--target", &request.targets),
            ("--exclude", &request.excludes),
            ("--replace", &request.replace),
            ("--reboot", &request.reboot),
        ] {
            for pattern in patterns {
                let alone = std::slice::from_ref(pattern);
                if names.iter().any(|name| plan::matches_any(alone, name)) {
                    continue;
                }
                let parts = names.iter().flat_map(|name| name.split('/').chain([*name]));
                let message = Message::error(format!("{flag} names nothing"))
                    .fact("name", pattern.clone())
                    .fact("now", "nothing was changed");
                messages.push(match nearest(pattern, parts) {
                    Some(nearest) => message.help(format!("did you mean `{nearest}`?")),
                    None => message.help("all names are in").command(format!(
                        "{} --show-sames",
                        self.offline.command_line("preview")
                    )),
                });
            }
        }
        for pattern in &request.reboot {
            let alone = std::slice::from_ref(pattern);
            let wanted = self.offline.graph.iter().map(|resource| &resource.urn);
            let mut named = wanted
                .chain(live.ours.keys())
                .filter(|urn| plan::matches_any(alone, urn.name()))
                .peekable();
            let reboots = |urn: &Urn| {
                let schema = self.offline.catalog.get(urn.token());
                schema.is_some_and(|schema| schema.reboots.is_some())
            };
            if named.peek().is_some() && !named.any(reboots) {
                let message = Message::error("--reboot names what cannot be rebooted")
                    .fact("name", pattern.clone())
                    .fact("now", "nothing was changed")
                    .help("database instances can: `database/instance`, for one");
                messages.push(message);
            }
        }
        if !live.additions.is_empty() {
            // With no additions, an earlier run may have taken away the one that is named.
            let catalog = self.provider.catalog();
            let added = plan::names_of_additions(catalog, live);
            for pattern in &request.remove {
                if plan::names_an_addition(catalog, live, pattern) {
                    continue;
                }
                let message = Message::error("--remove names nothing")
                    .fact("name", pattern.clone())
                    .fact("added by others", added.join(", "))
                    .fact("now", "nothing was changed");
                messages
                    .push(message.help("write one of these names, or the id that `preview` shows"));
            }
        }
        if messages.is_empty() {
            Ok(())
        } else {
            Err(Failure::several(Exit::Usage, messages))
        }
    }

    /// Warns about consents that name nothing. They may come too late, so that is no error; or they are slips.
    pub fn warn(&self, live: &LiveSnapshot, request: &Request, terminal: &mut Terminal) {
        let catalog = self.provider.catalog();
        let is_known = |pattern: &String| {
            let alone = std::slice::from_ref(pattern);
            let wanted = self.offline.graph.iter().map(|resource| &resource.urn);
            let mut names = wanted.chain(live.ours.keys()).map(Urn::name);
            let mut objects = live.ours.values().flatten();
            names.any(|name| plan::matches_any(alone, name))
                || objects.any(|object| object.id == *pattern)
        };
        let idle = |flag: &str, pattern: &String, help: &str| {
            Message::warning(format!("{flag} names nothing"))
                .fact("name", pattern.clone())
                .help(help)
        };
        let is_addition =
            |pattern: &&String| plan::names_an_addition(catalog, live, pattern.as_str());
        let removed = request
            .remove
            .iter()
            .filter(|pattern| !is_addition(pattern));
        let removed = removed.map(|pattern| {
            let help = "what others have added, and its ids, is in `preview`";
            idle("--remove", pattern, help)
        });
        let consented = request.allow_delete.iter();
        let consented = consented.filter(|pattern| !is_known(pattern));
        let consented = consented.map(|pattern| {
            let help = "it takes the names that `preview --show-sames` lists, and physical names";
            idle("--allow-delete", pattern, help)
        });
        // A known region may be that of another stack of the same pipeline.
        let regions = request.allow_regions.iter().filter(|region| {
            let is_known = REGIONS.contains(&region.as_str());
            !region.is_empty() && !is_known && **region != self.offline.stack.region
        });
        let regions = regions.map(|region| {
            let help = format!("it takes regions, such as {}", self.offline.stack.region);
            idle("--allow-region", region, &help)
        });
        let accepted = plan::idle_accepts(&self.offline.graph, catalog, live);
        let accepted = accepted.into_iter().map(|(urn, pattern, others)| {
            Message::warning(format!("`accept` of {} names nothing", urn.name()))
                .at(self.offline.place(urn))
                .fact("name", pattern)
                .fact("added by others", others.join(", "))
                .help("write one of these, or the id that `preview` shows")
        });
        let messages: Vec<Message> = removed
            .chain(consented)
            .chain(regions)
            .chain(accepted)
            .collect();
        report::show(&messages, terminal);
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
    pub fn show(&self, context: &mut Context, plan: &Plan, options: ShowOptions) {
        let title = match plan.goal {
            Goal::Up => "Previewing update",
            Goal::Destroy => "Previewing destroy",
        };
        let width = context.terminal.width();
        let sections = Offline::sections();
        let view = View {
            plan,
            catalog: &self.offline.catalog,
            sections: &sections,
            show_sames: options.show_sames,
            width,
        };
        let mut lines = vec![Line::new()];
        if options.diff {
            lines.extend(diff::render(plan, &self.offline.catalog, width));
        }
        lines.extend(preview::tree(view));
        let title = Line::styled(Style::Heading, title).and(format!(" ({}):", self.place()));
        context.terminal.begin(Section::Preview, &title);
        context.terminal.print(&lines);
        // The folded sections hide nothing that a reader has to know.
        context.terminal.end();
        context.terminal.print(&preview::conclusion(view));
        self.tell_drift(context, plan);
    }

    /// Tells CI about drift: changes that a person has made by hand, or that something else has made.
    pub fn tell_drift(&self, context: &mut Context, plan: &Plan) {
        let drift = annotation::drift(plan, &|urn| self.offline.place(urn));
        context.terminal.annotate(&drift);
    }
}

/// The options for showing a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShowOptions {
    pub diff: bool,
    pub show_sames: bool,
}

impl Context {
    /// Returns whether frames may be drawn.
    pub fn can_animate(&self) -> bool {
        self.environment.can_animate(self.global.non_interactive)
    }

    pub fn is_interactive(&self) -> bool {
        self.environment.is_interactive(self.global.non_interactive)
    }
}

/// Refuses a flag or variable that names another region than the stack file: something is mixed up then.
fn guard_region(offline: &Offline, global: &GlobalArguments) -> Result<(), Failure> {
    let wanted = &offline.stack.region;
    let variable = || std::env::var("AWS_REGION").ok();
    let (source, other) = match (&global.region, variable()) {
        (Some(region), _) => ("--region", region.clone()),
        (None, Some(region)) if !region.is_empty() => ("AWS_REGION", region),
        _ => return Ok(()),
    };
    if other == *wanted {
        return Ok(());
    }
    let message = Message::error("this is not the stack's region")
        .code("fde::guard::region")
        .fact("stack", format!("{} is in {wanted}", offline.graph.stack))
        .fact("asked for", format!("{other}, by {source}"))
        .fact("now", "nothing was read or changed")
        .help(format!(
            "drop {source}, or correct `region` in {}",
            offline.file_name()
        ));
    Err(Failure::new(Exit::Refused, message))
}

fn guard_account(offline: &Offline, account: &str, caller: &str) -> Result<(), Failure> {
    let Some(wanted) = &offline.stack.account else {
        return Ok(());
    };
    if wanted == account {
        return Ok(());
    }
    let message = Message::error("this is not the stack's account")
        .code("fde::guard::account")
        .fact("stack", format!("{} is in {wanted}", offline.graph.stack))
        .fact("credentials", format!("{account} ({caller})"))
        .fact("now", "nothing was read or changed")
        .help(format!(
            "use credentials of {wanted} (`--profile`), or correct `account` in {}",
            offline.file_name()
        ));
    Err(Failure::new(Exit::Refused, message))
}

fn not_connected(error: &ConnectError, offline: &Offline, profile: Option<String>) -> Failure {
    let again = offline.command_line("preview");
    let now = |message: Message| message.fact("now", "nothing was read or changed");
    let (endpoint, source) = match error {
        ConnectError::Identity { endpoint, source } => (endpoint, source),
        ConnectError::RegionDisabled { source } => {
            let message = Message::error(error.to_string())
                .code("fde::region::disabled")
                .answer(source);
            return Failure::new(Exit::Credentials, helped(now(message), source, &again));
        }
        ConnectError::PlainHttp(endpoint) => return endpoints::refused(endpoint, &again),
        ConnectError::Certificates(bundle) => return no_certificates(bundle, &again),
        ConnectError::NoRegion | ConnectError::Client(_) => {
            return Failure::new(Exit::Usage, Message::error(error.to_string()));
        }
    };
    match (source.kind, source.status) {
        (ErrorKind::Credentials, None) => {
            let mut message = Message::error("no AWS credentials could be loaded")
                .code("fde::credentials::missing");
            let variable = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
            let profile = profile
                .or_else(|| variable("AWS_PROFILE"))
                .or_else(|| variable("AWS_DEFAULT_PROFILE"));
            if let Some(profile) = &profile {
                message = message.fact("profile", profile.as_str());
            }
            let answer = match source.code.as_str() {
                "" => source.message.clone(),
                code => format!("{code}: {}", source.message),
            };
            let message = now(message.fact("answer", answer));
            // Credentials that the AWS CLI hands on come by the environment, and a flag would override them.
            let handed_on = source.remedy.as_ref().is_some_and(|remedy| {
                let mut commands = remedy.commands.iter();
                commands.any(|command| command.starts_with("eval "))
            });
            let again = match &profile {
                Some(profile) if handed_on => {
                    again.replace(&format!(" --profile {}", quoted(profile)), "")
                }
                _ => again,
            };
            let message = match &source.remedy {
                Some(remedy) => message.remedy(remedy, &again),
                None => message
                    .help("configure them (`aws configure sso`, `--profile`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then run")
                    .command(again),
            };
            let message = message
                .help("or try it without an AWS account")
                .command(format!("fde-infra preview{}", offline.in_sandbox));
            Failure::new(Exit::Credentials, message)
        }
        (ErrorKind::Credentials, Some(_)) if aws::is_about_time(source) => {
            let message = Message::error(error.to_string()).answer(source);
            Failure::new(Exit::Credentials, helped(now(message), source, &again))
        }
        (ErrorKind::Credentials, Some(_)) => {
            let message = Message::error("AWS does not accept the credentials")
                .code("fde::credentials::rejected")
                .answer(source);
            Failure::new(Exit::Credentials, helped(now(message), source, &again))
        }
        (_, None) => {
            let mut message = Message::error("could not reach AWS").answer(source);
            if let Some(endpoint) = endpoint {
                message = message.fact("endpoint", hide(endpoint, &[]));
            }
            let message = now(message);
            let message = match &source.remedy {
                Some(remedy) => message.remedy(remedy, &again),
                None => message
                    .help("see to the network, the proxy or the endpoint, then run")
                    .command(again),
            };
            Failure::new(Exit::Error, message)
        }
        (_, Some(_)) => {
            let message = now(Message::error(error.to_string()).answer(source));
            Failure::new(Exit::Error, message.help("run it again").command(again))
        }
    }
}

/// Adds the remedy to a message, where it is known.
fn helped(message: Message, source: &ProviderError, again: &str) -> Message {
    match &source.remedy {
        Some(remedy) => message.remedy(remedy, again),
        None => message
            .help("renew the credentials, or use others (`--profile`), then run")
            .command(again),
    }
}

/// The refusal of a certificate bundle that cannot be used: going on without it would trust others than are meant.
fn no_certificates(bundle: &BundleError, again: &str) -> Failure {
    let answer = match &bundle.source {
        Some(error) => error.to_string(),
        None => "it holds no certificate in PEM form".to_owned(),
    };
    let message = Message::error("the certificates that are to be trusted cannot be read")
        .code("fde::connection::certificates")
        .fact("file", bundle.path.display().to_string())
        .fact("named by", bundle.named_by.as_str())
        .fact("answer", answer)
        .fact("now", "nothing was read or changed")
        .help(format!("correct {}, then run", bundle.named_by))
        .command(again);
    Failure::new(Exit::Usage, message)
}

/// Says what a read waits for: in the status line meanwhile, or now and then in a line of its own.
struct Reading<'a> {
    place: String,
    can_animate: bool,
    screen: Mutex<Screen<'a>>,
}

struct Screen<'a> {
    terminal: &'a mut Terminal,
    /// The time at which a line was last written.
    said: Option<Instant>,
}

impl Progress for Reading<'_> {
    fn status(&self, text: &str) {
        /// The time between two lines of a log.
        const PAUSE: Duration = Duration::from_secs(10);
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.can_animate {
            let line = format!("Reading {} … {text}", self.place);
            screen.terminal.status(Line::styled(Style::Faint, line));
        } else if !text.is_empty() && screen.said.is_none_or(|at| at.elapsed() >= PAUSE) {
            screen.said = Some(Instant::now());
            let note = format!("reading {}: {text}", self.place);
            let lines = message::note(&note, screen.terminal.width());
            screen.terminal.report(&lines);
        }
    }
}
