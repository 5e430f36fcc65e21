//! `forge.verdict_verify`: whether a scenario's results are those that a pinned key signed.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verdict::{self, Problem, Results};
use crate::action::file::digest_of;
use crate::action::{Error, Looking, Read};
use crate::host::Probe;
use crate::id::Digest;

/// Judges the verdict over a scenario.
pub struct VerdictVerify;

/// What `forge.verdict_verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The folder of the results, like `storage/scenarios/ID/results`; a relative path starts in the workspace.
    #[schemars(extend("x-runwarden-path" = true))]
    directory: PathBuf,
    /// The scoreboard's Ed25519 key, from anywhere but that folder: standard base64 of its 32 bytes, or 64 hex digits.
    /// Not beside `public_key_file`.
    #[serde(default)]
    public_key: Option<String>,
    /// A file with that key, anywhere but in that folder; not beside `public_key`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    public_key_file: Option<PathBuf>,
    /// The scenario; where it is not given, the name of the folder around `results`.
    #[serde(default)]
    scenario: Option<String>,
}

/// What `forge.verdict_verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether nothing is wrong.
    valid: bool,
    /// The scenario that the results were held against.
    scenario_id: String,
    /// Everything that is wrong.
    problems: Vec<Problem>,
    /// SHA-256 of `score.json`, 64 hex digits; none if it is missing.
    score_sha256: Option<String>,
    /// SHA-256 of the evidence bundle, 64 hex digits; none if it is missing.
    evidence_sha256: Option<String>,
    /// The evidence bundle's name; none if it is missing.
    evidence: Option<String>,
    /// When the verdict says that it was made; nobody signed that.
    computed_at: Option<String>,
    /// The digest of what was read.
    subject: Digest,
}

/// The names a bundle may have.
const BUNDLES: [&str; 2] = ["evidence.tar.zst", "evidence.tar.gz"];
const SMALL: u64 = 64 * 1024;
const SCORE_AT_MOST: u64 = 16 * 1024 * 1024;

#[async_trait]
impl Read for VerdictVerify {
    const NAME: &'static str = "forge.verdict_verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let probe = looking.probe;
        let directory = probe.resolve(&params.directory)?;
        let pinned = pinned(&params, probe, &directory)?;
        let scenario = match &params.scenario {
            Some(scenario) => scenario.clone(),
            None => scenario_around(&directory)?,
        };
        if probe.stat(&directory)?.is_none() {
            return Err(Error::new("not_found", format!("there is no folder `{}`", params.directory.display())));
        }
        let mut problems = Vec::new();
        let mut file = |name: &str, at_most| small(probe, &directory, name, at_most, &mut problems);
        let score = file("score.json", SCORE_AT_MOST)?;
        let signed = file("verdict.sig", SMALL)?;
        let key = file("verdict.pub", SMALL)?;
        let bundle = bundle(probe, &directory, &mut problems).await?;
        let results = Results {
            scenario: &scenario,
            score: score.as_deref(),
            evidence: bundle.as_ref().map(|(_, digest)| digest),
            verdict: signed.as_deref(),
            key: key.as_deref(),
        };
        let (verdict, wrong) = verdict::judge(&results, &pinned);
        problems.extend(wrong);
        let of = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Digest::of);
        let read = (of(&score), of(&signed), of(&key), &bundle);
        let subject = Digest::of(serde_json::json!(read).to_string().as_bytes());
        Ok(Output {
            valid: problems.is_empty(),
            scenario_id: scenario,
            problems,
            score_sha256: of(&score).map(|digest| digest.hex().to_owned()),
            evidence_sha256: bundle.as_ref().map(|(_, digest)| digest.hex().to_owned()),
            evidence: bundle.map(|(name, _)| name.to_owned()),
            computed_at: verdict.and_then(|verdict| verdict.computed_at),
            subject,
        })
    }
}

/// The key that counts.
fn pinned(params: &Params, probe: &dyn Probe, directory: &Path) -> Result<[u8; 32], Error> {
    let (name, text) = match (&params.public_key, &params.public_key_file) {
        (Some(text), None) => ("public_key", text.clone()),
        (None, Some(file)) if probe.inside(file, directory)? => {
            return Err(Error::new("bad_input", "the key that lies beside a verdict does not count"));
        }
        (None, Some(file)) => ("public_key_file", String::from_utf8_lossy(&probe.read(file, SMALL)?).into_owned()),
        _ => return Err(Error::new("bad_input", "give either `public_key` or `public_key_file`")),
    };
    let wrong = || Error::new("bad_input", format!("`{name}` is no base64 of 32 bytes, and no 64 hex digits"));
    verdict::read_key(&text).ok_or_else(wrong)
}

/// The scenario whose results a folder holds, by its place.
fn scenario_around(directory: &Path) -> Result<String, Error> {
    let around = match directory.file_name() {
        Some(name) if name == "results" => directory.parent().and_then(Path::file_name),
        _ => None,
    };
    around.and_then(|name| name.to_str()).map(ToOwned::to_owned).ok_or_else(|| {
        let message = format!("`{}` is no folder `SCENARIO/results`: name the `scenario`", directory.display());
        Error::new("bad_input", message)
    })
}

/// A small file of the folder; that it is missing is a problem and no error.
fn small(
    probe: &dyn Probe,
    directory: &Path,
    name: &str,
    at_most: u64,
    problems: &mut Vec<Problem>,
) -> Result<Option<Vec<u8>>, Error> {
    let path = directory.join(name);
    if probe.stat(&path)?.is_none() {
        problems.push(Problem::new("missing_file", format!("there is no `{name}`")));
        return Ok(None);
    }
    Ok(Some(probe.read(&path, at_most)?))
}

async fn bundle(
    probe: &dyn Probe,
    directory: &Path,
    problems: &mut Vec<Problem>,
) -> Result<Option<(&'static str, Digest)>, Error> {
    let mut found = Vec::new();
    for name in BUNDLES {
        if probe.stat(&directory.join(name))?.is_some() {
            found.push(name);
        }
    }
    match found[..] {
        [] => {
            let detail = format!("there is no evidence bundle (`{}`)", BUNDLES.join("`, `"));
            problems.push(Problem::new("missing_file", detail));
            Ok(None)
        }
        [name] => Ok(Some((name, digest_of(probe, &directory.join(name)).await?.0))),
        _ => {
            problems.push(Problem::new("two_bundles", format!("there are both `{}`", BUNDLES.join("` and `"))));
            Ok(None)
        }
    }
}
