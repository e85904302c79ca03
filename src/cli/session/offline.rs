//! The contents of a stack file: all that is known without AWS.

use std::cell::RefCell;
use std::path::{Path as FilePath, PathBuf};

use super::revision::Revision;
use super::{accepts, stack_file};
use crate::aws;
use crate::cli::Invocation;
use crate::cli::report::{self, Failure};
use crate::component::{self, Notes, SECTIONS};
use crate::display::{Place, Terminal};
use crate::graph::ResourceGraph;
use crate::resource::path::{self, Path};
use crate::resource::tags::short_hash;
use crate::resource::{Catalog, Urn};
use crate::stack::redact::hide;
use crate::stack::{self, Flag, Read, Stack};

/// The contents of a stack file.
pub struct Offline {
    pub stack: Stack,
    pub graph: ResourceGraph,
    pub notes: Notes,
    pub catalog: Catalog,
    /// Hash of the file and its layers, without secrets: with them, the hash could be used to guess passwords.
    pub hash: String,
    /// The paths that the flags set, without the values.
    pub set: Vec<String>,
    file: PathBuf,
}

impl Offline {
    /// Reads the stack's file.
    pub fn load(invocation: &Invocation) -> Result<Self, Failure> {
        let file = stack_file::find(invocation)?;
        let read = |path: &str| stack_file::read(path, &file);
        Self::read(&file, &invocation.stack.flags(), &read)
    }

    /// Reads the stack's file as it was at a revision, with the layers of that time.
    pub fn load_at(invocation: &Invocation, revision: &Revision) -> Result<Self, Failure> {
        let file = stack_file::find(invocation)?;
        let read = |path: &str| revision.read(path);
        Self::read(&file, &invocation.stack.flags(), &read)
    }

    fn read(file: &FilePath, flags: &[Flag], text_of: Read<'_>) -> Result<Self, Failure> {
        let catalog = aws::registry::catalog();
        let texts = RefCell::new(String::new());
        let read = |path: &str| {
            let text = text_of(path)?;
            texts.borrow_mut().push_str(&text);
            Ok(text)
        };
        let stack = stack::load(&file.to_string_lossy(), &read, flags, &SECTIONS)?;
        let (graph, notes) = component::stack_graph(&stack, &catalog)?;
        let shown = hide(&texts.borrow(), &catalog.secret_names());
        let offline = Self {
            stack,
            graph,
            notes,
            catalog,
            hash: short_hash(&shown, 12),
            set: flags.iter().map(path_of).collect(),
            file: file.to_owned(),
        };
        accepts::check(&offline.graph, |urn| offline.place(urn))?;
        Ok(offline)
    }

    /// Warns about inputs that AWS may, or may not, refuse.
    pub fn warn(&self, terminal: &mut Terminal) {
        report::warn(&component::warnings(&self.stack, &self.graph), terminal);
    }

    pub fn file_name(&self) -> String {
        self.file.to_string_lossy().into_owned()
    }

    /// Returns whether a flag carries a value that must not be shown.
    pub fn hides(&self, flag: &str) -> bool {
        hide(flag, &self.catalog.secret_names()) != flag
    }

    /// The place in the stack file that a resource comes from; `None` if it is no longer there.
    pub fn place(&self, urn: &Urn) -> Option<Place> {
        let resource = self.graph.get(urn)?;
        let span = self.stack.document().key_place(&resource.origin.path);
        report::place(span, self.stack.sources())
    }

    /// The key in the stack file that decides about an input of a resource, and its place where it is written.
    pub fn key_of(&self, urn: &Urn, input: &str) -> Option<(Path, Option<Place>)> {
        let origin = &self.graph.get(urn)?.origin;
        let (key, span) = component::key_of(&self.stack, origin, input)?;
        let place = span.and_then(|span| report::place(span, self.stack.sources()));
        Some((key, place))
    }

    /// Sections in the order of the reference architecture.
    pub fn sections() -> Vec<&'static str> {
        SECTIONS.all.iter().map(|section| section.key).collect()
    }
}

/// The path of `path=value`.
pub fn path_of(flag: &Flag) -> String {
    Path::scan(&flag.text, path::is_plain)
        .map(|(path, _)| path.to_string())
        .unwrap_or_default()
}
