//! The shared vocabulary of the engine: resources, values, schemas and providers.
//!
//! Pure data and pure functions: no AWS, no clock, no files. Start with [`Urn`] (the identity of a resource), [`Value`]
//! (what its properties hold), [`Schema`] (what a type promises about its properties) and [`Provider`] (what the engine asks
//! of the outside world).

pub mod arn;
pub mod catalog;
pub mod database;
pub mod desired;
pub mod diff;
mod earlier;
pub mod expiry;
pub mod fargate;
pub mod interruption;
mod invalid_input;
mod kept;
mod last_run;
pub mod masking;
pub mod names;
pub mod nearest;
mod new_default;
pub mod offer;
pub mod path;
pub mod pending;
pub mod proof;
pub mod property;
pub mod provider;
pub mod rule;
pub mod schema;
pub mod session;
pub mod shell;
pub mod snapshot;
pub mod tags;
pub mod text_rule;
pub mod urn;
pub mod usual;
pub mod value;
mod written;

pub use catalog::Catalog;
pub use desired::Desired;
pub use diff::{Change, ChangeKind, Diff};
pub use earlier::Earlier;
pub use expiry::Expiry;
pub use fde_infra_derive::{OutputTable, PropertyTable};
pub use interruption::Interruption;
pub use invalid_input::InvalidInput;
pub use last_run::LastRun;
pub use masking::Masking;
pub use new_default::NewDefault;
pub use path::Path;
pub use pending::{Pending, Until};
pub use proof::{Made, Proof};
pub use provider::{ErrorKind, Provider, ProviderError};
pub use schema::{CreateClass, OutputTable, Property, PropertyTable, Schema};
pub use session::ReadSession;
pub use snapshot::{Addition, Condition, LiveSnapshot, Observed, Sighted};
pub use tags::Tags;
pub use text_rule::TextRule;
pub use urn::{StackId, Urn};
pub use value::{OutputReference, Properties, Value};
