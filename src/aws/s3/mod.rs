//! S3 buckets, each of whose settings is a resource of its own.
