//! The library of Runwarden: reads procedures, decides what they would do, does it, and remembers.
//!
//! The story: text → `Procedure` → `Plan` → `Run` ⇄ `Event` → `Ledger`. It never prints.
//! Modules stand in reading order; each uses only those before it (`tests/tidy.rs` checks).

pub mod diagnostic;
pub mod id;
pub mod secret;
pub mod time;

pub mod host;
pub mod sign;
pub mod template;

pub mod procedure;

pub mod event;
pub mod merkle;

pub mod consent;
pub mod ledger;

pub mod target;

pub mod action;

pub mod parse;

pub mod assist;
pub mod frame;
pub mod guard;
pub mod import;
pub mod library;
pub mod past;

pub mod question;

pub mod plan;

pub mod run;

pub mod bundle;
pub mod execute;

pub mod rehearse;
pub mod report;
