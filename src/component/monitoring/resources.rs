//! The resources of `monitoring:`, and the outputs that others can ask it for.

use std::collections::BTreeMap;

use super::model::Monitoring;
use super::urns::{KEY, topic};
use super::{alarms, dashboard, database_alarms, database_events};
use crate::component::context::Context;
use crate::component::lookup::Export;
use crate::component::platform::Platform;
use crate::component::policy;
use crate::resource::Value;
use crate::resource::value::properties;

impl Monitoring {
    /// The outputs that `${monitoring.…}` can ask for.
    pub fn exports(&self, context: &Context<'_>) -> BTreeMap<String, Export> {
        [
            ("topicArn", Value::output(&topic(&context.id), "arn")),
            ("dashboardName", self.dashboard_name(context)),
            ("dashboardUrl", self.dashboard_url(context)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Export::Value(value)))
        .collect()
    }

    /// The name in the file, or that of the live dashboard.
    fn dashboard_name(&self, context: &Context<'_>) -> Value {
        match self.earlier_dashboard {
            None => self.dashboard.as_str().into(),
            Some(_) => Value::output(&dashboard::urn(&context.id), "dashboardName"),
        }
    }

    fn dashboard_url(&self, context: &Context<'_>) -> Value {
        let region = &context.stack.region;
        let console = if region.starts_with("cn-") {
            "console.amazonaws.cn"
        } else if region.starts_with("us-gov-") {
            "console.amazonaws-us-gov.com"
        } else {
            "console.aws.amazon.com"
        };
        let page = format!(
            "https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/"
        );
        match self.dashboard_name(context) {
            Value::String(name) => (page + &name).into(),
            name => Value::join([page.into(), name]),
        }
    }

    /// Adds the resources of the section.
    pub fn expand(&self, context: &mut Context<'_>, platform: &Platform) {
        let stack = context.id.clone();
        let topic = topic(&stack);
        let inputs = properties([("displayName", format!("{stack} alarms").into())]);
        context.add(KEY, topic.clone(), inputs);
        let topic_arn = Value::output(&topic, "arn");
        let database = platform.database.as_ref();
        let events = database.zip(self.database_events);
        let publishes = |sid: &str, service: &str| {
            Value::object([
                ("Sid", sid.into()),
                ("Effect", "Allow".into()),
                ("Principal", Value::object([("Service", service.into())])),
                ("Action", "sns:Publish".into()),
                ("Resource", topic_arn.clone()),
                ("Condition", policy::from_this_account(&stack)),
            ])
        };
        let mut statements = vec![publishes("Alarms", "cloudwatch.amazonaws.com")];
        if events.is_some() {
            // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.GrantingPermissions.html>
            statements.push(publishes("DatabaseEvents", "events.rds.amazonaws.com"));
        }
        let topic_policy = context.urn("aws:sns:TopicPolicy", "monitoring/topicPolicy");
        let inputs = properties([
            ("arn", topic_arn.clone()),
            ("policy", policy::document(statements)),
        ]);
        let resource = context.add(KEY, topic_policy.clone(), inputs);
        if events.is_some_and(|(_, events)| events.by_default) {
            resource.new_default("policy", None::<Value>, database_events::KEEP);
        }
        for (index, address) in self.emails.iter().enumerate() {
            let name = format!("monitoring/email{}", index + 1);
            let urn = context.urn("aws:sns:TopicSubscription", &name);
            let inputs = properties([
                ("topic", topic_arn.clone()),
                ("protocol", "email".into()),
                ("endpoint", address.as_str().into()),
            ]);
            context.add(KEY, urn, inputs);
        }
        if let Some((database, events)) = events {
            database_events::expand(context, database, &topic_policy, events.by_default);
        }
        let alarms = alarms::expand(context, platform, &self.thresholds);
        let new = database.map_or_else(Vec::new, |database| {
            database_alarms::by_default(database, &self.thresholds)
        });
        let dashboard = dashboard::expand(context, platform, self, &alarms);
        if !new.is_empty() {
            let keys: Vec<String> = new.iter().map(|key| format!("{key}: false")).collect();
            let keep = format!("monitoring.alarms: {{ {} }}", keys.join(", "));
            dashboard.new_default("dashboardBody", None::<Value>, keep);
        }
        let earlier = self.earlier_dashboard.iter();
        let earlier = earlier.map(|name| name.as_str().into());
        dashboard.options.earlier_names.extend(earlier);
        let url = self.dashboard_url(context);
        context.outputs.push(("dashboardUrl".to_owned(), url));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::component::testing::faults_of;

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&faults_of(text));
    }

    #[test]
    fn faults() {
        check("monitoring: {}\n", &expect!["fine"]);
        check(
            "monitoring:\n  dashboard: My Dashboard\n  logRetentionDays: 8\n  alarmEmails: [a@b.com, nobody, a@b.com]\n",
            &expect![[r#"
                2:14 name `My Dashboard`: takes letters, digits, `-` and `_`
                3:21 out_of_range `8`: CloudWatch does not keep logs for 8 days
                    help: the next longer time is 14; 0 keeps them indefinitely
                4:26 value `nobody`: is not an e-mail address
                4:34 duplicate `a@b.com`: is given twice
            "#]],
        );
    }
    #[test]
    fn what_the_stack_does_not_have_is_not_watched() {
        check(
            "monitoring:\n  databaseEvents: true\n  alarms: { databaseCpuPercent: 70, databaseCpuCredits: true, databaseFreeMemoryMiB: false, errors: 5, responseTimeSeconds: false }\n",
            &expect![[r#"
                2:3 missing_section `databaseEvents`: reports on a database
                    help: add `database: {}` for one with the defaults
                3:13 missing_section `databaseCpuPercent`: watches a database
                    help: add `database: {}` for one with the defaults
                3:37 missing_section `databaseCpuCredits`: watches a database
                    help: add `database: {}` for one with the defaults
                3:93 missing_section `errors`: watches a load balancer
                    help: add `loadBalancer: {}` for one with the defaults
            "#]],
        );
        let off = "{ databaseCpuPercent: false, errors: false, databaseReplicaLagSeconds: false }";
        let text = format!("monitoring: {{ databaseEvents: false, alarms: {off} }}\n");
        check(&text, &expect!["fine"]);
    }
}
