//! Actions answered by a script in place of the world: what tests of procedures run.
//!
//! Name, contract and schemas stay those of the real action, and an input is refused as the real one would. Where the
//! answers come from is the script's affair.

use std::sync::OnceLock;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::erased::nothing_happened;
use super::{Error, Facts, NOT_PROBED, Reconciled};
use crate::host::Probe;
use crate::id::Digest;

/// The read whose program a plan does not run unless it is told to.
const AUTHORS_PROGRAM: &str = "command.read";

/// A call that a script answers.
pub struct Call<'a> {
    /// The action, `family.verb`.
    pub action: &'static str,
    /// Who asks, with what: `facts.by` says which step, check or guard.
    pub facts: &'a Facts,
    pub(super) schema: &'a Value,
    pub(super) shape: &'a Shape,
}

/// Answers for actions.
#[async_trait]
pub trait Script: Send + Sync {
    /// Answers one call whose input fits the action.
    async fn answer(&self, call: &Call<'_>) -> Result<Value, Error>;

    /// Whether an effect whose outcome was lost happened.
    ///
    /// # Errors
    /// When the script does not say what is there then.
    fn reconcile(&self, call: &Call<'_>) -> Result<Reconciled<Value>, Error>;

    /// Whether it has an answer to such a call; a pure action gives its own where it has none.
    fn has_answer(&self, _call: &Call<'_>) -> bool {
        true
    }

    /// Digest of what the next answer to such a call would be over.
    fn subject(&self, call: &Call<'_>) -> Option<Digest>;
}

impl Call<'_> {
    /// What of an output does not fit the action's schema. It may leave members out; what it has must fit.
    #[must_use]
    pub fn misfits(&self, output: &Value) -> Vec<String> {
        match self.shape.validator(self.schema) {
            Ok(validator) => validator
                .iter_errors(output)
                .map(|error| {
                    let place = error.instance_path().to_string();
                    if place.is_empty() { error.to_string() } else { format!("at `{place}`: {error}") }
                })
                .collect(),
            Err(why) => vec![why.clone()],
        }
    }
}

/// The validator of an action's outputs, made when it is first needed.
#[derive(Default)]
pub(super) struct Shape(OnceLock<Result<jsonschema::Validator, String>>);

impl Shape {
    fn validator(&self, schema: &Value) -> &Result<jsonschema::Validator, String> {
        self.0.get_or_init(|| jsonschema::validator_for(&partial(schema)).map_err(|error| error.to_string()))
    }
}

pub(super) async fn read(script: &dyn Script, call: &Call<'_>, probe: &dyn Probe) -> Result<Value, Error> {
    if call.action == AUTHORS_PROGRAM && !probe.probes_commands() {
        return Err(Error::new(NOT_PROBED, "programs are not run while planning without `--probe-commands`"));
    }
    script.answer(call).await.map_err(nothing_happened)
}

pub(super) async fn apply(script: &dyn Script, call: &Call<'_>) -> Result<Value, Error> {
    script.answer(call).await
}

/// The schema of a part of what a schema describes: members may be missing, and none may be unknown.
fn partial(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut relaxed = Map::new();
    for (keyword, value) in keywords {
        let (keyword, value) = match (keyword.as_str(), value) {
            ("required", Value::Array(_)) => continue,
            // With members left out more than one branch may fit.
            ("oneOf", Value::Array(branches)) => ("anyOf", Value::Array(branches.iter().map(partial).collect())),
            ("anyOf" | "allOf" | "prefixItems", Value::Array(branches)) => {
                (keyword.as_str(), Value::Array(branches.iter().map(partial).collect()))
            }
            ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(members)) => {
                let members = members.iter().map(|(name, member)| (name.clone(), partial(member)));
                (keyword.as_str(), Value::Object(members.collect()))
            }
            ("items" | "additionalProperties" | "not", _) => (keyword.as_str(), partial(value)),
            _ => (keyword.as_str(), value.clone()),
        };
        relaxed.insert(keyword.to_owned(), value);
    }
    Value::Object(relaxed)
}

#[cfg(test)]
mod tests;
