//! The screens that a user meets, as text, in terminals of several widths: `tests/snapshots/screens`.
//!
//! `UPDATE_EXPECT=1 cargo test --test e2e screens::` writes all of them.

use expect_test::{ExpectFile, expect_file};

use crate::common::World;
use crate::common::commands::{CANCELLED, DONE, USAGE};
use crate::common::program::{Program, STACK, lasting};
use crate::common::screen::shown;
use crate::lock::unlocked;
use crate::prompt::Session;

const WIDTHS: [usize; 3] = [40, 80, 120];

/// A stack file with every section.
const PLATFORM: &str = "\
network: {}
database: {}
services:
  api: { port: 8000, routes: [\"/api/*\", /health], secrets: { DATABASE_URL: \"${database.url}\" } }
  web: { port: 3000, default: true }
loadBalancer: {}
monitoring: { alarmEmails: [oncall@example.com] }
";

const FAULTY: &str = "\
network: { cidr: 10.0.0.0/33, natGateway: single }
database: { backupRetentionDays: 90, instanceClass: db.t3.mikro }
services:
  api: { port: 8000, cpu: 300, routes: [api, \"admin.example.com/*\"], environment: { HOST: \"${database.hots}\" } }
loadBalancer: {}
";

/// Nothing that a deletion leaves behind.
const LIFE: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}', description: of the shop } }
topic: { type: aws:sns:Topic, properties: { displayName: Shop } }
";

fn file(world: &World, sections: &str) -> String {
    world.file("").replace("resources: {}\n", sections)
}

/// The output without the line that names the account under test, which users of AWS's own addresses do not have. What is
/// written before it, on the same line, takes a frame off the screen and stays.
fn without_endpoint(written: &str) -> String {
    let lines = written.split_inclusive('\n');
    lines
        .map(|line| match line.find("The endpoint: http://127.0.0.1:") {
            Some(at) if line.contains(", by AWS_ENDPOINT_URL") => &line[..at],
            _ => line,
        })
        .collect()
}

/// A screen at one width, under its width.
fn framed(columns: usize, words: &[&str], text: &str) -> String {
    let title = format!("──── {columns} columns ");
    let rule: String = title
        .chars()
        .chain(std::iter::repeat('─'))
        .take(columns)
        .collect();
    format!(
        "{rule}\n$ fde-infra {}\n{}\n",
        words.join(" "),
        text.trim_end()
    )
}

/// The screen of a command that ends by itself, on a terminal of this width.
fn on_terminal(
    program: &Program<'_>,
    columns: usize,
    words: &[&str],
    status: Option<i32>,
) -> String {
    let session = Session::in_window(program, columns, words);
    ended(session, columns, words, status)
}

fn ended(session: Session, columns: usize, words: &[&str], status: Option<i32>) -> String {
    let (found, written) = session.ended();
    // Before a narrow terminal breaks an id in two.
    let text = shown(&lasting(&without_endpoint(&written)), columns);
    assert_eq!(found, status, "{text}");
    framed(columns, words, &text)
}

/// A command at every width.
fn at_each_width(program: &Program<'_>, words: &[&str], status: Option<i32>, file: ExpectFile) {
    let screens = WIDTHS.map(|columns| on_terminal(program, columns, words, status));
    file.assert_eq(&screens.join("\n"));
}

#[tokio::test]
async fn before_a_stack_is_there() {
    let world = World::new("e2e-screens").await;
    let program = Program::of(&world);
    program.write("stacks/dev.yaml", &file(&world, PLATFORM));
    program.write("stacks/faulty.yaml", &file(&world, FAULTY));
    at_each_width(
        &program,
        &["--help"],
        DONE,
        expect_file!["../snapshots/screens/help.txt"],
    );
    at_each_width(
        &program,
        &["up", "--help"],
        DONE,
        expect_file!["../snapshots/screens/help_up.txt"],
    );
    at_each_width(
        &program,
        &["validate", "faulty"],
        USAGE,
        expect_file!["../snapshots/screens/validate.txt"],
    );
    at_each_width(
        &program,
        &["preview", STACK],
        DONE,
        expect_file!["../snapshots/screens/preview.txt"],
    );
    at_each_width(
        &program,
        &["preview", STACK, "--diff", "--target", "services/api"],
        DONE,
        expect_file!["../snapshots/screens/preview_diff.txt"],
    );
}

#[tokio::test]
async fn while_a_stack_comes_and_goes() {
    let world = unlocked("e2e-screens-life").await;
    let program = Program::of(&world);
    let outputs = "outputs: { topicArn: \"${topic.arn}\", vpcId: \"${vpc.id}\" }\n";
    let text = format!("{}{outputs}", world.file(LIFE));
    program.write("stacks/dev.yaml", &text);
    let mut up = Vec::new();
    let mut destroy = Vec::new();
    for columns in WIDTHS {
        up.push(on_terminal(
            &program,
            columns,
            &["up", STACK, "--yes", "--parallel", "1"],
            DONE,
        ));
        let words = ["destroy", STACK];
        let mut session = Session::in_window(&program, columns, &words);
        session.wait_for("There is no undo");
        // The prompt: an answer before it would be shown above.
        session.wait_for("resources:");
        session.answer("\r");
        destroy.push(ended(session, columns, &words, CANCELLED));
        if columns != WIDTHS[WIDTHS.len() - 1] {
            world.destroy(LIFE).await;
        }
    }
    expect_file!["../snapshots/screens/up.txt"].assert_eq(&up.join("\n"));
    expect_file!["../snapshots/screens/destroy.txt"].assert_eq(&destroy.join("\n"));
    at_each_width(
        &program,
        &["output", STACK],
        DONE,
        expect_file!["../snapshots/screens/output.txt"],
    );
    at_each_width(
        &program,
        &["history", STACK],
        DONE,
        expect_file!["../snapshots/screens/history.txt"],
    );
    world.destroy(LIFE).await;
}
