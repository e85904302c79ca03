//! Stacks made from a seed: a handful of synthetic types that between them have every trait the planner cares about.

use std::collections::BTreeMap;

use super::Random;
use crate::graph::{self, Resource, ResourceGraph, ResourceOptions};
use crate::resource::value::properties;
use crate::resource::{Catalog, CreateClass, Property, Schema, StackId, Urn, Value};

#[derive(schemars::JsonSchema)]
struct Anything {}

/// Types of all creation classes; with and without names, replacement, parents, data.
pub fn catalog() -> Catalog {
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
            ]),
        Schema::new::<Anything>("t:app:Service", CreateClass::NaturalKey)
            .named("name", 60)
            .properties([
                Property::new("name").replaces(),
                Property::new("group"),
                Property::new("gateway"),
                Property::new("engine").default("v1").replaces(),
                Property::new("count").default(1),
            ])
            .outputs(&["url"]),
        Schema::new::<Anything>("t:data:Store", CreateClass::NaturalKey)
            .named("name", 60)
            .snapshots()
            .properties([
                Property::new("name").replaces(),
                Property::new("group"),
                Property::new("engine").default("v1").replaces(),
                Property::new("size").default(10),
                Property::new("password").secret().write_only(),
            ]),
        Schema::new::<Anything>("t:net:Rule", CreateClass::PartOfParent)
            .key(&["group", "port"])
            .reads_after(&["t:net:Group"])
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

/// The graph of generated resources.
///
/// # Errors
/// None, if the generator keeps its own rules.
pub fn graph_of(resources: Vec<Resource>) -> Result<ResourceGraph, Vec<graph::GraphError>> {
    graph::build(&stack(), resources, Vec::new(), &catalog())
}
