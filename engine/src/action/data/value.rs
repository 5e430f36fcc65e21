//! `data.value`: says what it is given, so that a procedure can name a value it worked out.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::action::{Error, Looking, Read};

/// Says what it is given.
pub struct Value;

/// What `data.value` takes: any names and values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(Map<String, Json>);

/// What `data.value` gives: its `with`, name by name.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-runwarden-output" = "with"))]
pub struct Output(Map<String, Json>);

#[async_trait]
impl Read for Value {
    const NAME: &'static str = "data.value";
    type Params = Params;
    type Output = Output;
    const PURE: bool = true;

    async fn read(&self, params: Params, _: &Looking<'_>) -> Result<Output, Error> {
        Ok(Output(params.0))
    }
}
