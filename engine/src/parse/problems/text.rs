//! What can be wrong with the text of a document, before anyone asks what it says.

use crate::diagnostic::{Diagnostic, Place};
use crate::parse::yaml::scalar::Ambiguous;
use crate::parse::yaml::{MAX_BYTES, MAX_DEPTH, MAX_NODES};

/// The file is over the limit.
#[must_use]
pub fn too_large(place: Place, bytes: usize) -> Diagnostic {
    Diagnostic::error("too-large", place, format!("the file has {bytes} bytes, more than the {MAX_BYTES} allowed"))
        .help("split it: one procedure a file, and data in files of their own")
}

/// The file is not text.
#[must_use]
pub fn not_utf8(place: Place) -> Diagnostic {
    Diagnostic::error("not-utf8", place, "the file is not UTF-8 text")
        .label("no UTF-8 from here on")
        .help("save the file as UTF-8")
}

/// A NUL character.
#[must_use]
pub fn nul_character(place: Place) -> Diagnostic {
    Diagnostic::error("nul-character", place, "there is a NUL character in the file")
        .label("some readers stop here")
        .help("remove it; the file may be damaged or not be text")
}

/// A character that is not shown, or that changes where others are shown.
#[must_use]
pub fn hidden_character(place: Place, character: char) -> Diagnostic {
    let code = u32::from(character);
    Diagnostic::error("hidden-character", place, format!("there is a hidden character, U+{code:04X}"))
        .label("what is shown here is not what is read")
        .help(format!("remove it, or write it as `\\u{code:04X}` inside double quotes"))
}

/// No YAML.
#[must_use]
pub fn syntax(place: Place, reason: &str) -> Diagnostic {
    let reason = reason.trim_end_matches('.');
    let problem = Diagnostic::error("syntax", place, format!("not valid YAML: {reason}")).label("here");
    if reason.contains("mapping values are not allowed") {
        problem.help("put quotes around a value that has `: ` in it")
    } else if reason.contains("did not find expected key") {
        problem.help("check the indentation, and put quotes around the whole of a value that begins with a quote")
    } else {
        problem
    }
}

/// Nothing to read.
#[must_use]
pub fn empty_document(place: Place) -> Diagnostic {
    Diagnostic::error("empty-document", place, "there is nothing in the file")
        .help("begin with `runwarden: v1` and `kind: procedure`")
}

/// More than one document.
#[must_use]
pub fn second_document(place: Place) -> Diagnostic {
    Diagnostic::error("second-document", place, "a second YAML document begins here")
        .label("one document a file")
        .help("move it to a file of its own, and remove the `---`")
}

/// `%YAML` or `%TAG`.
#[must_use]
pub fn directive(place: Place) -> Diagnostic {
    Diagnostic::error("directive", place, "YAML directives are not part of the language")
        .label("it may change how the file is read")
        .help("remove the line; files are YAML 1.2")
}

/// Nested too deep.
#[must_use]
pub fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::error("too-deep", place, format!("lists and maps are nested more than {MAX_DEPTH} deep"))
        .label("too deep from here on")
}

/// Too many parts.
#[must_use]
pub fn too_many_nodes(place: Place) -> Diagnostic {
    Diagnostic::error("too-many-nodes", place, format!("the document has more than {MAX_NODES} keys and values"))
        .label("too many from here on")
        .help("move data to files of their own, and read them with `data.read`")
}

/// `&name`.
#[must_use]
pub fn anchor(place: Place) -> Diagnostic {
    Diagnostic::error("anchor", place, "anchors are not part of the language")
        .label("an anchor")
        .help("remove it, and write the value out where it is used")
}

/// `*name`.
#[must_use]
pub fn alias(place: Place) -> Diagnostic {
    Diagnostic::error("alias", place, "aliases are not part of the language")
        .label("an alias")
        .help("write the value out; put quotes around text that begins with `*`")
}

/// `!name`.
#[must_use]
pub fn tag(place: Place, tag: &str) -> Diagnostic {
    Diagnostic::error("tag", place, format!("YAML tags are not part of the language, found `{tag}`"))
        .label("a tag")
        .help("remove it; put quotes around text that begins with `!`")
}

/// `<<`.
#[must_use]
pub fn merge_key(place: Place) -> Diagnostic {
    Diagnostic::error("merge-key", place, "merge keys are not part of the language")
        .label("a merge key")
        .help("write the keys out")
}

/// The same key twice.
#[must_use]
pub fn duplicate_key(place: Place, first: Place, key: &str) -> Diagnostic {
    Diagnostic::error("duplicate-key", place, format!("the key `{key}` stands twice in this map"))
        .label("again")
        .help("remove one of them; readers differ on which one counts")
        .related(first, format!("`{key}` stands here first"))
}

/// A key that is a number, a truth, nothing, a list or a map.
#[must_use]
pub fn non_string_key(place: Place, found: &str) -> Diagnostic {
    Diagnostic::error("non-string-key", place, format!("a key must be text, found {found}"))
        .label(format!("{found} as a key"))
        .help("put quotes around it")
}

/// A plain scalar that readers disagree on.
#[must_use]
pub fn ambiguous_scalar(place: Place, text: &str, ambiguous: &Ambiguous) -> Diagnostic {
    let quoted = if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") };
    let help = match &ambiguous.instead {
        Some(other) => format!("quote it: `{quoted}`; or write `{other}`"),
        None => format!("quote it: `{quoted}`"),
    };
    Diagnostic::error("ambiguous-scalar", place, format!("`{text}` is ambiguous without quotes"))
        .label(ambiguous.reading)
        .help(help)
}

/// `{{ … }}` without quotes.
#[must_use]
pub fn unquoted_template(place: Place) -> Diagnostic {
    Diagnostic::error("unquoted-template", place, "a template must stand in quotes")
        .label("YAML takes these braces for a map")
        .help("put quotes around the whole value: `'{{ … }}'`")
}

/// The second reader has another opinion.
#[must_use]
pub fn readers_disagree(place: Place, detail: &str) -> Diagnostic {
    Diagnostic::error("readers-disagree", place, "two YAML readers understand this differently")
        .label(detail)
        .help("write it in a simpler way: quote the value, or use one line a key")
}

/// Enough.
#[must_use]
pub fn too_many_problems(place: Place, most: usize) -> Diagnostic {
    Diagnostic::error("too-many-problems", place, format!("there are more than {most} problems; the rest is not shown"))
}
