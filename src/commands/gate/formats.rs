//! The formats of a gate's result, and where they are written.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::report::Report;
use crate::args::{Output, OutputFormat};
use crate::files;
use crate::refusal::Refusal;
use crate::ui::{Paint, Ui};

mod github;
mod human;
mod junit;
mod markdown;
mod sarif;
mod tap;

/// The file to which GitHub's runner wants the summary of a step appended.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Two results on one stream could not be told apart.
pub fn refuse_two_on_stdout(outputs: &[Output]) -> Result<(), Refusal> {
    match outputs.iter().filter(|output| output.file.is_none()).count() {
        0 | 1 => Ok(()),
        _ => Err(Refusal::invalid("usage", "two results on stdout: give all but one a file")),
    }
}

/// Writes the result in every format that was asked for; on stdout as `--format` says, where nothing else goes there.
pub fn write_all(ui: &Ui, outputs: &[Output], report: &Report) -> Result<(), Refusal> {
    for output in outputs {
        if let Some(path) = &output.file {
            files::replace(path, text(output.format, report)?.as_bytes())?;
        }
        if output.format == OutputFormat::Github
            && let Some(path) = std::env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty())
        {
            append(Path::new(&path), &markdown::render(report))?;
        }
    }
    match outputs.iter().find(|output| output.file.is_none()) {
        Some(Output { format: OutputFormat::Human, .. }) => ui.data(&human::render(report, ui.out)),
        Some(output) => ui.raw(&text(output.format, report)?),
        None if ui.is_human() => ui.data(&human::render(report, ui.out)),
        None => ui.json(&report.view()),
    }
    Ok(())
}

fn text(format: OutputFormat, report: &Report) -> Result<String, Refusal> {
    Ok(match format {
        OutputFormat::Human => format!("{}\n", crate::ui::plain(&human::render(report, Paint::PLAIN))),
        OutputFormat::Json => {
            format!("{}\n", serde_json::to_string_pretty(&report.view()).map_err(Refusal::internal)?)
        }
        OutputFormat::Junit => junit::render(report)?,
        OutputFormat::Sarif => sarif::render(report)?,
        OutputFormat::Tap => tap::render(report),
        OutputFormat::Github => github::render(report),
        OutputFormat::Markdown => markdown::render(report),
    })
}

fn append(path: &Path, text: &str) -> Result<(), Refusal> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| Refusal::io("write", path, &error))
}
