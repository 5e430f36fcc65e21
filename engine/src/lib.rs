//! The library of Runwarden: reads procedures, decides what they would do, does it, and remembers.
//!
//! The story: text → `Procedure` → `Plan` → `Run` ⇄ `Event` → `Ledger`. It never prints.
//! Modules stand in reading order; each uses only those before it (`tests/tidy.rs` checks).

pub mod diagnostic;
pub mod id;
pub mod time;

pub mod template;

pub mod event;

pub mod ledger;

pub mod parse;
