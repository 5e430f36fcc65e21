//! Templates and prose with statements.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::template::hold(bytes));
