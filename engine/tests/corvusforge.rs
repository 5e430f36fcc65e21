//! The shipped procedures of Corvusforge over the real machine, in copies of the example: planned, run, written down.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corvusforge/alerts.rs"]
mod alerts;
#[path = "corvusforge/anchors.rs"]
mod anchors;
#[path = "corvusforge/deployment.rs"]
mod deployment;
#[path = "corvusforge/halfway.rs"]
mod halfway;
#[path = "corvusforge/plugins.rs"]
mod plugins;
#[path = "corvusforge/registry.rs"]
mod registry;
#[path = "corvusforge/respond.rs"]
mod respond;
#[path = "corvusforge/restores.rs"]
mod restores;
#[path = "corvusforge/site.rs"]
mod site;
#[path = "corvusforge/waivers.rs"]
mod waivers;
#[path = "../../examples/corvusforge/writer.rs"]
#[expect(dead_code, reason = "dialects are for other tests")]
mod writer;
