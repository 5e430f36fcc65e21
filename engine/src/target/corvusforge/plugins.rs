//! The plugin registry: read strictly, rewritten without loss, and the bytes that are signed for a plugin.
//!
//! Corvusforge takes an unreadable registry for an empty one, and then writes over it. Here it is an error. The files of
//! packages are the caller's affair.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::id::Digest;
use crate::target::python_json::{self, Value};

/// The name of the file in a package that holds its signature; it is not part of what is signed.
pub const SIGNATURE_FILE: &str = "signature.sig";

/// Why a registry cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not what a registry is.
    #[error("the registry {0}")]
    Malformed(String),
    /// It has no such plugin.
    #[error("the registry has no plugin `{0}`")]
    NoPlugin(String),
}

/// One plugin, as its entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the member of its name")]
pub struct Plugin {
    pub plugin_id: String,
    pub name: String,
    pub version: String,
    pub kind: String,
    pub author: String,
    pub entry_point: String,
    pub signature: String,
    pub enabled: bool,
    pub installed_at: String,
    /// Of a package: the hash over its files that was noted when it was installed.
    pub manifest_hash: Option<String>,
}

/// A registry, with all that is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    members: IndexMap<String, Value>,
}

impl Registry {
    /// Reads a registry.
    ///
    /// # Errors
    /// When it is no JSON object of entries, or has a key twice: two readers would see two registries.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |why: String| Error::Malformed(why);
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("is no UTF-8".to_owned()))?;
        let parsed = python_json::parse(text).map_err(|error| malformed(format!("is {error}")))?;
        if let Some(key) = parsed.duplicate_keys.first() {
            return Err(malformed(format!("has {key:?} more than once")));
        }
        let Value::Object(members) = parsed.value else {
            return Err(malformed("is no object keyed by plugin name".to_owned()));
        };
        let registry = Self { members };
        for key in registry.members.keys() {
            let plugin = registry.plugin(key)?;
            if plugin.name != *key {
                return Err(malformed(format!("has plugin {:?} under the key {key:?}", plugin.name)));
            }
        }
        Ok(registry)
    }

    /// The plugins by name, disabled ones too.
    ///
    /// # Errors
    /// When an entry is malformed, which [`Self::parse`] has found already.
    pub fn plugins(&self) -> Result<Vec<Plugin>, Error> {
        let mut plugins = self.members.keys().map(|key| self.plugin(key)).collect::<Result<Vec<_>, _>>()?;
        plugins.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(plugins)
    }

    /// One plugin.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn plugin(&self, name: &str) -> Result<Plugin, Error> {
        let entry = match self.members.get(name) {
            None => return Err(Error::NoPlugin(name.to_owned())),
            Some(Value::Object(entry)) => entry,
            Some(_) => return Err(Error::Malformed(format!("has an entry {name:?} that is no object"))),
        };
        let text = |key: &str| match entry.get(key) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(Error::Malformed(format!("has a plugin {name:?} whose `{key}` is no text"))),
        };
        let Some(Value::Bool(enabled)) = entry.get("enabled") else {
            return Err(Error::Malformed(format!("has a plugin {name:?} whose `enabled` is neither true nor false")));
        };
        let manifest_hash = match entry.get("metadata") {
            Some(Value::Object(metadata)) => match metadata.get("manifest_hash") {
                Some(Value::Text(hash)) => Some(hash.clone()),
                _ => None,
            },
            _ => None,
        };
        Ok(Plugin {
            plugin_id: text("plugin_id")?,
            name: text("name")?,
            version: text("version")?,
            kind: text("kind")?,
            author: text("author")?,
            entry_point: text("entry_point")?,
            signature: text("signature")?,
            enabled: *enabled,
            installed_at: text("installed_at")?,
            manifest_hash,
        })
    }

    /// The registry without the loading of one plugin.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn disable(&mut self, name: &str) -> Result<(), Error> {
        self.entry(name)?.insert("enabled".to_owned(), Value::Bool(false));
        Ok(())
    }

    /// The registry without one plugin.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.members.shift_remove(name).map(drop).ok_or_else(|| Error::NoPlugin(name.to_owned()))
    }

    /// The registry with another signature of one plugin and, of a package, what its files are now.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn sign(
        &mut self,
        name: &str,
        signature: &str,
        package: Option<&BTreeMap<String, String>>,
    ) -> Result<(), Error> {
        let entry = self.entry(name)?;
        entry.insert("signature".to_owned(), Value::text(signature));
        if let Some(files) = package {
            let metadata = entry.entry("metadata".to_owned()).or_insert_with(|| Value::Object(IndexMap::new()));
            if let Value::Object(metadata) = metadata {
                metadata.insert("manifest_hash".to_owned(), Value::text(&manifest_hash(files)));
                metadata.insert("files".to_owned(), file_map(files.iter()));
            }
        }
        Ok(())
    }

    /// The bytes of the file, as Corvusforge writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        python_json::indented(&Value::Object(self.members.clone()))
    }

    fn entry(&mut self, name: &str) -> Result<&mut IndexMap<String, Value>, Error> {
        match self.members.get_mut(name) {
            Some(Value::Object(entry)) => Ok(entry),
            _ => Err(Error::NoPlugin(name.to_owned())),
        }
    }
}

impl Plugin {
    /// What the registry's own check takes a signature over: no code at all.
    #[must_use]
    pub fn entry_bytes(&self) -> String {
        python_json::canonical(&Value::object([
            ("entry_point", Value::text(&self.entry_point)),
            ("name", Value::text(&self.name)),
            ("version", Value::text(&self.version)),
        ]))
    }
}

/// The files of a package without its signature, as they are hashed and as its listing is signed.
#[must_use]
pub fn manifest(files: &BTreeMap<String, String>) -> String {
    python_json::canonical(&file_map(files.iter().filter(|(name, _)| *name != SIGNATURE_FILE)))
}

/// SHA-256 over [`manifest`], 64 hex digits: as text it is what the loader takes a signature over.
#[must_use]
pub fn manifest_hash(files: &BTreeMap<String, String>) -> String {
    Digest::of(manifest(files).as_bytes()).hex().to_owned()
}

fn file_map<'a>(files: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    Value::object(files.map(|(name, hash)| (name.as_str(), Value::text(hash))))
}

#[cfg(test)]
mod tests;
