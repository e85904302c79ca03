//! Stories that once ended badly, each kept by its seed.

use crate::seeds::alone;
use crate::story::{Scenario, ends_well};

/// The replacement of a child was answered with the child itself, which was then deleted as the old one.
#[test]
fn a_child_stays_whose_parent_comes_back_under_its_old_name() {
    alone(ends_well(216, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}

/// Six answers in a row that did not arrive were the end of a run, in which everything else went well.
#[test]
fn a_call_is_made_until_chance_is_ruled_out() {
    alone(ends_well(13_620, Scenario::Data)).unwrap_or_else(|told| panic!("{told}"));
}

/// Throttles were counted with the answers that did not arrive.
#[test]
fn throttles_use_up_nobodys_attempts() {
    alone(ends_well(27_582, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}

/// Three creates in a row that never reached the account, each looked for through the whole window.
#[test]
fn a_create_is_made_until_chance_is_ruled_out() {
    alone(ends_well(92_972, Scenario::Data)).unwrap_or_else(|told| panic!("{told}"));
}

/// The token of a resource was answered with the object that it had made once, and that another resource is by now.
#[test]
fn a_token_does_not_take_back_what_was_renamed() {
    alone(ends_well(1_852, Scenario::Crowd(8))).unwrap_or_else(|told| panic!("{told}"));
}
