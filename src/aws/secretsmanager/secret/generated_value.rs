//! The value that is generated for a secret.

use super::model::{GenerateSecretString, Inputs};
use crate::aws::context::Context;
use crate::aws::error::{AwsResult, expected};
use crate::aws::policy::to_text;
use crate::resource::InvalidInput;

/// Generates a new value. It goes into the call that makes or fills the secret, and nowhere else.
pub(super) async fn generate(context: &Context, rules: &GenerateSecretString) -> AwsResult<String> {
    let request = context
        .secrets
        .get_random_password()
        .set_password_length(rules.password_length)
        .set_exclude_characters(rules.exclude_characters.clone())
        .set_exclude_punctuation(rules.exclude_punctuation)
        .set_require_each_included_type(rules.require_each_included_type);
    let answer = context.send(request).await?;
    let password = expected(
        "secretsmanager:GetRandomPassword",
        answer.random_password,
        "a password",
    )?;
    Ok(compose(rules, password))
}

type Fields = serde_json::Map<String, serde_json::Value>;

fn fields_of(template: &serde_json::Value) -> Option<Fields> {
    serde_json::from_str(&to_text(template)).ok()
}

/// Puts the password in its place in the template.
fn compose(rules: &GenerateSecretString, password: String) -> String {
    let template = rules.secret_string_template.as_ref().and_then(fields_of);
    let (Some(mut fields), Some(key)) = (template, &rules.generate_string_key) else {
        return password;
    };
    fields.insert(key.clone(), password.into());
    serde_json::Value::from(fields).to_string()
}

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    const PROPERTY: &str = "generateSecretString";
    if !(7..=30).contains(&inputs.recovery_window_in_days) {
        return vec![InvalidInput::new("recoveryWindowInDays", "takes 7 to 30")];
    }
    let Some(rules) = &inputs.generate_secret_string else {
        return Vec::new();
    };
    match (&rules.secret_string_template, &rules.generate_string_key) {
        (Some(template), Some(_)) if fields_of(template).is_none() => {
            let at = format!("{PROPERTY}.secretStringTemplate");
            vec![InvalidInput::new(at, "is not a JSON object")]
        }
        (Some(_), Some(_)) | (None, None) => Vec::new(),
        _ => {
            let reason = "`secretStringTemplate` and `generateStringKey` need each other";
            vec![InvalidInput::new(PROPERTY, reason).decided_by([])]
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn composed(rules: serde_json::Value) -> Result<String, InvalidInput> {
        let inputs = json!({"name": "n", "recoveryWindowInDays": 7, "generateSecretString": rules});
        let inputs: Inputs = serde_json::from_value(inputs).unwrap();
        if let Some(invalid_input) = fit(&inputs).pop() {
            return Err(invalid_input);
        }
        let rules = inputs.generate_secret_string.unwrap();
        Ok(compose(&rules, "pa\"ss".to_owned()))
    }

    #[test]
    fn a_password_goes_where_the_template_wants_it() {
        assert_eq!(composed(json!({})).unwrap(), "pa\"ss");
        for template in [json!({"username": "app"}), json!("{\"username\": \"app\"}")] {
            let rules = json!({"secretStringTemplate": template, "generateStringKey": "password"});
            assert_eq!(
                composed(rules).unwrap(),
                r#"{"password":"pa\"ss","username":"app"}"#
            );
        }
        assert!(composed(json!({"generateStringKey": "password"})).is_err());
        let list = json!({"secretStringTemplate": [], "generateStringKey": "password"});
        assert!(composed(list).is_err());
    }
}
