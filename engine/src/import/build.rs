//! A section to a draft: block by block, each taken as what its heading says that it is for.

mod lists;
mod tables;

use std::collections::HashSet;

use super::command::{self, Command};
use super::draft::{Body, Check, Draft, Guard, Mode, Note, Origin, Step};
use super::markdown::{Block, Item, What, plain};
use super::outline::{Role, Section, role_of, says_steps};
use super::words::{
    before_orders, forbids, heading, orders_of, prohibition, prohibitions, sentences, step_heading, title, verifies,
};

/// What is said of a step that runs a program.
const RUNS: &str = "Say what takes it back (`undo`), and what shows that it was done (`verify`).";
/// What is said of a check that runs a program.
const READS: &str = "Is it read-only? Say what it must give; exiting with 0 may not be enough.";

/// Makes a draft of a section. `forced` takes paragraphs for steps, where there is nothing else.
pub(super) fn build(section: &Section, above: Option<&str>, forced: bool) -> Draft {
    let origin = Origin { section: heading(&section.heading), line: section.line };
    let named = match above {
        Some(above) => format!("{}: {}", heading(above), origin.section),
        None => origin.section.clone(),
    };
    let mut builder = Builder {
        draft: Draft { title: title(&named), origin: origin.clone(), ..Draft::default() },
        origin,
        said: Vec::new(),
        forced,
    };
    // Who asks for a section by its heading wants what stands there to be done.
    builder.section(section, section.role().filter(|_| !forced));
    builder.draft.checklist = builder.draft.steps.is_empty() && !builder.draft.preconditions.is_empty();
    builder.end()
}

struct Builder {
    draft: Draft,
    // The section that is being read.
    origin: Origin,
    // What was said and belongs to the step that comes next, with its line.
    said: Vec<(u32, String)>,
    forced: bool,
}

impl Builder {
    fn section(&mut self, section: &Section, role: Option<Role>) {
        let outer =
            std::mem::replace(&mut self.origin, Origin { section: heading(&section.heading), line: section.line });
        let steps_before = self.draft.steps.len();
        let mut role = role;
        for block in &section.blocks {
            if let Some(label) = label(block) {
                self.unsaid();
                role = Some(label);
                continue;
            }
            self.block(block, role);
        }
        // What was said before nothing that is done.
        self.unsaid();
        if step_heading(&section.heading).is_some() && self.draft.steps.len() == steps_before {
            self.whole_as_step(section);
        }
        for inner in &section.inner {
            let of = inner.role().or(if matches!(role, Some(Role::When | Role::Steps)) { None } else { role });
            self.section(inner, of);
        }
        self.origin = outer;
    }

    /// A section that is a step by its heading, and has nothing but words.
    fn whole_as_step(&mut self, section: &Section) {
        let lines = plain(&section.blocks);
        if lines.is_empty() && !section.inner.is_empty() {
            return;
        }
        // They were put elsewhere for want of a step.
        let again: HashSet<&String> = lines.iter().collect();
        self.draft
            .notes
            .retain(|note| note.line <= section.line || note.lines.iter().any(|line| !again.contains(line)));
        let named = step_heading(&section.heading).unwrap_or_default();
        let said = if lines.is_empty() { named.clone() } else { lines.join("\n") };
        let ask = self.draft.slots.text(&said, section.line);
        self.step(section.line, title(&named), Body::Manual(ask), String::new());
    }

    fn block(&mut self, block: &Block, role: Option<Role>) {
        let line = block.line;
        match (&block.what, role) {
            (What::Heading(..), _) => {}
            (What::Paragraph(prose), role) => self.paragraph(line, &prose.text, role),
            (What::List { numbered, items }, role) => self.list(line, *numbered, items, role),
            (What::Code(language, code), role) => self.code(line, language, code, role),
            (What::Table(head, rows), role) => self.table(line, head, rows, role),
            (What::Quote(blocks), _) => {
                for text in plain(blocks) {
                    self.forbid(line, &text);
                }
                self.note(line, plain(blocks));
            }
            (What::Html(html), _) => self.note(line, html.lines().map(str::to_owned).collect()),
        }
    }

    fn paragraph(&mut self, line: u32, text: &str, role: Option<Role>) {
        match role {
            Some(Role::DoNot) => {
                for sentence in sentences(text) {
                    self.guard(line, prohibition(&sentence));
                }
                return;
            }
            Some(Role::Before) if !text.ends_with(':') => {
                let check = self.question(line, text);
                self.draft.preconditions.push(check);
            }
            Some(Role::Verify) if !text.ends_with(':') => {
                let check = self.question(line, text);
                self.draft.verify.push(check);
            }
            Some(Role::Failure | Role::Undo) => self.said.push((line, text.to_owned())),
            Some(Role::When) => self.draft.summary.push(text.to_owned()),
            _ if self.forced && !text.ends_with(':')
                || says_steps(&self.origin.section) && !orders_of(text).is_empty() =>
            {
                let orders = orders_of(text);
                let before = before_orders(text).0;
                if !orders.is_empty() && !before.is_empty() {
                    self.draft.summary.push(before.to_owned());
                }
                for order in if orders.is_empty() { vec![text.to_owned()] } else { orders } {
                    self.prose_step(line, order.trim_end_matches(';'));
                }
            }
            _ if self.draft.steps.is_empty() && self.draft.summary.is_empty() && !text.ends_with(':') => {
                self.draft.summary.push(text.to_owned());
            }
            _ if verifies(text) && !text.ends_with(':') && !self.draft.steps.is_empty() => self.check_last(line, text),
            _ => self.said.push((line, text.to_owned())),
        }
        self.forbid(line, text);
    }

    /// A question to a person about what must be so.
    fn question(&mut self, line: u32, text: &str) -> Check {
        let ask = self.draft.slots.text(text, line);
        Check {
            title: title(text),
            body: Body::Manual(ask),
            group: String::new(),
            todo: String::new(),
            origin: self.at(line),
        }
    }

    fn at(&self, line: u32) -> Origin {
        Origin { section: self.origin.section.clone(), line }
    }

    /// A check of the step before.
    fn check_last(&mut self, line: u32, text: &str) {
        let check = self.question(line, text);
        match self.draft.steps.last_mut() {
            Some(step) => step.verify.push(check),
            None => self.draft.preconditions.push(check),
        }
    }

    fn code(&mut self, line: u32, language: &str, code: &str, role: Option<Role>) {
        // The fence is a line of its own.
        let inner = line.saturating_add(1);
        let block = command::read(language, code, &mut self.draft.slots, inner);
        match (block, role) {
            (command::Block::Data, _) | (_, Some(Role::When)) => {
                self.note(line, code.lines().map(str::to_owned).collect());
            }
            (_, Some(Role::Parameters)) => self.variables(line, code),
            (_, Some(Role::Failure)) => self.said.push((line, code.to_owned())),
            (command::Block::Commands(commands), Some(Role::Before | Role::Verify)) => {
                let named = self.lead_in();
                for command in commands {
                    let check = self.asked(inner, &named, command);
                    self.put_check(role, check);
                }
            }
            (command::Block::Commands(commands), Some(Role::Undo)) => {
                self.undo_said();
                self.draft.undo.extend(commands.into_iter().map(|command| Body::Run(command.argv)));
            }
            (command::Block::Commands(commands), _) => {
                let named = self.lead_in();
                self.commands(inner, &named, commands);
            }
            (command::Block::Other(why), Some(Role::Before | Role::Verify)) => {
                let named = self.lead_in();
                let mut check = self.question(line, code);
                check.title =
                    if named.is_empty() { "The block of code is done, and shows it".to_owned() } else { named };
                check.todo = why;
                self.put_check(role, check);
            }
            (command::Block::Other(_), Some(Role::Undo)) => {
                let text = self.draft.slots.text(code, line);
                self.undo_said();
                self.draft.undo.push(Body::Manual(text));
            }
            (command::Block::Other(why), _) => {
                let named = self.lead_in();
                let ask = self.draft.slots.text(code, line);
                self.step(line, named, Body::Manual(ask), why);
            }
        }
    }

    fn put_check(&mut self, role: Option<Role>, check: Check) {
        if role == Some(Role::Before) { self.draft.preconditions.push(check) } else { self.draft.verify.push(check) }
    }

    /// What the sentence before a block of code calls it.
    fn lead_in(&self) -> String {
        let named = self.said.last().map(|(_, text)| title(sentences(text).last().map_or("", String::as_str)));
        // `Run:` names nothing.
        named.filter(|named| named.split(' ').count() > 2).unwrap_or_default()
    }

    fn asked(&mut self, line: u32, named: &str, command: Command) -> Check {
        let line = line.saturating_add(command.line);
        let typed = title(&command.argv.join(" "));
        let named =
            if named.is_empty() { format!("`{typed}` exits with 0").replace('`', "") } else { named.to_owned() };
        Check {
            title: named,
            body: Body::Run(command.argv),
            group: String::new(),
            todo: READS.to_owned(),
            origin: self.at(line),
        }
    }

    /// A step for each command; what was said before is of the first.
    fn commands(&mut self, line: u32, named: &str, commands: Vec<Command>) {
        for (number, command) in commands.into_iter().enumerate() {
            let typed = title(&command.argv.join(" ").replace("{{ parameters.", "<").replace(" }}", ">"));
            let at = line.saturating_add(command.line);
            let named = match (number == 0 && !named.is_empty(), command.comment.is_empty()) {
                (true, true) => named.to_owned(),
                (true, false) => {
                    self.said.push((at, command.comment));
                    named.to_owned()
                }
                (false, true) => typed,
                (false, false) => title(&command.comment),
            };
            self.step(at, named, Body::Run(command.argv), RUNS.to_owned());
        }
    }

    /// A step that is nothing but words.
    fn prose_step(&mut self, line: u32, text: &str) {
        let ask = self.draft.slots.text(text, line);
        self.step(line, title(text), Body::Manual(ask), String::new());
    }

    fn step(&mut self, line: u32, named: String, body: Body, todo: String) {
        let said = std::mem::take(&mut self.said);
        // `Do this. Run:` says no more than its title, and `Run:` nothing.
        let lead_in = |sentence: &String| {
            ["run:", "run this:", "then run:", "execute:", "type:"].contains(&sentence.to_lowercase().as_str())
        };
        let says_more = |text: &str| {
            let telling: Vec<String> = sentences(text).into_iter().filter(|sentence| !lead_in(sentence)).collect();
            // A title that was cut off says less than its sentence.
            let cut = named.ends_with('\u{2026}');
            telling.len() > 1 || telling.first().is_some_and(|only| cut || title(only) != named && title(text) != named)
        };
        let why = said.iter().filter(|(_, text)| says_more(text));
        let why: Vec<String> = why.map(|(line, text)| self.draft.slots.text(text, *line)).collect();
        let title = match named.is_empty() {
            true => step_heading(&self.origin.section).unwrap_or_else(|| self.origin.section.clone()),
            false => named,
        };
        self.draft.steps.push(Step { title, why, body, verify: Vec::new(), todo, origin: self.at(line) });
    }

    /// The prohibitions in a text.
    fn forbid(&mut self, line: u32, text: &str) {
        for rule in prohibitions(text) {
            self.guard(line, rule);
        }
    }

    fn guard(&mut self, line: u32, rule: String) {
        // More than these are refused as a whole.
        let room = self.draft.do_not.len() <= super::MOST_PARTS;
        if room && !rule.trim().is_empty() && !self.draft.do_not.iter().any(|guard| guard.rule == rule) {
            self.draft.do_not.push(Guard { rule, origin: self.at(line) });
        }
    }

    fn note(&mut self, line: u32, lines: Vec<String>) {
        if lines.iter().any(|line| !line.trim().is_empty()) {
            self.draft.notes.push(Note { line, lines });
        }
    }

    /// What was said and led to nothing: of the step before, else kept as it is.
    fn unsaid(&mut self) {
        let said = std::mem::take(&mut self.said);
        for (line, text) in said {
            let in_section = |step: &&mut Step| step.origin.section == self.origin.section;
            match self.draft.steps.last_mut().filter(in_section) {
                Some(step) => {
                    let text = self.draft.slots.text(&text, line);
                    step.why.push(text);
                }
                None => self.note(line, text.lines().map(str::to_owned).collect()),
            }
        }
    }

    fn undo_said(&mut self) {
        for (line, text) in std::mem::take(&mut self.said) {
            let text = self.draft.slots.text(&text, line);
            self.draft.undo.push(Body::Manual(text));
        }
    }

    fn mode(&mut self, line: u32, named: String, advice: &str) {
        let advice = self.draft.slots.text(advice, line);
        let origin = self.at(line);
        let title = if named.trim().is_empty() { self.origin.section.clone() } else { named };
        self.draft.failure_modes.push(Mode { title, advice, origin });
    }

    fn end(mut self) -> Draft {
        let draft = &mut self.draft;
        // Points alone are a checklist: its preconditions are its items.
        if draft.checklist && draft.verify.is_empty() && draft.undo.is_empty() && draft.failure_modes.is_empty() {
            return self.draft;
        }
        draft.checklist = false;
        if draft.steps.is_empty() {
            // What is only looked at is looked at in steps.
            for check in draft.preconditions.drain(..).chain(draft.verify.drain(..)) {
                let (body, todo) = (check.body, check.todo);
                draft.steps.push(Step {
                    title: check.title,
                    why: Vec::new(),
                    body,
                    verify: Vec::new(),
                    todo,
                    origin: check.origin,
                });
            }
        }
        self.draft
    }
}

/// The role that a line which stands like a heading gives to what follows: `**Do NOT:**`.
fn label(block: &Block) -> Option<Role> {
    let What::Paragraph(prose) = &block.what else { return None };
    let text = prose.text.trim();
    let short = text.len() < 60 && !text.contains('\n');
    let stands_alone = prose.all_strong || text.ends_with(':');
    if !(short && stands_alone) || forbids(text) {
        return None;
    }
    role_of(text.trim_end_matches(':'))
}

/// The first words of an item, and its other blocks.
fn head_of(item: &Item) -> (String, String, &[Block]) {
    match item.blocks.split_first() {
        Some((Block { what: What::Paragraph(prose), .. }, rest)) => (prose.text.clone(), prose.lead.clone(), rest),
        _ => (String::new(), String::new(), &item.blocks),
    }
}
