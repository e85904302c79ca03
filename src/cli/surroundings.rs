//! Where the program runs: by hand or in CI, with or without somebody to ask.

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
