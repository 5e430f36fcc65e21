//! Tables: of parameters, of commands, of failures; all others are kept as they are.

use super::super::command;
use super::super::draft::Body;
use super::super::outline::{Role, command_column};
use super::super::words::title;
use super::{Builder, RUNS};

impl Builder {
    pub(super) fn table(&mut self, line: u32, head: &[String], rows: &[(u32, Vec<String>)], role: Option<Role>) {
        let column = |words: &[&str]| head.iter().position(|cell| words.contains(&cell.to_lowercase().trim()));
        let described = column(&["description", "meaning", "purpose", "notes", "note", "what", "comment"]);
        let name = column(&[
            "parameter",
            "variable",
            "name",
            "input",
            "env",
            "environment variable",
            "argument",
            "placeholder",
            "flag",
        ]);
        let default = column(&["default", "default value"]);
        let more = described.is_some() || default.is_some() || column(&["required", "type", "example"]).is_some();
        if let Some(name) = name.filter(|_| role == Some(Role::Parameters) || more && role != Some(Role::Failure)) {
            for (line, cells) in rows {
                let cell =
                    |at: Option<usize>| at.and_then(|at| cells.get(at)).map(|cell| cell.trim()).unwrap_or_default();
                let others = head.iter().zip(cells).enumerate();
                let others = others.filter(|(at, (_, cell))| {
                    *at != name && Some(*at) != described && Some(*at) != default && !cell.is_empty()
                });
                let others: Vec<String> = others.map(|(_, (head, cell))| format!("{head}: {cell}")).collect();
                let said: Vec<&str> = std::iter::once(cell(described))
                    .chain(others.iter().map(String::as_str))
                    .filter(|it| !it.is_empty())
                    .collect();
                let written = cell(Some(name)).trim_matches(['`', '$', '<', '>', '{', '}', '*', '-']);
                let default = cell(default).trim_matches('`');
                let default = (!matches!(
                    default.to_lowercase().as_str(),
                    "" | "-" | "\u{2014}" | "\u{2013}" | "none" | "n/a" | "required"
                ))
                .then(|| default.to_owned());
                if !written.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    self.note(*line, vec![cells.join(" | ")]);
                } else if !self.draft.slots.declare(written, *line, &said.join("; "), default) {
                    // The value of a secret is not written down again.
                    self.note(*line, vec![format!("{written}: {}", said.join("; "))]);
                }
            }
            return;
        }
        let symptom = column(&["symptom", "problem", "error", "failure", "issue", "failure mode", "what you see"]);
        if let Some(symptom) = symptom.filter(|_| head.len() > 1) {
            for (line, cells) in rows {
                let named = title(cells.get(symptom).map_or("", String::as_str));
                let advice: Vec<String> =
                    head.iter().zip(cells).map(|(head, cell)| format!("{head}: {cell}")).collect();
                self.forbid(*line, &advice.join(". "));
                self.mode(*line, named, &advice.join("\n"));
            }
            return;
        }
        match command_column(head) {
            Some(at) if !matches!(role, Some(Role::Failure | Role::Undo | Role::When)) => {
                self.table_of_steps(head, rows, at)
            }
            _ => {
                let lines = std::iter::once(head.join(" | ")).chain(rows.iter().map(|(_, cells)| cells.join(" | ")));
                let lines: Vec<String> = lines.collect();
                for text in &lines {
                    self.forbid(line, text);
                }
                self.note(line, lines);
            }
        }
    }

    fn table_of_steps(&mut self, head: &[String], rows: &[(u32, Vec<String>)], at: usize) {
        for (line, cells) in rows {
            let typed = cells.get(at).map_or("", String::as_str).trim();
            let others = head
                .iter()
                .zip(cells)
                .enumerate()
                .filter(|(column, (_, cell))| *column != at && cell.chars().any(char::is_alphabetic));
            let said: Vec<&str> = others.map(|(_, (_, cell))| cell.as_str()).collect();
            let named = said.first().map_or_else(|| title(typed), |said| title(said));
            for said in &said {
                self.forbid(*line, said);
                self.said.push((*line, (*said).to_owned()));
            }
            let code =
                typed.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).filter(|inner| !inner.contains('`'));
            match code.map(|code| command::read("sh", code, &mut self.draft.slots, *line)) {
                Some(command::Block::Commands(commands)) => {
                    for command in commands {
                        self.step(*line, named.clone(), Body::Run(command.argv), RUNS.to_owned());
                    }
                }
                Some(command::Block::Other(why)) => {
                    let ask = self.draft.slots.text(typed, *line);
                    self.step(*line, named, Body::Manual(ask), why);
                }
                Some(command::Block::Data) | None => {
                    let text = if typed.is_empty() { "(nothing is said)" } else { typed };
                    let ask = self.draft.slots.text(text, *line);
                    self.step(*line, named, Body::Manual(ask), String::new());
                }
            }
        }
    }

    /// Variables that a block of code sets.
    pub(super) fn variables(&mut self, line: u32, code: &str) {
        for (number, text) in code.lines().enumerate() {
            let at = line.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)).saturating_add(1);
            let text = text.trim();
            let set = text.strip_prefix("export ").unwrap_or(text).split_once('=');
            match set
                .filter(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            {
                Some((name, value)) if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    let value = value.trim().trim_matches(['"', '\'']);
                    let plain = !value.is_empty() && !value.contains(['$', '<', '`', '\\']);
                    let declared = self.draft.slots.declare(name, at, "", plain.then(|| value.to_owned()));
                    match (declared, plain || value.is_empty()) {
                        (true, true) => {}
                        (true, false) => self.note(at, vec![text.to_owned()]),
                        (false, _) => self.note(at, vec![format!("{name}: the value of a secret stood here")]),
                    }
                }
                _ if text.is_empty() => {}
                _ => self.note(at, vec![text.to_owned()]),
            }
        }
    }
}
