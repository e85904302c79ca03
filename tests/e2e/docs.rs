//! The commands of the README and of the pages in `docs/`, run as they stand there: block by block, page by page, each page
//! in an account of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::documents::{Block, Page, blocks, command_lines, pages, script};

/// Blocks that are not run here: a page, a part of the block, and why.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "--profile staging",
        "it is about a profile of the reader, with credentials of AWS",
    ),
    (
        "docs/ci.md",
        "step=\"$1\" stack=\"$2\"",
        "`pipeline_script` runs it through a whole life",
    ),
];

/// Commands before the first block of a page, for what it takes as given.
const BEFORE: &[(&str, &str)] = &[("docs/troubleshooting.md", "fde-infra up dev\n")];

/// Cargo, as far as the README calls it: the program is built already, and lies on the path.
const CARGO: &str = r#"
cargo() {
  case "$1" in
    build) ;;
    run) shift; [ "$1" = -- ] && shift; fde-infra "$@" ;;
    *) echo "cargo $1 is not for this test" >&2; return 1 ;;
  esac
}
"#;

/// A reader of one page, with a directory and an account of their own.
struct Reader {
    account: String,
    directory: PathBuf,
}

impl Reader {
    fn new(page: &str) -> Self {
        let name: String = page
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let account = format!("e2e-docs-{}", name.to_lowercase());
        let directory = std::env::temp_dir().join(format!("{account}-{}", std::process::id()));
        let reader = Self { account, directory };
        let stacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks");
        for entry in fs::read_dir(stacks).expect("the stacks are there") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a stack is readable");
            let name = path.file_name().expect("a name").to_string_lossy();
            reader.write(&format!("stacks/{name}"), &text);
        }
        // A leftover of a run that died here.
        reader.run("fde-infra sandbox reset\n");
        reader
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.directory.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// Runs a script where nothing leads to an account but the local one, and no one is there to answer.
    fn run(&self, script: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_fde-infra"));
        let folder = program.parent().expect("a folder").display();
        let path = std::env::var("PATH").expect("a path");
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &format!("{CARGO}{script}")])
            .current_dir(&self.directory)
            .env_clear()
            .env("PATH", format!("{folder}:{path}"))
            .env("FDE_INFRA_SANDBOX", "true")
            .env("FDE_INFRA_SANDBOX_NAME", &self.account)
            .env("FDE_INFRA_YES", "true")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        // The variables through which the installation that all instances share is found.
        for variable in ["HOME", "XDG_CACHE_HOME", "FDE_INFRA_SANDBOX_DIR"] {
            if let Some(value) = std::env::var_os(variable) {
                bash.env(variable, value);
            }
        }
        bash.output().expect("bash runs")
    }

    /// Runs the blocks of a page, and returns how many there were.
    fn read(&self, page: &Page) -> usize {
        for (name, text) in files(page) {
            self.write(&name, &text);
        }
        let before = BEFORE.iter().filter(|(name, _)| *name == page.0);
        for (_, script) in before {
            self.succeed("before the first block", script);
        }
        let scripts = scripts(page);
        for (place, script) in &scripts {
            // "In an empty directory", as the page says.
            if script.contains("fde-infra init ") {
                fs::remove_dir_all(self.directory.join("stacks")).expect("stacks can be removed");
            }
            self.succeed(place, script);
        }
        scripts.len()
    }

    fn succeed(&self, place: &str, script: &str) {
        let output = self.run(script);
        assert!(
            output.status.success(),
            "{place}\n{script}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.run("fde-infra sandbox stop\n");
        // Leftovers in the temporary directory do no harm.
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// The files that a page shows with their names: `# stacks/demo.yaml` as the first line.
fn files(page: &Page) -> BTreeMap<String, String> {
    let named = blocks(page).into_iter().filter_map(|block| {
        let name = block.text.lines().next()?.strip_prefix("# stacks/")?;
        let name = format!("stacks/{name}");
        (block.language == "yaml").then(|| (name, block.text.clone()))
    });
    named.collect()
}

fn is_run_elsewhere(block: &Block) -> bool {
    ELSEWHERE
        .iter()
        .any(|(page, part, _)| block.page == *page && block.text.contains(part))
}

/// The scripts of a page that call the program, each with its place.
fn scripts(page: &Page) -> Vec<(String, String)> {
    let of_program = blocks(page)
        .into_iter()
        .filter(|block| !is_run_elsewhere(block))
        .filter_map(|block| Some((block.place(), script(&block)?)));
    of_program
        .filter(|(_, script)| !command_lines(script).is_empty())
        .collect()
}

/// Reads pages, if the account under test is the local one.
fn read(is_chosen: impl Fn(&str) -> bool) {
    if std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        return;
    }
    let mut count = 0;
    for page in pages().iter().filter(|page| is_chosen(&page.0)) {
        if !scripts(page).is_empty() {
            count += Reader::new(&page.0).read(page);
        }
    }
    assert!(count > 2, "{count}");
}

#[test]
fn the_commands_of_the_readme_run() {
    read(|page| page == "README.md");
}

#[test]
fn the_commands_of_troubleshooting_run() {
    read(|page| page == "docs/troubleshooting.md");
}

#[test]
fn the_commands_of_all_other_pages_run() {
    read(|page| page != "README.md" && page != "docs/troubleshooting.md");
}

/// An exception that nothing needs any more would hide the next block.
#[test]
fn every_block_that_is_run_elsewhere_is_there() {
    let all: Vec<Block> = pages().iter().flat_map(blocks).collect();
    for (page, part, _) in ELSEWHERE {
        let is_there = all
            .iter()
            .any(|block| block.page == *page && block.text.contains(part));
        assert!(is_there, "{page}: {part}");
    }
}
