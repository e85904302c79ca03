//! Text that is longer than the screen, in the user's pager.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::Invocation;
use super::environment;
use crate::display::Line;

/// Shows lines: in the pager if they are more than the window has rows, and otherwise below what is there.
pub async fn show(invocation: &mut Invocation, lines: Vec<Line>) {
    let (_, rows) = invocation.terminal.window();
    let pager = environment::pager().filter(|_| invocation.is_interactive() && lines.len() >= rows);
    if let Some(pager) = pager {
        let colour = invocation.terminal.colours();
        let text: Vec<String> = lines.iter().map(|line| line.render(colour)).collect();
        // On a thread of its own, because it takes as long as the user reads. Ctrl-C is the pager's meanwhile.
        let paging = tokio::task::spawn_blocking(move || run(&pager, &text));
        if let Ok(Ok(())) = paging.await {
            return;
        }
    }
    invocation.terminal.print(&lines);
}

/// Runs a pager until the user leaves it. One that ends before it has read everything is no error.
fn run(pager: &str, lines: &[String]) -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    let mut running = command.spawn()?;
    if let Some(mut text) = running.stdin.take() {
        for line in lines {
            if writeln!(text, "{line}").is_err() {
                break;
            }
        }
    }
    let status = running.wait()?;
    // What `sh` says where there is no such program.
    if status.code() == Some(127) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(())
}
