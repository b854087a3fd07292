//! Opening bundles: what is in them, whose it is, and how it is read.
//!
//! [`read()`] walks the inputs, recognises the format of each member by its content, has it parsed (in parallel), and says
//! which node it belongs to. What is not read is in the ledger with its reason.
//!
//! **Invariant:** nothing is written to disk and no link is followed.
//! **Invariant:** the outcome does not depend on the number of threads.
//! **Invariant:** once a bundle is open nothing fails: what cannot be read becomes a line of the ledger.

mod archive;
mod attribute;
mod blocks;
mod buffers;
mod complete;
mod layout;
mod member;
mod read;
mod ready;
mod recognise;
mod relay;
mod text;
mod thin;

pub use archive::{Error, Input, Limits};
pub use layout::Layout;
pub use read::{Bundle, Case, Options, read};
