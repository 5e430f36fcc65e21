//! The binary: is everything wired, and does it say exactly what it should?
//!
//! Every test goes through one builder, [`bench::Bench`], and compares whole outputs in which only ids, times and
//! digests are replaced.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cli/bench.rs"]
mod bench;

#[path = "cli/anchors.rs"]
mod anchors;
#[path = "cli/approvals.rs"]
mod approvals;
#[path = "cli/arguments.rs"]
mod arguments;
#[path = "cli/authoring.rs"]
mod authoring;
#[path = "cli/bundles.rs"]
mod bundles;
#[path = "cli/checking.rs"]
mod checking;
#[path = "cli/cookbook.rs"]
mod cookbook;
#[path = "cli/corvus.rs"]
mod corvus;
#[path = "cli/documents.rs"]
mod documents;
#[path = "cli/environments.rs"]
mod environments;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/gate_formats.rs"]
mod gate_formats;
#[path = "cli/gate_waivers.rs"]
mod gate_waivers;
#[path = "cli/gates.rs"]
mod gates;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/importing.rs"]
mod importing;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/ledgers.rs"]
mod ledgers;
#[path = "cli/lines.rs"]
mod lines;
#[path = "cli/locks.rs"]
mod locks;
#[path = "cli/people.rs"]
mod people;
#[path = "cli/planning.rs"]
mod planning;
#[path = "cli/processes.rs"]
mod processes;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/report_pages.rs"]
mod report_pages;
#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/resuming.rs"]
mod resuming;
#[path = "cli/running.rs"]
mod running;
#[path = "cli/secret_outputs.rs"]
mod secret_outputs;
#[path = "cli/serving.rs"]
mod serving;
#[path = "cli/shipped.rs"]
mod shipped;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/starting.rs"]
mod starting;
#[path = "cli/terminals.rs"]
mod terminals;
#[path = "cli/testing.rs"]
mod testing;
#[path = "cli/tutorial.rs"]
mod tutorial;
#[path = "cli/waits.rs"]
mod waits;
#[path = "cli/waivers.rs"]
mod waivers;
#[path = "cli/witnesses.rs"]
mod witnesses;
