//! The alarms of `monitoring:`. Those on the database are in `database_alarms.rs`.
//!
//! A missing metric means different things: a service that reports no CPU runs no task, which other alarms report; a load
//! balancer that reports no errors had none. Neither should ring, so missing data never does.

use super::alarm::{Alarm, Missing, Rings, add};
use super::database_alarms;
use super::thresholds::Thresholds;
use super::urns::KEY;
use crate::component::context::Context;
use crate::component::load_balancer;
use crate::component::platform::Platform;
use crate::component::services::{Service, Services, cluster};
use crate::resource::value::properties;
use crate::resource::{StackId, Urn, Value};

/// Adds the alarms for what the platform has, and returns them.
pub fn expand(context: &mut Context<'_>, platform: &Platform, thresholds: &Thresholds) -> Vec<Urn> {
    let stack = context.id.clone();
    let mut urns = Vec::new();
    if let Some(services) = &platform.services {
        for service in &services.all {
            if let Some(alarm) = service_cpu(&stack, service) {
                urns.push(add(context, service.path("alarms"), &alarm));
            }
        }
    }
    if let Some(database) = &platform.database {
        urns.extend(database_alarms::expand(context, database, thresholds));
    }
    if platform.load_balancer.is_some() {
        let balancer = Value::output(&load_balancer::load_balancer(&stack), "arnSuffix");
        let dimensions = || properties([("LoadBalancer", balancer.clone())]);
        let time = thresholds.response_time_seconds.map(|time| Alarm {
            name: "responseTime".to_owned(),
            description: format!("Answers take longer than {time} s on average"),
            namespace: "AWS/ApplicationELB",
            metrics: vec!["TargetResponseTime"],
            statistic: "Average",
            dimensions: dimensions(),
            rings: Rings::Above,
            threshold: time,
            period: 60,
            readings: 5,
            missing: Missing::NotBreaching,
            came_later: None,
        });
        let errors = thresholds.errors.map(|errors| Alarm {
            name: "errors".to_owned(),
            description: format!("More than {errors} answers in 5 minutes had a 5XX code"),
            namespace: "AWS/ApplicationELB",
            // The answers of a service, and those of the load balancer where no service answers.
            metrics: vec!["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"],
            statistic: "Sum",
            dimensions: dimensions(),
            rings: Rings::Above,
            threshold: f64::from(errors),
            period: 300,
            readings: 1,
            missing: Missing::NotBreaching,
            came_later: None,
        });
        for alarm in [time, errors].into_iter().flatten() {
            urns.push(add(context, KEY, &alarm));
        }
        for service in platform.services.iter().flat_map(Services::exposed) {
            let mut dimensions = dimensions();
            let group = load_balancer::target_group(&stack, &service.key);
            dimensions.insert("TargetGroup".to_owned(), Value::output(&group, "arnSuffix"));
            let alarm = Alarm {
                name: format!("{}UnhealthyTargets", service.camel_case()),
                description: format!("A task of `{}` fails its health check", service.key),
                namespace: "AWS/ApplicationELB",
                metrics: vec!["UnHealthyHostCount"],
                statistic: "Maximum",
                dimensions,
                rings: Rings::Above,
                threshold: 0.0,
                period: 60,
                // With fewer, a deployment would make it ring.
                readings: 3,
                missing: Missing::NotBreaching,
                came_later: None,
            };
            urns.push(add(context, service.path(""), &alarm));
        }
    }
    urns
}

fn service_cpu(stack: &StackId, service: &Service) -> Option<Alarm<'static>> {
    let percent = service.cpu_alarm_percent?;
    Some(Alarm {
        name: format!("{}Cpu", service.camel_case()),
        description: format!("The CPU of `{}` is above {percent} %", service.key),
        namespace: "AWS/ECS",
        metrics: vec!["CPUUtilization"],
        statistic: "Average",
        dimensions: properties([
            ("ClusterName", Value::output(&cluster(stack), "name")),
            (
                "ServiceName",
                Value::output(&service.service_urn(stack), "name"),
            ),
        ]),
        rings: Rings::Above,
        threshold: f64::from(percent),
        period: 300,
        readings: 2,
        missing: Missing::NotBreaching,
        came_later: None,
    })
}
