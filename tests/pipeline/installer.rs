//! `.github/install.sh`: a program from a release, once its checksum and, where that can be looked at, its attestation are right.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use super::repository::project;

/// Answers as GitHub does, from the files of a directory: `curl … --output FILE … URL`.
const CURL: &str = r#"#!/bin/sh
output=''
for word; do
  if [ "$last" = --output ]; then output=$word; fi
  last=$word
done
echo "$last" >>"$RELEASE/asked"
case "$last" in
  */releases/latest) printf '%s' "${last%/latest}/tag/v1.2.3" ;;
  */releases/download/v1.2.3/*) cp "$RELEASE/${last##*/}" "$output" ;;
  *) exit 22 ;;
esac
"#;

/// Says yes to a login, and to what is to be verified unless the release says no.
const GH: &str = r#"#!/bin/sh
echo "gh $*" >>"$RELEASE/asked"
case "$1" in auth) exit 0 ;; esac
[ ! -e "$RELEASE/forged" ]
"#;

const UNAME: &str = "#!/bin/sh\ncase $1 in -s) echo Linux ;; *) echo x86_64 ;; esac\n";

const ARCHIVE: &str = "fde-infra-1.2.3-x86_64-unknown-linux-musl.tar.gz";

/// A release, and a machine to install it on.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Self {
        let directory = format!("fde-infra-installer-{name}-{}", std::process::id());
        let machine = Self {
            root: std::env::temp_dir().join(directory),
        };
        for folder in ["release", "bin"] {
            fs::create_dir_all(machine.root.join(folder)).expect("it can be made");
        }
        machine.program("bin/curl", CURL);
        machine.program("bin/uname", UNAME);
        machine.release("fde-infra 1.2.3 (0123456 2026-01-31)");
        machine
    }

    fn program(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::write(&path, text).expect("it can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    /// Releases a program that says this of its version.
    fn release(&self, says: &str) {
        self.program("release/fde-infra", &format!("#!/bin/sh\necho '{says}'\n"));
        let packed = Command::new("tar")
            .args(["-czf", ARCHIVE, "fde-infra"])
            .current_dir(self.root.join("release"))
            .status();
        assert!(packed.expect("tar starts").success());
        let archive = fs::read(self.root.join("release").join(ARCHIVE)).expect("it is there");
        let sum = Sha256::digest(&archive);
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let sums = format!("{}  other.tar.gz\n{sum}  {ARCHIVE}\n", "0".repeat(64));
        fs::write(self.root.join("release/SHA256SUMS"), sums).expect("it can be written");
    }

    fn installed(&self) -> PathBuf {
        self.root.join("home/.local/bin/fde-infra")
    }

    fn install(&self, variables: &[(&str, &str)]) -> (bool, String) {
        let path = format!("{}:/usr/bin:/bin", self.root.join("bin").display());
        let Output { status, stderr, .. } = Command::new("sh")
            .arg(project(".github/install.sh"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.root.join("home"))
            .env("RELEASE", self.root.join("release"))
            .envs(variables.iter().copied())
            .output()
            .expect("sh starts");
        (
            status.success(),
            String::from_utf8_lossy(&stderr).into_owned(),
        )
    }

    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.root.join("release/asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Leftovers in the temporary directory do no harm.
        drop(fs::remove_dir_all(&self.root));
    }
}

fn says(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let output = output.expect("it starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_latest_release_is_installed() {
    let machine = Machine::new("latest");
    let (done, said) = machine.install(&[]);
    assert!(done, "{said}");
    assert_eq!(
        says(&machine.installed()),
        "fde-infra 1.2.3 (0123456 2026-01-31)"
    );
    assert!(said.contains("only the checksum was checked"), "{said}");
    assert!(said.contains("is not on the PATH"), "{said}");
    let release = "https://github.com/happyrobot-ai/fde-infra/releases";
    assert_eq!(
        machine.asked(),
        [
            format!("{release}/latest"),
            format!("{release}/download/v1.2.3/SHA256SUMS"),
            format!("{release}/download/v1.2.3/{ARCHIVE}"),
        ]
    );
}

#[test]
fn a_version_goes_where_it_is_wanted_and_takes_the_place_of_another() {
    let machine = Machine::new("version");
    let elsewhere = machine.root.join("opt/bin");
    let bin = elsewhere.to_string_lossy().into_owned();
    fs::create_dir_all(&elsewhere).expect("it can be made");
    machine.program("opt/bin/fde-infra", "#!/bin/sh\necho old\n");
    let wanted = [
        ("FDE_INFRA_VERSION", "v1.2.3"),
        ("FDE_INFRA_BIN", bin.as_str()),
    ];
    let (done, said) = machine.install(&wanted);
    assert!(done, "{said}");
    assert!(says(&elsewhere.join("fde-infra")).starts_with("fde-infra 1.2.3"));
    assert!(!machine.installed().exists());
    let left = fs::read_dir(&elsewhere).expect("it is there").count();
    assert_eq!(left, 1, "nothing is left beside it");
}

#[test]
fn an_attestation_is_looked_at_where_it_can_be() {
    let machine = Machine::new("attested");
    machine.program("bin/gh", GH);
    let (done, said) = machine.install(&[]);
    assert!(done, "{said}");
    assert!(!said.contains("only the checksum"), "{said}");
    let verified = format!(
        "gh attestation verify {ARCHIVE} --repo happyrobot-ai/fde-infra \
         --signer-workflow happyrobot-ai/fde-infra/.github/workflows/release.yml \
         --source-ref refs/tags/v1.2.3 --deny-self-hosted-runners"
    );
    assert!(machine.asked().contains(&verified), "{:?}", machine.asked());
}

/// Each as it is found, and what is said of it. Nothing is installed.
#[test]
fn what_is_not_the_release_is_not_installed() {
    type Spoil = fn(&Machine);
    type Variables = &'static [(&'static str, &'static str)];
    let spoilt: [(&str, Spoil, Variables, &str); 7] = [
        (
            "changed",
            |machine| {
                let archive = machine.root.join("release").join(ARCHIVE);
                let mut bytes = fs::read(&archive).expect("it is there");
                bytes.push(0);
                fs::write(archive, bytes).expect("it can be written");
            },
            &[],
            "is not what its release says",
        ),
        (
            "unlisted",
            |machine| {
                let sums = machine.root.join("release/SHA256SUMS");
                fs::write(sums, "abc  other.tar.gz\n").expect("it can be written");
            },
            &[],
            "lists no SHA-256",
        ),
        (
            "older",
            |machine| machine.release("fde-infra 1.2.30 (0123456 2026-01-31)"),
            &[],
            "holds another program",
        ),
        (
            "forged",
            |machine| {
                machine.program("bin/gh", GH);
                machine.program("release/forged", "");
            },
            &[],
            "was not attested",
        ),
        (
            "unattested",
            |_| {},
            &[("FDE_INFRA_ATTESTATION", "required")],
            "the attestation cannot be checked",
        ),
        (
            "missing",
            |_| {},
            &[("FDE_INFRA_VERSION", "9.9.9")],
            "could not download",
        ),
        (
            "nonsense",
            |_| {},
            &[("FDE_INFRA_VERSION", "1.2.3/../x")],
            "is not a version",
        ),
    ];
    for (name, spoil, variables, expected) in spoilt {
        let machine = Machine::new(name);
        spoil(&machine);
        let (done, said) = machine.install(variables);
        assert!(!done, "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
        assert!(!machine.installed().exists(), "{name}");
    }
}

#[test]
fn another_machine_is_told_the_other_way() {
    let machine = Machine::new("machine");
    let other = UNAME.replace("Linux", "FreeBSD");
    machine.program("bin/uname", &other);
    let (done, said) = machine.install(&[]);
    assert!(!done);
    let expected = "there is no release for FreeBSD on x86_64; `cargo install --git";
    assert!(said.contains(expected), "{said}");
}
