//! `lsp`: what is said when, byte for byte on the wire. What it helps with is tested in the engine, and with a client that
//! is not ours in `tests/services/editors.rs`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::bench::Bench;

/// A language server that was started.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: i64,
}

impl Server {
    fn start(bench: &Bench) -> Self {
        let mut command = bench.command(&["lsp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, asked: 0 }
    }

    /// One to which an editor has said hello.
    fn running(bench: &Bench, capabilities: Value) -> Self {
        let mut server = Self::start(bench);
        let welcome = server.ask("initialize", json!({ "processId": null, "capabilities": capabilities }));
        assert!(welcome["result"]["capabilities"].is_object(), "{welcome:#}");
        server.note("initialized", json!({}));
        server
    }

    fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server went away");
            if line.trim().is_empty() {
                break;
            }
            length = line.trim().strip_prefix("Content-Length: ").unwrap().parse().unwrap();
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn note(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and gives the answer to it; what is said in between is passed over.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.read();
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The next message of a method.
    fn told(&mut self, method: &str) -> Value {
        loop {
            let mut message = self.read();
            if message["method"] == method {
                return message["params"].take();
            }
        }
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
        self.note("textDocument/didOpen", json!({ "textDocument": document }));
    }

    #[track_caller]
    fn refuses(&mut self, method: &str, params: Value, code: i64) {
        let answer = self.ask(method, params);
        assert_eq!(answer["error"]["code"], code, "{answer:#}");
    }

    /// Says no more; gives the exit code.
    fn ends(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().unwrap().code()
    }
}

const HELLO: &str = "untitled:Hello";

#[test]
fn it_ends_as_the_protocol_says() {
    let bench = Bench::workspace();
    let mut server = Server::running(&bench, json!({}));
    assert_eq!(server.ask("shutdown", json!(null))["result"], json!(null));
    server.refuses("textDocument/hover", json!({}), -32600);
    server.note("exit", json!(null));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));

    let mut server = Server::running(&bench, json!({}));
    server.note("exit", json!(null));
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
    // An editor that died says nothing more.
    assert_eq!(Server::running(&bench, json!({})).ends(), Some(1));
}

#[test]
fn nothing_is_answered_before_hello_and_hello_is_said_once() {
    let mut server = Server::start(&Bench::workspace());
    server.refuses("textDocument/hover", json!({}), -32002);
    server.open(HELLO, "runwarden: v2\n");
    assert!(server.ask("initialize", json!({ "capabilities": {} }))["result"].is_object());
    server.refuses("initialize", json!({}), -32600);
    // What was opened too early is not open.
    let position = json!({ "textDocument": { "uri": HELLO }, "position": { "line": 0, "character": 0 } });
    server.refuses("textDocument/hover", position, -32602);
}

#[test]
fn what_is_no_message_is_answered_and_what_follows_is_heard() {
    let mut server = Server::running(&Bench::workspace(), json!({}));
    server.write(b"Content-Length: 3\r\n\r\n{]}");
    assert_eq!(server.read()["error"]["code"], -32700);
    server.write(b"Content-Length: many\r\n\r\n");
    assert_eq!(server.read()["error"]["code"], -32700);
    for message in [json!([]), json!(7), json!({}), json!({ "id": {}, "method": 1 }), json!({ "id": 1 })] {
        server.send(&message);
        let answer = server.read();
        assert_eq!(answer["error"]["code"], -32600, "{message}: {answer:#}");
    }
    server.refuses("textDocument/dance", json!({ "textDocument": { "uri": HELLO } }), -32601);
    server.refuses("textDocument/hover", json!([]), -32602);
    server.open(HELLO, "runwarden: v1\n");
    let position = json!({ "line": -1, "character": "x" });
    server.refuses("textDocument/hover", json!({ "textDocument": { "uri": HELLO }, "position": position }), -32602);
    // A notification has no answer; what is wrong with it goes to the editor's log.
    server.note("textDocument/didOpen", json!({ "textDocument": 1 }));
    let log = server.told("window/logMessage");
    assert!(log["message"].as_str().unwrap().contains("didOpen"), "{log}");
    server.send(&json!({ "jsonrpc": "2.0", "id": "x", "result": null }));
    assert_eq!(server.ask("shutdown", json!(null))["result"], json!(null));
}

/// The range of the only problem of a document of one line, by what an editor counts in.
#[track_caller]
fn range(encodings: Value, agreed: &str) -> (u64, u64) {
    let mut server = Server::start(&Bench::workspace());
    let capabilities = json!({ "general": { "positionEncodings": encodings } });
    let welcome = server.ask("initialize", json!({ "capabilities": capabilities }));
    assert_eq!(welcome["result"]["capabilities"]["positionEncoding"], agreed);
    server.open(HELLO, "runwarden: v1\nkind: test\n'😀ä': 1\n");
    let told = server.told("textDocument/publishDiagnostics");
    let found = told["diagnostics"].as_array().unwrap();
    let key = found.iter().find(|problem| problem["code"] == "unknown-key").unwrap();
    let at = |end: &str| key["range"][end]["character"].as_u64().unwrap();
    (at("start"), at("end"))
}

#[test]
fn characters_are_counted_as_it_was_agreed() {
    assert_eq!(range(json!(null), "utf-16"), (0, 5));
    assert_eq!(range(json!(["utf-16", "utf-8"]), "utf-8"), (0, 8));
    assert_eq!(range(json!(["utf-32"]), "utf-32"), (0, 4));
}

#[test]
fn a_document_that_is_not_ours_is_left_alone() {
    let bench = Bench::workspace();
    let mut server = Server::running(&bench, json!({}));
    let uri = format!("file://{}", bench.path("compose.yaml").display());
    server.open(&uri, "services:\n  a: { image: b }\n");
    let told = server.told("textDocument/publishDiagnostics");
    assert_eq!((&told["uri"], &told["diagnostics"]), (&json!(uri), &json!([])));
    let position = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } });
    for method in ["completion", "hover", "definition", "documentSymbol"] {
        assert_eq!(server.ask(&format!("textDocument/{method}"), position.clone())["result"], json!(null), "{method}");
    }
}

#[test]
fn without_room_for_other_places_a_message_has_the_remedy_in_it() {
    let mut server = Server::running(&Bench::workspace(), json!({}));
    server.open(HELLO, "runwarden: v1\nkind: procedrue\n");
    let told = server.told("textDocument/publishDiagnostics");
    let message = told["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("\nhelp: did you mean `procedure`?"), "{message}");
    assert_eq!(told["diagnostics"][0].get("relatedInformation"), None);
}

#[test]
fn a_workspace_file_is_checked_as_one_and_its_slips_are_mended() {
    let bench = Bench::workspace();
    let mut server = Server::running(&bench, json!({}));
    let uri = format!("file://{}", bench.path("runwarden.yaml").display());
    let text = bench.read("runwarden.yaml").replace("environment: development", "environment: developmnet");
    server.open(&uri, &text);
    let told = server.told("textDocument/publishDiagnostics");
    let problems = told["diagnostics"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{told:#}");
    assert_eq!(problems[0]["code"], "unknown-word");
    let asked = json!({
        "textDocument": { "uri": uri }, "range": problems[0]["range"], "context": { "diagnostics": problems },
    });
    let actions = server.ask("textDocument/codeAction", asked.clone());
    let edit = &actions["result"][0]["edit"]["changes"][&uri][0];
    assert_eq!((&edit["newText"], &edit["range"]), (&json!("development"), &problems[0]["range"]));
    let mut other = asked;
    other["context"]["only"] = json!(["refactor"]);
    assert_eq!(server.ask("textDocument/codeAction", other)["result"], json!([]));
}

#[test]
fn a_diagnostic_is_explained_where_it_stands() {
    let mut server = Server::running(&Bench::workspace(), json!({}));
    server.open(HELLO, "runwarden: v1\nkind: procedure\nprecondition: []\n");
    let position = json!({ "textDocument": { "uri": HELLO }, "position": { "line": 2, "character": 3 } });
    let hover = server.ask("textDocument/hover", position);
    let text = hover["result"]["contents"]["value"].as_str().unwrap();
    assert!(text.contains("help: did you mean `preconditions`?\n\nThe language has no such key there."), "{text}");
}
