//! YAML to a JSON value, where aliases cost what they stand for: a short file must not become a value without end.
//!
//! The reader bounds how many aliases it follows, not what comes of them: ten thousand that each stand for a list of a
//! hundred thousand are few to it.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The reader's time grows with the square of how deep brackets are nested, long before it gives up on them.
const MOST_OPEN_BRACKETS: usize = 1000;

/// What aliases may add to a document, in bytes of text and in values: as much as it has, and this.
const MOST_ADDED: usize = 1 << 20;

/// Reads one document without tags.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_OPEN_BRACKETS {
            return Err(format!("more than {MOST_OPEN_BRACKETS} brackets are open"));
        }
    }
    let room = Cell::new(text.len().saturating_mul(2).saturating_add(MOST_ADDED));
    Bounded { room: &room }.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| error.to_string())
}

/// Reads values as long as there is room.
#[derive(Clone, Copy)]
struct Bounded<'r> {
    /// How many bytes and values there may still be.
    room: &'r Cell<usize>,
}

impl Bounded<'_> {
    fn take<E: serde::de::Error>(self, cost: usize) -> Result<(), E> {
        let left = self.room.get().checked_sub(cost).ok_or_else(|| E::custom("its aliases stand for too much"))?;
        self.room.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.take(1)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without tags")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len())?;
        Ok(value.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (tag, _) = tagged.variant::<String>()?;
        Err(A::Error::custom(format!("tag `!{}`", tag.trim_start_matches('!').escape_debug())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key_seed(self)? {
            let Value::String(key) = key else {
                return Err(A::Error::custom("a key that is no text; quote it"));
            };
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key `{}`", key.escape_debug())));
            }
            map.insert(key, members.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}
