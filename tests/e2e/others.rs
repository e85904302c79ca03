//! Objects of others stay as they are: what they attach to our objects, what they deploy, what they have in other regions,
//! and what a file would change of theirs.

use serde_json::{Value as Json, json};

use aws_sdk_ec2::types::{IpPermission, IpRange};

use crate::common::program::{Ended, Program};
use crate::common::showing::Showing;
use crate::common::{REGION, World};

const REFUSED: Option<i32> = Some(5);
const UNEXPECTED: Option<i32> = Some(7);

fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    ended
}

/// The entries of a JSON preview about the things that others have added.
fn added(program: &Program<'_>, file: &str) -> Vec<Json> {
    let shown = succeeded(program.run_file(file, "preview", &["--json"]));
    let document: Json = serde_json::from_str(&shown.stdout).expect("a document");
    document["added"].as_array().expect("a list").clone()
}

const GROUP: &str = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.60.0.0/16 } }
group: { type: aws:ec2:SecurityGroup, properties: { vpcId: '${vpc.id}' } }
own: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: '${group.id}', ipProtocol: tcp, fromPort: 443, toPort: 443, cidrIpv4: 10.0.0.0/8 } }
";

async fn open_ssh(world: &World, group: &str) -> String {
    let everywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22);
    let ssh = ssh.to_port(22).ip_ranges(everywhere).build();
    let authorize = world.sdk.ec2.authorize_security_group_ingress();
    let answer = authorize.group_id(group).ip_permissions(ssh).send().await;
    let answer = answer.expect("a rule can be added");
    let rule = &answer.security_group_rules()[0];
    rule.security_group_rule_id().expect("an id").to_owned()
}

async fn rules(world: &World, group: &str) -> Vec<String> {
    let by = aws_sdk_ec2::types::Filter::builder();
    let by = by.name("group-id").values(group).build();
    let asked = world.sdk.ec2.describe_security_group_rules().filters(by);
    let answer = asked.send().await.expect("EC2 answers");
    let rules = answer.security_group_rules().iter();
    let ids = rules.filter_map(|rule| rule.security_group_rule_id());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_rule_added_to_our_group_is_drift_until_it_is_accepted_or_removed() {
    let _shown = Showing::of("R19", "a rule added to a group", 1);
    let world = World::new("e2e-others-rule").await;
    let program = Program::of(&world);
    let file = world.file(GROUP);
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let group = world.id(GROUP, "group").await;
    let ssh = open_ssh(&world, &group).await;

    let expected = ["--expect-no-changes"];
    let ended = program.run_file(&file, "preview", &expected);
    assert_eq!(ended.status, UNEXPECTED, "{}", ended.screen);
    assert!(ended.stdout.contains("Added by others"), "{}", ended.screen);
    assert!(ended.stdout.contains(&ssh), "{}", ended.screen);
    assert_eq!(added(&program, &file)[0]["drift"], true);
    let up = succeeded(program.run_file(&file, "up", &["--yes"]));
    assert_eq!(up.mutating, [] as [String; 0]);

    let page = succeeded(program.run_file(&file, "preview", &["--markdown"]));
    assert!(page.stdout.contains(&ssh), "{}", page.screen);

    // A mistake is no consent, and is reported.
    let slip = program.run_file(&file, "up", &["--yes", "--remove", "sgr-0"]);
    assert_eq!(slip.status, Some(2), "{}", slip.screen);
    assert!(
        slip.stderr.contains("--remove matches nothing"),
        "{}",
        slip.screen
    );
    let slip = format!("{file}options: {{ group: {{ accept: [\"sgr-0\"] }} }}\n");
    let slip = program.run_file(&slip, "preview", &expected);
    assert_eq!(slip.status, UNEXPECTED, "{}", slip.screen);
    let said = "`accept` of group names nothing";
    assert!(slip.stderr.contains(said), "{}", slip.screen);

    // The two ways in the help, one after the other.
    let accepted = format!("{file}options: {{ group: {{ accept: [\"{ssh}\"] }} }}\n");
    succeeded(program.run_file(&accepted, "preview", &expected));
    assert_eq!(added(&program, &accepted)[0]["drift"], false);
    succeeded(program.run_file(&file, "up", &["--yes", "--remove", &ssh]));
    assert!(!rules(&world, &group).await.contains(&ssh));
    assert_eq!(rules(&world, &group).await.len(), 1, "ours stays");
    succeeded(program.run_file(&file, "preview", &expected));

    // Rules that others have put in the place of ours go before ours come, if that is said.
    let own = rules(&world, &group).await.remove(0);
    let revoke = world.sdk.ec2.revoke_security_group_ingress();
    let revoke = revoke.group_id(&group).security_group_rule_ids(own);
    revoke.send().await.expect("a rule can be revoked");
    let inside = IpRange::builder().cidr_ip("10.0.0.0/8").build();
    let same = IpPermission::builder().ip_protocol("tcp").from_port(443);
    let same = same.to_port(443).ip_ranges(inside).build();
    let authorize = world.sdk.ec2.authorize_security_group_ingress();
    let answer = authorize.group_id(&group).ip_permissions(same).send().await;
    answer.expect("a rule can be added");
    let theirs = rules(&world, &group).await.remove(0);
    let refused = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(refused.status, REFUSED, "{}", refused.screen);
    let way = format!("--remove {theirs}");
    assert!(refused.raw.contains(&way), "{}", refused.screen);
    succeeded(program.run_file(&file, "up", &["--yes", "--remove", &theirs]));
    let now = rules(&world, &group).await;
    assert!(now.len() == 1 && now[0] != theirs, "{now:?}");
    succeeded(program.run_file(&file, "preview", &expected));
    world.destroy(GROUP).await;
}

const ROLE: &str = "\
role: { type: aws:iam:Role, properties: { assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] } } }
own: { type: aws:iam:RolePolicyAttachment, properties: { role: '${role.name}', policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' } }
";

async fn attached(world: &World, role: &str) -> Vec<String> {
    let asked = world.sdk.iam.list_attached_role_policies().role_name(role);
    let answer = asked.send().await.expect("IAM answers");
    let policies = answer.attached_policies().iter();
    let arns = policies.filter_map(|policy| policy.policy_arn());
    arns.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_policy_that_others_attach_stays_and_one_that_leaves_the_file_goes() {
    let _shown = Showing::of("R19", "a policy attached to a role", 1);
    let world = World::new("e2e-others-policy").await;
    let program = Program::of(&world);
    let file = world.file(ROLE);
    succeeded(program.run_file(&file, "up", &["--yes"]));
    let role = world.id(ROLE, "role").await;
    let theirs = "arn:aws:iam::aws:policy/SecurityAudit";
    let attach = world.sdk.iam.attach_role_policy().role_name(&role);
    attach
        .policy_arn(theirs)
        .send()
        .await
        .expect("a policy can be attached");

    let without: Vec<&str> = ROLE
        .lines()
        .filter(|line| !line.starts_with("own"))
        .collect();
    let without = world.file(&without.join("\n"));
    assert_eq!(added(&program, &file)[0]["drift"], true);
    // By what it is, instead of by its id.
    for accept in ["role/*SecurityAudit", "role/arn:aws:iam::aws:policy/*"] {
        let accepted = format!("{file}options: {{ role: {{ accept: [\"{accept}\"] }} }}\n");
        assert_eq!(added(&program, &accepted)[0]["drift"], false, "{accept}");
        succeeded(program.run_file(&accepted, "preview", &["--expect-no-changes"]));
    }
    // Whatever else they attach would pass unseen.
    for accept in [
        "*",
        "**",
        "role",
        "role/*",
        "ro*",
        "arn:*",
        "role/arn:aws:*",
    ] {
        let accepted = format!("{file}options: {{ role: {{ accept: [\"{accept}\"] }} }}\n");
        for command in ["validate", "preview"] {
            let ended = program.run_file(&accepted, command, &[]);
            assert_eq!(ended.status, Some(2), "{accept} {}", ended.screen);
            let said = format!("entry `{accept}`, of role");
            assert!(ended.stderr.contains(&said), "{}", ended.screen);
            assert_eq!(ended.calls, [] as [String; 0], "{}", ended.screen);
        }
    }
    succeeded(program.run_file(&without, "up", &["--yes"]));
    assert_eq!(attached(&world, &role).await, [theirs]);
    // A role with a policy on it cannot be deleted, so it goes with the role.
    succeeded(program.run_file(&without, "destroy", &["--yes"]));
    let gone = world.sdk.iam.get_role().role_name(&role).send().await;
    assert!(gone.is_err(), "the role is gone");
}

#[tokio::test]
async fn a_subscription_of_others_outlives_a_change_of_the_topic() {
    let _shown = Showing::of("R19", "a subscription of a topic", 1);
    let world = World::new("e2e-others-topic").await;
    let program = Program::of(&world);
    let topic = |name: &str| {
        world.file(&format!(
            "topic: {{ type: aws:sns:Topic, properties: {{ displayName: {name} }} }}"
        ))
    };
    succeeded(program.run_file(&topic("one"), "up", &["--yes"]));
    let arn = world
        .id(
            "topic: { type: aws:sns:Topic, properties: { displayName: one } }",
            "topic",
        )
        .await;
    let subscribe = world.sdk.sns.subscribe().topic_arn(&arn).protocol("sms");
    subscribe
        .endpoint("+34600000000")
        .send()
        .await
        .expect("SNS answers");

    let shown = added(&program, &topic("one"));
    assert_eq!(shown[0]["drift"], false, "a note");
    succeeded(program.run_file(&topic("one"), "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&topic("two"), "up", &["--yes"]));
    let list = world.sdk.sns.list_subscriptions_by_topic().topic_arn(&arn);
    let list = list.send().await.expect("SNS answers");
    assert_eq!(list.subscriptions().len(), 1);
    world.destroy("").await;
}

/// An adopted parent: tags written by hand on an object that another tool has made.
#[tokio::test]
async fn what_hangs_on_an_adopted_parent_is_not_taken_for_a_leftover() {
    let _shown = Showing::of("R19", "what hangs on an adopted parent", 1);
    let world = World::new("e2e-others-adopted").await;
    let program = Program::of(&world);
    let role = "e2e-others-adopted-role";
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let iam = &world.sdk.iam;
    drop(
        iam.detach_role_policy()
            .role_name(role)
            .policy_arn("arn:aws:iam::aws:policy/SecurityAudit")
            .send()
            .await,
    );
    drop(iam.delete_role().role_name(role).send().await);
    let tag = |key: &str, value: String| {
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
        tag.build().expect("a tag")
    };
    let urn = format!("urn:fde:{}::aws:iam:Role::role", world.stack_tag());
    let create = iam
        .create_role()
        .role_name(role)
        .assume_role_policy_document(trust.to_string());
    let create = create
        .tags(tag("fde:stack", world.stack_tag()))
        .tags(tag("fde:urn", urn));
    create.send().await.expect("a role can be made");
    let attach = iam.attach_role_policy().role_name(role);
    attach
        .policy_arn("arn:aws:iam::aws:policy/SecurityAudit")
        .send()
        .await
        .expect("attached");

    let file = world.file(&format!(
        "role: {{ type: aws:iam:Role, properties: {{ name: {role}, assumeRolePolicy: {trust} }} }}"
    ));
    // Tags alone are no proof; the user's word is.
    let unproven = program.run_file(&file, "up", &["--yes"]);
    assert_eq!(unproven.status, REFUSED, "{}", unproven.screen);
    let trust = ["--trust", role];
    let shown = succeeded(program.run_file(&file, "preview", &trust));
    assert!(!shown.stdout.contains("delete"), "{}", shown.screen);
    succeeded(program.run_file(&file, "up", &[&["--yes"][..], &trust].concat()));
    assert_eq!(attached(&world, role).await.len(), 1);
    succeeded(program.run_file(&file, "destroy", &["--yes"]));
}

#[tokio::test]
async fn a_part_of_what_is_not_of_the_stack_is_refused_unless_it_is_imported() {
    let _shown = Showing::of("R19", "parts of what is not of the stack", 2);
    let world = World::new("e2e-others-parent").await;
    let program = Program::of(&world);
    let bucket = "e2e-others-parent-theirs";
    let s3 = &world.sdk.s3;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::from(REGION));
    drop(
        s3.create_bucket()
            .bucket(bucket)
            .create_bucket_configuration(place.build())
            .send()
            .await,
    );
    let policy = |sid: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Sid": sid, "Effect": "Deny",
        "Principal": "*", "Action": "s3:*", "Resource": format!("arn:aws:s3:::{bucket}/*"),
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } }] })
    };
    let put = s3
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy("Theirs").to_string());
    put.send().await.expect("the policy can be set");
    let sid = async || {
        let answer = s3.get_bucket_policy().bucket(bucket).send().await;
        let text = answer.expect("S3 answers").policy.expect("a policy");
        let document: Json = serde_json::from_str(&text).expect("JSON");
        document["Statement"][0]["Sid"].as_str().map(str::to_owned)
    };

    let part = |options: &str| {
        world.file(&format!(
        "part: {{ type: aws:s3:BucketPolicy, properties: {{ bucket: {bucket}, policy: {} }}{options} }}", policy("Ours")))
    };
    let ended = program.run_file(&part(""), "up", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert!(ended.stderr.contains("import:"), "{}", ended.screen);
    assert_eq!(sid().await.as_deref(), Some("Theirs"));

    let imported = part(&format!(", options: {{ import: {bucket} }}"));
    succeeded(program.run_file(&imported, "up", &["--yes"]));
    assert_eq!(sid().await.as_deref(), Some("Ours"));
    succeeded(program.run_file(&imported, "preview", &["--expect-no-changes"]));
    drop(s3.delete_bucket_policy().bucket(bucket).send().await);
    drop(s3.delete_bucket().bucket(bucket).send().await);

    // The same for a secret, by its name and by its ARN.
    let made = world.sdk.secrets.create_secret().name(bucket);
    let made = made.secret_string("theirs").send().await;
    let arn = made.expect("it is made").arn.expect("an ARN");
    for id in [bucket, &arn] {
        let part = world.file(&format!("part: {{ type: aws:secretsmanager:SecretVersion, properties: {{ secretId: '{id}', secretString: ours }} }}"));
        let ended = program.run_file(&part, "up", &["--yes"]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    }
    let gone = world.sdk.secrets.delete_secret().secret_id(bucket);
    let gone = gone.force_delete_without_recovery(true).send().await;
    gone.expect("it goes");
}

#[tokio::test]
async fn a_repository_under_another_key_keeps_its_images() {
    let _shown = Showing::of("R19", "images under another key", 1);
    let world = World::new("e2e-others-renamed").await;
    let program = Program::of(&world);
    let file = |key: &str| {
        world.file(&format!(
            "{key}: {{ type: aws:ecr:Repository, properties: {{ name: e2e-others-renamed }} }}"
        ))
    };
    succeeded(program.run_file(&file("one"), "up", &["--yes"]));
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": 7, "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" }, "layers": [] });
    let put = world
        .sdk
        .ecr
        .put_image()
        .repository_name("e2e-others-renamed");
    put.image_tag("v1")
        .image_manifest(manifest.to_string())
        .send()
        .await
        .expect("pushed");

    let ended = succeeded(program.run_file(&file("two"), "up", &["--yes"]));
    assert!(
        ended.stdout.contains("renamed from one"),
        "{}",
        ended.screen
    );
    let images = world
        .sdk
        .ecr
        .list_images()
        .repository_name("e2e-others-renamed");
    assert_eq!(
        images.send().await.expect("ECR answers").image_ids().len(),
        1
    );
    succeeded(program.run_file(&file("two"), "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&file("two"), "destroy", &["--yes", "--allow-delete", "*"]));
}

/// The same stack, in two regions, with the roles that are the account's.
#[tokio::test]
async fn another_region_of_the_stack_is_asked_about_and_never_touched() {
    let _shown = Showing::of("R19", "another region of the stack", 1);
    let world = World::new("e2e-others-region").await;
    let program = Program::of(&world);
    let body = "resources:\n  topic: { type: aws:sns:Topic }\n  role: { type: aws:iam:Role, properties: { assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] } } }\n  policy: { type: aws:iam:RolePolicy, properties: { role: '${role.name}', policy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Action: 'sns:Publish', Resource: '${topic.arn}' }] } } }\n";
    let file = |region: &str| {
        format!("name: e2e-others-region\nenvironment: dev\nregion: {region}\n{body}")
    };
    let (spain, ireland) = (file(REGION), file("eu-west-1"));
    succeeded(program.run_file(&ireland, "destroy", &["--yes"]));
    succeeded(program.run_file(&spain, "up", &["--yes"]));

    let ended = program.run_file(&ireland, "up", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    assert!(ended.stderr.contains(REGION), "{}", ended.screen);
    assert!(
        ended.stderr.contains("--allow-region eu-west-1"),
        "{}",
        ended.screen
    );
    // A mistake is no consent, and is reported.
    for (slip, status, said) in [
        ("eu-wset-1", Some(2), "did you mean `eu-west-1`?"),
        ("eu-west-1a", Some(2), "its region is `eu-west-1`"),
        ("eu-west-9", REFUSED, "--allow-region names nothing"),
    ] {
        let ended = program.run_file(&ireland, "up", &["--yes", "--allow-region", slip]);
        assert_eq!(ended.status, status, "{}", ended.screen);
        assert!(ended.stderr.contains(said), "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0]);
    }
    // Nothing of it is there, so there is nothing to delete.
    let ended = succeeded(program.run_file(&ireland, "destroy", &["--yes"]));
    assert_eq!(ended.mutating, [] as [String; 0]);

    succeeded(program.run_file(&ireland, "up", &["--yes", "--allow-region", "eu-west-1"]));
    succeeded(program.run_file(&ireland, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&spain, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&ireland, "destroy", &["--yes"]));
    succeeded(program.run_file(&spain, "preview", &["--expect-no-changes"]));
    succeeded(program.run_file(&spain, "destroy", &["--yes"]));
}

const BALANCED: &str = "\
network: { natGateways: none }
services:
  api: { image: public.ecr.aws/x/y:1, port: 8000, routes: [\"/api/*\"], scaling: { min: 1, max: 1 } }
  web: { image: public.ecr.aws/x/y:1, port: 3000, default: true, scaling: { min: 1, max: 1 } }
loadBalancer: { accessLogs: { enabled: false } }
";

#[tokio::test]
async fn a_rule_of_others_at_our_priority_is_passed_by() {
    let _shown = Showing::of("R19", "a rule at a wanted priority", 1);
    let name = "e2e-others-place";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let whole = format!("name: {name}\nenvironment: dev\nregion: {REGION}\n{BALANCED}");
    let without = whole.replace(", routes: [\"/api/*\"]", "");
    succeeded(program.run_file(&whole, "up", &["--yes"]));
    let elbv2 = &world.sdk.elbv2;
    let tagged = world.sdk.tagged(&world.stack_tag()).await;
    let ours = tagged
        .iter()
        .find(|arn| arn.contains(":listener-rule/"))
        .expect("a rule");
    let asked = elbv2.describe_rules().rule_arns(ours);
    let answer = asked.send().await.expect("ELB answers");
    let rule = &answer.rules()[0];
    let (priority, listener) = (
        rule.priority().expect("a priority"),
        tagged.iter().find(|arn| arn.contains(":listener/")),
    );
    succeeded(program.run_file(&without, "up", &["--yes"]));

    let listener = listener.expect("a listener");
    let fixed = aws_sdk_elasticloadbalancingv2::types::FixedResponseActionConfig::builder()
        .status_code("503");
    let action = aws_sdk_elasticloadbalancingv2::types::Action::builder()
        .r#type(aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum::FixedResponse)
        .fixed_response_config(fixed.build());
    let condition = aws_sdk_elasticloadbalancingv2::types::RuleCondition::builder()
        .field("path-pattern")
        .values("/theirs");
    let create = elbv2
        .create_rule()
        .listener_arn(listener)
        .priority(priority.parse().expect("a number"));
    let create = create.conditions(condition.build()).actions(action.build());
    let theirs = create.send().await.expect("a rule can be made");
    let theirs = theirs.rules()[0].rule_arn().expect("an ARN").to_owned();

    succeeded(program.run_file(&whole, "up", &["--yes"]));
    let rules = elbv2
        .describe_rules()
        .listener_arn(listener)
        .send()
        .await
        .expect("ELB answers");
    let of = |arn: &str| {
        rules
            .rules()
            .iter()
            .find(|rule| rule.rule_arn() == Some(arn))
            .cloned()
    };
    assert_eq!(of(&theirs).expect("it stays").priority(), Some(priority));
    assert_eq!(rules.rules().len(), 3, "theirs, ours and the default");
    assert_eq!(
        succeeded(program.run_file(&whole, "up", &["--yes"])).mutating,
        [] as [String; 0]
    );
    // Ours stays where it is when theirs goes.
    elbv2
        .delete_rule()
        .rule_arn(&theirs)
        .send()
        .await
        .expect("a rule can be deleted");
    succeeded(program.run_file(&whole, "destroy", &["--yes"]));
}

/// The default names hold stack and environment.
#[tokio::test]
async fn two_stacks_of_one_account_have_log_groups_of_their_own() {
    let _shown = Showing::of("R19", "two stacks of one account", 1);
    let one = World::new("e2e-others-logs-one").await;
    let two = World::new("e2e-others-logs-two").await;
    let file = |name: &str| format!("name: {name}\nenvironment: dev\nregion: {REGION}\n{BALANCED}");
    for (world, name) in [(&one, "e2e-others-logs-one"), (&two, "e2e-others-logs-two")] {
        succeeded(Program::of(world).run_file(&file(name), "up", &["--yes"]));
        let group = format!("/aws/ecs/{name}-dev/api");
        let asked = world
            .sdk
            .logs
            .describe_log_groups()
            .log_group_name_prefix(&group);
        let found = asked.send().await.expect("log groups can be listed");
        assert_eq!(found.log_groups().len(), 1, "{group}");
    }
    for (world, name) in [(&one, "e2e-others-logs-one"), (&two, "e2e-others-logs-two")] {
        succeeded(Program::of(world).run_file(&file(name), "destroy", &["--yes"]));
    }
}

/// A platform with the names and tags of the version before: it goes on, without replacement and without a flag.
#[tokio::test]
async fn a_stack_of_an_earlier_version_goes_on() {
    let name = "e2e-others-old";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let head = format!(
        "name: {name}\nenvironment: dev\nregion: {REGION}\nnetwork: {{ natGateways: none }}\n"
    );
    let trust = "assumeRolePolicy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }";
    let body = |group: &str, bucket: &str, dashboard: &str, role: &str, own: &str| {
        format!(
            "{head}services: {{ api: {{ image: 'public.ecr.aws/x/y:1', port: 8000, scaling: {{ min: 1, max: 1 }}{group} }} }}\n\
         loadBalancer: {{ accessLogs: {{ expireDays: 7{bucket} }} }}\nmonitoring: {{ {dashboard} }}\n\
         resources:\n  worker: {{ type: aws:iam:Role, properties: {{ {role}{trust} }} }}\n{own}"
        )
    };
    let policy = "  own: { type: aws:iam:RolePolicyAttachment, properties: { role: '${worker.name}', policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' } }\n";
    let old = body(
        ", logGroup: /aws/ecs/containers-api",
        ", bucket: e2e-others-old-dev-alb-logs-123456789012",
        "dashboard: e2e-others-old-dev",
        "name: e2e-others-old-dev-worker-0a1b2c, ",
        policy,
    );
    let new = body("", "", "", "", policy);
    succeeded(program.run_file(&old, "up", &["--yes"]));
    // The tags that earlier versions did not write.
    for key in ["fde:region", "fde:parts"] {
        for arn in world.sdk.tagged(&world.stack_tag()).await {
            let untag = world.sdk.tagging.untag_resources().resource_arn_list(&arn);
            untag
                .tag_keys(key)
                .send()
                .await
                .expect("a tag can be taken away");
        }
        let roles = world.sdk.iam.list_roles().max_items(1000).send().await;
        for role in roles.expect("IAM answers").roles() {
            if role.role_name().starts_with(name) {
                let untag = world.sdk.iam.untag_role().role_name(role.role_name());
                untag
                    .tag_keys(key)
                    .send()
                    .await
                    .expect("a tag can be taken away");
            }
        }
    }
    succeeded(program.run_file(&new, "preview", &["--expect-no-changes"]));
    let up = succeeded(program.run_file(&new, "up", &["--yes"]));
    assert_eq!(up.mutating, [] as [String; 0]);

    // The first change marks the rest, and nothing is made again.
    let edited = new.replace("port: 8000", "port: 8000, environment: { A: b }");
    let shown = succeeded(program.run_file(&edited, "up", &["--yes"]));
    for operation in [
        "CreateRole",
        "CreateBucket",
        "PutDashboard",
        "CreateLogGroup",
        "DeleteRole",
    ] {
        assert!(
            !shown.mutating.iter().any(|call| call.ends_with(operation)),
            "{operation}: {}",
            shown.screen
        );
    }
    succeeded(program.run_file(&edited, "preview", &["--expect-no-changes"]));
    // From here on a resource that leaves the file is known to be ours.
    succeeded(program.run_file(&edited.replace(policy, ""), "up", &["--yes"]));
    assert!(
        attached(&world, "e2e-others-old-dev-worker-0a1b2c")
            .await
            .is_empty()
    );
    succeeded(program.run_file(&edited, "destroy", &["--yes"]));
}

#[tokio::test]
async fn a_subnet_that_others_have_put_on_their_table_stays_there() {
    let _shown = Showing::of("R19", "a subnet on a table of others", 1);
    let world = World::new("e2e-others-table").await;
    let program = Program::of(&world);
    let before = "\
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.61.0.0/16 } }
subnet: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.61.1.0/24 } }
table: { type: aws:ec2:RouteTable, properties: { vpcId: '${vpc.id}' } }
";
    succeeded(program.run(before, "up", &["--yes"]));
    let by = aws_sdk_ec2::types::Filter::builder();
    let by = by.name("tag:fde:stack").values(world.stack_tag()).build();
    let asked = world.sdk.ec2.describe_subnets().filters(by).send().await;
    let asked = asked.expect("EC2 answers");
    let subnet = &asked.subnets()[0];
    let (vpc, subnet) = (subnet.vpc_id(), subnet.subnet_id());
    let table = world
        .sdk
        .ec2
        .create_route_table()
        .set_vpc_id(vpc.map(str::to_owned));
    let table = table.send().await.expect("a table can be made");
    let table = table.route_table().and_then(|table| table.route_table_id());
    let associate = world.sdk.ec2.associate_route_table();
    let associate = associate.set_route_table_id(table.map(str::to_owned));
    let theirs = associate
        .set_subnet_id(subnet.map(str::to_owned))
        .send()
        .await;
    let theirs = theirs.expect("a subnet can be associated").association_id;

    let after = format!(
        "{before}own: {{ type: aws:ec2:RouteTableAssociation, properties: {{ routeTableId: '${{table.id}}', subnetId: '${{subnet.id}}' }} }}\n"
    );
    let ended = program.run(&after, "up", &["--yes"]);
    assert_eq!(ended.status, REFUSED, "{}", ended.screen);
    let said = "`own` cannot be put in its place: others are there";
    assert!(ended.stderr.contains(said), "{}", ended.screen);
    assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    let tables = world.sdk.ec2.describe_route_tables();
    let tables = tables.set_route_table_ids(table.map(|table| vec![table.to_owned()]));
    let tables = tables.send().await.expect("EC2 answers");
    let now = tables.route_tables()[0].associations().iter();
    let mut now = now.map(|association| association.route_table_association_id());
    assert!(now.any(|id| id == theirs.as_deref()));

    let gone = world.sdk.ec2.disassociate_route_table();
    gone.set_association_id(theirs).send().await.expect("goes");
    let gone = world.sdk.ec2.delete_route_table();
    let gone = gone.set_route_table_id(table.map(str::to_owned));
    gone.send().await.expect("goes");
    succeeded(program.run(before, "destroy", &["--yes"]));
}

#[tokio::test]
async fn parts_of_others_are_not_overwritten_once_the_file_names_them() {
    let _shown = Showing::of("R19", "parts that the file comes to name", 5);
    let name = "e2e-others-named";
    let world = World::new(name).await;
    let program = Program::of(&world);
    let trust = "{ Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }";
    let before = format!(
        "bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: {name} }} }}\n\
         role: {{ type: aws:iam:Role, properties: {{ name: {name}, assumeRolePolicy: {trust} }} }}\n\
         images: {{ type: aws:ecr:Repository, properties: {{ name: {name} }} }}\n\
         topic: {{ type: aws:sns:Topic, properties: {{ name: {name} }} }}\n\
         secret: {{ type: aws:secretsmanager:Secret, properties: {{ name: {name} }} }}\n"
    );
    succeeded(program.run(&before, "up", &["--yes"]));
    let document = |effect: &str, resource: &str| json!({ "Version": "2012-10-17", "Statement": [{ "Effect": effect, "Action": "s3:GetObject", "Resource": resource }] });
    let objects = format!("arn:aws:s3:::{name}/*");
    let mut theirs = document("Deny", &objects);
    theirs["Statement"][0]["Principal"] = json!("*");
    let put = world.sdk.s3.put_bucket_policy().bucket(name);
    put.policy(theirs.to_string())
        .send()
        .await
        .expect("it is put");
    let put = world
        .sdk
        .iam
        .put_role_policy()
        .role_name(name)
        .policy_name("reads");
    let put = put.policy_document(document("Allow", "*").to_string());
    put.send().await.expect("it is put");
    let rules = |count: u32| {
        json!({ "rules": [{ "rulePriority": 1, "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count }, "action": { "type": "expire" } }] }).to_string()
    };
    let put = world.sdk.ecr.put_lifecycle_policy().repository_name(name);
    put.lifecycle_policy_text(rules(7))
        .send()
        .await
        .expect("it is put");

    let topic = format!("arn:aws:sns:eu-south-2:123456789012:{name}");
    let mut publishes = theirs.clone();
    publishes["Statement"][0]["Action"] = json!("sns:Publish");
    publishes["Statement"][0]["Resource"] = json!(topic);
    let set = world.sdk.sns.set_topic_attributes().topic_arn(&topic);
    let set = set.attribute_name("Policy");
    set.attribute_value(publishes.to_string())
        .send()
        .await
        .expect("it is set");
    let put = world.sdk.secrets.put_secret_value().secret_id(name);
    put.secret_string("theirs").send().await.expect("it is put");

    let ours = document("Allow", &objects);
    for (part, said) in [
        (
            format!(
                "part: {{ type: aws:sns:TopicPolicy, properties: {{ arn: '${{topic.arn}}', policy: {} }} }}\n",
                publishes.to_string().replace("Deny", "Allow")
            ),
            "aws:sns:TopicPolicy `part` cannot be put in its place",
        ),
        (
            "part: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${secret.arn}', secretString: ours } }\n"
                .to_owned(),
            "aws:secretsmanager:SecretVersion `part` cannot be put in its place",
        ),
        (
            format!(
                "part: {{ type: aws:s3:BucketPolicy, properties: {{ bucket: '${{bucket.id}}', policy: {ours} }} }}\n"
            ),
            "aws:s3:BucketPolicy `part` cannot be put in its place",
        ),
        (
            format!(
                "part: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', name: reads, policy: {ours} }} }}\n"
            ),
            "aws:iam:RolePolicy `part` cannot be put in its place",
        ),
        (
            format!(
                "part: {{ type: aws:ecr:LifecyclePolicy, properties: {{ repository: '${{images.name}}', policy: {} }} }}\n",
                rules(3)
            ),
            "aws:ecr:LifecyclePolicy `part` cannot be put in its place",
        ),
    ] {
        let ended = program.run(&format!("{before}{part}"), "up", &["--yes"]);
        assert_eq!(ended.status, REFUSED, "{}", ended.screen);
        assert!(ended.stderr.contains(said), "{}", ended.screen);
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
    }
    let policy = world.sdk.s3.get_bucket_policy().bucket(name).send().await;
    let policy = policy.expect("it is there").policy.expect("a policy");
    assert!(policy.contains("Deny"), "{policy}");
    let kept = world
        .sdk
        .ecr
        .get_lifecycle_policy()
        .repository_name(name)
        .send()
        .await;
    let kept = kept.expect("it is there").lifecycle_policy_text;
    assert!(kept.expect("a policy").contains('7'));
    // Taken over by the author's word, it is ours, and goes with its line.
    let part = format!(
        "part: {{ type: aws:iam:RolePolicy, properties: {{ role: '${{role.name}}', name: reads, policy: {ours} }}, options: {{ import: {name} }} }}\n"
    );
    succeeded(program.run(&format!("{before}{part}"), "up", &["--yes"]));
    let taken = world
        .sdk
        .iam
        .get_role_policy()
        .role_name(name)
        .policy_name("reads")
        .send()
        .await;
    let taken = taken.expect("it is there").policy_document;
    assert!(taken.contains(name), "{taken}");
    succeeded(program.run(&before, "up", &["--yes"]));
    let left = world
        .sdk
        .iam
        .list_role_policies()
        .role_name(name)
        .send()
        .await;
    assert_eq!(left.expect("IAM answers").policy_names(), [] as [String; 0]);
    succeeded(program.run(&before, "destroy", &["--yes", "--allow-delete", "*"]));
}
