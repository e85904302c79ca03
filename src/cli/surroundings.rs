//! Where the program runs: by hand or in CI, with or without somebody to ask; on which machine, for which run of a CI
//! system.

use std::fs;
use std::io::{self, IsTerminal};

/// Variables by which a CI system is known; Pulumi's list.
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
    "TEAMCITY_VERSION",
    "TRAVIS",
];

/// What the environment says.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
    ci: bool,
    dumb: bool,
}

impl Surroundings {
    pub fn from_environment() -> Self {
        let set = |name: &str| {
            std::env::var_os(name)
                .is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
        };
        // Taskcluster has no variable that is its own.
        let taskcluster = set("TASK_ID") && set("RUN_ID");
        Self {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            ci: taskcluster || CI_SYSTEMS.iter().any(|name| set(name)),
            dumb: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// Whether there is somebody to ask.
    pub fn is_interactive(self, non_interactive: bool) -> bool {
        self.stdin_is_terminal && self.draws(non_interactive)
    }

    /// Whether a frame can be drawn over and over.
    pub fn draws(self, non_interactive: bool) -> bool {
        self.stdout_is_terminal && !self.ci && !self.dumb && !non_interactive
    }
}

/// The address of the run of a CI system that this is part of.
pub fn run_url() -> Option<String> {
    run_url_of(&|name| std::env::var(name).ok())
}

/// By the variables of each system.
fn run_url_of(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    /// Those that have the whole address in one.
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
        let (collection, project) = (set("SYSTEM_COLLECTIONURI")?, set("SYSTEM_TEAMPROJECT")?);
        let build = set("BUILD_BUILDID")?;
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
    let variable = || std::env::var("HOSTNAME").ok();
    let name = file().or_else(variable)?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(variables: &[(&str, &str)]) -> Option<String> {
        run_url_of(&|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
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
            ("SYSTEM_TEAMPROJECT", "platform"),
            ("BUILD_BUILDID", "7"),
        ];
        let expected = "https://dev.azure.com/happyrobot/platform/_build/results?buildId=7";
        assert_eq!(url_of(&azure).as_deref(), Some(expected));
        assert_eq!(url_of(&[("BUILD_URL", "")]), None);
    }
}
