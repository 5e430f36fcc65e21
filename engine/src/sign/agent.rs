//! An SSH agent that signs: keys that stay in it, a hardware token behind it included (draft-ietf-sshm-ssh-agent).
//!
//! Two questions are asked of it: whether it has a key, and to sign. Keys are not added, and nothing is forwarded.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::actor_key::ActorPublic;
use super::sshsig::{Namespace, armour, to_sign};
use super::verify;

/// The most of an answer that is read, in bytes; OpenSSH's own limit.
const MAX_ANSWER: u32 = 256 * 1024;
/// How long the agent may take: somebody may have to touch a token.
const PATIENCE: Duration = Duration::from_secs(120);

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const ALGORITHM: &[u8] = b"ssh-ed25519";

/// Why an agent did not sign.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be spoken to.
    #[error("SSH agent `{socket}`: {source}")]
    Io {
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It says no: it may be locked, or somebody did not confirm.
    #[error("SSH agent `{socket}` would not sign with the key {key}")]
    Refused {
        /// Its socket.
        socket: PathBuf,
        /// The key's fingerprint.
        key: String,
    },
    /// It answers otherwise than agents do.
    #[error("what answers at `{socket}` is no SSH agent")]
    NotAnAgent {
        /// The socket.
        socket: PathBuf,
    },
}

/// An agent, by its socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    socket: PathBuf,
}

impl Agent {
    /// The agent that listens there, as `SSH_AUTH_SOCK` says it.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The Ed25519 keys that it has.
    ///
    /// # Errors
    /// When it cannot be spoken to.
    pub fn keys(&self) -> Result<Vec<ActorPublic>, Error> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        let mut rest = match answer.split_first() {
            Some((&IDENTITIES_ANSWER, rest)) => rest,
            _ => return Err(self.not_an_agent()),
        };
        let count = self.number(&mut rest)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let mut blob = self.string(&mut rest)?;
            self.string(&mut rest)?;
            // Keys of other algorithms have other blobs.
            if let (Ok(ALGORITHM), Ok(public)) = (self.string(&mut blob), self.string(&mut blob))
                && let Ok(public) = public.try_into()
            {
                keys.push(ActorPublic::new(public));
            }
        }
        Ok(keys)
    }

    /// Signs a document with one of its keys.
    ///
    /// # Errors
    /// When it cannot be spoken to, has no such key, or would not sign.
    pub fn sign(&self, public: &ActorPublic, namespace: Namespace, message: &[u8]) -> Result<String, Error> {
        let over = to_sign(namespace, message);
        let mut request = vec![SIGN_REQUEST];
        let mut blob = Vec::new();
        put(&mut blob, ALGORITHM);
        put(&mut blob, public.bytes());
        put(&mut request, &blob);
        put(&mut request, &over);
        request.extend(0_u32.to_be_bytes());
        let answer = self.ask(&request)?;
        let mut rest = match answer.split_first() {
            Some((&SIGN_RESPONSE, rest)) => rest,
            _ => return Err(Error::Refused { socket: self.socket.clone(), key: public.fingerprint() }),
        };
        let mut signature = self.string(&mut rest)?;
        let algorithm = self.string(&mut signature)?;
        let raw: &[u8; 64] = self.string(&mut signature)?.try_into().map_err(|_| self.not_an_agent())?;
        // What it gave is looked at, as whatever comes from outside is.
        if algorithm != ALGORITHM || !verify(public.bytes(), &over, raw) {
            return Err(self.not_an_agent());
        }
        Ok(armour(public, namespace, raw))
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let io = |source| Error::Io { socket: self.socket.clone(), source };
        let length = u32::try_from(request.len()).map_err(|_| self.not_an_agent())?;
        let mut stream = UnixStream::connect(&self.socket).map_err(io)?;
        stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE))).map_err(io)?;
        stream.write_all(&length.to_be_bytes()).and_then(|()| stream.write_all(request)).map_err(io)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(io)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_ANSWER {
            return Err(self.not_an_agent());
        }
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).map_err(io)?;
        Ok(answer)
    }

    fn number(&self, rest: &mut &[u8]) -> Result<u32, Error> {
        let (number, after) = rest.split_first_chunk::<4>().ok_or_else(|| self.not_an_agent())?;
        *rest = after;
        Ok(u32::from_be_bytes(*number))
    }

    fn string<'a>(&self, rest: &mut &'a [u8]) -> Result<&'a [u8], Error> {
        let length = self.number(rest)? as usize;
        let (text, after) = rest.split_at_checked(length).ok_or_else(|| self.not_an_agent())?;
        *rest = after;
        Ok(text)
    }

    fn not_an_agent(&self) -> Error {
        Error::NotAnAgent { socket: self.socket.clone() }
    }
}

fn put(to: &mut Vec<u8>, text: &[u8]) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    to.extend(length.to_be_bytes());
    to.extend(text);
}
