//! Big bundles from a fixed seed, and how long coroner takes for them beside the tools people know.

mod copies;
mod dice;
mod generate;
mod measure;
mod pack;
mod run;
mod time;
mod words;

pub use copies::copies;
pub use dice::Dice;
pub use generate::{Expected, bundle};
pub use pack::{Packing, pack};
pub use run::{Run, run};
