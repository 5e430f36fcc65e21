//! Text to procedure: YAML to a tree with places, the tree to raw forms, raw forms to valid ones.
//!
//! All problems of a document are collected; a syntax error alone ends the reading. Nothing here opens a file.

pub mod node;
pub mod problems;
pub mod yaml;
