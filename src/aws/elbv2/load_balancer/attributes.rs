//! The attributes of a load balancer.

use super::model::Inputs;
use crate::aws::elbv2::attribute::Settings;

pub(super) const DELETION_PROTECTION: &str = "deletion_protection.enabled";

/// The attributes that inputs stand for.
pub(super) fn settings(inputs: &Inputs) -> Settings {
    let mut settings = Settings::from([
        (
            "idle_timeout.timeout_seconds",
            inputs.idle_timeout.to_string(),
        ),
        (
            "client_keep_alive.seconds",
            inputs.client_keep_alive.to_string(),
        ),
        (
            DELETION_PROTECTION,
            inputs.enable_deletion_protection.to_string(),
        ),
        (
            "routing.http.drop_invalid_header_fields.enabled",
            inputs.drop_invalid_header_fields.to_string(),
        ),
        ("routing.http2.enabled", inputs.enable_http2.to_string()),
        (
            "routing.http.desync_mitigation_mode",
            inputs.desync_mitigation_mode.clone(),
        ),
        (
            "routing.http.preserve_host_header.enabled",
            inputs.preserve_host_header.to_string(),
        ),
        (
            "routing.http.xff_header_processing.mode",
            inputs.xff_header_processing_mode.clone(),
        ),
    ]);
    inputs.access_logs.add_to(&mut settings);
    settings
}
