//! The guards of account and region, and the reports where no connection comes about.

use super::{Offline, endpoints};
use crate::aws::{self, BundleError, ConnectError};
use crate::cli::arguments::GlobalArguments;
use crate::cli::command_line::CommandLine;
use crate::cli::report::Failure;
use crate::cli::{Exit, environment};
use crate::display::Message;
use crate::resource::{ErrorKind, ProviderError};
use crate::stack::redact::hide;

/// Refuses a flag that names another region than the stack file: something is mixed up then.
pub(super) fn guard_region(offline: &Offline, global: &GlobalArguments) -> Result<(), Failure> {
    let wanted = &offline.stack.region;
    let Some(other) = global.region.as_ref().filter(|region| *region != wanted) else {
        return Ok(());
    };
    let message = Message::error("this is not the stack's region")
        .code("fde::guard::region")
        .fact("stack", format!("{} is in {wanted}", offline.graph.stack))
        .fact("asked for", format!("{other}, by --region"))
        .fact("now", "nothing was read or changed")
        .help(format!(
            "drop --region, or correct `region` in {}",
            offline.file_name()
        ));
    Err(Failure::new(Exit::Refused, message))
}

/// The note about a variable that names another region than the stack file. It is meant for other tools, so it does not
/// count, but who has set it should know.
pub(super) fn other_region(offline: &Offline) -> Option<String> {
    let wanted = &offline.stack.region;
    let other = environment::aws_region().filter(|region| region != wanted)?;
    let file = offline.file_name();
    Some(format!(
        "AWS_REGION is {other}; the stack is in {wanted}, as {file} says"
    ))
}

/// Refuses credentials of another account than the stack file names.
pub(super) fn guard_account(offline: &Offline, account: &str, caller: &str) -> Result<(), Failure> {
    let Some(wanted) = &offline.stack.account else {
        return Ok(());
    };
    if wanted == account {
        return Ok(());
    }
    let message = Message::error("this is not the stack's account")
        .code("fde::guard::account")
        .fact("stack", format!("{} is in {wanted}", offline.graph.stack))
        .fact("credentials", format!("{account} ({caller})"))
        .fact("now", "nothing was read or changed")
        .help(format!(
            "use credentials of {wanted} (`--profile`), or correct `account` in {}",
            offline.file_name()
        ));
    Err(Failure::new(Exit::Refused, message))
}

pub(super) fn not_connected(
    error: &ConnectError,
    profile: Option<String>,
    retry: CommandLine,
) -> Failure {
    let now = |message: Message| message.fact("now", "nothing was read or changed");
    let (endpoint, source) = match error {
        ConnectError::Identity { endpoint, source } => (endpoint, source),
        ConnectError::RegionDisabled { source } => {
            let message = Message::error(error.to_string())
                .code("fde::region::disabled")
                .answer(source);
            return Failure::new(Exit::Credentials, helped(now(message), source, retry));
        }
        ConnectError::PlainHttp(endpoint) => return endpoints::refused(endpoint, retry),
        ConnectError::Certificates(bundle) => return no_certificates(bundle, retry),
        ConnectError::NoRegion | ConnectError::Client(_) => {
            return Failure::new(Exit::Usage, Message::error(error.to_string()));
        }
    };
    match (source.kind, source.status) {
        (ErrorKind::Credentials, None) => {
            let mut message = Message::error("no AWS credentials could be loaded")
                .code("fde::credentials::missing");
            let profile = profile.or_else(environment::aws_profile);
            if let Some(profile) = &profile {
                message = message.fact("profile", profile.as_str());
            }
            let answer = match source.code.as_str() {
                "" => source.message.clone(),
                code => format!("{code}: {}", source.message),
            };
            let message = now(message.fact("answer", answer));
            // Credentials that the AWS CLI hands on come by the environment, and a flag would override them.
            let handed_on = source.remedy.as_ref().is_some_and(|remedy| {
                let mut commands = remedy.commands.iter();
                commands.any(|command| command.starts_with("eval "))
            });
            let in_sandbox = retry.clone().in_sandbox();
            let retry = if handed_on {
                retry.without_profile()
            } else {
                retry
            };
            let message = match &source.remedy {
                Some(remedy) => message.remedy(remedy, &retry.to_string()),
                None => message
                    .help("configure them (`aws configure sso`, `--profile`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then run")
                    .command(retry),
            };
            let message = message
                .help("or try it without an AWS account")
                .command(in_sandbox);
            Failure::new(Exit::Credentials, message)
        }
        (ErrorKind::Credentials, Some(_)) if aws::is_about_time(source) => {
            let message = Message::error(error.to_string()).answer(source);
            Failure::new(Exit::Credentials, helped(now(message), source, retry))
        }
        (ErrorKind::Credentials, Some(_)) => {
            let message = Message::error("AWS does not accept the credentials")
                .code("fde::credentials::rejected")
                .answer(source);
            Failure::new(Exit::Credentials, helped(now(message), source, retry))
        }
        (_, None) => {
            let mut message = Message::error("could not reach AWS").answer(source);
            if let Some(endpoint) = endpoint {
                message = message.fact("endpoint", hide(endpoint, &[]));
            }
            let message = now(message);
            let message = match &source.remedy {
                Some(remedy) => message.remedy(remedy, &retry.to_string()),
                None => message
                    .help("check the network, the proxy or the endpoint, then run")
                    .command(retry),
            };
            Failure::new(Exit::Error, message)
        }
        (_, Some(_)) => {
            let message = now(Message::error(error.to_string()).answer(source));
            Failure::new(Exit::Error, message.help("run it again").command(retry))
        }
    }
}

/// Adds the remedy to a message, where it is known.
fn helped(message: Message, source: &ProviderError, retry: CommandLine) -> Message {
    match &source.remedy {
        Some(remedy) => message.remedy(remedy, &retry.to_string()),
        None => message
            .help("renew the credentials, or use others (`--profile`), then run")
            .command(retry),
    }
}

/// The refusal of a certificate bundle that cannot be used: going on without it would trust others than are meant.
fn no_certificates(bundle: &BundleError, retry: CommandLine) -> Failure {
    let answer = match &bundle.source {
        Some(error) => error.to_string(),
        None => "it holds no certificate in PEM form".to_owned(),
    };
    let message = Message::error("the certificates that are to be trusted cannot be read")
        .code("fde::connection::certificates")
        .fact("file", bundle.path.display().to_string())
        .fact("named by", bundle.named_by.as_str())
        .fact("answer", answer)
        .fact("now", "nothing was read or changed")
        .help(format!("correct {}, then run", bundle.named_by))
        .command(retry);
    Failure::new(Exit::Usage, message)
}
