//! A run of our own handed to anchor stores, after its end or later: intent, store, receipt, each in the ledger.
//!
//! Nothing here changes how the run ended. What it changes is whether the run is called done.

use crate::event::anchoring::{AnchorFailed, AnchorIntent, AnchorReceipt};
use crate::event::fact::{Event, SecretRead};
use crate::event::{Draft, Kind};
use crate::host::Host;
use crate::id::{Digest, Id, RunId};
use crate::ledger::Ledger;
use crate::ledger::error::Error as LedgerError;
use crate::ledger::reader::Reader;
use crate::procedure::Environment;
use crate::procedure::workspace::Policy;
use crate::secret::custody::{Custody, SecretUse};
use crate::target::anchor_store::place::Guarded;
use crate::target::anchor_store::receipts::{Recorded, receipts};
use crate::target::anchor_store::{self, Item, deposit, inventory, own};
use crate::target::corvusforge::anchor::Anchor;
use crate::target::{Target, driver};
use crate::template::Outcome as Known;
use crate::template::scope::Scope;
use crate::time::{Duration, Timestamp};

/// The anchors that a policy asks of each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The store that each run's anchor goes to.
    pub always: Option<Id>,
    /// The stores of which some must have it.
    pub of: Vec<Id>,
    /// How many of them.
    pub at_least: u32,
    /// How long after the end of the run.
    pub within: Option<Duration>,
}

impl Demand {
    /// What a policy asks for in an environment; none where it asks for nothing.
    ///
    /// # Errors
    /// When a length of time in it is none, in words.
    pub fn of(policy: &Policy, environment: Environment) -> Result<Option<Self>, String> {
        let anchors = policy.require.get(&environment).and_then(|required| required.anchors.as_ref());
        if anchors.is_none() && policy.anchor_after_run.is_none() {
            return Ok(None);
        }
        let within = anchors.and_then(|anchors| anchors.within.as_ref()).map(|within| {
            let wrong = |why: &str| format!("`{}` in `policy.require` is no duration: {why}", within.source());
            match within.render(&Scope::new()) {
                Ok(Known::Known(value)) => match (value.as_duration(), value.as_str()) {
                    (Some(duration), _) => Ok(duration),
                    (None, Some(text)) => Duration::parse(text).map_err(|error| wrong(&error.to_string())),
                    (None, None) => Err(wrong("it is not text")),
                },
                Ok(Known::Undecided(because)) => Err(wrong(&because.join("; "))),
                Err(error) => Err(wrong(&error.to_string())),
            }
        });
        Ok(Some(Self {
            always: policy.anchor_after_run.clone(),
            of: anchors.map(|anchors| anchors.of.clone()).unwrap_or_default(),
            at_least: anchors.map_or(0, |anchors| anchors.at_least),
            within: within.transpose()?,
        }))
    }

    /// Every store that is to have the anchor, each once.
    #[must_use]
    pub fn stores(&self) -> Vec<Id> {
        let mut stores: Vec<Id> = self.always.iter().cloned().collect();
        stores.extend(self.of.iter().filter(|store| self.always.as_ref() != Some(store)).cloned());
        stores
    }

    /// Whether a run that ended then is anchored as it should be, by the receipts of its anchors.
    #[must_use]
    pub fn is_met(&self, ended_at: Timestamp, receipts: &[Recorded]) -> bool {
        let has = |store: &Id, within: Option<Duration>| {
            receipts.iter().any(|recorded| {
                let after = recorded.at.since(ended_at).microseconds();
                recorded.receipt.store == store.as_str()
                    && recorded.at >= ended_at
                    && within.is_none_or(|within| after <= within.microseconds())
            })
        };
        let always = self.always.as_ref().is_none_or(|store| has(store, None));
        let distinct: std::collections::BTreeSet<&Id> = self.of.iter().collect();
        let count = distinct.into_iter().filter(|store| has(store, self.within)).count();
        always && count >= self.at_least as usize
    }
}

/// What came of handing an anchor to one store.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// The store.
    pub store: String,
    /// Its receipt, or why it has none.
    pub outcome: Result<AnchorReceipt, String>,
}

/// The end of a run: its entry's time, and the anchor over it.
struct End {
    at: Timestamp,
    item: Item,
    receipts: Vec<Recorded>,
}

/// Who hands over, with what.
pub struct Courier<'a> {
    /// The machine.
    pub host: &'a dyn Host,
    /// What this process knows of secrets.
    pub custody: &'a Custody,
    /// The ledger's place, which a store must not be in.
    pub guarded: Guarded,
    /// Who asks for it.
    pub actor: String,
}

impl Courier<'_> {
    /// Hands the anchor of a run that has ended to stores, one after the other; a store that has it already is not
    /// asked again. Each answer is in the ledger before the next store is asked.
    ///
    /// # Errors
    /// When the ledger cannot be read or written; a store that says no is an answer.
    pub async fn hand_over(
        &self,
        ledger: &mut Ledger,
        run: &RunId,
        stores: &[Target],
    ) -> Result<Vec<Handed>, LedgerError> {
        let end = self.end(ledger, run)?;
        let mut handed = Vec::new();
        for store in stores {
            let known = end.receipts.iter().find(|recorded| {
                recorded.receipt.store == store.name && recorded.receipt.name.as_ref() == Some(&end.item.name)
            });
            if let Some(recorded) = known {
                handed.push(Handed { store: store.name.clone(), outcome: Ok(recorded.receipt.clone()) });
                continue;
            }
            let name = Some(end.item.name.clone());
            handed.push(self.noted(ledger, store, &end.item, name, None).await?);
        }
        // What was written since the run's end is signed as well.
        Ledger::checkpoint(ledger)?;
        Ok(handed)
    }

    /// Hands an anchor of a Corvusforge run to stores, noted in our own ledger. A statement that a store has already,
    /// whenever it was made, stays as it is.
    ///
    /// # Errors
    /// When the ledger cannot be written; a store that says no is an answer.
    pub async fn hand_over_foreign(
        &self,
        ledger: &mut Ledger,
        anchor: &Anchor,
        item: &Item,
        stores: &[Target],
    ) -> Result<Vec<Handed>, LedgerError> {
        let mut handed = Vec::new();
        for store in stores {
            handed.push(self.noted(ledger, store, item, None, Some(anchor)).await?);
        }
        Ledger::checkpoint(ledger)?;
        Ok(handed)
    }

    /// Intent, store, and what came of it; `name` is what receipts of our own runs are found by.
    async fn noted(
        &self,
        ledger: &mut Ledger,
        store: &Target,
        item: &Item,
        name: Option<String>,
        foreign: Option<&Anchor>,
    ) -> Result<Handed, LedgerError> {
        let intent = AnchorIntent { store: store.name.clone(), of: item.run.clone(), name: name.clone() };
        self.note(ledger, Event::AnchorIntent(intent))?;
        let outcome = self.one(store, item, foreign).await.map_err(|error| {
            let mut detail = error.to_string();
            self.custody.masker().clean(&mut detail);
            detail
        });
        let outcome = outcome.map(|receipt| AnchorReceipt { name, ..receipt });
        for SecretUse { name, store, key, fingerprint, by } in self.custody.take_reads() {
            self.note(ledger, Event::SecretRead(SecretRead { name, store, key, by, fingerprint }))?;
        }
        let event = match &outcome {
            Ok(receipt) => Event::AnchorReceipt(receipt.clone()),
            Err(detail) => {
                let (store, of) = (store.name.clone(), item.run.clone());
                Event::AnchorFailed(AnchorFailed { store, of, detail: detail.clone() })
            }
        };
        self.note(ledger, event)?;
        Ok(Handed { store: store.name.clone(), outcome })
    }

    /// Whether the run is anchored as a policy asks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn is_met(&self, ledger: &Ledger, run: &RunId, demand: &Demand) -> Result<bool, LedgerError> {
        let end = self.end(ledger, run)?;
        Ok(demand.is_met(end.at, &end.receipts))
    }

    fn end(&self, ledger: &Ledger, run: &RunId) -> Result<End, LedgerError> {
        let path = ledger.path().to_owned();
        let no_room = |error: crate::host::Error| LedgerError::File {
            path: path.clone(),
            source: std::io::Error::other(error.to_string()),
        };
        let scratch = self.host.scratch(&[]).map_err(no_room)?;
        let reader = Reader::copy(&path, &scratch.folder)?;
        let missing = || LedgerError::NotSealed { path: path.clone(), what: format!("no end of run {run}") };
        let seq = reader.end_of(run)?.ok_or_else(missing)?;
        let keys = [ledger.vkey().clone()];
        let proven = reader.prove(seq, None, &keys)?.ok_or_else(missing)?;
        let at = crate::ledger::entry::read(&proven.body).map_err(|_| missing())?.ts;
        let item = own::item(run, &proven, self.host.now());
        Ok(End { at, item, receipts: receipts(&reader, Some(run.as_str()))? })
    }

    async fn one(
        &self,
        target: &Target,
        item: &Item,
        foreign: Option<&Anchor>,
    ) -> Result<AnchorReceipt, driver::Error> {
        let store = anchor_store::open(target, self.host, self.custody, "anchor").await?;
        store.trust(self.host, &self.guarded)?;
        let found = deposit::look(&*store, self.host, item).await?;
        let had = found.len() >= item.files.len();
        let mut item = item.clone();
        // Of the same statement made at another time, the one that is there is the anchor.
        if let (Some(anchor), Some(kept)) =
            (foreign, found.into_iter().find_map(|object| inventory::stored(object).ok()))
            && kept.anchor.says_the_same(anchor)
            && kept.anchor.self_hash() == kept.anchor.anchor_hash
        {
            let bytes = kept.anchor.to_json_pretty().into_bytes();
            item.files.iter_mut().for_each(|file| file.bytes.clone_from(&bytes));
        }
        let item = &item;
        // What is there already is compared, and nothing is replaced.
        let kept = deposit::put(&*store, self.host, item).await?;
        // A folder that was just made may lie elsewhere than it seemed.
        let trust = store.trust(self.host, &self.guarded)?;
        let trust = serde_json::to_value(trust).ok().and_then(|word| word.as_str().map(str::to_owned));
        let mut receipt = AnchorReceipt {
            store: target.name.clone(),
            driver: target.driver.clone(),
            of: item.run.clone(),
            name: Some(item.name.clone()),
            place: kept.place,
            sha256: Digest::of(item.statement()).hex().to_owned(),
            bytes: item.statement().len() as u64,
            trust: trust.unwrap_or_default(),
            existed: had,
            details: kept.details,
        };
        let mut details = serde_json::Value::Object(std::mem::take(&mut receipt.details));
        self.custody.masker().clean_json(&mut details);
        receipt.details = details.as_object().cloned().unwrap_or_default();
        Ok(receipt)
    }

    /// An entry of no run: the run itself is over.
    fn note(&self, ledger: &mut Ledger, event: Event) -> Result<(), LedgerError> {
        let kind: Kind = event.kind();
        let draft = Draft { actor: Some(self.actor.clone()), ..Draft::new(kind, event.data()) };
        super::book::Keeper::append(ledger, self.host.now(), vec![draft])
    }
}
