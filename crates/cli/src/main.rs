//! Placeholder while the room is furnished.
fn main() {}
