//! Stacks made from a seed: a handful of synthetic types that between them have every trait the planner cares about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::Random;
use crate::graph::{self, Resource, ResourceGraph, ResourceOptions};
use crate::resource::value::properties;
use crate::resource::{Catalog, CreateClass, Properties, Property, Schema, StackId, Urn, Value};

#[derive(schemars::JsonSchema)]
struct Anything {}

/// Types of all creation classes; with and without names, replacement, parents, data.
pub fn catalog() -> Catalog {
    known().clone()
}

/// [`catalog`], for callers that only look something up.
pub fn known() -> &'static Catalog {
    static KNOWN: LazyLock<Catalog> = LazyLock::new(types);
    &KNOWN
}

fn types() -> Catalog {
    Catalog::new([
        Schema::new::<Anything>("t:net:Network", CreateClass::TagsOnly).properties([
            Property::new("range").required().replaces(),
            Property::new("dns").default(true),
        ]),
        Schema::new::<Anything>("t:net:Gateway", CreateClass::Token)
            .properties([
                Property::new("network").required().replaces(),
                Property::new("size").default(1),
            ])
            .outputs(&["address"]),
        Schema::new::<Anything>("t:net:Group", CreateClass::NaturalKey)
            .generated_name("name", 40)
            .properties([
                Property::new("name").replaces(),
                Property::new("network").replaces(),
                Property::new("note"),
                Property::new("labels").set(),
            ]),
        Schema::new::<Anything>("t:app:Service", CreateClass::NaturalKey)
            .named("name", 60)
            .properties([
                Property::new("name").replaces(),
                Property::new("group"),
                Property::new("gateway"),
                Property::new("engine").default("v1").replaces(),
                Property::new("count").default(1),
                Property::new("zone").server_chooses(),
            ])
            .outputs(&["url"]),
        Schema::new::<Anything>("t:app:Listener", CreateClass::NaturalKey)
            .key(&["service", "port"])
            .properties([
                Property::new("service").required().replaces(),
                Property::new("port").required().replaces(),
                Property::new("note"),
            ]),
        Schema::new::<Anything>("t:data:Store", CreateClass::NaturalKey)
            .named("name", 60)
            .leaves(|_| Some("a snapshot stays".to_owned()))
            .properties([
                Property::new("name").replaces(),
                Property::new("group"),
                Property::new("engine").default("v1").replaces(),
                Property::new("size").default(10),
                Property::new("settings").declared_keys_only(),
                Property::new("password").secret().write_only(),
            ]),
        Schema::new::<Anything>("t:net:Rule", CreateClass::PartOfParent)
            .key(&["group", "port"])
            .reads_after(&["t:net:Group"])
            .child_of("group", "t:net:Group")
            .opens()
            .properties([
                Property::new("group").required().replaces(),
                Property::new("port").required().replaces(),
                Property::new("target"),
            ]),
        Schema::new::<Anything>("t:acc:Role", CreateClass::NaturalKey)
            .generated_name("name", 64)
            .unindexed()
            .global()
            .properties([
                Property::new("name").replaces(),
                Property::new("path").default("/").replaces(),
                Property::new("note"),
            ]),
        Schema::new::<Anything>("t:acc:Attachment", CreateClass::PartOfParent)
            .key(&["role", "policy"])
            .reads_after(&["t:acc:Role"])
            .child_of("role", "t:acc:Role")
            .opens()
            .holds_parent()
            .properties([
                Property::new("role").required().replaces(),
                Property::new("policy").required().replaces(),
            ]),
        Schema::new::<Anything>("t:acc:Bucket", CreateClass::NaturalKey)
            .named("name", 63)
            .global()
            .properties([Property::new("name").replaces(), Property::new("note")]),
        Schema::new::<Anything>("t:acc:BucketPolicy", CreateClass::PartOfParent)
            .key(&["bucket"])
            .reads_after(&["t:acc:Bucket"])
            .child_of("bucket", "t:acc:Bucket")
            .opens()
            .properties([
                Property::new("bucket").required().replaces(),
                Property::new("text"),
            ]),
        Schema::new::<Anything>("t:lb:Balancer", CreateClass::NaturalKey)
            .named("name", 32)
            .properties([Property::new("name").replaces(), Property::new("note")]),
        Schema::new::<Anything>("t:lb:Door", CreateClass::NaturalKey)
            .key(&["balancer", "port"])
            .reads_after(&["t:lb:Balancer"])
            .child_of("balancer", "t:lb:Balancer")
            .opens()
            .properties([
                Property::new("balancer").required().replaces(),
                Property::new("port").required().replaces(),
                Property::new("note"),
            ]),
        Schema::new::<Anything>("t:lb:Watch", CreateClass::PartOfParent)
            .key(&["balancer", "endpoint"])
            .reads_after(&["t:lb:Balancer"])
            .child_of("balancer", "t:lb:Balancer")
            .properties([
                Property::new("balancer").required().replaces(),
                Property::new("endpoint").required().replaces(),
                Property::new("note"),
            ]),
    ])
}

pub fn stack() -> StackId {
    StackId {
        name: "generated".to_owned(),
        environment: "dev".to_owned(),
    }
}

fn urn(token: &str, name: &str) -> Urn {
    Urn::new(&stack(), token, name)
}

/// Resources whose references point to earlier ones, so that there is no cycle.
pub fn resources(random: &mut Random, count: usize) -> Vec<Resource> {
    let mut made: Vec<Resource> = Vec::new();
    for number in 0..count {
        let token = random.pick(&[
            "t:net:Network",
            "t:net:Gateway",
            "t:net:Group",
            "t:app:Service",
            "t:app:Listener",
            "t:data:Store",
            "t:net:Rule",
        ]);
        let Some(token) = token.copied() else {
            continue;
        };
        if let Some(resource) = resource(random, token, number, &made) {
            made.push(resource);
        }
    }
    made
}

fn resource(
    random: &mut Random,
    token: &str,
    number: usize,
    made: &[Resource],
) -> Option<Resource> {
    let of = |token: &str| -> Vec<Urn> {
        made.iter()
            .filter(|resource| resource.urn.token() == token)
            .map(|resource| resource.urn.clone())
            .collect()
    };
    let reference = |urn: Option<&Urn>| urn.map_or(Value::Null, |urn| Value::output(urn, "id"));
    let inputs = match token {
        "t:net:Network" => properties([
            ("range", format!("10.{}.0.0/16", random.below(3)).into()),
            ("dns", random.once_in(2).into()),
        ]),
        "t:net:Gateway" => properties([
            (
                "network",
                Value::output(random.pick(&of("t:net:Network"))?, "id"),
            ),
            ("size", (random.below(3) as i32).into()),
        ]),
        "t:net:Group" => properties([
            ("network", reference(random.pick(&of("t:net:Network")))),
            ("note", format!("note {}", random.below(3)).into()),
        ]),
        "t:net:Rule" => properties([
            (
                "group",
                Value::output(random.pick(&of("t:net:Group"))?, "id"),
            ),
            ("port", (number as i32).into()),
            ("target", (random.below(3) as i32).into()),
        ]),
        "t:app:Listener" => properties([
            (
                "service",
                Value::output(random.pick(&of("t:app:Service"))?, "id"),
            ),
            ("port", (number as i32).into()),
        ]),
        _ => properties([
            ("group", reference(random.pick(&of("t:net:Group")))),
            ("engine", format!("v{}", random.below(2)).into()),
            ("gateway", gateway(random, token, &of("t:net:Gateway"))),
            ("password", password(token)),
        ]),
    };
    let inputs = inputs.into_iter().filter(|(_, value)| !value.is_null());
    let urn = urn(token, &format!("r{number}"));
    Some(plain(urn, inputs.collect()))
}

/// A service may stand behind a gateway.
fn gateway(random: &mut Random, token: &str, gateways: &[Urn]) -> Value {
    match random.pick(gateways) {
        Some(gateway) if token == "t:app:Service" => Value::output(gateway, "id"),
        _ => Value::Null,
    }
}

/// Data lies behind a password, which must never be shown to any user.
fn password(token: &str) -> Value {
    if token == "t:data:Store" {
        Value::Secret(Box::new(CANARY.into()))
    } else {
        Value::Null
    }
}

/// The password of every store.
pub const CANARY: &str = "canary-5f0c1e";

/// Gives some resources what the plain ones do not have: tags of their own, properties at which live wins, text around
/// references, lists without an order, objects that AWS completes, and values that AWS would choose.
pub fn elaborate(random: &mut Random, resources: &mut [Resource]) {
    for resource in resources {
        if random.once_in(3) {
            elaborate_one(random, resource);
        }
    }
}

/// Resources on which others can hang theirs, and whose names are the account's: roles, buckets, load balancers with all
/// that belongs to them. [`resources`] has none of these types.
pub fn shared(random: &mut Random) -> Vec<Resource> {
    let mut made = Vec::new();
    let mut add = |token: &str, name: String, inputs: Vec<(&'static str, Value)>| {
        let urn = urn(token, &name);
        let inputs = inputs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        made.push(plain(urn.clone(), inputs.collect()));
        Value::output(&urn, "id")
    };
    let note = |random: &mut Random| Value::from(format!("note {}", random.below(3)));
    for number in 0..=random.below(2) {
        let path = ["/", "/shared/"][usize::from(random.once_in(3))];
        let inputs = vec![("path", path.into()), ("note", note(random))];
        let role = add("t:acc:Role", format!("role{number}"), inputs);
        for policy in (0..3).filter(|_| random.once_in(2)).collect::<Vec<_>>() {
            let name = format!("role{number}-attached{policy}");
            let inputs = vec![
                ("role", role.clone()),
                ("policy", format!("policy{policy}").into()),
            ];
            add("t:acc:Attachment", name, inputs);
        }
    }
    for number in 0..=random.below(2) {
        let inputs = vec![("note", note(random))];
        let bucket = add("t:acc:Bucket", format!("bucket{number}"), inputs);
        if random.once_in(2) {
            let inputs = vec![("bucket", bucket), ("text", note(random))];
            add(
                "t:acc:BucketPolicy",
                format!("bucket{number}-policy"),
                inputs,
            );
        }
    }
    for number in 0..=random.below(2) {
        let inputs = vec![("note", note(random))];
        let balancer = add("t:lb:Balancer", format!("balancer{number}"), inputs);
        for port in (8_000..8_003)
            .filter(|_| random.once_in(2))
            .collect::<Vec<_>>()
        {
            let inputs = vec![
                ("balancer", balancer.clone()),
                ("port", port.into()),
                ("note", note(random)),
            ];
            add("t:lb:Door", format!("balancer{number}-door{port}"), inputs);
        }
        if random.once_in(2) {
            let inputs = vec![
                ("balancer", balancer),
                ("endpoint", "ours".into()),
                ("note", note(random)),
            ];
            add("t:lb:Watch", format!("balancer{number}-watch"), inputs);
        }
    }
    made
}

/// The same stack under other logical names: some of what is in both versions is renamed in the second, and keeps the name
/// that it has in AWS. Returns what was renamed.
pub fn renamed(
    random: &mut Random,
    first: &ResourceGraph,
    second: &mut [Resource],
) -> BTreeMap<Urn, Urn> {
    let mut new_names = BTreeMap::new();
    let replaced = replaced(first, second);
    for resource in second.iter_mut() {
        let Some(before) = first.get(&resource.urn).filter(|_| random.once_in(4)) else {
            continue;
        };
        // One that keeps its name cannot be replaced as long as anything uses it, and that is refused.
        if replaced.contains(&resource.urn) {
            continue;
        }
        let schema = known().get(resource.urn.token());
        let Some(schema) = schema.filter(|schema| schema.name.is_some() || !schema.key.is_empty())
        else {
            continue;
        };
        if let Some(rule) = schema.name
            && let Some(name) = before.inputs.get(rule.property)
        {
            resource
                .inputs
                .insert(rule.property.to_owned(), name.clone());
        }
        let name = format!("{}-again", resource.urn.name());
        let after = urn(resource.urn.token(), &name);
        new_names.insert(resource.urn.clone(), after.clone());
        resource.urn = after;
    }
    for resource in second {
        for value in resource.inputs.values_mut() {
            follow(value, &new_names);
        }
    }
    new_names
}

/// The resources that a new version replaces, with all that needs them.
fn replaced(first: &ResourceGraph, second: &[Resource]) -> BTreeSet<Urn> {
    let mut replaced = BTreeSet::new();
    loop {
        let known = replaced.len();
        for resource in second {
            let (Some(before), Some(schema)) = (
                first.get(&resource.urn),
                self::known().get(resource.urn.token()),
            ) else {
                continue;
            };
            let mut fixed = schema
                .properties
                .iter()
                .filter(|property| property.replaces);
            // A property that the new version does not set is filled in as it was.
            let is_edited = fixed.any(|property| {
                let now = resource.inputs.get(property.name);
                now.is_some() && before.inputs.get(property.name) != now
            });
            if is_edited
                || graph::dependencies(resource)
                    .into_iter()
                    .any(|urn| replaced.contains(urn))
            {
                replaced.insert(resource.urn.clone());
            }
        }
        if replaced.len() == known {
            return replaced;
        }
    }
}

/// Points references to what has been renamed.
fn follow(value: &mut Value, new_names: &BTreeMap<Urn, Urn>) {
    match value {
        Value::Output(reference) => {
            if let Some(after) = new_names.get(&reference.urn) {
                reference.urn = after.clone();
            }
        }
        Value::Join(parts) => parts.iter_mut().for_each(|part| follow(part, new_names)),
        _ => {}
    }
}

fn plain(urn: Urn, inputs: Properties) -> Resource {
    Resource {
        urn,
        inputs,
        tags: BTreeMap::from([("project".to_owned(), "generated".to_owned())]),
        options: ResourceOptions::default(),
        origin: graph::Origin::default(),
        generated_name: false,
    }
}

fn elaborate_one(random: &mut Random, resource: &mut Resource) {
    resource.tags.remove("team");
    if let Some(team) = random.pick(&["blue", "green", ""])
        && !team.is_empty()
    {
        resource.tags.insert("team".to_owned(), (*team).to_owned());
    }
    let number = Value::from(random.below(3) as i32);
    let is_ignored = random.once_in(3);
    let (property, value, ignored): (&str, Value, &'static str) = match resource.urn.token() {
        "t:net:Group" => {
            let labels = (0..random.below(4)).filter_map(|_| random.pick(&["a", "b", "c"]));
            ("labels", labels.copied().collect::<Vec<_>>().into(), "note")
        }
        "t:app:Service" if random.once_in(2) => ("zone", "zone b".into(), "count"),
        "t:app:Service" => ("count", number, "count"),
        "t:app:Listener" => {
            let Some(Value::Output(service)) = resource.inputs.get("service") else {
                return;
            };
            let url = Value::output(&service.urn, "url");
            ("note", Value::join(["behind ".into(), url, "/".into()]), "")
        }
        "t:data:Store" if random.once_in(2) => (
            "settings",
            Value::object([("speed", number), ("mode", "safe".into())]),
            "settings.speed",
        ),
        "t:data:Store" => (
            "settings",
            Value::object([("speed", number)]),
            "settings.speed",
        ),
        "t:net:Gateway" => ("size", number, "size"),
        _ => return,
    };
    resource.inputs.insert(property.to_owned(), value);
    resource.options.ignore_changes.clear();
    if is_ignored && !ignored.is_empty() {
        resource.options.ignore_changes.push(ignored.into());
    }
}

/// Another version of a stack: some resources edited, some gone, some new.
pub fn edited(random: &mut Random, resources: &[Resource]) -> Vec<Resource> {
    let mut kept: Vec<Resource> = Vec::new();
    for resource in resources {
        let needs_gone = graph::dependencies(resource)
            .iter()
            .any(|urn| !kept.iter().any(|other| other.urn == **urn));
        if needs_gone || random.once_in(6) {
            continue;
        }
        let number = resource.urn.name()[1..].parse().unwrap_or(0);
        let again = random
            .once_in(3)
            .then(|| self::resource(random, resource.urn.token(), number, &kept))
            .flatten();
        kept.push(again.unwrap_or_else(|| resource.clone()));
    }
    for number in 1000..1000 + random.below(4) {
        if let Some(&token) = random.pick(&["t:net:Network", "t:net:Group", "t:app:Service"])
            && let Some(resource) = resource(random, token, number, &kept)
        {
            kept.push(resource);
        }
    }
    kept
}

/// Another version of a stack, in which replacements meet other edits: of the resources that depend on one that must be
/// replaced, some are removed, some renamed, some must be replaced themselves, and some stay.
pub fn cascaded(random: &mut Random, resources: &[Resource]) -> Vec<Resource> {
    let mut kept: Vec<Resource> = Vec::new();
    let mut new_names: BTreeMap<Urn, Urn> = BTreeMap::new();
    let mut anew: Vec<Urn> = Vec::new();
    for resource in resources {
        let mut resource = resource.clone();
        for value in resource.inputs.values_mut() {
            let moved = new_names
                .iter()
                .find(|(old, _)| *value == Value::output(old, "id"));
            if let Some((_, new)) = moved {
                *value = Value::output(new, "id");
            }
        }
        let needs = graph::dependencies(&resource);
        let is_there = |urn: &&Urn| kept.iter().any(|other| other.urn == **urn);
        if !needs.iter().all(is_there) {
            continue;
        }
        let follows = needs.iter().any(|urn| anew.contains(urn));
        match random.below(if follows { 5 } else { 8 }) {
            0 => continue,
            1 => {
                let name = format!("{}-renamed", resource.urn.name());
                let new = urn(resource.urn.token(), &name);
                new_names.insert(resource.urn.clone(), new.clone());
                anew.push(new.clone());
                resource.urn = new;
            }
            2 | 3 => {
                make_anew(&mut resource);
                anew.push(resource.urn.clone());
            }
            _ => {}
        }
        kept.push(resource);
    }
    kept
}

/// An edit that only a new object can follow.
fn make_anew(resource: &mut Resource) {
    let (property, value): (&'static str, Value) = match resource.urn.token() {
        "t:net:Network" => ("range", "10.9.0.0/16".into()),
        "t:net:Gateway" => ("size", 77.into()),
        "t:net:Group" => ("note", "made anew".into()),
        "t:app:Listener" | "t:net:Rule" => {
            let port = resource.inputs.get("port").and_then(Value::as_number);
            ("port", (port.unwrap_or_default() as i32 + 5_000).into())
        }
        _ => ("engine", "v7".into()),
    };
    resource.inputs.insert(property.to_owned(), value);
    resource.options.replace_on_changes = vec![property.into()];
}

/// The graph of generated resources, in a region.
///
/// # Errors
/// Those of [`graph_of`].
pub fn graph_in(
    region: &str,
    mut resources: Vec<Resource>,
) -> Result<ResourceGraph, Vec<graph::GraphError>> {
    for resource in &mut resources {
        resource.options.region = Some(region.to_owned());
    }
    let mut graph = graph_of(resources)?;
    graph.region = Some(region.to_owned());
    Ok(graph)
}

/// The graph of generated resources.
///
/// # Errors
/// None, if the generator keeps its own rules.
pub fn graph_of(resources: Vec<Resource>) -> Result<ResourceGraph, Vec<graph::GraphError>> {
    graph::build(&stack(), resources, Vec::new(), &catalog())
}
