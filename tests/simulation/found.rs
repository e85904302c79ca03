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

/// The token of a resource was answered with the object that it had made once, and that belongs to another resource by now.
#[test]
fn a_token_does_not_take_back_what_was_renamed() {
    alone(ends_well(1_852, Scenario::Crowd(8))).unwrap_or_else(|told| panic!("{told}"));
}

/// A run ended between the creation of a successor and the call that sets what others decide: the next took the file's word.
#[test]
fn what_others_decide_passes_to_a_successor_whatever_happens() {
    alone(ends_well(6_171, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}

/// The same, where the old object was gone by then.
#[test]
fn what_others_decide_outlives_the_object_that_had_it() {
    alone(ends_well(4_609, Scenario::Stale)).unwrap_or_else(|told| panic!("{told}"));
}

/// A run beside others forgot parts of theirs on the record of the parent, and they passed for another party's.
#[test]
fn a_part_that_is_as_wanted_is_ours_though_it_is_not_on_record() {
    alone(ends_well(2_095, Scenario::Crowd(8))).unwrap_or_else(|told| panic!("{told}"));
}

/// An object that a create call met had parts on record that the run had not seen, and that it forgot.
#[test]
fn parts_of_an_object_that_was_not_seen_stay_on_record() {
    alone(ends_well(41_141, Scenario::Crowd(2))).unwrap_or_else(|told| panic!("{told}"));
}

/// A replacement that was asked for twice was to have the name of the successor from the first time, which was in use.
#[test]
fn a_successor_has_a_name_that_none_of_its_predecessors_has() {
    alone(ends_well(64_131, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}

/// A broken child, whose parent was made again under its old name, answered the create call of its successor.
#[test]
fn a_broken_child_goes_before_its_parent_comes_back() {
    alone(ends_well(79_335, Scenario::Faults)).unwrap_or_else(|told| panic!("{told}"));
}

/// A part that was made again had its mark on its parent still, and was no longer on record: it passed for another party's.
#[test]
fn a_part_that_is_made_again_is_on_record_again() {
    alone(ends_well(13_837, Scenario::Data)).unwrap_or_else(|told| panic!("{told}"));
}

/// The same, beside another run.
#[test]
fn a_part_that_is_made_again_beside_another_run_is_on_record_again() {
    alone(ends_well(5_681, Scenario::Crowd(2))).unwrap_or_else(|told| panic!("{told}"));
}

/// A run that only updated what an earlier one had made, and not put on record, took away what proved it, and was killed.
#[test]
fn what_a_killed_run_has_made_is_ours_to_the_run_after_the_next() {
    alone(ends_well(19_975, Scenario::Data)).unwrap_or_else(|told| panic!("{told}"));
}
