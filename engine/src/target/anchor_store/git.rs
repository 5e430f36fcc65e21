//! The git program, in a scratch repository of its own: what it is called with, and what it answers.
//!
//! Every call has fixed arguments; what comes from outside stands in a ref, an address after `--`, or on standard input.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Error, MAX_ANSWER};
use crate::host::{Command, Finished, Host, Probe, Scratch};
use crate::time::{Duration, Timestamp};

/// A repository that is gone when this is dropped.
pub(super) struct Git<'a> {
    probe: &'a dyn Probe,
    store: String,
    env: Vec<(String, String)>,
    timeout: Duration,
    scratch: Scratch,
}

/// A tag.
pub(super) struct Tag {
    /// Its ref.
    pub name: String,
    /// Whether it is an object of its own.
    pub is_annotated: bool,
}

/// What a tag is of.
pub(super) enum Tree {
    /// A tree of files, with their bytes.
    Files(Vec<(String, Vec<u8>)>),
    /// Something else, in words.
    Other(String),
}

/// Bytes in base64, as an HTTP header takes a user and a token.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

impl<'a> Git<'a> {
    /// Makes the repository. `config` is handed over in the environment, where others do not see it.
    pub async fn init(
        probe: &'a dyn Probe,
        store: &str,
        config: Vec<(String, String)>,
        ssh_key: Option<PathBuf>,
        (name, mail): (String, String),
        timeout: Duration,
    ) -> Result<Self, Error> {
        let scratch = probe.scratch(&[])?;
        let mut env: Vec<(String, String)> = [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"),
            ("LC_ALL", "C"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for role in ["AUTHOR", "COMMITTER"] {
            env.push((format!("GIT_{role}_NAME"), name.clone()));
            env.push((format!("GIT_{role}_EMAIL"), mail.clone()));
        }
        if let Some(key) = ssh_key {
            let key = key.display().to_string().replace('\'', "'\\''");
            env.push(("GIT_SSH_COMMAND".to_owned(), format!("ssh -i '{key}' -o IdentitiesOnly=yes -o BatchMode=yes")));
        }
        env.push(("GIT_CONFIG_COUNT".to_owned(), config.len().to_string()));
        for (index, (key, value)) in config.into_iter().enumerate() {
            env.push((format!("GIT_CONFIG_KEY_{index}"), key));
            env.push((format!("GIT_CONFIG_VALUE_{index}"), value));
        }
        let git = Self { probe, store: store.to_owned(), env, timeout, scratch };
        git.done(&["init", "--quiet", "--bare", "."], None, &[]).await?;
        Ok(git)
    }

    fn command(&self, arguments: &[&str], stdin: Option<Vec<u8>>, env: &[(String, String)]) -> Command {
        let argv = std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect();
        let env = self.env.iter().chain(env).cloned().collect();
        let (timeout, at_most) = (self.timeout.as_std(), MAX_ANSWER);
        Command { argv, folder: Some(self.scratch.folder.clone()), env, stdin, timeout, at_most }
    }

    /// Runs git within the scratch repository; gives what it wrote, or its complaint.
    async fn try_do(
        &self,
        arguments: &[&str],
        stdin: Option<Vec<u8>>,
        env: &[(String, String)],
    ) -> Result<Result<Vec<u8>, String>, Error> {
        let finished = self.probe.ask(self.command(arguments, stdin, env)).await?;
        self.answer(finished, arguments)
    }

    fn answer(&self, finished: Finished, arguments: &[&str]) -> Result<Result<Vec<u8>, String>, Error> {
        if finished.timed_out {
            let what = arguments.first().copied().unwrap_or_default();
            return Err(Error::new("timed_out", format!("store `{}`: git {what} took too long", self.store))
                .transient_if(true)
                .uncertain_if(true));
        }
        match finished.code {
            Some(0) if !finished.cut => Ok(Ok(finished.stdout)),
            Some(0) => Ok(Err("its answer is too long".to_owned())),
            _ => Ok(Err(complaint(&finished.stderr))),
        }
    }

    async fn done(
        &self,
        arguments: &[&str],
        stdin: Option<Vec<u8>>,
        env: &[(String, String)],
    ) -> Result<Vec<u8>, Error> {
        self.try_do(arguments, stdin, env).await?.map_err(|why| {
            let what = arguments.first().copied().unwrap_or_default();
            let message = format!("store `{}`: git {what}: {why}", self.store);
            // A repository that cannot be reached may be there a little later.
            match matches!(what, "ls-remote" | "fetch") {
                true => Error::new("git", message).transient_if(true),
                false => Error::new("git", message),
            }
        })
    }

    async fn word(&self, arguments: &[&str], stdin: Vec<u8>) -> Result<String, Error> {
        let answer = self.done(arguments, Some(stdin), &[]).await?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// Writes a blob; gives its id.
    pub async fn blob(&self, bytes: &[u8]) -> Result<String, Error> {
        self.word(&["hash-object", "-w", "--stdin"], bytes.to_vec()).await
    }

    /// Writes a tree of files; gives its id.
    pub async fn tree(&self, files: &[(String, String)]) -> Result<String, Error> {
        let lines: String = files.iter().map(|(name, blob)| format!("100644 blob {blob}\t{name}\n")).collect();
        self.word(&["mktree"], lines.into_bytes()).await
    }

    /// Makes an annotated tag of a tree, signed where there is a key; gives its id.
    pub async fn tag(
        &self,
        reference: &str,
        tree: &str,
        message: &str,
        at: Timestamp,
        key: Option<&Path>,
    ) -> Result<String, Error> {
        let env = [("GIT_COMMITTER_DATE".to_owned(), format!("@{} +0000", at.microseconds() / 1_000_000))];
        let key = key.map(|key| format!("user.signingkey={}", key.display()));
        let name = reference.strip_prefix("refs/tags/").unwrap_or(reference);
        let rest = ["--cleanup=verbatim", "--force", "-F", "-", "--", name, tree];
        let mut arguments = Vec::new();
        match &key {
            Some(key) => arguments.extend(["-c", "gpg.format=ssh", "-c", key.as_str(), "tag", "--sign"]),
            None => arguments.extend(["tag", "--annotate", "--no-sign"]),
        }
        arguments.extend(rest);
        self.done(&arguments, Some(message.as_bytes().to_vec()), &env).await?;
        let answer = self.done(&["rev-parse", "--verify", reference], None, &[]).await?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// The refs of a repository that fit a pattern, and what they point at.
    pub async fn remote(&self, url: &str, pattern: &str) -> Result<BTreeMap<String, String>, Error> {
        let answer = self.done(&["ls-remote", "--refs", "--", url, pattern], None, &[]).await?;
        let text = String::from_utf8_lossy(&answer);
        let pair = |line: &str| line.split_once('\t').map(|(id, name)| (name.to_owned(), id.to_owned()));
        Ok(text.lines().filter_map(pair).collect())
    }

    /// Fetches the refs that fit a pattern, as they are.
    pub async fn fetch(&self, url: &str, pattern: &str) -> Result<(), Error> {
        let found = self.remote(url, pattern).await?;
        if found.is_empty() {
            return Ok(());
        }
        let specs: String = found.keys().map(|name| format!("+{name}:{name}\n")).collect();
        let arguments = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--stdin", "--", url];
        self.done(&arguments, Some(specs.into_bytes()), &[]).await.map(drop)
    }

    /// Pushes one ref; the complaint of the other side where it was not taken.
    pub async fn push(&self, host: &dyn Host, url: &str, spec: &str, force: bool) -> Result<Result<(), String>, Error> {
        let mut arguments = vec!["push", "--quiet"];
        if force {
            arguments.push("--force");
        }
        arguments.extend(["--", url, spec]);
        let finished = host.run(self.command(&arguments, None, &[])).await?;
        Ok(self.answer(finished, &arguments)?.map(drop))
    }

    /// The tags below a ref that were fetched.
    pub async fn tags(&self, below: &str) -> Result<Vec<Tag>, Error> {
        let below = below.trim_end_matches('/');
        let format = "--format=%(refname) %(objecttype)";
        let answer = self.done(&["for-each-ref", format, below], None, &[]).await?;
        let tag = |line: &str| {
            let (name, kind) = line.split_once(' ')?;
            Some(Tag { name: name.to_owned(), is_annotated: kind == "tag" })
        };
        Ok(String::from_utf8_lossy(&answer).lines().filter_map(tag).collect())
    }

    /// Whether one of those who may sign signed a tag; why not.
    pub async fn verify(&self, reference: &str) -> Result<Result<(), String>, Error> {
        let name = reference.strip_prefix("refs/tags/").unwrap_or(reference);
        let arguments = ["-c", "gpg.format=ssh", "verify-tag", "--raw", name];
        Ok(self.try_do(&arguments, None, &[]).await?.map(drop))
    }

    /// The files of the tree that a tag is of.
    pub async fn files(&self, reference: &str) -> Result<Tree, Error> {
        let tree = format!("{reference}^{{tree}}");
        let listing = match self.try_do(&["ls-tree", "-z", &tree], None, &[]).await? {
            Ok(listing) => listing,
            Err(_) => return Ok(Tree::Other("it is a tag of no tree".to_owned())),
        };
        let mut files = Vec::new();
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let (about, name) = line.split_once('\t').unwrap_or_default();
            let mut about = about.split(' ');
            let (Some("100644"), Some("blob"), Some(blob)) = (about.next(), about.next(), about.next()) else {
                return Ok(Tree::Other(format!("`{name}` in its tree is no plain file")));
            };
            files.push((name.to_owned(), self.done(&["cat-file", "blob", blob], None, &[]).await?));
        }
        Ok(Tree::Files(files))
    }
}

/// The lines that say why, without git's decoration; an address may stand in them, and no credential.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let telling = |line: &&&str| line.contains("[rejected]") || line.contains("[remote rejected]");
    let said = lines.iter().find(telling).or(lines.iter().find(|line| line.starts_with("fatal:"))).or(lines.last());
    said.map_or_else(|| "it failed and did not say why".to_owned(), |line| (*line).to_owned())
}
