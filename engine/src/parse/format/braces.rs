//! Lists and maps in brackets: where they end, and the blanks inside them.

use std::ops::Range;

use crate::parse::node::{Data, Node};

/// The bracket that closes a list or map; none where it is written in lines. Such a list may begin where its first item
/// does, with a bracket of that.
pub(super) fn closing(text: &str, node: &Node) -> Option<u8> {
    let (first, close) = match (&node.data, text.as_bytes().get(node.span.start)?) {
        (Data::Sequence(items), b'[') => (items.first().map(|item| item.span.start), b']'),
        (Data::Mapping(entries), b'{') => (entries.first().map(|entry| entry.key_span.start), b'}'),
        _ => return None,
    };
    (first != Some(node.span.start)).then_some(close)
}

/// Where something in brackets ends: after the bracket that closes it. None where that is not found.
pub(super) fn end_of(text: &str, node: &Node) -> Option<usize> {
    let Some(close) = closing(text, node) else { return Some(node.span.end) };
    let last = match &node.data {
        Data::Sequence(items) => items.last(),
        Data::Mapping(entries) => entries.last().map(|entry| &entry.value),
        _ => None,
    };
    let mut at = match last {
        Some(last) => end_of(text, last)?,
        None => node.span.start + 1,
    };
    loop {
        match *text.as_bytes().get(at)? {
            b' ' | b'\n' | b'\t' | b',' | b':' => at += 1,
            b'#' => at += text.get(at..)?.find('\n')?,
            found => return (found == close).then_some(at + 1),
        }
    }
}

/// One blank inside braces that hold something, none inside brackets: `{ a: [1, 2] }`.
pub(super) fn braces(text: &str, tree: &Node) -> String {
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        let inner = match &node.data {
            Data::Sequence(items) => {
                open.extend(items);
                Some((b']', ""))
            }
            Data::Mapping(entries) => {
                open.extend(entries.iter().map(|entry| &entry.value));
                Some((b'}', if entries.is_empty() { "" } else { " " }))
            }
            _ => None,
        };
        if let Some((bracket, blank)) = inner
            && closing(text, node) == Some(bracket)
            && let Some(end) = end_of(text, node)
        {
            edits.extend(inner_blanks(text, &(node.span.start..end), blank));
        }
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    edits.dedup();
    let mut edited = String::with_capacity(text.len() + edits.len());
    let mut done = 0;
    for (range, blank) in edits {
        if range.start >= done {
            edited.push_str(&text[done..range.start]);
            edited.push_str(blank);
            done = range.end;
        }
    }
    edited.push_str(&text[done..]);
    edited
}

/// The blanks after an opening bracket and before its closing one, where something stands on the same line.
fn inner_blanks<'b>(text: &str, span: &Range<usize>, blank: &'b str) -> Vec<(Range<usize>, &'b str)> {
    let (from, to) = (span.start + 1, span.end - 1);
    let Some(content) = text.get(from..to) else { return Vec::new() };
    let after = content.len() - content.trim_start_matches(' ').len();
    if content.trim().is_empty() {
        return if content.contains('\n') { Vec::new() } else { vec![(from..to, blank)] };
    }
    let mut edits = Vec::new();
    if !content[after..].starts_with(['\n', '#']) {
        edits.push((from..from + after, blank));
    }
    let kept = content.trim_end_matches(' ').len();
    if !content[..kept].ends_with('\n') {
        edits.push((from + kept..to, blank));
    }
    edits
}
