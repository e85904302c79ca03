//! The inputs and outputs of a tag on the image of a service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::{OutputTable, PropertyTable};

/// The prefix of every such tag, by which a lifecycle policy selects them.
pub const PREFIX: &str = "fde-live-";

/// A tag on the image that a service runs, which keeps it from expiring.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, PropertyTable)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The name of the repository. A change replaces the tag.
    #[property(required, replaces)]
    pub repository: String,
    /// The tag: `fde-live-`, and up to 119 letters, digits and `._-`. A change replaces it.
    #[schemars(example = &"fde-live-api")]
    #[property(required, replaces)]
    pub tag: String,
    /// The ARN of the ECS service whose image has the tag: the first image of its containers that is in the repository.
    #[property(required, write_only)]
    pub service: String,
    /// The ARN of the revision that the service runs: `${api.taskDefinition}` of the service, so that the tag moves with
    /// each revision. Null for none.
    pub task_definition: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, OutputTable)]
#[serde(rename_all = "camelCase")]
pub struct Outputs {
    /// The digest of the image, `sha256:…`.
    pub digest: Option<String>,
}
