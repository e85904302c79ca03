//! Hand-written answers for what people look for here: keys and resource types of other tools, and of AWS.
//!
//! `x-synonyms` names the key that is meant, `x-unsupported` says what to do where there is none.

use serde_json::{Value as Json, json};

use crate::facts;
use crate::resource::Catalog;

/// Keys of a service.
pub fn service_synonyms() -> Json {
    json!({
        "env": "environment", "envVars": "environment", "variables": "environment",
        "replicas": "scaling", "count": "scaling", "desiredCount": "scaling", "autoscaling": "scaling",
        "memory": "memoryMiB", "ports": "port", "containerPort": "port",
        "health": "healthCheck", "paths": "routes", "path": "routes", "rules": "routes",
        "args": "command", "entrypoint": "command", "entryPoint": "command",
        "arch": "architecture", "platform": "architecture",
        "logs": "logGroup", "logging": "logGroup", "ecr": "repository",
        "policy": "permissions", "policies": "permissions", "iam": "permissions",
    })
}

/// The answer for more than one container.
const SEVERAL: &str = "a service is one container: take the key out, and for several declare an aws:ecs:TaskDefinition and \
                       an aws:ecs:Service under `resources:`";

/// Keys of a service that have no counterpart.
pub fn service_unsupported() -> Json {
    json!({
        "build": "images are built elsewhere: push one to the repository of the service, and take the key out",
        "volumes": "tasks have no volumes: take the key out, and declare an aws:ecs:TaskDefinition under `resources:` \
                    where there must be one",
        "dependsOn": "services start by themselves: take the key out, and let the container try again",
        "domain": "DNS records are made with another tool: take the key out, and point the record at the output \
                   `loadBalancerDnsName`",
        "schedule": "tasks on a schedule are made with another tool: take the key out",
        "containers": SEVERAL,
        "sidecars": SEVERAL,
        "beforeDeploy": "nothing runs before a deployment: take the key out, and run the migration as the container starts, \
                         or in the pipeline before `up`",
    })
}

/// Keys of the network that have no counterpart.
pub fn network_unsupported() -> Json {
    let own = "the section makes a VPC of its own: take the key out, and declare what belongs into another VPC under \
               `resources:`, with the ids of its subnets";
    json!({ "existing": own, "vpc": own, "vpcId": own })
}

/// Keys of the database.
pub fn database_synonyms() -> Json {
    json!({
        "version": "engineVersion", "storage": "storageGiB", "size": "instanceClass", "class": "instanceClass",
        "instanceType": "instanceClass", "user": "username", "replicas": "readReplicas",
        "backups": "backupRetentionDays", "dbName": "databaseName", "highAvailability": "multiAz", "ssl": "sslMode",
        "logs": "logExports", "logging": "logExports", "iam": "iamAuthentication",
    })
}

/// Keys of the database that have no counterpart.
pub fn database_unsupported() -> Json {
    json!({
        "engine": "the section is PostgreSQL: take the key out, and declare an aws:rds:Instance under `resources:` for \
                   another engine",
        "password": "RDS gets a generated one, kept in a secret: take the key out, and hand `${database.password}` to \
                     the `secrets:` of a service",
    })
}

/// Advice for a resource type of a service that has no types here, by service.
const SERVICES: &[(&str, &str)] = &[
    (
        "acm",
        "request the certificate with another tool, and write its ARN where it is needed: `loadBalancer.certificateArn`",
    ),
    (
        "apigateway",
        "remove it; `loadBalancer:` brings requests to services",
    ),
    (
        "apigatewayv2",
        "remove it; `loadBalancer:` brings requests to services",
    ),
    (
        "cloudfront",
        "make the distribution with another tool, and point it at the output `loadBalancerDnsName`",
    ),
    (
        "dynamodb",
        "a table is an `aws-native:dynamodb:Table`; give its ARN to the `permissions:` of a service",
    ),
    (
        "efs",
        "a file system is an `aws-native:efs:FileSystem`; tasks have no volumes",
    ),
    ("eks", "remove it; `services:` runs containers on Fargate"),
    (
        "elasticache",
        "a cache is an `aws-native:elasticache:ReplicationGroup`; give its address to the `environment:` of a service",
    ),
    (
        "kinesis",
        "a stream is an `aws-native:kinesis:Stream`; give its ARN to the `permissions:` of a service",
    ),
    (
        "lambda",
        "a function is an `aws-native:lambda:Function`; the permission to call it is given with another tool",
    ),
    (
        "memorydb",
        "a cache is an `aws-native:memorydb:Cluster`; give its address to the `environment:` of a service",
    ),
    (
        "opensearch",
        "a domain is an `aws-native:opensearchservice:Domain`; give its address to the `environment:` of a service",
    ),
    (
        "route53",
        "make the record with another tool, and point it at the output `loadBalancerDnsName`",
    ),
    (
        "sfn",
        "a state machine is an `aws-native:stepfunctions:StateMachine`; give its ARN to the `permissions:` of a service",
    ),
    (
        "sqs",
        "a queue is an `aws-native:sqs:Queue`; its policy is made with another tool",
    ),
    (
        "ssm",
        "a parameter is an `aws-native:ssm:Parameter`; give its ARN to the `secrets:` of a service",
    ),
];

/// Advice for a resource type that is not supported, of a service with other types that are.
const TYPES: &[(&str, &str)] = &[
    (
        "aws:ec2:SecurityGroupRule",
        "what comes in is an `aws:vpc:SecurityGroupIngressRule`, what goes out an `aws:vpc:SecurityGroupEgressRule`",
    ),
    (
        "aws:ec2:Instance",
        "remove it; `services:` runs containers on Fargate",
    ),
    (
        "aws:ec2:VpcEndpoint",
        "declare an `aws-native:ec2:VpcEndpoint`, and give it the subnets among the outputs",
    ),
    (
        "aws:rds:Cluster",
        "declare an `aws-native:rds:DbCluster`, or an `aws:rds:Instance`",
    ),
    (
        "aws:ecr:RepositoryPolicy",
        "set the policy of the repository with another tool",
    ),
    (
        "aws:s3:BucketObject",
        "upload what a bucket is to hold with another tool",
    ),
    (
        "aws:logs:LogGroup",
        "a log group is an `aws:cloudwatch:LogGroup`",
    ),
];

/// The services that have an answer.
#[cfg(test)]
pub(super) fn services() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(service, _)| *service)
}

/// The types that have an answer.
#[cfg(test)]
pub(super) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(token, _)| *token)
}

/// The type of the same name that goes through Cloud Control, if there is one and it can be managed.
fn native(token: &str) -> Option<&'static str> {
    let rest = token.strip_prefix("aws:")?;
    let (module, name) = rest.split_once(':')?;
    let module = module.split('/').next()?;
    let facts = facts::get(&format!("aws-native:{module}:{name}"))?;
    facts.refusal().is_none().then_some(facts.token.as_str())
}

/// The answer for a resource type that people look for, or for one of a service that the catalog does not have.
pub fn answer(token: &str, catalog: &Catalog) -> Option<String> {
    if let Some((_, advice)) = TYPES.iter().find(|(of, _)| *of == token) {
        return Some((*advice).to_owned());
    }
    if let Some(rest) = token.strip_prefix("aws:elasticloadbalancingv2:") {
        let ours = format!("aws:lb:{rest}");
        let ours = catalog.get(&ours).map(|_| ours);
        return ours.map(|ours| format!("did you mean `{ours}`?"));
    }
    if let Some(native) = native(token) {
        return Some(format!(
            "declare an `{native}`: what is not written by hand goes through AWS Cloud Control"
        ));
    }
    let module = token.split(':').nth(1)?.split('/').next()?;
    let is_known =
        |schema: &crate::resource::Schema| schema.token.split(':').nth(1) == Some(module);
    let (_, advice) = SERVICES.iter().find(|(service, _)| *service == module)?;
    (!catalog.iter().any(is_known)).then(|| (*advice).to_owned())
}
