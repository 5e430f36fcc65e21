//! Checks: questions with a yes or no answer, wherever they stand.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::guard::Waivable;
use super::parameter::Parameters;
use super::procedure::Source;
use super::words::{Action, Duration, Expression, Template, Text, exactly_one, needs};
use crate::id::Id;

/// A question with a yes or no answer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = rules)]
pub struct Check {
    /// Names the check; no other in its list has it.
    pub id: Option<Id>,
    /// What is asked, in a line that people read.
    pub title: Option<Text>,
    /// A read-only action whose output `expect` sees as `result`.
    pub action: Option<Action>,
    /// What the action is given.
    pub with: Option<IndexMap<String, Template>>,
    /// Must be true for the check to pass.
    pub expect: Option<Expression>,
    /// What to do when it is not.
    pub help: Option<Text>,
    /// Asks again until it passes or time is over; without it a check is asked once.
    pub wait: Option<Wait>,
    /// Whether not passing fails what the check belongs to.
    pub severity: Option<Severity>,
    /// Skips the check when false; a skipped check has not passed.
    pub when: Option<Expression>,
    /// Asks a person in place of `expect`.
    pub manual: Option<ManualCheck>,
    /// Under which heading a checklist shows it.
    pub group: Option<Text>,
    /// Whether a signed waiver can let a checklist pass without it; not where nothing is said.
    pub waivable: Option<Waivable>,
    /// Must still hold when a run is resumed after its first effect.
    pub hold: Option<bool>,
    /// Where the check was written down first.
    pub source: Option<Source>,
    /// What of it is still to be decided; in drafts only.
    #[schemars(length(min = 1))]
    pub todo: Option<Vec<Text>>,
}

fn rules(schema: &mut Schema) {
    exactly_one(schema, &["expect", "manual"]);
    needs(schema, &[("with", "action"), ("action", "expect"), ("wait", "expect")]);
}

/// How a check is asked again.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The time between two questions.
    pub every: Option<Duration>,
    /// When to give up.
    pub timeout: Duration,
}

/// Whether a check that does not pass fails what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Required,
    /// It is only reported.
    Advisory,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualCheck {
    /// The question.
    pub ask: Text,
    /// What is answered, by name.
    #[schemars(length(min = 1))]
    pub answer: Parameters,
    /// Must be true of the answers, which it sees as `answer.NAME`.
    pub expect: Expression,
}

macro_rules! checks {
    ($($(#[doc = $doc:literal])+ $name:ident: id $id:literal, without [$($without:literal),*];)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Check);

        impl AsRef<Check> for $name {
            fn as_ref(&self) -> &Check {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut schema = Check::json_schema(generator);
                narrow(&mut schema, concat!($($doc),+).trim(), $id, &[$($without),*]);
                schema
            }
        }
    )*};
}

checks! {
    /// Must hold before a run or step begins; otherwise it is refused.
    Precondition: id true, without ["group", "waivable"];
    /// Must hold after a run or step has acted; otherwise it has failed.
    Verification: id true, without ["group", "hold", "waivable"];
    /// A point of a checklist.
    Item: id true, without ["hold"];
    /// A question about the state of things.
    Condition: id false, without ["group", "hold", "waivable", "severity", "when", "manual", "wait"];
}

/// The schema of a check with fewer keys.
fn narrow(schema: &mut Schema, description: &str, id_required: bool, without: &[&str]) {
    schema.insert("description".to_owned(), description.into());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for key in without {
            properties.shift_remove(*key);
        }
    }
    if id_required {
        schema.insert("required".to_owned(), serde_json::json!(["id"]));
    }
    if without.contains(&"manual") {
        schema.remove("oneOf");
        schema.insert("required".to_owned(), serde_json::json!(["expect"]));
    }
    if let Some(Value::Object(needs)) = schema.get_mut("dependentRequired") {
        needs.retain(|key, _| !without.contains(&key.as_str()));
    }
}
