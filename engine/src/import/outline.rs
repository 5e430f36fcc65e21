//! A document as sections, what each is for by its heading, and which of them are procedures.

use std::collections::HashSet;

use super::markdown::{Block, Item, What};
use super::words::{heading, orders, orders_of, step_heading};

/// What a part of a runbook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// When it applies, what it is for.
    When,
    /// What must be so before.
    Before,
    /// What is done.
    Steps,
    /// What must be so after.
    Verify,
    /// What goes wrong, and what then.
    Failure,
    /// How it is taken back.
    Undo,
    /// What must not be done.
    DoNot,
    /// What is filled in.
    Parameters,
}

/// A heading with all that stands under it.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// The heading as written; empty of what stands before the first.
    pub heading: String,
    /// Its level, from 1; 0 of the whole.
    pub level: usize,
    /// Its line, from 1.
    pub line: u32,
    /// What stands before the next heading.
    pub blocks: Vec<Block>,
    /// The sections in it.
    pub inner: Vec<Section>,
}

/// The document as one section.
pub(super) fn outline(blocks: Vec<Block>) -> Section {
    let mut stack = vec![Section { line: 1, ..Section::default() }];
    for block in blocks {
        match block.what {
            What::Heading(level, prose) => {
                while stack.len() > 1 && stack.last().is_some_and(|open| open.level >= level) {
                    close(&mut stack);
                }
                stack.push(Section { heading: prose.text, level, line: block.line, ..Section::default() });
            }
            what => {
                if let Some(open) = stack.last_mut() {
                    open.blocks.push(Block { line: block.line, what });
                }
            }
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.pop().unwrap_or_default()
}

fn close(stack: &mut Vec<Section>) {
    let Some(closed) = stack.pop() else { return };
    if let Some(outer) = stack.last_mut() {
        outer.inner.push(closed);
    }
}

/// What a heading, or a line that stands like one, says that its part is for.
pub(super) fn role_of(text: &str) -> Option<Role> {
    let words = heading(text).to_lowercase().replace(['\u{2019}', '-'], "'");
    let words = words.trim_end_matches(':').trim();
    let exact: &[(Role, &[&str])] = &[
        (
            Role::When,
            &[
                "when",
                "purpose",
                "overview",
                "summary",
                "scope",
                "background",
                "symptoms",
                "context",
                "introduction",
                "about",
                "why",
                "description",
                "impact",
                "audience",
                "goal",
                "use case",
                "overview & scope",
                "triggers",
                "applies to",
            ],
        ),
        (
            Role::Before,
            &[
                "prerequisites",
                "prerequisite",
                "pre'requisites",
                "preconditions",
                "pre'conditions",
                "requirements",
                "pre'flight",
                "preflight",
                "pre'checks",
                "prechecks",
                "preparation",
                "pre'flight checks",
                "preflight checks",
                "pre'procedure checks",
                "pre'deployment checks",
                "what you need",
                "you will need",
            ],
        ),
        (
            Role::Steps,
            &[
                "steps",
                "procedure",
                "instructions",
                "how",
                "actions",
                "immediate actions",
                "remediation",
                "resolution",
                "mitigation",
                "recovery steps",
                "process",
                "execution",
                "response",
                "check",
                "checks",
                "action items",
                "tasks",
                "bump procedure",
                "recovery procedure",
                "playbook",
            ],
        ),
        (
            Role::Verify,
            &[
                "verify",
                "verification",
                "validate",
                "validation",
                "post'checks",
                "post'deployment checks",
                "success criteria",
                "acceptance criteria",
                "expected result",
                "expected results",
                "expected outcome",
                "confirm",
                "smoke test",
            ],
        ),
        (
            Role::Failure,
            &[
                "if it fails",
                "if this fails",
                "if something goes wrong",
                "failure modes",
                "failure mode",
                "failures",
                "troubleshooting",
                "known issues",
                "known problems",
                "common problems",
                "common issues",
                "when it fails",
                "what can go wrong",
                "failure handling",
                "error handling",
                "errors",
                "when things go wrong",
            ],
        ),
        (
            Role::Undo,
            &[
                "rollback",
                "roll back",
                "rolling back",
                "rollback plan",
                "rollback procedure",
                "rollback steps",
                "back out",
                "backout",
                "backout plan",
                "back out plan",
                "undo",
                "revert",
                "reverting",
                "recovery plan",
            ],
        ),
        (
            Role::DoNot,
            &[
                "do not",
                "don't",
                "dont",
                "do nots",
                "don'ts",
                "never",
                "warning",
                "warnings",
                "caution",
                "cautions",
                "what not to do",
                "anti'patterns",
                "anti'pattern",
                "prohibited",
                "prohibitions",
                "must not",
            ],
        ),
        (
            Role::Parameters,
            &[
                "parameters",
                "inputs",
                "variables",
                "environment variables",
                "required environment variables",
                "arguments",
                "required variables",
                "required inputs",
                "settings",
                "configuration",
                "placeholders",
            ],
        ),
    ];
    if let Some((role, _)) = exact.iter().find(|(_, known)| known.contains(&words)) {
        return Some(*role);
    }
    let short = words.split(' ').count() <= 3;
    let begins: &[(Role, &[&str], bool)] = &[
        (Role::When, &["when to ", "when it ", "when this ", "when applies"], false),
        (Role::Before, &["before you ", "before starting", "prerequisites "], false),
        (Role::Verify, &["how to verify", "how to check", "verify ", "verification of "], true),
        (Role::Undo, &["how to roll back", "how to undo", "how to revert", "rollback "], true),
        (Role::Failure, &["if it ", "if this ", "if the "], true),
        (Role::Steps, &["how to "], false),
    ];
    let fits = |(_, starts, only_short): &&(Role, &[&str], bool)| {
        let how = words.starts_with("how to ");
        (!only_short || short || how) && starts.iter().any(|start| words.starts_with(start))
    };
    begins.iter().find(fits).map(|(role, ..)| *role)
}

impl Section {
    /// What it is for, if its heading says so.
    pub(super) fn role(&self) -> Option<Role> {
        role_of(&self.heading)
    }

    /// Whether steps, or points of a checklist, stand in it, before any heading.
    pub(super) fn has_own_steps(&self) -> bool {
        let listed = says_steps(&self.heading);
        self.blocks.iter().any(|block| match &block.what {
            What::List { numbered: true, items } => !items.is_empty(),
            What::List { items, .. } => items.iter().all(|item| item.boxed) || is_orders(items) || listed,
            What::Code(language, code) => super::command::might_be_done(language, code),
            What::Table(head, _) => command_column(head).is_some(),
            What::Paragraph(prose) => says_steps(&self.heading) && !orders_of(&prose.text).is_empty(),
            _ => false,
        })
    }

    /// Whether any part of it has steps.
    fn has_steps(&self) -> bool {
        self.has_own_steps() || self.inner.iter().any(Self::has_steps)
    }

    /// Whether it is one procedure by the headings in it: they name its parts, or number its steps.
    fn is_whole(&self) -> bool {
        self.inner.iter().any(|inner| {
            let parts = [Role::Steps, Role::Verify, Role::Before, Role::Failure, Role::Undo];
            let named = inner.role().is_some_and(|role| parts.contains(&role));
            named && (inner.has_steps() || !inner.blocks.is_empty()) || step_heading(&inner.heading).is_some()
        })
    }
}

/// Whether a heading says that what stands under it is done.
pub(super) fn says_steps(text: &str) -> bool {
    let words = text.to_lowercase();
    ["checklist", "steps", "actions", "procedure"].iter().any(|word| words.contains(word))
}

/// Puts lists of contents aside: what they name are headings.
pub(super) fn without_contents(blocks: Vec<Block>) -> Vec<Block> {
    let named = |block: &Block| match &block.what {
        What::Heading(_, prose) => Some(heading(&prose.text).to_lowercase()),
        _ => None,
    };
    let headings: HashSet<String> = blocks.iter().filter_map(named).collect();
    let is_heading = |item: &Item| match item.blocks.first().map(|block| &block.what) {
        Some(What::Paragraph(prose)) => headings.contains(&heading(&prose.text).to_lowercase()),
        _ => false,
    };
    let is_contents =
        |items: &[Item]| items.len() > 1 && items.iter().filter(|item| is_heading(item)).count() * 3 >= items.len() * 2;
    let aside = |block: Block| match &block.what {
        What::List { items, .. } if is_contents(items) => Block { line: block.line, what: What::Quote(vec![block]) },
        _ => block,
    };
    blocks.into_iter().map(aside).collect()
}

/// Whether a list is one of things to do.
pub(super) fn is_orders(items: &[Item]) -> bool {
    let orders = items.iter().filter(|item| match item.blocks.first().map(|block| &block.what) {
        Some(What::Paragraph(prose)) => orders(&prose.text),
        _ => false,
    });
    !items.is_empty() && orders.count() * 3 >= items.len() * 2
}

/// The column of a table that says what to type, if it has one.
pub(super) fn command_column(head: &[String]) -> Option<usize> {
    head.iter().position(|cell| {
        matches!(cell.to_lowercase().trim(), "command" | "commands" | "run" | "action" | "what to run")
    })
}

/// A section that is a procedure, and the heading that it stands under, where that holds several.
pub(super) type Unit<'s> = (&'s Section, Option<&'s str>);

/// The sections that are procedures: what holds several is not one itself.
pub(super) fn units(section: &Section) -> Vec<Unit<'_>> {
    let mut found = Vec::new();
    collect(section, None, &mut found);
    found
}

fn collect<'s>(section: &'s Section, above: Option<&'s str>, found: &mut Vec<Unit<'s>>) {
    let apart: Vec<&Section> =
        section.inner.iter().filter(|inner| inner.role().is_none() && step_heading(&inner.heading).is_none()).collect();
    let with_steps = apart.iter().filter(|inner| inner.has_steps()).count();
    let whole = section.is_whole();
    let is_one = match (section.has_own_steps(), with_steps) {
        // A list before several sections with steps is one of contents.
        (true, count) => count < 2,
        (false, 0) => whole || section.inner.iter().any(|inner| inner.role() == Some(Role::Steps) && inner.has_steps()),
        (false, 1) => whole && section.level > 0,
        (false, _) => false,
    };
    if is_one {
        found.push((section, above));
        return;
    }
    // The title of a document says nothing of one of its sections.
    let above = Some(section.heading.as_str()).filter(|_| section.level > 1);
    for inner in &section.inner {
        collect(inner, above, found);
    }
}
