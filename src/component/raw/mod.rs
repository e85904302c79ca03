//! `resources:`: resources that no section covers, in Pulumi YAML's own form.
//!
//! ```yaml
//! resources:
//!   uploads:
//!     type: aws:s3:Bucket
//!     properties: { bucket: "shop-uploads-${aws.accountId}" }
//!     options: { protect: true }
//! ```
//!
//! The key is the logical name. Type tokens and property names are Pulumi's, so its registry's documentation holds; the
//! long form of a token, `aws:s3/bucket:Bucket`, is taken too. Types that are not written by hand go through Cloud Control,
//! under Pulumi's names (`aws-native:sqs:Queue`) or CloudFormation's (`AWS::SQS::Queue`), with the keys of either.

mod by_hand;
mod declared;
mod inputs;
mod resources;
mod spec;
mod written;

pub use declared::{declared, has_listener};
pub use inputs::schema as inputs_schema;
pub use resources::expand;
pub use spec::schema;
