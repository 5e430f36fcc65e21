//! The command line of Runwarden.
fn main() {}
