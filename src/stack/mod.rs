//! Stack files: YAML text into spanned values, every problem at once.
//!
//! This room knows the structure of a stack and its head. The sections that a stack can have are handed to [`load`], each
//! with the schema for the check of its structure; what they mean and become is none of its business. It knows neither AWS
//! nor the graph, and reads files only through the function it is given. Start with [`load`].

mod check;
mod document;
mod error;
mod flags;
mod header;
mod keywords;
mod layers;
pub mod limits;
mod marks;
mod node;
mod parse;
pub mod redact;
pub mod reference;
pub mod region;
mod scalar;
mod section;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::resource::{Path, StackId};

pub use check::{Check, References, list_of, takes};
pub use document::Document;
pub use error::{Fault, Label, Source, Span, StackError, StackErrors};
pub use flags::Flag;
pub use header::{Environment, Header, KmsKey, check_tag};
pub use layers::Read;
pub use node::{Content, Entry, Node};
pub use section::{Section, Sections, schema_of};

/// A stack file whose head is sound. What its sections hold is checked where they become resources, for that
/// takes the resource types.
#[derive(Debug, Clone)]
pub struct Stack {
    pub name: String,
    pub environment: Environment,
    pub region: String,
    /// The name of its ECS cluster, if the author gave one.
    pub cluster_name: Option<String>,
    /// The policy that bounds its roles, if the author named one.
    pub permissions_boundary: Option<String>,
    /// The path of its roles and policies, if the author gave one.
    pub role_path: Option<String>,
    /// The key that encrypts what its sections make, if they do not use AWS's own.
    pub kms_key: Option<KmsKey>,
    /// The only account it may be applied to, if the author named one.
    pub account: Option<String>,
    /// The author's tags on everything.
    pub tags: BTreeMap<String, String>,
    pub description: Option<String>,
    document: Document,
    /// The sections as JSON, without the values that are structurally at fault.
    sections: serde_json::Map<String, Json>,
    /// The sections, and entries of sections, that lack values because of faults: `network`, `services.api`.
    unsound: BTreeSet<Path>,
    /// Faults outside the head.
    faults: Vec<StackError>,
    warnings: Vec<StackError>,
}

impl Stack {
    pub fn id(&self) -> StackId {
        StackId {
            name: self.name.clone(),
            environment: self.environment.as_str().to_owned(),
        }
    }

    /// The values with their places.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The texts it was read from: the file, the layers below it, the flags.
    pub fn sources(&self) -> &[Source] {
        &self.document.sources
    }

    /// A section as JSON, without the values that are structurally at fault. `None` where it is absent.
    pub(crate) fn section(&self, key: &str) -> Option<&Json> {
        self.sections.get(key)
    }

    /// True if a section or one of its entries lacks values that are structurally at fault. Then neither it as a whole nor
    /// what refers to it can be judged.
    pub(crate) fn is_unsound(&self, path: impl Into<Path>) -> bool {
        self.unsound.contains(&path.into())
    }

    pub(crate) fn unsound(&self) -> impl Iterator<Item = &Path> {
        self.unsound.iter()
    }

    /// The faults of the structure outside the head.
    pub(crate) fn faults(&self) -> &[StackError] {
        &self.faults
    }

    /// The things in the head that may or may not be mistakes.
    pub fn warnings(&self) -> &[StackError] {
        &self.warnings
    }
}

/// Reads a stack file, with what it extends and the flags over it.
///
/// `sections` are those that the file can have. `read` answers with the text of a file by its path; it is expected to refuse files longer than
/// [`limits::MAX_BYTES`] with [`std::io::ErrorKind::FileTooLarge`] before it reads them.
///
/// # Errors
/// Everything that keeps the stack from being told from others: unreadable text, or a fault in its head. Then the faults in
/// the structure of its sections are reported too.
pub fn load(
    path_name: &str,
    read: Read<'_>,
    flags: &[Flag],
    sections: &Sections,
) -> Result<Stack, StackErrors> {
    let (mut document, mut faults) = layers::read(path_name, read, flags, sections)?;
    let schema = schema_of(sections);
    document.resolve_scalars(&schema);
    let mut head_faults = Vec::new();
    let mut warnings = Vec::new();
    let head = check_head(
        &document,
        sections,
        &schema,
        &mut head_faults,
        &mut warnings,
    );
    head_faults.retain(|error| {
        // An unknown key does not make the head unsound.
        let minor = matches!(error.fault, Fault::UnknownKey);
        if minor {
            faults.push(error.clone());
        }
        !minor
    });
    let mut checked = Checked::default();
    for section in sections.all {
        checked.check(section, &document, &schema);
    }
    faults.append(&mut checked.faults);
    match head {
        Some(head) if head_faults.is_empty() => Ok(Stack {
            name: head.name,
            environment: head.environment,
            region: head.region,
            cluster_name: head.cluster_name,
            permissions_boundary: head.permissions_boundary,
            role_path: head.role_path,
            kms_key: head.kms_key.map(KmsKey::from),
            account: head.account,
            tags: head.tags,
            description: head.description,
            document,
            sections: checked.sound,
            unsound: checked.unsound,
            faults,
            warnings,
        }),
        _ => {
            faults.append(&mut head_faults);
            Err(StackErrors::new(&document.sources, faults))
        }
    }
}

fn check_head(
    document: &Document,
    sections: &Sections,
    schema: &Json,
    errors: &mut Vec<StackError>,
    warnings: &mut Vec<StackError>,
) -> Option<Header> {
    let mut check = Check::new(document, schema, References::WhereMarked);
    let entries: Vec<Entry> = document
        .root
        .entries()
        .iter()
        .filter(|entry| sections.get(&entry.key).is_none())
        .cloned()
        .collect();
    let head = Node::new(document.root.span, Content::Map(entries));
    let head = check.value(&head, schema, &Path::default(), document.start());
    errors.append(&mut check.errors);
    header::check(document, errors, warnings);
    // The structural faults have just been reported, one by one.
    serde_json::from_value(head).ok()
}

/// The result of the check of the sections.
#[derive(Default)]
struct Checked {
    sound: serde_json::Map<String, Json>,
    unsound: BTreeSet<Path>,
    faults: Vec<StackError>,
}

impl Checked {
    fn check(&mut self, section: &Section, document: &Document, schema: &Json) {
        let Some(entry) = document.root.entry(section.key) else {
            return;
        };
        if entry.value.is_null() {
            // `null` removes a section again; nothing at all is more likely an accident.
            if document.text(entry.value.span).is_empty() {
                let label = format!("`{}` has no value", section.key);
                let help = format!(
                    "write `{0}: {{}}` for the defaults, or `{0}: null`",
                    section.key
                );
                self.faults
                    .push(StackError::new(Fault::EmptySection, entry.key_span, label).help(help));
                self.unsound.insert(section.key.into());
            }
            return;
        }
        let mut check = Check::new(document, schema, References::WhereMarked);
        let section_schema = &schema["properties"][section.key];
        let place = &Path::from(section.key);
        let entries = entry.value.as_map().filter(|_| section.of_entries);
        let Some(entries) = entries else {
            let value = check.value(&entry.value, section_schema, place, entry.key_span);
            if spoils_values(&check.errors) {
                self.unsound.insert(place.clone());
            }
            self.sound.insert(section.key.to_owned(), value);
            self.faults.append(&mut check.errors);
            return;
        };
        // Each entry is checked by itself, so that a fault in one does not hide those of the others.
        let mut sound = serde_json::Map::new();
        for inner in entries {
            let alone = Node::new(entry.value.span, Content::Map(vec![inner.clone()]));
            let value = check.value(&alone, section_schema, place, entry.key_span);
            if spoils_values(&check.errors) {
                self.unsound.insert(place.key(&*inner.key));
                self.unsound.insert(place.clone());
            }
            if let Json::Object(value) = value {
                sound.extend(value);
            }
            self.faults.append(&mut check.errors);
        }
        self.sound
            .insert(section.key.to_owned(), Json::Object(sound));
    }
}

/// True unless the values are all there, with unknown keys beside them.
fn spoils_values(errors: &[StackError]) -> bool {
    errors
        .iter()
        .any(|error| !matches!(error.fault, Fault::UnknownKey | Fault::Unsupported))
}
