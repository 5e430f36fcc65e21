//! Runbooks in prose: whatever is imported is a draft that `check` takes, laid out as `fmt` would.

use std::sync::{Arc, LazyLock};

use engine::action::Registry;
use engine::diagnostic::{Severity, Source};
use engine::id::Name;
use engine::import::{Error, Request, import};
use engine::parse::format::format;
use engine::parse::{Shelf, check};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);

/// Holds for every file.
pub fn hold(bytes: &[u8]) {
    let name = Name::parse("ops.made").expect("a name");
    let request = |section| Request { document: "runbook.md", name: name.clone(), section };
    let imported = match import(bytes, &request(None)) {
        Ok(imported) => imported,
        Err(Error::Unwritten { why }) => panic!("what was made of it is no document: {why}"),
        Err(error) => return drop(error.to_string()),
    };
    for draft in &imported.drafts {
        let source = Arc::new(Source { name: "<draft>".to_owned(), text: draft.text.clone() });
        let (document, problems) = check(&source, None, &REGISTRY, &Shelf::default());
        let wrong: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(document.is_some() && wrong.is_empty(), "{}\n{wrong:?}", draft.text);
        assert!(problems.iter().any(|problem| problem.code == "draft"), "it could be run");
        assert_eq!(format(&source).expect("a draft can be laid out"), draft.text);
    }
    for heading in imported.headings.iter().take(3) {
        let _ = import(bytes, &request(Some(&heading.text)));
    }
}
