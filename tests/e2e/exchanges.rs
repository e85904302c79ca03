//! Replacements that cannot be made as they stand are refused before anything is done, and those that interrupt what is
//! served say so; through the program and real API calls.

use aws_sdk_ecs::types::CapacityProviderStrategyItem;

use crate::common::World;
use crate::common::commands::{DONE, REFUSED, assert_fits, assert_plain, json};
use crate::common::program::Program;
use crate::common::showing::Showing;

/// Two subnets that a load balancer holds.
const HELD: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2a } }
right: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2b } }
balancer: { type: aws:lb:LoadBalancer, properties: { name: NAME, internal: true, subnets: ['${left.id}', '${right.id}'] } }
targets: { type: aws:lb:TargetGroup, properties: { port: 80, protocol: HTTP, targetType: ip, vpcId: '${vpc.id}' } }
on80: { type: aws:lb:Listener, properties: { loadBalancerArn: '${balancer.arn}', port: 80, defaultActions: [{ type: forward, targetGroupArn: '${targets.arn}' }] } }
";

#[tokio::test]
async fn what_cannot_go_before_its_users_have_moved_is_refused_with_the_way() {
    let _shown = Showing::of("R20", "a zone exchanged under what is in use", 1);
    let world = World::new("e2e-exchanges-held").await;
    let program = Program::of(&world);
    let held = HELD.replace("NAME", "e2e-exchanges-held");
    assert_eq!(program.run(&held, "up", &["--yes"]).status, DONE);
    let other_zone = held.replace("eu-south-2b", "eu-south-2c");
    for command in [&["preview"][..], &["up", "--yes"]] {
        let ended = program.run(&other_zone, command[0], &command[1..]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert_eq!(ended.mutating, [""; 0], "{}", ended.screen);
        for said in [
            "aws:ec2:Subnet `right` cannot be deleted when it would have to be",
            "used by balancer",
            "give it another `cidrBlock` in",
        ] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
        assert_fits(&ended);
        assert_plain(&ended);
    }
    // The advice in the message works.
    let moved = other_zone.replace("10.0.2.0", "10.0.3.0");
    let ended = program.run(&moved, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let ended = program.run(&moved, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(program.run(&moved, "destroy", &["--yes"]).status, DONE);
}

/// Edits without a replacement interrupt as well: an address that leaves the file, and a listener whose new target group has
/// no targets yet.
#[tokio::test]
async fn lost_addresses_and_traffic_to_what_is_yet_to_be_made_are_said() {
    let world = World::new("e2e-exchanges-lost").await;
    let program = Program::of(&world);
    let held = HELD.replace("NAME", "e2e-exchanges-lost");
    let ways = "\
gateway: { type: aws:ec2:InternetGateway, properties: { vpcId: '${vpc.id}' } }
address: { type: aws:ec2:Eip, properties: {} }
way: { type: aws:ec2:NatGateway, properties: { subnetId: '${left.id}', allocationId: '${address.id}' } }
";
    let before = format!("{held}{ways}");
    let ended = program.run(&before, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let renamed = held.replace("targets: { type", "backend: { type");
    let renamed = renamed.replace(
        "port: 80, protocol: HTTP, targetType",
        "port: 8080, protocol: HTTP, targetType",
    );
    let after = renamed.replace("${targets.arn}", "${backend.arn}");
    let ended = program.run(&after, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let said = ended
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for row in [
        "! address: interrupts: its public address is lost",
        "! way: interrupts: open connections end",
        "! on80: interrupts: requests fail until tasks have registered in the new target group",
        "! 3 interrupt traffic or addresses",
    ] {
        assert!(said.contains(row), "{row}: {}", ended.screen);
    }
    assert_fits(&ended);
    let markdown = program.run(&after, "preview", &["--markdown"]);
    assert!(
        markdown.stdout.contains("its public address is lost"),
        "{}",
        markdown.stdout
    );
    let shown = json(&program.run(&after, "preview", &["--json"]));
    assert_eq!(shown["summary"]["interrupts"], 3, "{shown:#}");
    // Under another name the listener takes over from one that goes.
    let moved = after.replace("on80: ", "on80again: ");
    let ended = program.run(&moved, "preview", &[]);
    assert!(ended.stdout.contains("interrupts"), "{}", ended.screen);
    // Objects that are destroyed serve no one any more.
    let destroyed = program.run(&after, "destroy", &["--yes"]);
    assert_eq!(destroyed.status, DONE, "{}", destroyed.screen);
    assert!(
        !destroyed.stdout.contains("interrupt"),
        "{}",
        destroyed.screen
    );
}

#[tokio::test]
async fn a_load_balancer_with_another_name_is_made_with_groups_of_its_own_and_the_preview_says_what_it_means()
 {
    let _shown = Showing::of("R20", "a load balancer with another name", 1);
    let world = World::new("e2e-exchanges-name").await;
    let program = Program::of(&world);
    let before = HELD.replace("NAME", "e2e-exchanges-one");
    assert_eq!(program.run(&before, "up", &["--yes"]).status, DONE);
    let after = HELD.replace("NAME", "e2e-exchanges-two");
    let ended = program.run(&after, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(
        ended
            .raw
            .contains("!  balancer: interrupts: its DNS name and its addresses change"),
        "{}",
        ended.screen
    );
    assert_fits(&ended);
    let shown = json(&program.run(&after, "preview", &["--json"]));
    let of_balancer = shown["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["name"] == "balancer" && step["op"] == "create-replacement")
        .expect("it is replaced");
    assert_eq!(
        of_balancer["interrupts"],
        "its DNS name and its addresses change"
    );
    assert_eq!(shown["summary"]["interrupts"], 2, "{shown:#}");
    let markdown = program.run(&after, "preview", &["--markdown"]);
    assert!(
        markdown.stdout.contains("> Interrupts:"),
        "{}",
        markdown.stdout
    );
    let ended = program.run(&after, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    let found = world
        .sdk
        .elbv2
        .describe_load_balancers()
        .send()
        .await
        .expect("answers");
    let names: Vec<&str> = found
        .load_balancers()
        .iter()
        .filter_map(|balancer| balancer.load_balancer_name())
        // Other tests have others, at the same time.
        .filter(|name| ["e2e-exchanges-one", "e2e-exchanges-two"].contains(name))
        .collect();
    assert_eq!(names, ["e2e-exchanges-two"]);
    let ended = program.run(&after, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(program.run(&after, "destroy", &["--yes"]).status, DONE);
}

const SERVICE: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.1.0/24 } }
cluster: { type: aws:ecs:Cluster, properties: { name: e2e-exchanges } }
task: { type: aws:ecs:TaskDefinition, properties: { family: e2e-exchanges, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: web, image: 'public.ecr.aws/nginx/nginx:1.27' }] } }
service: { type: aws:ecs:Service, properties: { name: e2e-exchanges, cluster: '${cluster.arn}', taskDefinition: '${task.arn}', launchType: FARGATE, desiredCount: 1, networkConfiguration: { subnets: ['${subnet.id}'] } } }
";

/// By hand, as in a night when there was no other capacity.
#[tokio::test]
async fn a_service_that_was_moved_to_spot_comes_back_without_a_replacement() {
    let _shown = Showing::of("R20", "a service moved to Spot", 1);
    let world = World::new("e2e-exchanges-spot").await;
    let program = Program::of(&world);
    assert_eq!(program.run(SERVICE, "up", &["--yes"]).status, DONE);
    let service = || async {
        let found = world
            .sdk
            .ecs
            .describe_services()
            .cluster("e2e-exchanges")
            .services("e2e-exchanges")
            .send()
            .await
            .expect("answers");
        found.services()[0].clone()
    };
    let before = service().await;
    let spot = CapacityProviderStrategyItem::builder()
        .capacity_provider("FARGATE_SPOT")
        .weight(1)
        .build()
        .expect("complete");
    world
        .sdk
        .ecs
        .update_service()
        .cluster("e2e-exchanges")
        .service("e2e-exchanges")
        .capacity_provider_strategy(spot)
        .force_new_deployment(true)
        .send()
        .await
        .expect("moves");
    assert_eq!(service().await.launch_type(), None);
    let ended = program.run(SERVICE, "up", &["--yes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(
        !ended
            .mutating
            .iter()
            .any(|call| call == "ecs:DeleteService")
    );
    let after = service().await;
    assert_eq!(after.created_at(), before.created_at());
    assert_eq!(
        after.launch_type().map(|kind| kind.as_str()),
        Some("FARGATE")
    );
    assert!(after.capacity_provider_strategy().is_empty(), "{after:?}");
    assert_eq!(
        after.deployments()[0]
            .launch_type()
            .map(|kind| kind.as_str()),
        Some("FARGATE")
    );
    let ended = program.run(SERVICE, "preview", &["--expect-no-changes"]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert_eq!(program.run(SERVICE, "destroy", &["--yes"]).status, DONE);
}
