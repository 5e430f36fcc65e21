//! Rust files as the rules see them: code without comments and literals, the paths it names, and what is test code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{files, has_extension, text};

/// A Rust file.
pub struct Source {
    /// From the root of the project.
    pub path: PathBuf,
    /// As written.
    pub text: String,
    /// The same, line by line, with comments and literals blanked.
    pub code: String,
    /// Whether it is compiled for tests alone.
    pub is_test: bool,
}

/// All Rust files of the project.
pub fn all() -> Vec<Source> {
    let mut sources: Vec<Source> = files()
        .into_iter()
        .filter(|path| has_extension(path, "rs"))
        .map(|path| {
            let text = text(&path);
            let code = blanked(&text);
            let is_test = path.starts_with("tests") || path.ends_with("tests.rs");
            Source { path, text, code, is_test }
        })
        .collect();
    let tests: BTreeSet<PathBuf> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        let without_extension = source.path.with_extension("");
        source.is_test |= tests.iter().any(|module| without_extension.starts_with(module));
    }
    sources
}

impl Source {
    /// The engine's module that this file belongs to: the first name below `engine/src`.
    pub fn engine_module(&self) -> Option<String> {
        let inner = self.path.strip_prefix("engine/src").ok()?;
        let first = Path::new(inner.components().next()?.as_os_str()).with_extension("");
        (inner != Path::new("lib.rs")).then(|| first.to_string_lossy().into_owned())
    }

    /// The lines that count against the limit: all but a test module at the end of the file.
    pub fn lines(&self) -> usize {
        let inline_tests = self.code.find("#[cfg(test)]\nmod tests {").filter(|_| !self.is_test);
        self.code[..inline_tests.unwrap_or(self.code.len())].lines().count()
    }

    /// Every path of two names or more that the code says, each `use` group spread out, with its line.
    pub fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let tokens = tokens(&self.code);
        let mut paths = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let (line, token) = &tokens[at];
            if token == "use" {
                at = use_tree(&tokens, at + 1, &mut Vec::new(), &mut paths);
            } else if is_name(token) {
                let (names, next) = path_at(&tokens, at);
                if names.len() > 1 {
                    paths.push((*line, names));
                }
                at = next;
            } else {
                at += 1;
            }
        }
        paths
    }
}

/// The modules that a file declares for tests alone, as paths without extension.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let stem = source.path.with_extension("");
    let is_root = source.path.ends_with("lib.rs") || source.path.ends_with("main.rs");
    let folder = if is_root { stem.parent().unwrap_or(Path::new("")).to_owned() } else { stem };
    let declared = |rest: &str| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("pub(super) ").or_else(|| rest.strip_prefix("pub(crate) ")).unwrap_or(rest);
        let (name, _) = rest.strip_prefix("mod ")?.split_once(';')?;
        is_name(name).then(|| folder.join(name))
    };
    source.code.split("#[cfg(test)]").skip(1).filter_map(declared).collect()
}

type Token = (usize, String);

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push((number + 1, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
}

/// The names joined by `::` from a place on, and the place after them.
fn path_at(tokens: &[Token], from: usize) -> (Vec<String>, usize) {
    let mut names = vec![tokens[from].1.clone()];
    let mut at = from + 1;
    while tokens.get(at).is_some_and(|(_, token)| token == "::") {
        match tokens.get(at + 1) {
            Some((_, name)) if is_name(name) => names.push(name.clone()),
            _ => return (names, at + 1),
        }
        at += 2;
    }
    (names, at)
}

/// Spreads out one tree of a `use`; gives the place after it.
fn use_tree(tokens: &[Token], from: usize, before: &mut Vec<String>, paths: &mut Vec<(usize, Vec<String>)>) -> usize {
    let depth = before.len();
    let mut at = from;
    while let Some((line, token)) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|(_, token)| token != "}") {
                    at = use_tree(tokens, at, before, paths);
                    if tokens.get(at).is_some_and(|(_, token)| token == ",") {
                        at += 1;
                    }
                }
                before.truncate(depth);
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            "::" => at += 1,
            name => {
                before.push(name.to_owned());
                at += 1;
                let ends = tokens.get(at).is_none_or(|(_, token)| matches!(token.as_str(), "," | "}" | ";" | "as"));
                if ends {
                    paths.push((*line, before.clone()));
                }
            }
        }
    }
    before.truncate(depth);
    at
}

/// The text with comments, strings and characters replaced by blanks, line breaks kept.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'r' if !is_word_before(bytes, at) => raw_string_end(bytes, at).unwrap_or(at),
            b'\'' => character_end(bytes, at).unwrap_or(at),
            _ => at,
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(code).unwrap()
}

fn is_word_before(bytes: &[u8], at: usize) -> bool {
    // `br"…"` is a raw string as well.
    let before = |back: usize| at.checked_sub(back).map(|at| bytes[at]);
    let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if before(1) == Some(b'b') { is_word(before(2)) } else { is_word(before(1)) }
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn comment_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0;
    let mut at = at;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(at + 1 + hashes) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let from = at + 2 + hashes;
    let length = bytes[from..].windows(close.len()).position(|window| window == close)?;
    Some(from + length + close.len())
}

/// The end of a character literal; none for a lifetime.
fn character_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let length = bytes[at + 3..].iter().position(|byte| *byte == b'\'')?;
        return Some(at + 3 + length + 1);
    }
    let first = std::str::from_utf8(&bytes[at + 1..(at + 5).min(bytes.len())]);
    let first = match first {
        Ok(text) => text.chars().next(),
        Err(error) => std::str::from_utf8(&bytes[at + 1..at + 1 + error.valid_up_to()]).ok()?.chars().next(),
    }?;
    let close = at + 1 + first.len_utf8();
    (bytes.get(close) == Some(&b'\'')).then_some(close + 1)
}

#[test]
fn comments_and_literals_are_no_code() {
    let blank = blanked("a(\"b::c \\\" d\"); // e::f\nlet x = '\"'; r#\"g\"::h\"# /* i /* j */ k */ l::m::<'n>('\\'')");
    assert_eq!(blank.split_whitespace().collect::<String>(), "a();letx=;l::m::<'n>()");
}

#[test]
fn groups_of_use_are_spread_out() {
    let code = "use a::{b::{self, C as D}, e};\nlet x = f::g(h);".to_owned();
    let source = Source { path: PathBuf::new(), text: String::new(), code, is_test: false };
    let paths: Vec<String> =
        source.paths().iter().map(|(line, names)| format!("{line} {}", names.join("::"))).collect();
    assert_eq!(paths, ["1 a::b::self", "1 a::b::C", "1 a::e", "2 f::g"]);
}
