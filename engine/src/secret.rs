//! Values that are never shown: the type that holds one, what is told apart of it, and the masker for all that leaves.
//!
//! Where secrets are kept and who may ask for one is not here.

use secrecy::{ExposeSecret as _, SecretSlice};
use zeroize::Zeroize as _;

pub mod automaton;
pub mod custody;
pub mod fingerprint;
pub mod masker;
pub mod name;
mod views;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// The fewest bytes a secret has: a shorter value would be found, and masked, in half of all texts.
pub const MIN_BYTES: usize = 8;

/// A value that is never shown. It cannot be printed, written down or put into a text; its bytes are zeroed when it goes.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

/// A value is too short to be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret has at least {MIN_BYTES} bytes, and this has {found}")]
pub struct TooShort {
    /// How many it has.
    pub found: usize,
}

impl Secret {
    /// Takes a value over, of whatever length; [`Self::fit`] says whether it can be kept secret.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>) -> Self {
        // A vector with room to spare would be moved to a smaller place, and leave its bytes behind.
        let exact: Box<[u8]> = bytes.as_slice().into();
        bytes.zeroize();
        Self(SecretSlice::from(exact))
    }

    /// The bytes, for the one place that needs them. A copy of them is nobody's secret any more.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The value as text, if it is UTF-8; as [`Self::expose`].
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(self.expose()).ok()
    }

    /// Whether it is long enough to be told from other text.
    ///
    /// # Errors
    /// When it has fewer than [`MIN_BYTES`] bytes.
    pub fn fit(&self) -> Result<(), TooShort> {
        let found = self.expose().len();
        if found < MIN_BYTES { Err(TooShort { found }) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.expose(), other.expose());
        ours.len() == theirs.len() && ours.iter().zip(theirs).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests;
