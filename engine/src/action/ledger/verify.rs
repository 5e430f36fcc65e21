//! `ledger.verify`: the whole judgement over a ledger. What is wrong with it is the answer, not a failure.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{aside, copy, need_runs};
use crate::action::anchor::open_store;
use crate::action::{Error, Looking, Read};
use crate::host::{EntryKind, Probe};
use crate::id::{Digest, Id};
use crate::ledger::report::{AnchorReport, Problem, Report, RunReport, Status};
use crate::ledger::signed::Given;
use crate::ledger::verify::Anchors;
use crate::target::anchor_store::inventory::inventory;
use crate::target::anchor_store::receipts::{hold, receipts};
use crate::target::anchor_store::{Object, own};
use crate::target::ledger_copy::LedgerCopy;
use crate::target::open_ledger::OpenLedger;
use crate::target::recorded_head::{MAX_HEAD, Recorded};
use crate::time::{Duration, Timestamp};

/// Judges a ledger.
pub struct Verify;

/// What `ledger.verify` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The ledger.
    #[schemars(extend("x-runwarden-target" = ["ledger"]))]
    target: Id,
    /// Another file (a backup, a snapshot) judged in place of the target's, by the same driver.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    path: Option<PathBuf>,
    /// The runs to judge; without it all of them.
    #[serde(default)]
    runs: Option<Vec<String>>,
    /// Anchor stores whose anchors must fit: with them a sound ledger can be `ok`. Of drivers `runwarden` and
    /// `corvusforge`; of our own ledger also what its receipts say that they have.
    #[serde(default)]
    #[schemars(extend("x-runwarden-target" = ["anchor_store"]))]
    anchors: Vec<Id>,
    /// Recorded heads that must fit, files or folders of them as `anchor export` writes them: with them a sound log can be
    /// `ok`. Of drivers `hash_chain` and `digest_log`.
    #[serde(default)]
    #[schemars(extend("x-runwarden-path" = true))]
    heads: Vec<PathBuf>,
    /// The newest anchor must not be older, counted from the last entry it covers; of a recorded head, from its time. Of
    /// drivers `runwarden`, `hash_chain` and `digest_log`.
    #[serde(default)]
    max_age: Option<Duration>,
}

/// What `ledger.verify` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The whole in one word; only `ok`, `self_consistent_only` and `never_sealed` are sound.
    status: Status,
    /// Whether the status is one of the sound ones.
    sound: bool,
    /// Which driver read it.
    driver: String,
    /// Which dialect of the driver's format, where there are several and it could be told.
    dialect: Option<String>,
    /// How many entries were judged.
    entries: u64,
    /// Each run by itself.
    runs: Vec<RunReport>,
    /// The checkpoints beside a `runwarden` ledger, and the anchors of the stores, that it was compared with.
    anchors: Vec<AnchorReport>,
    /// Everything that is wrong, in order of entries.
    problems: Vec<Problem>,
    /// The digest of the bytes that were read: database and write-ahead log, or log and seal.
    subject: Digest,
}

#[async_trait]
impl Read for Verify {
    const NAME: &'static str = "ledger.verify";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        if params.runs.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::new("bad_input", "`runs` names no run; leave it out to judge all of them"));
        }
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        if params.runs.is_some() {
            need_runs(&copy)?;
        }
        let evidence = gather(&params, looking).await?;
        let subject = subject_of(&copy, &evidence);
        let now = looking.probe.now();
        let report = aside(move || match copy.open() {
            Ok(ledger) => judge(&params, &ledger, evidence, now),
            Err(report) => Ok(*report),
        })
        .await??;
        Ok(Output {
            status: report.status,
            sound: report.status.is_sound(),
            driver: report.driver,
            dialect: report.dialect,
            entries: report.entries,
            runs: report.runs,
            anchors: report.anchors,
            problems: report.problems,
            subject,
        })
    }

    async fn subject(&self, params: Params, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        let copy = copy(looking.facts, looking.probe, &params.target, params.path.as_deref())?;
        let evidence = gather(&params, looking).await?;
        Ok(Some(subject_of(&copy, &evidence)))
    }
}

/// What the ledger is held against.
struct Evidence {
    /// What each store has, by the store's name in the workspace.
    stores: Vec<(String, Vec<Object>)>,
    heads: Recorded,
}

async fn gather(params: &Params, looking: &Looking<'_>) -> Result<Evidence, Error> {
    let mut stores = Vec::new();
    for name in &params.anchors {
        let store = open_store(looking.facts, looking.probe, name).await?;
        let objects = store.objects(looking.probe, None).await?;
        stores.push((looking.facts.target(name)?.name.clone(), objects));
    }
    let mut heads = Recorded { max_age: params.max_age, ..Recorded::default() };
    for path in &params.heads {
        add_heads(&mut heads, path, looking.probe)?;
    }
    Ok(Evidence { stores, heads })
}

/// A recorded head, or a folder of which every file is one. What is not there is no error: somebody may have removed it.
fn add_heads(heads: &mut Recorded, path: &Path, probe: &dyn Probe) -> Result<(), Error> {
    let shown = path.display().to_string();
    match probe.stat(&probe.resolve(path)?)? {
        None => heads.missing.push(shown),
        Some(stat) if stat.kind == EntryKind::Folder => {
            let mut names = probe.list(path)?;
            names.retain(|name| !name.starts_with('.'));
            names.sort();
            if names.is_empty() {
                heads.missing.push(format!("{shown}/*"));
            }
            for name in names {
                let path = path.join(name);
                let bytes = probe.read(&path, MAX_HEAD as u64)?;
                heads.given.push(Given { source: path.display().to_string(), bytes });
            }
        }
        Some(_) => heads.given.push(Given { source: shown, bytes: probe.read(path, MAX_HEAD as u64)? }),
    }
    Ok(())
}

/// The digest of what is judged: of the ledger alone where no store is asked.
fn subject_of(copy: &LedgerCopy, evidence: &Evidence) -> Digest {
    if evidence.stores.is_empty() && evidence.heads.given.is_empty() && evidence.heads.missing.is_empty() {
        return copy.subject().clone();
    }
    let mut text = copy.subject().to_string();
    for object in evidence.stores.iter().flat_map(|(_, objects)| objects) {
        let bytes = object.bytes.as_ref().map(|bytes| Digest::of(bytes).to_string());
        text += &format!("\n{}\n{}", object.place, bytes.unwrap_or_else(|damage| damage.detail.clone()));
    }
    for head in &evidence.heads.given {
        text += &format!("\n{}\n{}", head.source, Digest::of(&head.bytes));
    }
    for missing in &evidence.heads.missing {
        text += &format!("\n{missing}\nmissing");
    }
    Digest::of(text.as_bytes())
}

fn judge(params: &Params, ledger: &OpenLedger, evidence: Evidence, now: Timestamp) -> Result<Report, Error> {
    let runs = params.runs.as_deref();
    let Evidence { stores, heads } = evidence;
    if params.anchors.is_empty() && heads.is_empty() {
        return Ok(ledger.report(runs));
    }
    let is_of_lines = matches!(ledger, OpenLedger::HashChain(_) | OpenLedger::DigestLog(_));
    if !params.heads.is_empty() && !is_of_lines {
        let message = "`heads` are of drivers `hash_chain` and `digest_log`; this ledger has `anchors`";
        return Err(Error::new("unsupported_driver", message));
    }
    match ledger {
        OpenLedger::HashChain(_) | OpenLedger::DigestLog(_) if params.anchors.is_empty() => {
            ledger.report_recorded(runs, heads, now).map_err(|why| Error::new("unreadable", why))
        }
        OpenLedger::Runwarden(reader, _) => {
            let recorded = receipts(reader, None).map_err(|error| Error::new("unreadable", error.to_string()))?;
            let max_age = params.max_age.map(|most| (most, now));
            let mut anchors = Anchors { max_age, ..Anchors::default() };
            for (store, objects) in stores {
                hold(&mut anchors, &store, own::found(objects), &recorded);
            }
            Ok(ledger.report_anchored(runs, &anchors))
        }
        OpenLedger::Corvusforge(corvus) if params.max_age.is_none() => {
            let wanted = |run: &str| runs.is_none_or(|runs| runs.iter().any(|wanted| wanted == run));
            let (mut anchors, mut misfits) = (Vec::new(), Vec::new());
            for found in stores.into_iter().map(|(_, objects)| inventory(objects)) {
                let its = found.anchors.into_iter().filter(|stored| wanted(&stored.anchor.run_id));
                anchors.extend(
                    its.map(|stored| Given {
                        bytes: stored.anchor.to_json_pretty().into_bytes(),
                        source: stored.place,
                    }),
                );
                misfits.extend(found.misfits.into_iter().filter(|misfit| misfit.run.as_deref().is_none_or(wanted)));
            }
            let mut report = corvus.with_anchors(corvus.verify(runs), anchors, now);
            for misfit in misfits {
                let detail = format!("{}: {}: {}", misfit.path, misfit.code, misfit.detail);
                report.problems.push(Problem { code: "bad_anchor".to_owned(), seq: None, run: misfit.run, detail });
                if report.status.is_sound() {
                    report.status = Status::AnchorMissing;
                }
            }
            Ok(report)
        }
        OpenLedger::Corvusforge(_) => {
            Err(Error::new("unsupported_driver", "`max_age` is not of driver `corvusforge`; `anchor.verify` judges it"))
        }
        OpenLedger::HashChain(_) | OpenLedger::DigestLog(_) => {
            let message = "`anchors` are not of this ledger's driver; name the recorded heads with `heads`";
            Err(Error::new("unsupported_driver", message))
        }
    }
}
