//! Every other type of AWS, through the Cloud Control API: one resource type for all of them, made from [`crate::facts`].
//!
//! - **Tokens** are `aws-native:sqs:Queue`, properties are camelCase. What travels is CloudFormation's spelling, and the
//!   shape of the type turns one into the other ([`crate::facts::Shape::respelled`]).
//! - **Requests** are asynchronous. A create call has a client token that is the same for the same resource with the same
//!   inputs, so that a run that was killed meets its own request again ([`create`]); an answer that is older than the call
//!   is not believed, but looked at.
//! - **Identity** is the type's own identifier: made of inputs, or known from the tag index and from recent requests
//!   ([`read`]). Only types with tags are managed.
//! - **Differences** are those of declared values ([`compare`]).
//!
//! Facts of the API: <https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations.html>.

mod compare;
mod create;
mod data;
mod equal;
mod identifier;
mod model;
mod patch;
mod read;
mod request;
mod resource;
mod rules;
mod schema;

use fde_infra_derive::operations;

pub use resource::ThroughCloudControl;
pub use schema::schema;

operations! {
    aws_sdk_cloudcontrol, "cloudformation":
    CreateResource,
    DeleteResource,
    GetResource,
    GetResourceRequestStatus,
    ListResourceRequests,
    ListResources,
    UpdateResource,
}
