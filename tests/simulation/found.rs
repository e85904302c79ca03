//! Stories that once ended badly, each kept by its seed.

use crate::seeds::alone;
use crate::story::{Scenario, ends_well};

/// The replacement of a child was answered with the child itself, which was then deleted as the old one.
#[test]
fn a_child_stays_whose_parent_comes_back_under_its_old_name() {
    alone(ends_well(216, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}
