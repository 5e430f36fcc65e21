//! Names, ids and digests as types: parsed once, never checked again.
//!
//! Nothing here knows what a name stands for; it knows how one is written.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not the name or digest it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct NotAName {
    /// What was given.
    pub found: String,
    /// What would have been right, with an example.
    pub expected: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $expected:literal, $test:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend("pattern" = $pattern, "x-runwarden" = $expected))]
        pub struct $name(String);

        impl $name {
            /// Reads a name; the only way to have one.
            ///
            /// # Errors
            /// When the text is not written like one.
            pub fn parse(text: &str) -> Result<Self, NotAName> {
                let fits: fn(&str) -> bool = $test;
                if fits(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NotAName { found: text.to_owned(), expected: $expected })
                }
            }

            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// An id within one document: a step, check, guard, parameter, target or secret.
    Id,
    "^[a-z][a-z0-9_]*$",
    "an id: a lowercase letter, then lowercase letters, digits and `_` (like `bump_epoch`)",
    is_id
);
name!(
    /// The name of a procedure, checklist or test: ids joined by dots, like `kora.dr_epoch_bump`.
    Name,
    "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$",
    "a name: ids joined by dots (like `kora.dr_epoch_bump`)",
    |text| text.split('.').all(is_id)
);
name!(
    /// The name of an action, `family.verb`.
    ActionName,
    "^[a-z][a-z0-9_]*\\.[a-z][a-z0-9_]*$",
    "an action: `family.verb` (like `file.hash`)",
    |text| text.split('.').count() == 2 && text.split('.').all(is_id)
);
name!(
    /// The id of a run: a UUID of version 7, so that ids sort by the time of their begin (RFC 9562).
    RunId,
    "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    "a run id: a UUID of version 7",
    |text| uuid::Uuid::try_parse(text)
        .is_ok_and(|id| id.get_version_num() == 7 && id.to_string() == text)
);
name!(
    /// A SHA-256 digest as text: `sha256:` and 64 lowercase hex digits.
    Digest,
    "^sha256:[0-9a-f]{64}$",
    "a digest: `sha256:` and 64 lowercase hex digits",
    |text| text.strip_prefix("sha256:").is_some_and(is_sha256_hex)
);

impl Digest {
    /// The digest of some bytes (FIPS 180-4).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(&Sha256::digest(bytes).into())
    }

    /// A digest from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(format!("sha256:{}", hex::encode(bytes)))
    }

    /// The 64 hex digits alone.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }
}

impl RunId {
    /// A run id from a time (milliseconds since 1970) and ten random bytes.
    #[must_use]
    pub fn from_parts(unix_millis: u64, random: &[u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, random).into_uuid().to_string())
    }
}

/// Whether a text is an id by section 3 of the language.
fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a text is 64 lowercase hex digits.
#[must_use]
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
