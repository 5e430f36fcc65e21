//! A machine that notes all that is asked of it, so that a test can say what was not.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::database::{Rows, Statement};
use super::{Answer, Command, Error, Existing, Finished, Get, Holders, Host, Probe, Program, Scratch, Send, Stat};
use crate::id::Digest;
use crate::time::Timestamp;

/// One thing that was asked of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The method's name: `stat`, `read`, `write`, `run`, …
    pub verb: &'static str,
    /// The path, the program with its arguments, or the address without its query.
    pub subject: String,
}

impl Operation {
    /// Whether this may have changed something: [`Host`] has it, and [`Probe`] has not.
    #[must_use]
    pub fn is_effect(&self) -> bool {
        matches!(self.verb, "write" | "copy" | "make_folder" | "remove" | "send" | "run" | "change")
    }
}

/// A machine behind a notebook.
pub struct Recorded<'a> {
    host: &'a dyn Host,
    operations: Mutex<Vec<Operation>>,
}

impl<'a> Recorded<'a> {
    /// The same machine, with an empty notebook.
    #[must_use]
    pub fn new(host: &'a dyn Host) -> Self {
        Self { host, operations: Mutex::default() }
    }

    /// What was asked so far, in order.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, verb: &'static str, subject: impl Into<String>) {
        let operation = Operation { verb, subject: subject.into() };
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
    }

    fn note_path(&self, verb: &'static str, path: &Path) {
        self.note(verb, path.display().to_string());
    }

    fn note_paths(&self, verb: &'static str, paths: &[PathBuf]) {
        paths.iter().for_each(|path| self.note_path(verb, path));
    }

    fn note_url(&self, verb: &'static str, url: &str) {
        self.note(verb, url.split(['?', '#']).next().unwrap_or_default());
    }
}

#[async_trait]
impl Probe for Recorded<'_> {
    fn root(&self) -> &Path {
        self.host.root()
    }

    fn now(&self) -> Timestamp {
        self.host.now()
    }

    fn is_protected(&self, path: &Path) -> Result<bool, Error> {
        self.host.is_protected(path)
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, Error> {
        self.note_path("stat", path);
        self.host.stat(path)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, Error> {
        self.note_path("resolve", path);
        self.host.resolve(path)
    }

    fn read(&self, path: &Path, at_most: u64) -> Result<Vec<u8>, Error> {
        self.note_path("read", path);
        self.host.read(path, at_most)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn io::Read + std::marker::Send>, Error> {
        self.note_path("open", path);
        self.host.open(path)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Error> {
        self.note_path("list", folder);
        self.host.list(folder)
    }

    fn inside(&self, path: &Path, folder: &Path) -> Result<bool, Error> {
        self.note_path("inside", path);
        self.host.inside(path, folder)
    }

    fn holders(&self, paths: &[PathBuf]) -> Result<Holders, Error> {
        self.note_paths("holders", paths);
        self.host.holders(paths)
    }

    fn scratch(&self, files: &[PathBuf]) -> Result<Scratch, Error> {
        self.note_paths("scratch", files);
        self.host.scratch(files)
    }

    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.note("variable", name);
        self.host.variable(name)
    }

    fn program(&self, name: &str) -> Result<Program, Error> {
        self.note("program", name);
        self.host.program(name)
    }

    async fn get(&self, request: Get) -> Result<Answer, Error> {
        self.note_url("get", &request.url);
        self.host.get(request).await
    }

    async fn rpc(&self, question: super::rpc::Rpc) -> Result<Answer, Error> {
        self.note_url("rpc", &question.url);
        self.host.rpc(question).await
    }

    async fn query(&self, statement: Statement) -> Result<Rows, Error> {
        self.note("query", statement.database.shown());
        self.host.query(statement).await
    }

    fn probes_commands(&self) -> bool {
        self.host.probes_commands()
    }

    async fn ask(&self, command: Command) -> Result<Finished, Error> {
        self.note("ask", command.argv.join(" "));
        self.host.ask(command).await
    }
}

#[async_trait]
impl Host for Recorded<'_> {
    fn write(&self, path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<(), Error> {
        self.note_path("write", path);
        self.host.write(path, bytes, mode, existing)
    }

    fn copy(&self, from: &Path, to: &Path, mode: u32, existing: Existing) -> Result<Digest, Error> {
        self.note_path("copy", to);
        self.host.copy(from, to, mode, existing)
    }

    fn make_folder(&self, path: &Path, mode: u32) -> Result<(), Error> {
        self.note_path("make_folder", path);
        self.host.make_folder(path, mode)
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.note_path("remove", path);
        self.host.remove(path)
    }

    async fn send(&self, request: Send) -> Result<Answer, Error> {
        self.note_url("send", &request.to.url);
        self.host.send(request).await
    }

    async fn change(&self, statement: Statement) -> Result<Rows, Error> {
        self.note("change", statement.database.shown());
        self.host.change(statement).await
    }

    async fn run(&self, command: Command) -> Result<Finished, Error> {
        self.note("run", command.argv.join(" "));
        self.host.run(command).await
    }

    async fn mail(&self, mail: crate::host::mail::Mail) -> Result<String, Error> {
        self.note("mail", format!("{}:{}", mail.server, mail.port));
        self.host.mail(mail).await
    }

    fn is_quiet(&self) -> bool {
        self.host.is_quiet()
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.note("random", bytes.len().to_string());
        self.host.random(bytes)
    }
}
