//! What goes out to programs and services and comes back may hold secrets: it is not printed, and goes to programs in
//! memory that is zeroed or in files that are removed.

use std::fmt::{Debug, Formatter, Result as Written};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use zeroize::Zeroize as _;

use super::{Answer, Command, Error, Finished, Get, Probe, Scratch, Send};

/// A file that is its owner's alone and gone when this is dropped.
#[derive(Debug)]
pub struct PrivateFile {
    /// Where it is.
    pub path: PathBuf,
    // Removes its folder when it is dropped.
    _scratch: Scratch,
}

impl PrivateFile {
    /// Writes bytes to a new file, mode 0600, in a folder of the engine's own.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new(probe: &dyn Probe, bytes: &[u8]) -> Result<Self, Error> {
        let scratch = probe.scratch(&[])?;
        let path = scratch.folder.join("value");
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match made.and_then(|mut file| file.write_all(bytes)) {
            Ok(()) => Ok(Self { path, _scratch: scratch }),
            Err(source) => Err(Error::File { verb: "write", path, source }),
        }
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        self.env.iter_mut().for_each(|(_, value)| value.zeroize());
        self.stdin.zeroize();
    }
}

fn names(pairs: &[(String, String)]) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).collect()
}

impl Debug for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let stdin = self.stdin.as_ref().map(Vec::len);
        let mut shown = f.debug_struct("Command");
        shown.field("argv", &self.argv).field("folder", &self.folder).field("env", &names(&self.env));
        shown.field("stdin_bytes", &stdin).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Debug for Finished {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let mut shown = f.debug_struct("Finished");
        shown.field("code", &self.code).field("signal", &self.signal).field("timed_out", &self.timed_out);
        let (out, err) = (self.stdout.len(), self.stderr.len());
        shown.field("stdout_bytes", &out).field("stderr_bytes", &err).field("cut", &self.cut).finish()
    }
}

impl Debug for Get {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("Get").field("url", &url).field("headers", &names(&self.headers)).finish_non_exhaustive()
    }
}

impl Debug for Send {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let bytes = self.body.as_ref().map(Vec::len);
        f.debug_struct("Send").field("method", &self.method).field("to", &self.to).field("body_bytes", &bytes).finish()
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let (headers, bytes) = (names(&self.headers), self.body.len());
        let mut shown = f.debug_struct("Answer");
        shown.field("status", &self.status).field("headers", &headers).field("body_bytes", &bytes).finish()
    }
}
