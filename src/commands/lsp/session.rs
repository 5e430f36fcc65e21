//! One editor from `initialize` to `exit`: what it may ask when, and what it is told unasked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::action::Registry;
use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CompletionOptions, DefinitionProvider,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentSymbolProvider,
    ErrorCodes, HoverProvider, InitializeResult, PublishDiagnosticsParams, ServerCapabilities, ServerInfo,
    TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answers::Desk;
use super::diagnosing;
use super::documents::{Document, Documents};
use super::position::Encoding;
use super::surroundings::Surroundings;

/// Whether there is more to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There is.
    GoOn,
    /// The editor said `exit`.
    End,
}

/// How far an editor has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Running,
    ShutDown,
}

/// What an editor can do with what it is told.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// In what it counts characters.
    pub encoding: Encoding,
    /// Whether it shows other places beside a diagnostic.
    pub shows_related: bool,
    /// Whether it shows Markdown.
    pub shows_markdown: bool,
    /// Whether it can be asked to watch files.
    watches_files: bool,
}

/// Why a question is not answered.
pub struct Refused {
    pub code: ErrorCodes,
    pub message: String,
}

/// One editor.
pub struct Session {
    stage: Stage,
    abilities: Abilities,
    documents: Documents,
    registry: Registry,
    /// The workspace file of `--workspace`.
    workspace: Option<PathBuf>,
    /// What is around each document, as long as nothing has changed.
    around: BTreeMap<String, Surroundings>,
    /// Whether something changed that nothing was said of yet.
    changed: bool,
    /// What was said of each document.
    said: BTreeMap<String, PublishDiagnosticsParams>,
}

impl Session {
    pub fn new(workspace: Option<PathBuf>) -> Self {
        Self {
            stage: Stage::New,
            abilities: Abilities {
                encoding: Encoding::Utf16,
                shows_related: false,
                shows_markdown: false,
                watches_files: false,
            },
            documents: Documents::default(),
            registry: Registry::builtin(),
            workspace,
            around: BTreeMap::new(),
            changed: false,
            said: BTreeMap::new(),
        }
    }

    /// Whether the editor said `shutdown`.
    pub fn is_shut_down(&self) -> bool {
        self.stage == Stage::ShutDown
    }

    /// Takes a message; gives what is said to it.
    pub fn hear(&mut self, message: Value) -> (Vec<Value>, Turn) {
        let Value::Object(mut parts) = message else {
            return (vec![error(&Value::Null, ErrorCodes::InvalidRequest, "a message is an object")], Turn::GoOn);
        };
        let id = parts.remove("id");
        let params = parts.remove("params").unwrap_or_default();
        match (parts.remove("method"), id) {
            (Some(Value::String(method)), None) => self.note(&method, params),
            (Some(Value::String(method)), Some(id @ (Value::String(_) | Value::Number(_)))) => {
                let answer = match self.ask(&method, params) {
                    Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    Err(refused) => error(&id, refused.code, &refused.message),
                };
                (vec![answer], Turn::GoOn)
            }
            // An answer to what we asked: that it came is enough.
            (None, Some(_)) if parts.contains_key("result") || parts.contains_key("error") => (Vec::new(), Turn::GoOn),
            (_, id) => {
                let id = id.filter(|id| id.is_string() || id.is_number()).unwrap_or_default();
                (
                    vec![error(&id, ErrorCodes::InvalidRequest, "neither a request, a notification nor an answer")],
                    Turn::GoOn,
                )
            }
        }
    }

    /// What the editor is told unasked: diagnostics of documents of which they are others than before.
    pub fn news(&mut self) -> Vec<Value> {
        if !self.changed || self.stage != Stage::Running {
            return Vec::new();
        }
        self.changed = false;
        let mut news = Vec::new();
        let uris: Vec<Uri> = self.documents.iter().map(|document| document.uri.clone()).collect();
        for uri in uris {
            self.look_around(&uri);
            let Some((document, around)) = self.around(&uri) else { continue };
            let problems = around.check(document, &self.registry);
            let told = diagnosing::published(document, &problems, self.abilities);
            if self.said.get(&uri.0) != Some(&told) {
                news.extend(note("textDocument/publishDiagnostics", &told));
                self.said.insert(uri.0, told);
            }
        }
        news
    }

    /// Finds out what is around an open document, if that is not known.
    fn look_around(&mut self, uri: &Uri) {
        let Some(document) = self.documents.get(uri) else { return };
        let of = || Surroundings::of(document, &self.documents, self.workspace.as_deref());
        self.around.entry(uri.0.clone()).or_insert_with(of);
    }

    /// An open document and what is around it.
    fn around(&self, uri: &Uri) -> Option<(&Document, &Surroundings)> {
        Some((self.documents.get(uri)?, self.around.get(&uri.0)?))
    }

    fn change(&mut self) {
        self.changed = true;
        self.around.clear();
    }

    fn note(&mut self, method: &str, params: Value) -> (Vec<Value>, Turn) {
        let mut said = Vec::new();
        match method {
            "exit" => return (said, Turn::End),
            _ if self.stage != Stage::Running => {}
            "initialized" if self.abilities.watches_files => said.push(watch()),
            "textDocument/didOpen" => {
                if let Some(params) = taken::<DidOpenTextDocumentParams>(params, method, &mut said) {
                    self.documents.open(params.text_document);
                    self.change();
                }
            }
            "textDocument/didChange" => {
                if let Some(params) = taken::<DidChangeTextDocumentParams>(params, method, &mut said) {
                    self.documents.change(params, self.abilities.encoding);
                    self.change();
                }
            }
            "textDocument/didClose" => {
                if let Some(params) = taken::<DidCloseTextDocumentParams>(params, method, &mut said)
                    && let Some(closed) = self.documents.close(&params.text_document.uri)
                {
                    self.said.remove(&closed.uri.0);
                    let none = PublishDiagnosticsParams { uri: closed.uri, version: None, diagnostics: Vec::new() };
                    said.extend(note("textDocument/publishDiagnostics", &none));
                    self.change();
                }
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.change(),
            _ => {}
        }
        (said, Turn::GoOn)
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value, Refused> {
        match (self.stage, method) {
            (Stage::New, "initialize") => {
                self.stage = Stage::Running;
                self.abilities = abilities(&params);
                value(&welcome(self.abilities.encoding))
            }
            (Stage::New, _) => refused(ErrorCodes::ServerNotInitialized, "`initialize` comes first"),
            (Stage::ShutDown, _) => refused(ErrorCodes::InvalidRequest, "nothing is answered after `shutdown`"),
            (Stage::Running, "initialize") => refused(ErrorCodes::InvalidRequest, "`initialize` comes once"),
            (Stage::Running, "shutdown") => {
                self.stage = Stage::ShutDown;
                Ok(Value::Null)
            }
            (Stage::Running, _) => self.answer(method, params),
        }
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, Refused> {
        let answer: fn(&Desk<'_>, Value) -> Result<Value, Refused> = match method {
            "textDocument/completion" => |desk, about| desk.completion(about),
            "textDocument/hover" => |desk, about| desk.hover(about),
            "textDocument/definition" => |desk, about| desk.definition(about),
            "textDocument/documentSymbol" => |desk, about| desk.symbols(about),
            "textDocument/codeAction" => |desk, about| desk.remedies(about),
            _ => return refused(ErrorCodes::MethodNotFound, &format!("`{method}` is not known")),
        };
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(|uri| Uri(uri.to_owned()));
        let Some(uri) = uri else {
            return refused(ErrorCodes::InvalidParams, &format!("`{method}` is of no document"));
        };
        self.look_around(&uri);
        let Some((document, around)) = self.around(&uri) else {
            return refused(ErrorCodes::InvalidParams, &format!("`{}` is not open", uri.0));
        };
        let (documents, registry, abilities) = (&self.documents, &self.registry, self.abilities);
        let desk = Desk { document, around, documents, registry, abilities };
        answer(&desk, params)
    }
}

/// Says that something came in that is no message.
pub fn broken(why: &str) -> Value {
    error(&Value::Null, ErrorCodes::ParseError, why)
}

/// A value as it goes to the editor.
pub fn value<T: serde::Serialize>(answer: &T) -> Result<Value, Refused> {
    serde_json::to_value(answer)
        .map_err(|error| Refused { code: ErrorCodes::InternalError, message: error.to_string() })
}

/// What a question is about.
pub fn params<T: DeserializeOwned>(params: Value) -> Result<T, Refused> {
    serde_json::from_value(params)
        .map_err(|error| Refused { code: ErrorCodes::InvalidParams, message: error.to_string() })
}

fn refused<T>(code: ErrorCodes, message: &str) -> Result<T, Refused> {
    Err(Refused { code, message: message.to_owned() })
}

fn error(id: &Value, code: ErrorCodes, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": i32::from(code), "message": message } })
}

fn note<T: serde::Serialize>(method: &str, params: &T) -> Option<Value> {
    let params = serde_json::to_value(params).ok()?;
    Some(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

/// What a notification says; one that says nothing is told in the editor's log, since it has no answer.
fn taken<T: DeserializeOwned>(params: Value, method: &str, said: &mut Vec<Value>) -> Option<T> {
    match serde_json::from_value(params) {
        Ok(params) => Some(params),
        Err(error) => {
            let message = format!("`{method}` was not understood: {error}");
            said.extend(note("window/logMessage", &json!({ "type": 1, "message": message })));
            None
        }
    }
}

fn abilities(initialize: &Value) -> Abilities {
    let is = |path: &str| initialize.pointer(&format!("/capabilities/{path}")) == Some(&Value::Bool(true));
    let formats = initialize.pointer("/capabilities/textDocument/hover/contentFormat").and_then(Value::as_array);
    Abilities {
        encoding: Encoding::agreed(initialize),
        shows_related: is("textDocument/publishDiagnostics/relatedInformation"),
        shows_markdown: formats.is_some_and(|formats| formats.iter().any(|format| format == "markdown")),
        watches_files: is("workspace/didChangeWatchedFiles/dynamicRegistration"),
    }
}

/// Asks the editor to say when a document changes that it has not open.
fn watch() -> Value {
    let watchers = ["**/*.yaml", "**/*.yml"].map(|pattern| json!({ "globPattern": pattern }));
    let registration = json!({
        "id": "documents", "method": "workspace/didChangeWatchedFiles", "registerOptions": { "watchers": watchers },
    });
    json!({
        "jsonrpc": "2.0", "id": "documents", "method": "client/registerCapability",
        "params": { "registrations": [registration] },
    })
}

fn welcome(encoding: Encoding) -> InitializeResult {
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: Some(encoding.kind()),
            text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Incremental),
                save: Some(true.into()),
                ..TextDocumentSyncOptions::default()
            })),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some([".", " ", "'", "{", "[", "|"].map(str::to_owned).to_vec()),
                ..CompletionOptions::default()
            }),
            hover_provider: Some(HoverProvider::Bool(true)),
            definition_provider: Some(DefinitionProvider::Bool(true)),
            document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
            code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
                code_action_kinds: Some(vec![CodeActionKind::QuickFix]),
                ..CodeActionOptions::default()
            })),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "runwarden".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}
