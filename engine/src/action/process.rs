//! Processes: who has what open. Nothing is signalled.

pub mod holders;

#[cfg(test)]
mod tests;
