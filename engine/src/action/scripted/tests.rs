//! Scripted actions: the same contracts and inputs, other answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Call, Script, partial};
use crate::action::sealed::Secrets;
use crate::action::{Error, Facts, Looking, Reconciled, Registry};
use crate::host::machine::{Machine, Settings};
use crate::id::{Digest, RunId};
use crate::time::Timestamp;

/// Answers everything alike, and says what does not fit.
struct Same(Value);

#[async_trait]
impl Script for Same {
    async fn answer(&self, call: &Call<'_>) -> Result<Value, Error> {
        let misfits = call.misfits(&self.0);
        if misfits.is_empty() { Ok(self.0.clone()) } else { Err(Error::new("misfit", misfits.join("; "))) }
    }

    fn reconcile(&self, _: &Call<'_>) -> Result<Reconciled<Value>, Error> {
        Ok(Reconciled::CannotTell)
    }

    fn subject(&self, _: &Call<'_>) -> Option<Digest> {
        None
    }
}

fn facts() -> Facts {
    Facts {
        run: RunId::from_parts(0, &[0; 10]),
        started_at: Timestamp::from_microseconds(0).unwrap(),
        targets: BTreeMap::new(),
        time_limit: None,
        idempotency_key: String::new(),
        secrets: Secrets::default(),
        by: "step".to_owned(),
    }
}

async fn read(action: &str, with: Value, output: Value) -> Result<Value, Error> {
    let script: Arc<dyn Script> = Arc::new(Same(output));
    let machine = Machine::new(Settings::default());
    let facts = facts();
    let looking = Looking { facts: &facts, probe: &machine };
    Registry::builtin().scripted(&script).get(action).unwrap().read(&with, &looking).await
}

#[test]
fn contracts_and_schemas_are_those_of_the_real_actions() {
    let real = Registry::builtin();
    let script: Arc<dyn Script> = Arc::new(Same(Value::Null));
    for action in real.scripted(&script).iter() {
        let known = real.get(action.name).unwrap();
        assert_eq!((action.contract, action.is_read()), (known.contract, known.is_read()), "{}", action.name);
        assert_eq!((action.params(), action.output()), (known.params(), known.output()), "{}", action.name);
    }
}

#[tokio::test]
async fn an_input_that_the_real_action_refuses_is_refused() {
    let refused = read("file.hash", json!({ "paht": "a" }), json!({})).await.unwrap_err();
    assert_eq!(refused.code, "bad_input");
}

#[tokio::test]
async fn an_output_may_leave_members_out_and_have_none_of_another_type() {
    let with = json!({ "path": "a" });
    assert_eq!(read("file.hash", with.clone(), json!({ "size": 7 })).await.unwrap(), json!({ "size": 7 }));
    let misfit = read("file.hash", with, json!({ "size": "seven" })).await.unwrap_err();
    assert_eq!(misfit.message, "at `/size`: \"seven\" is not of type \"integer\"");
}

#[test]
fn a_member_that_is_called_required_stays() {
    let schema = json!({ "required": ["required"], "properties": { "required": { "type": "boolean" } } });
    assert_eq!(partial(&schema), json!({ "properties": { "required": { "type": "boolean" } } }));
}
