//! The policies of `docs/rights.md`, made from the operations that the sources call.
//!
//! Names of actions and dependent actions are those of the Service Authorization Reference:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html>.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Operations that are allowed by another name.
pub const RENAMED: &[(&str, &str)] = &[
    ("s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3:DeleteObjects", "s3:DeleteObject"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    (
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
    ),
    ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:ListBuckets", "s3:ListAllMyBuckets"),
    ("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    (
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
    ),
    ("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
];

/// The further actions that an operation needs. Passing roles, roles of services, and keys have statements of their own.
pub const ALSO: &[(&str, &[&str])] = &[
    // The alarms of target tracking: the guide of Application Auto Scaling, "identity-based policy examples".
    (
        "application-autoscaling:RegisterScalableTarget",
        &[
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutMetricAlarm",
            "ecs:UpdateService",
        ],
    ),
    // kubernetes-sigs/aws-load-balancer-controller#748: subnets and addresses are looked up in the caller's name.
    (
        "elasticloadbalancing:CreateLoadBalancer",
        &["ec2:DescribeAccountAttributes"],
    ),
    // For a flow log that goes to a bucket: "Logs sent to Amazon S3" in the guide of CloudWatch Logs.
    ("ec2:CreateFlowLogs", &["logs:CreateLogDelivery"]),
    ("ec2:DeleteFlowLogs", &["logs:DeleteLogDelivery"]),
    ("rds:DeleteDBInstance", &["rds:CreateDBSnapshot"]),
    ("s3:CreateBucket", &["s3:TagResource"]),
    ("s3:DeleteObjects", &["s3:DeleteObjectVersion"]),
    (
        "wafv2:AssociateWebACL",
        &[
            "elasticloadbalancing:CreateWebACLAssociation",
            "elasticloadbalancing:SetWebAcl",
        ],
    ),
    // The calls that WAF makes to CloudWatch Logs in the caller's name:
    // <https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html>.
    (
        "wafv2:DeleteLoggingConfiguration",
        &["logs:DeleteLogDelivery"],
    ),
    (
        "wafv2:PutLoggingConfiguration",
        &[
            "logs:CreateLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:PutResourcePolicy",
        ],
    ),
    (
        "wafv2:DisassociateWebACL",
        &[
            "elasticloadbalancing:DeleteWebACLAssociation",
            "elasticloadbalancing:SetWebAcl",
        ],
    ),
    (
        "wafv2:GetWebACLForResource",
        &["elasticloadbalancing:GetLoadBalancerWebACL"],
    ),
    (
        "wafv2:ListResourcesForWebACL",
        &["elasticloadbalancing:DescribeWebACLAssociation"],
    ),
];

/// The services' own actions that tags need, in the call that makes something and through the tagging API.
const TAGGING: &[&str] = &[
    "application-autoscaling:TagResource",
    "application-autoscaling:UntagResource",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
    "ec2:CreateTags",
    "ec2:DeleteTags",
    "ecr:TagResource",
    "ecr:UntagResource",
    "ecs:TagResource",
    "ecs:UntagResource",
    "elasticloadbalancing:AddTags",
    "elasticloadbalancing:RemoveTags",
    "kms:TagResource",
    "kms:UntagResource",
    "logs:TagResource",
    "logs:UntagResource",
    "rds:AddTagsToResource",
    "rds:RemoveTagsFromResource",
    "s3:PutBucketTagging",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "sns:TagResource",
    "sns:UntagResource",
    "wafv2:TagResource",
    "wafv2:UntagResource",
];

/// Actions that only read, but only `up` and `destroy` need.
pub const ONLY_WHEN_CHANGING: &[&str] = &[
    "ec2:DescribeAccountAttributes",
    // For the image that a tag is put on.
    "ecr:BatchGetImage",
    // For the logs of a firewall.
    "logs:DescribeResourcePolicies",
    // For a rollout that failed.
    "logs:GetLogEvents",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "secretsmanager:GetRandomPassword",
];

/// The calls of the credentials chain, made under another identity than the program's own.
pub const OF_CREDENTIALS: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"];

/// The values of secrets, which only some may read.
const VALUES: &[&str] = &[
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
];

/// The actions that `docker push` and the pipeline's own look at an image need.
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html>
pub const PUSHES: &[&str] = &[
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];

/// Services that have an id of AWS's in their ARNs, or no ARN.
const BY_ID: &[&str] = &["application-autoscaling", "ec2", "sts", "tag"];

/// Actions of the other services that know no resource.
const UNNAMED: &[&str] = &[
    "ecs:DeregisterTaskDefinition",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
    "secretsmanager:GetRandomPassword",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
];

/// Actions on policies, not on roles.
const ON_POLICIES: &[&str] = &[
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:TagPolicy",
    "iam:UntagPolicy",
];

/// Actions on roles.
const ON_ROLES: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
];

/// Services to which the stack's roles are passed.
const PASSED_TO: &[&str] = &[
    "ecs-tasks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
];

/// Services that make a role of their own in an account that has none.
const OWN_ROLES: &[&str] = &[
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
];

/// The page that shows the policies.
pub const PAGE: &str = "docs/rights.md";

/// The most characters that a managed policy takes, white space not counted; a role takes ten policies.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const MOST_CHARACTERS: usize = 6_144;

/// A stack, and the names that its file sets.
pub struct Stack {
    pub name: &'static str,
    pub environment: &'static str,
    /// Forms of ARNs, besides those of buckets.
    pub named: &'static [&'static str],
    pub buckets: &'static [&'static str],
    pub repositories: &'static [&'static str],
}

/// `stacks/staging.yaml`, the example of the page.
pub const STAGING: Stack = Stack {
    name: "happyrobot-fde",
    environment: "staging",
    named: &[
        "arn:aws:cloudwatch::*:dashboard/HappyRobot-FDE-staging",
        "arn:aws:ecr:*:*:repository/happyrobot-api-staging",
        "arn:aws:ecr:*:*:repository/happyrobot-frontend-staging",
        "arn:aws:logs:*:*:log-group:/aws/ecs/staging/*",
    ],
    buckets: &["happyrobot-fde-alb-access-logs-staging"],
    repositories: &["happyrobot-api-staging", "happyrobot-frontend-staging"],
};

/// `stacks/dev.yaml`, and what `tests/lab/every-type.yaml` has besides.
pub const DEV: Stack = Stack {
    name: "happyrobot-fde",
    environment: "dev",
    named: &[
        "arn:aws:cloudwatch::*:dashboard/HappyRobot-FDE-dev",
        "arn:aws:ecr:*:*:repository/happyrobot-api",
        "arn:aws:ecr:*:*:repository/happyrobot-frontend",
        "arn:aws:elasticloadbalancing:*:*:*/app/happyrobot-fde-alb/*",
        "arn:aws:logs:*:*:log-group:/aws/ecs/containers-*",
        "arn:aws:rds:*:*:*:happyrobot-fde-postgres*",
    ],
    buckets: &[
        "happyrobot-fde-alb-access-logs-dev",
        "happyrobot-fde-dev-every-type",
    ],
    repositories: &["happyrobot-api", "happyrobot-frontend"],
};

/// The policies of one stack, in the order of the page.
pub struct Policies {
    pub preview: Policy,
    pub read: Policy,
    pub change: Policy,
    pub own: Policy,
    /// For `kmsKey: create`: the additional rights of the role that reads, and of the one that deploys.
    pub read_key: Policy,
    pub own_key: Policy,
    pub keys: Policy,
}

pub struct Policy(Vec<Statement>);

struct Statement {
    sid: &'static str,
    effect: &'static str,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Operator, key, values: all hold.
    conditions: Vec<(&'static str, &'static str, Vec<String>)>,
}

impl Statement {
    fn allow(sid: &'static str, actions: &[String], resources: &[String]) -> Self {
        Self {
            sid,
            effect: "Allow",
            actions: actions.to_vec(),
            resources: resources.to_vec(),
            conditions: Vec::new(),
        }
    }

    fn when(self, key: &'static str, values: &[String]) -> Self {
        self.under("StringEquals", key, values)
    }

    fn under(mut self, operator: &'static str, key: &'static str, values: &[String]) -> Self {
        self.conditions.push((operator, key, values.to_vec()));
        self
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: PathBuf, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(path, found);
        } else if !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The beginning of the operations of Cloud Control, which only stacks with types that go through it need.
pub const CLOUD_CONTROL: &str = "cloudformation:";

/// Every `service:Operation` that the product calls: each is in a list of `operations!`, or named in quotes.
pub fn operations() -> BTreeSet<String> {
    let mut paths = Vec::new();
    files(root().join("src/aws"), &mut paths);
    let mut operations = BTreeSet::new();
    let texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("source is readable"))
        .collect();
    let is_called = |name: &str| {
        let call = format!(".{}(", method(name));
        texts.iter().any(|text| text.contains(&call))
    };
    for text in &texts {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for list in product.split("operations! {").skip(1) {
            let list = list.split('}').next().unwrap_or_default();
            let (head, names) = list.split_once(':').expect("`sdk, \"prefix\": names`");
            let prefix = head.split('"').nth(1).expect("a prefix in quotes");
            let names = names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            for name in names {
                // It would keep a right that nothing needs.
                assert!(is_called(name), "{prefix}:{name} is listed and not called");
                operations.insert(format!("{prefix}:{name}"));
            }
        }
        for part in product.split('"') {
            let Some((service, operation)) = part.split_once(':') else {
                continue;
            };
            let is_service = !service.is_empty()
                && service
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            let is_operation = operation.starts_with(|c: char| c.is_ascii_uppercase())
                && operation.chars().all(|c| c.is_ascii_alphanumeric());
            if is_service && is_operation {
                operations.insert(part.to_owned());
            }
        }
    }
    operations
}

/// The SDK's method for an operation: `create_db_instance` for `CreateDBInstance`.
fn method(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut method = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_upper = |at: usize| letters.get(at).is_some_and(char::is_ascii_uppercase);
        let is_lower = |at: usize| letters.get(at).is_some_and(char::is_ascii_lowercase);
        if at > 0 && is_upper(at) && (!is_upper(at - 1) || is_lower(at + 1)) {
            method.push('_');
        }
        method.push(letter.to_ascii_lowercase());
    }
    method
}

/// The action that an operation is allowed by.
pub fn action(operation: &str) -> &str {
    let renamed = RENAMED.iter().find(|(from, _)| *from == operation);
    renamed.map_or(operation, |(_, to)| to)
}

/// Returns whether an action only reads and is needed by reading commands.
pub fn is_read(action: &str) -> bool {
    let (_, name) = action.split_once(':').expect("a service");
    ["Describe", "Get", "List", "BatchGet", "Filter", "Lookup"]
        .iter()
        .any(|verb| name.starts_with(verb))
        && !ONLY_WHEN_CHANGING.contains(&action)
}

/// Every action that the operations need.
fn actions() -> BTreeSet<String> {
    let mut actions: BTreeSet<String> = TAGGING.iter().map(|&action| action.to_owned()).collect();
    let operations = operations().into_iter();
    for operation in operations.filter(|operation| !operation.starts_with(CLOUD_CONTROL)) {
        if OF_CREDENTIALS.contains(&operation.as_str()) {
            continue;
        }
        actions.insert(action(&operation).to_owned());
        let also = ALSO.iter().filter(|(of, _)| *of == operation);
        actions.extend(also.flat_map(|(_, also)| also.iter().map(|&action| action.to_owned())));
    }
    actions
}

/// Actions by the statement that has them, each in alphabetical order.
#[derive(Default)]
struct Parts {
    reads: Vec<String>,
    lists: Vec<String>,
    history: Vec<String>,
    everything: Vec<String>,
    tags: Vec<String>,
    own: Vec<String>,
    lock: Vec<String>,
    roles: Vec<String>,
    policies: Vec<String>,
    keys: Vec<String>,
    aliases: Vec<String>,
}

fn parts() -> Parts {
    let mut parts = Parts::default();
    for action in actions() {
        let (service, name) = action.split_once(':').expect("a service");
        let is_one_of = |list: &[&str]| list.contains(&action.as_str());
        let part = if is_one_of(VALUES) || name == "CreateServiceLinkedRole" {
            continue;
        } else if service == "ssm" {
            if name.starts_with("Get") {
                parts.history.push(action.clone());
            }
            &mut parts.lock
        } else if action == "s3:ListBucket" {
            &mut parts.lists
        } else if is_read(&action) {
            &mut parts.reads
        } else if is_one_of(ON_POLICIES) {
            &mut parts.policies
        } else if is_one_of(ON_ROLES) {
            &mut parts.roles
        } else if service == "iam" {
            panic!(
                "{action} is in no statement.\nWhat to do: add it to `ON_ROLES` or `ON_POLICIES` in tests/common/rights.rs, or \
                 give it a statement of its own that names its objects"
            );
        } else if service == "kms" && name.ends_with("Alias") {
            &mut parts.aliases
        } else if service == "kms" {
            &mut parts.keys
        } else if is_one_of(&["ec2:CreateTags", "ec2:DeleteTags"]) {
            &mut parts.tags
        } else if BY_ID.contains(&service) || is_one_of(UNNAMED) {
            &mut parts.everything
        } else {
            &mut parts.own
        };
        part.push(action);
    }
    parts
}

/// The ARNs of the objects that the program, or the file, names for a stack, and of those that AWS names for it.
fn named(stack: &Stack) -> Vec<String> {
    let prefix = format!("{}-{}", stack.name, stack.environment);
    // Names of load balancers and target groups have 32 characters: long ones are cut, and end in hashes.
    let short = &prefix[..prefix.len().min(18)];
    let mut arns = vec![
        format!("arn:aws:cloudwatch:*:*:alarm:{prefix}-*"),
        // The alarms that Application Auto Scaling makes for a policy of target tracking.
        format!("arn:aws:cloudwatch:*:*:alarm:TargetTracking-service/{prefix}*"),
        format!("arn:aws:ecr:*:*:repository/{prefix}-*"),
        format!("arn:aws:ecs:*:*:cluster/{prefix}*"),
        format!("arn:aws:ecs:*:*:service/{prefix}*"),
        format!("arn:aws:ecs:*:*:task-definition/{prefix}-*"),
        // Load balancers, listeners and rules.
        format!("arn:aws:elasticloadbalancing:*:*:*/app/{short}*"),
        format!("arn:aws:elasticloadbalancing:*:*:targetgroup/{short}*"),
        format!("arn:aws:logs:*:*:log-group:/aws/ecs/{prefix}/*"),
        format!("arn:aws:logs:*:*:log-group:/aws/ecs/containerinsights/{prefix}/*"),
        format!("arn:aws:logs:*:*:log-group:aws-waf-logs-{prefix}*"),
        format!("arn:aws:logs:*:*:log-group:/aws/vpc/{prefix}/*"),
        format!("arn:aws:logs:*:*:log-group:/aws/rds/instance/{prefix}-*"),
        // Instances, groups and snapshots.
        format!("arn:aws:rds:*:*:*:{prefix}-*"),
        "arn:aws:rds:*:*:og:default:*".to_owned(),
        "arn:aws:rds:*:*:pg:default.*".to_owned(),
        format!("arn:aws:secretsmanager:*:*:secret:{prefix}-*"),
        format!("arn:aws:sns:*:*:{prefix}-*"),
        // The rule sets that AWS manages.
        "arn:aws:wafv2:*:*:regional/managedruleset/*".to_owned(),
        format!("arn:aws:wafv2:*:*:regional/webacl/{prefix}-*"),
    ];
    arns.extend(stack.named.iter().map(|&arn| arn.to_owned()));
    for bucket in stack.buckets {
        arns.push(format!("arn:aws:s3:::{bucket}"));
        arns.push(format!("arn:aws:s3:::{bucket}/*"));
    }
    arns.sort();
    arns
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The policies for a stack.
pub fn policies(stack: &Stack) -> Policies {
    let parts = parts();
    let prefix = format!("{}-{}", stack.name, stack.environment);
    let tag = [format!("{}/{}", stack.name, stack.environment)];
    let everything = owned(&["*"]);
    let parameters = [format!(
        "arn:aws:ssm:*:*:parameter/fde-infra/{}/{}/*",
        stack.name, stack.environment
    )];
    let secrets = [format!("arn:aws:secretsmanager:*:*:secret:{prefix}-*")];
    let roles = [format!("arn:aws:iam::*:role/{prefix}-*")];
    let each = |form: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{form}{name}")).collect()
    };
    let allow = Statement::allow;
    let preview = Policy(vec![
        allow("PreviewReads", &parts.reads, &everything),
        allow(
            "PreviewListsItsBuckets",
            &parts.lists,
            &each("arn:aws:s3:::", stack.buckets),
        ),
        allow("PreviewReadsItsHistory", &parts.history, &parameters),
    ]);
    let read = Policy(vec![
        allow(
            "ReadLogsIn",
            &owned(&["ecr:GetAuthorizationToken", VALUES[0]]),
            &everything,
        ),
        allow("ReadComparesItsSecrets", &owned(&[VALUES[1]]), &secrets)
            .when("aws:ResourceTag/fde:stack", &tag),
        allow(
            "ReadPulls",
            &owned(&[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ]),
            &each("arn:aws:ecr:*:*:repository/", stack.repositories),
        ),
    ]);
    let change = Policy(vec![
        allow("DeployChanges", &parts.everything, &everything),
        allow(
            "DeployTagsWhatItMakes",
            &owned(&["ec2:CreateTags"]),
            &everything,
        )
        .when("aws:RequestTag/fde:stack", &tag),
        allow("DeployTagsItsOwn", &parts.tags, &everything).when("aws:ResourceTag/fde:stack", &tag),
        allow("DeployItsLockAndHistory", &parts.lock, &parameters),
        allow("DeployItsRoles", &parts.roles, &roles),
        allow(
            "DeployItsPolicies",
            &parts.policies,
            &[format!("arn:aws:iam::*:policy/{prefix}-*")],
        ),
        allow("DeployPassesItsRoles", &owned(&["iam:PassRole"]), &roles)
            .when("iam:PassedToService", &owned(PASSED_TO)),
        allow(
            "DeployLetsServicesIn",
            &owned(&["iam:CreateServiceLinkedRole"]),
            &owned(&["arn:aws:iam::*:role/aws-service-role/*"]),
        )
        .when("iam:AWSServiceName", &owned(OWN_ROLES)),
        Statement {
            sid: "DeployNeverItself",
            effect: "Deny",
            actions: [
                "Add", "Attach", "Create", "Delete", "Detach", "Pass", "Put", "Remove", "Set",
                "Tag", "Untag", "Update",
            ]
            .map(|verb| format!("iam:{verb}*"))
            .to_vec(),
            resources: owned(&[
                "arn:aws:iam::*:role/fde-infra-*",
                "arn:aws:iam::*:policy/fde-infra-*",
            ]),
            conditions: Vec::new(),
        },
    ]);
    let mut actions = parts.own.clone();
    actions.push(VALUES[1].to_owned());
    actions.sort();
    let own = Policy(vec![
        allow("DeployItsOwn", &actions, &named(stack)),
        allow(
            "DeployPushes",
            &owned(PUSHES),
            &each("arn:aws:ecr:*:*:repository/", stack.repositories),
        ),
    ]);
    Policies {
        preview,
        read,
        change,
        own,
        read_key: Policy(vec![
            allow(
                "ReadDecryptsItsSecrets",
                &owned(&["kms:Decrypt"]),
                &owned(EVERY_KEY),
            )
            .when("aws:ResourceTag/fde:stack", &tag),
        ]),
        own_key: own_key(&parts, &prefix, &tag),
        keys: keys(),
    }
}

const EVERY_KEY: &[&str] = &["arn:aws:kms:*:*:key/*"];

/// The statements for making, changing and releasing the stack's own key, and for the calls that RDS, Secrets Manager and
/// ECR make to KMS in the caller's name. A key has no name: its tags say whose it is.
fn own_key(parts: &Parts, prefix: &str, tag: &[String]) -> Policy {
    const MAKES: [&str; 2] = ["kms:CreateKey", "kms:TagResource"];
    let allow = Statement::allow;
    let keys = owned(EVERY_KEY);
    let kept = parts.keys.iter().chain(&parts.aliases);
    let kept = kept.filter(|action| *action != MAKES[0]).cloned();
    let mut kept: Vec<String> = kept
        .chain(owned(&["kms:Decrypt", "kms:GenerateDataKey"]))
        .collect();
    kept.sort();
    Policy(vec![
        allow("DeployMakesItsKey", &owned(&MAKES), &owned(&["*"]))
            .when("aws:RequestTag/fde:stack", tag),
        allow("DeployKeepsItsKey", &kept, &keys).when("aws:ResourceTag/fde:stack", tag),
        allow(
            "DeployNamesItsKey",
            &parts.aliases,
            &[format!("arn:aws:kms:*:*:alias/{prefix}")],
        ),
        allow("DeployLendsItsKey", &owned(&["kms:CreateGrant"]), &keys)
            .when("aws:ResourceTag/fde:stack", tag)
            .under("Bool", "kms:GrantIsForAWSResource", &owned(&["true"])),
    ])
}

/// Customer-managed keys: the calls that RDS, Secrets Manager and ECR make to KMS in the caller's name.
fn keys() -> Policy {
    let key =
        owned(&["arn:aws:kms:eu-south-2:123456789012:key/11111111-2222-3333-4444-555555555555"]);
    Policy(vec![
        Statement::allow(
            "DeployUsesItsKeys",
            &owned(&["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]),
            &key,
        ),
        Statement::allow("DeployLendsItsKeys", &owned(&["kms:CreateGrant"]), &key).under(
            "Bool",
            "kms:GrantIsForAWSResource",
            &owned(&["true"]),
        ),
    ])
}

/// Columns of the page.
const WIDTH: usize = 140;

impl Policy {
    /// The name of its first statement.
    pub fn first(&self) -> &'static str {
        self.0[0].sid
    }

    /// The text in the form that the page shows.
    pub fn text(&self) -> String {
        let statements: Vec<String> = self.0.iter().map(Statement::text).collect();
        format!(
            "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}\n",
            statements.join(",\n")
        )
    }
}

impl Statement {
    fn text(&self) -> String {
        let mut text = format!(
            "    {{\n      \"Sid\": \"{}\",\n      \"Effect\": \"{}\",\n",
            self.sid, self.effect
        );
        let actions = list("      \"Action\": ", &self.actions);
        let resources = list("      \"Resource\": ", &self.resources);
        write!(text, "{actions},\n{resources}").expect("a text takes text");
        match &self.conditions[..] {
            [] => {}
            [(operator, key, values)] => {
                let lead = format!("      \"Condition\": {{ \"{operator}\": {{ \"{key}\": ");
                write!(text, ",\n{} }} }}", list(&lead, values)).expect("a text takes text");
            }
            several => {
                let lines = several.iter().map(|(operator, key, values)| {
                    let lead = format!("        \"{operator}\": {{ \"{key}\": ");
                    format!("{} }}", list(&lead, values))
                });
                let lines = lines.collect::<Vec<_>>().join(",\n");
                write!(text, ",\n      \"Condition\": {{\n{lines}\n      }}")
                    .expect("a text takes text");
            }
        }
        text + "\n    }"
    }
}

/// A text, or a list of them: on one line if it fits, and otherwise on as few as it takes.
fn list(lead: &str, texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    if let [one] = &quoted[..] {
        return format!("{lead}{one}");
    }
    let line = format!("{lead}[{}]", quoted.join(", "));
    if line.len() < WIDTH {
        return line;
    }
    let mut text = format!("{lead}[\n");
    let mut line = String::new();
    for (index, one) in quoted.iter().enumerate() {
        let comma = if index + 1 < quoted.len() { "," } else { "" };
        if !line.is_empty() && 8 + line.len() + 1 + one.len() + comma.len() > WIDTH {
            writeln!(text, "        {line}").expect("a text takes text");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(one);
        line.push_str(comma);
    }
    text + "        " + &line + "\n      ]"
}
