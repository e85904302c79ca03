//! Objects that others use are not deleted, and neither is anything before them: the preview knows it.

use aws_sdk_ec2::types::Filter;
use serde_json::json;

use crate::common::World;
use crate::common::program::{Ended, Program};
use crate::common::showing::Showing;

const REFUSED: Option<i32> = Some(5);

fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    ended
}

fn platform(name: &str) -> String {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let reads = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }] });
    format!(
        "vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.61.0.0/16 }} }}
one: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.61.1.0/24, availabilityZone: eu-south-2a }} }}
two: {{ type: aws:ec2:Subnet, properties: {{ vpcId: '${{vpc.id}}', cidrBlock: 10.61.2.0/24, availabilityZone: eu-south-2b }} }}
table: {{ type: aws:ec2:RouteTable, properties: {{ vpcId: '${{vpc.id}}' }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}
policy: {{ type: aws:iam:Policy, properties: {{ name: {name}, policy: {reads} }} }}
role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {trust} }} }}
group: {{ type: aws:lb:TargetGroup, properties: {{ name: {name}, port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}' }} }}
acl: {{ type: aws:wafv2:WebAcl, properties: {{ name: {name}, defaultAction: {{ allow: {{}} }}, visibilityConfig: {{ cloudwatchMetricsEnabled: true, metricName: acl, sampledRequestsEnabled: true }} }} }}
places: {{ type: aws:rds:SubnetGroup, properties: {{ name: {name}, description: places, subnetIds: ['${{one.id}}', '${{two.id}}'] }} }}
parameters: {{ type: aws:rds:ParameterGroup, properties: {{ name: {name}, family: postgres16 }} }}
"
    )
}

/// A service of others in the cluster of this name.
async fn run_service(world: &World, name: &str) {
    let sdk = &world.sdk.ecs;
    let container = aws_sdk_ecs::types::ContainerDefinition::builder();
    let container = container.name("app").image("nginx").memory(512).build();
    let task = sdk.register_task_definition().family(name);
    let task = task.container_definitions(container);
    task.send().await.expect("it is registered");
    let service = sdk.create_service().cluster(name);
    let service = service.service_name("theirs").task_definition(name);
    let service = service.desired_count(0).send().await;
    service.expect("it is made");
}

/// Puts objects of others on a stack, each of which keeps one of ours from being deleted.
async fn build_upon(world: &World, file: &str, name: &str) {
    let sdk = &world.sdk;
    let subnet = sdk.ec2.create_subnet();
    let subnet = subnet.vpc_id(world.id(file, "vpc").await);
    let subnet = subnet.cidr_block("10.61.9.0/24").send().await;
    let subnet = subnet.expect("a subnet").subnet.expect("a subnet");
    let subnet = subnet.subnet_id.expect("an id");
    let associate = sdk.ec2.associate_route_table().subnet_id(&subnet);
    let associate = associate.route_table_id(world.id(file, "table").await);
    associate.send().await.expect("it is associated");

    let vpc = world.id(file, "vpc").await;
    let table = sdk.ec2.create_route_table().vpc_id(&vpc).send().await;
    let table = table.expect("a table").route_table.expect("a table");
    let endpoint = sdk.ec2.create_vpc_endpoint().vpc_id(&vpc);
    let endpoint = endpoint
        .service_name("com.amazonaws.eu-south-2.s3")
        .vpc_endpoint_type(aws_sdk_ec2::types::VpcEndpointType::Gateway)
        .route_table_ids(table.route_table_id.expect("an id"));
    endpoint.send().await.expect("it is made");

    run_service(world, name).await;

    let arn = world.id(file, "policy").await;
    let user = format!("{name}-user");
    let made = sdk.iam.create_user().user_name(&user).send().await;
    made.expect("it is made");
    let attach = sdk.iam.attach_user_policy().user_name(&user);
    let attached = attach.policy_arn(&arn).send().await;
    attached.expect("it is attached");
    let made = sdk.iam.create_instance_profile();
    let made = made.instance_profile_name(name).send().await;
    made.expect("it is made");
    let give = sdk.iam.add_role_to_instance_profile().role_name(name);
    let given = give.instance_profile_name(name).send().await;
    given.expect("it is given");

    let balancer = sdk.elbv2.create_load_balancer().name("theirs-held");
    let balancer = balancer.subnets(world.id(file, "one").await);
    let balancer = balancer.subnets(world.id(file, "two").await);
    let balancer = balancer.send().await.expect("it is made");
    let balancer = balancer.load_balancers.expect("one").remove(0);
    let balancer = balancer.load_balancer_arn.expect("an ARN");
    let forward = aws_sdk_elasticloadbalancingv2::types::Action::builder();
    let forward = forward
        .r#type(aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum::Forward)
        .target_group_arn(world.id(file, "group").await);
    let listener = sdk.elbv2.create_listener().load_balancer_arn(&balancer);
    let listener = listener
        .port(80)
        .protocol(aws_sdk_elasticloadbalancingv2::types::ProtocolEnum::Http)
        .default_actions(forward.build());
    listener.send().await.expect("it is made");
    let acls = sdk.wafv2.list_web_acls();
    let acls = acls.scope(aws_sdk_wafv2::types::Scope::Regional);
    let acls = acls.send().await.expect("WAF answers");
    let acl = acls.web_acls().iter().find(|acl| acl.name() == Some(name));
    let acl = acl.and_then(|acl| acl.arn()).expect("ours");
    let associate = sdk.wafv2.associate_web_acl().web_acl_arn(acl);
    let associated = associate.resource_arn(&balancer).send().await;
    associated.expect("it is associated");

    let database = sdk.rds.create_db_instance();
    let database = database
        .db_instance_identifier(format!("{name}-theirs"))
        .db_instance_class("db.t3.micro")
        .engine("postgres")
        .engine_version("16.3")
        .allocated_storage(20)
        .master_username("theirs")
        .master_user_password("not-a-secret-1")
        .db_subnet_group_name(name)
        .db_parameter_group_name(name);
    database.send().await.expect("it is made");
}

/// Takes all of that away again.
async fn take_down(world: &World, file: &str, name: &str) {
    let sdk = &world.sdk;
    let database = sdk.rds.delete_db_instance().skip_final_snapshot(true);
    let database = database.db_instance_identifier(format!("{name}-theirs"));
    database.send().await.expect("it goes");
    let balancers = sdk.elbv2.describe_load_balancers().names("theirs-held");
    let balancers = balancers.send().await.expect("it is there");
    let balancer = balancers.load_balancers.expect("one").remove(0);
    let balancer = balancer.load_balancer_arn.expect("an ARN");
    let free = sdk.wafv2.disassociate_web_acl().resource_arn(&balancer);
    free.send().await.expect("it is taken off");
    let listeners = sdk.elbv2.describe_listeners();
    let listeners = listeners.load_balancer_arn(&balancer).send().await;
    for listener in listeners.expect("they are there").listeners() {
        let gone = sdk.elbv2.delete_listener();
        let gone = gone.set_listener_arn(listener.listener_arn.clone());
        gone.send().await.expect("it goes");
    }
    let gone = sdk.elbv2.delete_load_balancer();
    let gone = gone.load_balancer_arn(&balancer).send().await;
    gone.expect("it goes");
    let take = sdk.iam.remove_role_from_instance_profile().role_name(name);
    let taken = take.instance_profile_name(name).send().await;
    taken.expect("it is taken out");
    let gone = sdk.iam.delete_instance_profile();
    let gone = gone.instance_profile_name(name).send().await;
    gone.expect("it goes");
    let user = format!("{name}-user");
    let detach = sdk.iam.detach_user_policy().user_name(&user);
    let detached = detach.policy_arn(world.id(file, "policy").await);
    detached.send().await.expect("it is detached");
    let gone = sdk.iam.delete_user().user_name(&user).send().await;
    gone.expect("it goes");
    let stop = sdk.ecs.delete_service().cluster(name).service("theirs");
    stop.force(true).send().await.expect("it goes");
    let vpc = aws_sdk_ec2::types::Filter::builder().name("vpc-id");
    let vpc = vpc.values(world.id(file, "vpc").await).build();
    let subnets = sdk.ec2.describe_subnets().filters(vpc.clone());
    let subnets = subnets.send().await.expect("they are there");
    let theirs = subnets.subnets().iter();
    let mut theirs = theirs.filter(|subnet| subnet.cidr_block() == Some("10.61.9.0/24"));
    let theirs = theirs.next().and_then(|subnet| subnet.subnet_id());
    let tables = sdk.ec2.describe_route_tables().filters(vpc).send().await;
    let tables = tables.expect("they are there");
    let associations = tables.route_tables().iter();
    let mut associations = associations.flat_map(|table| table.associations());
    let association = associations.find(|one| one.subnet_id() == theirs);
    let association = association.and_then(|one| one.route_table_association_id());
    let free = sdk.ec2.disassociate_route_table();
    let free = free.association_id(association.expect("it is there"));
    free.send().await.expect("it is taken off");
    let gone = sdk.ec2.delete_subnet().subnet_id(theirs.expect("one"));
    gone.send().await.expect("it goes");
    let vpc = world.id(file, "vpc").await;
    let by = aws_sdk_ec2::types::Filter::builder().name("vpc-id");
    let by = by.values(&vpc).build();
    let endpoints = sdk.ec2.describe_vpc_endpoints().filters(by.clone());
    let endpoints = endpoints.send().await.expect("they are there");
    let endpoints = endpoints.vpc_endpoints().iter();
    let endpoints = endpoints.filter_map(|one| one.vpc_endpoint_id());
    let gone = sdk.ec2.delete_vpc_endpoints();
    let gone = gone.set_vpc_endpoint_ids(Some(endpoints.map(str::to_owned).collect()));
    gone.send().await.expect("it goes");
    let own = world.id(file, "table").await;
    let tables = sdk.ec2.describe_route_tables().filters(by).send().await;
    let tables = tables.expect("they are there");
    for table in tables.route_tables() {
        let id = table.route_table_id().expect("an id");
        let mut associations = table.associations().iter();
        if id != own && !associations.any(|one| one.main() == Some(true)) {
            let gone = sdk.ec2.delete_route_table().route_table_id(id);
            gone.send().await.expect("it goes");
        }
    }
}

/// Each would have been found out by its deletion: after 2 to 20 minutes, with the rest of the stack gone.
#[tokio::test]
async fn what_others_use_is_known_before_anything_is_deleted() {
    let _shown = Showing::of("R20", "deletions of what others use", 10);
    let name = "e2e-held";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let file = platform(name);
    succeeded(program.run(&file, "up", &["--yes"]));
    build_upon(&world, &file, name).await;

    let ended = program.run(&file, "destroy", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    for (held, by, way) in [
        (
            "aws:ec2:Vpc `vpc`",
            "subnet subnet-",
            "aws ec2 delete-subnet",
        ),
        (
            "aws:ec2:Vpc `vpc`",
            "route table rtb-",
            "aws ec2 delete-route-table",
        ),
        (
            "aws:ec2:Vpc `vpc`",
            "VPC endpoint vpce-",
            "aws ec2 delete-vpc-endpoints",
        ),
        (
            "aws:ecs:Cluster `cluster`",
            "service `theirs`",
            "aws ecs delete-service --cluster e2e-held --service theirs",
        ),
        (
            "aws:iam:Policy `policy`",
            "user `e2e-held-user`",
            "aws iam detach-user-policy --user-name e2e-held-user",
        ),
        (
            "aws:iam:Role `role`",
            "instance profile `e2e-held`",
            "aws iam remove-role-from-instance-profile",
        ),
        (
            "aws:lb:TargetGroup `group`",
            "load balancer `theirs-held`",
            "aws elbv2 describe-listeners",
        ),
        (
            "aws:wafv2:WebAcl `acl`",
            "load balancer `theirs-held`",
            "aws wafv2 disassociate-web-acl",
        ),
        (
            "aws:rds:SubnetGroup `places`",
            "database `e2e-held-theirs`",
            "aws rds describe-db-instances",
        ),
        (
            "aws:rds:ParameterGroup `parameters`",
            "database `e2e-held-theirs`",
            "aws rds describe-db-instances",
        ),
    ] {
        let told = ended
            .stderr
            .split("error[fde::guard::held_by_others]: ")
            .find(|message| message.starts_with(held));
        let told = told.unwrap_or_else(|| panic!("{held}: {}", ended.screen));
        assert!(told.contains("cannot be deleted: others use it"), "{told}");
        assert!(told.contains(by) && told.contains(way), "{told}");
    }
    take_down(&world, &file, name).await;
    succeeded(program.run(&file, "destroy", &["--yes", "--allow-delete", "*"]));
}

/// A line that leaves the file is asked about as well, and what the message says is done.
#[tokio::test]
async fn what_others_use_stays_where_it_is_if_the_rest_is_to_go() {
    let name = "e2e-held-rest";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let cluster = format!("cluster: {{ type: aws:ecs:Cluster, properties: {{ name: {name} }} }}\n");
    let topic = format!("topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}\n");
    let both = format!("{cluster}{topic}");
    succeeded(program.run(&both, "up", &["--yes"]));
    run_service(&world, name).await;

    let left_out = program.run(&topic, "up", &["--yes"]);
    assert_eq!(left_out.status, REFUSED, "{}", left_out.screen);
    assert_eq!(left_out.mutating, [] as [String; 0], "{}", left_out.screen);
    assert!(
        left_out.stderr.contains("keep it as it was in"),
        "{}",
        left_out.screen
    );
    let shown = program.run(&topic, "preview", &[]);
    assert_eq!(shown.status, REFUSED, "{}", shown.screen);
    let rows: Vec<&str> = shown.stdout.split_whitespace().collect();
    let said = format!("cluster/{name} refused: others use it");
    assert!(rows.join(" ").contains(&said), "{}", shown.screen);

    let rest = program.run(&both, "destroy", &["--yes"]);
    assert!(rest.stderr.contains("--exclude cluster"), "{}", rest.screen);
    succeeded(program.run(&both, "destroy", &["--yes", "--exclude", "cluster"]));
    let topics = world.sdk.sns.list_topics().send().await;
    let topics = topics.expect("SNS answers");
    let mut arns = topics.topics().iter().filter_map(|topic| topic.topic_arn());
    assert!(!arns.any(|arn| arn.ends_with(name)), "the topic is gone");
    let stop = world.sdk.ecs.delete_service().cluster(name);
    let stop = stop.service("theirs").force(true).send().await;
    stop.expect("it goes");
    succeeded(program.run(&both, "destroy", &["--yes"]));
}

/// A network that stays does not answer for what lies in it.
#[tokio::test]
async fn a_route_table_that_a_strange_subnet_uses_is_not_deleted() {
    let world = World::new("e2e-held-table").await;
    let program = Program::of(&world);
    let vpc = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.62.0.0/16 } }\n";
    let table = "table: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }\n";
    let both = format!("{vpc}{table}");
    succeeded(program.run(&both, "up", &["--yes"]));
    let subnet = world.sdk.ec2.create_subnet();
    let subnet = subnet.vpc_id(world.id(&both, "vpc").await);
    let subnet = subnet.cidr_block("10.62.9.0/24").send().await;
    let subnet = subnet.expect("a subnet").subnet.expect("a subnet");
    let subnet = subnet.subnet_id.expect("an id");
    let associate = world.sdk.ec2.associate_route_table().subnet_id(&subnet);
    let associate = associate.route_table_id(world.id(&both, "table").await);
    let association = associate.send().await.expect("it is associated");
    let association = association.association_id.expect("an id");
    let ended = program.run(vpc, "up", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    let said = "aws:ec2:RouteTable `table` cannot be deleted: others use it";
    assert!(ended.stderr.contains(said), "{}", ended.screen);
    let way = "aws ec2 disassociate-route-table --association-id";
    assert!(ended.stderr.contains(way), "{}", ended.screen);
    // Following the message lets the table go.
    let free = world.sdk.ec2.disassociate_route_table();
    let free = free.association_id(association).send().await;
    free.expect("it is taken off");
    succeeded(program.run(vpc, "up", &["--yes"]));
    let gone = world.sdk.ec2.delete_subnet().subnet_id(subnet).send().await;
    gone.expect("it goes");
    succeeded(program.run(vpc, "destroy", &["--yes"]));
}

/// AWS deletes no main table, and its network only after its other tables.
#[tokio::test]
async fn a_route_table_that_others_have_made_the_main_one_is_not_deleted() {
    let world = World::new("e2e-held-main").await;
    let program = Program::of(&world);
    let vpc = "vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.63.0.0/16 } }\n";
    let table = "table: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }\n";
    let both = format!("{vpc}{table}");
    succeeded(program.run(&both, "up", &["--yes"]));
    let own = world.id(&both, "table").await;
    let network = world.id(&both, "vpc").await;
    let of_network = Filter::builder().name("vpc-id").values(&network).build();
    let tables = world.sdk.ec2.describe_route_tables().filters(of_network);
    let tables = tables.send().await.expect("EC2 answers");
    let mut others = tables.route_tables().iter();
    let former = others.find(|table| table.route_table_id() != Some(own.as_str()));
    let former = former.expect("the network has a table of its own");
    let main = former.associations().first().expect("it is the main one");
    let main = main.route_table_association_id().expect("an id");
    let former = former.route_table_id().expect("an id");
    let replace = |association: &str, table: &str| {
        let replace = world.sdk.ec2.replace_route_table_association();
        replace
            .association_id(association)
            .route_table_id(table)
            .send()
    };
    let taken = replace(main, &own).await.expect("it takes the place");
    let taken = taken.new_association_id.expect("an id");
    let way = format!(
        "aws ec2 replace-route-table-association --association-id {taken} --route-table-id {former}"
    );
    for (file, command, held) in [
        (vpc, "up", "aws:ec2:RouteTable `table`"),
        (both.as_str(), "destroy", "aws:ec2:Vpc `vpc`"),
    ] {
        let ended = program.run(file, command, &["--yes"]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
        let said = format!("{held} cannot be deleted: others use it");
        assert!(ended.stderr.contains(&said), "{}", ended.screen);
        assert!(ended.stderr.contains(&way), "{}", ended.screen);
        assert!(
            !ended.stderr.contains("delete-route-table"),
            "{}",
            ended.screen
        );
    }
    // Following the message lets both go.
    replace(&taken, former).await.expect("it gives it back");
    succeeded(program.run(&both, "destroy", &["--yes"]));
}
