//! `man`: the manual pages.

use clap_mangen::Man;

use super::Context;
use crate::args::{self, Args};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;

pub fn run(context: &Context, args: &args::Man) -> Result<Exit, Refusal> {
    let command = Args::whole();
    match &args.write {
        None => context.ui.raw(&page(&command)?),
        Some(folder) => {
            files::make_folder(folder)?;
            write(folder, "runwarden", &command)?;
        }
    }
    Ok(Exit::Done)
}

fn page(command: &clap::Command) -> Result<String, Refusal> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(Refusal::internal)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write(folder: &std::path::Path, name: &str, command: &clap::Command) -> Result<(), Refusal> {
    files::replace(&folder.join(format!("{name}.1")), page(command)?.as_bytes())?;
    command.get_subcommands().try_for_each(|below| write(folder, &format!("{name}-{}", below.get_name()), below))
}
