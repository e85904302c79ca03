//! Arguments that several commands take.

mod exclusion;
pub mod suggest;

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::display::ColorChoice;
use crate::plan::{Goal, Request};
use crate::stack::region::{Verdict, judge};
use crate::stack::{Flag, Span};
pub use exclusion::exclusive;

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArguments {
    /// Use this profile of the AWS configuration files.
    #[arg(long, global = true, env = "FDE_INFRA_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// Require this region; the stack file names the region that is used.
    #[arg(long, global = true, env = "FDE_INFRA_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// Send all calls to this address instead of AWS.
    #[arg(
        long,
        global = true,
        env = "FDE_INFRA_ENDPOINT_URL",
        value_name = "URL"
    )]
    pub endpoint_url: Option<String>,
    /// Use a local AWS account, started when needed.
    #[arg(long, global = true, env = "FDE_INFRA_SANDBOX", value_parser = boolean)]
    pub sandbox: bool,
    /// Colour the output.
    #[arg(
        long,
        global = true,
        env = "FDE_INFRA_COLOR",
        value_name = "WHEN",
        default_value = "auto",
        value_enum
    )]
    pub color: ColorChoice,
    /// Ask nothing and draw nothing, even on a terminal.
    #[arg(long, global = true, env = "FDE_INFRA_NON_INTERACTIVE", value_parser = boolean)]
    pub non_interactive: bool,
}

/// The arguments that name a stack.
#[derive(Debug, Clone, Default, Args)]
pub struct StackArguments {
    /// Name of a file in stacks/, or a path.
    #[arg(value_name = "STACK", env = "FDE_INFRA_STACK")]
    pub stack: Option<String>,
    /// Change a value that the stack file declares: services.api.image=2024-06-01. Can be repeated.
    // The help shows what variables are set to; this one may hold a secret.
    #[arg(
        long,
        env = "FDE_INFRA_SET",
        value_name = "PATH=VALUE",
        hide_env_values = true
    )]
    pub set: Vec<String>,
    /// Like --set, and may add a section, a service or a resource: services.worker.cpu=512. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_SET_NEW",
        value_name = "PATH=VALUE",
        hide_env_values = true
    )]
    pub set_new: Vec<String>,
}

impl StackArguments {
    /// The flags that lie over the file: first those that add, so that the others may change what they add.
    pub fn flags(&self) -> Vec<Flag> {
        let new = self.set_new.iter().map(Flag::set_new);
        new.chain(self.set.iter().map(Flag::set)).collect()
    }
}

/// The arguments that select resources.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArguments {
    /// Only this resource and what it needs: a name, a section or a pattern with `*`. Can be repeated.
    #[arg(
        long,
        short = 't',
        env = "FDE_INFRA_TARGET",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub target: Vec<String>,
    /// All but this resource and what needs it. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_EXCLUDE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub exclude: Vec<String>,
    /// Consent to the loss of this resource, of the data in it or of what AWS protects; `*` stands for any text. Can be
    /// repeated.
    #[arg(
        long,
        env = "FDE_INFRA_ALLOW_DELETE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub allow_delete: Vec<String>,
    /// Take away what others have added to a resource, by its id or name. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_REMOVE",
        value_name = "ID",
        value_delimiter = ','
    )]
    pub remove: Vec<String>,
    /// Treat this object as the stack's, although its tags alone say that it is: an id or ARN, or `*` for all. Can be
    /// repeated.
    #[arg(
        long,
        env = "FDE_INFRA_TRUST",
        value_name = "ID",
        value_delimiter = ','
    )]
    pub trust: Vec<String>,
    /// Set the stack up in this region too, although it exists in another one already. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_ALLOW_REGION",
        value_name = "REGION",
        value_delimiter = ',',
        value_parser = region
    )]
    pub allow_region: Vec<String>,
}

/// The actions to force although nothing asks for them.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct ForceArguments {
    /// Replace this resource. Can be repeated.
    #[arg(
        long,
        env = "FDE_INFRA_REPLACE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub replace: Vec<String>,
    /// Reboot this database instance once it matches the file, so that what waits for a reboot takes effect. Can be
    /// repeated.
    #[arg(
        long,
        env = "FDE_INFRA_REBOOT",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub reboot: Vec<String>,
}

/// The arguments about other runs on the same stack.
#[derive(Debug, Clone, Args)]
pub struct LockArguments {
    /// Wait at most this long for another run to end: 30s, 10m, 1h30m, or 0 not to wait. A dead run's lock is free after a
    /// minute at the latest.
    #[arg(
        long,
        env = "FDE_INFRA_LOCK_TIMEOUT",
        value_name = "DURATION",
        default_value = "2m",
        value_parser = duration
    )]
    pub lock_timeout: Duration,
    /// Run without the stack lock.
    #[arg(long, env = "FDE_INFRA_NO_LOCK", value_parser = boolean)]
    pub no_lock: bool,
}

/// The switch of commands that tell what they do as events. It is looked up by its name before the command runs, so that
/// no line for people comes before it.
#[derive(Debug, Clone, Args)]
pub struct EventArguments {
    /// Print events as JSON, one object a line, and nothing else to standard output; without a prompt.
    #[arg(long, env = "FDE_INFRA_JSON", value_parser = boolean)]
    json: bool,
}

/// The commands with that switch, which ask nothing where it is on.
pub const STREAMING: &[&str] = &["up", "destroy"];

/// The name that clap has for that switch.
pub const JSON: &str = "json";

impl SelectionArguments {
    /// The flags that select the same resources, each with its values.
    pub fn flags<'a>(&'a self, force: &'a ForceArguments) -> [(&'static str, &'a [String]); 8] {
        [
            ("--target", &self.target),
            ("--exclude", &self.exclude),
            ("--replace", &force.replace),
            ("--reboot", &force.reboot),
            ("--allow-delete", &self.allow_delete),
            ("--remove", &self.remove),
            ("--trust", &self.trust),
            ("--allow-region", &self.allow_region),
        ]
    }

    pub fn request(&self, goal: Goal, force: &ForceArguments) -> Request {
        Request {
            goal,
            targets: self.target.clone(),
            excludes: self.exclude.clone(),
            replace: force.replace.clone(),
            reboot: force.reboot.clone(),
            allow_delete: self.allow_delete.clone(),
            remove: self.remove.clone(),
            trust: self.trust.clone(),
            allow_regions: self.allow_region.clone(),
            takes_no_lock: false,
        }
    }
}

/// The number of resources to work on at once.
///
/// # Errors
/// Anything but a number above 0.
pub fn parallel(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "write a number from 1 on".to_owned())
}

/// A time as people write it: `90`, `30s`, `10m`, `1h30m`.
///
/// # Errors
/// Anything else.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time, as in 30s, 10m or 1h30m".to_owned();
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit());
        let (number, after) = rest.split_at(digits.unwrap_or(rest.len()));
        let unit = match after.chars().next() {
            // A number alone is in seconds, and nothing precedes it.
            None if number == text => 1,
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = number
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or_else(wrong)?;
        rest = after.get(1..).unwrap_or_default();
    }
    // No run lasts longer than a year, and clocks can be reckoned with for that long.
    match total {
        _ if text.is_empty() => Err(wrong()),
        0..=31_536_000 => Ok(Duration::from_secs(total)),
        _ => Err(wrong()),
    }
}

/// A region of AWS, or one that may be new; empty for none.
///
/// # Errors
/// Text that is not a region, with the region that was most likely meant.
pub fn region(text: &str) -> Result<String, String> {
    let error = match judge(text, Span::default()) {
        Verdict::Wrong(error) if !text.is_empty() => error,
        _ => return Ok(text.to_owned()),
    };
    let labels = error.labels.iter().map(|label| label.text.clone());
    Err(labels.chain(error.help).collect::<Vec<_>>().join("; "))
}

/// A switch from the environment: `FDE_INFRA_YES=1`. Empty is off, as CI systems pass unset variables.
///
/// # Errors
/// Anything that is neither yes nor no.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "n" | "off" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}
