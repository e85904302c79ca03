//! Faults of resources and between them, of ARNs, and of keys that other tools have.

use super::{Case, SHOP, sections, whole};
use crate::component::elsewhere;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = between();
    cases.extend(values());
    cases.extend(flow_logs());
    cases.extend(too_much());
    cases.extend(secrets_and_permissions());
    cases.extend(of_other_tools());
    cases
}

/// Names and keys that two resources want, references that lead nowhere or in a circle.
fn between() -> Vec<Case> {
    let services = |keys: &str| {
        sections(&format!(
            "network: {{ natGateways: none }}\nservices:\n  api: {{ port: 8000, default: true, repository: shop }}\n  web: {{ port: 3000, routes: [/web], {keys} }}\nloadBalancer: {{}}\n"
        ))
    };
    vec![
        services("repository: shop"),
        services("name: api"),
        services("taskFamily: shop-dev-api"),
        sections("resources:\n  logs: { type: aws:s3:Bucket, properties: { bucket: shop-logs } }\n  more: { type: aws:s3:Bucket, properties: { bucket: shop-logs } }\n"),
        sections("network: {}\nservices: { api: { port: 1, default: true } }\nloadBalancer: null\n")
            .by_hand("loadBalancer: null", "loadBalancer: {}"),
        sections("network: {}\nservices: { api: { port: 1, default: true } }\nloadBalancer: { waf: { enabled: false, logging: true } }\n")
            .by_hand(", logging: true", ""),
        sections("network: {}\nservices: { api: { port: 1, default: true } }\nloadBalancer: { accessLogs: { bucket: shop-logs } }\nresources: { logs: { type: aws:s3:Bucket, properties: { bucket: shop-logs } } }\n"),
        sections("resources:\n  bucket: { type: aws:s3:Bucket }\n  a: { type: aws:s3:BucketPolicy, properties: { bucket: \"${bucket.id}\", policy: {} } }\n  b: { type: aws:s3:BucketPolicy, properties: { bucket: \"${bucket.bucket}\", policy: {} } }\n")
            .by_hand("  b: { type: aws:s3:BucketPolicy, properties: { bucket: \"${bucket.bucket}\", policy: {} } }\n", ""),
        sections("resources:\n  my-topic: { type: aws:sns:Topic }\n  my_topic: { type: aws:sns:Topic }\n")
            .by_hand("my_topic: { type: aws:sns:Topic }", "my_topic: { type: aws:sns:Topic, properties: { name: mine } }"),
        sections("resources:\n  one: { type: aws:ec2:InternetGateway, properties: { vpcId: vpc-1 } }\n  two: { type: aws:ec2:InternetGateway, properties: { vpcId: vpc-1 } }\n")
            .by_hand("  two: { type: aws:ec2:InternetGateway, properties: { vpcId: vpc-1 } }\n", ""),
        sections("resources:\n  bucket: { type: aws:s3:Bucket, properties: { versioning: { status: Enabled } } }\n")
            .by_hand(", properties: { versioning: { status: Enabled } } }", " }\n  kept: { type: aws:s3:BucketVersioning, properties: { bucket: \"${bucket.id}\", versioningConfiguration: { status: Enabled } } }"),
        sections("resources: { a: { type: aws:ecr:ImageTag, properties: { repository: shop, tag: v9, service: \"arn:aws:ecs:eu-south-2:123456789012:service/shop/api\" } } }\n")
            .by_hand("v9", "fde-live-v9"),
        sections("resources: { a: { type: aws:ec2:Vpc, properties: { cidrBlok: 10.0.0.0/16 } } }\n"),
        sections("resources:\n  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }\n  a: { type: aws:ec2:Subnet, properties: { vpcId: \"${vpc.idd}\", cidrBlock: 10.0.0.0/24 } }\n")
            .by_hand("vpc.idd", "vpc.id"),
        sections("resources:\n  a: { type: aws:sns:Topic, properties: { displayName: \"${b.arn}\" } }\n  b: { type: aws:sns:Topic, properties: { displayName: \"${a.arn}\" } }\n")
            .by_hand("\"${b.arn}\"", "b"),
        sections("resources:\n  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }\n  a: { type: aws:ec2:Subnet, properties: { vpcId: \"${vpc.id}\", cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2a } }\n  b: { type: aws:ec2:Subnet, properties: { vpcId: \"${vpc.id}\", cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2a } }\n  group: { type: aws:rds:SubnetGroup, properties: { subnetIds: [\"${a.id}\", \"${b.id}\"] } }\n")
            .by_hand("cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2a", "cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2b"),
        whole("name: internal\nenvironment: dev\nregion: eu-south-2\nnetwork: {}\nservices: { api: { port: 1, default: true } }\nloadBalancer: {}\n")
            .by_hand("loadBalancer: {}", "loadBalancer: { name: shop }"),
        whole("name: sg-shop\nenvironment: dev\nregion: eu-south-2\nnetwork: {}\nservices: { api: { image: a/b:1 } }\n")
            .by_hand("name: sg-shop", "name: shop"),
    ]
}

fn values() -> Vec<Case> {
    let resource = |kind: &str, properties: &str| {
        sections(&format!(
            "resources: {{ it: {{ type: {kind}, properties: {{ {properties} }} }} }}\n"
        ))
    };
    let task = |rest: &str, container: &str| {
        resource(
            "aws:ecs:TaskDefinition",
            &format!(
                "family: a, {rest} containerDefinitions: [{{ name: web, image: b {container} }}]"
            ),
        )
    };
    vec![
        resource("aws:ec2:Route", "routeTableId: rtb-1, destinationCidrBlock: 0.0.0.0/0, gatewayId: nat-1")
            .by_hand("gatewayId", "natGatewayId"),
        resource("aws:ec2:Route", "routeTableId: rtb-1, destinationCidrBlock: 0.0.0.0/0, natGatewayId: igw-1")
            .by_hand("natGatewayId", "gatewayId"),
        resource("aws:vpc:SecurityGroupIngressRule", "securityGroupId: sg-1, ipProtocol: icmp, fromPort: -1, toPort: -1, cidrIpv6: '::/0'"),
        resource("aws:vpc:SecurityGroupIngressRule", "securityGroupId: sg-1, ipProtocol: icmpv6, fromPort: -1, toPort: -1, cidrIpv4: 0.0.0.0/0"),
        resource("aws:wafv2:WebAclAssociation", "resourceArn: 'arn:aws:elasticloadbalancing:eu-south-2:123456789012:loadbalancer/app/shop/0a', webAclArn: 'arn:aws:wafv2:eu-south-2:123456789012:global/webacl/shop/0a'")
            .by_hand(":global/", ":regional/"),
        task(
            "cpu: 256, memory: 8192, requiresCompatibilities: [FARGATE],",
            "",
        ),
        task(
            "cpu: 512, memory: 512, requiresCompatibilities: [FARGATE],",
            "",
        ),
        task(
            "cpu: 300, memory: 512, requiresCompatibilities: [FARGATE],",
            "",
        )
        .by_hand("cpu: 300", "cpu: 256"),
        task(
            "memory: 512,",
            ", healthCheck: { command: [\"curl -f http://localhost/\"] }",
        ),
        resource(
            "aws:cloudwatch:LogGroup",
            "name: /shop, retentionInDays: 31",
        ),
        resource(
            "aws:iam:Role",
            "assumeRolePolicy: {}, description: \"the shop’s – own\"",
        ),
        resource(
            "aws:ec2:SecurityGroup",
            "name: web, vpcId: vpc-1, description: \"für alle\"",
        ),
        resource("aws:iam:Policy", "policy: { Statement: [] }").by_hand(
            "Statement: []",
            "Version: \"2012-10-17\", Statement: []",
        ),
        resource("aws:iam:Policy", "policy: see-the-file").by_hand(
            "see-the-file",
            "{ Version: \"2012-10-17\", Statement: [] }",
        ),
        resource(
            "aws:iam:Policy",
            "policy: { Version: \"2012-10-17\", Statement: [{ Sid: a }, { Sid: a }] }",
        )
        .by_hand(", { Sid: a }", ""),
        sections("network: {}\nresources: { it: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 }, options: { ignoreChanges: [\"a[\"] } } }\n")
            .by_hand("\"a[\"", "cidrBlock"),
        whole("name: order\nenvironment: dev\nregion: eu-south-2\nnetwork: {}\ndatabase: {}\n")
            .by_hand("database: {}", "database: { databaseName: order_db }"),
        sections("database: {}\n"),
        whole("name: shop\nenvironment: dev\nregion: eu-south-2a\n"),
        sections("network: {}\nservices: { api: { port: 1, routes: [\"/*/*/*/*/*/*\"] }, web: { port: 2, default: true } }\nloadBalancer: {}\n")
            .by_hand("/*/*/*/*/*/*", "/*/a"),
        sections(&format!("tags: {{ {0}: x, b{0}: x }}\n", "k".repeat(110)))
            .by_hand(&format!(", b{}: x", "k".repeat(110)), ""),
    ]
}

/// The destination of the records of a network's traffic, and the right to write them.
fn flow_logs() -> Vec<Case> {
    const GROUP: &str = "logDestination: 'arn:aws:logs:eu-south-2:123456789012:log-group:a'";
    const BUCKET: &str = "logDestination: 'arn:aws:s3:::shop-logs'";
    const ROLE: &str = ", iamRoleArn: 'arn:aws:iam::123456789012:role/a'";
    const OPTIONS: &str = ", destinationOptions: { perHourPartition: true }";
    let log = |properties: &str| {
        sections(&format!(
            "resources: {{ it: {{ type: aws:ec2:FlowLog, properties: {{ vpcId: vpc-1, {properties} }} }} }}\n"
        ))
    };
    let to_bucket = format!("logDestinationType: s3, {BUCKET}");
    vec![
        log(&format!("{GROUP}{ROLE}, maxAggregationInterval: 300")).by_hand("300", "600"),
        log(GROUP).by_hand(GROUP, &format!("{GROUP}{ROLE}")),
        log(&format!("{GROUP}{ROLE}{OPTIONS}")).by_hand(OPTIONS, ""),
        log(&format!("{BUCKET}{ROLE}")).by_hand(&format!("{BUCKET}{ROLE}"), &to_bucket),
        log(&format!("{to_bucket}{ROLE}")).by_hand(ROLE, ""),
    ]
}

/// Limits of AWS.
fn too_much() -> Vec<Case> {
    let statement = |letters: usize| format!("{{ Sid: {} }}", "x".repeat(letters));
    let policies = |text: String| {
        format!(
            "resources:\n  role: {{ type: aws:iam:Role, properties: {{ assumeRolePolicy: {{}} }} }}\n{text}"
        )
    };
    let inline = |name: &str, letters: usize| {
        format!(
            "  {name}: {{ type: aws:iam:RolePolicy, properties: {{ role: \"${{role.name}}\", policy: {{ Statement: [{}] }} }} }}\n",
            statement(letters)
        )
    };
    let second = inline("b", 6000);
    let managed = second
        .replace("aws:iam:RolePolicy", "aws:iam:Policy")
        .replace("role: \"${role.name}\", ", "")
        .replace("Statement", "Version: \"2012-10-17\", Statement");
    let rule = |conditions: &str| {
        sections(&format!(
            "resources:\n  rule:\n    type: aws:lb:ListenerRule\n    properties:\n      listenerArn: arn\n      priority: 1\n      actions: [{{ type: forward, targetGroupArn: arn }}]\n      conditions: {conditions}\n"
        ))
    };
    vec![
        sections(&policies(inline("a", 6000) + &second)).by_hand(&second, &managed),
        sections(&format!(
            "resources: {{ p: {{ type: aws:iam:Policy, properties: {{ policy: {{ Version: \"2012-10-17\", Statement: [{}, {}] }} }} }} }}\n",
            statement(3500),
            statement(3501)
        ))
        .by_hand(
            &format!(", {}", statement(3501)),
            "",
        ),
        sections(&format!(
            "resources: {{ p: {{ type: aws:s3:BucketPolicy, properties: {{ bucket: b, policy: {{ Statement: [{}, {}] }} }} }} }}\n",
            statement(12000),
            statement(12001)
        ))
        .by_hand(&format!(", {}", statement(12001)), ""),
        sections(&format!(
            "resources: {{ t: {{ type: aws:ecs:TaskDefinition, properties: {{ family: a, memory: 512, containerDefinitions: [{{ name: web, image: b, environment: [{{ name: A, value: {} }}] }}] }} }} }}\n",
            "x".repeat(70000)
        ))
        .by_hand(&"x".repeat(70000), "s3://shop/values"),
        rule("[{ pathPattern: { values: [/a, /b, /c, /d, /e, /f] } }]").by_hand(", /f", ""),
        rule("[{ pathPattern: { values: [\"/a/*/*\", \"/b/*/*\", \"/c/*/*\"] } }]")
            .by_hand(", \"/c/*/*\"", ""),
    ]
}

fn secrets_and_permissions() -> Vec<Case> {
    const SECRET: &str = "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/token-AbCdEf";
    let service = |keys: &str| {
        sections(&format!(
            "network: {{}}\nservices: {{ api: {{ port: 1, default: true, {keys} }} }}\nloadBalancer: {{}}\n"
        ))
    };
    let secret = |arn: &str| service(&format!("secrets: {{ A: '{arn}' }}"));
    let allow = |action: &str, resource: &str| {
        service(&format!(
            "permissions: [{{ actions: ['{action}'], resources: ['{resource}'] }}]"
        ))
    };
    vec![
        secret(&format!("{SECRET}:key")),
        secret(&format!("{SECRET}:key:")),
        secret(&format!("{SECRET}:key:AWSCURRENT:0f0f")).by_hand(":0f0f", ":"),
        secret(&format!("{SECRET}:key:::")).by_hand(":key:::", ":key::"),
        secret("arn:aws:ssm:eu-south-2:123456789012:parameter//prod/token"),
        secret("arn:aws:ssm:eu-south-2:123456789012:parameter/prod/token:2"),
        secret("arn:aws:ssm:eu-south-2:123456789012:parameter:prod/token"),
        secret("arn:aws:ssm:eu-south-2:123456789012:/prod/token"),
        secret("hunter2").by_hand("secrets:", "environment:"),
        allow("s3:GetObject", "arn:aws:s3:::uploads"),
        allow("s3:ListBucket", "arn:aws:s3:::uploads/*"),
        allow(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-south-2:123456789012:secret:prod/db",
        ),
        allow("s3:GetObject", "uploads").by_hand("'uploads'", "'arn:aws:s3:::uploads/*'"),
    ]
}

/// Each key and each service that has a hand-written answer.
fn of_other_tools() -> Vec<Case> {
    let shop = |key: &str| sections(&format!("{SHOP}{key}: {{}}\n"));
    let service = |key: &str| {
        sections(&format!(
            "network: {{}}\nservices: {{ api: {{ port: 1, default: true, {key}: x }} }}\nloadBalancer: {{}}\n"
        ))
    };
    let database = |key: &str| sections(&format!("network: {{}}\ndatabase: {{ {key}: x }}\n"));
    let of_file = crate::stack::schema_of(&crate::component::SECTIONS);
    let mut cases = Vec::new();
    let keys = |table: serde_json::Value| {
        let entries = table.as_object().cloned().unwrap_or_default();
        entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    cases.extend(
        keys(of_file["x-synonyms"].clone())
            .iter()
            .map(|key| shop(key)),
    );
    cases.extend(
        keys(elsewhere::service_synonyms())
            .iter()
            .map(|key| service(key)),
    );
    cases.extend(
        keys(elsewhere::database_synonyms())
            .iter()
            .map(|key| database(key)),
    );
    for key in keys(of_file["x-unsupported"].clone()) {
        cases.push(shop(&key).by_hand(&format!("{key}: {{}}\n"), ""));
    }
    for key in keys(elsewhere::service_unsupported()) {
        cases.push(service(&key).by_hand(&format!(", {key}: x"), ""));
    }
    for key in keys(elsewhere::database_unsupported()) {
        cases.push(database(&key).by_hand(&format!("{key}: x"), ""));
    }
    for token in elsewhere::types() {
        let resources = format!("resources: {{ it: {{ type: '{token}' }} }}\n");
        cases.push(sections(&format!("{SHOP}{resources}")).by_hand(&resources, ""));
    }
    for service in elsewhere::services() {
        let resources = format!("resources: {{ it: {{ type: 'aws:{service}:Thing' }} }}\n");
        cases.push(sections(&format!("{SHOP}{resources}")).by_hand(&resources, ""));
    }
    cases
}
