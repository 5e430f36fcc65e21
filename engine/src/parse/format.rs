//! The layout of a document: indentation, blanks at line ends, blank lines, the blanks inside braces. Comments, quotes,
//! the order of keys and what stands within scalars are the author's and stay.
//!
//! What is written differs from what was read in white space alone, and reads back as the same document; where it would
//! not, nothing is given.

use std::ops::Range;
use std::sync::Arc;

use super::node::{Data, Node, Style};
use super::problems::Problems;
use super::yaml;
use crate::diagnostic::{Diagnostic, Source};

mod braces;

use braces::{braces, closing, end_of};

/// Columns that a level is deep.
const STEP: usize = 2;

/// Why a document is not laid out.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be read.
    Unread(Vec<Diagnostic>),
    /// It would mean something else, or lose something: a mistake of this program.
    Changed,
}

/// The document as it should look. The same text comes back where it looks so already.
///
/// # Errors
/// When it cannot be read, or would not be the same document.
pub fn format(source: &Arc<Source>) -> Result<String, Refused> {
    let before = read(source)?;
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text).replace("\r\n", "\n");
    let plain = named(source, text);
    let tree = read(&plain)?;
    let laid_out = named(source, lines(&plain.text, &tree));
    let again = read(&laid_out).map_err(|_| Refused::Changed)?;
    let braced = named(source, braces(&laid_out.text, &again));
    let after = read(&braced).map_err(|_| Refused::Changed)?;
    // As text, so that the order of keys counts.
    let written = |tree: &Node| tree.to_json().to_string();
    let same = written(&before) == written(&after) && styles(&before) == styles(&after);
    if same && visible(&source.text).eq(visible(&braced.text)) {
        Ok(braced.text.clone())
    } else {
        Err(Refused::Changed)
    }
}

fn named(source: &Source, text: String) -> Arc<Source> {
    Arc::new(Source { name: source.name.clone(), text })
}

fn read(source: &Arc<Source>) -> Result<Node, Refused> {
    let mut problems = Problems::new(Arc::clone(source));
    let tree = yaml::read(&mut problems);
    match tree {
        Some(tree) if !problems.refused() => Ok(tree),
        _ => Err(Refused::Unread(problems.into_sorted())),
    }
}

/// Everything that is no white space, comments included.
fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}')
}

/// How each text is quoted, in order.
fn styles(node: &Node) -> Vec<Style> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match &node.data {
            Data::String(_, style) => found.push(*style),
            Data::Sequence(items) => open.extend(items),
            Data::Mapping(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
            _ => {}
        }
    }
    found
}

/// A level of lists and maps that are written in lines.
struct Level {
    is_list: bool,
    was: usize,
    is: usize,
}

/// What a line is to the layout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// It belongs to a text or a bracket that began above; `verbatim` where its white space is content.
    Inside {
        verbatim: bool,
    },
    /// It is content of a block, which begins at that column; none where its header says how deep it is.
    Block {
        column: Option<usize>,
    },
    Blank,
    Comment,
    Structure,
}

/// Lays the lines out.
fn lines(text: &str, tree: &Node) -> String {
    let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
    let sorts = sorts(text, &lines, tree);
    let mut layout = Layout::default();
    for (line, sort) in lines.iter().zip(&sorts) {
        match sort {
            Sort::Inside { verbatim: true } => layout.inside(line, None),
            Sort::Inside { verbatim: false } => layout.inside(line.trim_end(), None),
            Sort::Block { column } => {
                layout.inside(line, *column);
                layout.is_after_block = true;
            }
            Sort::Blank => layout.blank(),
            Sort::Comment => layout.waiting.push(line),
            Sort::Structure => layout.structure(line),
        }
    }
    layout.settle(None);
    // Blank lines that are content of a block are no blank lines here.
    while sorts.last() == Some(&Sort::Blank) && layout.laid.last().is_some_and(String::is_empty) {
        layout.laid.pop();
    }
    let mut text = layout.laid.join("\n");
    text.push('\n');
    text
}

/// The lines as they were laid so far.
#[derive(Default)]
struct Layout<'a> {
    laid: Vec<String>,
    levels: Vec<Level>,
    // How far the last structure moved: what is inside it moves with it.
    moved: isize,
    // Whether a block was laid last.
    is_after_block: bool,
    // Comments, and blank lines between them, wait for the line that they stand above.
    waiting: Vec<&'a str>,
}

impl Layout<'_> {
    /// A line that moves with what is above, or a block's that begins one level below it.
    fn inside(&mut self, line: &str, column: Option<usize>) {
        self.settle(None);
        let level = self.levels.last().map_or(0, |level| level.is + STEP);
        let by = column.map_or(self.moved, |column| level.cast_signed() - column.cast_signed());
        self.laid.push(shifted(line, by));
    }

    /// One blank line where there were some; none at the beginning.
    fn blank(&mut self) {
        if !self.waiting.is_empty() {
            self.waiting.push("");
        } else if self.laid.last().is_some_and(|last| !last.is_empty()) {
            self.laid.push(String::new());
        }
    }

    /// Puts waiting comments down. One that stands at the column of the line below, or left of it, moves with that line;
    /// one that stands deeper moves with what is above.
    fn settle(&mut self, below: Option<(usize, isize)>) {
        for comment in std::mem::take(&mut self.waiting) {
            if comment.is_empty() {
                self.blank();
                continue;
            }
            let by = below.filter(|(column, _)| indent_of(comment) <= *column).map_or(self.moved, |(_, by)| by);
            let column = indent_of(comment).saturating_add_signed(by);
            // Below a block it must stand left of it, or it would be content.
            let above = self.levels.last().map_or(0, |level| level.is);
            let left = below.map_or(above, |(column, by)| column.saturating_add_signed(by));
            let column = if self.is_after_block { column.min(left) } else { column };
            self.laid.push(format!("{}{}", " ".repeat(column), comment.trim()));
        }
    }

    /// A line of structure: its dashes, and what comes after them.
    fn structure(&mut self, line: &str) {
        let mut column = indent_of(line);
        let mut rest = line[column..].trim_end();
        let mut rendered = String::new();
        let mut first = None;
        loop {
            let is_list = rest == "-" || rest.starts_with("- ");
            let is = place(&mut self.levels, is_list, column);
            let by = is.cast_signed() - column.cast_signed();
            if first.is_none() {
                first = Some(by);
                rendered = " ".repeat(is);
            }
            let after = rest[usize::from(is_list)..].trim_start_matches(' ');
            // A block that is an entry itself is no level of its own.
            if !is_list || after.is_empty() || after.starts_with(['#', '|', '>']) {
                if is_list && !after.is_empty() {
                    rendered.push_str("- ");
                    rendered.push_str(after);
                } else {
                    rendered.push_str(rest);
                }
                self.settle(Some((indent_of(line), first.unwrap_or(by))));
                (self.moved, self.is_after_block) = (by, false);
                self.laid.push(rendered);
                return;
            }
            rendered.push_str("- ");
            column += rest.len() - after.len();
            rest = after;
        }
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn shifted(line: &str, by: isize) -> String {
    if line.is_empty() {
        return String::new();
    }
    let indent = indent_of(line);
    format!("{}{}", " ".repeat(indent.saturating_add_signed(by)), &line[indent..])
}

/// The column of a part that stood at another, within the levels that are open there.
fn place(levels: &mut Vec<Level>, is_list: bool, column: usize) -> usize {
    while levels.last().is_some_and(|level| level.was > column) {
        levels.pop();
    }
    // A list may stand at the column of the key that it belongs to.
    if levels.last().is_some_and(|level| level.was == column && level.is_list && !is_list) {
        levels.pop();
    }
    match levels.last() {
        Some(level) if level.was == column && level.is_list == is_list => level.is,
        above => {
            let is = above.map_or(0, |above| above.is + STEP);
            levels.push(Level { is_list, was: column, is });
            is
        }
    }
}

/// What each line is.
fn sorts(text: &str, lines: &[&str], tree: &Node) -> Vec<Sort> {
    let by_itself = |line: &&str| match line.trim_matches([' ', '\t']) {
        "" => Sort::Blank,
        comment if comment.starts_with('#') => Sort::Comment,
        _ => Sort::Structure,
    };
    let mut sorts: Vec<Sort> = lines.iter().map(by_itself).collect();
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    let starts: Vec<usize> = std::iter::once(0).chain(breaks).collect();
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let mut mark = |lines: Range<usize>, as_what: Sort| {
        lines.for_each(|line| sorts.get_mut(line).into_iter().for_each(|sort| *sort = as_what));
    };
    // A text in double quotes may have a blank at the end of a line that is meant; it is marked after its brackets.
    let mut quoted = Vec::new();
    let mut open = vec![(tree, false)];
    while let Some((node, in_flow)) = open.pop() {
        let span = &node.span;
        let end = end_of(text, node).unwrap_or(span.end);
        let after_first = || if span.is_empty() { 0..0 } else { line_of(span.start) + 1..line_of(end - 1) + 1 };
        let is_flow = in_flow || closing(text, node).is_some();
        match &node.data {
            // One of blank lines alone has no place of its own; its header is the last above.
            Data::String(_, Style::Block) if span.is_empty() => {
                let above = (0..=line_of(span.start)).rev().find(|at| header(lines.get(*at).unwrap_or(&"")).is_some());
                if let Some(above) = above {
                    let (lines, column) = block(lines, above + 1..above + 1);
                    mark(lines, Sort::Block { column });
                }
            }
            Data::String(_, Style::Block) => {
                let begin = line_of(span.start);
                // What begins on the header's own line has its content on the next.
                let begins_there = text[starts[begin]..span.start].trim().is_empty();
                let found = begin + usize::from(!begins_there)..line_of(span.end - 1) + 1;
                let (lines, column) = block(lines, found);
                mark(lines, Sort::Block { column });
            }
            Data::String(_, Style::DoubleQuoted) => quoted.push(after_first()),
            Data::String(..) if !in_flow => mark(after_first(), Sort::Inside { verbatim: false }),
            Data::Sequence(items) => open.extend(items.iter().map(|item| (item, is_flow))),
            Data::Mapping(entries) => open.extend(entries.iter().map(|entry| (&entry.value, is_flow))),
            _ => {}
        }
        if is_flow && !in_flow && matches!(node.data, Data::Sequence(_) | Data::Mapping(_)) {
            mark(after_first(), Sort::Inside { verbatim: false });
        }
    }
    quoted.into_iter().for_each(|lines| mark(lines, Sort::Inside { verbatim: true }));
    sorts
}

/// What says that a block begins, at the end of a line: `|`, `>-`, `|2+`.
fn header(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    line.rsplit(' ').next().filter(|word| word.starts_with(['|', '>']))
}

/// The lines of a block's content, by those on which something of it stands: blank ones before, and after it those that
/// are content too. And the column at which it begins.
fn block(lines: &[&str], found: Range<usize>) -> (Range<usize>, Option<usize>) {
    let is_blank = |at: usize| lines.get(at).is_some_and(|line| line.trim().is_empty());
    let mut first = found.start;
    while first > 0 && is_blank(first - 1) {
        first -= 1;
    }
    let header = first.checked_sub(1).and_then(|at| header(lines.get(at)?)).unwrap_or_default();
    let keeps = header.contains('+');
    let column = (first..found.end).find(|at| !is_blank(*at)).map(|at| indent_of(lines[at]));
    let last = found.end.max(first);
    let blank = last + (last..lines.len()).take_while(|at| is_blank(*at)).count();
    // What is deeper than the block is content, blank as it is, and with it what stands before.
    let deep = (last..blank).rev().find(|at| keeps || lines[*at].len() > column.unwrap_or(0));
    let last = deep.map_or(last, |at| at + 1);
    (first..last, column.filter(|_| !header.contains(|c: char| c.is_ascii_digit())))
}

#[cfg(test)]
mod tests;
