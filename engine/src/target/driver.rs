//! Why a driver did not do what it was asked: the same for all of them, so that actions pass it on in one place.

use crate::host;

/// Why a driver did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings of the target are wrong.
    #[error(transparent)]
    Target(#[from] super::Error),
    /// The machine, or what it talks to, did not do it.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The thing itself says no, cannot do this at all, or says something that cannot be understood.
    #[error("{message}")]
    Refused {
        /// A stable word.
        code: &'static str,
        /// What happened, naming the thing; never a secret.
        message: String,
        /// Whether the same call may well succeed a little later.
        transient: bool,
        /// Whether it may have happened all the same.
        uncertain: bool,
    },
}

impl Error {
    /// A refusal that would come again, with nothing done.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), transient: false, uncertain: false }
    }

    /// The same, but another try may well succeed if `so`.
    pub(super) fn transient_if(mut self, so: bool) -> Self {
        if let Self::Refused { transient, .. } = &mut self {
            *transient |= so;
        }
        self
    }

    /// The same, but nobody knows whether it was done if `so`.
    pub(super) fn uncertain_if(mut self, so: bool) -> Self {
        if let Self::Refused { uncertain, .. } = &mut self {
            *uncertain |= so;
        }
        self
    }

    /// Whether another try may well succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { transient, .. } => *transient,
            Self::Host(error) => matches!(error, host::Error::Network { .. } | host::Error::TimedOut { .. }),
            Self::Target(_) => false,
        }
    }
}
