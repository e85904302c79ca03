//! Calls that do not go to AWS's own addresses: reported to the user, or refused.

use crate::aws::Endpoint;
use crate::cli::command_line::CommandLine;
use crate::cli::report::{self, Failure};
use crate::cli::{Exit, Invocation};
use crate::display::{Line, Message, Style};
use crate::stack::redact::hide;

/// Tells the user the addresses. So far only STS was called, and only for our own identity.
pub fn tell(invocation: &mut Invocation, endpoints: &[Endpoint]) {
    // The sandbox has reported its own address.
    if invocation.global.sandbox {
        return;
    }
    let terminal = &mut invocation.terminal;
    let (expected, others): (Vec<&Endpoint>, Vec<&Endpoint>) = endpoints
        .iter()
        .partition(|endpoint| endpoint.is_expected());
    for endpoint in expected {
        let text = format!("The endpoint: {}", described(endpoint));
        terminal.report(&[Line::styled(Style::Faint, text)]);
    }
    if others.is_empty() {
        return;
    }
    let message = Message::warning("calls go to addresses that are not AWS's own");
    let message = others.into_iter().fold(message, |message, endpoint| {
        message.fact("endpoint", described(endpoint))
    });
    let help = "all that is sent there can be read there, secrets too; if that is not meant, unset what names it";
    report::show(&[message.help(help)], terminal);
}

/// The refusal to send secrets as they are.
pub fn refused(endpoint: &Endpoint, retry: CommandLine) -> Failure {
    let message = Message::error("calls would go to another machine over plain http")
        .code("fde::connection::plain_http")
        .fact("endpoint", described(endpoint))
        .fact("now", "nothing was read or changed");
    let named_by = &endpoint.named_by;
    let message = if retry.global.endpoint_url.is_some() {
        message.help(format!("write https there, or unset {named_by}"))
    } else {
        let address = hide(&endpoint.address, &[]);
        message
            .help(format!(
                "write https there, or unset {named_by}; where the network may see every secret of the stack, run"
            ))
            .command(retry.with("--endpoint-url", [address]))
    };
    Failure::new(Exit::Usage, message)
}

/// `https://secrets.example, by AWS_ENDPOINT_URL_SECRETS_MANAGER, for Secrets Manager`.
fn described(endpoint: &Endpoint) -> String {
    let mut text = format!("{}, by {}", hide(&endpoint.address, &[]), endpoint.named_by);
    if !endpoint.services.is_empty() {
        text.push_str(&format!(", for {}", endpoint.services.join(", ")));
    }
    text
}
