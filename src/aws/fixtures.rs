//! Parts of tests that several types share.

use crate::resource::InvalidInput;

/// The places of invalid inputs, in their order.
pub(super) fn places(invalid_inputs: Vec<InvalidInput>) -> Vec<String> {
    let invalid_inputs = invalid_inputs.into_iter();
    invalid_inputs
        .map(|invalid_input| invalid_input.at)
        .collect()
}
