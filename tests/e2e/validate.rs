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

/// Properties of the right types that cannot work, and last one that may work once it is known.
const MISFITS: &str = "\
name: e2e-misfits
environment: dev
region: eu-south-2
resources:
  topic: { type: aws:sns:Topic }
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
  group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
  twoPeers:
    type: aws:vpc:SecurityGroupIngressRule
    properties:
      securityGroupId: '${group.id}'
      ipProtocol: '-1'
      cidrIpv4: 10.0.0.0/8
      cidrIpv6: '::/0'
  noPorts:
    type: aws:vpc:SecurityGroupIngressRule
    properties:
      securityGroupId: '${group.id}'
      ipProtocol: tcp
      fromPort: 443
      cidrIpv4: 10.0.0.0/8
  allPorts:
    type: aws:vpc:SecurityGroupEgressRule
    properties:
      securityGroupId: '${group.id}'
      ipProtocol: '-1'
      fromPort: 443
      toPort: 443
      cidrIpv4: 10.0.0.0/8
  repository:
    type: aws:ecr:Repository
    properties:
      encryptionConfigurations:
        - { encryptionType: KMS, kmsKey: alias/mine }
  secret:
    type: aws:secretsmanager:Secret
    properties:
      generateSecretString: { generateStringKey: password }
  balancer:
    type: aws:lb:LoadBalancer
    properties:
      subnets: [subnet-1, subnet-2]
      accessLogs: { enabled: true }
  certificate:
    type: aws:lb:Listener
    properties:
      loadBalancerArn: '${balancer.arn}'
      port: 80
      certificateArn: '${topic.arn}'
      defaultActions: [{ type: forward, targetGroupArn: '${topic.arn}' }]
  action:
    type: aws:lb:Listener
    properties:
      loadBalancerArn: '${balancer.arn}'
      port: 81
      defaultActions:
        - { type: redirect, targetGroupArn: '${topic.arn}' }
  tests:
    type: aws:lb:ListenerRule
    properties:
      listenerArn: '${action.arn}'
      priority: 1
      conditions:
        - { pathPattern: { values: ['/a'] } }
        - pathPattern: { values: ['/b'] }
          hostHeader: { values: ['${topic.name}'] }
      actions: [{ type: forward, targetGroupArn: '${topic.arn}' }]
  acl:
    type: aws:wafv2:WebAcl
    properties:
      defaultAction: { allow: {}, block: {} }
      visibilityConfig: &visible
        cloudwatchMetricsEnabled: true
        metricName: acl
        sampledRequestsEnabled: true
  rules:
    type: aws:wafv2:WebAcl
    properties:
      defaultAction: { allow: {} }
      visibilityConfig: *visible
      rules:
        - name: limit
          priority: 1
          overrideAction: { none: {} }
          statement: { rateBasedStatement: { limit: 1000 } }
          visibilityConfig: *visible
  route:
    type: aws:ec2:Route
    properties:
      routeTableId: '${vpc.id}'
      destinationCidrBlock: 0.0.0.0/0
      gatewayId: '${vpc.id}'
      natGatewayId: '${vpc.id}'
  subscription:
    type: aws:sns:TopicSubscription
    properties:
      topic: '${topic.arn}'
      protocol: sqs
      endpoint: '${topic.arn}'
      filterPolicyScope: MessageBody
  service:
    type: aws:ecs:Service
    properties: { cluster: shop, taskDefinition: api }
  expiry:
    type: aws:s3:BucketLifecycleConfiguration
    properties:
      bucket: '${topic.name}'
      rules:
        - id: old
          status: Enabled
          expiration: { date: tomorrow }
  association:
    type: aws:wafv2:WebAclAssociation
    properties: { resourceArn: shop, webAclArn: '${acl.arn}' }
  unknown:
    type: aws:lb:Listener
    properties:
      loadBalancerArn: '${balancer.arn}'
      port: 82
      protocol: '${topic.name}'
      certificateArn: '${topic.arn}'
      defaultActions:
        - { type: '${topic.name}', targetGroupArn: '${topic.arn}' }
";

/// Things that AWS has one of, given twice, and texts or combinations that it does not take.
const TWICE: &str = "\
name: e2e-twice
environment: dev
region: eu-south-2
tags: { Project: a, project: b }
network: { natGateways: none }
services:
  api: { port: 8000, default: true, repository: shop }
  web: { port: 3000, routes: [/web], repository: shop }
loadBalancer: {}
resources:
  uploads: { type: aws:s3:Bucket }
  first:
    type: aws:s3:BucketPolicy
    properties: { bucket: '${uploads.id}', policy: {} }
  second:
    type: aws:s3:BucketPolicy
    properties: { bucket: '${uploads.bucket}', policy: {} }
  role:
    type: aws:iam:Role
    properties: { description: 'the shop’s role', assumeRolePolicy: {} }
  away:
    type: aws:ec2:Route
    properties:
      routeTableId: '${network/publicRouteTable.id}'
      destinationCidrBlock: 0.0.0.0/0
      gatewayId: '${network/internetGateway.id}'
";

const MISSPELLED_REGION: &str = "name: e2e-region\nenvironment: dev\nregion: eu-suoth-2\n";
const NEW_REGION: &str = "name: e2e-region\nenvironment: dev\nregion: eu-west-9\n";

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
    let invalid_inputs = program.run_file(MISFITS, "validate", &[]);
    let twice = program.run_file(TWICE, "validate", &[]);
    let misspelled_region = program.run_file(MISSPELLED_REGION, "validate", &[]);
    let new_region = program.run_file(NEW_REGION, "validate", &[]);
    let all: [Ended; 13] = [
        none,
        missing,
        only,
        several,
        misspelled,
        faulty,
        set,
        path,
        head,
        invalid_inputs,
        twice,
        misspelled_region,
        new_region,
    ];
    let statuses: Vec<Option<i32>> = all.iter().map(|ended| ended.status).collect();
    assert_eq!(
        statuses,
        [
            NO_STACK, NO_STACK, DONE, USAGE, NO_STACK, USAGE, USAGE, DONE, USAGE, USAGE, USAGE,
            USAGE, DONE
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

/// Reported by every command that reads the file, and by none once the file says that it is meant, or has a certificate.
#[tokio::test]
async fn a_load_balancer_that_serves_http_alone_is_warned_of() {
    let world = World::in_environment("e2e-plain-http", "staging").await;
    let program = Program::of(&world);
    let file = |balancer: &str| {
        format!(
            "name: e2e-plain-http\nenvironment: staging\nregion: eu-south-2\nnetwork: {{ natGateways: none }}\n\
             services: {{ web: {{ port: 3000, default: true }} }}\nloadBalancer: {balancer}\n"
        )
    };
    let certified = "{ certificateArn: 'arn:aws:acm:eu-south-2:123456789012:certificate/0a', accessLogs: { enabled: false } }";
    for command in ["validate", "preview"] {
        for (balancer, is_warned) in [
            ("{ accessLogs: { enabled: false } }", true),
            ("{ allowHttp: true, accessLogs: { enabled: false } }", false),
            (certified, false),
        ] {
            let ended = program.run_file(&file(balancer), command, &[]);
            assert_eq!(ended.status, DONE, "{}", ended.screen);
            let is_told = ended.stderr.contains("fde::stack::unencrypted");
            assert_eq!(is_told, is_warned, "{balancer}: {}", ended.screen);
            let helps =
                ended.stderr.contains("certificateArn") && ended.stderr.contains("allowHttp: true");
            assert_eq!(helps, is_warned, "{balancer}: {}", ended.screen);
        }
    }
}

/// Several files are judged one by one, and the first that is refused decides the status; `-` is what comes in.
#[tokio::test]
async fn several_files_and_standard_input() {
    let world = World::new("e2e-validate-several").await;
    let program = Program::of(&world);
    program.write("stacks/shop.yaml", &world.file(SHOP));
    program.write("stacks/market.yaml", &world.file(SHOP));
    let all_right = program.run_words(&["validate"]);
    program.write("stacks/market.yaml", FAULTY_HEAD);
    let one_wrong = program.run_words(&["validate", "market", "shop.yaml", "none"]);
    let fed = program.run_with_input(&["validate", "-"], &world.file(SHOP));
    let fed_wrong = program.run_with_input(&["validate", "-"], FAULTY_HEAD);
    // Only a file that is judged comes in: what is deployed has a name.
    let deployed = program.run_with_input(&["preview", "-"], &world.file(SHOP));
    let all = [all_right, one_wrong, fed, fed_wrong, deployed];
    let statuses = all.each_ref().map(|ended| ended.status);
    assert_eq!(statuses, [DONE, USAGE, DONE, USAGE, NO_STACK]);
    for ended in &all {
        assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        assert_plain(ended);
        assert_fits(ended);
    }
    expect_file!["../snapshots/commands/validate_several.txt"].assert_eq(&screens(&all));
}

/// Stacks are found from below the directory that has `stacks/`, up to the repository's own.
#[tokio::test]
async fn stacks_are_found_from_below() {
    let world = World::new("e2e-validate-below").await;
    let program = Program::of(&world);
    program.write("stacks/shop.yaml", &world.file(SHOP));
    let below = program.directory().join("stacks/more");
    std::fs::create_dir_all(below.join(".git")).expect("it can be made");
    let from = |place: &str, words: &[&str]| {
        let output = program
            .command(words)
            .current_dir(program.directory().join(place))
            .output();
        program.ended(words, &output.expect("the program ends"), 0)
    };
    for (place, words, status) in [
        ("stacks", &["validate"][..], DONE),
        ("stacks", &["validate", "shop"], DONE),
        ("stacks", &["validate", "shop.yaml"], DONE),
        // What is above a repository is another's.
        ("stacks/more", &["validate", "shop"], NO_STACK),
        ("stacks/more/.git", &["validate", "shop"], NO_STACK),
    ] {
        let ended = from(place, words);
        assert_eq!(ended.status, status, "{place}: {}", ended.screen);
    }
}
