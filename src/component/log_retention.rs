//! The days for which CloudWatch keeps logs, unless a section says otherwise of its own.

use crate::component::context::Context;
use crate::stack::{Environment, Fault};

/// The key of the file that sets them.
const KEY: &str = "monitoring.logRetentionDays";

/// The days that CloudWatch takes.
const RETENTION_DAYS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The days for which logs are kept by default.
pub fn by_default(environment: Environment) -> u32 {
    environment.choose(7, 14, 365)
}

/// The days in the first versions, where the file names none.
pub fn earlier_default(context: &Context<'_>) -> Option<u32> {
    (!context.has(KEY)).then(|| context.environment().choose(7, 14, 30))
}

/// The line that sets them.
pub fn setting(days: u32) -> String {
    format!("{KEY}: {days}")
}

/// Refuses a number of days for which CloudWatch cannot keep logs.
pub fn check(context: &mut Context<'_>, days: u32, place: &'static str) {
    if days == 0 || RETENTION_DAYS.contains(&days) {
        return;
    }
    let nearest = RETENTION_DAYS.iter().find(|allowed| **allowed > days);
    let nearest = nearest
        .or(RETENTION_DAYS.last())
        .copied()
        .unwrap_or_default();
    let label = format!("CloudWatch does not keep logs for {days} days");
    let help = format!("the next longer time is {nearest}; 0 keeps them indefinitely");
    context.refuse_with_help(Fault::OutOfRange, place, label, help);
}
