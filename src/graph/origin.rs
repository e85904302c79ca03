//! The origin of a resource, for messages about it.

use crate::resource::Path;

/// The place in the stack file that a resource comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The section or raw entry: `services.api`, `resources.bucket`.
    pub path: Path,
    /// Byte offset and length in the source of the file, where there is one.
    pub span: Option<(usize, usize)>,
    /// The key of a section that sets the name of the resource, or its range: `services.api.logGroup`.
    pub name_key: Option<Path>,
}
