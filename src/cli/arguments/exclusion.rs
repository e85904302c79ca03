//! Flags that exclude each other.

use crate::cli::Exit;
use crate::cli::report::Failure;
use crate::display::Message;

/// Refuses two flags that say different things.
///
/// Not left to clap, for which a variable that switches a flag off makes it present.
pub fn exclusive(flags: [(&str, bool); 2]) -> Result<(), Failure> {
    let [(left, true), (right, true)] = flags else {
        return Ok(());
    };
    let message = Message::error(format!("{left} and {right} cannot be used together"))
        .help("drop one of them, or the variable that sets it");
    Err(Failure::new(Exit::Usage, message))
}
