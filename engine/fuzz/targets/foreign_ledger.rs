//! Ledgers of other systems.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::foreign_ledger::hold(bytes));
