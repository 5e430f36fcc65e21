//! What people sign.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::signed::hold(bytes));
