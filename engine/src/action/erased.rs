//! Typed actions behind one face: JSON in, JSON out.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::id::Digest;

use super::file;
use super::{Doing, Effect, Error, Looking, Preview, Read, Reconciled};

#[async_trait]
pub(super) trait ErasedRead: Send + Sync {
    /// Whether it can take an input, without a look at anything else.
    fn accepts(&self, with: &Value) -> Result<(), Error>;
    async fn read(&self, with: &Value, looking: &Looking<'_>) -> Result<Value, Error>;
    async fn subject(&self, with: &Value, looking: &Looking<'_>) -> Result<Option<Digest>, Error>;
}

#[async_trait]
pub(super) trait ErasedEffect: Send + Sync {
    /// Whether it can take an input, without a look at anything else.
    fn accepts(&self, with: &Value) -> Result<(), Error>;
    async fn preview(&self, with: &Value, looking: &Looking<'_>) -> Result<Preview, Error>;
    async fn apply(&self, with: &Value, doing: &Doing<'_>) -> Result<Value, Error>;
    async fn reconcile(&self, with: &Value, looking: &Looking<'_>) -> Result<Reconciled<Value>, Error>;
}

#[async_trait]
impl<A: Read> ErasedRead for A {
    fn accepts(&self, with: &Value) -> Result<(), Error> {
        params::<A::Params>(A::NAME, with).map(drop)
    }

    async fn read(&self, with: &Value, looking: &Looking<'_>) -> Result<Value, Error> {
        let output = Read::read(self, params(A::NAME, with)?, looking).await.map_err(nothing_happened)?;
        json(A::NAME, &output)
    }

    async fn subject(&self, with: &Value, looking: &Looking<'_>) -> Result<Option<Digest>, Error> {
        Read::subject(self, params(A::NAME, with)?, looking).await
    }
}

#[async_trait]
impl<A: Effect> ErasedEffect for A {
    fn accepts(&self, with: &Value) -> Result<(), Error> {
        params::<A::Params>(A::NAME, with).map(drop)
    }

    async fn preview(&self, with: &Value, looking: &Looking<'_>) -> Result<Preview, Error> {
        let params = params(A::NAME, with)?;
        refuse_protected(looking, &Effect::writes(self, &params, looking)?)?;
        Effect::preview(self, params, looking).await.map_err(nothing_happened)
    }

    async fn apply(&self, with: &Value, doing: &Doing<'_>) -> Result<Value, Error> {
        let params = params(A::NAME, with)?;
        let looking = Looking { facts: doing.facts, probe: doing.host };
        refuse_protected(&looking, &Effect::writes(self, &params, &looking)?)?;
        let output = Effect::apply(self, params, doing).await?;
        // The effect has happened: an output that cannot be written down makes its outcome uncertain.
        json(A::NAME, &output).map_err(Error::uncertain)
    }

    async fn reconcile(&self, with: &Value, looking: &Looking<'_>) -> Result<Reconciled<Value>, Error> {
        Ok(match Effect::reconcile(self, params(A::NAME, with)?, looking).await? {
            Reconciled::Happened(output) => Reconciled::Happened(json(A::NAME, &output)?),
            Reconciled::NotHappened => Reconciled::NotHappened,
            Reconciled::CannotTell => Reconciled::CannotTell,
        })
    }
}

/// What no action may change is refused, when it is planned and once more before it is done.
fn refuse_protected(looking: &Looking<'_>, paths: &[PathBuf]) -> Result<(), Error> {
    paths.iter().try_for_each(|path| file::refuse_protected(looking.probe, path))
}

/// Looking changes nothing, however it fails: a request that timed out is uncertain only where it had an effect.
pub(super) fn nothing_happened(error: Error) -> Error {
    Error { may_have_happened: false, ..error }
}

fn params<P: DeserializeOwned>(action: &str, with: &Value) -> Result<P, Error> {
    serde_path_to_error::deserialize(with).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { format!(" at `with.{place}`") };
        Error::new("bad_input", format!("`{action}` cannot take its input{place}: {}", error.into_inner()))
    })
}

fn json(action: &str, output: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(output)
        .map_err(|error| Error::new("bad_output", format!("`{action}` gave an output that is no JSON: {error}")))
}
