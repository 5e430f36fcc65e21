//! `secrets.require`: whether secrets are there and in shape. It reports; a check judges.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{store, subject, value};
use crate::action::sealed::KeyPlace;
use crate::action::{Error, Looking, Read};
use crate::id::{Digest, Id};
use crate::procedure::parameter::Parameter;
use crate::secret::Secret;
use crate::target::secret_store;

/// Whether secrets are there and in shape.
pub struct Require;

/// What `secrets.require` takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The store.
    #[schemars(extend("x-runwarden-target" = ["secret_store"]))]
    target: Id,
    /// The keys that must be there, at least one.
    keys: Vec<String>,
    /// What each whole value must match.
    #[serde(default)]
    pattern: Option<String>,
    /// The fewest bytes that each value has.
    #[serde(default)]
    min_length: Option<u64>,
    /// Whether a value must have no blanks or line ends around it.
    #[serde(default)]
    trimmed: bool,
    /// Characters that no value may have, like `#` where a reader would cut it there.
    #[serde(default)]
    without: String,
    /// Whether the file that it is in must be its owner's alone.
    #[serde(default)]
    private: bool,
}

/// What `secrets.require` gives.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Output {
    /// Whether all of them are there and as they must be.
    ok: bool,
    /// The keys that are not there, or not as they must be.
    wrong: Vec<String>,
    /// One for each key, in the order asked.
    items: Vec<Item>,
    /// The digest of what was read; none while there is no key for fingerprints.
    subject: Option<Digest>,
}

/// What was found of one key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Item {
    /// The key.
    key: String,
    /// Whether it is there and is more than blanks.
    present: bool,
    /// Whether it matches `pattern`, is as long as `min_length`, and has none of `without`.
    shape_ok: bool,
    /// Whether it has no blanks or line ends around it.
    trimmed: bool,
    /// Whether its file is its owner's alone; none where it is in no file.
    private: Option<bool>,
}

impl Params {
    fn is_in_shape(&self, value: &Secret, pattern: Option<&dyn Fn(&str) -> bool>) -> bool {
        let bytes = value.expose();
        let long_enough = self.min_length.is_none_or(|least| bytes.len() as u64 >= least);
        let matches = pattern.is_none_or(|matches| value.expose_text().is_some_and(matches));
        let forbidden = value.expose_text().is_some_and(|text| text.contains(|c: char| self.without.contains(c)));
        long_enough && matches && !forbidden
    }
}

#[async_trait]
impl Read for Require {
    const NAME: &'static str = "secrets.require";
    type Params = Params;
    type Output = Output;

    async fn read(&self, params: Params, looking: &Looking<'_>) -> Result<Output, Error> {
        let Looking { facts, probe } = *looking;
        if params.keys.is_empty() {
            return Err(Error::new("bad_input", "`keys` is empty: nothing would be required"));
        }
        let pattern = params.pattern.as_deref().map(Parameter::whole_pattern).transpose();
        let pattern = pattern.map_err(|error| Error::new("bad_input", format!("`pattern`: {error}")))?;
        let matches = pattern.map(|pattern| move |text: &str| pattern.is_match(text));
        let opened = secret_store::open(store(facts, &params.target)?)?;
        let (mut items, mut values) = (Vec::new(), Vec::new());
        for key in &params.keys {
            let found = value(facts, probe, &params.target, key).await?;
            let private = opened.is_open_to_others(probe, key)?.map(|open| !open);
            let pattern = matches.as_ref().map(|matches| matches as &dyn Fn(&str) -> bool);
            items.push(Item {
                key: key.clone(),
                present: found.as_ref().is_some_and(|found| !found.expose().trim_ascii().is_empty()),
                shape_ok: found.as_ref().is_some_and(|found| params.is_in_shape(found, pattern)),
                trimmed: found.as_ref().is_some_and(|found| found.expose().trim_ascii() == found.expose()),
                private,
            });
            values.push((KeyPlace { target: params.target.clone(), key: key.clone() }, found));
        }
        let is_ok = |item: &Item| {
            let private = !params.private || item.private == Some(true);
            item.present && item.shape_ok && (item.trimmed || !params.trimmed) && private
        };
        let wrong: Vec<String> = items.iter().filter(|item| !is_ok(item)).map(|item| item.key.clone()).collect();
        Ok(Output {
            ok: wrong.is_empty(),
            wrong,
            items,
            subject: subject(facts, values.iter().map(|(place, value)| (place.clone(), value.as_ref()))),
        })
    }
}
