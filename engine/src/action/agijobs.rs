//! AGIJobs: its pause state on the chain, its CI as GitHub has it, bundles before somebody signs them, and what its
//! scripts report.
//!
//! Nothing here runs a script of AGIJobs or signs a transaction.

pub mod pause_state;
pub mod reports;
pub mod safe_bundle_check;
pub mod status_wall;

#[cfg(test)]
mod tests;
