//! Raw resources into resources of the graph.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};

use super::by_hand::by_hand;
use super::declared::{KEY, short_token};
use super::spec::RawSpec;
use super::written::{self, Written, pairs_as_map};
use crate::component::context::Context;
use crate::component::key::SectionKey;
use crate::component::options::{self, Asked};
use crate::component::{elsewhere, lookup};
use crate::facts;
use crate::resource::nearest::nearest;
use crate::resource::{Path, Properties, Value};
use crate::stack::{Check, Content, Entry, Fault, Node, References, StackError, check_tag};

/// Adds the raw resources.
pub fn expand(context: &mut Context<'_>) {
    let stack = context.stack;
    let Some(section) = stack.document().root.get(KEY) else {
        return;
    };
    let specs: BTreeMap<String, RawSpec> = context.specs(KEY);
    // Schemas are derived once per type, however many resources there are of it.
    let mut schemas: HashMap<String, Json> = HashMap::new();
    for entry in section.entries() {
        // An entry that is not in the specs is structurally at fault, and has been reported.
        let Some(spec) = specs.get(&entry.key) else {
            continue;
        };
        check_key(context, entry);
        let token = short_token(&spec.r#type);
        let facts = facts::get(&spec.r#type);
        if let Some(ours) = facts.and_then(|facts| by_hand(&facts.name)) {
            refuse_twin(context, entry, &spec.r#type, ours);
            continue;
        }
        let Some(schema) = context.catalog.get(&token) else {
            refuse_type(context, entry, &spec.r#type);
            continue;
        };
        let written = Written::of(&spec.r#type, schema);
        let inputs_schema = schemas
            .entry(spec.r#type.clone())
            .or_insert_with(|| written.inputs_schema());
        resource(context, entry, spec, written, inputs_schema);
    }
}

fn check_key(context: &mut Context<'_>, entry: &Entry) {
    let mut characters = entry.key.chars();
    let starts = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = characters.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let label = if SectionKey::of(&entry.key).is_some() {
        "is what a section of the file is called, and `${…}` would mean that"
    } else if entry.key == lookup::ACCOUNT {
        "is what the AWS account is called, and `${…}` would mean that"
    } else if !starts || !rest || entry.key.len() > 100 {
        "takes up to 100 letters, digits, `-` and `_`, a letter first"
    } else {
        return;
    };
    let error = StackError::new(Fault::Name, entry.key_span, label);
    context.errors.push(error);
}

/// Refuses a type of AWS for which there is one that is written by hand.
fn refuse_twin(context: &mut Context<'_>, entry: &Entry, name: &str, ours: &str) {
    let span = entry
        .value
        .get("type")
        .map_or(entry.key_span, |node| node.span);
    let label = format!("`{name}` has a type of its own here");
    let help = format!("declare an `{ours}`; `fde-infra explain {ours}` lists its properties");
    let error = StackError::new(Fault::UnknownType, span, label).help(help);
    context.errors.push(error);
}

/// Refuses the functions of CloudFormation, which would be sent as they stand where a value takes anything.
fn refuse_functions(context: &mut Context<'_>, node: &Node) {
    if let [only] = node.entries()
        && (only.key.starts_with("Fn::") || only.key == "Ref" && only.value.as_text().is_some())
    {
        let label = format!("`{}` is a function of CloudFormation", only.key);
        let help = "write `${name.output}` in its place, such as `${queue.Arn}` or `${aws.region}`";
        let error = StackError::new(Fault::UnknownKey, only.key_span, label).help(help);
        context.errors.push(error);
        return;
    }
    for entry in node.entries() {
        refuse_functions(context, &entry.value);
    }
    if let Content::List(items) = &node.content {
        for item in items {
            refuse_functions(context, item);
        }
    }
}

fn refuse_type(context: &mut Context<'_>, entry: &Entry, token: &str) {
    let span = entry
        .value
        .get("type")
        .map_or(entry.key_span, |node| node.span);
    let label = format!("`{token}` is not a resource type of fde-infra");
    let error = StackError::new(Fault::UnknownType, span, label);
    let name = token;
    let token = &*short_token(token);
    let tokens = context.catalog.iter().map(|schema| schema.token);
    let error = match written::refusal(name).or_else(|| elsewhere::answer(token, context.catalog)) {
        Some(answer) => error.help(answer),
        None => error.suggest(nearest_type(token, tokens)),
    };
    context.errors.push(error);
}

/// The nearest type, by the part after the `aws:` that all have.
fn nearest_type<'a>(token: &str, tokens: impl Iterator<Item = &'a str>) -> Option<String> {
    let provider = "aws:";
    let word = token.strip_prefix(provider).unwrap_or(token);
    let words = tokens.filter_map(|token| token.strip_prefix(provider));
    nearest(word, words).map(|word| format!("{provider}{word}"))
}

fn resource(
    context: &mut Context<'_>,
    entry: &Entry,
    spec: &RawSpec,
    written: Written<'_>,
    inputs_schema: &Json,
) {
    let schema = written.schema;
    let place = Path::from(KEY).key(&*entry.key);
    let empty = Node::new(entry.key_span, Content::Map(Vec::new()));
    let properties = entry.value.get("properties").unwrap_or(&empty);
    let faults = context.errors.len();
    refuse_functions(context, properties);
    if context.errors.len() > faults {
        return;
    }
    let mut given = properties.clone();
    context
        .stack
        .document()
        .settle_part(&mut given, inputs_schema);
    let tags = take_tags(context, &mut given, written, &place.key("properties"));
    let anchor = entry
        .value
        .entry("properties")
        .map_or(entry.key_span, |entry| entry.key_span);
    let mut check = Check::new(
        context.stack.document(),
        inputs_schema,
        References::Everywhere,
    );
    check.value(&given, inputs_schema, &place.key("properties"), anchor);
    context.errors.append(&mut check.errors);
    let inputs: Properties = given
        .entries()
        .iter()
        .filter(|property| !property.value.is_null())
        .map(|property| (property.key.clone(), context.value(&property.value)))
        .collect();
    let inputs = written.native(inputs);
    let options_node = entry.value.get("options");
    let asked = Asked::read(context, options_node);
    options::check(context, options_node, &[schema.token.to_owned()].into());
    let urn = context.urn(schema.token, &entry.key);
    let resource = context.add_at(place.clone(), entry.key_span, urn, inputs);
    resource.origin.name_key = schema
        .name
        .map(|rule| place.key("properties").key(written.spelled(rule.property)));
    resource.tags.extend(tags);
    if let Some(options) = &spec.options {
        options.add_to(&mut resource.options, &asked);
    }
}

/// Takes Pulumi's `tags` property out of the properties: tags belong to the engine, for they carry the ownership.
fn take_tags(
    context: &mut Context<'_>,
    properties: &mut Node,
    written: Written<'_>,
    place: &Path,
) -> BTreeMap<String, String> {
    let schema = written.schema;
    let mut tags = BTreeMap::new();
    if schema.property("tags").is_some() {
        return tags;
    }
    let Content::Map(entries) = &mut properties.content else {
        return tags;
    };
    let keys = written.tags();
    let Some(at) = entries.iter().position(|entry| keys.contains(&entry.key)) else {
        return tags;
    };
    let key = entries[at].key.clone();
    if !schema.taggable {
        return tags;
    }
    let mut entry = entries.remove(at);
    pairs_as_map(&mut entry.value);
    let texts = json!({
        "type": "object",
        "additionalProperties": { "type": "string", "x-references": true },
    });
    let document = context.stack.document();
    document.settle_part(&mut entry.value, &texts);
    let mut check = Check::new(document, &texts, References::WhereMarked);
    check.value(&entry.value, &texts, &place.key(key), entry.key_span);
    context.errors.append(&mut check.errors);
    for tag in entry.value.entries() {
        // A value that is not a text has just been reported; `null` leaves the tag out.
        if tag.value.as_text().is_none() {
            continue;
        }
        if let Value::String(value) = context.value(&tag.value) {
            let spans = (tag.key_span, tag.value.span);
            check_tag(&tag.key, &value, spans.0, spans.1, &mut context.errors);
            tags.insert(tag.key.clone(), value);
        } else {
            let label = "a tag takes a text that is known before anything exists";
            let error = StackError::new(Fault::Tag, tag.value.span, label);
            context.errors.push(error);
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::component::expand;
    use crate::component::testing::{catalog, faults_of, load, render, render_text, with_head};

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn long_tokens_are_shortened() {
        assert_eq!(short_token("aws:ec2/vpc:Vpc"), "aws:ec2:Vpc");
        assert_eq!(short_token("aws:ec2:Vpc"), "aws:ec2:Vpc");
        assert_eq!(short_token("aws:ec2/subnet:Vpc"), "aws:ec2/subnet:Vpc");
        assert_eq!(short_token("nonsense"), "nonsense");
    }

    #[test]
    fn as_in_pulumi() {
        expect![[r#"
            uploads aws:s3:Bucket
              bucket: Join(["shop-", ${aws.accountId}, "-${x}"])
              forceDestroy: true
            second aws:ec2:Subnet
              cidrBlock: "10.0.0.0/24"
              vpcId: ${uploads.arn}
              after uploads
              ignores cidrBlock
        "#]]
        .assert_eq(&render_text(
            r#"resources:
  uploads:
    type: aws:s3/bucket:Bucket
    properties: { bucket: "shop-${aws.accountId}-$${x}", forceDestroy: true, tags: { team: blue } }
  second:
    type: aws:ec2:Subnet
    properties:
      vpcId: ${uploads.arn}
      cidrBlock: 10.0.0.0/24
    options: { dependsOn: ["${uploads}"], protect: true, ignoreChanges: [cidrBlock] }
outputs:
  name: ${uploads.bucket}
"#,
        ));
    }

    #[test]
    fn what_is_written_is_the_value_where_the_type_takes_a_text() {
        let text = with_head(
            r#"resources:
  topic: { type: aws:sns:Topic, properties: { displayName: 6063e25, tags: { build: 1.10, 7: true } } }
  role: { type: aws:iam:Role, properties: { path: 0, assumeRolePolicy: { Statement: [] }, maxSessionDuration: 3600 } }
  task:
    type: aws:ecs:TaskDefinition
    properties:
      family: 2024
      cpu: 256
      containerDefinitions: [{ name: 1e3, image: 6063e25, environment: [{ name: A, value: 1.0 }], portMappings: [{ containerPort: 80 }] }]
"#,
        );
        let flags = [
            "resources.topic.properties.displayName=null",
            "resources.task.properties.containerDefinitions[0].environment[0].value=[1",
            "resources.role.properties.maxSessionDuration=7200",
        ];
        let stack = load(&[("dev.yaml", &text)], &flags).unwrap();
        let expansion = expand(&stack, &catalog()).unwrap();
        let tags = &expansion.resources[0].tags;
        expect![[r#"
            topic aws:sns:Topic
              displayName: "null"
            role aws:iam:Role
              assumeRolePolicy: {"Statement": []}
              maxSessionDuration: 7200
              path: "0"
            task aws:ecs:TaskDefinition
              containerDefinitions: [{"environment": [{"name": "A", "value": "[1"}], "image": "6063e25", "name": "1e3", "portMappings": [{"containerPort": 80}]}]
              cpu: 256
              family: "2024"
            {"7": "true", "build": "1.10"}"#]].assert_eq(&format!("{}{tags:?}", render(&expansion)));
    }

    #[test]
    fn paths_of_options_are_read_where_they_stand() {
        check(
            r#"resources:
  a: { type: aws:s3:Bucket, options: { ignoreChanges: ["tags[\"a.b\"]", "a..b", "a[", ""], replaceOnChanges: ["*", "x]"] } }
options:
  a: { ignoreChanges: [".a"] }
"#,
            &expect![[r#"
                2:73 value `"a..b"`: has an empty key
                    help: write it as in `parameters["log.level"]` or `rules[0].action`
                2:81 value `"a["`: the closing `]` is missing
                    help: write it as in `parameters["log.level"]` or `rules[0].action`
                2:87 value `""`: has an empty key
                    help: write it as in `parameters["log.level"]` or `rules[0].action`
                2:116 value `"x]"`: takes keys with dots between them, `[…]` around an index or a "key"
                    help: write it as in `parameters["log.level"]` or `rules[0].action`
                4:24 value `".a"`: has an empty key
                    help: write it as in `parameters["log.level"]` or `rules[0].action`
            "#]],
        );
        expect![[r#"
            a aws:s3:Bucket
              ignores bucket["a.b"][0].c
        "#]].assert_eq(&render_text(
            "resources:\n  a: { type: aws:s3:Bucket, options: { ignoreChanges: ['bucket[\"a.b\"][0].c'] } }\n",
        ));
    }

    #[test]
    fn types_of_other_services_have_an_answer_of_their_own() {
        check(
            "resources:\n  a: { type: aws:sqs:Queue }\n  b: { type: aws:sqs/queue:Queue }\n  c: { type: aws:dynamodb:Table }\n  d: { type: aws:s3:Bukket }\n  e: { type: aws:glue:Job }\n  f: { type: Bucket }\n",
            &expect![[r#"
                2:14 unknown_type `aws:sqs:Queue`: `aws:sqs:Queue` is not a resource type of fde-infra
                    help: declare an `aws-native:sqs:Queue`: what is not written by hand goes through AWS Cloud Control
                3:14 unknown_type `aws:sqs/queue:Queue`: `aws:sqs/queue:Queue` is not a resource type of fde-infra
                    help: declare an `aws-native:sqs:Queue`: what is not written by hand goes through AWS Cloud Control
                4:14 unknown_type `aws:dynamodb:Table`: `aws:dynamodb:Table` is not a resource type of fde-infra
                    help: declare an `aws-native:dynamodb:Table`: what is not written by hand goes through AWS Cloud Control
                5:14 unknown_type `aws:s3:Bukket`: `aws:s3:Bukket` is not a resource type of fde-infra
                    help: did you mean `aws:s3:Bucket`?
                6:14 unknown_type `aws:glue:Job`: `aws:glue:Job` is not a resource type of fde-infra
                    help: declare an `aws-native:glue:Job`: what is not written by hand goes through AWS Cloud Control
                7:14 unknown_type `Bucket`: `Bucket` is not a resource type of fde-infra
            "#]],
        );
    }

    #[test]
    fn types_of_cloud_control_are_written_in_either_spelling() {
        let native = render_text(
            r#"resources:
  mails:
    type: aws-native:sqs:Queue
    properties:
      queueName: mails
      delaySeconds: 5
      redrivePolicy: { deadLetterTargetArn: "${dead.arn}", maxReceiveCount: 3 }
      tags: { team: blue }
  dead: { type: aws-native:sqs:Queue }
  resize:
    type: aws-native:lambda:Function
    properties:
      role: arn:aws:iam::123456789012:role/resize
      code: { imageUri: "${mails.queueUrl}" }
      environment: { variables: { QUEUE_URL: "${mails.queueUrl}" } }
"#,
        );
        let cloud_formation = render_text(
            r#"resources:
  mails:
    type: AWS::SQS::Queue
    properties:
      QueueName: mails
      DelaySeconds: 5
      RedrivePolicy: { deadLetterTargetArn: "${dead.Arn}", maxReceiveCount: 3 }
      Tags: [{ Key: team, Value: blue }]
  dead: { type: "AWS::SQS::Queue" }
  resize:
    type: AWS::Lambda::Function
    properties:
      Role: arn:aws:iam::123456789012:role/resize
      Code: { ImageUri: "${mails.QueueUrl}" }
      Environment: { Variables: { QUEUE_URL: "${mails.QueueUrl}" } }
"#,
        );
        assert_eq!(native, cloud_formation);
        expect![[r#"
            mails aws-native:sqs:Queue
              delaySeconds: 5
              queueName: "mails"
              redrivePolicy: {"deadLetterTargetArn": ${dead.arn}, "maxReceiveCount": 3}
            dead aws-native:sqs:Queue
            resize aws-native:lambda:Function
              code: {"imageUri": ${mails.queueUrl}}
              environment: {"variables": {"QUEUE_URL": ${mails.queueUrl}}}
              role: "arn:aws:iam::123456789012:role/resize"
        "#]]
        .assert_eq(&native);
    }

    #[test]
    fn secrets_of_types_of_cloud_control_are_hidden_wherever_they_stand() {
        let text = render_text(
            r#"resources:
  broker:
    type: aws-native:amazonmq:Broker
    properties:
      brokerName: mails
      deploymentMode: SINGLE_INSTANCE
      engineType: RABBITMQ
      hostInstanceType: mq.t3.micro
      publiclyAccessible: false
      users: [{ username: shop, password: hunter2hunter2 }]
  user:
    type: AWS::ElastiCache::User
    properties: { UserId: shop, UserName: shop, Engine: redis, Passwords: [hunter2hunter2hunter2] }
"#,
        );
        assert!(text.contains("mails"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn faults_in_types_of_cloud_control() {
        check(
            r#"resources:
  a: { type: aws-native:sqs:Queu }
  b: { type: "AWS::SQS::Queues" }
  c: { type: aws-native:sqs:Queue, properties: { queuName: x, delaySeconds: 1000, arn: x, QueueName: y } }
  d: { type: "AWS::SQS::Queue", properties: { queueName: x, RedrivePolicy: { maxReceivCount: 3 } } }
  e: { type: aws-native:dynamodb:Table, properties: { attributeDefinitions: [{ attributeNam: a, attributeType: S }] } }
  f: { type: aws-native:logs:MetricFilter }
  g: { type: aws-native:sqs:QueuePolicy }
  h: { type: aws-native:sqs:Queue, properties: { queueName: "${c.queueUrll}" } }
  i: { type: "AWS::IAM::Role", properties: { AssumeRolePolicyDocument: {} } }
  j: { type: aws-native:iam:InstanceProfile, properties: { roles: [{ Ref: role }] } }
  k: { type: AWS::Sqs::Queue, properties: { QueueName: x } }
"#,
            &expect![[r#"
                2:14 unknown_type `aws-native:sqs:Queu`: `aws-native:sqs:Queu` is not a resource type of fde-infra
                    help: did you mean `aws-native:sqs:Queue`?
                3:14 unknown_type `"AWS::SQS::Queues"`: `AWS::SQS::Queues` is not a resource type of fde-infra
                    help: did you mean `AWS::SQS::Queue`?
                4:50 unknown_key `queuName`: `resources.c.properties` has no `queuName`
                    help: did you mean `queueName`?
                4:77 out_of_range `1000`: `resources.c.properties.delaySeconds` takes a whole number from 0 to 900
                4:83 unknown_key `arn`: `arn` is decided by AWS
                    help: take the key out; where it is needed, `${…}` asks for it
                4:91 unknown_key `QueueName`: `resources.c.properties` has no `QueueName`
                    help: did you mean `queueName`?
                5:47 unknown_key `queueName`: `resources.d.properties` has no `queueName`
                    help: did you mean `QueueName`?
                5:78 unknown_key `maxReceivCount`: `resources.d.properties.RedrivePolicy` has no `maxReceivCount`
                    help: did you mean `maxReceiveCount`?
                6:41 missing_key `properties`: `resources.e.properties` needs `keySchema`
                6:78 missing_key `{ attributeNam: a, attributeType: S }`: `resources.e.properties.attributeDefinitions[0]` needs `attributeName`
                6:80 unknown_key `attributeNam`: `resources.e.properties.attributeDefinitions[0]` has no `attributeNam`
                    help: did you mean `attributeName`?
                7:14 unknown_type `aws-native:logs:MetricFilter`: `aws-native:logs:MetricFilter` is not a resource type of fde-infra
                    help: an object of AWS::Logs::MetricFilter carries no tags that would say whose it is; make it with another tool
                8:14 unknown_type `aws-native:sqs:QueuePolicy`: `aws-native:sqs:QueuePolicy` is not a resource type of fde-infra
                    help: AWS::SQS::QueuePolicy is not known to work through Cloud Control; make it with another tool
                9:62 broken_reference `${c.queueUrll}`: `aws-native:sqs:Queue` has no output `queueUrll`
                    help: did you mean `queueUrl`?
                10:14 unknown_type `"AWS::IAM::Role"`: `AWS::IAM::Role` has a type of its own here
                    help: declare an `aws:iam:Role`; `fde-infra explain aws:iam:Role` lists its properties
                11:14 unknown_type `aws-native:iam:InstanceProfile`: `aws-native:iam:InstanceProfile` is not a resource type of fde-infra
                    help: an object of AWS::IAM::InstanceProfile carries no tags that would say whose it is; make it with another tool
                12:14 unknown_type `AWS::Sqs::Queue`: `AWS::Sqs::Queue` is not a resource type of fde-infra
                    help: did you mean `AWS::SQS::Queue`?
            "#]],
        );
    }

    #[test]
    fn cycles_are_shown_as_a_path() {
        check(
            r#"resources:
  a: { type: aws:sns:Topic, properties: { displayName: "${b.displayName}" } }
  b: { type: aws:sns:Topic, properties: { displayName: "${c.displayName}" } }
  c: { type: aws:sns:Topic, options: { dependsOn: a } }
"#,
            &expect![[r#"
                2:3 cycle `a`: these need each other: a → b → c → a
                    help: take one of these references out
            "#]],
        );
    }

    #[test]
    fn faults() {
        check(
            r#"resources:
  network: { type: aws:s3:Bucket }
  a: { type: aws:s3:Bukket }
  b: { type: "aws:s3:Bucket", options: { import: x, protekt: true } }
  c: { type: aws:ec2:Vpc, properties: { cidrBlock: "${a.id} ${b.nothing} ${b.idd} ${zz.x} ${b} ${c.foo" } }
  d: { type: aws:ec2:Vpc, properties: { cidrBlock: "${e.bukket} ${network.vpcId}" }, options: { dependsOn: [e, f] } }
  e: { type: aws:s3:Bucket }
outputs:
  x: ${aws.acountId}
options:
  nothing: { protect: true }
"#,
            &expect![[r#"
                2:3 name `network`: is what a section of the file is called, and `${…}` would mean that
                3:14 unknown_type `aws:s3:Bukket`: `aws:s3:Bukket` is not a resource type of fde-infra
                    help: did you mean `aws:s3:Bucket`?
                4:50 value `x`: only parts of other resources, such as policies and routes, can be imported
                    help: take `import` out; a whole resource is adopted by its tags
                4:53 unknown_key `protekt`: `resources.b.options` has no `protekt`
                    help: did you mean `protect`?
                5:61 broken_reference `${b.nothing}`: `aws:s3:Bucket` has no output `nothing`
                5:74 broken_reference `${b.idd}`: `aws:s3:Bucket` has no output `idd`
                    help: did you mean `id`?
                5:83 broken_reference `${zz.x}`: there is no section or resource `zz`
                5:91 broken_reference `${b}`: does not say which output of `b` is meant
                    help: add one of `id`, `arn`, `urn`, `bucketDomainName`, `bucketRegionalDomainName`, `bucket` or `forceDestroy`
                5:96 malformed_reference `${c.foo`: the closing `}` is missing
                    help: write `${name.output}`, or `$$` for a literal `$`
                6:53 broken_reference `${e.bukket}`: `aws:s3:Bucket` has no output `bukket`
                    help: did you mean `bucket`?
                6:65 broken_reference `${network.vpcId}`: `aws:s3:Bucket` has no output `vpcId`
                6:112 broken_reference `f`: there is no section or resource `f`
                9:6 broken_reference `${aws.acountId}`: `aws` has no output `acountId`
                    help: did you mean `accountId`?
                11:3 unknown_resource `nothing`: nothing in the stack is called `nothing`
            "#]],
        );
    }
}
