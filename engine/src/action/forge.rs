//! What Forge leaves behind, looked at without Forge: the verdict over a scenario, the digest of its policies.
//!
//! Its logs are ledgers, of driver `hash_chain`. Which secrets its services have is not known here.

pub mod policy_hash;
pub mod verdict;
pub mod verdict_verify;

#[cfg(test)]
mod tests;
