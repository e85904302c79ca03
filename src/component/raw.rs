//! `resources:`: what no section covers, in Pulumi YAML's own form.
//!
//! ```yaml
//! resources:
//!   uploads:
//!     type: aws:s3:Bucket
//!     properties: { bucket: "shop-uploads-${aws.accountId}" }
//!     options: { protect: true }
//! ```
//!
//! The key is the logical name. Type tokens and property names are Pulumi's, so its registry's documentation holds; the
//! long form of a token, `aws:s3/bucket:Bucket`, is taken too.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::resource::nearest::nearest;
use crate::resource::{Properties, Schema, Value};
use crate::stack::{Check, Entry, Fault, Node, References, Stack, StackError, check_tag};

use super::context::Context;
use super::options::{self, OptionsSpec};
use super::{inputs, lookup, registry};

pub const KEY: &str = "resources";

/// A resource as Pulumi YAML writes it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Resource", extend("x-unsupported" = unsupported()))]
pub struct RawSpec {
    /// The type token, as Pulumi spells it.
    #[schemars(example = &"aws:s3:Bucket")]
    pub r#type: String,
    /// The inputs of the type, as Pulumi names them. `${…}` may stand in place of any value.
    #[serde(default)]
    #[expect(dead_code, reason = "read from the document, with its places")]
    properties: Option<BTreeMap<String, Json>>,
    /// What the engine is to do differently for this resource.
    #[serde(default)]
    pub options: Option<OptionsSpec>,
}

fn unsupported() -> Json {
    json!({
        "get": "reading what exists outside the stack is not supported yet",
        "name": "the key is the name; the name in AWS is a property, such as `name` or `bucket`",
        "defaultProvider": "everything in a stack goes to one account and region",
        "condition": "lay another file over this one with `extends` instead",
    })
}

pub fn schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
    let resource = generator.subschema_for::<RawSpec>();
    schemars::json_schema!({
        "description": "Anything that no section covers, by logical name, in Pulumi YAML's form.",
        "type": "object",
        "additionalProperties": resource,
    })
}

/// Keys and type tokens of the raw resources that name a type.
pub fn declared(stack: &Stack) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    stack
        .document()
        .root
        .get(KEY)
        .map_or(&[][..], Node::entries)
        .iter()
        .filter_map(|entry| {
            let token = entry.value.get("type")?.as_text()?;
            Some((entry.key.as_str(), short_token(token)))
        })
}

/// Pulumi's long form, `aws:s3/bucket:Bucket`, as the short one.
fn short_token(token: &str) -> Cow<'_, str> {
    let short = || {
        let (package, rest) = token.split_once(':')?;
        let (module, name) = rest.split_once(':')?;
        let (module, file) = module.split_once('/')?;
        let mut characters = name.chars();
        let first = characters.next()?.to_ascii_lowercase();
        let expected = std::iter::once(first).chain(characters);
        file.chars()
            .eq(expected)
            .then(|| format!("{package}:{module}:{name}"))
    };
    short().map_or(Cow::Borrowed(token), Cow::Owned)
}

/// Adds the raw resources.
pub fn expand(context: &mut Context<'_>) {
    let stack = context.stack;
    let Some(section) = stack.document().root.get(KEY) else {
        return;
    };
    let specs: BTreeMap<String, RawSpec> = context.specs(KEY);
    // Schemas are derived once per type, however many resources there are of it.
    let mut schemas: HashMap<&'static str, Json> = HashMap::new();
    for entry in section.entries() {
        // What is not in the specs is structurally at fault, and has been reported.
        let Some(spec) = specs.get(&entry.key) else {
            continue;
        };
        check_key(context, entry);
        let token = short_token(&spec.r#type);
        let Some(schema) = context.catalog.get(&token) else {
            refuse_type(context, entry, &token);
            continue;
        };
        let inputs_schema = schemas
            .entry(schema.token)
            .or_insert_with(|| inputs::schema(schema));
        resource(context, entry, spec, schema, inputs_schema);
    }
}

fn check_key(context: &mut Context<'_>, entry: &Entry) {
    let mut characters = entry.key.chars();
    let starts = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = characters.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let label = if registry::is_section(&entry.key) {
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

fn refuse_type(context: &mut Context<'_>, entry: &Entry, token: &str) {
    let span = entry
        .value
        .get("type")
        .map_or(entry.key_span, |node| node.span);
    let label = format!("`{token}` is not a resource type of fde-infra");
    let tokens = context.catalog.iter().map(|schema| schema.token);
    let error = StackError::new(Fault::UnknownType, span, label).suggest(nearest(token, tokens));
    context.errors.push(error);
}

fn resource(
    context: &mut Context<'_>,
    entry: &Entry,
    spec: &RawSpec,
    schema: &Schema,
    inputs_schema: &Json,
) {
    let place = format!("{KEY}.{}", entry.key);
    let empty = Node::new(entry.key_span, crate::stack::Content::Map(Vec::new()));
    let properties = entry.value.get("properties").unwrap_or(&empty);
    let mut given = properties.clone();
    let tags = take_tags(context, &mut given, schema);
    let anchor = entry
        .value
        .entry("properties")
        .map_or(entry.key_span, |entry| entry.key_span);
    let mut check = Check::new(
        context.stack.document(),
        inputs_schema,
        References::Everywhere,
    );
    check.value(
        &given,
        inputs_schema,
        &format!("{place}.properties"),
        anchor,
    );
    context.errors.append(&mut check.errors);
    let inputs: Properties = given
        .entries()
        .iter()
        .filter(|property| !property.value.is_null())
        .map(|property| (property.key.clone(), context.value(&property.value)))
        .collect();
    let options_node = entry.value.get("options");
    let dependencies = options::dependencies(context, options_node);
    let urn = context.urn(schema.token, &entry.key);
    let resource = context.add_at(&place, entry.key_span, urn, inputs);
    resource.origin.name_key = schema
        .name
        .map(|rule| format!("{place}.properties.{}", rule.property));
    resource.tags.extend(tags);
    if let Some(options) = &spec.options {
        options.add_to(&mut resource.options, &dependencies);
    }
}

/// Takes Pulumi's `tags` property out of the properties: tags are the engine's, for they carry the ownership.
fn take_tags(
    context: &mut Context<'_>,
    properties: &mut Node,
    schema: &Schema,
) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    if schema.property("tags").is_some() {
        return tags;
    }
    let crate::stack::Content::Map(entries) = &mut properties.content else {
        return tags;
    };
    let Some(at) = entries.iter().position(|entry| entry.key == "tags") else {
        return tags;
    };
    if !schema.taggable {
        return tags;
    }
    let entry = entries.remove(at);
    if entry.value.as_map().is_none() && !entry.value.is_null() {
        let label = "takes a map of texts";
        context
            .errors
            .push(StackError::new(Fault::WrongType, entry.value.span, label));
    }
    for tag in entry.value.entries() {
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
    use crate::component::testing::{faults_of, render_text};

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
    options: { dependsOn: ["${uploads}"], protect: true, ignoreChanges: [cidrBlock] }
outputs:
  name: ${uploads.bucket}
"#,
        ));
    }

    #[test]
    fn cycles_are_shown_as_a_path() {
        check(
            r#"resources:
  a: { type: aws:s3:Bucket, properties: { bucket: "${b.bucket}" } }
  b: { type: aws:s3:Bucket, properties: { bucket: "${c.bucket}" } }
  c: { type: aws:s3:Bucket, options: { dependsOn: a } }
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
                4:53 unknown_key `protekt`: `resources.b.options` has no `protekt`
                    help: did you mean `protect`?
                5:61 broken_reference `${b.nothing}`: `aws:s3:Bucket` has no output `nothing`
                5:74 broken_reference `${b.idd}`: `aws:s3:Bucket` has no output `idd`
                    help: did you mean `id`?
                5:83 broken_reference `${zz.x}`: there is no section or resource `zz`
                5:91 broken_reference `${b}`: says nothing about which output of `b` is meant
                    help: add one of `id`, `arn`, `urn`, `bucket` or `forceDestroy`
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
