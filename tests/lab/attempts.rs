//! R9, for calls that wait: they begin before all others, so that the others fill the minutes in which nothing is answered.

use crate::api_faults::{Case, all_weathered};
use crate::fault::{Fault, Harm};
use crate::job::{DESTROY, UP};
use crate::world::campaign;

/// The program gives a silent connection half a minute.
#[test]
fn a_connection_that_says_nothing_is_given_up() {
    let operations = &[
        "CreateVpc",
        "DescribeLogGroups",
        "CreateRole",
        "CreateBucket",
    ];
    let mut cases: Vec<Case> = Vec::new();
    for acts in [true, false] {
        let harm = Harm::Hung { acts };
        cases.push((&UP, Fault::First { operations, harm }));
        if campaign().is_some() {
            let every = Fault::Every {
                nth: 40,
                harm,
                spares_twins: false,
            };
            cases.extend([&DESTROY, &UP].map(|job| (job, every.clone())));
        }
    }
    all_weathered("calls that never get an answer", None, &cases);
}
