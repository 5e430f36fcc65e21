//! Where a step of an earlier life stands: its frame is rebuilt from the calls on the way to it.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Runner;
use super::undo::Undoable;
use crate::frame::{self, Frame};
use crate::id::Id;
use crate::plan::call::{CallInputs, call_inputs};
use crate::plan::items::items_of;
use crate::procedure::step::{Body, Step};
use crate::template::Outcome as Known;
use crate::template::scope::Slot;

/// An item of a `for_each`: what it is called, and what it is.
pub(super) type Item = (String, Slot);

/// Where a step stands.
pub(super) struct Place {
    pub frame: Arc<Frame>,
    pub step: Id,
    pub item: Option<Item>,
}

impl Runner<'_> {
    /// What can be undone of a run's earlier life.
    pub(super) fn undoable_before(&self, path: &str) -> Option<Undoable> {
        let Place { frame, step, item } = self.place_of(path)?;
        Some(Undoable::new(path, frame, step, item))
    }

    /// The frame that a step's path stands in, rebuilt from the calls on the way; its step, and the item it was for.
    pub(super) fn place_of(&self, path: &str) -> Option<Place> {
        let mut frame = Arc::clone(&self.plan.root);
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let (id, key) = match part.split_once('[') {
                Some((id, rest)) => (id, rest.strip_suffix(']')),
                None => (part, None),
            };
            let id = Id::parse(id).ok()?;
            let procedure = Arc::clone(&frame.procedure);
            let step = procedure.find_step(&id)?;
            let item = key.and_then(|key| item_of(&frame, step, key));
            if parts.peek().is_none() {
                return Some(Place { frame, step: id, item });
            }
            let called = format!("{}{part}", frame.prefix);
            frame = self.called_frame(&frame, step, called, item)?;
        }
        None
    }

    fn called_frame(&self, frame: &Arc<Frame>, step: &Step, path: String, item: Option<Item>) -> Option<Arc<Frame>> {
        let Body::Call { procedure, with } = &step.body else { return None };
        let procedure = self.means.setting.procedures.get(procedure)?;
        let mut scope = frame.scope();
        if let Some((name, slot)) = item {
            scope = scope.with(name, slot);
        }
        let Ok(Known::Known(given)) = with.render(&scope) else { return None };
        let empty = Map::new();
        let members: &Map<String, Json> = given.as_object().unwrap_or(&empty);
        let CallInputs { parameters, targets, secrets } = call_inputs(frame, procedure, members, with, &scope).ok()?;
        let place = frame::Place::Called(Arc::clone(frame), path);
        let env = &self.means.setting.env;
        let callee = Frame::new(Arc::clone(procedure), parameters, targets, env, &self.base, place);
        let callee = Arc::new(callee.with_secrets(secrets));
        self.restore(&callee);
        Some(callee)
    }
}

/// One item of a `for_each`, found again by its key.
fn item_of(frame: &Frame, step: &Step, key: &str) -> Option<Item> {
    let for_each = step.for_each.as_ref()?;
    let Ok(Known::Known(items)) = items_of(for_each, &frame.scope()) else { return None };
    let (_, item) = items.into_iter().find(|(known, _)| known == key)?;
    Some((for_each.variable.as_str().to_owned(), Slot::Known(item)))
}
