//! Expressions.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::expression::hold(bytes));
