//! Blocks of shell: what of them is a plain command, which needs no shell to be run.

use super::placeholder::{Slots, pieces};

/// What a block of code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// Commands, one after another.
    Commands(Vec<Command>),
    /// Something for a shell or a person, and why it is no command.
    Other(String),
    /// What programs wrote, or data: nothing to be done.
    Data,
}

/// A plain command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// The line it is on in its block, from 0.
    pub line: u32,
    /// Program and arguments as templates.
    pub argv: Vec<String>,
    /// The comment before it.
    pub comment: String,
}

/// Languages of code that says what to type.
const SHELLS: [&str; 10] =
    ["sh", "bash", "shell", "console", "zsh", "shell-session", "sh-session", "terminal", "ksh", "dash"];
/// Languages of what is looked at and not done.
const DATA: [&str; 16] = [
    "mermaid", "text", "txt", "plain", "json", "yaml", "yml", "toml", "ini", "diff", "csv", "log", "output", "xml",
    "dot", "markdown",
];
/// Words that mean something to a shell alone.
const OF_SHELLS: [&str; 30] = [
    "cd", "export", "source", ".", "set", "unset", "if", "then", "else", "fi", "for", "while", "until", "do", "done",
    "case", "esac", "function", "eval", "exec", "alias", "trap", "read", "pushd", "popd", "umask", "ulimit", "wait",
    "exit", "return",
];

/// Whether a block of code says what is to be done, rather than what is seen.
pub(super) fn might_be_done(language: &str, code: &str) -> bool {
    !matches!(read(language, code, &mut Slots::default(), 0), Block::Data)
}

/// How long a command may be, in bytes.
const LONGEST: usize = 16 * 1024;

/// Reads a block of code.
pub(super) fn read(language: &str, code: &str, slots: &mut Slots, at: u32) -> Block {
    let language = language.trim_matches(['{', '}', '.']).to_ascii_lowercase();
    if DATA.contains(&language.as_str()) || code.trim().is_empty() {
        return Block::Data;
    }
    let prompted = code.lines().any(|line| line.trim_start().starts_with("$ "));
    let is_shell = SHELLS.contains(&language.as_str());
    if !is_shell && !(language.is_empty() && (prompted || code.lines().next().is_some_and(looks_like_a_command))) {
        if language.is_empty() {
            return Block::Other(
                "It is not known what this block of code is: an action, a command or an example.".to_owned(),
            );
        }
        return Block::Other(format!(
            "This is {language}: find the action that does it, or make it a program of its own."
        ));
    }
    match commands(code, prompted, slots, at) {
        Ok(commands) if commands.is_empty() => Block::Data,
        Ok(commands) => Block::Commands(commands),
        Err(why) => Block::Other(why),
    }
}

/// Whether a line without a language begins with a program that is given something.
fn looks_like_a_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let is_name = program.starts_with(|first: char| first.is_ascii_lowercase() || matches!(first, '.' | '/'))
        && program.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '/' | '_' | '-'));
    let next = words.next();
    is_name && next.is_some_and(|next| next.contains(['-', '/', '.', '<', '$', '_']) || next == "\\") || {
        let known =
            ["git", "npm", "make", "docker", "kubectl", "systemctl", "helm", "terraform", "aws", "ansible", "sudo"];
        known.contains(&program) && next.is_some()
    }
}

/// The commands of a block, or why it takes a shell.
fn commands(code: &str, prompted: bool, slots: &mut Slots, at: u32) -> Result<Vec<Command>, String> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut lines = code.lines().enumerate();
    while let Some((number, first)) = lines.next() {
        let mut line = first.trim().to_owned();
        if prompted {
            // What has no prompt is what a program answered.
            match line.strip_prefix("$ ") {
                Some(typed) => line = typed.trim().to_owned(),
                None => continue,
            }
        }
        while line.ends_with('\\') && !line.ends_with("\\\\") && line.len() < LONGEST {
            line.pop();
            match lines.next() {
                Some((_, more)) => line = format!("{} {}", line.trim_end(), more.trim()),
                None => break,
            }
        }
        while !line.starts_with('#') && line.len() < LONGEST && in_quotes(&line) {
            match lines.next() {
                Some((_, more)) => line = format!("{line}\n{}", more.trim_end()),
                None => break,
            }
        }
        if line.len() >= LONGEST {
            return Err("It is too long to be one command.".to_owned());
        }
        if line.is_empty() {
            continue;
        }
        if let Some(said) = line.strip_prefix('#') {
            comment = format!("{comment} {}", said.trim_start_matches('#').trim()).trim().to_owned();
            continue;
        }
        let line_of_block = u32::try_from(number).unwrap_or(u32::MAX);
        let argv = argv(&line, slots, at.saturating_add(line_of_block))?;
        found.push(Command { line: line_of_block, argv, comment: std::mem::take(&mut comment) });
    }
    Ok(found)
}

/// Private characters around the number of a placeholder, while the shell's quotes are taken off.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Program and arguments of one line.
fn argv(line: &str, slots: &mut Slots, at: u32) -> Result<Vec<String>, String> {
    if line.contains([OPEN, CLOSE]) {
        return Err("It has characters of private use: write the command anew.".to_owned());
    }
    let mut held: Vec<String> = Vec::new();
    let mut marked = String::new();
    for piece in pieces(line) {
        match piece.slot {
            Some(slot) => {
                if slots.is_secret(slot) {
                    return Err(format!(
                        "`{slot}` looks like a secret, and must not reach the arguments of a program: give it by `env` or `stdin`."
                    ));
                }
                let id = slots.of(slot, at);
                marked.push_str(&format!("{OPEN}{}{CLOSE}", held.len()));
                held.push(format!("{{{{ parameters.{id} }}}}"));
            }
            None => marked.push_str(piece.text),
        }
    }
    if let Some(found) = needs_a_shell(&marked) {
        return Err(format!(
            "It takes a shell, for `{found}`: use an action for each part of it, or make it a program of its own."
        ));
    }
    let words = shell_words::split(&marked).map_err(|_| "A quotation mark in it is not closed.".to_owned())?;
    let Some(program) = words.first() else { return Err("It begins with no program.".to_owned()) };
    if program.is_empty() || program.starts_with([OPEN, '-']) {
        return Err("It begins with no program.".to_owned());
    }
    if OF_SHELLS.contains(&program.as_str()) {
        return Err(format!(
            "`{program}` means something to a shell alone: it is an environment, a folder or a condition of the next step."
        ));
    }
    let is_assignment = program.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if is_assignment {
        return Err("It sets a variable for the program: write that under `env`.".to_owned());
    }
    Ok(words.iter().map(|word| filled(word, &held)).collect())
}

/// The word as a template.
fn filled(word: &str, held: &[String]) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once(OPEN) {
        out.push_str(&super::words::escaped(before));
        let (number, after) = after.split_once(CLOSE).unwrap_or((after, ""));
        let reference = number.parse::<usize>().ok().and_then(|number| held.get(number));
        super::words::refer(&mut out, reference.map_or("", String::as_str));
        rest = after;
    }
    out.push_str(&super::words::escaped(rest));
    out
}

/// Whether a quotation goes on after the end of a line.
fn in_quotes(line: &str) -> bool {
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => drop(characters.next()),
            (None, '\'' | '"') => quote = Some(character),
            _ => {}
        }
    }
    quote.is_some()
}

/// The first part of a line that only a shell understands.
fn needs_a_shell(line: &str) -> Option<String> {
    let mut quote = None;
    let mut characters = line.chars().peekable();
    let mut at_word = true;
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => drop(characters.next()),
            (None, '\'' | '"') => quote = Some(character),
            (_, '`') => return Some("`".to_owned()),
            (_, '$') => return Some("$".to_owned()),
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*' | '?' | '[' | ']' | '{' | '}' | '!') => {
                let doubled = characters.peek() == Some(&character) && matches!(character, '|' | '&' | '<' | '>');
                return Some(if doubled { format!("{character}{character}") } else { character.to_string() });
            }
            (None, '~' | '#') if at_word => return Some(character.to_string()),
            _ => {}
        }
        at_word = quote.is_none() && character.is_whitespace();
    }
    None
}
