//! The canonical forms of a rule's protocol and ports.

use crate::resource::Value;

/// The one name of each protocol: AWS returns the name if there is one.
pub(super) fn protocol(value: Value) -> Value {
    let Some(text) = value.as_str() else {
        return value;
    };
    let text = text.to_lowercase();
    Value::String(match text.as_str() {
        "1" => "icmp".to_owned(),
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        _ => text,
    })
}

/// The port; -1 is what AWS returns if no port is given.
pub(super) fn port(value: Value) -> Value {
    if value.as_number() == Some(-1.0) {
        return Value::Null;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_have_one_name() {
        for (written, returned) in [("6", "tcp"), ("TCP", "tcp"), ("all", "-1"), ("50", "50")] {
            assert_eq!(protocol(written.into()), Value::from(returned));
        }
    }
}
