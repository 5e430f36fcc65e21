//! The documents that the editor has open, as it has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::parse::Kind;
use engine::procedure::workspace::FILE;
use gen_lsp_types::{DidChangeTextDocumentParams, TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::position::{Encoding, Lines};
use super::uri;

/// A document that is open.
pub struct Document {
    /// As the editor names it.
    pub uri: Uri,
    /// Where it is kept, if it is a file.
    pub path: Option<PathBuf>,
    /// The editor's count of changes.
    pub version: i32,
    /// All of it.
    pub text: String,
}

impl Document {
    /// Whether it is a workspace file.
    pub fn is_workspace(&self) -> bool {
        self.path.as_deref().is_some_and(is_workspace)
    }

    /// What it is where it does not say so itself.
    pub fn kind(&self) -> Option<Kind> {
        let name = self.path.as_ref()?.file_name()?.to_str()?;
        match name {
            FILE => Some(Kind::Workspace),
            name if name.ends_with(".test.yaml") => Some(Kind::Test),
            _ => None,
        }
    }
}

/// Whether a path is that of a workspace file.
pub fn is_workspace(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

/// All that are open.
#[derive(Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
}

impl Documents {
    pub fn open(&mut self, item: TextDocumentItem) {
        let path = uri::path(&item.uri);
        let document = Document { uri: item.uri, path, version: item.version, text: item.text };
        self.open.insert(document.uri.0.clone(), document);
    }

    /// Changes a document; of one that is not open nothing is known to change.
    pub fn change(&mut self, params: DidChangeTextDocumentParams, encoding: Encoding) {
        let uri = params.text_document.text_document_identifier.uri;
        let Some(document) = self.open.get_mut(&uri.0) else { return };
        for change in params.content_changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    document.text = whole.text;
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let bytes = Lines::of(&document.text, encoding).bytes(part.range);
                    document.text.replace_range(bytes, &part.text);
                }
            }
        }
        document.version = params.text_document.version;
    }

    pub fn close(&mut self, uri: &Uri) -> Option<Document> {
        self.open.remove(&uri.0)
    }

    pub fn get(&self, uri: &Uri) -> Option<&Document> {
        self.open.get(&uri.0)
    }

    /// The document of a path.
    pub fn at(&self, path: &Path) -> Option<&Document> {
        self.iter().find(|document| document.path.as_deref() == Some(path))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.open.values()
    }
}
