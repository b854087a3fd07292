//! Whether what was collected is all there is: what only the other files of a bundle tell.

mod commands;
mod failures;
mod lists;

use crate::layout::Layouts;
use crate::member::Done;

/// Takes back and adds what makes the members of a bundle incomplete.
pub(crate) fn settle(done: &mut [Done], layouts: &Layouts) {
    lists::lists(done, layouts);
    failures::failures(done, layouts);
}
