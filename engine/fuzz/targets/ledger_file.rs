//! Files in place of a ledger.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::ledger_file::hold(bytes));
