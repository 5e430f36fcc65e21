//! Data: read from files of the common formats, counted, or just said.
//!
//! Nothing is fetched, nothing is evaluated.

pub mod count;
pub mod format;
pub mod read;
pub mod value;

#[cfg(test)]
mod tests;
