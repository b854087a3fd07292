//! What of a piece can be done before its turn comes: all that needs nothing of the pieces before it.

use std::borrow::Cow;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parsers::Ahead;
use timeline::Watch;

use crate::text::text;

/// Where the lines of a piece stand that are whole in it; none where no line ends in it.
///
/// The line that a piece begins in began in the one before, unless the member begins with it, and is left to whoever holds its
/// beginning. So where the bytes are cut does not depend on who has looked at them.
pub(crate) fn whole_lines(bytes: &[u8], begins_member: bool) -> Option<Range<usize>> {
    let end = memchr::memrchr(b'\n', bytes)? + 1;
    let start = if begins_member { 0 } else { memchr::memchr(b'\n', bytes).map_or(end, |it| it + 1) };
    Some(start..end)
}

/// How the pieces of a member are got ready.
pub(crate) struct Preparation {
    /// Whom to ask for the places of interest.
    pub(crate) watch: Arc<dyn Watch>,
}

/// What is known of the whole lines of a piece.
pub(crate) struct Ready {
    /// The text, where some bytes are no UTF-8.
    pub(crate) mended: Option<String>,
    /// What was found in the text.
    pub(crate) ahead: Ahead,
}

impl Preparation {
    /// Looks at the whole lines of a piece that does not begin its member. Where that fails nothing is known, and the reader
    /// meets the same when it comes there.
    pub(crate) fn ready(&self, bytes: &[u8]) -> Option<Ready> {
        let lines = &bytes[whole_lines(bytes, false)?];
        catch_unwind(AssertUnwindSafe(|| self.look(lines))).ok()
    }

    fn look(&self, bytes: &[u8]) -> Ready {
        let text = text(bytes);
        let ahead = Ahead::look(&text, &*self.watch);
        let mended = match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
        Ready { mended, ahead }
    }
}
