//! AWS's own resource types, as the schemas of the CloudFormation registry describe them.

/// The facts of all types, in the form that `.ci/facts` writes.
pub const BYTES: &[u8] = include_bytes!("types.bin");
