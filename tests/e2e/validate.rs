//! `validate`: what is right or wrong with a file, without a call.

use expect_test::expect_file;

use crate::common::World;
use crate::common::commands::{DONE, NO_STACK, SHOP, USAGE, assert_fits, assert_plain, screens};
use crate::common::program::{Ended, Program, STACK};

const FAULTY: &str = "\
name: e2e-validate
environment: dev
region: eu-south-2
databse:
  name: shop
network:
  cidr: 10.0.0.0/8
  natGateways: many
resources:
  topic:
    type: aws:sns:Topik
  network:
    type: aws:ec2:Vpc
    properties: { cidrBlok: 10.0.0.0/16, enableDnsSupport: maybe }
  net:
    type: aws:ec2:Subnet
    properties: { vpcId: '${vpcc.id}', cidrBlock: 10.0.1.0/24 }
outputs:
  net: ${net.idd}
";

const FAULTY_HEAD: &str = "\
name: Shop_1
environment: devel
region: spain
resources: {}
";

#[tokio::test]
async fn files_and_their_faults() {
    let world = World::new("e2e-validate").await;
    // No account, no credentials: nothing is asked of AWS.
    let program = Program::of(&world)
        .without("AWS_ENDPOINT_URL")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let none = program.run_words(&["validate"]);
    let missing = program.run_words(&["validate", "there/is/none.yaml"]);
    program.write("stacks/shop.yaml", &world.file(SHOP));
    let only = program.run_words(&["validate"]);
    program.write("stacks/dev.yaml", FAULTY);
    let several = program.run_words(&["validate"]);
    let misspelled = program.run_words(&["validate", "shp"]);
    let faulty = program.run_words(&["validate", STACK]);
    let set = program.run_words(&[
        "validate",
        "shop",
        "--set",
        "resources.topic.typ=x",
        "--set",
        "oops",
    ]);
    let path = program.run_words(&["validate", "stacks/shop.yaml"]);
    let head = program.run_file(FAULTY_HEAD, "validate", &[]);
    let all: [Ended; 9] = [
        none, missing, only, several, misspelled, faulty, set, path, head,
    ];
    let statuses: Vec<Option<i32>> = all.iter().map(|ended| ended.status).collect();
    assert_eq!(
        statuses,
        [
            NO_STACK, NO_STACK, DONE, USAGE, NO_STACK, USAGE, USAGE, DONE, USAGE
        ]
    );
    for ended in &all {
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/validate.txt"].assert_eq(&screens(&all));

    let by_variable = program
        .with("FDE_INFRA_STACK", "shop")
        .run_words(&["validate"]);
    assert_eq!(by_variable.status, DONE, "{}", by_variable.screen);
}
