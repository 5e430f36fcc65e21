//! Texts that stand in place of files: what an editor holds and has not written yet.

use std::path::Path;

use super::{Entry, Folder, Library, Origin, Place, Read, join, name_of};
use crate::parse;

impl Library {
    /// Puts a text in place of the file at a path, whether or not the file is there. Of a path that no name leads to,
    /// and of one that has been read already, nothing is taken.
    ///
    /// `folders` are those that the library was made of.
    pub fn lay_over(&mut self, folders: &[Folder], path: &Path, text: &str) {
        let is_there = |entry: &&mut Entry| matches!(&entry.place, Place::File(file) if file == path);
        if let Some(entry) = self.entries.values_mut().find(is_there) {
            let shown = entry.origin.to_string();
            fill(entry, &shown, text);
            return;
        }
        for folder in folders {
            let Ok(below) = path.strip_prefix(&folder.path) else { continue };
            let Some(below) = below.to_str() else { continue };
            let parts: Vec<&str> = below.split('/').collect();
            let Some(name) = name_of(&parts) else { continue };
            let is_of_file = |entry: &Entry| matches!(entry.origin, Origin::File(_));
            if !self.entries.get(&name).is_some_and(is_of_file) {
                let shown = join(&folder.shown, below);
                let shadows = self.entries.contains_key(&name);
                self.put(name.clone(), Origin::File(shown.clone()), Place::File(path.to_owned()));
                if let Some(entry) = self.entries.get_mut(&name) {
                    entry.shadows = shadows;
                    fill(entry, &shown, text);
                }
            }
            return;
        }
    }
}

fn fill(entry: &mut Entry, shown: &str, text: &str) {
    let read = match parse::yaml::source(shown, text.as_bytes().to_vec()) {
        Ok(source) => {
            let opened = parse::open(&source, None).0.map(Box::new);
            Read::Text { source, opened }
        }
        Err(problem) => Read::Refused(problem),
    };
    // It was read before: what was said of it stands.
    let _ = entry.read.set(read);
}
