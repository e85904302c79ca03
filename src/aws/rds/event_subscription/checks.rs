//! Combinations that RDS does not accept in an event subscription.

use super::model::Inputs;
use crate::resource::InvalidInput;

/// The kinds of sources for which RDS has events:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateEventSubscription.html>
const SOURCE_TYPES: [&str; 10] = [
    "blue-green-deployment",
    "custom-engine-version",
    "db-cluster",
    "db-cluster-snapshot",
    "db-instance",
    "db-parameter-group",
    "db-proxy",
    "db-security-group",
    "db-snapshot",
    "zero-etl",
];

pub(super) fn fit(inputs: &Inputs) -> Vec<InvalidInput> {
    let mut invalid_inputs = Vec::new();
    if inputs.sns_topic.rsplit('.').next() == Some("fifo") {
        invalid_inputs.push(InvalidInput::new(
            "snsTopic",
            "is a FIFO topic, which RDS does not take",
        ));
    }
    match inputs.source_type.as_deref() {
        None => {
            for (property, list) in [
                ("sourceIds", &inputs.source_ids),
                ("eventCategories", &inputs.event_categories),
            ] {
                if list.as_ref().is_some_and(|list| !list.is_empty()) {
                    let invalid_input = InvalidInput::new(property, "goes with `sourceType`");
                    invalid_inputs.push(invalid_input.decided_by([]));
                }
            }
        }
        Some(kind) if !SOURCE_TYPES.contains(&kind) => {
            let kinds = SOURCE_TYPES.map(|kind| format!("`{kind}`")).join(", ");
            invalid_inputs.push(InvalidInput::new(
                "sourceType",
                format!("is one of {kinds}"),
            ));
        }
        Some(_) => {}
    }
    invalid_inputs
}

#[cfg(test)]
mod tests {
    use crate::aws::rds::event_subscription::EventSubscription;
    use crate::aws::resource_type::ResourceType;
    use crate::resource::Value;
    use crate::resource::diff::compare;
    use crate::resource::value::properties;

    fn invalid_inputs(given: &[(&str, Value)]) -> Vec<String> {
        let schema = EventSubscription.schema();
        let mut inputs = properties([("name", "a".into()), ("snsTopic", "arn".into())]);
        inputs.extend(
            given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let invalid_inputs = schema.invalid_inputs(&schema.with_defaults(inputs));
        invalid_inputs
            .into_iter()
            .map(|invalid_input| invalid_input.at)
            .collect()
    }

    #[test]
    fn sources_and_categories_go_with_a_type() {
        let nothing = [""; 0];
        assert_eq!(invalid_inputs(&[]), nothing);
        let ids = ("sourceIds", vec!["shop"].into());
        let categories = ("eventCategories", vec!["failure"].into());
        let both = [ids.clone(), categories.clone()];
        assert_eq!(invalid_inputs(&both), ["sourceIds", "eventCategories"]);
        let kind = |kind: &str| ("sourceType", Value::from(kind));
        assert_eq!(
            invalid_inputs(&[kind("db-instance"), ids, categories]),
            nothing
        );
        assert_eq!(invalid_inputs(&[kind("instance")]), ["sourceType"]);
        assert_eq!(
            invalid_inputs(&[("snsTopic", "a.fifo".into())]),
            ["snsTopic"]
        );
    }

    /// RDS returns empty lists for unset properties, and values in lower case and in an order of its own.
    #[test]
    fn what_rds_fills_in_is_no_difference() {
        let schema = EventSubscription.schema();
        let all = properties([("name", "a".into()), ("snsTopic", "t".into())]);
        let empty: Value = Vec::<&str>::new().into();
        let mut observed = all.clone();
        observed.extend(properties([
            ("sourceIds", empty.clone()),
            ("eventCategories", empty),
            ("enabled", true.into()),
        ]));
        let wanted = schema.with_defaults(all.clone());
        assert_eq!(compare(&schema, &wanted, &observed).changes, []);
        let mut wanted = all.clone();
        wanted.extend(properties([
            ("sourceType", "db-instance".into()),
            ("sourceIds", vec!["Shop", "copy"].into()),
            ("eventCategories", vec!["low storage", "failure"].into()),
        ]));
        let mut observed = all;
        observed.extend(properties([
            ("sourceType", "db-instance".into()),
            ("sourceIds", vec!["copy", "shop"].into()),
            ("eventCategories", vec!["failure", "low storage"].into()),
            ("enabled", true.into()),
        ]));
        let wanted = schema.with_defaults(wanted);
        assert_eq!(compare(&schema, &wanted, &observed).changes, []);
    }
}
