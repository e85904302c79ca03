//! The last lines that a failing container logged.

use aws_sdk_ecs::types::{Container, ContainerDefinition, HealthStatus, LogDriver, Service, Task};

use crate::aws::context::Context;
use crate::aws::ecs::{name_of, task_definition};
use crate::resource::ErrorKind;

const LOG_LINES: i32 = 10;

/// Returns the last lines of a task's failing container.
pub(super) async fn log_of(context: &Context, service: &Service, task: &Task) -> Vec<String> {
    let Some(name) = culprit(service, task).and_then(Container::name) else {
        return Vec::new();
    };
    let could_not = |why: String| {
        vec![format!(
            "the log of container `{name}` could not be read: {why}"
        )]
    };
    let arn = task.task_definition_arn().unwrap_or_default();
    let definition = match task_definition::describe(context, arn).await {
        Ok(Some((definition, _))) => definition,
        Ok(None) => return could_not(format!("`{}` is gone", name_of(arn))),
        Err(error) => return could_not(error.to_string()),
    };
    let place = definition
        .container_definitions()
        .iter()
        .find(|container| container.name() == Some(name))
        .ok_or_else(|| "the task definition does not know it".to_owned())
        .and_then(|container| stream(container, task, &context.region));
    let (group, stream) = match place {
        Ok(place) => place,
        Err(why) => return could_not(why),
    };
    let request = context
        .logs
        .get_log_events()
        .log_group_name(&group)
        .log_stream_name(&stream)
        .limit(LOG_LINES)
        .start_from_head(false);
    let answer = context.send(request).await;
    match answer {
        Ok(answer) if answer.events().is_empty() => {
            vec![format!("container `{name}` has logged nothing")]
        }
        Ok(answer) => answer
            .events()
            .iter()
            .filter_map(|event| event.message())
            .map(|message| format!("log of `{name}`: {}", message.trim_end()))
            .collect(),
        // The stream is made with the container's first line.
        Err(error) if error.is(ErrorKind::NotFound) => {
            vec![format!("container `{name}` has logged nothing to {group}")]
        }
        Err(error) => could_not(error.to_string()),
    }
}

/// Returns log group and stream of a container: `<prefix>/<container>/<task id>`.
fn stream(
    container: &ContainerDefinition,
    task: &Task,
    region: &str,
) -> Result<(String, String), String> {
    let log = container
        .log_configuration()
        .ok_or("it has no log configuration")?;
    if *log.log_driver() != LogDriver::Awslogs {
        return Err(format!("it logs to {}", log.log_driver().as_str()));
    }
    let option = |key: &str| log.options().and_then(|options| options.get(key));
    if let Some(other) = option("awslogs-region").filter(|other| *other != region) {
        return Err(format!("it logs to region {other}"));
    }
    let group = option("awslogs-group").ok_or("it has no `awslogs-group`")?;
    let prefix = option("awslogs-stream-prefix").ok_or("it has no `awslogs-stream-prefix`")?;
    let id = name_of(task.task_arn().unwrap_or_default());
    let name = container.name().unwrap_or_default();
    Ok((group.clone(), format!("{prefix}/{name}/{id}")))
}

/// Returns the container to blame: one that failed, or is unhealthy, or takes the traffic, or else the first.
fn culprit<'a>(service: &Service, task: &'a Task) -> Option<&'a Container> {
    let containers = task.containers();
    let takes_traffic = |container: &&Container| {
        service
            .load_balancers()
            .iter()
            .any(|entry| entry.container_name() == container.name())
    };
    containers
        .iter()
        .find(|container| container.exit_code().is_some_and(|code| code != 0))
        .or_else(|| {
            containers.iter().find(|container| {
                container.reason().is_some()
                    || container.health_status() == Some(&HealthStatus::Unhealthy)
            })
        })
        .or_else(|| containers.iter().find(takes_traffic))
        .or(containers.first())
}

/// A task of which one container has failed, for tests.
#[cfg(test)]
pub(super) fn failed_task() -> Task {
    let container = |name: &str, code: i32| Container::builder().name(name).exit_code(code).build();
    Task::builder()
        .task_arn("arn:aws:ecs:r:1:task/shop/abc")
        .stopped_reason("Essential container in task exited")
        .containers(container("sidecar", 0))
        .containers(container("api", 1))
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::LogConfiguration;

    use super::*;

    #[test]
    fn the_container_that_failed_is_to_blame() {
        let service = Service::builder().build();
        assert_eq!(
            culprit(&service, &failed_task()).and_then(Container::name),
            Some("api")
        );
    }

    #[test]
    fn the_stream_is_found_from_the_task_definition() {
        let log = LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .options("awslogs-group", "/aws/ecs/api")
            .options("awslogs-stream-prefix", "ecs")
            .options("awslogs-region", "eu-south-2")
            .build()
            .unwrap();
        let container = ContainerDefinition::builder()
            .name("api")
            .log_configuration(log)
            .build();
        assert_eq!(
            stream(&container, &failed_task(), "eu-south-2"),
            Ok(("/aws/ecs/api".to_owned(), "ecs/api/abc".to_owned()))
        );
        assert!(stream(&container, &failed_task(), "eu-west-1").is_err());
    }
}
