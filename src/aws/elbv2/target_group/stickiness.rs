//! The canonical form of stickiness.

use crate::resource::Value;

pub(super) const LB_COOKIE: &str = "lb_cookie";

pub(super) const COOKIE_SECONDS: i32 = 86400;

/// Stickiness that is off is the same as none, however it was configured.
pub(super) fn canonical_stickiness(stickiness: Value) -> Value {
    let off = || Value::object([("enabled", false.into())]);
    match stickiness {
        Value::Null => off(),
        Value::Object(given) => {
            if given.get("enabled").and_then(Value::as_bool) == Some(false) {
                return off();
            }
            let mut full = given;
            crate::aws::elbv2::fill(&mut full, "enabled", true.into());
            crate::aws::elbv2::fill(&mut full, "type", LB_COOKIE.into());
            crate::aws::elbv2::fill(&mut full, "cookieDuration", COOKIE_SECONDS.into());
            Value::Object(full)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stickiness_is_on_when_it_is_mentioned_and_off_in_any_form() {
        let form = |json: serde_json::Value| canonical_stickiness(json.into());
        let off = form(serde_json::json!({"enabled": false, "type": "app_cookie"}));
        assert_eq!(off, canonical_stickiness(Value::Null));
        assert_eq!(
            form(serde_json::json!({"cookieDuration": 60})),
            form(serde_json::json!({"enabled": true, "type": "lb_cookie", "cookieDuration": 60})),
        );
    }
}
