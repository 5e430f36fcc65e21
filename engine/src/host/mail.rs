//! A mail as it is handed to a server. How it is written and sent is the machine's affair.

use std::time::Duration;

use crate::secret::Secret;
use crate::time::Timestamp;

/// A mail with attachments, and where it is handed over.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The server's name.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates that count besides the known ones, PEM.
    pub ca: Option<Vec<u8>>,
    /// Who logs in.
    pub login: Option<Login>,
    /// The sender's address.
    pub from: String,
    /// The receivers' addresses.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The message's id, with its angle brackets.
    pub id: String,
    /// The date it says.
    pub at: Timestamp,
    /// The text.
    pub text: String,
    /// The attachments.
    pub attached: Vec<Attached>,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// By TLS, which the server must offer.
    Starttls,
    /// By TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A file of a mail.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
