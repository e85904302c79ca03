//! Combinations that no target group can have.

use super::model::Inputs;
use super::stickiness::LB_COOKIE;
use crate::resource::InvalidInput;

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if !matches!(inputs.protocol.as_str(), "HTTP" | "HTTPS") {
        let reason = format!(
            "`{}` is not supported, only `HTTP` and `HTTPS` are",
            inputs.protocol
        );
        invalid_inputs.push(InvalidInput::new("protocol", reason));
    }
    let kind = inputs.target_type.as_str();
    if !matches!(kind, "instance" | "ip") {
        let reason = format!("`{kind}` is not supported, only `instance` and `ip` are");
        invalid_inputs.push(InvalidInput::new("targetType", reason));
    }
    if !inputs.health_check.enabled {
        let reason = format!("targets of type `{kind}` are always checked");
        invalid_inputs
            .push(InvalidInput::new("healthCheck.enabled", reason).decided_by(["targetType"]));
    }
    let cookie = inputs
        .stickiness
        .as_ref()
        .and_then(|stickiness| stickiness.kind.as_deref());
    if let Some(kind) = cookie.filter(|kind| *kind != LB_COOKIE) {
        let reason = format!("`{kind}` is not supported, only `{LB_COOKIE}` is");
        invalid_inputs.push(InvalidInput::new("stickiness.type", reason));
    }
    if !matches!(inputs.slow_start, 0 | 30..=900) {
        invalid_inputs.push(InvalidInput::new(
            "slowStart",
            "takes 0, or 30 to 900 seconds",
        ));
    }
    if inputs.slow_start != 0 && inputs.load_balancing_algorithm_type != "round_robin" {
        let reason = "goes with the algorithm `round_robin` alone";
        let invalid_input = InvalidInput::new("slowStart", reason);
        invalid_inputs.push(invalid_input.decided_by(["slowStart", "loadBalancingAlgorithmType"]));
    }
    let check = inputs.full_health_check();
    if check.timeout >= check.interval {
        let at = if inputs.health_check.timeout.is_some() {
            "healthCheck.timeout"
        } else {
            "healthCheck.interval"
        };
        let reason = format!(
            "an answer may take {} s, but is asked for every {} s",
            check.timeout, check.interval
        );
        let decide = ["healthCheck.timeout", "healthCheck.interval"];
        invalid_inputs.push(InvalidInput::new(at, reason).decided_by(decide));
    }
    if !check.path.starts_with('/') {
        invalid_inputs.push(InvalidInput::new("healthCheck.path", "must begin with `/`"));
    }
    invalid_inputs
}
