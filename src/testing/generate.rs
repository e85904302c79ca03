//! Stacks made from a seed: a handful of synthetic types that between them have every trait the planner cares about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Random;
use crate::graph::{self, Resource, ResourceGraph, ResourceOptions};
use crate::resource::value::properties;
use crate::resource::{Catalog, CreateClass, Property, Schema, StackId, Urn, Value};

#[derive(schemars::JsonSchema)]
struct Anything {}

/// Types of all creation classes; with and without names, replacement, parents, data.
pub fn catalog() -> Catalog {
    known().clone()
}

/// [`catalog`], for whoever only looks something up.
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
            .hangs_on("group", "t:net:Group")
            .opens()
            .properties([
                Property::new("group").required().replaces(),
                Property::new("port").required().replaces(),
                Property::new("target"),
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
    Some(Resource {
        urn: urn(token, &format!("r{number}")),
        inputs: inputs
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        tags: BTreeMap::from([("project".to_owned(), "generated".to_owned())]),
        options: ResourceOptions::default(),
        origin: graph::Origin::default(),
        generated_name: false,
    })
}

/// A service may stand behind a gateway.
fn gateway(random: &mut Random, token: &str, gateways: &[Urn]) -> Value {
    match random.pick(gateways) {
        Some(gateway) if token == "t:app:Service" => Value::output(gateway, "id"),
        _ => Value::Null,
    }
}

/// Data lies behind a password, which nobody may ever see.
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

/// Another version of a stack, in which replacements meet other edits: of what depends on a resource that must be made
/// anew, some is removed, some renamed, some must be made anew itself, and some stays.
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

/// The graph of generated resources.
///
/// # Errors
/// None, if the generator keeps its own rules.
pub fn graph_of(resources: Vec<Resource>) -> Result<ResourceGraph, Vec<graph::GraphError>> {
    graph::build(&stack(), resources, Vec::new(), &catalog())
}
