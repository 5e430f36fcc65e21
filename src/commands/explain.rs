//! `explain`: what a code means, and what to do about it.

use engine::diagnostic::did_you_mean;
use engine::parse::problems;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::Explain;
use crate::exit::Exit;
use crate::refusal::{self, Refusal};
use crate::shipped;
use crate::ui::{markdown, table::pairs};

/// The name under which the exit codes are explained.
const EXIT_CODES: &str = "exit-codes";

/// What `explain` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The code.
    code: String,
    /// What it means, in one line.
    meaning: String,
    /// The whole page, in Markdown, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
}

pub fn run(context: &Context, args: &Explain) -> Result<Exit, Refusal> {
    let ui = &context.ui;
    let code = args.code.trim().trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    if code == EXIT_CODES {
        explain_exit_codes(context);
        return Ok(Exit::Done);
    }
    let mut known = problems::CODES.iter().chain(refusal::CODES);
    let Some((_, meaning)) = known.find(|(known, _)| *known == code) else { return Err(unknown(code)) };
    let page = shipped::diagnostic_page(code);
    if !ui.is_human() {
        ui.json(&View { code: code.to_owned(), meaning: (*meaning).to_owned(), page });
    } else if let Some(page) = page {
        ui.data(&markdown::render(page, ui.out));
    } else {
        ui.data(&format!("{}: {meaning}", ui.out.bold(code)));
    }
    Ok(Exit::Done)
}

fn explain_exit_codes(context: &Context) {
    let ui = &context.ui;
    let rows: Vec<(String, String)> =
        Exit::ALL.iter().map(|(exit, meaning)| (exit.code().to_string(), (*meaning).to_owned())).collect();
    if ui.is_human() {
        return ui.data(&pairs("", &rows));
    }
    let views: Vec<View> = rows.into_iter().map(|(code, meaning)| View { code, meaning, page: None }).collect();
    ui.json(&views);
}

fn unknown(code: &str) -> Refusal {
    let known = problems::CODES.iter().chain(refusal::CODES).map(|(known, _)| *known).chain([EXIT_CODES]);
    let refusal = Refusal::invalid("unknown-code", format!("there is no code `{code}`"));
    match did_you_mean(code, known) {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal.help("a code stands in brackets, as in `error[unknown-key]`; `exit-codes` explains those"),
    }
}
