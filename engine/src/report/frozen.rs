//! What was frozen with a run: its plan, its procedure, and where in it a check or step stands.
//!
//! It lies beside the ledger under its digest and may be gone: the report then says less, and that it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::About;
use crate::action::Registry;
use crate::event::fact::RunBegin;
use crate::id::{Id, Name};
use crate::ledger::reader::Reader;
use crate::library::frozen::thaw;
use crate::plan::View;
use crate::procedure::check::{Check, Question};
use crate::procedure::step::{Body, Step};
use crate::procedure::{Procedure, Work};
use crate::run::Run;

/// What was frozen with a run, as far as it is there.
#[derive(Default)]
pub(super) struct Frozen {
    /// The plan.
    pub plan: Option<View>,
    /// The procedure and those that it calls.
    procedures: BTreeMap<Name, Arc<Procedure>>,
    /// What was run.
    root: Option<Name>,
}

#[derive(Deserialize)]
struct Kept {
    plan: View,
    documents: Map<String, Json>,
}

impl Frozen {
    /// Reads it; what cannot be read goes to `missing`.
    pub fn read(reader: &Reader, run: &Run, name: &Name, missing: &mut Vec<String>) -> Self {
        let lost = |why: String| format!("what the run was begun with cannot be read: {why}");
        let Some(digest) = &run.frozen else {
            missing.push(lost("its plan is not on record".to_owned()));
            return Self::default();
        };
        let kept = match reader.content().get(digest) {
            Ok(bytes) => serde_json::from_slice::<Kept>(&bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let Kept { plan, documents } = match kept {
            Ok(kept) => kept,
            Err(why) => {
                missing.push(lost(why));
                return Self::default();
            }
        };
        let loaded = thaw(name, &documents, &Registry::builtin());
        if loaded.is_refused() {
            missing.push(lost("this version of the engine does not understand all of the procedure".to_owned()));
        }
        Self { plan: Some(plan), procedures: loaded.procedures, root: Some(name.clone()) }
    }

    /// What was run.
    pub fn root(&self) -> Option<&Procedure> {
        self.procedures.get(self.root.as_ref()?).map(Arc::as_ref)
    }

    /// What was run, for people.
    pub fn about(&self, begin: &RunBegin) -> About {
        let known = self.root();
        About {
            name: begin.procedure.clone(),
            version: begin.version.clone(),
            document: begin.document.clone(),
            kind: known.map(|it| it.kind().to_owned()),
            title: known.map(|it| it.title.clone()),
            summary: known.map(|it| it.summary.trim().to_owned()),
            owner: known.map(|it| it.owner.clone()),
            risk: known.filter(|it| matches!(it.work, Work::Steps(_))).map(Procedure::risk),
            source: known.and_then(|it| it.source.clone()),
        }
    }

    /// The step at a path, and the procedure that it is in.
    pub fn step(&self, run: &Run, path: &str) -> Option<&Step> {
        let (caller, last) = match path.rsplit_once('/') {
            Some((caller, last)) => (Some(caller), last),
            None => (None, path),
        };
        let id = Id::parse(last.split('[').next().unwrap_or(last)).ok()?;
        self.within(run, caller)?.find_step(&id)
    }

    /// A check by its id: of the step at this path, or of the procedure that is called there; of the run itself.
    pub fn check(&self, run: &Run, path: Option<&str>, id: &str) -> Option<&Check> {
        let of_step = path.and_then(|path| self.step(run, path));
        let own = of_step.into_iter().flat_map(|step| {
            let wait = match &step.body {
                Body::Wait(wait) => [wait.until.as_ref(), wait.abort_when.as_ref()],
                _ => [None, None],
            };
            let lists = step.verify.iter().chain(&step.preconditions).chain(&step.satisfied_when);
            lists.chain(wait.into_iter().flatten())
        });
        let procedure = match path {
            Some(path) => run.calls.contains_key(path).then(|| self.within(run, Some(path))).flatten(),
            None => self.root(),
        };
        let of_procedure = procedure.into_iter().flat_map(|procedure| {
            let work = match &procedure.work {
                Work::Steps(work) => &work.verify,
                Work::Items(items) => items,
            };
            procedure.preconditions.iter().chain(work)
        });
        own.chain(of_procedure).find(|check| check.id.as_str() == id)
    }

    /// The procedure whose steps stand below a path.
    fn within(&self, run: &Run, caller: Option<&str>) -> Option<&Procedure> {
        match caller {
            None => self.root(),
            Some(caller) => self.procedures.get(&run.calls.get(caller)?.procedure).map(Arc::as_ref),
        }
    }
}

/// What must be true, as it is written.
pub(super) fn expected(check: &Check) -> &str {
    match &check.question {
        Question::Expect { expect, .. } | Question::Manual { expect, .. } => expect.source(),
    }
}

/// The read that a check asks.
pub(super) fn read_of(check: &Check) -> Option<String> {
    match &check.question {
        Question::Expect { read, .. } => read.as_ref().map(|act| act.action.to_string()),
        Question::Manual { .. } => Some("manual".to_owned()),
    }
}
