//! A connection to an account for a command that works on no stack: no file says which account is right.

use super::connection::not_connected;
use super::{endpoints, sandbox};
use crate::aws::{self, ConnectError, Connection, Context};
use crate::cli::Invocation;
use crate::cli::arguments::exclusive;
use crate::cli::command_line::CommandLine;
use crate::cli::report::Failure;
use crate::display::{Line, Style};

/// An account, seen from one region, and the way to reach it from others.
pub struct Account {
    pub home: Context,
    connection: Connection,
}

impl Account {
    /// Connects to the account of the credentials. Without a region, the one that the AWS SDK takes.
    pub async fn connect(
        invocation: &mut Invocation,
        region: Option<String>,
        retry: CommandLine,
    ) -> Result<Self, Failure> {
        exclusive([
            ("--sandbox", invocation.global.sandbox),
            ("--endpoint-url", invocation.global.endpoint_url.is_some()),
        ])?;
        let mut connection = Connection {
            profile: invocation.global.profile.clone(),
            region,
            endpoint_url: invocation.global.endpoint_url.clone(),
            static_credentials: None,
        };
        if invocation.global.sandbox {
            sandbox::enter(invocation, &mut connection).await?;
        }
        if invocation.can_animate() {
            let text = "Connecting …";
            invocation.terminal.status(Line::styled(Style::Faint, text));
        }
        let connecting = aws::connect(&connection);
        let connecting = invocation.interrupts.guard(connecting).await;
        invocation.terminal.clear_frame();
        let home = connecting?.map_err(|error| {
            let profile = connection.profile.clone();
            not_connected(&error, profile, retry)
        })?;
        endpoints::tell(invocation, &home.endpoints);
        Ok(Self { home, connection })
    }

    /// Connects to the same account in another region.
    ///
    /// # Errors
    /// Those of the connection: the region may not be enabled.
    pub async fn in_region(&self, region: &str) -> Result<Context, ConnectError> {
        let connection = Connection {
            region: Some(region.to_owned()),
            ..self.connection.clone()
        };
        aws::connect(&connection).await
    }
}
