//! Anchor stores and the shipped procedures of other systems against real counterparts, which the tests start on loopback
//! and stop: files, git, programs, S3 servers, a mail server, a transparency log, a PostgreSQL server and services. Where
//! a program is missing the test says why it is skipped, and fails with `CI=true`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says why it is skipped")]

#[path = "cli/bench.rs"]
#[expect(dead_code, reason = "it has more than these tests ask for")]
mod bench;

#[path = "services/agijobs.rs"]
mod agijobs;
#[path = "services/agijobs_after.rs"]
mod agijobs_after;
#[path = "services/agijobs_bundles.rs"]
mod agijobs_bundles;
#[path = "services/answers.rs"]
mod answers;
#[path = "services/anvil.rs"]
mod anvil;
#[path = "services/attestations.rs"]
mod attestations;
#[path = "services/dashboard.rs"]
mod dashboard;
#[path = "services/directory.rs"]
mod directory;
#[path = "services/editors.rs"]
mod editors;
#[path = "services/forge.rs"]
mod forge;
#[path = "services/forge_recoveries.rs"]
mod forge_recoveries;
#[path = "services/git.rs"]
mod git;
#[path = "services/kora.rs"]
mod kora;
#[path = "services/kora_stopped.rs"]
mod kora_stopped;
#[path = "services/mvcrs.rs"]
mod mvcrs;
#[path = "../examples/mvcrs/writer.rs"]
#[expect(dead_code, reason = "states have names on the command line alone")]
mod mvcrs_writer;
#[path = "services/parts.rs"]
mod parts;
#[path = "services/policy.rs"]
mod policy;
#[path = "services/postgres.rs"]
mod postgres;
#[path = "services/postmortems.rs"]
mod postmortems;
#[path = "services/rekor.rs"]
mod rekor;
#[path = "services/s3.rs"]
mod s3;
#[path = "services/smtp.rs"]
mod smtp;
#[path = "services/tokens.rs"]
mod tokens;
