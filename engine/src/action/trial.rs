//! One action tried on the real machine, in a folder of its own, with a notebook of what it asked for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::sealed::Secrets;
use super::{Doing, Error, Facts, Looking, Preview, Reconciled, Registry};
use crate::host::machine::{Machine, Settings};
use crate::host::recorded::{Operation, Recorded};
use crate::host::{Host, Probe};
use crate::id::{Id, RunId};
use crate::procedure::TargetKind as Kind;
use crate::procedure::workspace::TargetEntry;
use crate::secret::custody::Custody;
use crate::secret::fingerprint::FingerprintKey;
use crate::target::Target;
use crate::target::secret_store::SecretPlace;
use crate::time::Timestamp;

pub(super) struct Trial {
    folder: tempfile::TempDir,
    pub(super) settings: Settings,
    pub(super) facts: Facts,
}

impl Trial {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { root: folder.path().to_owned(), probe_commands: true, ..Settings::default() };
        let facts = Facts {
            run: RunId::from_parts(0, &[0; 10]),
            started_at: Timestamp::from_microseconds(0).unwrap(),
            targets: BTreeMap::new(),
            time_limit: None,
            idempotency_key: "key-of-this-step".to_owned(),
            secrets: Secrets {
                custody: Arc::new(Custody::new(Some(FingerprintKey::new([9; 32])))),
                ..Secrets::default()
            },
            by: "step".to_owned(),
        };
        Self { folder, settings, facts }
    }

    pub(super) fn target(mut self, name: &str, kind: Kind, settings: Value) -> Self {
        let Value::Object(settings) = settings else { panic!("settings are a map") };
        self.facts.targets.insert(Id::parse(name).unwrap(), target(name, kind, settings));
        self
    }

    /// A secret store of a driver, bound as a run would bind it.
    pub(super) fn store(self, name: &str, driver: &str, settings: Value) -> Self {
        self.bound(name, Kind::SecretStore, driver, settings)
    }

    /// A target of a driver, bound as a run would bind it.
    pub(super) fn bound(mut self, name: &str, kind: Kind, driver: &str, settings: Value) -> Self {
        let entry = TargetEntry {
            kind,
            driver: Some(driver.to_owned()),
            environment: None,
            settings: settings.as_object().unwrap().clone(),
        };
        let bound = crate::target::bind(name, &entry, &Machine::new(self.settings.clone())).unwrap();
        self.facts.targets.insert(Id::parse(name).unwrap(), bound);
        self
    }

    /// A secret of the procedure, in one of those stores.
    pub(super) fn secret(mut self, name: &str, store: &str, key: &str) -> Self {
        let name = Id::parse(name).unwrap();
        let place = SecretPlace { name: name.clone(), store: self.facts.targets[store].clone(), key: key.to_owned() };
        self.facts.secrets.bound.insert(name, place);
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn content(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names in the workspace, to show that nothing was left behind.
    pub(super) fn names(&self) -> Vec<String> {
        Machine::new(self.settings.clone()).list(self.folder.path()).unwrap()
    }

    /// Looks, and shows that looking did no more than that.
    pub(super) async fn read(&self, action: &str, with: Value) -> Result<Value, Error> {
        let machine = Machine::new(self.settings.clone());
        let notes = Recorded::new(&machine);
        let looking = Looking { facts: &self.facts, probe: &notes };
        let output = Registry::builtin().get(action).unwrap().read(&with, &looking).await;
        without_effect(&notes.operations());
        self.fits_schema(action, output.as_ref().ok());
        output
    }

    /// Plans, and shows that planning did no more than look.
    pub(super) async fn preview(&self, action: &str, with: Value) -> Result<Preview, Error> {
        let machine = Machine::new(self.settings.clone());
        let notes = Recorded::new(&machine);
        let looking = Looking { facts: &self.facts, probe: &notes };
        let preview = Registry::builtin().get(action).unwrap().preview(&with, &looking).await;
        without_effect(&notes.operations());
        preview
    }

    pub(super) async fn apply(&self, action: &str, with: Value) -> Result<Value, Error> {
        self.apply_on(&Machine::new(self.settings.clone()), action, with).await
    }

    pub(super) async fn apply_on(&self, host: &dyn Host, action: &str, with: Value) -> Result<Value, Error> {
        let doing = Doing { facts: &self.facts, host };
        let output = Registry::builtin().get(action).unwrap().apply(&with, &doing).await;
        self.fits_schema(action, output.as_ref().ok());
        output
    }

    pub(super) async fn reconcile(&self, action: &str, with: Value) -> Result<Reconciled<Value>, Error> {
        let machine = Machine::new(self.settings.clone());
        let looking = Looking { facts: &self.facts, probe: &machine };
        Registry::builtin().get(action).unwrap().reconcile(&with, &looking).await
    }

    fn fits_schema(&self, action: &str, output: Option<&Value>) {
        let Some(output) = output else { return };
        let registry = Registry::builtin();
        let schema = registry.get(action).unwrap().output();
        let problem = jsonschema::validator_for(schema).unwrap().validate(output).err();
        assert!(problem.is_none(), "{action}: {problem:?} in {output}");
    }
}

fn target(name: &str, kind: Kind, settings: Map<String, Value>) -> Target {
    Target {
        device_inode: None,
        name: name.to_owned(),
        kind,
        driver: kind.as_str().to_owned(),
        settings,
        identity: format!("test:{name}"),
        environment: None,
        secrets: BTreeMap::new(),
    }
}

fn without_effect(operations: &[Operation]) {
    let effects: Vec<_> = operations.iter().filter(|operation| operation.is_effect()).collect();
    assert!(effects.is_empty(), "looking had effects: {effects:?}");
}
