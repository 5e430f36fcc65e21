//! A registry of actions that do nothing, with the schemas and contracts that checks are about.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::{
    Contract, Doing, Effect, EffectClass, Error, Fidelity, Looking, Preview, Read, Reconciled, Registry, Repeat,
};
use crate::id::Id;
use crate::time::{Duration, Timestamp};

macro_rules! actions {
    (@contract mutate) => { Contract { effect: EffectClass::Mutate, repeat: Repeat::Idempotent, preview: Fidelity::None, reconcile: false, version: 1 } };
    (@contract once) => { Contract { effect: EffectClass::Mutate, repeat: Repeat::Once, preview: Fidelity::None, reconcile: false, version: 1 } };
    (@contract irreversible) => { Contract { effect: EffectClass::Irreversible, repeat: Repeat::Keyed, preview: Fidelity::None, reconcile: false, version: 1 } };
    (@add $registry:ident read $name:ident) => { $registry.read($name) };
    (@add $registry:ident $class:ident $name:ident) => { $registry.effect($name) };
    (@implement read $name:ident $text:literal $params:ty, $output:ty) => {
        #[async_trait]
        impl Read for $name {
            const NAME: &'static str = $text;
            type Params = $params;
            type Output = $output;

            async fn read(&self, _: $params, _: &Looking<'_>) -> Result<$output, Error> {
                Err(Error::new("never", "checks ask nothing"))
            }
        }
    };
    (@implement $class:ident $name:ident $text:literal $params:ty, $output:ty) => {
        #[async_trait]
        impl Effect for $name {
            const NAME: &'static str = $text;
            const CONTRACT: Contract = actions!(@contract $class);
            type Params = $params;
            type Output = $output;

            async fn preview(&self, _: $params, _: &Looking<'_>) -> Result<Preview, Error> {
                Err(Error::new("never", "checks ask nothing"))
            }

            async fn apply(&self, _: $params, _: &Doing<'_>) -> Result<$output, Error> {
                Err(Error::new("never", "checks do nothing"))
            }

            async fn reconcile(&self, _: $params, _: &Looking<'_>) -> Result<Reconciled<$output>, Error> {
                Err(Error::new("never", "checks ask nothing"))
            }
        }
    };
    ($($class:ident $name:ident $text:literal $params:ty => $output:ty;)*) => {
        $(
            struct $name;
            actions!(@implement $class $name $text $params, $output);
        )*

        pub fn registry() -> Registry {
            let registry = Registry::empty();
            $(let registry = actions!(@add registry $class $name);)*
            registry
        }
    };
}

actions! {
    read EpochRead "epoch.read" OnEpoch => Epoch;
    once EpochBump "epoch.bump" OnEpoch => Epoch;
    mutate PausePause "pause.pause" Pause => Paused;
    mutate PauseResume "pause.resume" Pause => Paused;
    read HttpGet "http.get" Get => Answer;
    read CommandRead "command.read" Command => Ran;
    once CommandRun "command.run" Command => Ran;
    read DataValue "data.value" Anything => Same;
    mutate FileCopy "file.copy" Copy => Copied;
    irreversible KeysBurn "keys.burn" Burn => Nothing;
    mutate SecretsGenerate "secrets.generate" Generate => Generated;
    mutate NotifyWebhook "notify.webhook" Notify => Nothing;
}

/// An epoch.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct OnEpoch {
    /// The epoch.
    #[schemars(extend("x-runwarden-target" = ["epoch"]))]
    target: Id,
}

#[derive(Serialize, JsonSchema)]
struct Epoch {
    epoch: i64,
    known_epoch: Option<i64>,
    actor: Actor,
    read_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
struct Actor {
    kind: String,
    active: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Pause {
    /// The lever.
    #[schemars(extend("x-runwarden-target" = ["pause"]))]
    target: Id,
    /// Why.
    reason: String,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    level: Option<Level>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// A little.
    Soft,
    /// All of it.
    Hard,
}

#[derive(Serialize, JsonSchema)]
struct Paused {
    summary: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Get {
    /// The service.
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    /// The path.
    path: String,
    #[serde(default)]
    #[schemars(extend("x-runwarden-secret" = true))]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    timeout: Option<Duration>,
}

#[derive(Serialize, JsonSchema)]
struct Answer {
    status: u16,
    json: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Command {
    argv: Vec<String>,
    #[serde(default)]
    #[schemars(extend("x-runwarden-secret" = true))]
    env: BTreeMap<String, String>,
    #[serde(default)]
    json: bool,
}

#[derive(Serialize, JsonSchema)]
struct Ran {
    exit: i32,
    stdout: String,
    json: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[expect(dead_code, reason = "only the schema is used")]
struct Anything(Map<String, Value>);

#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("x-runwarden-output" = "with"))]
struct Same(Map<String, Value>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Copy {
    from: String,
    to: String,
    #[serde(default)]
    #[schemars(range(min = 1))]
    copies: u32,
}

#[derive(Serialize, JsonSchema)]
struct Copied {
    files: Vec<String>,
    bytes: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Burn {
    key: String,
}

#[derive(Serialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Generate {
    kind: String,
}

#[derive(Serialize, JsonSchema)]
struct Generated {
    fingerprint: String,
    #[schemars(extend("x-runwarden-secret" = true))]
    private: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct Notify {
    #[schemars(extend("x-runwarden-target" = ["service"]))]
    target: Id,
    body: String,
}
