//! Combinations that no load balancer can have.

use super::model::Inputs;
use crate::resource::InvalidInput;

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    let kind = inputs.load_balancer_type.as_str();
    if kind != "application" {
        let reason = format!("`{kind}` is not supported, only `application` is");
        invalid_inputs.push(InvalidInput::new("loadBalancerType", reason));
    }
    if inputs.access_logs.enabled && inputs.access_logs.bucket.is_none() {
        let invalid_input =
            InvalidInput::new("accessLogs", "`bucket` must be given to enable access logs");
        invalid_inputs.push(invalid_input.decided_by([]));
    }
    if inputs.subnets.len() < 2 {
        let reason = "names at least two subnets, in different availability zones";
        // Their number is known, whatever their values are.
        invalid_inputs.push(InvalidInput::new("subnets", reason).decided_by([]));
    }
    if inputs.internal && inputs.ip_address_type == "dualstack-without-public-ipv4" {
        let reason = "goes with a load balancer that faces the internet alone";
        let invalid_input = InvalidInput::new("ipAddressType", reason);
        invalid_inputs.push(invalid_input.decided_by(["ipAddressType", "internal"]));
    }
    invalid_inputs
}
