//! Forge, looked at without Forge: the environments of its services, the verdict over a scenario, the digest of its
//! policies.
//!
//! Its logs are ledgers, of driver `hash_chain`.

pub mod environment;
pub mod policy_hash;
pub mod verdict;
pub mod verdict_verify;

#[cfg(test)]
mod tests;
