//! The second reader: a document is refused where the two readers differ.
//!
//! Nearly all documents are read alike, and that is seen while the other reader goes along the tree, without a second
//! tree. Where anything is otherwise, both trees are there and say where.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::parse::node::{Data, Entry, Node};
use crate::parse::problems::{Problems, text as problem};

/// Reads the document a second time, and refuses it where the readers differ.
pub(super) fn compare(root: &Node, body: &str, base: usize, problems: &mut Problems) {
    if has_the_same(root, body) {
        return;
    }
    if let Some((span, detail)) = both(root, body, base) {
        problems.push(problem::readers_disagree(problems.place(span), detail));
    }
}

/// Whether the other reader takes the document for the same; where not, it may be that it only says so in another way.
fn has_the_same(root: &Node, body: &str) -> bool {
    Same(root).deserialize(serde_yaml::Deserializer::from_str(body)).is_ok()
}

/// What differs between both trees, and where.
fn both(root: &Node, body: &str, base: usize) -> Option<(Range<usize>, &'static str)> {
    match serde_yaml::from_str::<serde_yaml::Value>(body) {
        Ok(other) => difference(root, &other).map(|span| (span, DIFFERS)),
        Err(error) => {
            let line = error.location().map_or(0, |location| location.line().saturating_sub(1));
            let start: usize = body.split_inclusive('\n').take(line).map(str::len).sum();
            let text = body[start..].lines().next().unwrap_or_default();
            Some((base + start..base + start + text.len(), "only one of them takes it"))
        }
    }
}

/// The first part that the other reader has otherwise.
fn difference(node: &Node, other: &serde_yaml::Value) -> Option<Range<usize>> {
    use serde_yaml::Value as Other;
    let same = match (&node.data, other) {
        (Data::Null, Other::Null) => true,
        (Data::Bool(a), Other::Bool(b)) => a == b,
        (Data::Number(a), Other::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => a.as_f64() == b.as_f64(),
            _ => false,
        },
        (Data::String(a, _), Other::String(b)) => a == b,
        (Data::Sequence(a), Other::Sequence(b)) if a.len() == b.len() => {
            return a.iter().zip(b).find_map(|(a, b)| difference(a, b));
        }
        (Data::Mapping(a), Other::Mapping(b)) if a.len() == b.len() => {
            return a.iter().zip(b).find_map(|(entry, (key, value))| {
                if key.as_str() == Some(&entry.key) {
                    difference(&entry.value, value)
                } else {
                    Some(entry.key_span.clone())
                }
            });
        }
        _ => false,
    };
    (!same).then(|| node.head())
}

/// A part that the other reader must have as well: an error where it has not.
#[derive(Clone, Copy)]
struct Same<'a>(&'a Node);

/// A key that the other reader must have as well.
#[derive(Clone, Copy)]
struct SameKey<'a>(&'a str);

const DIFFERS: &str = "read in two ways";

fn same<E: Error>(is_same: bool) -> Result<(), E> {
    if is_same { Ok(()) } else { Err(E::custom(DIFFERS)) }
}

impl<'de> DeserializeSeed<'de> for Same<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for SameKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl Same<'_> {
    fn integer<E: Error>(self, other: i64) -> Result<(), E> {
        same(matches!(&self.0.data, Data::Number(number) if number.as_i64() == Some(other)))
    }

    fn decimal<E: Error>(self, other: f64) -> Result<(), E> {
        let Data::Number(number) = &self.0.data else { return same(false) };
        same(number.as_i64().is_none() && number.as_f64() == Some(other))
    }
}

impl<'de> Visitor<'de> for Same<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.data.in_words())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        same(self.0.data == Data::Null)
    }

    fn visit_bool<E: Error>(self, other: bool) -> Result<(), E> {
        same(self.0.data == Data::Bool(other))
    }

    fn visit_i64<E: Error>(self, other: i64) -> Result<(), E> {
        self.integer(other)
    }

    fn visit_u64<E: Error>(self, other: u64) -> Result<(), E> {
        match i64::try_from(other) {
            Ok(other) => self.integer(other),
            // Beyond 64 bits with a sign, numbers are compared as they are everywhere else: as what is nearest.
            Err(_) => self.decimal(other as f64),
        }
    }

    fn visit_f64<E: Error>(self, other: f64) -> Result<(), E> {
        self.decimal(other)
    }

    fn visit_str<E: Error>(self, other: &str) -> Result<(), E> {
        same(self.0.as_str() == Some(other))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut others: A) -> Result<(), A::Error> {
        let Data::Sequence(items) = &self.0.data else { return same(false) };
        for item in items {
            if others.next_element_seed(Same(item))?.is_none() {
                return same(false);
            }
        }
        same(others.next_element::<IgnoredAny>()?.is_none())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut others: A) -> Result<(), A::Error> {
        let Data::Mapping(entries) = &self.0.data else { return same(false) };
        for Entry { key, value, .. } in entries {
            if others.next_key_seed(SameKey(key))?.is_none() {
                return same(false);
            }
            others.next_value_seed(Same(value))?;
        }
        same(others.next_key::<IgnoredAny>()?.is_none())
    }
}

impl<'de> Visitor<'de> for SameKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key `{}`", self.0)
    }

    fn visit_str<E: Error>(self, other: &str) -> Result<(), E> {
        same(self.0 == other)
    }
}

#[cfg(test)]
mod tests;
