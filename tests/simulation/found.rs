//! Stories that once ended badly, each kept by its seed.

use crate::story::{Scenario, tell};

/// The replacement of a child was answered with the child itself, which was then deleted as the old one.
#[tokio::test(start_paused = true)]
async fn a_child_stays_whose_parent_comes_back_under_its_old_name() {
    let told = tell(216, Scenario::Faults, None).await;
    told.unwrap_or_else(|told| panic!("{told}"));
}
