//! Tags that are set and removed by themselves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::program::Program;
use crate::common::proxy::{Answer, Proxy};
use crate::common::{World, endpoint};

/// The tagging API has a rate and rights of its own. For a bucket there is no other call that leaves the tags of others
/// alone.
#[tokio::test]
async fn tags_go_by_the_call_of_each_service() {
    let world = World::new("e2e-retag-services").await;
    let resources = |team: &str| {
        let tags = format!("tags: {{ team: {team} }}");
        format!(
            "vpc: {{ type: aws:ec2:Vpc, properties: {{ cidrBlock: 10.96.0.0/16, {tags} }} }}
role: {{ type: aws:iam:Role, properties: {{ assumeRolePolicy: {{ Version: '2012-10-17', Statement: [] }}, {tags} }} }}
cluster: {{ type: aws:ecs:Cluster, properties: {{ {tags} }} }}
repository: {{ type: aws:ecr:Repository, properties: {{ {tags} }} }}
logs: {{ type: aws:cloudwatch:LogGroup, properties: {{ name: /e2e/retag-services, {tags} }} }}
group: {{ type: aws:lb:TargetGroup, properties: {{ port: 80, protocol: HTTP, targetType: ip, vpcId: '${{vpc.id}}', {tags} }} }}
parameters: {{ type: aws:rds:ParameterGroup, properties: {{ family: postgres16, {tags} }} }}
secret: {{ type: aws:secretsmanager:Secret, properties: {{ {tags} }} }}
topic: {{ type: aws:sns:Topic, properties: {{ {tags} }} }}
bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: e2e-retag-services, {tags} }} }}
"
        )
    };
    let program = Program::of(&world);
    let made = program.run(&resources("blue"), "up", &["--yes"]);
    assert_eq!(made.status, Some(0), "{}", made.screen);
    let ended = program.run(&resources("red"), "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    let calls = ended
        .mutating
        .iter()
        .filter(|call| !call.starts_with("ssm:"));
    let calls: BTreeSet<&str> = calls.map(String::as_str).collect();
    let expected = BTreeSet::from([
        "ec2:CreateTags",
        "ecr:TagResource",
        "ecs:TagResource",
        "elbv2:AddTags",
        "iam:TagRole",
        "logs:TagResource",
        "rds:AddTagsToResource",
        "resourcegroupstaggingapi:TagResources",
        "secretsmanager:TagResource",
        "sns:TagResource",
    ]);
    assert_eq!(calls, expected, "{}", ended.screen);
    for arn in world.sdk.tagged(&world.stack_tag()).await {
        assert_eq!(world.sdk.tags_of(&arn).await["team"], "red", "{arn}");
    }
    world.destroy(&resources("red")).await;
}

#[tokio::test]
async fn a_failure_inside_an_answer_is_repeated_like_any() {
    let world = World::new("e2e-retag-failures").await;
    let resources = |team: &str| {
        format!(
            "bucket: {{ type: aws:s3:Bucket, properties: {{ bucket: e2e-retag-failures, tags: {{ team: {team} }} }} }}"
        )
    };
    let plain = Program::of(&world);
    let made = plain.run(&resources("blue"), "up", &["--yes"]);
    assert_eq!(made.status, Some(0), "{}", made.screen);
    let failures = [
        r#"{"FailedResourcesMap":{"arn:aws:s3:::e2e-retag-failures":{"StatusCode":500,"ErrorCode":"InternalServiceException","ErrorMessage":"An internal error occurred"}}}"#,
        r#"{"FailedResourcesMap":{"arn:aws:s3:::e2e-retag-failures":{"StatusCode":429,"ErrorCode":"InvalidParameterException","ErrorMessage":"Rate exceeded"}}}"#,
    ];
    let asked = AtomicUsize::new(0);
    let proxy = Proxy::before(endpoint(), move |call| {
        let is_tagging = call.operation == "TagResources";
        let before = is_tagging.then(|| asked.fetch_add(1, Ordering::Relaxed));
        before.and_then(|before| failures.get(before).copied().map(Answer::Json))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(&resources("red"), "up", &["--yes"]);
    assert_eq!(ended.status, Some(0), "{}", ended.screen);
    assert_eq!(proxy.calls("TagResources"), 3);
    let arn = "arn:aws:s3:::e2e-retag-failures";
    assert_eq!(world.sdk.tags_of(arn).await["team"], "red");
    world.destroy(&resources("red")).await;
}
