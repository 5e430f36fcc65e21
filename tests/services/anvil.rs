//! A node of an EVM chain of a test's own, on loopback: anvil, with a SystemPause and eight modules on it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::parts::{Server, is_missing};

/// A node; it ends with this.
pub struct Anvil {
    pub url: String,
    /// The SystemPause contract.
    pub pause: String,
    /// Its modules, in its order.
    pub modules: Vec<String>,
    /// The account that governs it, whose key the node has.
    pub governance: String,
    /// Another account.
    pub stranger: String,
    _server: Server,
}

/// The folder with the packages from npm, named in `RUNWARDEN_TEST_NPM`.
pub fn packages() -> Option<PathBuf> {
    std::env::var_os("RUNWARDEN_TEST_NPM").map(PathBuf::from)
}

/// Where our own contracts are.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/evm")
}

fn program() -> Option<PathBuf> {
    let folder = packages()?.join("node_modules/@foundry-rs");
    let found = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join("bin/anvil"));
    found.into_iter().find(|path| path.is_file())
}

impl Anvil {
    /// A node with the contracts on it; none where anvil is missing.
    pub fn start() -> Option<Self> {
        let program = program();
        if is_missing("anvil (a folder of npm packages named in RUNWARDEN_TEST_NPM)", program.is_some()) {
            return None;
        }
        let mut command = Command::new(program?);
        command.args(["--port", "0", "--host", "127.0.0.1"]).env_clear().stderr(Stdio::null());
        let (server, address) = Server::start(&mut command, "Listening on ");
        let mut anvil = Self {
            url: format!("http://{}", address.trim()),
            pause: String::new(),
            modules: Vec::new(),
            governance: String::new(),
            stranger: String::new(),
            _server: server,
        };
        let accounts = anvil.ask("eth_accounts", &json!([]));
        anvil.governance = accounts[0].as_str().unwrap().to_owned();
        anvil.stranger = accounts[1].as_str().unwrap().to_owned();
        anvil.pause = anvil.deploy("SystemPause", &anvil.governance.clone());
        anvil.modules = (0..8).map(|_| anvil.deploy("Module", &anvil.pause.clone())).collect();
        let words: String = anvil.modules.iter().map(|module| word(module)).collect();
        anvil.send(&anvil.governance.clone(), &anvil.pause.clone(), &format!("0x037760e6{words}"));
        Some(anvil)
    }

    /// What the node answers.
    #[track_caller]
    pub fn ask(&self, method: &str, params: &Value) -> Value {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = post(&self.url, &question);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The receipt, once the transaction is in a block.
    fn receipt(&self, hash: &Value) -> Value {
        let look = |_| {
            let found = self.ask("eth_getTransactionReceipt", &json!([hash]));
            if found.is_null() {
                std::thread::sleep(Duration::from_millis(20));
            }
            (!found.is_null()).then_some(found)
        };
        (0..500).find_map(look).unwrap()
    }

    fn deploy(&self, name: &str, argument: &str) -> String {
        let compiled = std::fs::read_to_string(sources().join("SystemPause.json")).unwrap();
        let compiled: Value = serde_json::from_str(&compiled).unwrap();
        let data = format!("0x{}{}", compiled[name]["bytecode"].as_str().unwrap(), word(argument));
        let hash = self.ask("eth_sendTransaction", &json!([{ "from": self.governance, "data": data }]));
        self.receipt(&hash)["contractAddress"].as_str().unwrap().to_owned()
    }

    /// A transaction, which has to succeed.
    #[track_caller]
    pub fn send(&self, from: &str, to: &str, data: &str) {
        let hash = self.ask("eth_sendTransaction", &json!([{ "from": from, "to": to, "data": data }]));
        assert_eq!(self.receipt(&hash)["status"], "0x1", "{data}");
    }

    /// How many modules are paused.
    pub fn paused(&self) -> usize {
        let paused = |module: &&String| {
            let call = json!([{ "to": module, "data": "0x5c975abb" }, "latest"]);
            self.ask("eth_call", &call).as_str().unwrap().ends_with('1')
        };
        self.modules.iter().filter(paused).count()
    }

    /// How many transactions of the governance are in blocks.
    pub fn sent(&self) -> u64 {
        let count = self.ask("eth_getTransactionCount", &json!([self.governance, "latest"]));
        u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// Pauses one module behind everybody's back.
    pub fn pause_one(&self, index: usize) {
        let data = format!("0xa64cfe10{}{:0>64}{:0>64}{:0<64}", word(&self.modules[index]), "40", "4", "8456cb59");
        self.send(&self.governance, &self.pause, &data);
    }
}

/// What a node at that address answers.
pub fn post(url: &str, question: &Value) -> Value {
    let address = url.strip_prefix("http://").unwrap();
    let body = question.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST / HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// An address as a word.
pub fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x").to_lowercase())
}
