//! `explain`: the documentation of every key and type, without AWS.

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, USAGE, assert_fits, assert_plain, json, screens};
use crate::common::program::Program;

#[tokio::test]
async fn keys_and_types_are_explained() {
    let world = World::new("e2e-explain").await;
    let program = Program::of(&world).without("AWS_ENDPOINT_URL");
    let subjects: [&[&str]; 6] = [
        &["explain"],
        &["explain", "services.scaling"],
        // A name that the author has chosen may stand in the path.
        &["explain", "services.api.healthCheck.path"],
        &["explain", "loadBalancer.waf"],
        &["explain", "aws:ec2:Vpc"],
        &["explain", "aws:ec2:Vpc.cidrBlock"],
    ];
    let explained = subjects.map(|words| program.run_words(words));
    for ended in &explained {
        assert_eq!(ended.status, DONE, "{}", ended.screen);
        assert_eq!(ended.stderr, "");
        assert_plain(ended);
        assert_fits(ended);
    }
    let unknown: [&[&str]; 7] = [
        &["explain", "servces"],
        &["explain", "database.storageGb"],
        // The name of a service could stand there, but it is nearly a key.
        &["explain", "services.portt"],
        &["explain", "services.api.healthCheck.pth"],
        &["explain", "database.backups.retention"],
        &["explain", "services.api.port.number"],
        &["explain", "aws:ec2:Vcp"],
    ];
    let unknown = unknown.map(|words| program.run_words(words));
    for ended in &unknown {
        assert_eq!(ended.status, USAGE, "{}", ended.screen);
        assert_eq!(ended.stdout, "");
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/explain.txt"]
        .assert_eq(&screens(explained.iter().chain(&unknown)));
    let document = json(&program.run_words(&["explain", "network", "--json"]));
    assert!(document["properties"]["cidr"].is_object(), "{document}");
}
