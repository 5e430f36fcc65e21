//! What was done: our own log, and the report that every ledger gives.

pub mod report;
