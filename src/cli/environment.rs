//! The surroundings of the program: by hand or in CI, with or without a user to ask; on which machine, for which run of a CI
//! system. No other file of the command line reads the environment, except for the variables of flags, which clap reads.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal};
use std::process::Command;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::arguments::boolean;

/// Variables by which a CI system is known; Pulumi's list. What needs a value of its own, or two of them, is in [`is_ci`].
const CI_SYSTEMS: &[&str] = &[
    "CI",
    "PULUMI_CI_SYSTEM",
    "APPVEYOR",
    "CODEBUILD_BUILD_ARN",
    "bamboo_planKey",
    "BITBUCKET_COMMIT",
    "TF_BUILD",
    "BUILDKITE",
    "CIRCLECI",
    "CF_BUILD_URL",
    "DRONE",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "GO_PIPELINE_LABEL",
    "HUDSON_URL",
    "JENKINS_URL",
    "MAGNUM",
    "SEMAPHORE",
    "SPACELIFT",
    "SPACELIFT_RUN_ID",
    "TEAMCITY_VERSION",
    "TRAVIS",
];

/// Variables of a proxy, which are read in either case. One that is empty hides the other.
const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Returns whether an empty variable of this name means the same as none.
///
/// True of all that this program and the AWS SDK read. The AWS CLI's pager is switched off by an empty variable, and the
/// CLI may be what a `credential_process` runs.
fn means_nothing_when_empty(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name != "AWS_PAGER"
        && (name.starts_with("FDE_INFRA_")
            || name.starts_with("AWS_")
            || PROXIES.contains(&name.to_ascii_uppercase().as_str())
            || CI_SYSTEMS.contains(&name.as_ref()))
}

/// Starts the program again without the variables that are empty, if there are any; returns if there are none.
///
/// A CI system sets a variable to nothing where an input has no value (`AWS_PROFILE: ${{ inputs.profile }}`). clap would
/// take that for a value, the SDK for a profile without a name, and its HTTP client for "no proxy". A process cannot take
/// a variable out of its own environment without unsafe code, but it can leave it out of the next one's.
pub fn leave_out_empty_variables(arguments: &[OsString]) {
    let empty: Vec<OsString> = std::env::vars_os()
        .filter(|(name, value)| value.is_empty() && means_nothing_when_empty(name))
        .map(|(name, _)| name)
        .collect();
    if empty.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = Command::new(program);
    command.args(arguments.iter().skip(1));
    for name in &empty {
        command.env_remove(name);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        if let Some(name) = arguments.first() {
            command.arg0(name);
        }
        // Comes back only where the system does not allow it; then the empty variables say what they say.
        drop(command.exec());
    }
}

/// Environment variables that look like a misspelt one of ours, each with the one meant. Ignoring them could run what they
/// were set to prevent.
pub fn misspelt_variables(known: &[String]) -> Vec<(String, String)> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let misspelt = names.filter_map(|name| misspelt(&name, known).map(|meant| (name, meant)));
    misspelt.collect()
}

fn misspelt(name: &str, known: &[String]) -> Option<String> {
    let word = name.strip_prefix(OURS)?;
    if known.iter().any(|known| known == name) {
        return None;
    }
    let words = known.iter().filter_map(|known| known.strip_prefix(OURS));
    let one_off = |meant: &&str| {
        // In a short word, two changed letters make another word.
        let slips = if meant.len() < 6 { 1 } else { 2 };
        strsim::osa_distance(word, meant) <= slips
    };
    let nearest = words
        .filter(one_off)
        .min_by_key(|meant| strsim::osa_distance(word, meant));
    nearest.map(|meant| format!("{OURS}{meant}"))
}

/// Prefix of our environment variables.
const OURS: &str = "FDE_INFRA_";

/// The command of the pager: `PAGER`, or `less` where it is installed; `None` for none, which is what an empty `PAGER` and
/// `cat` ask for.
pub fn pager() -> Option<String> {
    /// Lets colours through, and leaves the text on the screen.
    const USUAL: &str = "less -RX";
    let command = match std::env::var("PAGER") {
        // Otherwise `less` shows the escape sequences of colours as text.
        Ok(command) if command.trim() == "less" => USUAL.to_owned(),
        Ok(command) => command.trim().to_owned(),
        Err(_) => {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            let is_there =
                std::env::split_paths(&folders).any(|folder| folder.join("less").is_file());
            is_there.then(|| USUAL.to_owned())?
        }
    };
    (!command.is_empty() && command != "cat").then_some(command)
}

/// The facts from the environment.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
    ci: bool,
    dumb: bool,
}

impl Environment {
    pub fn from_environment() -> Self {
        Self {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            ci: is_ci(&variable),
            dumb: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// Returns whether a CI system runs this.
    pub fn is_ci(self) -> bool {
        self.ci
    }

    /// Returns whether there is a user to ask.
    pub fn is_interactive(self, non_interactive: bool) -> bool {
        self.stdin_is_terminal && self.can_animate(non_interactive)
    }

    /// Returns whether a frame can be drawn over and over.
    pub fn can_animate(self, non_interactive: bool) -> bool {
        self.stdout_is_terminal && !self.ci && !self.dumb && !non_interactive
    }
}

fn is_ci(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| {
        variable(name).is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
    };
    // Codeship and Taskcluster have no variable that is their own.
    let codeship = variable("CI_NAME").is_some_and(|name| name == "codeship");
    let taskcluster = ["TASK_ID", "RUN_ID"]
        .iter()
        .all(|name| variable(name).is_some_and(|value| !value.is_empty()));
    codeship || taskcluster || CI_SYSTEMS.iter().any(|name| set(name))
}

/// The path of a file as CI shows errors beside it: from the root of the repository, wherever in it the program runs.
pub fn in_repository(path: &str) -> String {
    let within = || {
        let root = fs::canonicalize(std::env::var_os("GITHUB_WORKSPACE")?).ok()?;
        let file = fs::canonicalize(path).ok()?;
        let within = file.strip_prefix(root).ok()?;
        Some(within.to_string_lossy().into_owned())
    };
    within().unwrap_or_else(|| path.to_owned())
}

/// The value of a variable, if it is text.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns whether the variable of `--detailed-exitcode` is on.
pub fn asks_for_detailed_exit_code() -> bool {
    variable("FDE_INFRA_DETAILED_EXITCODE").is_some_and(|value| boolean(&value) == Ok(true))
}

/// Returns whether the variable of `--json` is on.
pub fn asks_for_json() -> bool {
    variable("FDE_INFRA_JSON").is_some_and(|value| boolean(&value) == Ok(true))
}

/// The stack to work on where the command line names none.
pub fn stack() -> Option<String> {
    variable("FDE_INFRA_STACK")
}

/// The region that the AWS SDK would take.
pub fn aws_region() -> Option<String> {
    variable("AWS_REGION").filter(|region| !region.is_empty())
}

/// The profile that the AWS SDK takes.
pub fn aws_profile() -> Option<String> {
    let profile = |name| variable(name).filter(|profile| !profile.is_empty());
    profile("AWS_PROFILE").or_else(|| profile("AWS_DEFAULT_PROFILE"))
}

/// The address of the run of a CI system that this is part of.
pub fn run_url() -> Option<String> {
    run_url_of(&variable)
}

/// The address, by the variables of each system.
fn run_url_of(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    /// Variables that hold the whole address in one.
    const WHOLE: &[&str] = &[
        "CI_JOB_URL",
        "CI_PIPELINE_URL",
        "CIRCLE_BUILD_URL",
        "BUILDKITE_BUILD_URL",
        "TRAVIS_BUILD_WEB_URL",
        "DRONE_BUILD_LINK",
        "CF_BUILD_URL",
        "CODEBUILD_PUBLIC_BUILD_URL",
        "bamboo_resultsUrl",
        // Jenkins, and TeamCity.
        "BUILD_URL",
    ];
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let github = || {
        let (server, repository) = (set("GITHUB_SERVER_URL")?, set("GITHUB_REPOSITORY")?);
        let run = set("GITHUB_RUN_ID")?;
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    };
    let azure = || {
        let collection = set("SYSTEM_COLLECTIONURI");
        let collection = collection.or_else(|| set("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"))?;
        let (project, build) = (set("SYSTEM_TEAMPROJECT")?, set("BUILD_BUILDID")?);
        // People give them names with spaces.
        let project = utf8_percent_encode(&project, NON_ALPHANUMERIC);
        let collection = collection.trim_end_matches('/');
        Some(format!(
            "{collection}/{project}/_build/results?buildId={build}"
        ))
    };
    let bitbucket = || {
        let (origin, build) = (
            set("BITBUCKET_GIT_HTTP_ORIGIN")?,
            set("BITBUCKET_BUILD_NUMBER")?,
        );
        Some(format!("{origin}/pipelines/results/{build}"))
    };
    github()
        .or_else(azure)
        .or_else(bitbucket)
        .or_else(|| WHOLE.iter().find_map(|name| set(name)))
}

/// The name of this machine, as far as it is known.
pub fn host() -> Option<String> {
    let file = || fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = || variable("HOSTNAME");
    let said = |name: String| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    file().and_then(said).or_else(|| variable().and_then(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<'a> {
        move |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    /// Each system is known by what it sets in every job, from its own documentation.
    #[test]
    fn each_ci_system_is_known() {
        for variables in [
            &[("CI", "true")][..],
            &[("GITHUB_ACTIONS", "true")],
            &[("GITLAB_CI", "true")],
            &[("BUILDKITE", "true")],
            &[("CIRCLECI", "true")],
            &[("TF_BUILD", "True")],
            &[("JENKINS_URL", "https://jenkins.example/")],
            &[(
                "BITBUCKET_COMMIT",
                "7f777ed95a19224294949e1b4ce56bbffcb1fe9f",
            )],
            &[(
                "CODEBUILD_BUILD_ARN",
                "arn:aws:codebuild:eu-south-2:1:build/x",
            )],
            &[("TEAMCITY_VERSION", "2025.07")],
            &[("bamboo_planKey", "SHOP-MAIN")],
            &[("CI_NAME", "codeship")],
            &[("TASK_ID", "EEQfAvwrTgGbSWRXM6XWVQ"), ("RUN_ID", "0")],
            &[("TASK_ID", "EEQfAvwrTgGbSWRXM6XWVQ"), ("RUN_ID", "1")],
            &[("SPACELIFT_RUN_ID", "01G")],
        ] {
            assert!(is_ci(&of(variables)), "{variables:?}");
        }
        for variables in [
            &[][..],
            &[("CI", "false")],
            &[("CI", "")],
            &[("CI_NAME", "mine")],
            &[("TASK_ID", "1")],
            &[("TASK_ID", ""), ("RUN_ID", "")],
        ] {
            assert!(!is_ci(&of(variables)), "{variables:?}");
        }
    }

    fn url_of(variables: &[(&str, &str)]) -> Option<String> {
        run_url_of(&of(variables))
    }

    #[test]
    fn each_ci_system_says_where_its_run_is() {
        let github = [
            ("CI", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "happyrobot/platform"),
            ("GITHUB_RUN_ID", "4711"),
        ];
        let expected = "https://github.com/happyrobot/platform/actions/runs/4711";
        assert_eq!(url_of(&github).as_deref(), Some(expected));
        assert_eq!(url_of(&github[..3]), None);
        let gitlab = [
            ("CI_PIPELINE_URL", "https://gitlab.com/p/1"),
            ("CI_JOB_URL", "https://gitlab.com/j/2"),
        ];
        assert_eq!(url_of(&gitlab).as_deref(), Some("https://gitlab.com/j/2"));
        assert_eq!(
            url_of(&gitlab[..1]).as_deref(),
            Some("https://gitlab.com/p/1")
        );
        let azure = [
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/happyrobot/"),
            ("SYSTEM_TEAMPROJECT", "the platform"),
            ("BUILD_BUILDID", "7"),
            // Azure has one of these, too.
            ("BUILD_URL", "vstfs:///Build/Build/7"),
        ];
        let expected = "https://dev.azure.com/happyrobot/the%20platform/_build/results?buildId=7";
        assert_eq!(url_of(&azure).as_deref(), Some(expected));
        let bitbucket = [
            (
                "BITBUCKET_GIT_HTTP_ORIGIN",
                "https://bitbucket.org/happyrobot/platform",
            ),
            ("BITBUCKET_BUILD_NUMBER", "12"),
        ];
        let expected = "https://bitbucket.org/happyrobot/platform/pipelines/results/12";
        assert_eq!(url_of(&bitbucket).as_deref(), Some(expected));
        for (name, url) in [
            (
                "BUILDKITE_BUILD_URL",
                "https://buildkite.com/happyrobot/platform/builds/3",
            ),
            (
                "CIRCLE_BUILD_URL",
                "https://circleci.com/gh/happyrobot/platform/4",
            ),
            ("BUILD_URL", "https://jenkins.example/job/platform/5/"),
        ] {
            assert_eq!(url_of(&[(name, url)]).as_deref(), Some(url));
        }
        assert_eq!(url_of(&[("BUILD_URL", "")]), None);
    }
}
