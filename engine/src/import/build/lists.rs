//! Lists: numbered steps, boxes to tick, prohibitions, failures.

use super::super::command;
use super::super::draft::{Body, Step};
use super::super::markdown::{Item, What, plain};
use super::super::outline::{Role, is_orders, says_steps};
use super::super::words::{heading, orders, prohibition, sentences, title, verifies};
use super::{Builder, READS, RUNS, head_of};

impl Builder {
    pub(super) fn list(&mut self, line: u32, numbered: bool, items: &[Item], role: Option<Role>) {
        let boxed = !items.is_empty() && items.iter().all(|item| item.boxed);
        match role {
            Some(Role::DoNot) => self.prohibited(items),
            Some(Role::Parameters) => self.described(items),
            Some(Role::Before) => self.checks(items, true),
            Some(Role::Verify) => self.checks(items, false),
            Some(Role::Failure) => self.failures(line, numbered, items),
            Some(Role::Undo) => self.undone(items),
            Some(Role::When) => {
                let lines = points(items);
                self.forbid_all(items);
                self.note(line, lines);
            }
            _ if boxed && role != Some(Role::Steps) => self.checks(items, self.draft.steps.is_empty()),
            _ if numbered
                || boxed
                || role == Some(Role::Steps)
                || is_orders(items)
                || says_steps(&self.origin.section) =>
            {
                items.iter().for_each(|item| self.item(item, numbered));
            }
            _ => {
                self.forbid_all(items);
                if self.draft.steps.is_empty() || self.forced {
                    self.note(line, points(items));
                } else {
                    self.said.push((line, points(items).join("\n")));
                }
            }
        }
    }

    fn forbid_all(&mut self, items: &[Item]) {
        for item in items {
            for text in plain(&item.blocks) {
                self.forbid(item.line, &text);
            }
        }
    }

    fn prohibited(&mut self, items: &[Item]) {
        for item in items {
            let lines = plain(&item.blocks);
            self.guard(item.line, prohibition(&lines.join(" ")));
            // Why stands in the same point.
            let more = sentences(&lines.join(" "));
            if more.len() > 1 {
                self.note(item.line, vec![more[1..].join(" ")]);
            }
        }
    }

    fn described(&mut self, items: &[Item]) {
        for item in items {
            let text = plain(&item.blocks).join(" ");
            let quoted = text.starts_with('`').then(|| text.split('`').nth(1)).flatten();
            let marks = [":", " - ", " \u{2014} ", " \u{2013} ", "="];
            let end = marks.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
            let name = quoted.unwrap_or(&text[..end]).trim_matches(['$', '<', '>', '{', '}', '*']).to_owned();
            let said = text.replacen(&name, "", 1);
            let said = said.trim_start_matches(|c: char| !c.is_alphanumeric()).trim();
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() < 60 && !name.contains(' ');
            if !(is_name && self.draft.slots.declare(&name, item.line, said, None)) {
                self.note(item.line, vec![text]);
            }
        }
    }

    fn checks(&mut self, items: &[Item], before: bool) {
        for item in items {
            let text = plain(&item.blocks).join("\n");
            if text.trim().is_empty() {
                continue;
            }
            self.forbid(item.line, &text);
            let mut check = self.question(item.line, &text);
            check.group.clone_from(&self.origin.section);
            if before { self.draft.preconditions.push(check) } else { self.draft.verify.push(check) }
        }
    }

    /// Points are failures of their own; numbered ones are what to do in one.
    fn failures(&mut self, line: u32, numbered: bool, items: &[Item]) {
        self.forbid_all(items);
        if numbered {
            let said: Vec<String> = std::mem::take(&mut self.said).into_iter().map(|(_, text)| text).collect();
            let named = said.first().map(|text| title(text)).unwrap_or_default();
            let advice = said.into_iter().chain(numbered_points(items)).collect::<Vec<_>>().join("\n");
            self.mode(line, named, &advice);
            return;
        }
        for item in items {
            let (text, lead, _) = head_of(item);
            let all = plain(&item.blocks).join("\n");
            let named = if lead.is_empty() {
                let split = [": ", " \u{2014} ", " \u{2013} ", " - ", " -> ", " \u{2192} "];
                let cut = split.iter().filter_map(|mark| text.find(mark)).min();
                title(cut.map_or(text.as_str(), |at| &text[..at]))
            } else {
                title(&lead)
            };
            self.mode(item.line, named, &all);
        }
    }

    fn undone(&mut self, items: &[Item]) {
        self.forbid_all(items);
        self.undo_said();
        for item in items {
            let (text, _, rest) = head_of(item);
            let mut runs = Vec::new();
            for block in rest {
                if let What::Code(language, code) = &block.what
                    && let command::Block::Commands(commands) =
                        command::read(language, code, &mut self.draft.slots, block.line)
                {
                    runs.extend(commands.into_iter().map(|command| Body::Run(command.argv)));
                }
            }
            if runs.is_empty() || rest.len() > 1 {
                let all = plain(&item.blocks).join("\n");
                let all = self.draft.slots.text(&all, item.line);
                self.draft.undo.push(Body::Manual(all));
            } else if !text.is_empty() {
                self.note(item.line, vec![text]);
            }
            self.draft.undo.extend(runs);
        }
    }

    /// One numbered step: what is typed becomes steps of its own, what is asked afterwards a check of the last.
    fn item(&mut self, item: &Item, numbered: bool) {
        let (text, lead, rest) = head_of(item);
        let line = item.line;
        let named = title(if lead.is_empty() { &text } else { &lead });
        self.forbid(line, &text);
        let typed = rest
            .iter()
            .any(|block| matches!(&block.what, What::Code(language, code) if command::might_be_done(language, code)));
        if numbered && verifies(&text) && !self.draft.steps.is_empty() {
            let all = plain(&item.blocks).join("\n");
            self.verified(line, &text, &named, &all, rest);
            return;
        }
        if !typed {
            self.words(item, &text, named);
            return;
        }
        let before = self.draft.steps.len();
        self.said.push((line, text));
        for block in rest {
            if let What::Code(language, code) = &block.what {
                self.item_code(block.line, language, code, if self.draft.steps.len() == before { &named } else { "" });
            } else {
                self.after_code(line, before, block);
            }
        }
        self.unsaid();
    }

    fn item_code(&mut self, line: u32, language: &str, code: &str, named: &str) {
        match command::read(language, code, &mut self.draft.slots, line.saturating_add(1)) {
            command::Block::Commands(commands) => self.commands(line.saturating_add(1), named, commands),
            command::Block::Other(why) => {
                let ask = self.draft.slots.text(code, line);
                self.step(line, named.to_owned(), Body::Manual(ask), why);
            }
            command::Block::Data => self.note(line, code.lines().map(str::to_owned).collect()),
        }
    }

    /// What stands in an item beside its code.
    fn after_code(&mut self, line: u32, before: usize, block: &super::Block) {
        let text = plain(std::slice::from_ref(block)).join("\n");
        self.forbid(block.line, &text);
        let done = self.draft.steps.len() > before;
        if done && verifies(&text) {
            self.check_last(block.line, &text);
        } else if done && (orders(&text) || text.to_lowercase().contains(" then ")) {
            self.prose_step(block.line, &text);
        } else {
            self.said.push((line.max(block.line), text));
        }
    }

    /// An item that asks to see something, after a step.
    fn verified(&mut self, line: u32, text: &str, named: &str, all: &str, rest: &[super::Block]) {
        self.forbid(line, all);
        let mut commands = Vec::new();
        let mut other = None;
        for block in rest {
            if let What::Code(language, code) = &block.what {
                match command::read(language, code, &mut self.draft.slots, block.line.saturating_add(1)) {
                    command::Block::Commands(found) => {
                        commands.extend(found.into_iter().map(|it| (block.line.saturating_add(1), it)))
                    }
                    command::Block::Other(why) => other = Some(why),
                    command::Block::Data => {}
                }
            }
        }
        if commands.is_empty() || other.is_some() || rest.len() > 1 {
            let mut check = self.question(line, all);
            check.title = title(text);
            check.todo = other.unwrap_or_default();
            if !commands.is_empty() {
                READS.clone_into(&mut check.todo);
            }
            self.push_to_last(check);
            return;
        }
        for (line, command) in commands {
            let check = self.asked(line, named, command);
            self.push_to_last(check);
        }
    }

    fn push_to_last(&mut self, check: super::Check) {
        match self.draft.steps.last_mut() {
            Some(step) => step.verify.push(check),
            None => self.draft.preconditions.push(check),
        }
    }

    /// An item of words; a command in it alone is one.
    fn words(&mut self, item: &Item, text: &str, named: String) {
        let all = plain(&item.blocks).join("\n");
        for more in plain(&item.blocks).iter().skip(1) {
            self.forbid(item.line, more);
        }
        let ticks: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        let bare = text.trim().trim_end_matches('.');
        let alone = item.blocks.len() == 1 && bare.starts_with('`') && bare.ends_with('`') && ticks.len() == 1;
        let after_run = heading(text).to_lowercase().starts_with("run ") && bare.ends_with('`') && ticks.len() == 1;
        if (alone || after_run) && item.blocks.len() == 1 {
            match command::read("sh", ticks[0], &mut self.draft.slots, item.line) {
                command::Block::Commands(commands) if commands.len() == 1 => {
                    for command in commands {
                        self.step(item.line, named.clone(), Body::Run(command.argv), RUNS.to_owned());
                    }
                    return;
                }
                _ => {}
            }
        }
        let has_commands = ticks.iter().any(|code| code.contains(' ') && command::might_be_done("", code));
        let todo = if has_commands { "Make the commands in the text steps of their own." } else { "" };
        let ask = self.draft.slots.text(if all.trim().is_empty() { "(nothing is said)" } else { &all }, item.line);
        let named = if named.is_empty() { "(nothing is said)".to_owned() } else { named };
        let why = std::mem::take(&mut self.said);
        let why = why.into_iter().map(|(line, text)| self.draft.slots.text(&text, line)).collect();
        let origin = self.at(item.line);
        let todo = todo.to_owned();
        self.draft.steps.push(Step { title: named, why, body: Body::Manual(ask), verify: Vec::new(), todo, origin });
    }
}

/// Points as lines.
fn points(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .flat_map(|item| {
            format!("- {}", plain(&item.blocks).join("\n  ")).lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

fn numbered_points(items: &[Item]) -> Vec<String> {
    let number = |(at, item): (usize, &Item)| format!("{}. {}", at + 1, plain(&item.blocks).join("\n"));
    items.iter().enumerate().map(number).collect()
}
