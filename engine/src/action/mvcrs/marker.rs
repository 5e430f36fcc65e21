//! `mvcrs.marker`: an audit marker, as a comment in a document of markers or as a file of its own.
//!
//! MV-CRS shows the last state of each marker and keeps no trail; neither does this. Unlike its own writer, which removes
//! whole lines, this one takes the marker's own comment out and leaves its neighbours on the line alone.

use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::AT_MOST;
use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Facts, Fidelity, Looking, Preview, Reconciled, Repeat,
};
use crate::host::{Existing, Probe};

/// Writes an audit marker.
pub struct Marker;

/// What `mvcrs.marker` takes; either `path` or `directory`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The marker's name, like `MVCRS_TRUST_LOCK`.
    #[schemars(extend("pattern" = "^[A-Z][A-Z0-9_]{2,63}$"))]
    name: String,
    /// Its word, like `LOCKED`; a marker that is a file of its own has none.
    #[serde(default)]
    #[schemars(extend("pattern" = "^[A-Z][A-Z0-9_]{0,63}$"))]
    word: Option<String>,
    /// What else is said, on one line.
    #[serde(default)]
    note: Option<String>,
    /// The document of markers, like `docs/audit_summary.md`; made where it is not there.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The folder that gets a file `audit_<name>_<seconds>.marker`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    directory: Option<PathBuf>,
}

/// What `mvcrs.marker` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// The marker as it was written.
    line: String,
    /// The file that it is in.
    path: String,
    /// The markers of that name that were there before and are no more.
    replaced: Vec<String>,
}

/// What is to be written where.
struct Wanted {
    path: PathBuf,
    line: String,
    content: String,
    replaced: Vec<String>,
    existing: Existing,
    there: bool,
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_uppercase())
        && letters.all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

impl Params {
    fn wanted(&self, facts: &Facts, probe: &dyn Probe) -> Result<Wanted, Error> {
        let wrong = |what: &str| Error::new("bad_input", what.to_owned());
        if !is_name(&self.name) || self.word.as_deref().is_some_and(|word| !is_name(word)) {
            return Err(wrong("name and word are of capital letters, digits and `_`"));
        }
        let note = self.note.as_deref().unwrap_or_default();
        if note.chars().any(char::is_control) || note.contains("--") {
            return Err(wrong("`note` has a line's end or `--`, which a comment cannot hold"));
        }
        match (&self.path, &self.directory, &self.word) {
            (Some(path), None, Some(word)) => self.in_document(facts, probe, path.clone(), word, note),
            (None, Some(directory), None) if note.is_empty() => self.in_folder(facts, probe, directory.clone()),
            (Some(_), None, None) => Err(wrong("a marker in a document has a `word`")),
            (None, Some(_), _) => Err(wrong("a marker that is a file of its own has neither `word` nor `note`")),
            _ => Err(wrong("give either `path` or `directory`")),
        }
    }

    fn in_document(
        &self,
        facts: &Facts,
        probe: &dyn Probe,
        path: PathBuf,
        word: &str,
        note: &str,
    ) -> Result<Wanted, Error> {
        let before = match probe.stat(&path)? {
            None => String::new(),
            Some(_) => String::from_utf8(probe.read(&path, AT_MOST)?)
                .map_err(|_| Error::new("malformed", format!("`{}`: no UTF-8", path.display())))?,
        };
        let note = if note.is_empty() { String::new() } else { format!(" note: {note}") };
        let line = format!("<!-- {}: {word} {} run: {}{note} -->", self.name, facts.started_at, facts.run);
        let (mut content, replaced) = without(&before, &self.name);
        let there = replaced == [line.clone()];
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
        content.push_str(&line);
        content.push('\n');
        Ok(Wanted { path, line, content, replaced, existing: Existing::Replace, there })
    }

    fn in_folder(&self, facts: &Facts, probe: &dyn Probe, directory: PathBuf) -> Result<Wanted, Error> {
        let seconds = facts.started_at.microseconds().div_euclid(1_000_000);
        let path = directory.join(format!("audit_{}_{seconds}.marker", self.name));
        let line = json!({ "marker": self.name, "ts": seconds }).to_string();
        let there = probe.stat(&path)?.is_some() && probe.read(&path, AT_MOST)? == line.as_bytes();
        let content = line.clone();
        Ok(Wanted { path, line, content, replaced: Vec::new(), existing: Existing::Refuse, there })
    }
}

/// A document without the comments of that name, and these.
fn without(document: &str, name: &str) -> (String, Vec<String>) {
    let (mut kept, mut replaced) = (String::with_capacity(document.len()), Vec::new());
    for line in document.split_inclusive('\n') {
        let (mut left, mut rest, before) = (String::new(), line, replaced.len());
        while let Some(start) = rest.find("<!--") {
            let Some(length) = rest[start..].find("-->").map(|at| at + 3) else { break };
            let comment = &rest[start..start + length];
            let is_ours = comment[4..].trim_start().strip_prefix(name).is_some_and(|after| after.starts_with(':'));
            left.push_str(&rest[..start]);
            match is_ours {
                true => replaced.push(comment.to_owned()),
                false => left.push_str(comment),
            }
            rest = &rest[start + length..];
        }
        left.push_str(rest);
        if replaced.len() == before || !left.trim().is_empty() {
            kept.push_str(&left);
        }
    }
    (kept, replaced)
}

fn output(wanted: Wanted) -> Output {
    Output { line: wanted.line, path: wanted.path.display().to_string(), replaced: wanted.replaced }
}

#[async_trait]
impl Effect for Marker {
    const NAME: &'static str = "mvcrs.marker";
    const CONTRACT: Contract = Contract {
        effect: EffectClass::Mutate,
        repeat: Repeat::Idempotent,
        preview: Fidelity::Exact,
        reconcile: true,
        version: 1,
    };
    type Params = Params;
    type Output = Output;

    fn writes(&self, params: &Params, looking: &Looking<'_>) -> Result<Vec<PathBuf>, Error> {
        Ok(vec![params.wanted(looking.facts, looking.probe)?.path])
    }

    async fn preview(&self, params: Params, looking: &Looking<'_>) -> Result<Preview, Error> {
        let wanted = params.wanted(looking.facts, looking.probe)?;
        Ok(Preview {
            fidelity: Fidelity::Exact,
            before: Some(json!({ "markers": wanted.replaced })),
            after: Some(json!({ "path": wanted.path, "name": params.name, "word": params.word })),
            no_change: false,
        })
    }

    async fn apply(&self, params: Params, doing: &Doing<'_>) -> Result<Output, Error> {
        let wanted = params.wanted(doing.facts, doing.host)?;
        if !wanted.there {
            if let Some(folder) = wanted.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                doing.host.make_folder(folder, 0o755)?;
            }
            let mode = doing.host.stat(&wanted.path)?.map_or(0o644, |stat| stat.mode & 0o777);
            doing.host.write(&wanted.path, wanted.content.as_bytes(), mode, wanted.existing)?;
        }
        Ok(output(wanted))
    }

    async fn reconcile(&self, params: Params, looking: &Looking<'_>) -> Result<Reconciled<Output>, Error> {
        let wanted = params.wanted(looking.facts, looking.probe)?;
        Ok(if wanted.there { Reconciled::Happened(output(wanted)) } else { Reconciled::NotHappened })
    }
}
