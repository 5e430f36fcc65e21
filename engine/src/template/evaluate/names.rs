//! Names, members and items: what stands at them, whether it is decided, and that it is there at all.

use super::{Evaluated, Evaluation, merge};
use crate::template::Outcome;
use crate::template::error::{EvaluationError, Problem, excerpt};
use crate::template::scope::{Fields, Slot};
use crate::template::syntax::{Node, NodeKind};
use crate::template::value::{Repr, Value};

/// What stands at a name, member or item.
pub(super) enum Found<'a> {
    Slot(&'a Slot),
    Value(Value),
    Undecided(Vec<String>),
}

/// Why nothing stands there.
pub(super) enum Stop {
    /// There is no such thing; `is defined` asks for this.
    Missing(EvaluationError),
    /// Something else went wrong on the way.
    Failed(EvaluationError),
}

impl Stop {
    pub(super) fn into_error(self) -> EvaluationError {
        match self {
            Self::Missing(error) | Self::Failed(error) => error,
        }
    }
}

impl From<EvaluationError> for Stop {
    fn from(error: EvaluationError) -> Self {
        Self::Failed(error)
    }
}

impl<'a> Evaluation<'a> {
    /// What a node names, without making a value of it.
    pub(super) fn look(&mut self, node: &Node) -> Result<Found<'a>, Stop> {
        match &node.kind {
            NodeKind::Name(name) => {
                if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| local == name) {
                    return Ok(Found::Value(value.clone()));
                }
                self.scope.name(name).map(Found::Slot).ok_or_else(|| {
                    Stop::Missing(self.error(Problem::UnknownName { name: name.as_ref().to_owned() }, &node.span))
                })
            }
            NodeKind::Member { of, name } => {
                let found = self.look(of)?;
                self.below(found, &name.as_ref().into()).ok_or_else(|| self.missing(node, of, format!("`{name}`")))
            }
            NodeKind::Item { of, key } => {
                let found = self.look(of)?;
                match self.value(key)? {
                    Outcome::Known(key_value) => self.below(found, &key_value).ok_or_else(|| {
                        self.missing(node, of, format!("item `{}`", excerpt(&self.source[key.span.clone()])))
                    }),
                    Outcome::Undecided(mut because) => {
                        if let Found::Undecided(more) = found {
                            merge(&mut because, more);
                        }
                        Ok(Found::Undecided(because))
                    }
                }
            }
            _ => Ok(match self.value(node)? {
                Outcome::Known(value) => Found::Value(value),
                Outcome::Undecided(because) => Found::Undecided(because),
            }),
        }
    }

    fn missing(&self, node: &Node, of: &Node, member: String) -> Stop {
        let of = format!("`{}`", excerpt(&self.source[of.span.clone()]));
        Stop::Missing(self.error(Problem::Missing { of, member }, &node.span))
    }

    /// The member or item of what was found; none where there is no such one.
    fn below(&mut self, found: Found<'a>, key: &Value) -> Option<Found<'a>> {
        match found {
            Found::Undecided(because) => Some(Found::Undecided(because)),
            Found::Value(value) => item(&value, key).map(Found::Value),
            Found::Slot(Slot::Undecided(because)) => Some(Found::Undecided(vec![because.to_string()])),
            Found::Slot(Slot::Fields(fields)) => fields.get(key.as_str()?).map(Found::Slot),
            Found::Slot(Slot::Known(value)) => item(value, key).map(Found::Value),
            Found::Slot(Slot::AsWritten(value)) => {
                self.as_written = true;
                item(value, key).map(Found::Value)
            }
            Found::Slot(Slot::Object(_)) => None,
        }
    }

    /// The value of what was found.
    pub(super) fn settle(&mut self, found: Found<'a>, node: &Node) -> Evaluated {
        match found {
            Found::Value(value) => Ok(Outcome::Known(value)),
            Found::Undecided(because) => Ok(Outcome::Undecided(because)),
            Found::Slot(slot) => self.settle_slot(slot).map_err(|problem| self.error(problem, &node.span)),
        }
    }

    fn settle_slot(&mut self, slot: &Slot) -> Result<Outcome<Value>, Problem> {
        Ok(match slot {
            Slot::Known(value) => Outcome::Known(value.clone()),
            Slot::AsWritten(value) => {
                self.as_written = true;
                Outcome::Known(value.clone())
            }
            Slot::Undecided(because) => Outcome::Undecided(vec![because.to_string()]),
            Slot::Object(_) => return Err(Problem::NotAValue),
            Slot::Fields(fields) => self.settle_fields(fields)?,
        })
    }

    fn settle_fields(&mut self, fields: &Fields) -> Result<Outcome<Value>, Problem> {
        self.fuel.allow_list(fields.len())?;
        let (mut members, mut because) = (Vec::with_capacity(fields.len()), Vec::new());
        for (name, slot) in fields {
            match self.settle_slot(slot)? {
                Outcome::Known(value) => members.push((name, value)),
                Outcome::Undecided(more) => merge(&mut because, more),
            }
        }
        Ok(if because.is_empty() { Outcome::Known(Value::map(members)) } else { Outcome::Undecided(because) })
    }
}

/// An item of a list or string by its place (negative from the end), or a member of a map by its name.
fn item(value: &Value, key: &Value) -> Option<Value> {
    match (&value.0, &key.0) {
        (Repr::Map(members), Repr::String(name)) => members.get(name).cloned(),
        (Repr::List(items), Repr::Integer(at)) => items.get(place(*at, items.len())?).cloned(),
        (Repr::String(text), Repr::Integer(at)) => {
            let at = if *at < 0 { place(*at, text.chars().count())? } else { usize::try_from(*at).ok()? };
            text.chars().nth(at).map(|letter| letter.to_string().into())
        }
        _ => None,
    }
}

/// A place from the beginning for one from either end.
fn place(at: i128, length: usize) -> Option<usize> {
    usize::try_from(if at < 0 { at + length as i128 } else { at }).ok()
}
