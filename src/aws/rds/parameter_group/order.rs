//! The order in which parameters are sent.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{ApplyMethod, Parameter as SdkParameter};

use super::model::Parameter;

/// The most parameters that one call changes.
pub(super) const BATCH: usize = 20;

/// The parameters that only work together, and go into the first call together.
const DEPENDENT: [&str; 4] = [
    "password_encryption",
    "rds.accepted_password_auth_method",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
];

/// Sorts parameters for the calls: dependent ones first, so that they are in one call; then those that act at once, then
/// those that wait for a reboot.
pub(super) fn in_order(
    parameters: Vec<&Parameter>,
    is_static: &BTreeSet<String>,
) -> Vec<SdkParameter> {
    let mut parameters: Vec<SdkParameter> = parameters
        .into_iter()
        .map(|parameter| {
            let name = parameter.name.to_lowercase();
            let method = match &parameter.apply_method {
                Some(method) => ApplyMethod::from(method.as_str()),
                None if is_static.contains(&name) => ApplyMethod::PendingReboot,
                None => ApplyMethod::Immediate,
            };
            SdkParameter::builder()
                .parameter_name(name)
                .parameter_value(parameter.value.text())
                .apply_method(method)
                .build()
        })
        .collect();
    parameters.sort_by_cached_key(|parameter| {
        let name = parameter.parameter_name().unwrap_or_default().to_owned();
        let waits = parameter.apply_method() != Some(&ApplyMethod::Immediate);
        (!DEPENDENT.contains(&name.as_str()), waits, name)
    });
    parameters
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dependent_parameters_travel_first_and_reboots_come_last() {
        let parameters: Vec<Parameter> = serde_json::from_value(json!([
            {"name": "shared_preload_libraries", "value": "pg_stat_statements"},
            {"name": "log_min_duration_statement", "value": 1000.5},
            {"name": "work_mem", "value": "64", "applyMethod": "pending-reboot"},
            {"name": "rds.accepted_password_auth_method", "value": "scram"},
            {"name": "password_encryption", "value": "scram-sha-256"},
        ]))
        .unwrap();
        let is_static = BTreeSet::from(["shared_preload_libraries".to_owned()]);
        let ordered = in_order(parameters.iter().collect(), &is_static);
        let lines: Vec<String> = ordered
            .iter()
            .map(|parameter| {
                format!(
                    "{}={} {}",
                    parameter.parameter_name().unwrap(),
                    parameter.parameter_value().unwrap(),
                    parameter.apply_method().unwrap().as_str()
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "password_encryption=scram-sha-256 immediate",
                "rds.accepted_password_auth_method=scram immediate",
                "log_min_duration_statement=1000.5 immediate",
                "shared_preload_libraries=pg_stat_statements pending-reboot",
                "work_mem=64 pending-reboot",
            ]
        );
    }
}
