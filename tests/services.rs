//! Anchor stores against real counterparts, which the tests start on loopback and stop: git, two S3 servers, a mail server
//! and a transparency log. Where a program is missing the test says why it is skipped, and fails with `CI=true`.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says why it is skipped")]

#[path = "cli/bench.rs"]
#[expect(dead_code, reason = "it has more than these tests ask for")]
mod bench;

#[path = "services/directory.rs"]
mod directory;
#[path = "services/git.rs"]
mod git;
#[path = "services/parts.rs"]
mod parts;
#[path = "services/policy.rs"]
mod policy;
#[path = "services/rekor.rs"]
mod rekor;
#[path = "services/s3.rs"]
mod s3;
#[path = "services/smtp.rs"]
mod smtp;
