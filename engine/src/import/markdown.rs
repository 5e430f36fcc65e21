//! Markdown to blocks with their lines: what a runbook is made of, and no more.
//!
//! Emphasis is dropped, code keeps its backticks, a link is its text. Nesting is cut off at a depth that no runbook has:
//! what stands deeper is read as if it stood there.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// How deep lists and quotes are followed.
const DEEPEST: usize = 12;

/// Text of one paragraph, heading or cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prose {
    /// What it says, in one line or several.
    pub text: String,
    /// The strong words that it begins with.
    pub lead: String,
    /// Whether there is nothing but those.
    pub all_strong: bool,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its line in the document, from 1.
    pub line: u32,
    /// Whether it has a box, ticked or not.
    pub boxed: bool,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

/// One part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Its line in the document, from 1.
    pub line: u32,
    /// What it is.
    pub what: What,
}

/// What a part of a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A heading with its level, from 1.
    Heading(usize, Prose),
    /// A paragraph.
    Paragraph(Prose),
    /// A list; numbered or not.
    List {
        /// Whether it is numbered.
        numbered: bool,
        /// Its items.
        items: Vec<Item>,
    },
    /// A block of code, with its language as written.
    Code(String, String),
    /// A table: its head, and its rows with their lines.
    Table(Vec<String>, Vec<(u32, Vec<String>)>),
    /// A quotation.
    Quote(Vec<Block>),
    /// HTML, as it stands.
    Html(String),
}

/// What is open while the events go by.
enum Open {
    Blocks(Vec<Block>),
    Quote(u32, Vec<Block>),
    List(u32, bool, Vec<Item>),
    Item(Item),
}

struct Builder<'t> {
    text: &'t str,
    // The byte at which each line begins.
    lines: Vec<usize>,
    stack: Vec<Open>,
    // Lists, items and quotes that are too deep to be opened.
    ignored: usize,
    prose: Prose,
    strong: usize,
    plain_seen: bool,
    // The block of code or HTML that is being read.
    raw: Option<String>,
    table: Vec<(u32, Vec<String>)>,
}

/// Reads a document. Every text is Markdown, so there are no errors.
pub(super) fn read(text: &str) -> Vec<Block> {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let stack = vec![Open::Blocks(Vec::new())];
    let mut builder = Builder {
        text,
        lines,
        stack,
        ignored: 0,
        prose: Prose::default(),
        strong: 0,
        plain_seen: false,
        raw: None,
        table: Vec::new(),
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.take(event, range);
    }
    builder.done()
}

impl Builder<'_> {
    fn line(&self, range: &Range<usize>) -> u32 {
        // Blank lines before a block may be part of its range.
        let blank = self.text[range.clone()].bytes().take_while(u8::is_ascii_whitespace).count();
        let at = range.start + if blank < range.len() { blank } else { 0 };
        u32::try_from(self.lines.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        let line = self.line(&range);
        match event {
            Event::Start(tag) => self.start(&tag, line),
            Event::End(tag) => self.end(tag, line),
            Event::Text(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                None => self.say(&text),
            },
            Event::Code(code) => {
                self.say("`");
                self.say(&code);
                self.say("`");
            }
            Event::Html(html) => match &mut self.raw {
                Some(raw) => raw.push_str(&html),
                None => self.say(&html),
            },
            Event::InlineHtml(html) => {
                self.say(if html.to_ascii_lowercase().starts_with("<br") { "\n" } else { &html })
            }
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.say(&text),
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.say("\n"),
            Event::Rule => {}
            Event::TaskListMarker(_) => {
                if let Some(Open::Item(item)) = self.stack.last_mut() {
                    item.boxed = true;
                }
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, line: u32) {
        match tag {
            // Text of a tight item has no paragraph of its own: what came before a block in it is one.
            Tag::Paragraph | Tag::Heading { .. } => self.flush(line),
            Tag::CodeBlock(_) | Tag::HtmlBlock => {
                self.flush(line);
                self.raw = Some(String::new());
                if let Tag::CodeBlock(CodeBlockKind::Fenced(language)) = tag {
                    self.prose.lead = language.split_whitespace().next().unwrap_or_default().to_owned();
                }
            }
            Tag::BlockQuote(_) => self.open(line, |_| Open::Quote(line, Vec::new())),
            Tag::List(first) => {
                let numbered = first.is_some();
                self.open(line, |_| Open::List(line, numbered, Vec::new()));
            }
            Tag::Item => self.open(line, |_| Open::Item(Item { line, boxed: false, blocks: Vec::new() })),
            Tag::Table(_) => {
                self.flush(line);
                self.table.clear();
            }
            Tag::TableHead | Tag::TableRow => self.table.push((line, Vec::new())),
            Tag::TableCell => self.prose = Prose::default(),
            Tag::Strong => self.strong += 1,
            _ => {}
        }
    }

    fn open(&mut self, line: u32, make: impl FnOnce(&Self) -> Open) {
        self.flush(line);
        if self.ignored > 0 || self.stack.len() > DEEPEST {
            self.ignored += 1;
        } else {
            let open = make(self);
            self.stack.push(open);
        }
    }

    fn end(&mut self, tag: TagEnd, line: u32) {
        match tag {
            TagEnd::Paragraph => self.flush(line),
            TagEnd::Heading(level) => {
                let prose = self.words();
                self.put(line, What::Heading(level_of(level), prose));
            }
            TagEnd::CodeBlock => {
                let language = std::mem::take(&mut self.prose.lead);
                let code = self.raw.take().unwrap_or_default();
                self.put(line, What::Code(language, code.trim_end().to_owned()));
            }
            TagEnd::HtmlBlock => {
                let html = self.raw.take().unwrap_or_default();
                self.put(line, What::Html(html.trim().to_owned()));
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => {
                self.flush(line);
                if self.ignored > 0 {
                    self.ignored -= 1;
                } else {
                    self.close();
                }
            }
            TagEnd::TableCell => {
                let prose = self.words();
                if let Some((_, cells)) = self.table.last_mut() {
                    cells.push(prose.text);
                }
            }
            TagEnd::Table => {
                let mut rows = std::mem::take(&mut self.table).into_iter();
                let head = rows.next().map(|(_, cells)| cells).unwrap_or_default();
                self.put(line, What::Table(head, rows.collect()));
            }
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            _ => {}
        }
    }

    fn say(&mut self, text: &str) {
        if self.strong > 0 && !self.plain_seen {
            self.prose.lead.push_str(text);
        } else if !text.trim().is_empty() {
            self.plain_seen = true;
        }
        self.prose.text.push_str(text);
    }

    /// The words since the last block.
    fn words(&mut self) -> Prose {
        let Prose { text, lead, .. } = std::mem::take(&mut self.prose);
        let all_strong = !self.plain_seen && !lead.trim().is_empty();
        self.plain_seen = false;
        let text: Vec<&str> = text.split('\n').map(str::trim).collect();
        Prose { text: text.join("\n").trim().to_owned(), lead: lead.trim().to_owned(), all_strong }
    }

    fn flush(&mut self, line: u32) {
        let prose = self.words();
        if !prose.text.is_empty() {
            self.put(line, What::Paragraph(prose));
        }
    }

    fn put(&mut self, line: u32, what: What) {
        match self.stack.last_mut() {
            Some(Open::Blocks(blocks) | Open::Quote(_, blocks)) => blocks.push(Block { line, what }),
            // A paragraph of an item is noticed when the item goes on: its line is the item's.
            Some(Open::Item(item)) => {
                let first = item.blocks.is_empty() && matches!(what, What::Paragraph(_));
                item.blocks.push(Block { line: if first { item.line } else { line }, what });
            }
            Some(Open::List(_, _, items)) => {
                items.push(Item { line, boxed: false, blocks: vec![Block { line, what }] })
            }
            None => {}
        }
    }

    fn close(&mut self) {
        if self.stack.len() < 2 {
            return;
        }
        match self.stack.pop() {
            Some(Open::Quote(line, blocks)) => self.put(line, What::Quote(blocks)),
            Some(Open::List(line, numbered, items)) => self.put(line, What::List { numbered, items }),
            Some(Open::Item(item)) => match self.stack.last_mut() {
                Some(Open::List(_, _, items)) => items.push(item),
                _ => item.blocks.into_iter().for_each(|block| self.put(block.line, block.what)),
            },
            Some(Open::Blocks(_)) | None => {}
        }
    }

    fn done(mut self) -> Vec<Block> {
        self.flush(1);
        while self.stack.len() > 1 {
            self.close();
        }
        match self.stack.pop() {
            Some(Open::Blocks(blocks)) => blocks,
            _ => Vec::new(),
        }
    }
}

fn level_of(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// All that blocks say, as lines.
pub(super) fn plain(blocks: &[Block]) -> Vec<String> {
    let mut lines = Vec::new();
    for block in blocks {
        let text = match &block.what {
            What::Heading(_, prose) | What::Paragraph(prose) => prose.text.clone(),
            What::Code(_, code) => code.clone(),
            What::Html(html) => html.clone(),
            What::Quote(inner) => plain(inner).join("\n"),
            What::List { numbered, items } => {
                let item = |(at, item): (usize, &Item)| {
                    let mark = if *numbered { format!("{}. ", at + 1) } else { "- ".to_owned() };
                    format!("{mark}{}", plain(&item.blocks).join("\n").replace('\n', "\n  "))
                };
                items.iter().enumerate().map(item).collect::<Vec<_>>().join("\n")
            }
            What::Table(head, rows) => {
                let cells = std::iter::once(head).chain(rows.iter().map(|(_, cells)| cells));
                cells.map(|cells| cells.join(" | ")).collect::<Vec<_>>().join("\n")
            }
        };
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}
