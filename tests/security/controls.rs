//! The controls by which a customer's review measures a stack (the numbers are those of AWS Security Hub), as the three
//! environments meet them by default.
//!
//! `docs/security-controls.md` is the table, made by this test: `UPDATE_EXPECT=1 cargo test --test security controls`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use fde_infra::aws::registry::catalog;
use fde_infra::component::{SECTIONS, stack_graph};
use fde_infra::graph::ResourceGraph;
use fde_infra::stack;
use serde_json::Value as Json;

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// A stack with all sections that says as little as it can, and has a certificate.
const FILE: &str = "
name: shop
region: eu-south-2
network: {}
database: {}
services:
  api: { port: 8000, routes: [\"/api/*\"], secrets: { DATABASE_URL: \"${database.url}\" } }
  web: { port: 3000, default: true }
loadBalancer: { certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/8a2f7f4e-57b9-4c0f-a9c9-2e5f3bb7a1d0\" }
monitoring: { alarmEmails: [ops@example.com] }
";

/// The resources of a stack by name, each as its type and inputs.
struct Stack(BTreeMap<String, (String, Json)>);

impl Stack {
    fn of(graph: &ResourceGraph) -> Self {
        let of = |resource: &fde_infra::graph::Resource| {
            let inputs = resource.inputs.iter();
            let inputs = inputs.map(|(name, value)| (name.clone(), Json::from(value)));
            let inputs = Json::Object(inputs.collect());
            let token = resource.urn.token().to_owned();
            (resource.urn.name().to_owned(), (token, inputs))
        };
        Self(graph.iter().map(of).collect())
    }

    /// The inputs of all of a type.
    fn all(&self, token: &str) -> Vec<&Json> {
        let all = self.0.values().filter(|(of, _)| of == token);
        all.map(|(_, inputs)| inputs).collect()
    }

    /// The containers of all task definitions.
    fn containers(&self) -> Vec<&Json> {
        let tasks = self.all("aws:ecs:TaskDefinition").into_iter();
        let lists = tasks.filter_map(|task| task["containerDefinitions"].as_array());
        lists.flatten().collect()
    }

    /// The statements of what roles may do.
    fn statements(&self) -> Vec<&Json> {
        let policies = self.all("aws:iam:RolePolicy").into_iter();
        let policies = policies.chain(self.all("aws:iam:Policy"));
        let lists = policies.filter_map(|policy| policy["policy"]["Statement"].as_array());
        lists.flatten().collect()
    }
}

/// The environments in which a control holds: all, from staging on, prod, or none by default.
#[derive(Clone, Copy, PartialEq)]
enum In {
    All,
    Staging,
    Prod,
    None,
}

impl In {
    fn holds(self, environment: &str) -> bool {
        match self {
            Self::All => true,
            Self::Staging => environment != "dev",
            Self::Prod => environment == "prod",
            Self::None => false,
        }
    }
}

struct Control {
    number: &'static str,
    what: &'static str,
    by_default: In,
    /// The key that decides it, or why it does not hold.
    key: &'static str,
    holds: fn(&Stack) -> bool,
}

/// True if there are some, and each is so.
fn each(objects: &[&Json], is_so: impl Fn(&Json) -> bool) -> bool {
    !objects.is_empty() && objects.iter().all(|object| is_so(object))
}

/// True if a list, or a text, has it.
fn has(list: &Json, what: &str) -> bool {
    match list {
        Json::Array(items) => items.iter().any(|item| has(item, what)),
        other => other.as_str().is_some_and(|text| text == what),
    }
}

fn is(value: &Json, wanted: impl Into<Json>) -> bool {
    *value == wanted.into()
}

/// The instances that are no replicas.
fn primary(stack: &Stack) -> Vec<&Json> {
    let mut instances = stack.all("aws:rds:Instance");
    instances.retain(|instance| instance["replicateSourceDb"].is_null());
    instances
}

/// The ports that rules open to everyone.
fn open_ports(stack: &Stack) -> Vec<u64> {
    let rules = stack.all("aws:vpc:SecurityGroupIngressRule").into_iter();
    let open =
        rules.filter(|rule| is(&rule["cidrIpv4"], "0.0.0.0/0") || is(&rule["cidrIpv6"], "::/0"));
    open.map(|rule| match rule["fromPort"].as_u64() {
        Some(port) if rule["toPort"].as_u64() == Some(port) => port,
        _ => 0,
    })
    .collect()
}

/// The names of AWS's groups of rules in the firewall.
fn rule_groups(stack: &Stack) -> Vec<String> {
    let acls = stack.all("aws:wafv2:WebAcl").into_iter();
    let rules = acls.filter_map(|acl| acl["rules"].as_array()).flatten();
    let groups = rules.map(|rule| &rule["statement"]["managedRuleGroupStatement"]["name"]);
    groups
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// The parameter of all parameter groups.
fn parameter<'a>(group: &'a Json, name: &str) -> Option<&'a Json> {
    let parameters = group["parameters"].as_array()?.iter();
    let mut found = parameters.filter(|parameter| is(&parameter["name"], name));
    found.next().map(|parameter| &parameter["value"])
}

/// Returns whether an alarm watches a metric.
fn alarms_on(stack: &Stack, metric: &str) -> bool {
    let alarms = stack.all("aws:cloudwatch:MetricAlarm");
    alarms.iter().any(|alarm| is(&alarm["metricName"], metric))
}

const CONTROLS: &[Control] = &[
    Control {
        number: "CloudWatch.15",
        what: "alarms have someone to reach",
        by_default: In::All,
        key: "`monitoring.alarmEmails`",
        holds: |stack| {
            each(&stack.all("aws:cloudwatch:MetricAlarm"), |alarm| {
                alarm["alarmActions"]
                    .as_array()
                    .is_some_and(|actions| !actions.is_empty())
            })
        },
    },
    Control {
        number: "CloudWatch.16",
        what: "logs are kept for a year, but for the figures of Container Insights",
        by_default: In::Prod,
        key: "`monitoring.logRetentionDays`",
        holds: |stack| {
            let mut groups = stack.all("aws:cloudwatch:LogGroup");
            // The logs that Container Insights writes there are made into metrics at once.
            groups.retain(|group| {
                !group["name"]
                    .as_str()
                    .is_some_and(|name| name.contains("containerinsights"))
            });
            each(&groups, |group| {
                group["retentionInDays"].as_u64() >= Some(365)
            })
        },
    },
    Control {
        number: "EC2.2",
        what: "the VPC's default security group lets nothing through",
        by_default: In::All,
        key: "`network.defaultSecurityGroup`",
        holds: |stack| {
            each(&stack.all("aws:ec2:Vpc"), |vpc| {
                is(&vpc["defaultSecurityGroup"], "closed")
            })
        },
    },
    Control {
        number: "EC2.6",
        what: "the VPC's traffic is logged",
        by_default: In::Prod,
        key: "`network.flowLogs`",
        holds: |stack| !stack.all("aws:ec2:FlowLog").is_empty(),
    },
    Control {
        number: "EC2.13, EC2.14",
        what: "nothing is open for SSH or RDP",
        by_default: In::All,
        key: "",
        holds: |stack| {
            open_ports(stack)
                .iter()
                .all(|port| ![0, 22, 3389].contains(port))
        },
    },
    Control {
        number: "EC2.15",
        what: "subnets give no public addresses by themselves",
        by_default: In::All,
        key: "`network.publicAddresses`",
        holds: |stack| {
            each(&stack.all("aws:ec2:Subnet"), |subnet| {
                !is(&subnet["mapPublicIpOnLaunch"], true)
            })
        },
    },
    Control {
        number: "EC2.18",
        what: "nothing but 80 and 443 is open to the internet",
        by_default: In::All,
        key: "",
        holds: |stack| {
            open_ports(stack)
                .iter()
                .all(|port| [80, 443].contains(port))
        },
    },
    Control {
        number: "ECR.1",
        what: "images are scanned when they are pushed",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:ecr:Repository"), |repository| {
                is(
                    &repository["imageScanningConfiguration"]["scanOnPush"],
                    true,
                )
            })
        },
    },
    Control {
        number: "ECR.2",
        what: "a tag cannot be moved to another image, but for `latest` and `fde-live-…`, which `up` moves",
        by_default: In::All,
        key: "`services.NAME.imageTags`",
        holds: |stack| {
            each(&stack.all("aws:ecr:Repository"), |repository| {
                repository["imageTagMutability"]
                    .as_str()
                    .is_some_and(|kind| kind.starts_with("IMMUTABLE"))
            })
        },
    },
    Control {
        number: "ECR.3",
        what: "old images expire",
        by_default: In::All,
        key: "`services.NAME.keepImages`",
        holds: |stack| {
            let policies = stack.all("aws:ecr:LifecyclePolicy").len();
            policies > 0 && policies == stack.all("aws:ecr:Repository").len()
        },
    },
    Control {
        number: "ECR.5",
        what: "repositories are encrypted with a key of one's own",
        by_default: In::None,
        key: "`kmsKey`",
        holds: |stack| {
            each(&stack.all("aws:ecr:Repository"), |repository| {
                is(
                    &repository["encryptionConfigurations"][0]["encryptionType"],
                    "KMS",
                )
            })
        },
    },
    Control {
        number: "ECS.2, ECS.16",
        what: "tasks have no public addresses",
        by_default: In::All,
        key: "`network.natGateways: none` gives them some",
        holds: |stack| {
            each(&stack.all("aws:ecs:Service"), |service| {
                is(&service["networkConfiguration"]["assignPublicIp"], false)
            })
        },
    },
    Control {
        number: "ECS.3, ECS.4",
        what: "no container is privileged or shares the host's processes",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.containers(), |container| {
                !is(&container["privileged"], true)
            }) && each(&stack.all("aws:ecs:TaskDefinition"), |task| {
                task["pidMode"].is_null()
            })
        },
    },
    Control {
        number: "ECS.5",
        what: "the root filesystem of a container is read-only",
        by_default: In::None,
        key: "`services.NAME.readOnly`: the image has to bear it",
        holds: |stack| {
            each(&stack.containers(), |container| {
                is(&container["readonlyRootFilesystem"], true)
            })
        },
    },
    Control {
        number: "ECS.8",
        what: "no secret stands in a variable of the environment",
        by_default: In::All,
        key: "`services.NAME.secrets`",
        holds: |stack| {
            each(&stack.containers(), |container| {
                let variables = container["environment"].as_array();
                !variables
                    .into_iter()
                    .flatten()
                    .any(|variable| has(&variable["name"], "DATABASE_URL"))
            })
        },
    },
    Control {
        number: "ECS.9",
        what: "containers log",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.containers(), |container| {
                is(&container["logConfiguration"]["logDriver"], "awslogs")
            })
        },
    },
    Control {
        number: "ECS.10",
        what: "tasks run on the latest platform of Fargate",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:ecs:Service"), |service| {
                is(&service["platformVersion"], "LATEST")
            })
        },
    },
    Control {
        number: "ECS.12",
        what: "clusters have Container Insights",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:ecs:Cluster"), |cluster| {
                is(&cluster["settings"][0]["value"], "enabled")
            })
        },
    },
    Control {
        number: "ECS.20",
        what: "containers do not run as root",
        by_default: In::None,
        key: "`services.NAME.user`: the image has to bear it",
        holds: |stack| {
            each(&stack.containers(), |container| {
                container["user"].is_string()
            })
        },
    },
    Control {
        number: "ELB.1",
        what: "HTTP is sent on to HTTPS",
        by_default: In::All,
        key: "`loadBalancer.certificateArn`; a stack without one is told of it",
        holds: |stack| {
            let mut listeners = stack.all("aws:lb:Listener");
            listeners.retain(|listener| is(&listener["protocol"], "HTTP"));
            each(&listeners, |listener| {
                is(&listener["defaultActions"][0]["type"], "redirect")
            })
        },
    },
    Control {
        number: "ELB.4",
        what: "headers that are none are dropped",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:lb:LoadBalancer"), |balancer| {
                is(&balancer["dropInvalidHeaderFields"], true)
            })
        },
    },
    Control {
        number: "ELB.5",
        what: "the load balancer keeps access logs",
        by_default: In::All,
        key: "`loadBalancer.accessLogs`",
        holds: |stack| {
            each(&stack.all("aws:lb:LoadBalancer"), |balancer| {
                is(&balancer["accessLogs"]["enabled"], true)
            })
        },
    },
    Control {
        number: "ELB.6",
        what: "the load balancer is protected against deletion",
        by_default: In::Prod,
        key: "`loadBalancer.deletionProtection`",
        holds: |stack| {
            each(&stack.all("aws:lb:LoadBalancer"), |balancer| {
                is(&balancer["enableDeletionProtection"], true)
            })
        },
    },
    Control {
        number: "ELB.13",
        what: "the load balancer is in more than one zone",
        by_default: In::All,
        key: "`network.availabilityZones`",
        holds: |stack| {
            each(&stack.all("aws:lb:LoadBalancer"), |balancer| {
                balancer["subnets"]
                    .as_array()
                    .is_some_and(|subnets| subnets.len() > 1)
            })
        },
    },
    Control {
        number: "ELB.16",
        what: "a firewall stands in front of the load balancer",
        by_default: In::Prod,
        key: "`loadBalancer.waf`",
        holds: |stack| !stack.all("aws:wafv2:WebAclAssociation").is_empty(),
    },
    Control {
        number: "ELB.17",
        what: "the policy for TLS is a recommended one",
        by_default: In::All,
        key: "",
        holds: |stack| {
            let mut listeners = stack.all("aws:lb:Listener");
            listeners.retain(|listener| is(&listener["protocol"], "HTTPS"));
            each(&listeners, |listener| {
                listener["sslPolicy"]
                    .as_str()
                    .is_some_and(|policy| policy.contains("TLS13-1-2"))
            })
        },
    },
    Control {
        number: "IAM.1, IAM.21",
        what: "no role may do everything, or everything of a service",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.statements(), |statement| {
                let actions = match &statement["Action"] {
                    Json::Array(actions) => actions.clone(),
                    one => vec![one.clone()],
                };
                let mut texts = actions.iter().filter_map(Json::as_str);
                !texts.any(|action| action == "*" || action.ends_with(":*"))
            })
        },
    },
    Control {
        number: "RDS.2, RDS.46",
        what: "the database cannot be reached from the internet",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:rds:Instance"), |instance| {
                is(&instance["publiclyAccessible"], false)
            })
        },
    },
    Control {
        number: "RDS.3, RDS.4",
        what: "the database and its snapshots are encrypted",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&primary(stack), |instance| {
                is(&instance["storageEncrypted"], true)
            })
        },
    },
    Control {
        number: "RDS.5",
        what: "the database has a standby in a second zone",
        by_default: In::Prod,
        key: "`database.multiAz`",
        holds: |stack| each(&primary(stack), |instance| is(&instance["multiAz"], true)),
    },
    Control {
        number: "RDS.6",
        what: "the database has enhanced monitoring",
        by_default: In::All,
        key: "`database.monitoringIntervalSeconds`",
        holds: |stack| {
            each(&stack.all("aws:rds:Instance"), |instance| {
                instance["monitoringInterval"].as_u64() > Some(0)
            })
        },
    },
    Control {
        number: "RDS.8",
        what: "the database is protected against deletion",
        by_default: In::Prod,
        key: "`database.deletionProtection`",
        holds: |stack| {
            each(&primary(stack), |instance| {
                is(&instance["deletionProtection"], true)
            })
        },
    },
    Control {
        number: "RDS.9, RDS.36",
        what: "the database's logs go to CloudWatch",
        by_default: In::Staging,
        key: "`database.logExports`",
        holds: |stack| {
            each(&primary(stack), |instance| {
                has(&instance["enabledCloudwatchLogsExports"], "postgresql")
            })
        },
    },
    Control {
        number: "RDS.10",
        what: "the database takes IAM's credentials",
        by_default: In::None,
        key: "`database.iamAuthentication`: the application has to use it",
        holds: |stack| {
            each(&primary(stack), |instance| {
                is(&instance["iamDatabaseAuthenticationEnabled"], true)
            })
        },
    },
    Control {
        number: "RDS.11",
        what: "backups are kept for a week",
        by_default: In::Staging,
        key: "`database.backupRetentionDays`",
        holds: |stack| {
            each(&primary(stack), |instance| {
                instance["backupRetentionPeriod"].as_u64() >= Some(7)
            })
        },
    },
    Control {
        number: "RDS.13",
        what: "minor versions come by themselves",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:rds:Instance"), |instance| {
                is(&instance["autoMinorVersionUpgrade"], true)
            })
        },
    },
    Control {
        number: "RDS.20, RDS.21",
        what: "events of the database are told",
        by_default: In::Staging,
        key: "`monitoring.databaseEvents`",
        holds: |stack| !stack.all("aws:rds:EventSubscription").is_empty(),
    },
    Control {
        number: "RDS.23",
        what: "the database has another port than its engine's own",
        by_default: In::None,
        key: "nothing: the port hides nothing in a network that lets the services alone through",
        holds: |stack| each(&primary(stack), |instance| !is(&instance["port"], 5432)),
    },
    Control {
        number: "RDS.25",
        what: "the master user has another name than the engine's own",
        by_default: In::None,
        key: "`database.username`; a change makes another database",
        holds: |stack| {
            each(&primary(stack), |instance| {
                !is(&instance["username"], "postgres")
            })
        },
    },
    Control {
        number: "RDS.38",
        what: "the database takes encrypted connections alone",
        by_default: In::All,
        key: "`database.parameters: { rds.force_ssl: 0 }` takes others",
        holds: |stack| {
            each(&stack.all("aws:rds:ParameterGroup"), |group| {
                parameter(group, "rds.force_ssl").is_some_and(|value| is(value, "1"))
            })
        },
    },
    Control {
        number: "S3.1, S3.8",
        what: "buckets are closed to the public",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:s3:BucketPublicAccessBlock"), |block| {
                let names = [
                    "blockPublicAcls",
                    "blockPublicPolicy",
                    "ignorePublicAcls",
                    "restrictPublicBuckets",
                ];
                names.iter().all(|name| is(&block[*name], true))
            })
        },
    },
    Control {
        number: "S3.5",
        what: "buckets take encrypted requests alone",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:s3:BucketPolicy"), |policy| {
                let statements = policy["policy"]["Statement"].as_array();
                statements.into_iter().flatten().any(|statement| {
                    is(&statement["Effect"], "Deny")
                        && is(
                            &statement["Condition"]["Bool"]["aws:SecureTransport"],
                            "false",
                        )
                })
            })
        },
    },
    Control {
        number: "S3.13",
        what: "objects in buckets have an end",
        by_default: In::All,
        key: "`loadBalancer.accessLogs.expireDays`",
        holds: |stack| !stack.all("aws:s3:BucketLifecycleConfiguration").is_empty(),
    },
    Control {
        number: "SecretsManager.1",
        what: "secrets are rotated",
        by_default: In::None,
        key: "nothing yet: the application uses the master user, whose password would change under it",
        holds: |_| false,
    },
    Control {
        number: "SNS.4",
        what: "topics are closed to the public",
        by_default: In::All,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:sns:TopicPolicy"), |policy| {
                let statements = policy["policy"]["Statement"].as_array();
                statements.into_iter().flatten().all(|statement| {
                    statement["Condition"]["StringEquals"]
                        .get("aws:SourceAccount")
                        .is_some()
                })
            })
        },
    },
    Control {
        number: "SNS.1",
        what: "topics are encrypted with a key of KMS",
        by_default: In::None,
        key: "`kmsKey`",
        holds: |stack| {
            each(&stack.all("aws:sns:Topic"), |topic| {
                topic["kmsMasterKeyId"].is_string()
            })
        },
    },
    Control {
        number: "WAF.11",
        what: "the firewall keeps logs",
        by_default: In::Prod,
        key: "`loadBalancer.waf.logging`",
        holds: |stack| !stack.all("aws:wafv2:WebAclLoggingConfiguration").is_empty(),
    },
    Control {
        number: "WAF.12",
        what: "the firewall's rules are counted",
        by_default: In::Prod,
        key: "",
        holds: |stack| {
            each(&stack.all("aws:wafv2:WebAcl"), |acl| {
                let rules = acl["rules"].as_array().into_iter().flatten();
                rules
                    .chain([acl])
                    .all(|of| is(&of["visibilityConfig"]["cloudwatchMetricsEnabled"], true))
            })
        },
    },
    Control {
        number: "firewall",
        what: "the firewall knows bad addresses and attacks on databases",
        by_default: In::Prod,
        key: "`loadBalancer.waf.sets`",
        holds: |stack| {
            let groups = rule_groups(stack);
            [
                "AWSManagedRulesAmazonIpReputationList",
                "AWSManagedRulesSQLiRuleSet",
            ]
            .iter()
            .all(|wanted| groups.iter().any(|group| group == wanted))
        },
    },
    Control {
        number: "alarms",
        what: "alarms watch the database's storage, memory and credits",
        by_default: In::Staging,
        key: "`monitoring.alarms`: `databaseFreeStorageGiB`, `databaseFreeMemoryMiB`, `databaseCpuCredits`, `databaseReplicaLagSeconds`",
        holds: |stack| {
            [
                "FreeStorageSpace",
                "FreeableMemory",
                "CPUSurplusCreditBalance",
            ]
            .iter()
            .all(|metric| alarms_on(stack, metric))
        },
    },
    Control {
        number: "costs",
        what: "tasks carry the tags of their service",
        by_default: In::All,
        key: "`services.NAME.propagateTags`",
        holds: |stack| {
            each(&stack.all("aws:ecs:Service"), |service| {
                is(&service["propagateTags"], "SERVICE")
            })
        },
    },
];

fn expanded(environment: &str, head: &str) -> Stack {
    let text = format!("environment: {environment}\n{head}{FILE}");
    let read = |_: &str| Ok(text.clone());
    let stack = stack::load("stack.yaml", &read, &[], &SECTIONS)
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
    let graph = stack_graph(&stack, &catalog());
    Stack::of(&graph.unwrap_or_else(|errors| panic!("{errors:#?}")).0)
}

#[test]
fn each_environment_meets_the_controls_that_the_table_says() {
    let stacks = ENVIRONMENTS.map(|environment| (environment, expanded(environment, "")));
    let mut wrong = Vec::new();
    for control in CONTROLS {
        for (environment, stack) in &stacks {
            let holds = (control.holds)(stack);
            if holds != control.by_default.holds(environment) {
                wrong.push(format!("{} in {environment}: {holds}", control.number));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0], "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_the_one_in_the_documentation() {
    let mut page = "# Security controls\n\n\
        What a stack with all sections is by default, in each environment, and which key decides it. The numbers are those of [AWS \
        Security Hub](https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html). The stack has a certificate; \
        without one there is no HTTPS, which `validate` and `preview` say in staging and prod. `cargo test --test security` holds \
        the table.\n\n\
        A default that came later than a stack was made shows in `preview` as a row that says so, with the key that keeps what there \
        was.\n\n\
        | control | what | dev | staging | prod | decided by |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for control in CONTROLS {
        let cells = ENVIRONMENTS.map(|environment| {
            if control.by_default.holds(environment) {
                "yes"
            } else {
                "no"
            }
        });
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            control.number,
            control.what,
            cells.join(" | "),
            control.key
        );
    }
    expect_file!["../../docs/security-controls.md"].assert_eq(&page);
}

/// One key is for all that takes one.
#[test]
fn a_key_of_the_file_meets_the_controls_that_want_one() {
    let stack = expanded("prod", "kmsKey: create\n");
    for control in CONTROLS.iter().filter(|control| control.key == "`kmsKey`") {
        assert!((control.holds)(&stack), "{}", control.number);
    }
    let keys = stack.all("aws:kms:Key");
    // KMS.4
    assert!(
        each(&keys, |key| is(&key["enableKeyRotation"], true)),
        "{keys:?}"
    );
}
