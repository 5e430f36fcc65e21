//! The command line of Runwarden: arguments in, engine called, output shown.

use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod commands;
mod exit;
mod files;
mod many;
mod refusal;
mod setup;
mod shipped;
mod ui;
mod workspace;

fn main() -> ExitCode {
    match args::Args::try_parse() {
        Ok(args) => commands::run(args).into(),
        Err(error) => commands::refuse_arguments(&error).into(),
    }
}
