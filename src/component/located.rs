//! The places in the file that faults of the graph come from.

use crate::graph::{GraphError, Origin, ResourceGraph};
use crate::resource::Path;
use crate::resource::path::Segment;
use crate::stack::{Fault, Span, Stack, StackError, StackErrors};

use super::key::SectionKey;
use super::{database, load_balancer};

/// The key under which the resources of the file have their own inputs.
const RESOURCES: &str = SectionKey::Resources.as_str();
const DATABASE: &str = SectionKey::Database.as_str();

/// The warnings about a sound stack: what AWS may or may not refuse, such as regions that are not known here and quotas that
/// AWS raises on request, and what its author may not intend.
pub fn warnings(stack: &Stack, graph: &ResourceGraph) -> StackErrors {
    let located = graph.warnings.iter().map(|warning| StackError {
        fault: Fault::Quota,
        ..located(stack, warning.clone())
    });
    let sections = load_balancer::warning(stack);
    let warnings = stack.warnings().iter().cloned();
    let warnings = warnings.chain(sections).chain(located);
    StackErrors::new(stack.sources(), warnings.collect())
}

/// Finds the place in the file that a fault of the graph comes from.
pub fn located(stack: &Stack, error: GraphError) -> StackError {
    let document = stack.document();
    let span = document.place(&error.origin().path);
    let label = error.to_string();
    match error {
        GraphError::DuplicateName { .. } => StackError::new(Fault::Duplicate, span, label),
        GraphError::UnknownType { .. } => StackError::new(Fault::UnknownType, span, label),
        GraphError::UnknownProperty { nearest, .. } => {
            StackError::new(Fault::UnknownKey, span, label).suggest(nearest)
        }
        GraphError::MissingProperty { .. } => StackError::new(Fault::MissingKey, span, label),
        GraphError::InvalidInput {
            resource,
            invalid_input,
            origin,
        } => {
            let span = place_of_input(stack, &origin, &[&invalid_input.at]);
            // Sections have keys of their own, which say nothing about a resource that is not named.
            let label = match origin.path.first() {
                Some(RESOURCES) => label,
                _ => format!("of `{resource}`, {label}"),
            };
            let error = StackError::new(Fault::Value, span, label);
            let help = invalid_input
                .help
                .or_else(|| key_for_a_name(stack, &origin, &invalid_input.at));
            match help {
                Some(help) => error.help(help),
                None => error,
            }
        }
        GraphError::Twice {
            at,
            first_origin,
            origin,
            ..
        } => {
            let at: Vec<&str> = at.iter().map(String::as_str).collect();
            let first = place_of_input(stack, &first_origin, &at);
            let second = place_of_input(stack, &origin, &at);
            let mut written = at.iter().filter(|input| is_written(stack, &origin, input));
            let key = |input: &str| key_of_input(&origin, input);
            let help = match (written.next(), at.first()) {
                (Some(input), _) => {
                    format!("take one of the two out, or change its `{}`", key(input))
                }
                (None, Some(input)) => {
                    format!("take one of the two out, or give it a `{}`", key(input))
                }
                (None, None) => "take one of the two out".to_owned(),
            };
            StackError::new(Fault::Taken, second, label)
                .also(first, "the first one")
                .help(help)
        }
        GraphError::Overlap {
            at,
            first_origin,
            origin,
            other,
            ..
        } => {
            let first = place_of_input(stack, &first_origin, &[&at]);
            let second = place_of_input(stack, &origin, &[&at]);
            StackError::new(Fault::CidrOverlap, second, label)
                .also(first, format!("`{other}` is given here"))
        }
        GraphError::Outside { at, origin, .. } => {
            let span = place_of_input(stack, &origin, &[&at]);
            StackError::new(Fault::Cidr, span, label)
        }
        GraphError::TooMuch {
            by,
            help,
            first_origin,
            origin,
            ..
        } => {
            let span = place_of_input(stack, &origin, &[&by]);
            let error = StackError::new(Fault::Limit, span, label).help(help);
            match first_origin {
                Some(first) => error.also(place_of_input(stack, &first, &[&by]), "they begin here"),
                None => error,
            }
        }
        GraphError::Tags { key, origin, .. } => {
            let span = place_of_tags(stack, &origin, key.as_deref());
            StackError::new(Fault::Tag, span, label)
        }
        GraphError::BrokenReference { nearest, .. } => {
            StackError::new(Fault::BrokenReference, span, label).suggest(nearest)
        }
        GraphError::Cycle { .. } => {
            StackError::new(Fault::Cycle, span, label).help("take one of these references out")
        }
    }
}

/// The key in the file that decides about an input of a resource, and its place where it is written; `None` for an input that
/// no key of a section decides about.
pub fn key_of(stack: &Stack, origin: &Origin, input: &str) -> Option<(Path, Option<Span>)> {
    let path = match origin.path.first() {
        Some(RESOURCES) => path_of_input(origin, input)?,
        Some(DATABASE) => Path::from(DATABASE).key(database::key_of(input)?),
        _ => return None,
    };
    let document = stack.document();
    let span = document.holds(&path).then(|| document.place(&path));
    Some((path, span))
}

/// The inputs that carry the name of a resource.
const NAMES: [&str; 5] = ["bucket", "dashboardName", "family", "identifier", "name"];

/// The key that gives a section's resource a name of its own, instead of a derived one that AWS does not take.
fn key_for_a_name(stack: &Stack, origin: &Origin, input: &str) -> Option<String> {
    if !NAMES.contains(&input) || origin.path.first() == Some(RESOURCES) {
        return None;
    }
    let Some(key) = &origin.name_key else {
        let help = "the name is derived from that of the stack; give the stack another `name`";
        return Some(help.to_owned());
    };
    let is_derived = !stack.document().holds(key);
    is_derived.then(|| format!("the name is derived; give another one with `{key}`"))
}

/// The path of an input in the file: for a raw resource its property, for a section the key that names the resource.
fn path_of_input(origin: &Origin, input: &str) -> Option<Path> {
    if origin.path.first() == Some(RESOURCES) {
        let inside = Path::parse(input).unwrap_or_default();
        return Some(origin.path.key("properties").join(inside));
    }
    origin.name_key.clone().filter(|_| NAMES.contains(&input))
}

/// The key in the file that an input comes from: the key of a section has a different name.
fn key_of_input(origin: &Origin, input: &str) -> String {
    let path = path_of_input(origin, input);
    match path.as_ref().and_then(Path::split_last) {
        Some((Segment::Key(key), _)) => key.clone(),
        _ => input.to_owned(),
    }
}

fn is_written(stack: &Stack, origin: &Origin, input: &str) -> bool {
    path_of_input(origin, input).is_some_and(|path| stack.document().holds(&path))
}

/// The place of the first of these inputs that is written in the file, or else of the resource.
fn place_of_input(stack: &Stack, origin: &Origin, inputs: &[&str]) -> Span {
    let document = stack.document();
    let mut paths = inputs
        .iter()
        .filter_map(|input| path_of_input(origin, input));
    let written = paths.clone().find(|path| document.holds(path));
    match written.or_else(|| {
        paths
            .next()
            .filter(|_| origin.path.first() == Some(RESOURCES))
    }) {
        Some(path) => document.place(&path),
        None => document.place(&origin.path),
    }
}

/// The place of a tag, or of all tags: those of the resource, or else those of the stack.
fn place_of_tags(stack: &Stack, origin: &Origin, key: Option<&str>) -> Span {
    let document = stack.document();
    let own = document.node(&origin.path.join("properties.tags"));
    let found = [own, document.root.get("tags")]
        .into_iter()
        .flatten()
        .find_map(|tags| match key {
            Some(key) => tags.entry(key),
            None => tags.entries().first(),
        });
    found.map_or_else(|| document.place(&origin.path), |entry| entry.key_span)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::{faults_of, warnings_of};

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn options_without_an_effect_are_refused() {
        check(
            r#"network: { natGateways: none }
resources:
  a: { type: aws:s3:Bucket, options: { ignoreChanges: [buckt, tags.team, zone], replaceOnChanges: ["*", forceDestry], import: shop } }
  part: { type: aws:s3:BucketPolicy, properties: { bucket: other, policy: {} }, options: { ignoreChanges: [policy, tags], import: other } }
options:
  network: { ignoreChanges: [mapPublicIpOnLaunch, cidrBlok], import: vpc-1 }
  network/vpc: { ignoreChanges: [mapPublicIpOnLaunch], import: vpc-1 }
"#,
            &expect![[r#"
                3:56 value `buckt`: `buckt` is not a property of `aws:s3:Bucket`
                    help: did you mean `bucket`?
                3:74 value `zone`: `zone` is not a property of `aws:s3:Bucket`
                3:105 value `forceDestry`: `forceDestry` is not a property of `aws:s3:Bucket`
                    help: did you mean `forceDestroy`?
                3:127 value `shop`: only parts of other resources, such as policies and routes, can be imported
                    help: take `import` out; a whole resource is adopted by its tags
                4:116 value `tags`: `tags` is not a property of `aws:s3:BucketPolicy`
                6:51 value `cidrBlok`: `cidrBlok` is not a property of any of these resources
                    help: did you mean `cidrBlock`?
                7:34 value `mapPublicIpOnLaunch`: `mapPublicIpOnLaunch` is not a property of `aws:ec2:Vpc`
                7:64 value `vpc-1`: only parts of other resources, such as policies and routes, can be imported
                    help: take `import` out; a whole resource is adopted by its tags
            "#]],
        );
    }

    #[test]
    fn subnets_of_one_zone_are_told_with_what_wants_two() {
        check(
            r#"resources:
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
  one: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.1.0/24, availabilityZone: eu-south-2a } }
  two: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.2.0/24, availabilityZone: eu-south-2a } }
  any: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.0.3.0/24 } }
  alb: { type: aws:lb:LoadBalancer, properties: { subnets: ["${one.id}", "${two.id}"] } }
  group: { type: aws:rds:SubnetGroup, properties: { subnetIds: ["${one.id}", "${two.id}"] } }
  open: { type: aws:rds:SubnetGroup, properties: { subnetIds: ["${one.id}", "${any.id}"] } }
"#,
            &expect![[r#"
                6:51 value `subnets`: `subnets`: names subnets in at least two availability zones, and `one` and `two` are in eu-south-2a
                    help: give `two` another `availabilityZone`
                7:53 value `subnetIds`: `subnetIds`: names subnets in at least two availability zones, and `one` and `two` are in eu-south-2a
                    help: give `two` another `availabilityZone`
            "#]],
        );
    }

    #[test]
    fn one_name_twice_is_told_with_both_places() {
        check(
            r#"network: { natGateways: none }
services:
  api: { port: 8000, default: true, repository: shop }
  web: { port: 3000, routes: [/web], repository: shop, logGroup: /aws/ecs/containers-api, name: api, taskFamily: shop-dev-api }
loadBalancer: { name: shop-alb, accessLogs: { bucket: shop-logs } }
resources:
  logs: { type: aws:s3:Bucket, properties: { bucket: shop-logs } }
  first: { type: aws:iam:Role, properties: { name: Shop-Runner, assumeRolePolicy: {} } }
  second: { type: aws:iam:Role, properties: { name: shop-runner, assumeRolePolicy: {} } }
  upper: { type: aws:cloudwatch:LogGroup, properties: { name: /Shop } }
  lower: { type: aws:cloudwatch:LogGroup, properties: { name: /shop } }
"#,
            &expect![[r#"
                4:50 taken `shop`: AWS takes `services/api/repository` and `services/web/repository` for one: they have the same `name`
                3:49   also `shop`: the first one
                    help: take one of the two out, or change its `repository`
                4:97 taken `api`: AWS takes `services/api/service` and `services/web/service` for one: they have the same `cluster` and `name`
                3:3   also `api`: the first one
                    help: take one of the two out, or change its `name`
                4:114 taken `shop-dev-api`: AWS takes `services/api/taskDefinition` and `services/web/taskDefinition` for one: they have the same `family`
                3:3   also `api`: the first one
                    help: take one of the two out, or change its `taskFamily`
                7:54 taken `shop-logs`: AWS takes `loadBalancer/accessLogs` and `logs` for one: they have the same `bucket`
                5:55   also `shop-logs`: the first one
                    help: take one of the two out, or change its `bucket`
                9:53 taken `shop-runner`: AWS takes `first` and `second` for one: they have the same `name` (case is ignored)
                8:52   also `Shop-Runner`: the first one
                    help: take one of the two out, or change its `name`
            "#]],
        );
    }

    #[test]
    fn one_key_twice_is_found_through_references() {
        check(
            r#"network: { natGateways: none }
resources:
  bucket: { type: aws:s3:Bucket, properties: { bucket: shop-uploads } }
  a: { type: aws:s3:BucketPolicy, properties: { bucket: "${bucket.id}", policy: {} } }
  b: { type: aws:s3:BucketPolicy, properties: { bucket: "${bucket.bucket}", policy: {} } }
  c: { type: aws:s3:BucketPolicy, properties: { bucket: shop-uploads, policy: {} } }
  route: { type: aws:ec2:Route, properties: { routeTableId: "${network/publicRouteTable.id}", destinationCidrBlock: 0.0.0.0/0, gatewayId: "${network/internetGateway.id}" } }
  group: { type: aws:ec2:SecurityGroup, properties: { name: web, vpcId: "${network.vpcId}" } }
  same: { type: aws:ec2:SecurityGroup, properties: { name: WEB, vpcId: "${network/vpc.id}" } }
  rule1: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: "${group.id}", ipProtocol: tcp, fromPort: 80, toPort: 80, cidrIpv4: 10.0.0.0/24 } }
  rule2: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: "${group.id}", ipProtocol: "6", fromPort: 80, toPort: 80, cidrIpv4: 10.0.0.7/24 } }
  gateway1: { type: aws:ec2:InternetGateway }
  gateway2: { type: aws:ec2:InternetGateway }
  secret: { type: aws:secretsmanager:Secret }
  value: { type: aws:secretsmanager:SecretVersion, properties: { secretId: "${secret.arn}", secretString: x } }
  again: { type: aws:secretsmanager:SecretVersion, properties: { secretId: "${secret.id}", secretString: y } }
"#,
            &expect![[r#"
                5:57 taken `"${bucket.bucket}"`: AWS takes `a` and `b` for one: they have the same `bucket`
                4:57   also `"${bucket.id}"`: the first one
                    help: take one of the two out, or change its `bucket`
                6:57 taken `shop-uploads`: AWS takes `a` and `c` for one: they have the same `bucket`
                4:57   also `"${bucket.id}"`: the first one
                    help: take one of the two out, or change its `bucket`
                7:117 taken `0.0.0.0/0`: AWS takes `network/publicRoute` and `route` for one: they have the same `routeTableId` and `destinationCidrBlock`
                1:1   also `network`: the first one
                    help: take one of the two out, or change its `destinationCidrBlock`
                9:60 taken `WEB`: AWS takes `group` and `same` for one: they have the same `vpcId` and `name` (case is ignored)
                8:61   also `web`: the first one
                    help: take one of the two out, or change its `name`
                11:151 taken `10.0.0.7/24`: AWS takes `rule1` and `rule2` for one: they have the same `securityGroupId`, `ipProtocol`, `fromPort`, `toPort`, `cidrIpv4`, `cidrIpv6`, `prefixListId` and `referencedSecurityGroupId`
                10:151   also `10.0.0.0/24`: the first one
                    help: take one of the two out, or change its `cidrIpv4`
                16:76 taken `"${secret.id}"`: AWS takes `value` and `again` for one: they have the same `secretId`
                15:76   also `"${secret.arn}"`: the first one
                    help: take one of the two out, or change its `secretId`
            "#]],
        );
    }

    #[test]
    fn subnets_of_one_network_lie_inside_it_and_apart() {
        check(
            r#"network: { natGateways: none }
resources:
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.9.0.0/16 } }
  a: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.9.0.0/20 } }
  b: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.9.1.0/24 } }
  c: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.8.0.0/24 } }
  d: { type: aws:ec2:Subnet, properties: { vpcId: "${network.vpcId}", cidrBlock: 10.0.0.0/24 } }
  e: { type: aws:ec2:Subnet, properties: { vpcId: "${vpc.id}", cidrBlock: 10.9.9.9 } }
"#,
            &expect![[r#"
                5:75 cidr_overlap `10.9.1.0/24`: `10.9.1.0/24` overlaps `10.9.0.0/20` of `a`
                4:75   also `10.9.0.0/20`: `10.9.0.0/20` is given here
                6:75 cidr `10.8.0.0/24`: `10.8.0.0/24` lies outside its network, `10.9.0.0/16`
                7:82 cidr_overlap `10.0.0.0/24`: `10.0.0.0/24` overlaps `10.0.0.0/20` of `network/privateSubnet1`
                1:1   also `network`: `10.0.0.0/20` is given here
                8:75 value `10.9.9.9`: `cidrBlock`: is not an address range such as `10.0.0.0/16`
            "#]],
        );
    }

    #[test]
    fn limits_are_measured() {
        let statement = |name: &str, letters: usize| {
            format!(
                "  {name}: {{ type: aws:iam:RolePolicy, properties: {{ role: \"${{role.name}}\", policy: {{ Statement: [{{ Sid: {} }}] }} }} }}\n",
                "x".repeat(letters)
            )
        };
        let policies = statement("a", 6000) + &statement("b", 6000);
        let text = format!(
            "resources:\n  role: {{ type: aws:iam:Role, properties: {{ assumeRolePolicy: {{}} }} }}\n{policies}"
        );
        let said = faults_of(&text);
        let shown: Vec<&str> = said
            .lines()
            .map(|line| line.split(": ").last().unwrap_or_default())
            .collect();
        expect![[r#"
            12052 characters of inline policies of one role, white space not counted; AWS takes 10240
            they begin here
            make a policy of its own of some (`aws:iam:Policy`, 6144 characters each), or say with `*` what many statements say one by one"#]].assert_eq(&shown.join("\n"));
        check(
            r#"loadBalancer: {}
network: {}
services: { api: { port: 1 } }
resources:
  bucket: { type: aws:s3:Bucket, properties: { bucket: "the-uploads-of-a-shop-with-quite-a-long-name-in-dev-for-${aws.accountId}" } }
  rule:
    type: aws:lb:ListenerRule
    properties:
      listenerArn: ${loadBalancer/httpListener.arn}
      priority: 1
      actions: [{ type: forward, targetGroupArn: "${loadBalancer/api/targetGroup.arn}" }]
      conditions:
      - { pathPattern: { values: ["/a/*/*", "/b/*/*", "/c/*/*"] } }
      - { hostHeader: { values: [a.example.com, b.example.com, c.example.com] } }
"#,
            &expect![[r#"
                5:56 value `"the-uploads-of-a-shop-with-quite-a-long-name-in-dev-for-${aws.accountId}"`: `bucket`: takes 3 to 63 characters, and has at least 68
                12:7 value `conditions`: `conditions`: has 6 values; AWS takes 5 in all conditions of a rule together
                    help: make several rules of it with the same action
                12:7 value `conditions`: `conditions`: has 6 wildcards; AWS takes 5 in all conditions of a rule together
                    help: make several rules of it with the same action
            "#]],
        );
    }

    #[test]
    fn a_quota_that_can_be_raised_is_a_warning() {
        let rules: String = (0..61)
            .map(|port| {
                format!(
                    "  r{port}: {{ type: aws:vpc:SecurityGroupIngressRule, properties: {{ securityGroupId: sg-1, ipProtocol: tcp, fromPort: {port}, toPort: {port}, cidrIpv4: 10.0.0.0/8 }} }}\n"
                )
            })
            .collect();
        let said = warnings_of(&format!("resources:\n{rules}"));
        expect![[r#"
            62:81 quota `sg-1`: 61 rules of one security group in one direction; AWS takes 60
            2:80   also `sg-1`: they begin here
                help: name groups or prefix lists instead of single ranges, or ask AWS to raise the quota of rules per group
        "#]].assert_eq(&said);
    }

    #[test]
    fn keys_of_tags_that_iam_takes_for_one_are_refused() {
        check(
            r#"tags: { Project: a, project: b }
resources:
  role: { type: aws:iam:Role, properties: { assumeRolePolicy: {}, tags: { Team: a, team: b } } }
  bucket: { type: aws:s3:Bucket, properties: { tags: { Team: a, team: b } } }
"#,
            &expect![[r#"
                1:21 tag `project`: `project` and `Project` are one key to IAM, which takes no notice of case
                3:84 tag `team`: `team` and `Team` are one key to IAM, which takes no notice of case
            "#]],
        );
    }

    #[test]
    fn texts_that_aws_does_not_take_are_told_all_at_once() {
        check(
            r#"resources:
  role: { type: aws:iam:Role, properties: { name: "the role", path: shop, description: "the shop’s – own", assumeRolePolicy: {} } }
  latin: { type: aws:iam:Role, properties: { description: "für alle", assumeRolePolicy: {} } }
  group: { type: aws:ec2:SecurityGroup, properties: { name: sg-web, description: "für alle", vpcId: vpc-1 } }
  rule: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: sg-1, ipProtocol: "-1", cidrIpv4: 10.0.0.0/8, description: "a -> b" } }
  topic: { type: aws:sns:Topic, properties: { name: "my topic" } }
  bucket: { type: aws:s3:Bucket, properties: { bucket: Shop_Uploads } }
  group1: { type: aws:lb:TargetGroup, properties: { name: -web, port: 80, protocol: HTTP, vpcId: vpc-1 } }
  repo: { type: aws:ecr:Repository, properties: { name: Shop/API } }
  db: { type: aws:rds:Instance, properties: { identifier: my--db, instanceClass: db.t3.micro } }
  secret: { type: aws:secretsmanager:Secret, properties: { name: "a b" } }
  acl: { type: aws:wafv2:WebAcl, properties: { name: a.b, defaultAction: { allow: {} }, visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: x, sampledRequestsEnabled: true } } }
  log: { type: aws:cloudwatch:LogGroup, properties: { name: aws/x, retentionInDays: 31 } }
  cluster: { type: aws:ecs:Cluster, properties: { name: "a/b" } }
  board: { type: aws:cloudwatch:Dashboard, properties: { dashboardName: a.b, dashboardBody: {} } }
  params: { type: aws:rds:ParameterGroup, properties: { name: 1a, family: postgres16 } }
  subnets: { type: aws:rds:SubnetGroup, properties: { name: default, subnetIds: [subnet-1] } }
"#,
            &expect![[r#"
                2:51 value `"the role"`: `name`: takes letters, digits and `_+=,.@-`, and ` ` is none of these
                2:69 value `shop`: `path`: must begin and end with `/`
                2:88 value `"the shop’s – own"`: `description`: takes the characters of Latin-1, and `’` is none of these
                    help: `the shop's - own` would do
                4:61 value `sg-web`: `name`: must not begin with `sg-`, nor be `default`
                4:82 value `"für alle"`: `description`: takes letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`, and `ü` is none of these
                    help: `fuer alle` would do
                5:141 value `"a -> b"`: `description`: takes letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`, and `>` is none of these
                6:53 value `"my topic"`: `name`: takes letters, digits, `_` and `-`, and ` ` is none of these
                7:56 value `Shop_Uploads`: `bucket`: takes lower-case letters, digits, `.` and `-`, and `S` is none of these
                8:59 value `-web`: `name`: must neither begin nor end with a hyphen
                9:57 value `Shop/API`: `name`: takes lower-case letters, digits and `._-/`, and `S` is none of these
                10:59 value `my--db`: `identifier`: must begin with a letter, and have single hyphens, none of them at the end
                11:66 value `"a b"`: `name`: takes letters, digits and `/_+=.@-`, and ` ` is none of these
                12:54 value `a.b`: `name`: takes letters, digits, `_` and `-`, and `.` is none of these
                13:61 value `aws/x`: `name`: must not begin with `aws/`
                13:85 value `31`: `retentionInDays`: AWS has no retention of 31 days
                    help: the nearest is 30
                14:57 value `"a/b"`: `name`: takes letters, digits, `_` and `-`, and `/` is none of these
                15:73 value `a.b`: `dashboardName`: takes letters, digits, `_` and `-`, and `.` is none of these
                16:63 value `1a`: `name`: must begin with a letter, and have single hyphens, none of them at the end
                17:61 value `default`: `name`: must not be `default`
                17:70 value `subnetIds`: `subnetIds`: names subnets in at least two availability zones
            "#]],
        );
    }

    #[test]
    fn values_that_do_not_go_together() {
        check(
            r#"resources:
  db:
    type: aws:rds:Instance
    properties:
      engine: postgres
      username: admin
      dbName: order
      instanceClass: db.t3.micro
      allocatedStorage: 100
      maxAllocatedStorage: 105
      iops: 12000
      storageThroughput: 500
      multiAz: true
      availabilityZone: eu-south-2a
      backupWindow: 03:00-04:00
      maintenanceWindow: sun:03:30-sun:04:30
      monitoringInterval: 60
      performanceInsightsRetentionPeriod: 8
  group: { type: aws:lb:TargetGroup, properties: { port: 80, protocol: HTTP, vpcId: vpc-1, slowStart: 60, loadBalancingAlgorithmType: weighted_random, healthCheck: { interval: 10, timeout: 10 } } }
  alb: { type: aws:lb:LoadBalancer, properties: { subnets: [subnet-1] } }
  listener: { type: aws:lb:Listener, properties: { loadBalancerArn: "${alb.arn}", port: 80, defaultActions: [{ type: redirect, redirect: { statusCode: HTTP_301 } }] } }
  target: { type: aws:appautoscaling:Target, properties: { serviceNamespace: ecs, scalableDimension: ecs:service:DesiredCount, resourceId: service/a/b, minCapacity: 5, maxCapacity: 2 } }
  service: { type: aws:ecs:Service, properties: { cluster: a, taskDefinition: "b:1", launchType: FARGATE, deploymentMaximumPercent: 100, healthCheckGracePeriodSeconds: 10 } }
  task: { type: aws:ecs:TaskDefinition, properties: { family: a, cpu: 256, memory: 8192, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: a, image: b, secrets: [{ name: X, valueFrom: arn }] }] } }
  alarm: { type: aws:cloudwatch:MetricAlarm, properties: { comparisonOperator: GreaterThanThreshold, evaluationPeriods: 25, datapointsToAlarm: 26, metricName: x, namespace: y, period: 3599, statistic: Sum, threshold: 1 } }
  vpc: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/8, enableDnsSupport: false, enableDnsHostnames: true } }
  rule: { type: aws:vpc:SecurityGroupIngressRule, properties: { securityGroupId: sg-1, ipProtocol: tcp, fromPort: 90, toPort: 80, cidrIpv4: 10.0.0.0/8 } }
  life: { type: aws:s3:BucketLifecycleConfiguration, properties: { bucket: b, rules: [{ id: x, status: Enabled, expiration: { days: 10 }, transitions: [{ days: 20, storageClass: STANDARD_IA }] }, { id: x, status: Enabled, expiration: { days: 1 } }] } }
"#,
            &expect![[r#"
                4:5 value `properties`: `monitoringRoleArn`: must be given where `monitoringInterval` is above 0
                6:17 value `admin`: `username`: `admin` is reserved by RDS
                7:15 value `order`: `dbName`: `order` is a reserved word of the engine, which RDS does not take
                10:28 value `105`: `maxAllocatedStorage`: must be at least a tenth more than the 100 GiB it starts with
                11:13 value `12000`: `iops`: goes with `gp3` from 400 GiB on, and there are 100
                12:26 value `500`: `storageThroughput`: goes with `gp3` from 400 GiB on, and there are 100
                14:25 value `eu-south-2a`: `availabilityZone`: does not go with `multiAz`: AWS chooses both zones then
                16:26 value `sun:03:30-sun:04:30`: `maintenanceWindow`: overlaps `backupWindow`, 03:00-04:00, which is daily
                18:43 value `8`: `performanceInsightsRetentionPeriod`: takes 7, 731, or a multiple of 31 up to 713
                19:103 value `60`: `slowStart`: goes with the algorithm `round_robin` alone
                19:190 value `10`: `healthCheck.timeout`: an answer may take 10 s, but is asked for every 10 s
                20:51 value `subnets`: `subnets`: names at least two subnets, in different availability zones
                21:128 value `redirect`: `defaultActions[0].redirect`: must change protocol, host, port or path, or it would be a redirect loop
                22:166 value `5`: `minCapacity`: is 5, and `maxCapacity` is 2
                23:37 value `properties`: `networkConfiguration`: must be given for the launch type `FARGATE`
                23:133 value `100`: `deploymentMaximumPercent`: is 100, and `deploymentMinimumHealthyPercent` is 100: no task could be replaced
                23:169 value `10`: `healthCheckGracePeriodSeconds`: goes with `loadBalancers` alone
                24:41 value `properties`: `executionRoleArn`: must be given where containers have `secrets`, which it reads
                24:84 value `8192`: `memory`: 256 CPU units do not go with 8192 MiB
                    help: it takes 512, 1024 or 2048 MiB
                25:121 value `25`: `evaluationPeriods`: spans, with `period`, more than a day; with periods of an hour or more, than seven days
                25:144 value `26`: `datapointsToAlarm`: is more than `evaluationPeriods`
                25:185 value `3599`: `period`: takes 10, 20, 30, or a multiple of 60 seconds
                26:54 value `10.0.0.0/8`: `cidrBlock`: AWS takes `/16` to `/28`
                26:111 value `true`: `enableDnsHostnames`: goes with `enableDnsSupport` alone
                27:115 value `90`: `fromPort`: is 90, and `toPort` is 80
                28:161 value `20`: `rules[0].transitions[0].days`: objects are deleted after 10 days, before or as they would move
                28:161 value `20`: `rules[0].transitions[0].days`: objects move to `STANDARD_IA` after 30 days at the earliest
                28:203 value `x`: `rules[1].id`: `x` is the id of another rule
            "#]],
        );
    }

    #[test]
    fn resources_that_do_not_go_together() {
        check(
            r#"resources:
  task: { type: aws:ecs:TaskDefinition, properties: { family: a, cpu: 256, memory: 512, requiresCompatibilities: [FARGATE], containerDefinitions: [{ name: web, image: b, portMappings: [{ containerPort: 80 }] }] } }
  service:
    type: aws:ecs:Service
    properties:
      cluster: a
      taskDefinition: ${task.arn}
      launchType: EC2
      loadBalancers:
      - { targetGroupArn: arn, containerName: wbe, containerPort: 80 }
      - { targetGroupArn: arn, containerName: web, containerPort: 8080 }
  group: { type: aws:rds:ParameterGroup, properties: { family: postgres16 } }
  source: { type: aws:rds:Instance, properties: { engine: postgres, engineVersion: "15.4", instanceClass: db.t3.micro, parameterGroupName: "${group.name}", backupRetentionPeriod: 0 } }
  replica: { type: aws:rds:Instance, properties: { instanceClass: db.t3.micro, replicateSourceDb: "${source.identifier}" } }
"#,
            &expect![[r#"
                5:5 value `properties`: `networkConfiguration`: must be given for tasks in the network mode `awsvpc`
                8:19 value `EC2`: `launchType`: is `EC2`, and the task definition is made for `FARGATE`
                10:47 value `wbe`: `loadBalancers[0].containerName`: the task definition has no container `wbe`
                11:67 value `8080`: `loadBalancers[1].containerPort`: the container `web` maps no port 8080
                13:140 value `"${group.name}"`: `parameterGroupName`: is for `postgres16`, and the version is 15.4
                14:99 value `"${source.identifier}"`: `replicateSourceDb`: keeps no backups, which a replica needs: its `backupRetentionPeriod` is 0
            "#]],
        );
    }

    #[test]
    fn tags_are_counted_with_those_of_fde_infra() {
        let tags: String = (0..45).map(|number| format!("t{number}: x, ")).collect();
        let long: String = (0..5)
            .map(|number| format!("{}{number}: x, ", "k".repeat(60)))
            .collect();
        check(
            &format!(
                "resources:\n  many: {{ type: aws:sns:Topic, properties: {{ tags: {{ {tags} }} }} }}\n  long: {{ type: aws:sns:Topic, properties: {{ tags: {{ {long} }} }} }}\n"
            ),
            &expect![[r#"
                2:54 tag `t0`: 45 tags; AWS takes 50, 11 of which are fde-infra's, so that 39 are left
                3:54 tag `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk0`: the keys of its 5 tags together have more characters than the 256 of the tag in which fde-infra keeps them
            "#]],
        );
    }

    #[test]
    fn names_that_are_derived_alike_are_told() {
        check(
            r#"resources:
  my-topic: { type: aws:sns:Topic }
  my_topic: { type: aws:sns:Topic }
  group: { type: aws:ec2:SecurityGroup, properties: { name: web, vpcId: vpc-1 } }
  other: { type: aws:ec2:SecurityGroup, properties: { name: web, vpcId: vpc-2 } }
"#,
            &expect![[r#"
                3:3 taken `my_topic`: AWS takes `my-topic` and `my_topic` for one: they have the same `name`
                2:3   also `my-topic`: the first one
                    help: take one of the two out, or give it a `name`
            "#]],
        );
    }
}
