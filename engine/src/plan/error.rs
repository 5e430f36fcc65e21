//! Why there is no plan at all.

use crate::id::{Id, Name};

/// Why there is no plan at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The procedure, or one it calls, is not known.
    #[error("procedure `{name}` does not exist{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownProcedure {
        /// What was asked for.
        name: Name,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Parameters do not fit.
    #[error("{}", .0.iter().map(|(name, why)| format!("parameter `{name}`: {why}")).collect::<Vec<_>>().join("; "))]
    Parameters(Vec<(String, String)>),
    /// A target is not bound.
    #[error(
        "target `{name}` of `{procedure}` is not bound to anything of kind `{kind}`; name one with `--target {name}=NAME`, or under `bindings` in runwarden.yaml"
    )]
    Unbound {
        /// The procedure.
        procedure: Name,
        /// Its name for the target.
        name: Id,
        /// The kind that is wanted.
        kind: &'static str,
    },
    /// A target is bound, but not to something that fits.
    #[error("target `{name}` of `{procedure}`: {why}")]
    Misbound {
        /// The procedure.
        procedure: Name,
        /// Its name for the target.
        name: Id,
        /// What is wrong.
        why: String,
    },
    /// A secret is not bound.
    #[error(
        "secret `{name}` of `{procedure}` is missing: runwarden.yaml has no secret `{chosen}`; name one with `--secret {name}=NAME`, or under `bindings`"
    )]
    NoSecret {
        /// The procedure.
        procedure: Name,
        /// Its name for the secret.
        name: Id,
        /// The name that was looked for.
        chosen: Id,
    },
    /// A secret is bound that the procedure has not, or that is elsewhere now.
    #[error("secret `{name}` of `{procedure}`: {why}")]
    MisboundSecret {
        /// The procedure.
        procedure: Name,
        /// Its name for the secret.
        name: Id,
        /// What is wrong.
        why: String,
    },
    /// A secret is given where it would be recorded.
    #[error("{what} holds the value of a secret, and would be recorded with it")]
    ShownOpenly {
        /// What holds it.
        what: String,
    },
    /// A target belongs to another environment.
    #[error("target `{name}` belongs to {theirs}, and this is {ours}")]
    OtherEnvironment {
        /// The target.
        name: Id,
        /// The environment it states.
        theirs: &'static str,
        /// The environment of this run.
        ours: &'static str,
    },
    /// An environment variable that the procedure reads is not set.
    #[error("environment variable `{name}` is not set, and `{procedure}` reads it")]
    NoVariable {
        /// The variable.
        name: String,
        /// The procedure.
        procedure: Name,
    },
    /// What is asked for cannot be told.
    #[error("`{key}` cannot be told while `{procedure}` is planned: {why}")]
    Undecidable {
        /// The procedure.
        procedure: Name,
        /// Which key.
        key: String,
        /// Why not.
        why: String,
    },
    /// A waiver does not count.
    #[error(transparent)]
    Consent(#[from] crate::consent::Error),
    /// A target's driver says no.
    #[error(transparent)]
    Target(#[from] crate::target::Error),
}
