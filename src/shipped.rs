//! What is inside the binary: procedures, and the pages of actions and diagnostics.

use include_dir::{Dir, include_dir};

static PROCEDURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/procedures");
static ACTIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/actions");
static DIAGNOSTICS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/diagnostics");

/// The procedures that are built in, with their tests: path below the folder, and text. Nothing of a text is looked at.
pub fn procedures() -> Vec<(&'static str, &'static [u8])> {
    let mut found = Vec::new();
    collect(&PROCEDURES, &mut found);
    found
}

fn collect(folder: &'static Dir<'static>, found: &mut Vec<(&'static str, &'static [u8])>) {
    for file in folder.files() {
        if let Some(path) = file.path().to_str().filter(|path| path.ends_with(".yaml")) {
            found.push((path, file.contents()));
        }
    }
    folder.dirs().for_each(|below| collect(below, found));
}

/// The page of an action.
pub fn action_page(name: &str) -> Option<&'static str> {
    ACTIONS.get_file(format!("{name}.md"))?.contents_utf8()
}

/// The page of a diagnostic.
pub fn diagnostic_page(code: &str) -> Option<&'static str> {
    DIAGNOSTICS.get_file(format!("{code}.md"))?.contents_utf8()
}
