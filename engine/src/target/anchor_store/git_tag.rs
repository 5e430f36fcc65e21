//! The anchor store `git_tag`: an annotated tag of a tree that holds the anchor's files, in another repository.
//!
//! Made by the git program in a scratch repository and pushed to a ref that must not be there. Nothing of the user's own
//! git configuration counts. Where a key is configured the tag is signed with it, in OpenSSH's form.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::credential::{Credential, Opening, text};
use super::git::{Git, Tree};
use super::place::{Guarded, judge_place};
use super::{AnchorStore, Damage, Error, Item, Kept, Object, Trial, Tried, absolute, at_most};
use crate::host::{Host, Probe};
use crate::secret::Secret;
use crate::target::Trust;
use crate::time::Duration;

/// Settings of the anchor store `git_tag`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The repository: an address of `https`, `http`, `ssh`, `git` or `file`, or the path of a repository here.
    pub url: String,
    /// What the names of its tags begin with.
    #[serde(default = "anchors")]
    pub prefix: String,
    /// The SSH key that signs tags, a private key's file; without one they are annotated and not signed.
    #[serde(default)]
    pub signing_key: Option<PathBuf>,
    /// Whose signatures count when tags are read, as ssh-keygen's `allowed_signers`; without it they are not judged.
    #[serde(default)]
    pub allowed_signers: Option<PathBuf>,
    /// Who tags: `Name <address>`.
    #[serde(default = "tagger")]
    pub tagger: String,
    /// The SSH key that opens the repository; it should open nothing else.
    #[serde(default)]
    pub ssh_key: Option<PathBuf>,
    /// The token that opens the repository over http or https.
    #[serde(default)]
    pub token: Option<Credential>,
    /// The user that the token is of.
    #[serde(default = "token_user")]
    pub token_user: String,
    /// How long one call of git may take.
    #[serde(default = "one_minute")]
    pub timeout: Duration,
    /// What the store is worth at most.
    #[serde(default)]
    pub trust: Option<Trust>,
}

fn anchors() -> String {
    "anchors".to_owned()
}

fn tagger() -> String {
    "Runwarden <runwarden@localhost>".to_owned()
}

fn token_user() -> String {
    "x-access-token".to_owned()
}

fn one_minute() -> Duration {
    Duration::from_seconds(60)
}

impl Settings {
    /// The repository as a path, where it is on this machine.
    pub(super) fn local(&self) -> Option<PathBuf> {
        match self.url.split_once("://") {
            Some(("file", path)) => Some(PathBuf::from(path)),
            Some(_) => None,
            None if self.url.starts_with('/') || self.url.starts_with('.') => Some(PathBuf::from(&self.url)),
            None => None,
        }
    }

    /// What this store really is.
    pub(super) fn identity(&self) -> Result<String, String> {
        let known = ["https://", "http://", "ssh://", "git://"].iter().any(|scheme| self.url.starts_with(scheme));
        if !known {
            return Err("`url` is no address of `https`, `http`, `ssh`, `git` or `file`, and no path".to_owned());
        }
        let authority = self.url.split('/').nth(2).unwrap_or_default();
        if authority.contains(':') && authority.contains('@') && !self.url.starts_with("ssh://") {
            return Err("`url` carries credentials; name a `token`".to_owned());
        }
        Ok(format!("git:{}", self.url.trim_end_matches('/').trim_end_matches(".git")))
    }

    fn check(&self, store: &str) -> Result<(), Error> {
        let wrong = |why: &str| Err(Error::new("bad_target", format!("store `{store}`: {why}")));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        if self.url.contains(|c: char| c.is_control()) {
            return wrong("`url` has control characters");
        }
        if self.prefix.is_empty() || !self.prefix.chars().all(is_name) || self.prefix.starts_with(['-', '/']) {
            return wrong("`prefix` is not of letters, digits, `-`, `_` and `/`, beginning with a letter or digit");
        }
        match self.tagger.strip_suffix('>').and_then(|rest| rest.split_once(" <")) {
            Some((name, mail)) if !name.is_empty() && !format!("{name}{mail}").contains(['<', '>', '\n']) => Ok(()),
            _ => wrong("`tagger` is not `Name <address>`"),
        }
    }
}

/// A repository that keeps anchors.
pub(super) struct GitTag {
    name: String,
    settings: Settings,
    token: Option<Secret>,
}

impl GitTag {
    pub async fn open(name: String, settings: Settings, opening: &Opening<'_>) -> Result<Self, Error> {
        settings.check(&name)?;
        let token = opening.read_any(settings.token.as_ref()).await?;
        Ok(Self { name, settings, token })
    }

    fn url(&self, probe: &dyn Probe) -> String {
        match self.settings.local() {
            Some(path) => format!("file://{}", absolute(probe, &path).display()),
            None => self.settings.url.clone(),
        }
    }

    fn reference(&self, name: &str) -> String {
        format!("refs/tags/{}/{name}", self.settings.prefix)
    }

    /// A scratch repository, with the access that the settings give.
    async fn git<'a>(&self, probe: &'a dyn Probe) -> Result<Git<'a>, Error> {
        let mut config = Vec::new();
        if let Some(token) = &self.token {
            let pair = format!("{}:{}", self.settings.token_user, text(token));
            let header = format!("Authorization: Basic {}", super::git::base64(pair.as_bytes()));
            config.push(("http.extraHeader".to_owned(), header));
        }
        if let Some(signers) = &self.settings.allowed_signers {
            let path = absolute(probe, signers).display().to_string();
            config.push(("gpg.ssh.allowedSignersFile".to_owned(), path));
        }
        let ssh_key = self.settings.ssh_key.as_deref().map(|key| absolute(probe, key));
        let (name, mail) = self.settings.tagger.trim_end_matches('>').split_once(" <").unwrap_or_default();
        let tagger = (name.to_owned(), mail.to_owned());
        Git::init(probe, &self.name, config, ssh_key, tagger, self.settings.timeout).await
    }

    /// Writes the item and a tag of it into the scratch repository; gives the tag's object.
    async fn tag(&self, git: &Git<'_>, probe: &dyn Probe, item: &Item) -> Result<String, Error> {
        let mut entries = Vec::new();
        for file in &item.files {
            entries.push((item.file_name(file), git.blob(&file.bytes).await?));
        }
        let tree = git.tree(&entries).await?;
        let message = format!(
            "Anchor of run {}\n\nsize {}\nroot {}\n{}",
            item.run,
            item.size,
            item.root,
            item.files.iter().map(|file| sum(item, file)).collect::<String>()
        );
        let key = self.settings.signing_key.as_deref().map(|key| absolute(probe, key));
        git.tag(&self.reference(&item.name), &tree, &message, item.at, key.as_deref()).await
    }
}

/// A line that says a file's digest, as sha256sum does.
fn sum(item: &Item, file: &super::File) -> String {
    format!("{}  {}\n", crate::id::Digest::of(&file.bytes).hex(), item.file_name(file))
}

#[async_trait]
impl AnchorStore for GitTag {
    fn trust(&self, probe: &dyn Probe, guarded: &Guarded) -> Result<Trust, Error> {
        match self.settings.local() {
            Some(path) => {
                let grade = judge_place(probe, &absolute(probe, &path), self.settings.trust, guarded)?;
                Ok(at_most(grade.min(Trust::Medium), self.settings.trust))
            }
            None => Ok(at_most(Trust::Medium, self.settings.trust)),
        }
    }

    fn place(&self, probe: &dyn Probe, item: &Item) -> Option<String> {
        Some(format!("{} {}", self.url(probe), self.reference(&item.name)))
    }

    async fn objects(&self, probe: &dyn Probe, run: Option<&str>) -> Result<Vec<Object>, Error> {
        let (git, url) = (self.git(probe).await?, self.url(probe));
        let pattern = self.reference(&run.map_or_else(|| "*".to_owned(), |run| format!("{run}.*")));
        git.fetch(&url, &pattern).await?;
        let mut objects = Vec::new();
        let named = |reference: &str| format!("{url} {reference}");
        for tag in git.tags(&self.reference("")).await? {
            let last = tag.name.rsplit('/').next().unwrap_or_default().to_owned();
            let damaged = |code, detail: String| Object {
                place: named(&tag.name),
                name: last.clone(),
                bytes: Err(Damage { code, detail }),
            };
            if !tag.is_annotated {
                objects.push(damaged("not_an_anchor", "it is no annotated tag".to_owned()));
                continue;
            }
            if self.settings.allowed_signers.is_some()
                && let Err(why) = git.verify(&tag.name).await?
            {
                objects.push(damaged("unsigned", why));
                continue;
            }
            match git.files(&tag.name).await? {
                Tree::Files(files) => objects.extend(files.into_iter().map(|(file, bytes)| Object {
                    place: format!("{}:{file}", named(&tag.name)),
                    name: file,
                    bytes: Ok(bytes),
                })),
                Tree::Other(what) => objects.push(damaged("not_an_anchor", what)),
            }
        }
        Ok(objects)
    }

    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
        let (git, url) = (self.git(host).await?, self.url(host));
        let reference = self.reference(&item.name);
        if let Some(there) = git.remote(&url, &reference).await?.remove(&reference) {
            return self.same(host, item, &url, there).await;
        }
        let tag = self.tag(&git, host, item).await?;
        let pushed = git.push(host, &url, &format!("{reference}:{reference}"), false).await?;
        match git.remote(&url, &reference).await?.remove(&reference) {
            Some(found) if found == tag => Ok(kept(&url, &reference, tag)),
            // Somebody was first: it may be what we wanted to say.
            Some(found) => self.same(host, item, &url, found).await,
            None => {
                let why = pushed.err().unwrap_or_else(|| "it is not there afterwards".to_owned());
                Err(Error::new("not_pushed", format!("store `{}`: {reference}: {why}", self.name))
                    .transient_if(true)
                    .uncertain_if(true))
            }
        }
    }

    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error> {
        let kept = self.put(host, canary).await?;
        let (git, url) = (self.git(host).await?, self.url(host));
        let reference = self.reference(&canary.name);
        let mut other = canary.clone();
        other.files.iter_mut().for_each(|file| file.bytes = b"overwritten\n".to_vec());
        self.tag(&git, host, &other).await?;
        let is_local = self.settings.local().is_some();
        let before = kept.details.get("tag").and_then(Value::as_str).map(str::to_owned);
        let pushed = git.push(host, &url, &format!("+{reference}:{reference}"), true).await?;
        let overwrite = self.tried(&git, &url, (&reference, before), pushed, is_local).await;
        let before = git.remote(&url, &reference).await?.remove(&reference);
        let pushed = git.push(host, &url, &format!(":{reference}"), true).await?;
        let delete = self.tried(&git, &url, (&reference, before), pushed, is_local).await;
        Ok(Trial { overwrite, delete })
    }
}

impl GitTag {
    /// What is there under that name, if it says what was to be said.
    async fn same(&self, host: &dyn Host, item: &Item, url: &str, tag: String) -> Result<Kept, Error> {
        let objects = self.objects(host, Some(&item.run)).await?;
        let has = |file: &super::File| {
            let name = item.file_name(file);
            objects.iter().any(|object| object.name == name && object.bytes.as_ref() == Ok(&file.bytes))
        };
        let reference = self.reference(&item.name);
        if item.files.iter().all(has) {
            return Ok(kept(url, &reference, tag));
        }
        Err(Error::new("exists", format!("`{url} {reference}` is there and says something else")))
    }

    /// What came of a push that should have been refused, by what the repository has afterwards.
    async fn tried(
        &self,
        git: &Git<'_>,
        url: &str,
        (reference, before): (&str, Option<String>),
        pushed: Result<(), String>,
        is_local: bool,
    ) -> Tried {
        let after = git.remote(url, reference).await.map(|mut found| found.remove(reference));
        match (pushed, after) {
            (_, Ok(after)) if after != before => Tried::Happened(format!("`{reference}` is another than before")),
            (Err(why), Ok(_)) if is_local => Tried::Undecided(format!(
                "{why}; and the repository is on this machine, where its files can be changed"
            )),
            (Err(why), Ok(Some(_))) => Tried::Refused(why),
            (Err(why), _) => Tried::Undecided(why),
            (Ok(()), _) => Tried::Undecided("git says that it was done, and nothing changed".to_owned()),
        }
    }
}

fn kept(url: &str, reference: &str, tag: String) -> Kept {
    Kept { place: format!("{url} {reference}"), details: Map::from_iter([("tag".to_owned(), Value::String(tag))]) }
}
