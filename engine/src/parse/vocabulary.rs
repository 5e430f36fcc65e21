//! The names that expressions may use because the language has them, and the marks in the schemas of actions.

/// The roots that every expression sees; the workspace file has no `parameters`.
pub const EVERYWHERE: [&str; 6] = ["parameters", "targets", "env", "run", "workspace", "history"];

/// What `run` has.
pub const OF_RUN: [&str; 5] = ["id", "started_at", "actor", "environment", "dry"];

/// What `history` has.
pub const OF_HISTORY: [&str; 4] = ["runs", "last", "count", "active"];

/// What a target has, where guards see one.
pub const OF_TARGET: [&str; 4] = ["name", "kind", "driver", "identity"];

/// What `error` has.
pub const OF_ERROR: [&str; 6] = ["code", "message", "step", "check", "guard", "attempt"];

/// What every step has.
pub const OF_EVERY_STEP: [&str; 4] = ["state", "attempts", "started_at", "ended_at"];

/// The mark of an output that is a secret, and of an input that takes one.
pub const SECRET: &str = "x-runwarden-secret";

/// The mark of an action whose output is what it was given.
pub const OUTPUT: &str = "x-runwarden-output";

/// The mark of a param that names a target, with the kinds it may have.
pub const TARGET: &str = "x-runwarden-target";
