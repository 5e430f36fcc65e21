//! A document in the middle of being written, made readable: a mark stands where the writer is.
//!
//! What is tried first changes least: the mark alone, the mark as a key, then the same with what is open on its line
//! closed, then the same without the lines below.

use crate::parse::node::Node;
use crate::parse::{Kind, look};

/// What stands where the writer is. It is a name in every place where one may stand.
pub(super) const MARK: &str = "zz0here0zz";

/// The tree of the document with the mark in it.
pub(super) fn read(text: &str, at: usize, kind: Option<Kind>) -> Option<(Node, Option<Kind>)> {
    let (head, tail) = text.split_at(at);
    let (rest, below) = tail.split_at(tail.find('\n').unwrap_or(tail.len()));
    let line = head.rsplit('\n').next().unwrap_or_default();
    let close = closers(line);
    let tries = [
        format!("{head}{MARK}{tail}"),
        format!("{head}{MARK}:{tail}"),
        format!("{head}{MARK}{close}{below}"),
        format!("{head}{MARK}:{close}{below}"),
        format!("{head}{MARK}{rest}"),
        format!("{head}{MARK}{close}"),
        format!("{head}{MARK}:{close}"),
    ];
    tries.iter().filter_map(|tried| look(tried, kind)).find(|(tree, _)| is_in(tree))
}

fn is_in(tree: &Node) -> bool {
    super::place::Trail::to_mark(tree, MARK).is_some()
}

/// What closes the quotes and brackets that are open at the end of a line.
fn closers(line: &str) -> String {
    let mut open: Vec<char> = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if !before.is_alphanumeric() => quote = Some(c),
            (None, '#') if before == ' ' => break,
            (None, '{') => open.push('}'),
            (None, '[') => open.push(']'),
            (None, '}' | ']') => drop(open.pop()),
            _ => {}
        }
        before = c;
    }
    quote.into_iter().chain(open.into_iter().rev()).collect()
}
