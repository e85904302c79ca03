//! Resources that several tables need.

pub const TWO_VPCS: &str = "\
first: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.0.0.0/16 } }
second: { type: aws:ec2:Vpc, properties: { cidrBlock: 10.1.0.0/16 } }
";

pub const TWO_BUCKETS: &str = "\
first: { type: aws:s3:Bucket }
second: { type: aws:s3:Bucket }
";

pub const TWO_TOPICS: &str = "\
first: { type: aws:sns:Topic }
second: { type: aws:sns:Topic }
";
