//! Answers that AWS would not give: the program ends with an error that names the call, and does not go on.

use crate::common::commands::{DONE, ERROR, assert_fits};
use crate::common::program::Program;
use crate::common::proxy::{Answer, Proxy};
use crate::common::{World, endpoint};

const TOPIC: &str = "topic: { type: aws:sns:Topic }";

#[tokio::test]
async fn a_page_that_leads_to_itself_ends_the_reading() {
    let world = World::new("e2e-answers-pages").await;
    let again = r#"{"PaginationToken":"again","ResourceTagMappingList":[]}"#;
    let proxy = Proxy::before(endpoint(), move |call| {
        (call.operation == "GetResources").then_some(Answer::Json(again))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    for command in [&["preview"][..], &["destroy", "--yes"]] {
        let ended = program.run(TOPIC, command[0], &command[1..]);
        assert_eq!(ended.status, ERROR, "{}", ended.screen);
        for said in ["tag:GetResources", "a page that was read before"] {
            assert!(ended.stderr.contains(said), "{said}\n{}", ended.screen);
        }
        assert_eq!(ended.mutating, [] as [String; 0], "{}", ended.screen);
        assert_fits(&ended);
    }
}

/// The content of a secret is read as JSON where it is to hold a database's address.
#[tokio::test]
async fn json_in_json_may_be_nested_however_deep() {
    let world = World::new("e2e-answers-depth").await;
    let resources = "\
password: { type: aws:secretsmanager:Secret, properties: { name: e2e/answers-depth, generateSecretString: { secretStringTemplate: { username: app }, generateStringKey: password } } }
attachment: { type: fde:secretsmanager:TargetAttachment, properties: { secretId: '${password.arn}', engine: postgres, host: db.example, port: 5432, dbname: shop } }
";
    world.up(resources).await;
    let deep: &'static str = String::leak(format!(
        r#"{{"ARN":"arn:aws:secretsmanager:eu-south-2:123456789012:secret:x","VersionId":"v","SecretString":"{}"}}"#,
        "[".repeat(1_000_000)
    ));
    let proxy = Proxy::before(endpoint(), move |call| {
        (call.operation == "GetSecretValue").then_some(Answer::Json(deep))
    });
    let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
    let ended = program.run(resources, "preview", &[]);
    assert_eq!(ended.status, DONE, "{}", ended.screen);
    assert!(proxy.calls("GetSecretValue") > 0, "{}", ended.screen);
    world.destroy(resources).await;
}

/// One of each type of a service that speaks JSON.
const OF_JSON: &str = "\
group: { type: aws:cloudwatch:LogGroup, properties: { name: /e2e/answers } }
secret: { type: aws:secretsmanager:Secret }
value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: '${secret.arn}', secretString: zero } }
images: { type: aws:ecr:Repository, properties: { name: e2e/answers } }
old:
  type: aws:ecr:LifecyclePolicy
  properties:
    repository: ${images.name}
    policy: { rules: [{ rulePriority: 1, selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 5 }, action: { type: expire } }] }
acl: { type: aws:wafv2:WebAcl, properties: { defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: acl, sampledRequestsEnabled: true } } }
requests: { type: aws:cloudwatch:LogGroup, properties: { name: aws-waf-logs-e2e-answers } }
logging: { type: aws:wafv2:WebAclLoggingConfiguration, properties: { resourceArn: '${acl.arn}', logDestinationConfigs: ['${requests.arn}'] } }
vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
left: { type: aws:ec2:Subnet, properties: { vpcId: '${vpc.id}', cidrBlock: 10.0.0.0/24, availabilityZone: eu-south-2a } }
cluster: { type: aws:ecs:Cluster }
task:
  type: aws:ecs:TaskDefinition
  properties:
    family: e2e-answers
    cpu: 256
    memory: 512
    requiresCompatibilities: [FARGATE]
    containerDefinitions: [{ name: web, image: public.ecr.aws/nginx/nginx:1.27 }]
service:
  type: aws:ecs:Service
  properties:
    cluster: ${cluster.arn}
    taskDefinition: ${task.arn}
    launchType: FARGATE
    networkConfiguration: { subnets: ['${left.id}'] }
target:
  type: aws:appautoscaling:Target
  properties:
    serviceNamespace: ecs
    resourceId: service/${cluster.name}/${service.name}
    scalableDimension: ecs:service:DesiredCount
    minCapacity: 0
    maxCapacity: 4
scaling:
  type: aws:appautoscaling:Policy
  properties:
    serviceNamespace: ecs
    resourceId: ${target.resourceId}
    scalableDimension: ecs:service:DesiredCount
    targetTrackingScalingPolicyConfiguration: { predefinedMetricSpecification: { predefinedMetricType: ECSServiceAverageCPUUtilization }, targetValue: 50 }
";

/// The calls by which a preview finds out which of them exist.
const ASKING: [&str; 14] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:ListImages",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "logs:DescribeLogGroups",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "tag:GetResources",
    "wafv2:GetLoggingConfiguration",
    "wafv2:ListWebACLs",
];

/// The SDK reads an empty body as an answer with nothing in it, as if all were gone.
#[tokio::test]
async fn an_answer_with_nothing_in_it_does_not_mean_that_nothing_is_there() {
    let world = World::new("e2e-answers-empty").await;
    world.up(OF_JSON).await;
    for asking in ASKING {
        let (_, operation) = asking.split_once(':').expect("service and operation");
        let nothing = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        for answer in [Answer::Json("{}"), Answer::Raw(nothing.to_vec())] {
            let proxy = Proxy::before(endpoint(), move |call| {
                (call.operation == operation).then(|| answer.clone())
            });
            let program = Program::of(&world).with("AWS_ENDPOINT_URL", &proxy.endpoint);
            let ended = program.run(OF_JSON, "preview", &[]);
            assert_ne!(ended.status, DONE, "{asking}: {}", ended.screen);
            for said in [asking, "AWS answered without"] {
                assert!(ended.stderr.contains(said), "{asking}: {}", ended.screen);
            }
            assert!(proxy.calls(operation) > 0, "{asking}");
            assert_fits(&ended);
        }
    }
    // Each of them is asked, and answered as it is.
    let unchanged = Program::of(&world).run(OF_JSON, "preview", &["--expect-no-changes"]);
    assert_eq!(unchanged.status, DONE, "{}", unchanged.screen);
    world.destroy(OF_JSON).await;
}
