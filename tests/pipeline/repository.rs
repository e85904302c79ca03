//! A repository of a test's own: its files and commits, the machine of its runner, and what happens to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::github::{Github, REPOSITORY};
use super::runner::{Event, Job, Repository, git};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fde-infra");

/// The asset of a release for the machine that the runner says it is.
pub const ARCHIVE: &str = concat!(
    "fde-infra-",
    env!("CARGO_PKG_VERSION"),
    "-x86_64-unknown-linux-musl.tar.gz"
);

/// Records its arguments, and ends as it is told to: with 1 if there is a file `fail-NAME` beside it.
const RECORDER: &str = r#"#!/usr/bin/env bash
here=$(dirname "$0") name=$(basename "$0")
printf '%s\n' "$name $*" >>"$here/calls"
[[ ! -e $here/fail-$name ]]
"#;

/// Knows the images in ECR, by tag and by digest, can copy one, and builds one out of its Dockerfile.
const DOCKER: &str = r#"#!/usr/bin/env bash
set -eo pipefail
printf 'docker %s\n' "$*" >>"$(dirname "$0")/calls"
copy=$(mktemp)
trap 'rm "$copy"' EXIT
repository() { local name=${1#*/}; name=${name%@*}; echo "${name%:*}"; }
image() {
  local id="imageTag=${1##*:}"
  [[ $1 != *@* ]] || id="imageDigest=${1#*@}"
  aws ecr batch-get-image --repository-name "$(repository "$1")" --image-ids "$id" | jq -e '.images[0] | values'
}
case "$1 $2 $3" in
  'login -u AWS') [[ $4 == --password-stdin && $(cat) == password ]] ;;
  'buildx build --platform')
    [[ "${*:4:3} $8 ${10}" == 'linux/amd64 --push --label --metadata-file --tag' ]]
    jq -n --arg repository "$(repository "${11}")" --arg tag "${11##*:}" --arg key "${7%%=*}" --arg value "${7#*=}" \
      --arg digest "sha256:$(cat - "${12}/Dockerfile" <<<"$7" | sha256sum | cut -c -64)" '
      { annotations: { ($key): $value }, schemaVersion: 2, mediaType: "application/vnd.docker.distribution.manifest.v2+json",
        layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", size: 2, digest: $digest }],
        config: { mediaType: "application/vnd.docker.container.image.v1+json", size: 2, digest: $digest } }
      | { repositoryName: $repository, imageTag: $tag, imageManifest: tojson }' >"$copy"
    aws ecr put-image --cli-input-json "file://$copy" | jq '{ "containerimage.digest": .image.imageId.imageDigest }' >"$9"
    ;;
  'buildx imagetools inspect')
    if [[ $4 == --format && $5 == '{{json .Image}}' ]]; then
      image "$6" | jq '{ os: "linux", config: { Labels: (.imageManifest | fromjson | .annotations) } }'
    elif [[ $4 == --format && $5 == '{{json .Manifest}}' ]]; then
      image "$6" | jq '{ digest: .imageId.imageDigest }'
    else
      image "$4" | jq '{ digest: .imageId.imageDigest }'
    fi
    ;;
  'buildx imagetools create')
    [[ $4 == --prefer-index=false && $5 == --tag ]]
    # A tag that is there is refused, on the same image too: aws/containers-roadmap#2380.
    image "$7" | jq --arg repository "$(repository "$6")" --arg tag "${6##*:}" \
      '{ repositoryName: $repository, imageTag: $tag, imageManifest }' >"$copy"
    aws ecr put-image --cli-input-json "file://$copy"
    ;;
  *) exit 1 ;;
esac
"#;

/// Three commands of the AWS CLI, with the credentials or in the role that the step has.
const AWS: &str = r#"#!/usr/bin/env bash
set -eo pipefail
printf 'aws %s\n' "${*:1:2}" >>"$(dirname "$0")/calls"
ecr() {
  curl -sS "$AWS_ENDPOINT_URL" -H 'Content-Type: application/x-amz-json-1.1' \
    -H "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.$1" --data "$2" \
    -H "Authorization: AWS4-HMAC-SHA256 Credential=$key/20260101/$AWS_REGION/ecr/aws4_request, SignedHeaders=host, Signature=x" \
    >"$TMPDIR/answer.json"
  if jq -e 'has("__type")' "$TMPDIR/answer.json" >/dev/null; then
    jq -r '"An error occurred (\(.__type)) when calling the operation: \(.message)"' "$TMPDIR/answer.json" >&2
    exit 254
  fi
  cat "$TMPDIR/answer.json"
}
key=${AWS_ROLE_ARN:-$AWS_ACCESS_KEY_ID}
key=${key//[:\/]/-}
TMPDIR=$(mktemp -d)
trap 'rm -r "$TMPDIR"' EXIT
case "$1 $2 $3 $5" in
  'ecr get-login-password  ') echo password ;;
  'ecr batch-get-image --repository-name --image-ids')
    ecr BatchGetImage "$(jq -n --arg name "$4" --arg key "${6%%=*}" --arg value "${6#*=}" \
      '{ repositoryName: $name, imageIds: [{ ($key): $value }] }')"
    ;;
  'ecr put-image --cli-input-json ') ecr PutImage "$(cat "${4#file://}")" ;;
  *) exit 252 ;;
esac
"#;

/// Builds the program, so to speak.
const CARGO: &str = r#"#!/usr/bin/env bash
printf 'cargo %s\n' "$*" >>"$(dirname "$0")/calls"
while (($#)); do
  if [[ $1 == --root ]]; then mkdir -p "$2/bin"; cp "$(dirname "$0")/built" "$2/bin/fde-infra"; fi
  shift
done
"#;

impl Repository {
    /// A new repository with these files, and an account that is empty of anything of its own.
    pub fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let directory = format!("fde-infra-pipeline-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        // The leftovers of a killed test are of no use.
        drop(fs::remove_dir_all(&directory));
        for folder in ["origin", "bin", "home"] {
            fs::create_dir_all(directory.join(folder)).expect("a directory");
        }
        git(
            &directory.join("origin"),
            &["init", "--quiet", "--initial-branch", "main"],
        );
        let account = Account::new();
        let variables = [
            ("AWS_ENDPOINT_URL", account.endpoint.as_str()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_COLOR", "1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let repository = Self {
            name: name.to_owned(),
            directory,
            github: Github::start(),
            account,
            vars: json!({}),
            secrets: json!({ "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "" }),
            too_slow: Vec::new(),
            refused: None,
            trust: BTreeMap::new(),
            replaced: BTreeMap::new(),
            action_ref: String::new(),
            shown: RefCell::default(),
            asked: RefCell::default(),
            variables: BTreeMap::from(variables),
            executed: RefCell::default(),
        };
        let wrapper = format!("#!/bin/sh\nexec {PROGRAM} \"$@\"\n");
        for (name, text) in [
            ("built", wrapper.as_str()),
            ("cargo", CARGO),
            ("docker", DOCKER),
            ("aws", AWS),
            ("gh", RECORDER),
            ("python", RECORDER),
            ("npm", RECORDER),
            ("npx", RECORDER),
            ("pip", RECORDER),
            ("ruff", RECORDER),
            ("mypy", RECORDER),
            ("pytest", RECORDER),
            // Between two looks at what was deployed nothing changes here by itself.
            (
                "sleep",
                "#!/bin/sh\ncase $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\n",
            ),
        ] {
            repository.script(name, text);
        }
        repository.protect("production", &["required_reviewers", "branch_policy"]);
        repository.release();
        repository.commit("Begin", files);
        repository
    }

    /// Puts a program on the machine.
    pub fn script(&self, name: &str, text: &str) {
        let path = self.directory.join("bin").join(name);
        fs::write(&path, text).expect("the script is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }

    /// Sets up an environment with rules of these kinds.
    pub fn protect(&self, environment: &str, rules: &[&'static str]) {
        let mut state = self.github.state();
        state
            .environments
            .insert(environment.to_owned(), rules.to_vec());
    }

    /// Publishes the program as a release, packed as the release workflow packs it.
    pub fn release(&self) {
        let folder = self.directory.join("release");
        fs::create_dir_all(&folder).expect("a directory");
        fs::copy(self.directory.join("bin/built"), folder.join("fde-infra")).expect("copied");
        let packed = Command::new("tar")
            .args(["-czf", ARCHIVE, "fde-infra"])
            .current_dir(&folder)
            .status();
        assert!(packed.expect("tar runs").success());
        let archive = fs::read(folder.join(ARCHIVE)).expect("readable");
        let sum: String = Sha256::digest(&archive)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let sums = format!("{}  other.tar.gz\n{sum}  {ARCHIVE}\n", "0".repeat(64));
        let mut state = self.github.state();
        state.release.insert(ARCHIVE.to_owned(), archive);
        state
            .release
            .insert("SHA256SUMS".to_owned(), sums.into_bytes());
    }

    /// Commits these files to the default branch.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) {
        let origin = self.directory.join("origin");
        for (path, text) in files {
            let path = origin.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
            fs::write(path, text).expect("written");
        }
        git(&origin, &["add", "--all"]);
        git(
            &origin,
            &["commit", "--quiet", "--allow-empty", "--message", message],
        );
    }

    /// The arguments with which the programs on the machine were called.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.directory.join("bin/calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The registries that were logged in to, and the user names.
    pub fn logins(&self) -> Vec<String> {
        let mut calls = self.calls();
        calls.retain(|call| call.starts_with("login "));
        calls
    }

    /// Notes what was done, as the programs on the machine do.
    pub fn called(&self, line: &str) {
        let path = self.directory.join("bin/calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{calls}{line}\n")).expect("written");
    }

    /// Makes a program on the machine fail from now on.
    pub fn fail(&self, program: &str) {
        fs::write(
            self.directory.join("bin").join(format!("fail-{program}")),
            "",
        )
        .expect("written");
    }

    /// Runs one step that uses the action, with these inputs.
    pub fn action(&self, event: &Event, with: &Json) -> Job {
        let workflow = json!({
            "permissions": { "contents": "read", "id-token": "write", "pull-requests": "write" },
            "jobs": { "one": {
                "outputs": {
                    "changes": "${{ steps.it.outputs.changes }}",
                    "summary": "${{ steps.it.outputs.summary }}",
                    "exit-code": "${{ steps.it.outputs.exit-code }}",
                    "plan-sha256": "${{ steps.it.outputs.plan-sha256 }}",
                    "outputs": "${{ steps.it.outputs.outputs }}",
                    "vpcId": "${{ steps.it.outputs.vpcId }}",
                    "publicSubnetIds": "${{ steps.it.outputs.publicSubnetIds }}",
                },
                "steps": [
                    {
                        "uses": format!("actions/checkout@{}", "0".repeat(40)),
                        "with": { "persist-credentials": false },
                    },
                    {
                        "uses": format!("aws-actions/configure-aws-credentials@{}", "0".repeat(40)),
                        "with": { "role-to-assume": "tester", "aws-region": "eu-south-2" },
                    },
                    { "id": "it", "uses": "$/.github/actions/fde-infra", "with": with },
                ],
            } },
        });
        let mut jobs = self.run("a test", &workflow, event);
        let job = jobs.remove("one").and_then(|mut jobs| jobs.pop());
        job.expect("the job ran")
    }

    pub fn told(&self) -> BTreeSet<String> {
        self.executed.borrow().clone()
    }
}

impl Event {
    fn new(name: &'static str, payload: Json) -> Self {
        let mut payload = payload;
        payload["repository"] = json!({ "full_name": REPOSITORY, "default_branch": "main" });
        payload["sender"] = json!({ "login": "ada", "type": "User" });
        Self {
            name,
            reference: "refs/heads/main".to_owned(),
            payload,
            inputs: Json::Null,
        }
    }

    /// A push to the default branch.
    pub fn push() -> Self {
        let payload = json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": "1".repeat(40), "forced": false,
            "head_commit": { "id": "1".repeat(40), "message": "Merge" }, "commits": [],
        });
        Self::new("push", payload)
    }

    /// A pull request whose branch is in this repository.
    pub fn pull_request(number: usize) -> Self {
        Self::pull_request_from(number, REPOSITORY)
    }

    pub fn pull_request_from(number: usize, repository: &str) -> Self {
        let payload = json!({
            "action": "synchronize", "number": number,
            "pull_request": {
                "number": number, "state": "open", "title": "A change", "user": { "login": "ada", "type": "User" },
                "head": { "ref": "change", "sha": "2".repeat(40), "repo": { "full_name": repository } },
                "base": { "ref": "main", "sha": "1".repeat(40), "repo": { "full_name": REPOSITORY } },
            },
        });
        let mut event = Self::new("pull_request", payload);
        event.reference = format!("refs/pull/{number}/merge");
        event
    }

    /// A manual run of the workflow.
    pub fn dispatch(inputs: Json) -> Self {
        let payload = json!({ "inputs": inputs, "ref": "refs/heads/main", "workflow": ".github/workflows/deploy.yml" });
        let mut event = Self::new("workflow_dispatch", payload);
        event.inputs = inputs;
        event
    }

    /// A scheduled run.
    pub fn schedule() -> Self {
        Self::new("schedule", json!({ "schedule": "17 5 * * *" }))
    }

    /// The same, as a part of another workflow.
    pub fn called(mut self, inputs: Json) -> Self {
        self.inputs = inputs;
        self
    }
}

/// The lines that the runner would obey, except for those that only show something.
pub fn orders(log: &str) -> Vec<&str> {
    let harmless = ["error", "warning", "notice", "group", "endgroup"];
    let obeyed = |line: &&str| match line.trim_start().strip_prefix("::") {
        Some(command) => {
            let name = command.split([' ', ':']).next();
            !name.is_some_and(|name| harmless.contains(&name))
        }
        None => line.contains("##["),
    };
    log.lines().filter(obeyed).collect()
}

/// The path of a file of this project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
