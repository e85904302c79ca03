//! All resource types that exist. `docs/adding-a-type.md` says what else a new one takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::resource_type::{AnyResourceType, Bridge, ResourceType};
use super::{
    autoscaling, cloudcontrol, cloudwatch, ec2, ecr, ecs, elbv2, iam, kms, logs, rds, s3,
    secretsmanager, sns, usual, wafv2,
};
use crate::resource::{Catalog, Schema};

type Registry = BTreeMap<&'static str, Arc<dyn AnyResourceType>>;

/// Receives every resource type once.
trait Visitor {
    fn visit<T: ResourceType>(&mut self, resource_type: T);
}

/// Names every resource type, in the order of their files.
fn each(to: &mut impl Visitor) {
    to.visit(autoscaling::policy::Policy);
    to.visit(autoscaling::target::Target);
    to.visit(cloudwatch::dashboard::Dashboard);
    to.visit(cloudwatch::metric_alarm::MetricAlarm);
    to.visit(ec2::eip::Eip);
    to.visit(ec2::flow_log::FlowLog);
    to.visit(ec2::internet_gateway::InternetGateway);
    to.visit(ec2::nat_gateway::NatGateway);
    to.visit(ec2::route::Route);
    to.visit(ec2::route_table::RouteTable);
    to.visit(ec2::route_table_association::RouteTableAssociation);
    to.visit(ec2::security_group::SecurityGroup);
    to.visit(ec2::security_group_egress_rule::SecurityGroupEgressRule);
    to.visit(ec2::security_group_ingress_rule::SecurityGroupIngressRule);
    to.visit(ec2::subnet::Subnet);
    to.visit(ec2::vpc::Vpc);
    to.visit(ecr::image_tag::ImageTag);
    to.visit(ecr::lifecycle_policy::LifecyclePolicy);
    to.visit(ecr::repository::Repository);
    to.visit(ecs::cluster::Cluster);
    to.visit(ecs::service::Service);
    to.visit(ecs::task_definition::TaskDefinition);
    to.visit(elbv2::listener::Listener);
    to.visit(elbv2::listener_rule::ListenerRule);
    to.visit(elbv2::load_balancer::LoadBalancer);
    to.visit(elbv2::target_group::TargetGroup);
    to.visit(iam::policy::Policy);
    to.visit(iam::role::Role);
    to.visit(iam::role_policy::RolePolicy);
    to.visit(iam::role_policy_attachment::RolePolicyAttachment);
    to.visit(kms::alias::Alias);
    to.visit(kms::key::Key);
    to.visit(logs::log_group::LogGroup);
    to.visit(rds::event_subscription::EventSubscription);
    to.visit(rds::instance::Instance);
    to.visit(rds::parameter_group::ParameterGroup);
    to.visit(rds::subnet_group::SubnetGroup);
    to.visit(s3::bucket::Bucket);
    to.visit(s3::bucket_lifecycle_configuration::BucketLifecycleConfiguration);
    to.visit(s3::bucket_ownership_controls::BucketOwnershipControls);
    to.visit(s3::bucket_policy::BucketPolicy);
    to.visit(s3::bucket_public_access_block::BucketPublicAccessBlock);
    to.visit(
        s3::bucket_server_side_encryption_configuration::BucketServerSideEncryptionConfiguration,
    );
    to.visit(s3::bucket_versioning::BucketVersioning);
    to.visit(secretsmanager::secret::Secret);
    to.visit(secretsmanager::secret_version::SecretVersion);
    to.visit(secretsmanager::target_attachment::TargetAttachment);
    to.visit(sns::topic::Topic);
    to.visit(sns::topic_policy::TopicPolicy);
    to.visit(sns::topic_subscription::TopicSubscription);
    to.visit(wafv2::web_acl_logging_configuration::WebAclLoggingConfiguration);
    to.visit(wafv2::web_acl::WebAcl);
    to.visit(wafv2::web_acl_association::WebAclAssociation);
}

fn schema_of<T: ResourceType>(resource_type: &T) -> Schema {
    let schema = resource_type.schema();
    let times = usual::of(schema.token);
    schema.usual(times)
}

/// The schemas of all types: all that the modules outside `aws` need to know of them.
pub fn catalog() -> Catalog {
    struct Schemas(Vec<Schema>);
    impl Visitor for Schemas {
        fn visit<T: ResourceType>(&mut self, resource_type: T) {
            self.0.push(schema_of(&resource_type));
        }
    }
    let mut schemas = Schemas(Vec::new());
    each(&mut schemas);
    Catalog::new(schemas.0).with(cloudcontrol::schema)
}

pub(super) fn resource_types() -> Registry {
    struct Types(Registry);
    impl Visitor for Types {
        fn visit<T: ResourceType>(&mut self, resource_type: T) {
            let schema = schema_of(&resource_type);
            self.0.insert(
                schema.token,
                Arc::new(Bridge {
                    resource_type,
                    schema,
                }),
            );
        }
    }
    let mut types = Types(Registry::new());
    each(&mut types);
    types.0
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::resource::diff::compare;
    use crate::resource::schema::Unset;
    use crate::resource::{Properties, StackId, Urn, Value};

    /// A text that happens to equal a name of ours must not prevent a deletion.
    #[test]
    fn a_type_with_names_says_what_keeps_it_from_being_deleted() {
        let catalog = catalog();
        let silent: Vec<&str> = catalog
            .iter()
            .filter(|schema| schema.taggable && schema.name.is_some())
            .filter(|schema| schema.blockers.is_none())
            .map(|schema| schema.token)
            // Other objects refer to it by the id that AWS gives.
            .filter(|token| *token != "aws:ec2:SecurityGroup")
            .collect();
        assert_eq!(silent, [""; 0]);
    }

    /// Types that open access or move traffic: an addition by another party counts as drift until it is accepted.
    #[test]
    fn what_opens_access_or_moves_traffic_is_drift_where_others_add_it() {
        let catalog = catalog();
        let opens: Vec<&str> = catalog
            .iter()
            .filter(|schema| schema.opens)
            .map(|schema| schema.token)
            .collect();
        expect![[r#"
            [
                "aws:ec2:Route",
                "aws:ec2:RouteTableAssociation",
                "aws:iam:RolePolicy",
                "aws:iam:RolePolicyAttachment",
                "aws:lb:Listener",
                "aws:lb:ListenerRule",
                "aws:s3:BucketPolicy",
                "aws:s3:BucketPublicAccessBlock",
                "aws:sns:TopicPolicy",
                "aws:vpc:SecurityGroupEgressRule",
                "aws:vpc:SecurityGroupIngressRule",
            ]
        "#]]
        .assert_debug_eq(&opens);
        let notes = catalog
            .iter()
            .filter(|schema| !schema.opens && !schema.parents.is_empty());
        let notes: Vec<&str> = notes.map(|schema| schema.token).collect();
        expect![[r#"
            [
                "aws:appautoscaling:Policy",
                "aws:ecr:ImageTag",
                "aws:ecr:LifecyclePolicy",
                "aws:kms:Alias",
                "aws:s3:BucketLifecycleConfiguration",
                "aws:s3:BucketOwnershipControls",
                "aws:s3:BucketServerSideEncryptionConfiguration",
                "aws:s3:BucketVersioning",
                "aws:secretsmanager:SecretVersion",
                "aws:sns:TopicSubscription",
                "aws:wafv2:WebAclAssociation",
                "aws:wafv2:WebAclLoggingConfiguration",
                "fde:secretsmanager:TargetAttachment",
            ]
        "#]]
        .assert_debug_eq(&notes);
    }

    /// A key of another tool leads to a type that exists.
    #[test]
    fn parts_are_types_of_their_own() {
        let catalog = catalog();
        let mut count = 0;
        for schema in catalog.iter() {
            let inputs = schema.input_schema.to_value();
            let parts = inputs["x-parts"].as_object().into_iter().flatten();
            for (key, token) in parts {
                let part = token.as_str().and_then(|token| catalog.get(token));
                assert!(part.is_some(), "{}.{key}: {token}", schema.token);
                assert!(schema.property(key).is_none(), "{}.{key}", schema.token);
                count += 1;
            }
        }
        assert!(count > 10, "{count}");
    }

    /// A value that AWS never returns cannot be compared: it is remembered, or AWS does not keep it at all.
    #[test]
    fn what_is_only_written_is_remembered_unless_aws_keeps_nothing_of_it() {
        // Settings of how this program makes its calls, which the file gives again with each run.
        const OURS: [(&str, &str); 11] = [
            ("aws:ecr:ImageTag", "service"),
            ("aws:ecr:Repository", "forceDelete"),
            ("aws:ecs:Service", "desiredCountRange"),
            ("aws:ecs:Service", "forceNewDeployment"),
            ("aws:ecs:Service", "waitForSteadyState"),
            ("aws:kms:Key", "deletionWindowInDays"),
            ("aws:rds:Instance", "allowMajorVersionUpgrade"),
            ("aws:rds:Instance", "applyImmediately"),
            ("aws:s3:Bucket", "forceDestroy"),
            // Generated once, and never to be generated again: another value would lock all users out.
            ("aws:secretsmanager:Secret", "generateSecretString"),
            ("aws:secretsmanager:Secret", "recoveryWindowInDays"),
        ];
        let catalog = catalog();
        let mut forgotten: Vec<(&str, &str)> = catalog
            .iter()
            .flat_map(|schema| {
                schema
                    .properties
                    .iter()
                    .map(|property| (schema.token, property))
            })
            .filter(|(_, property)| property.write_only && !property.remembered)
            .map(|(token, property)| (token, property.name))
            .collect();
        forgotten.sort_unstable();
        assert_eq!(forgotten, OURS);
        // The source of a value is remembered, never a secret value.
        let mut all = catalog.iter().flat_map(|schema| schema.properties.iter());
        assert!(all.all(|property| !(property.remembered && property.secret)));
    }

    /// AWS returns one for the other; where it refuses an empty text, the check says so before anything is done. Covers each
    /// optional text.
    #[test]
    fn an_empty_text_is_none_or_refused() {
        let catalog = catalog();
        let mut taken = 0;
        for schema in catalog.iter() {
            let inputs = schema.input_schema.to_value();
            for property in &schema.properties {
                let kind = &inputs["properties"][property.name]["type"];
                let is_text = *kind == json!("string") || *kind == json!(["string", "null"]);
                let is_name = schema
                    .name
                    .is_some_and(|rule| rule.property == property.name);
                let is_optional = match &property.unset {
                    Unset::Default(default) => default.is_null(),
                    unset => *unset == Unset::ServerChooses,
                };
                if !is_text || is_name || !is_optional || property.write_only {
                    continue;
                }
                let place = format!("{} {}", schema.token, property.name);
                let empty = Properties::from([(property.name.to_owned(), "".into())]);
                if property
                    .text
                    .is_some_and(|rule| rule.check_text("").is_some())
                {
                    let invalid_inputs = schema.invalid_inputs(&schema.with_defaults(empty));
                    assert!(
                        invalid_inputs
                            .iter()
                            .any(|invalid_input| invalid_input.at == property.name),
                        "{place}"
                    );
                    continue;
                }
                taken += 1;
                let nothing = Properties::default();
                assert!(
                    !schema
                        .with_defaults(empty.clone())
                        .contains_key(property.name),
                    "{place}"
                );
                for (wanted, found) in [(&empty, &nothing), (&nothing, &empty)] {
                    let diff = compare(schema, wanted, found);
                    assert!(!diff.touches(property.name), "{place}");
                }
            }
        }
        assert!(taken > 15, "{taken}");
    }

    /// Words that no file can contain, because its schema lists the allowed ones, and that a reference can nevertheless
    /// resolve to.
    #[test]
    fn what_a_reference_turns_out_to_be_is_looked_at() {
        let scaled = json!({"serviceNamespace": "ecs", "resourceId": "service/a/b", "minCapacity": 1, "maxCapacity": 2,
            "scalableDimension": "ecs:service:DesiredCount"});
        let policy = json!({"name": "cpu", "serviceNamespace": "ecs", "resourceId": "service/a/b",
            "scalableDimension": "ecs:service:DesiredCount", "targetTrackingScalingPolicyConfiguration":
            {"predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}, "targetValue": 60}});
        let task = json!({"family": "api", "containerDefinitions": []});
        let group = json!({"name": "api", "port": 80, "protocol": "HTTP", "vpcId": "vpc-1"});
        let stack = StackId {
            name: "shop".to_owned(),
            environment: "dev".to_owned(),
        };
        let topic = Urn::new(&stack, "aws:sns:Topic", "topic");
        let catalog = catalog();
        for (token, inputs, property, word) in [
            (
                "aws:appautoscaling:Target",
                scaled,
                "serviceNamespace",
                "dynamodb",
            ),
            (
                "aws:appautoscaling:Policy",
                policy,
                "policyType",
                "StepScaling",
            ),
            ("aws:ecs:TaskDefinition", task, "networkMode", "bridge"),
            ("aws:lb:TargetGroup", group, "protocol", "TCP"),
        ] {
            let schema = catalog.get(token).unwrap();
            let Value::Object(inputs) = Value::from(inputs) else {
                panic!("{token} has properties");
            };
            let mut inputs = schema.with_defaults(inputs);
            assert_eq!(schema.invalid_inputs(&inputs), [], "{token}");
            inputs.insert(property.to_owned(), Value::output(&topic, "name"));
            assert_eq!(schema.invalid_inputs(&inputs), [], "{token}: not known yet");
            inputs.insert(property.to_owned(), word.into());
            let invalid_inputs = schema.invalid_inputs(&inputs);
            assert_eq!(invalid_inputs[0].at, property, "{token}");
        }
    }

    #[test]
    fn every_schema_is_sound() {
        for schema in catalog().iter() {
            let has = |name: &str| schema.property(name).is_some();
            if let Some(rule) = schema.name {
                assert!(has(rule.property), "{}: no name property", schema.token);
            }
            for name in schema.key {
                assert!(has(name), "{}: no key property {name}", schema.token);
            }
            // The inputs' JSON schema and the schema's property list name the same properties.
            let json = schema.input_schema.to_value();
            let mut fields: Vec<&str> = json["properties"]
                .as_object()
                .map(|fields| fields.keys().map(String::as_str).collect())
                .unwrap_or_default();
            let mut properties: Vec<&str> = schema.properties.iter().map(|p| p.name).collect();
            fields.sort_unstable();
            properties.sort_unstable();
            assert_eq!(fields, properties, "{}", schema.token);
            if !schema.taggable {
                assert!(
                    !schema.key.is_empty(),
                    "{}: no tags and no key",
                    schema.token
                );
            }
        }
    }
}
