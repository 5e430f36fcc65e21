//! The statements of a text, as a tree.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::did_you_mean;
use crate::template::error::SyntaxError;
use crate::template::scan::{Piece, scan};
use crate::template::syntax::{self, Node};

/// A part of a text.
#[derive(Debug, Clone)]
pub(super) enum Block {
    Literal(Range<usize>),
    Output { node: Node, marker: Range<usize> },
    If { arms: Vec<(Node, Vec<Block>)>, otherwise: Vec<Block>, span: Range<usize> },
    For { names: Vec<Arc<str>>, over: Node, body: Vec<Block>, otherwise: Vec<Block>, span: Range<usize> },
}

/// The deepest statements within statements.
const DEPTH: usize = 16;
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// A statement whose end has not come yet.
struct Open {
    kind: OpenKind,
    marker: Range<usize>,
    /// Whether `else` has come.
    in_else: bool,
    otherwise: Vec<Block>,
}

enum OpenKind {
    If { arms: Vec<(Node, Vec<Block>)> },
    For { names: Vec<Arc<str>>, over: Node, body: Vec<Block> },
}

impl Open {
    /// Where the next block goes.
    fn body(&mut self) -> &mut Vec<Block> {
        match &mut self.kind {
            OpenKind::If { arms } if !self.in_else => match arms.last_mut() {
                Some((_, body)) => body,
                None => &mut self.otherwise,
            },
            OpenKind::For { body, .. } if !self.in_else => body,
            _ => &mut self.otherwise,
        }
    }

    fn close(self, end: usize) -> Block {
        let (otherwise, span) = (self.otherwise, self.marker.start..end);
        match self.kind {
            OpenKind::If { arms } => Block::If { arms, otherwise, span },
            OpenKind::For { names, over, body } => Block::For { names, over, body, otherwise, span },
        }
    }

    fn is_if(&self) -> bool {
        matches!(self.kind, OpenKind::If { .. })
    }
}

/// Reads a text's parts and puts them into one another.
pub(super) fn parse(source: &str) -> Result<Vec<Block>, SyntaxError> {
    let mut done = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for piece in scan(source)? {
        let block = match piece {
            Piece::Literal(at) => Some(Block::Literal(at)),
            Piece::Output { marker, inner } => Some(Block::Output { node: syntax::parse(source, inner)?, marker }),
            Piece::Statement { marker, inner } => statement(source, marker, inner, &mut open)?,
        };
        if let Some(block) = block {
            open.last_mut().map_or(&mut done, Open::body).push(block);
        }
    }
    match open.pop() {
        None => Ok(done),
        Some(unclosed) => {
            let (begin, end) = if unclosed.is_if() { ("if", "endif") } else { ("for", "endfor") };
            Err(SyntaxError::new(unclosed.marker, format!("`{{% {begin} %}}` is not closed"))
                .help(format!("close it with `{{% {end} %}}`")))
        }
    }
}

/// Reads one statement; gives the block that it ends, if it ends one.
fn statement(
    source: &str,
    marker: Range<usize>,
    inner: Range<usize>,
    open: &mut Vec<Open>,
) -> Result<Option<Block>, SyntaxError> {
    let text = &source[inner.clone()];
    let keyword_start = inner.start + (text.len() - text.trim_start().len());
    let rest = &source[keyword_start..inner.end];
    let keyword = &rest[..rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len())];
    let after = keyword_start + keyword.len()..inner.end;
    let stray = || SyntaxError::new(marker.clone(), format!("`{keyword}` without what it belongs to"));
    let bare = || {
        if source[after.clone()].trim().is_empty() {
            Ok(())
        } else {
            Err(SyntaxError::new(after.clone(), format!("nothing follows `{keyword}`")))
        }
    };
    match keyword {
        "if" | "for" if open.len() >= DEPTH => {
            return Err(SyntaxError::new(marker, "statements are nested too deeply"));
        }
        "if" => {
            let kind = OpenKind::If { arms: vec![(syntax::parse(source, after)?, Vec::new())] };
            open.push(Open { kind, marker, in_else: false, otherwise: Vec::new() });
        }
        "for" => {
            let kind = loop_head(source, after)?;
            open.push(Open { kind, marker, in_else: false, otherwise: Vec::new() });
        }
        "elif" => match open.last_mut() {
            Some(Open { kind: OpenKind::If { arms }, in_else: false, .. }) => {
                arms.push((syntax::parse(source, after)?, Vec::new()));
            }
            _ => return Err(stray()),
        },
        "else" => {
            bare()?;
            match open.last_mut() {
                Some(last) if !last.in_else => last.in_else = true,
                _ => return Err(stray()),
            }
        }
        "endif" | "endfor" => {
            bare()?;
            return match open.pop() {
                Some(last) if last.is_if() == (keyword == "endif") => Ok(Some(last.close(marker.end))),
                _ => Err(stray()),
            };
        }
        _ => {
            let error = SyntaxError::new(marker, format!("statement `{keyword}` does not exist"));
            return Err(match did_you_mean(keyword, STATEMENTS) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("a text has `if`, `elif`, `else`, `endif`, `for` and `endfor`"),
            });
        }
    }
    Ok(None)
}

/// Reads `name in expression` or `name, name in expression`.
fn loop_head(source: &str, head: Range<usize>) -> Result<OpenKind, SyntaxError> {
    let wrong = || {
        SyntaxError::new(head.clone(), "`for` is not written like a loop")
            .help("write `{% for item in list %}` or `{% for name, value in map | items %}`")
    };
    let text = &source[head.clone()];
    let (names, over) = text.split_once(" in ").ok_or_else(wrong)?;
    let over_start = head.end - over.len();
    let names: Vec<Arc<str>> = names.split(',').map(|name| name.trim().into()).collect();
    let is_name = |name: &Arc<str>| {
        name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !["loop", "secrets", "true", "false", "none", "and", "or", "not", "in", "is", "if", "else"]
                .contains(&&**name)
    };
    if names.len() > 2 || !names.iter().all(is_name) {
        return Err(wrong());
    }
    Ok(OpenKind::For { names, over: syntax::parse(source, over_start..head.end)?, body: Vec::new() })
}
