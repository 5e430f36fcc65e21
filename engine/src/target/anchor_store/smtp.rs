//! The anchor store `smtp`: an anchor as the attachments of a mail. What was mailed cannot be fetched back from here.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::credential::{Credential, Opening};
use super::place::Guarded;
use super::{AnchorStore, Error, Item, Kept, Object, Trial, Tried, absolute, at_most};
use crate::host::mail::{Attached, Login, Mail, Tls};
use crate::host::{Host, Probe};
use crate::secret::Secret;
use crate::target::Trust;
use crate::time::Duration;

/// Settings of the anchor store `smtp`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server's name.
    pub server: String,
    /// Its port; 465 with `implicit`, else 587 where nothing is said.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Protection,
    /// A file of certificates that count besides the known ones, PEM.
    #[serde(default)]
    pub ca: Option<std::path::PathBuf>,
    /// Who logs in; without one nobody does.
    #[serde(default)]
    pub user: Option<String>,
    /// Where the password is.
    #[serde(default)]
    pub password: Option<Credential>,
    /// The sender's address.
    pub from: String,
    /// The receivers' addresses.
    pub to: Vec<String>,
    /// How long it may take to hand a mail over.
    #[serde(default = "one_minute")]
    pub timeout: Duration,
    /// What the store is worth at most.
    #[serde(default)]
    pub trust: Option<Trust>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// By TLS, which the server must offer.
    #[default]
    Starttls,
    /// By TLS from the first byte.
    Implicit,
    /// Not at all; a password is refused then.
    None,
}

fn one_minute() -> Duration {
    Duration::from_seconds(60)
}

impl Settings {
    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == Protection::Implicit { 465 } else { 587 })
    }

    /// What this store really is.
    pub(super) fn identity(&self) -> Result<String, String> {
        if self.server.is_empty() || self.server.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | ':')) {
            return Err(format!("`server`: `{}` is no host's name", self.server));
        }
        if self.to.is_empty() {
            return Err("`to` names nobody".to_owned());
        }
        for address in self.to.iter().chain([&self.from]) {
            let parts = address.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
            if parts.is_none() || address.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
            {
                return Err(format!("`{}` is no mail address", address.escape_debug()));
            }
        }
        match (&self.user, &self.password, self.tls) {
            (Some(_), Some(_), Protection::None) => Err("a password needs `tls`".to_owned()),
            (Some(_), None, _) | (None, Some(_), _) => Err("`user` and `password` go together".to_owned()),
            _ => {
                let mut to = self.to.clone();
                to.sort_unstable();
                Ok(format!("smtp:{}:{}/{}", self.server.to_ascii_lowercase(), self.port(), to.join(",")))
            }
        }
    }
}

/// Mail to those who keep it.
pub(super) struct Smtp {
    name: String,
    settings: Settings,
    password: Option<Secret>,
}

impl Smtp {
    pub async fn open(name: String, settings: Settings, opening: &Opening<'_>) -> Result<Self, Error> {
        let password = opening.read_any(settings.password.as_ref()).await?;
        Ok(Self { name, settings, password })
    }

    /// The message's id: the same for each try, so that a mail that came twice is one mail.
    fn id(&self, item: &Item) -> String {
        format!("{}@{}", item.name, self.settings.from.rsplit('@').next().unwrap_or_default())
    }

    fn mail(&self, probe: &dyn Probe, item: &Item) -> Result<Mail, Error> {
        let settings = &self.settings;
        let sums: String = item
            .files
            .iter()
            .map(|file| format!("{}  {}\n", crate::id::Digest::of(&file.bytes).hex(), item.file_name(file)))
            .collect();
        let ca = settings.ca.as_deref().map(|path| probe.read(&absolute(probe, path), 1 << 20)).transpose()?;
        let login = match (&settings.user, &self.password) {
            (Some(user), Some(password)) => Some(Login { user: user.clone(), password: password.clone() }),
            _ => None,
        };
        Ok(Mail {
            server: settings.server.clone(),
            port: settings.port(),
            tls: match settings.tls {
                Protection::Starttls => Tls::Starttls,
                Protection::Implicit => Tls::Implicit,
                Protection::None => Tls::None,
            },
            ca,
            login,
            from: settings.from.clone(),
            to: settings.to.clone(),
            subject: format!("Anchor of run {} ({} entries, root {:.16})", item.run, item.size, item.root),
            id: format!("<{}>", self.id(item)),
            at: item.at,
            text: format!(
                "Keep this mail: it shows later what the ledger was.\n\nrun {}\nsize {}\nroot {}\n\n{sums}",
                item.run, item.size, item.root
            ),
            attached: item
                .files
                .iter()
                .map(|file| Attached { name: item.file_name(file), bytes: file.bytes.clone() })
                .collect(),
            timeout: settings.timeout.as_std(),
        })
    }
}

#[async_trait]
impl AnchorStore for Smtp {
    fn trust(&self, _: &dyn Probe, _: &Guarded) -> Result<Trust, Error> {
        Ok(at_most(Trust::Medium, self.settings.trust))
    }

    fn is_readable(&self) -> bool {
        false
    }

    fn place(&self, _: &dyn Probe, item: &Item) -> Option<String> {
        Some(format!("mid:{}", self.id(item)))
    }

    async fn objects(&self, _: &dyn Probe, _: Option<&str>) -> Result<Vec<Object>, Error> {
        let message = format!(
            "store `{}` sends mail, and nothing can be fetched from it; who keeps the mails has the anchors",
            self.name
        );
        Err(Error::new("not_readable", message))
    }

    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
        let said = host.mail(self.mail(host, item)?).await?;
        let details = [("message_id", format!("<{}>", self.id(item))), ("answer", said)];
        Ok(Kept {
            place: format!("mid:{}", self.id(item)),
            details: Map::from_iter(details.map(|(name, text)| (name.to_owned(), Value::String(text)))),
        })
    }

    /// No mail can be called back by who sent it; whether its receivers' mailboxes can be reached is not known here.
    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error> {
        self.put(host, canary).await?;
        let why = "SMTP has no way to change what was sent, and who can reach the mailboxes is not known here";
        Ok(Trial { overwrite: Tried::Undecided(why.to_owned()), delete: Tried::Undecided(why.to_owned()) })
    }
}
