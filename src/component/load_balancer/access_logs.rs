//! The bucket for the load balancer's access logs, written to by the load balancer alone.

use super::spec::AccessLogsSpec;
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::log_bucket::{LogBucket, encrypted_transport};
use crate::component::policy;
use crate::resource::value::properties;
use crate::resource::{Path, StackId, Urn, Value};
use crate::stack::Fault;

/// The principal that writes logs in every region opened since August 2022.
const LOG_DELIVERY: &str = "logdelivery.elasticloadbalancing.amazonaws.com";

/// The accounts that Elastic Load Balancing writes logs from in the regions opened before August 2022.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>
const LOG_ACCOUNTS: &[(&str, &str)] = &[
    ("af-south-1", "098369216593"),
    ("ap-east-1", "754344448648"),
    ("ap-northeast-1", "582318560864"),
    ("ap-northeast-2", "600734575887"),
    ("ap-northeast-3", "383597477331"),
    ("ap-south-1", "718504428378"),
    ("ap-southeast-1", "114774131450"),
    ("ap-southeast-2", "783225319266"),
    ("ap-southeast-3", "589379963580"),
    ("ca-central-1", "985666609251"),
    ("cn-north-1", "638102146993"),
    ("cn-northwest-1", "037604701340"),
    ("eu-central-1", "054676820928"),
    ("eu-north-1", "897822967062"),
    ("eu-south-1", "635631232127"),
    ("eu-west-1", "156460612806"),
    ("eu-west-2", "652711504416"),
    ("eu-west-3", "009996457667"),
    ("me-south-1", "076674570225"),
    ("sa-east-1", "507241528517"),
    ("us-east-1", "127311923021"),
    ("us-east-2", "033677994240"),
    ("us-gov-east-1", "190560391635"),
    ("us-gov-west-1", "048591011584"),
    ("us-west-1", "027434742980"),
    ("us-west-2", "797873946194"),
];

/// The destination of the access logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogs {
    pub bucket: Option<String>,
    pub prefix: Option<String>,
    pub expire_days: u32,
}

/// The logical name of the bucket.
const NAME: &str = "loadBalancer/accessLogs";

/// The bucket.
pub fn bucket(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:s3:Bucket", NAME)
}

/// The policy that allows writing to the bucket.
pub fn bucket_policy(stack: &StackId) -> Urn {
    Urn::new(
        stack,
        "aws:s3:BucketPolicy",
        "loadBalancer/accessLogsPolicy",
    )
}

/// Checks what AWS would refuse.
pub fn check(context: &mut Context<'_>, spec: &AccessLogsSpec) {
    if let Some(name) = &spec.bucket {
        let alphabet = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_address =
            name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
        if !name.chars().all(alphabet)
            || !name.starts_with(ends)
            || !name.ends_with(ends)
            || name.contains("..")
            || name.starts_with("xn--")
            || name.ends_with("-s3alias")
            || is_address
        {
            let label =
                "takes lower-case letters, digits, `.` and `-`, and neither of these at the ends";
            context.refuse(Fault::Name, "loadBalancer.accessLogs.bucket", label);
        }
    }
    if let Some(prefix) = &spec.prefix
        && (prefix.contains("AWSLogs") || prefix.starts_with('/') || prefix.ends_with('/'))
    {
        let label = "must not hold `AWSLogs`, nor begin or end with `/`";
        context.refuse(Fault::Value, "loadBalancer.accessLogs.prefix", label);
    }
}

/// Adds the bucket with everything around it.
pub fn expand(context: &mut Context<'_>, logs: &AccessLogs) {
    let stack = context.id.clone();
    let urn = bucket(&stack);
    let log_bucket = LogBucket {
        origin: ORIGIN,
        name: NAME,
        days: logs.expire_days,
    };
    let name = match &logs.bucket {
        Some(name) => name.as_str().into(),
        None => LogBucket::derived_name(context, "alb-logs"),
    };
    let earlier = logs.bucket.is_none().then(|| {
        Value::join([
            format!("{}-{}-alb-logs-", stack.name, stack.environment).into(),
            policy::account_id(&stack),
        ])
    });
    let resource = log_bucket.add(context, name);
    resource.origin.name_key = Some(Path::from(ORIGIN).join("accessLogs.bucket"));
    resource.options.earlier_names.extend(earlier);
    log_bucket.guard(context);
    let policy = properties([
        ("bucket", Value::output(&urn, "bucket")),
        ("policy", delivery(context, logs, &urn)),
    ]);
    context.add(ORIGIN, bucket_policy(&stack), policy);
}

const ORIGIN: &str = KEY;

/// Lets the load balancer write its logs, and refuses unencrypted calls from all parties.
fn delivery(context: &Context<'_>, logs: &AccessLogs, bucket: &Urn) -> Value {
    let stack = &context.id;
    let region = context.stack.region.as_str();
    let arn = Value::output(bucket, "arn");
    let old = LOG_ACCOUNTS.iter().find(|(name, _)| *name == region);
    let principal = match old {
        Some((_, account)) => Value::object([(
            "AWS",
            Value::join([
                "arn:".into(),
                policy::partition(stack),
                format!(":iam::{account}:root").into(),
            ]),
        )]),
        None => Value::object([("Service", LOG_DELIVERY.into())]),
    };
    let prefix = logs
        .prefix
        .as_ref()
        .map_or_else(String::new, |prefix| format!("{prefix}/"));
    let objects = Value::join([
        arn.clone(),
        format!("/{prefix}AWSLogs/").into(),
        policy::account_id(stack),
        "/*".into(),
    ]);
    policy::document(vec![
        Value::object([
            ("Sid", "LoadBalancerLogs".into()),
            ("Effect", "Allow".into()),
            ("Principal", principal),
            ("Action", "s3:PutObject".into()),
            ("Resource", objects),
        ]),
        encrypted_transport(&arn),
    ])
}
