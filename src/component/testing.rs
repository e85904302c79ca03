//! What the tests of the sections share: a catalog with all the types that sections use, and texts to compare with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::resource::{Catalog, CreateClass, Property, Schema};
use crate::stack::{self, Flag, Stack, StackErrors, limits};

use super::{Expansion, expand, stack_graph};

/// Token, inputs, outputs: what the sections use of each type.
const TYPES: &[(&str, &str, &str)] = &[
    (
        "aws:appautoscaling:Policy",
        "name policyType serviceNamespace resourceId scalableDimension targetTrackingScalingPolicyConfiguration",
        "",
    ),
    (
        "aws:appautoscaling:Target",
        "serviceNamespace resourceId scalableDimension minCapacity maxCapacity",
        "",
    ),
    ("aws:kms:Alias", "name targetKeyId", ""),
    (
        "aws:kms:Key",
        "description policy isEnabled enableKeyRotation rotationPeriodInDays deletionWindowInDays",
        "keyId",
    ),
    (
        "aws:cloudwatch:Dashboard",
        "dashboardName dashboardBody",
        "",
    ),
    (
        "aws:cloudwatch:LogGroup",
        "name retentionInDays kmsKeyId",
        "",
    ),
    (
        "aws:cloudwatch:MetricAlarm",
        "name alarmDescription comparisonOperator evaluationPeriods datapointsToAlarm metricName namespace period statistic extendedStatistic threshold treatMissingData dimensions alarmActions okActions insufficientDataActions actionsEnabled unit metricQueries",
        "",
    ),
    ("aws:ec2:Eip", "domain", "publicIp allocationId"),
    (
        "aws:ec2:FlowLog",
        "vpcId trafficType logDestinationType logDestination maxAggregationInterval iamRoleArn",
        "",
    ),
    ("aws:ec2:InternetGateway", "vpcId", ""),
    (
        "aws:ec2:NatGateway",
        "subnetId allocationId connectivityType",
        "publicIp",
    ),
    (
        "aws:ec2:Route",
        "routeTableId destinationCidrBlock gatewayId natGatewayId",
        "",
    ),
    ("aws:ec2:RouteTable", "vpcId", ""),
    ("aws:ec2:RouteTableAssociation", "routeTableId subnetId", ""),
    ("aws:ec2:SecurityGroup", "name description vpcId", ""),
    (
        "aws:ec2:Subnet",
        "vpcId cidrBlock availabilityZone mapPublicIpOnLaunch",
        "",
    ),
    (
        "aws:ec2:Vpc",
        "cidrBlock enableDnsSupport enableDnsHostnames instanceTenancy defaultSecurityGroup",
        "",
    ),
    (
        "aws:ecr:ImageTag",
        "repository tag service taskDefinition",
        "",
    ),
    ("aws:ecr:LifecyclePolicy", "repository policy", ""),
    (
        "aws:ecr:Repository",
        "name imageTagMutability imageTagMutabilityExclusionFilters imageScanningConfiguration encryptionConfigurations forceDelete",
        "repositoryUrl registryId hasImages",
    ),
    ("aws:ecs:Cluster", "name settings", ""),
    (
        "aws:ecs:Service",
        "name cluster taskDefinition desiredCount launchType platformVersion networkConfiguration loadBalancers deploymentCircuitBreaker deploymentMaximumPercent deploymentMinimumHealthyPercent healthCheckGracePeriodSeconds enableExecuteCommand enableEcsManagedTags propagateTags waitForSteadyState desiredCountRange",
        "",
    ),
    (
        "aws:ecs:TaskDefinition",
        "family cpu memory networkMode requiresCompatibilities executionRoleArn taskRoleArn containerDefinitions runtimePlatform ephemeralStorage volumes",
        "",
    ),
    (
        "aws:iam:Role",
        "name path description assumeRolePolicy maxSessionDuration permissionsBoundary",
        "",
    ),
    ("aws:iam:RolePolicy", "name role policy", ""),
    ("aws:iam:RolePolicyAttachment", "role policyArn", ""),
    (
        "aws:lb:Listener",
        "loadBalancerArn port protocol sslPolicy certificateArn defaultActions",
        "",
    ),
    (
        "aws:lb:ListenerRule",
        "listenerArn priority conditions actions",
        "",
    ),
    (
        "aws:lb:LoadBalancer",
        "name internal loadBalancerType securityGroups subnets vpcId idleTimeout enableDeletionProtection dropInvalidHeaderFields enableHttp2 accessLogs ipAddressType",
        "dnsName zoneId arnSuffix",
    ),
    (
        "aws:lb:TargetGroup",
        "name port protocol targetType vpcId healthCheck deregistrationDelay slowStart stickiness",
        "arnSuffix",
    ),
    (
        "aws:rds:EventSubscription",
        "name snsTopic sourceType sourceIds eventCategories enabled",
        "",
    ),
    (
        "aws:rds:Instance",
        "identifier engine engineVersion allowMajorVersionUpgrade instanceClass allocatedStorage maxAllocatedStorage storageType storageEncrypted kmsKeyId dbName username port dbSubnetGroupName vpcSecurityGroupIds parameterGroupName multiAz publiclyAccessible backupRetentionPeriod backupWindow maintenanceWindow deletionProtection performanceInsightsEnabled performanceInsightsRetentionPeriod monitoringInterval monitoringRoleArn autoMinorVersionUpgrade copyTagsToSnapshot enabledCloudwatchLogsExports iamDatabaseAuthenticationEnabled applyImmediately replicateSourceDb masterPasswordSecretArn",
        "endpoint address resourceId",
    ),
    (
        "aws:rds:ParameterGroup",
        "name family description parameters",
        "",
    ),
    (
        "aws:rds:SubnetGroup",
        "name description subnetIds vpcId",
        "",
    ),
    ("aws:s3:Bucket", "bucket forceDestroy", ""),
    ("aws:s3:BucketLifecycleConfiguration", "bucket rules", ""),
    ("aws:s3:BucketPolicy", "bucket policy", ""),
    (
        "aws:s3:BucketPublicAccessBlock",
        "bucket blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets",
        "",
    ),
    (
        "aws:s3:BucketServerSideEncryptionConfiguration",
        "bucket rules",
        "",
    ),
    (
        "aws:secretsmanager:Secret",
        "name description kmsKeyId recoveryWindowInDays generateSecretString",
        "",
    ),
    ("aws:sns:Topic", "name displayName kmsMasterKeyId", ""),
    ("aws:sns:TopicPolicy", "arn policy", ""),
    ("aws:sns:TopicSubscription", "topic protocol endpoint", ""),
    (
        "aws:vpc:SecurityGroupEgressRule",
        "securityGroupId ipProtocol fromPort toPort cidrIpv4 cidrIpv6 referencedSecurityGroupId description",
        "",
    ),
    (
        "aws:vpc:SecurityGroupIngressRule",
        "securityGroupId ipProtocol fromPort toPort cidrIpv4 cidrIpv6 referencedSecurityGroupId description",
        "",
    ),
    (
        "aws:wafv2:WebAcl",
        "name scope description defaultAction rules visibilityConfig",
        "",
    ),
    ("aws:wafv2:WebAclAssociation", "resourceArn webAclArn", ""),
    (
        "aws:wafv2:WebAclLoggingConfiguration",
        "resourceArn logDestinationConfigs redactedFields loggingFilter",
        "",
    ),
    (
        "fde:secretsmanager:TargetAttachment",
        "secretId engine host port dbname username sslMode sslRootCert",
        "",
    ),
];

/// A catalog of the types that sections use, without anything that is AWS's own business.
pub fn catalog() -> Catalog {
    Catalog::new(TYPES.iter().map(|(token, inputs, outputs)| {
        let mut schema =
            Schema::new::<BTreeMap<String, serde_json::Value>>(token, CreateClass::NaturalKey);
        schema.properties = inputs.split_whitespace().map(Property::new).collect();
        schema.outputs = outputs.split_whitespace().collect::<Vec<_>>().leak();
        schema
    }))
}

/// Reads a stack from texts by path; the first is the stack file. A flag after `new ` is a `--set-new`.
pub fn load(files: &[(&str, &str)], set: &[&str]) -> Result<Stack, StackErrors> {
    let read = |path: &str| {
        files
            .iter()
            .find(|(name, _)| *name == path)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
    };
    let set: Vec<Flag> = set
        .iter()
        .map(|flag| match flag.strip_prefix("new ") {
            Some(flag) => Flag::set_new(flag),
            None => Flag::set(*flag),
        })
        .collect();
    stack::load(files[0].0, &read, &set)
}

/// A stack with a head, and sections as given.
pub fn with_head(sections: &str) -> String {
    format!("name: shop\nenvironment: dev\nregion: eu-south-2\n{sections}")
}

/// Expands a text that has everything but the head.
pub fn expand_text(sections: &str) -> Result<Expansion, StackErrors> {
    let text = with_head(sections);
    let stack = load(&[("dev.yaml", &text)], &[])?;
    expand(&stack, &catalog())
}

/// Faults, one a line: place, code, label, help. Lines count from that of the first section.
pub fn faults(errors: &StackErrors, skipped_lines: usize) -> String {
    let mut text = String::new();
    for error in &errors.errors {
        for (index, label) in error.labels.iter().enumerate() {
            let source = &errors.sources[label.span.source as usize];
            let before = &source.text[..label.span.offset as usize];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            let covered: String = source.text[label.span.range()]
                .chars()
                .map(|c| match limits::harmful_character(&c.to_string()) {
                    Some(harmful) => harmful.escape_unicode().to_string(),
                    None => c.to_string(),
                })
                .collect();
            let code = error.code().trim_start_matches("fde::stack::");
            let lead = if index == 0 { code } else { "  also" };
            let line = line as i64
                - if source.name.ends_with("dev.yaml") {
                    skipped_lines as i64
                } else {
                    0
                };
            let name = if source.name == "dev.yaml" {
                ""
            } else {
                &source.name
            };
            writeln!(
                text,
                "{name}{line}:{column} {lead} `{covered}`: {}",
                label.text
            )
            .unwrap();
        }
        if let Some(help) = &error.help {
            writeln!(text, "    help: {help}").unwrap();
        }
    }
    text
}

/// The faults of a text that has everything but the head, those between resources among them, or `fine`.
pub fn faults_of(sections: &str) -> String {
    let text = with_head(sections);
    let graph = load(&[("dev.yaml", &text)], &[]).and_then(|stack| stack_graph(&stack, &catalog()));
    match graph {
        Ok(_) => "fine".to_owned(),
        Err(errors) => faults(&errors, 3),
    }
}

/// As [`faults_of`], with all that the real types know.
pub fn faults_with_types(sections: &str) -> String {
    let catalog = crate::aws::registry::catalog();
    let text = with_head(sections);
    let graph = load(&[("dev.yaml", &text)], &[]).and_then(|stack| stack_graph(&stack, &catalog));
    match graph {
        Ok(_) => "fine".to_owned(),
        Err(errors) => faults(&errors, 3),
    }
}

/// What may be wrong with a text, and may not, by all that the real types know.
pub fn warnings_with_types(sections: &str) -> String {
    let catalog = crate::aws::registry::catalog();
    let text = with_head(sections);
    let stack = load(&[("dev.yaml", &text)], &[]).unwrap();
    let (graph, _) = stack_graph(&stack, &catalog).unwrap();
    faults(&super::warnings(&stack, &graph), 3)
}

/// Resources as text: name, type, inputs and options that are not the usual ones.
pub fn render(expansion: &Expansion) -> String {
    let mut text = String::new();
    for resource in &expansion.resources {
        writeln!(text, "{} {}", resource.urn.name(), resource.urn.token()).unwrap();
        for (name, value) in &resource.inputs {
            writeln!(text, "  {name}: {value:?}").unwrap();
        }
        for urn in &resource.options.depends_on {
            writeln!(text, "  after {}", urn.name()).unwrap();
        }
        for path in &resource.options.ignore_changes {
            writeln!(text, "  ignores {path}").unwrap();
        }
    }
    text
}

/// Outputs as text.
pub fn render_outputs(expansion: &Expansion) -> String {
    let lines: Vec<String> = expansion
        .outputs
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    lines.join("\n")
}

/// The resources of a text that has everything but the head.
pub fn render_text(sections: &str) -> String {
    match expand_text(sections) {
        Ok(expansion) => render(&expansion),
        Err(errors) => faults(&errors, 3),
    }
}
