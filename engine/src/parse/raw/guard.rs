//! Guards: what must not be, and what must not be done.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer};

use super::procedure::Source;
use super::words::{Action, Acts, Duration, Expression, Reaction, Template, Text, exactly_one, needs};
use crate::id::Id;

/// A prohibition that holds at every moment of a run. What cannot be decided counts as violated.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = rules)]
pub struct Guard {
    /// Names the guard.
    pub id: Id,
    /// The prohibition in words, shown to people.
    pub rule: Text,
    /// A state that must not be.
    pub never: Option<Expression>,
    /// Acts that must not be done.
    pub forbid: Option<Acts>,
    /// Acts that must not be tried again on unchanged inputs once they have failed.
    pub once_failed: Option<Acts>,
    /// When `forbid` applies: an expression over `with`, `step` and `state`. Without it, always.
    #[serde(rename = "where")]
    pub condition: Option<Expression>,
    /// A read-only action whose output the guard sees as `state`.
    pub state: Option<State>,
    /// When the guard is asked; `[plan, before, after, resume]` where nothing is said.
    #[schemars(length(min = 1))]
    pub enforce: Option<Vec<Moment>>,
    /// How often it is asked during a step.
    pub every: Option<Duration>,
    /// What happens to the run when it is violated.
    pub on_violation: Option<Reaction>,
    /// Whether a signed waiver may lift it; not where nothing is said.
    pub waivable: Option<Waivable>,
    /// Where the prohibition was written down first.
    pub source: Option<Source>,
    /// In place of what it forbids: what is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,
}

fn rules(schema: &mut Schema) {
    exactly_one(schema, &["never", "forbid", "once_failed", "todo"]);
    needs(schema, &[("where", "forbid"), ("every", "enforce")]);
}

/// A read-only action asked for the state of things.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The action.
    pub action: Action,
    /// What the action is given.
    pub with: Option<IndexMap<String, Template>>,
}

/// A moment at which a guard is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// When the run is planned.
    Plan,
    /// Before each effect.
    Before,
    /// While a step runs; needs `every`.
    During,
    /// After each effect.
    After,
    /// When the run is resumed.
    Resume,
}

/// Whether a signed waiver may lift a guard, and whose.
#[derive(Debug, Clone, PartialEq)]
pub enum Waivable {
    /// None may.
    No,
    /// One that keeps to these terms.
    By(Terms),
}

/// What a waiver of a guard must keep to.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The roles that may sign one.
    #[schemars(length(min = 1))]
    pub by: Vec<Id>,
    /// The longest time for which one may be given.
    pub max_for: Option<Duration>,
    /// How often one may be used.
    #[schemars(range(min = 1))]
    pub max_uses: Option<u32>,
}

impl<'de> Deserialize<'de> for Waivable {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Waivable;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("false or `{by, max_for, max_uses}`")
            }

            fn visit_bool<E: serde::de::Error>(self, waivable: bool) -> Result<Waivable, E> {
                if waivable { Err(E::custom("`true` does not say by whom")) } else { Ok(Waivable::No) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Waivable, A::Error> {
                Terms::deserialize(MapAccessDeserializer::new(map)).map(Waivable::By).map_err(A::Error::custom)
            }
        }

        from.deserialize_any(Either)
    }
}

impl JsonSchema for Waivable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Waivable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let terms = generator.subschema_for::<Terms>();
        json_schema!({
            "description": "Whether a signed waiver may lift a guard, and whose.",
            "x-runwarden": "false or `{by, max_for, max_uses}`",
            "anyOf": [{ "type": "boolean", "const": false }, terms],
        })
    }
}
