//! Drivers of what procedures act on: foreign ledgers and the stores and levers around them.

pub mod corvusforge;
