//! The shipped procedures of Corvusforge over the real machine, in copies of the example: planned, run, written down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corvusforge/anchors.rs"]
mod anchors;
#[path = "corvusforge/respond.rs"]
mod respond;
#[path = "corvusforge/site.rs"]
mod site;
#[path = "../../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "artifacts and dialects are for other tests")]
mod writer;
