//! The facts of AWS's resource types: what the schemas of the CloudFormation registry say of each, without their prose.
//!
//! They are in the program, compressed by service: `.ci/facts` makes `types.bin` from `types.jsonl.xz`. A command that needs
//! no such type reads nothing of them, and one that does reads its service alone. What has been read stays in memory until
//! the process ends, so that a type can be borrowed anywhere.

mod author;
mod place;
mod shape;
mod spelling;
mod type_facts;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Mutex, OnceLock, PoisonError};

use flate2::read::ZlibDecoder;
use serde::Deserialize;

pub use place::{ANY, Place};
pub use shape::Shape;
pub use spelling::{Spelling, property_name, token};
pub use type_facts::{Handler, Tagging, TypeFacts};

/// The file, whose form the head of `.ci/facts` describes. The local account reads it, too.
pub const BYTES: &[u8] = include_bytes!("types.bin");

/// The place of a service in the file, and the names of its types: `Queue`.
#[derive(Debug, Deserialize)]
struct Service {
    at: usize,
    length: usize,
    types: Vec<String>,
}

/// The services, and the bytes that their places count from.
struct Index {
    services: BTreeMap<String, Service>,
    bodies: &'static [u8],
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let read = || {
            let (length, rest) = BYTES.split_first_chunk::<4>()?;
            let (head, bodies) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            let services = serde_json::from_slice(&inflated(head)?).ok()?;
            Some(Index { services, bodies })
        };
        // A test reads every type, so that a file that cannot be read does not leave the repository.
        read().unwrap_or(Index {
            services: BTreeMap::new(),
            bodies: &[],
        })
    })
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut text).ok()?;
    Some(text)
}

/// The names of all types, as CloudFormation spells them, in order.
pub fn names() -> impl Iterator<Item = String> {
    let services = index().services.iter();
    services.flat_map(|(service, place)| {
        let types = place.types.iter();
        types.map(move |name| format!("AWS::{service}::{name}"))
    })
}

/// The facts of a type, by either name: `AWS::SQS::Queue`, or `aws-native:sqs:Queue`.
pub fn get(name: &str) -> Option<&'static TypeFacts> {
    static READ: Mutex<BTreeMap<String, &'static TypeFacts>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(name) {
        return Some(*known);
    }
    let (service, at) = find(name)?;
    let (service_name, place) = service;
    let full = format!("AWS::{service_name}::{}", place.types[at]);
    let facts = if let Some(known) = read.get(&full) {
        *known
    } else {
        let body = index().bodies.get(place.at..place.at + place.length)?;
        let text = String::from_utf8(inflated(body)?).ok()?;
        let facts = TypeFacts::parse(&full, text.lines().nth(at)?)?;
        let facts: &'static TypeFacts = Box::leak(Box::new(facts));
        read.insert(full, facts);
        facts
    };
    read.insert(name.to_owned(), facts);
    Some(facts)
}

/// The service of a type, and the type's place among those of the service.
fn find(name: &str) -> Option<((&'static String, &'static Service), usize)> {
    let services = &index().services;
    if let Some(rest) = name.strip_prefix("AWS::") {
        let (service, name) = rest.split_once("::")?;
        let service = services.get_key_value(service)?;
        let at = service.1.types.iter().position(|known| known == name)?;
        return Some((service, at));
    }
    let (module, name) = name.strip_prefix(spelling::PACKAGE)?.split_once(':')?;
    services
        .iter()
        .filter(|(service, _)| spelling::module(service) == module)
        .find_map(|(service, place)| {
            let mut types = place.types.iter();
            let at = types.position(|known| spelling::type_name(known) == name)?;
            Some(((service, place), at))
        })
}

#[cfg(test)]
mod tests;
