//! The output that reviewers see: one comment per stack on a pull request, and the summary of the run.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::json;

use super::github::{BOT, Comment};
use super::page::outside_code;
use super::repository::orders;
use super::runner::{Event, Repository};

const PULL_REQUEST: usize = 7;

fn stack(name: &str, display_name: &str) -> String {
    format!(
        "name: {name}\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
         topic: {{ type: aws:sns:Topic, properties: {{ displayName: {display_name} }} }}\n"
    )
}

fn marker(stack: &str) -> String {
    format!("<!-- fde-infra: {stack} -->\n")
}

/// Something that others have written.
fn foreign(repository: &Repository, login: &str, body: &str) {
    let mut state = repository.github.state();
    let id = 1000 + state.comments.len();
    let (login, body) = (login.to_owned(), body.to_owned());
    state.comments.push(Comment {
        id,
        number: PULL_REQUEST,
        login,
        body,
    });
}

/// The scripts that this story runs.
pub fn told() -> &'static BTreeSet<String> {
    static TOLD: OnceLock<BTreeSet<String>> = OnceLock::new();
    TOLD.get_or_init(|| {
        let (shop, till) = (stack("comment-shop", "Shop"), stack("comment-till", "Till"));
        let repository = Repository::new(
            "comment",
            &[("stacks/shop.yaml", &shop), ("stacks/till.yaml", &till)],
        );
        // Anyone who knows the marker can write it; and there is more than one page.
        foreign(&repository, "mallory", &marker("shop"));
        for number in 0..120 {
            foreign(&repository, "ada", &format!("Remark {number}"));
        }
        let event = Event::pull_request(PULL_REQUEST);
        let preview = |stack: &str| repository.action(&event, &json!({ "stack": stack }));
        let ours = || {
            let mut comments = repository.github.comments(PULL_REQUEST);
            comments.retain(|comment| comment.login == BOT);
            comments
        };

        // The first run writes it.
        let job = preview("shop");
        assert_eq!(job.result, "success", "{}", job.log);
        let [first] = &ours()[..] else {
            panic!("{}", job.log)
        };
        assert!(first.body.starts_with(&marker("shop")), "{}", first.body);
        assert!(first.body.contains("**1 to create**"), "{}", first.body);
        assert!(
            first
                .body
                .contains("[run 4711](https://github.com/happyrobot/platform/actions/runs/4711)")
        );
        // The commit that was pushed, rather than the merge that was tried.
        assert!(first.body.contains("<sub>222222222222, "), "{}", first.body);

        // The next one edits it, though remarks have come since; another stack has its own.
        for number in 0..120 {
            foreign(&repository, "ada", &format!("Answer {number}"));
        }
        repository.commit(
            "Rename",
            &[("stacks/shop.yaml", &stack("comment-shop", "Market"))],
        );
        assert_eq!(preview("shop").result, "success");
        assert_eq!(preview("till").result, "success");
        let [second, other] = &ours()[..] else {
            panic!("{:?}", ours())
        };
        assert_eq!(second.id, first.id);
        assert!(
            second.body.contains("Market") && !second.body.contains("Shop"),
            "{}",
            second.body
        );
        assert!(other.body.starts_with(&marker("till")), "{}", other.body);

        // A fault is news as well: the comment would speak of a plan that is no more.
        repository.commit(
            "Break",
            &[(
                "stacks/shop.yaml",
                "name: comment-shop\nregio: eu-south-2\n",
            )],
        );
        let job = preview("shop");
        assert_eq!(
            (job.result, job.outputs["exit-code"].as_str()),
            ("failure", Some("2")),
            "{}",
            job.log
        );
        assert_eq!(job.outputs["changes"], "");
        let broken = &ours()[0];
        assert!(
            broken
                .body
                .contains("### preview of <code>shop</code> failed: exit code 2"),
            "{}",
            broken.body
        );
        assert!(broken.body.contains("`regio`"), "{}", broken.body);
        assert!(job.summary.contains("failed: exit code 2"));
        let theirs = repository.github.comments(PULL_REQUEST);
        assert_eq!(
            theirs
                .iter()
                .find(|comment| comment.login == "mallory")
                .unwrap()
                .body,
            marker("shop")
        );
        repository.told()
    })
}

#[test]
fn the_first_run_comments_and_the_next_ones_edit() {
    told();
}

#[test]
fn a_fork_gets_a_warning() {
    let repository = Repository::new("fork", &[("stacks/shop.yaml", &stack("fork-shop", "Shop"))]);
    let event = Event::pull_request_from(PULL_REQUEST, "mallory/platform");
    let job = repository.action(&event, &json!({}));
    assert_eq!(job.result, "success", "{}", job.log);
    let warning =
        "::warning title=fde-infra::no comment on #7, as the token has no right to write one";
    assert!(job.log.contains(warning), "{}", job.log);
    assert_eq!(repository.github.comments(PULL_REQUEST).len(), 0);
    assert!(job.summary.contains("**1 to create**"));
}

#[test]
fn without_a_pull_request_there_is_nothing_to_comment_on() {
    let repository = Repository::new("push", &[("stacks/shop.yaml", &stack("push-shop", "Shop"))]);
    let job = repository.action(&Event::push(), &json!({}));
    assert_eq!(job.result, "success", "{}", job.log);
    assert_eq!(repository.github.state().writes, [] as [&str; 0]);
}

#[test]
fn three_thousand_changes_fit() {
    let groups: String = (1..3_000)
        .map(|number| format!("  group{number}: {{ type: aws:ec2:SecurityGroup, properties: {{ vpcId: '${{vpc.id}}' }} }}\n"))
        .collect();
    let stack = format!(
        "name: large\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
         vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.0.0.0/16 }} }}\n{groups}"
    );
    let repository = Repository::new("large", &[("stacks/dev.yaml", &stack)]);
    let job = repository.action(&Event::pull_request(PULL_REQUEST), &json!({}));
    assert_eq!(job.result, "success", "{}", job.log);
    assert_eq!(job.outputs["summary"], "3000 to create");
    let [comment] = &repository.github.comments(PULL_REQUEST)[..] else {
        panic!("{}", job.log)
    };
    let body = &comment.body;
    assert!(
        (30_000..=60_500).contains(&body.len()),
        "{} bytes",
        body.len()
    );
    assert_whole(body);
    assert!(
        body.contains("more rows are left out here"),
        "{}",
        &body[..500]
    );
    // The summary of a run has room for all rows.
    assert!(
        (100_000..1 << 20).contains(&job.summary.len()),
        "{} bytes",
        job.summary.len()
    );
    assert_eq!(job.summary.matches("| `+` create | `group").count(), 2_999);
    assert_whole(&job.summary);
}

/// Every block of a page ends, every row of a table has its cells, and the page has its own last line.
fn assert_whole(page: &str) {
    let count = |text: &str| page.matches(text).count();
    assert_eq!(count("<details>"), count("</details>"));
    assert_eq!(
        page.lines().filter(|line| line.starts_with("```")).count() % 2,
        0
    );
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        assert!(
            row.ends_with('|') && row.matches(" | ").count() == 3,
            "{row}"
        );
    }
    assert!(
        page.ends_with("</sub>\n") || page.ends_with("</details>\n"),
        "{}",
        &page[page.len() - 99..]
    );
}

#[test]
fn hostile_text_breaks_nothing() {
    let hostile =
        "a ``` b --> </details> ::set-output name=changes::x ##[add-mask]y | @team #1 <script>";
    let lines =
        "\\n::add-mask::oops\\n```\\n</details>\\n# Heading\\n%0A::stop-commands::x\\nend_0";
    let file = |lines: &str, more: &str| {
        let widget = format!("{{ type: text, properties: {{ markdown: \"{hostile}{lines}\" }} }}");
        format!(
            "name: hostile\nenvironment: dev\nregion: eu-south-2\nresources:\n  \
             topic: {{ type: aws:sns:Topic, properties: {{ displayName: \"{hostile}\" }} }}\n  \
             board: {{ type: aws:cloudwatch:Dashboard, properties: {{ dashboardBody: {{ widgets: [{widget}] }} }} }}\n\
             outputs: {{ poem: \"{hostile}{lines}\"{more} }}\n"
        )
    };
    let event = Event::pull_request(PULL_REQUEST);
    // A file with characters that it must not have, and the same without them: an error with an excerpt, and a plan.
    let faulty = file(&format!("{lines}\\r"), ", \"x\\nchanges<<y\": z");
    let repository = Repository::new("hostile", &[("stacks/dev.yaml", &faulty)]);
    for expected in ["failed: exit code 2", "### Preview: `hostile/dev`"] {
        let job = repository.action(&event, &json!({}));
        let [comment] = &repository.github.comments(PULL_REQUEST)[..] else {
            panic!("{}", job.log)
        };
        for page in [&comment.body, &job.summary] {
            assert!(page.contains(expected), "{page}");
            assert_nothing_gets_out(page);
        }
        assert_eq!(orders(&job.log), [] as [&str; 0], "{}", job.log);
        repository.commit("Mend", &[("stacks/dev.yaml", &file(lines, ""))]);
    }

    // An output is passed on unchanged, whatever it looks like, and is no other output.
    let job = repository.action(&event, &json!({ "command": "up" }));
    assert_eq!(job.result, "success", "{}", job.log);
    let outputs = job.outputs["outputs"].as_str().expect("outputs");
    let outputs: serde_json::Value = serde_json::from_str(outputs).expect("JSON");
    let expected: serde_json::Value =
        serde_json::from_str(&format!("\"{hostile}{lines}\"")).expect("JSON");
    assert_eq!(outputs["poem"], expected);
    assert_eq!(job.outputs["changes"], "");
    assert_eq!(orders(&job.log), [] as [&str; 0], "{}", job.log);
}

/// Checks that nothing on a page but ours stands outside of code.
pub fn assert_nothing_gets_out(page: &str) {
    for line in outside_code(page) {
        assert!(!line.starts_with("# "), "{line}");
        assert!(!line.contains("<script>"), "{line}");
    }
}
