//! Signed notes, checkpoints, proofs, keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runwarden_fuzz::note::hold(bytes));
