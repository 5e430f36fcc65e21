//! The small words of the language: texts that are read in different ways, and values that may be templates.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Version {
    /// The first.
    #[serde(rename = "v1")]
    V1,
}

/// An expression that is true or false, like `result.epoch > 7`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = INK, "x-runwarden" = "an expression"))]
pub struct Expression(pub String);

/// Text that people read; `{{ … }}` and `{% … %}` in it are rendered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = INK, "x-runwarden" = "text"))]
pub struct Text(pub String);

/// Any value; `{{ … }}` in its texts is rendered.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Template(pub Value);

/// Text in which `{{ … }}` is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = INK, "x-runwarden" = "text"))]
pub struct TextTemplate(pub String);

/// A list, or a template that gives one, like `'{{ steps.find.files }}'`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("type" = ["array", "string"], "pattern" = TEMPLATE, "x-runwarden" = "a list or a template"))]
pub struct ListTemplate(pub Value);

/// A length of time with its unit, like `90s`, `5m`, `4h`, `2d`, or a template that gives one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = DURATION_OR_TEMPLATE,
    "x-runwarden" = "a duration with its unit (like `90s`, `5m`, `4h`, `2d`)"
))]
pub struct Duration(pub String);

/// A whole number of 1 or more, or a template that gives one.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "type" = ["integer", "string"],
    "minimum" = 1,
    "pattern" = TEMPLATE,
    "x-runwarden" = "a whole number or a template"
))]
pub struct Count(pub Value);

/// The name of an action, `family.verb`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = INK, "x-runwarden" = "the name of an action, `family.verb`"))]
pub struct Action(pub String);

/// Acts: `family.verb`, `family.*`, `*` (all that is no read), `manual`, or `call.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = ACTS, "x-runwarden" = "a pattern of acts: `family.verb`, `family.*`, `*`, `manual` or `call.NAME`"))]
pub struct Acts(pub String);

/// Where in the output of an action something stands, like `stdout` or `json.access_token`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z0-9_-]+)*$",
    "x-runwarden" = "a place in the output, like `stdout` or `json.access_token`"
))]
pub struct OutputPath(pub String);

/// Who answers for a document: a person or a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.@-]*$", "x-runwarden" = "the name of a person or team"))]
pub struct Who(pub String);

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$", "x-runwarden" = "the name of an environment variable"))]
pub struct Variable(pub String);

/// The version of a document, like `1.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$",
    "x-runwarden" = "a version (like `1.0.0`)"
))]
pub struct Release(pub String);

/// An instant, RFC 3339 with an offset, like `2026-11-20T09:35:12Z`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend(
    "pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
    "x-runwarden" = "an instant with its offset (like `2026-11-20T09:35:12Z`)"
))]
pub struct Instant(pub String);

/// Where a run takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A workplace; nothing of value.
    Development,
    /// Like production, without its consequences.
    Staging,
    /// The real thing: runs, approvals and waivers must be signed.
    Production,
}

/// The class of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorClass {
    /// A person who runs procedures.
    Operator,
    /// A machine that runs them.
    Automation,
    /// A person who looks and changes nothing.
    Auditor,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A deployment's own command, for `command.*`.
    Command,
    /// A ledger.
    Ledger,
    /// A place in another trust domain where anchors are kept.
    AnchorStore,
    /// A place where secrets are kept.
    SecretStore,
    /// A number that only goes up.
    Epoch,
    /// A lever that stops a system and lets it go on.
    Pause,
    /// Something that answers over the network.
    Service,
    /// The plugins of a Corvusforge installation.
    PluginRegistry,
    /// The artifacts of a Corvusforge installation.
    ArtifactStore,
}

/// What happens to the run when something fails or a guard is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// Leave things as they are.
    Stop,
    /// Undo what was done, last first.
    Undo,
}

/// Something that is not blank.
const INK: &str = "\\S";
const TEMPLATE: &str = "^\\s*\\{\\{[\\s\\S]*\\}\\}\\s*$";
const DURATION_OR_TEMPLATE: &str = "^(\\s*\\{\\{[\\s\\S]*\\}\\}\\s*|[0-9].*[A-Za-z]|P[0-9TYMWDHS.,]+)$";
const ACTS: &str =
    "^(\\*|manual|call\\.(\\*|[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*)|[a-z][a-z0-9_]*\\.(\\*|[a-z][a-z0-9_]*))$";

/// One of them, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map or a list of maps")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list))
            }
        }

        from.deserialize_any(Either(PhantomData)).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// Makes a map of the language say in its schema that it needs exactly one of some keys.
pub(super) fn exactly_one(schema: &mut Schema, keys: &[&str]) {
    let branches: Vec<Value> = keys.iter().map(|key| serde_json::json!({ "required": [key] })).collect();
    schema.insert("oneOf".to_owned(), Value::Array(branches));
}

/// Makes a map of the language say in its schema that a key is of use only beside another.
pub(super) fn needs(schema: &mut Schema, pairs: &[(&str, &str)]) {
    let needs = pairs.iter().map(|(key, other)| ((*key).to_owned(), serde_json::json!([other]))).collect();
    schema.insert("dependentRequired".to_owned(), Value::Object(needs));
}
