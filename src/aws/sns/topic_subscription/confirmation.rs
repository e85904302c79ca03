//! The confirmation of a subscription by its receiver.

use super::endpoint::without_password;
use crate::resource::{Observed, Pending, Properties, Until, Value};

/// The settings that cannot be read, let alone changed, before the subscription is confirmed.
const SETTINGS: [&str; 3] = ["rawMessageDelivery", "filterPolicy", "filterPolicyScope"];

/// The party that confirms a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    ByPerson,
    ByItself,
    None,
}

impl Confirmation {
    pub(super) fn of(protocol: &str) -> Self {
        match protocol {
            "email" | "email-json" | "http" | "https" => Self::ByPerson,
            "sqs" | "lambda" | "firehose" => Self::ByItself,
            _ => Self::None,
        }
    }
}

/// Returns the recipient who has to confirm, if there is one.
pub(super) fn unconfirmed(subscription: &Observed) -> Vec<Pending> {
    let is_pending = subscription.outputs.get("pendingConfirmation");
    if is_pending.and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    let endpoint = subscription.inputs.get("endpoint").cloned();
    // A web endpoint may contain a password.
    let endpoint = endpoint.map(without_password);
    let endpoint = endpoint.as_ref().and_then(Value::as_str);
    vec![Pending {
        what: endpoint.unwrap_or("its endpoint").to_owned(),
        until: Until::Confirmation,
    }]
}

pub(super) fn waits_for_person(inputs: &Properties) -> bool {
    let protocol = inputs.get("protocol").and_then(Value::as_str);
    protocol.is_some_and(|protocol| Confirmation::of(protocol) == Confirmation::ByPerson)
}

/// Keeps the settings of a pending subscription: until it is confirmed, they are the ones wanted when it was made.
pub(super) fn settings_of_pending(desired: &mut Properties, observed: &Properties) {
    if !observed.contains_key("rawMessageDelivery") {
        desired.retain(|name, _| !SETTINGS.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::value::properties;

    #[test]
    fn settings_of_a_pending_subscription_are_not_compared() {
        let wanted = || properties([("topic", "t".into()), ("rawMessageDelivery", true.into())]);
        let mut desired = wanted();
        settings_of_pending(&mut desired, &properties([("topic", "t".into())]));
        assert_eq!(desired, properties([("topic", "t".into())]));
        let mut desired = wanted();
        settings_of_pending(
            &mut desired,
            &properties([("rawMessageDelivery", false.into())]),
        );
        assert_eq!(desired, wanted());
    }
}
