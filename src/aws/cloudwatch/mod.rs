//! CloudWatch alarms and dashboards.
