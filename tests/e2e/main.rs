//! End to end: real API calls against a local account, or against any endpoint that `AWS_ENDPOINT_URL` names.
//!
//! One binary, so that no file is forgotten and the account is started once. Every test has a stack of its own, shares
//! nothing with others, and looks at results through the SDK, never through our own code.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands, and says what it saw"
)]

mod account_limits;
mod adoption;
mod answers;
mod autoscaling_policy;
mod autoscaling_target;
mod ci;
mod cloud_control;
mod cloudwatch_dashboard;
mod cloudwatch_metric_alarm;
mod common;
mod completions;
mod controls;
mod copied_tags;
mod credentials;
mod data;
mod database_defaults;
mod destroy;
mod diff;
mod docs;
#[path = "../common/documents.rs"]
#[allow(dead_code, reason = "the test of the documents uses the rest")]
mod documents;
mod drift;
mod earlier;
mod ec2_eip;
mod ec2_flow_log;
mod ec2_internet_gateway;
mod ec2_nat_gateway;
mod ec2_route;
mod ec2_route_table;
mod ec2_route_table_association;
mod ec2_security_group;
mod ec2_security_group_egress_rule;
mod ec2_security_group_ingress_rule;
mod ec2_security_group_rule;
mod ec2_subnet;
mod ec2_vpc;
mod ecr_image_tag;
mod ecr_lifecycle_policy;
mod ecr_repository;
mod ecs_cluster;
mod ecs_service;
mod ecs_task_definition;
mod elbv2_listener;
mod elbv2_listener_rule;
mod elbv2_load_balancer;
mod elbv2_target_group;
mod endpoints;
mod ends;
mod events;
mod exchanges;
mod explain;
mod failures;
mod guards;
mod held;
mod history;
mod hostile;
mod hostile_files;
mod hostile_sandbox;
mod iam_policy;
mod iam_role;
mod iam_role_policy;
mod iam_role_policy_attachment;
mod init;
mod injection;
mod interrupts;
mod keys_and_texts;
mod kms_alias;
mod kms_key;
mod list;
mod lock;
mod logs_log_group;
mod lost_tags;
mod markdown;
mod others;
mod output;
#[path = "../common/page.rs"]
mod page;
mod picture;
mod pipeline_script;
mod preview;
mod preview_all;
#[path = "../common/promise.rs"]
mod promise;
mod prompt;
mod rds_event_subscription;
mod rds_instance;
mod rds_offers;
mod rds_parameter_group;
mod rds_pending;
mod rds_states;
mod rds_subnet_group;
mod read_only;
mod refusals;
mod request_models;
mod retag;
mod rights;
mod s3_bucket;
mod s3_bucket_lifecycle_configuration;
mod s3_bucket_ownership_controls;
mod s3_bucket_policy;
mod s3_bucket_public_access_block;
mod s3_bucket_server_side_encryption_configuration;
mod s3_bucket_versioning;
mod sandbox;
mod sandbox_cloudcontrol;
mod sandbox_types;
mod saved_plan;
mod schema;
mod screens;
mod secrets;
mod secretsmanager_secret;
mod secretsmanager_secret_version;
mod secretsmanager_target_attachment;
mod shown;
mod sns_topic;
mod sns_topic_policy;
mod sns_topic_subscription;
mod stacks;
mod surroundings;
mod unlock;
mod unseen;
mod up;
mod validate;
mod wafv2_web_acl;
mod wafv2_web_acl_association;
mod wafv2_web_acl_logging_configuration;
mod waits;
