//! Writes a project folder as MV-CRS leaves it.
//!
//! `cargo run --example mvcrs_state -- FOLDER [--state clean|virgin|edited|unsealed|three]`

use std::error::Error;
use std::path::Path;

mod writer;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, state) = match words[..] {
        [folder] => (folder, Some(writer::State::Clean)),
        [folder, "--state", name] => (folder, writer::State::named(name)),
        _ => return Err("usage: mvcrs_state FOLDER [--state clean|virgin|edited|unsealed|three]".into()),
    };
    let state = state.ok_or("the states are clean, virgin, edited, unsealed and three")?;
    Ok(writer::write(Path::new(folder), state)?)
}
