//! Images that a task definition of the plan names and that the stack's own repository does not have. Without this, a
//! deployment would try for minutes to start tasks that cannot start.

use super::stopped::Stopped;
use crate::display::Message;
use crate::plan::{Action, Plan, Step};
use crate::resource::nearest::nearest;
use crate::resource::{Observed, Value};

/// The most tags that are named.
const MOST: usize = 5;

/// An image that is not there.
#[derive(Debug, PartialEq)]
struct Missing<'a> {
    step: &'a Step,
    image: &'a str,
    /// The tag, or the digest.
    reference: &'a str,
    /// The tags and digests that are there.
    there: Vec<&'a str>,
}

pub(super) fn images(stopped: &Stopped<'_>) -> Vec<Message> {
    let (invocation, session) = (stopped.invocation, stopped.session);
    let missing = of(stopped.plan).into_iter().map(|missing| {
        let tags: Vec<&str> = missing
            .there
            .iter()
            .copied()
            .filter(|name| !name.starts_with("sha256:"))
            .collect();
        let urn = &missing.step.urn;
        let mut message = Message::error("the repository does not have the image")
            .code("fde::image::missing")
            .at(session.offline.place(urn))
            .fact("wanted by", format!("{} `{}`", urn.token(), urn.name()))
            .fact("image", missing.image);
        if !tags.is_empty() {
            let more = tags.len().saturating_sub(MOST);
            let mut named = tags[..tags.len() - more].join(", ");
            if more > 0 {
                named.push_str(&format!(" and {more} more"));
            }
            message = message.fact("tags there", named);
        }
        let message = message.fact("now", "nothing was changed");
        let again = invocation.retry_command().to_string();
        let message = match nearest(missing.reference, tags.iter().copied()) {
            Some(tag) => message.help(format!(
                "did you mean `{tag}`? Otherwise push the image, and run"
            )),
            None => message.help("push the image, or write one that is there, and run"),
        };
        message.command(again)
    });
    missing.collect()
}

/// The images of new task definitions that are not in the repositories of the stack, as far as it is known what is in these.
fn of(plan: &Plan) -> Vec<Missing<'_>> {
    let kept = plan.kept.iter().map(|kept| &kept.observed);
    let updated = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Update { observed, .. } => Some(observed),
        _ => None,
    });
    let objects = kept.chain(updated);
    let repositories: Vec<(&str, Vec<&str>)> = objects
        .filter(|object| object.token == "aws:ecr:Repository")
        .filter_map(contents)
        .collect();
    let mut missing = Vec::new();
    for step in &plan.steps {
        let (Action::Create { comparison, .. } | Action::CreateReplacement { comparison, .. }) =
            &step.action
        else {
            continue;
        };
        if step.urn.token() != "aws:ecs:TaskDefinition" {
            continue;
        }
        let containers = comparison.inputs.get("containerDefinitions");
        let containers = containers.and_then(Value::as_list).into_iter().flatten();
        let images =
            containers.filter_map(|container| container.as_object()?.get("image")?.as_str());
        for image in images {
            for (url, there) in &repositories {
                let rest = image.strip_prefix(url);
                let reference = rest.and_then(|rest| rest.strip_prefix([':', '@']));
                // A service waits at zero tasks for the first image of all.
                if let Some(reference) = reference
                    && !there.is_empty()
                    && !there.contains(&reference)
                {
                    missing.push(Missing {
                        step,
                        image,
                        reference,
                        there: there.clone(),
                    });
                }
            }
        }
    }
    missing
}

/// The address of a repository, and all tags and digests in it; `None` if it has too many to know them.
fn contents(repository: &Observed) -> Option<(&str, Vec<&str>)> {
    let url = repository.outputs.get("repositoryUrl")?.as_str()?;
    let images = repository.outputs.get("images")?.as_list()?;
    Some((url, images.iter().filter_map(Value::as_str).collect()))
}
