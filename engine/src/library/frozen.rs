//! Procedures as they were frozen with a run: what was approved and begun is what goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Loaded, Origin};
use crate::action::Registry;
use crate::diagnostic::{Source, sort};
use crate::id::Name;
use crate::parse::{self, Document, Shelf};

/// The documents that were frozen with a run, checked again: the procedure with everything that it calls.
#[must_use]
pub fn thaw(name: &Name, documents: &Map<String, Value>, registry: &Registry) -> Loaded {
    let mut shelf = Shelf::default();
    let sources: Vec<Arc<Source>> =
        documents.iter().map(|(name, document)| parse::yaml::frozen(&format!("<{name}>"), document)).collect();
    for source in &sources {
        if let (Some(opened), _) = parse::open(source, None) {
            shelf.put(opened);
        }
    }
    let origin = Origin::File(format!("<{name}>"));
    let mut loaded = Loaded { origin, procedures: BTreeMap::new(), diagnostics: Vec::new() };
    for source in &sources {
        let (document, diagnostics) = parse::check(source, None, registry, &shelf);
        loaded.diagnostics.extend(diagnostics);
        if let Some(Document::Procedure(procedure)) = document {
            loaded.procedures.insert(procedure.name.clone(), Arc::from(procedure));
        }
    }
    sort(&mut loaded.diagnostics);
    loaded
}
