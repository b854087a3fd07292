//! Placeholder while the room is furnished.

#[allow(dead_code, unused_imports, reason = "the reading pipeline that uses it is being built")]
mod archive;

pub use archive::{Error, Input, Limits};
