//! Makes the run ledger of the Corvusforge example, or a larger or tampered one:
//! `cargo run --example corvusforge_ledger -- OUT [--dialect L1|L2|L3] [--runs N] [--entries N]
//! [--tamper edited|cut|reordered|deleted|rehashed] [--artifacts DIR]`.

use std::error::Error;
use std::path::PathBuf;

mod writer;

use writer::{Dialect, Plan, Tamper};

fn main() -> Result<(), Box<dyn Error>> {
    let mut plan = Plan::default();
    let mut out = None;
    let mut artifacts = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{} needs a value", argument.display()));
        match argument.to_str() {
            Some("--dialect") => plan.dialect = dialect(&value()?.to_string_lossy())?,
            Some("--runs") => plan.runs = value()?.to_string_lossy().parse()?,
            Some("--entries") => plan.entries = Some(value()?.to_string_lossy().parse()?),
            Some("--tamper") => plan.tamper = Some(tamper(&value()?.to_string_lossy())?),
            Some("--artifacts") => artifacts = Some(PathBuf::from(value()?)),
            _ if out.is_none() => out = Some(PathBuf::from(argument)),
            _ => return Err(format!("unexpected argument {}", argument.display()).into()),
        }
    }
    let out = out.ok_or("expected the path to write")?;
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    writer::write(&out, &plan)?;
    if let Some(store) = artifacts {
        writer::write_artifacts(&store)?;
    }
    Ok(())
}

fn dialect(text: &str) -> Result<Dialect, String> {
    match text {
        "L1" => Ok(Dialect::L1),
        "L2" => Ok(Dialect::L2),
        "L3" => Ok(Dialect::L3),
        _ => Err(format!("`{text}` is no dialect: L1, L2 or L3")),
    }
}

fn tamper(text: &str) -> Result<Tamper, String> {
    match text {
        "edited" => Ok(Tamper::Edited),
        "cut" => Ok(Tamper::Cut),
        "reordered" => Ok(Tamper::Reordered),
        "deleted" => Ok(Tamper::Deleted),
        "rehashed" => Ok(Tamper::Rehashed),
        _ => Err(format!("`{text}` is no way to tamper: edited, cut, reordered, deleted or rehashed")),
    }
}
