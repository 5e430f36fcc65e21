//! `completions`: a script for a shell.

use super::Context;
use crate::args::{Args, Completions};
use crate::exit::Exit;
use crate::refusal::Refusal;

pub fn run(context: &Context, args: &Completions) -> Result<Exit, Refusal> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::whole(), "runwarden", &mut script);
    context.ui.raw(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
