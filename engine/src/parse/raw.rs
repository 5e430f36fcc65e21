//! What a person may write, as types: the raw forms of the four documents.
//!
//! The JSON Schemas are generated from these types and the diagnostics of structure from the schemas, so the three
//! cannot disagree; the doc comments here are what an editor shows. What a document means, and whether its parts fit
//! together, is decided when the raw form is checked. Extension keys (`x-…`) are in the schemas and gone before these
//! types are filled.

pub mod check;
pub mod guard;
pub mod parameter;
pub mod procedure;
pub mod step;
pub mod test;
pub mod words;
pub mod workspace;
