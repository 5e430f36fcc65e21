//! The shipped procedures of other systems over real parts: files, git, programs, a PostgreSQL server and services on
//! loopback, each started by its test.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says why it is skipped")]

#[path = "cli/bench.rs"]
#[expect(dead_code, reason = "the tests of the command line use the rest of it")]
mod bench;
#[path = "services/dashboard.rs"]
mod dashboard;
#[path = "services/kora.rs"]
mod kora;
#[path = "services/mvcrs.rs"]
mod mvcrs;
#[path = "../examples/mvcrs/writer.rs"]
#[expect(dead_code, reason = "states have names on the command line alone")]
mod mvcrs_writer;
#[path = "services/postgres.rs"]
mod postgres;
#[path = "services/tokens.rs"]
mod tokens;
