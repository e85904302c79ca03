//! End to end: real API calls against a local account, or against any endpoint that `AWS_ENDPOINT_URL` names.
//!
//! One binary, so that no file is forgotten and the account is started once. Every test has a stack of its own, shares
//! nothing with others, and looks at results through the SDK, never through our own code.

mod common;
mod ec2_vpc;
mod stacks;
