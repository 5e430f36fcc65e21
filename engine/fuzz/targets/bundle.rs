//! Bundles and attestations.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::bundle::hold(bytes));
