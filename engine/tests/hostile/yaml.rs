//! Documents: whatever the bytes are, they are read or refused, at places that are there; what is read formats to what
//! reads the same, and freezes to what reads the same.

use std::sync::{Arc, LazyLock};

use engine::action::Registry;
use engine::diagnostic::{Diagnostic, Severity, Source};
use engine::parse::format::{Refused, format};
use engine::parse::problems::Problems;
use engine::parse::{Kind, Shelf, check, look, yaml};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);

/// Holds for every file.
pub fn hold(bytes: &[u8]) {
    let source = match yaml::source("fuzz.yaml", bytes.to_vec()) {
        Ok(source) => source,
        Err(problem) => return stands(&problem),
    };
    let mut problems = Problems::new(Arc::clone(&source));
    let tree = yaml::read(&mut problems);
    let refused = problems.refused();
    problems.into_sorted().iter().for_each(stands);
    for kind in [None, Some(Kind::Workspace)] {
        let (document, diagnostics) = check(&source, kind, &REGISTRY, &Shelf::default());
        diagnostics.iter().for_each(stands);
        let is_wrong = diagnostics.iter().any(|problem| problem.severity == Severity::Error);
        assert!(document.is_none() || !is_wrong, "a document with errors is given");
        assert!(document.is_some() || is_wrong, "refused, and nobody says why");
        assert!(!refused || is_wrong, "what the reader refuses is taken");
    }
    let _ = look(&source.text, None);
    match tree {
        Some(tree) if !refused => {
            let read = tree.to_json();
            keeps_its_meaning(&source, &read);
            reads_back(&yaml::frozen("frozen.yaml", &read), &read);
        }
        _ => assert!(matches!(format(&source), Err(Refused::Unread(_))), "what cannot be read is laid out"),
    }
}

fn keeps_its_meaning(source: &Source, read: &serde_json::Value) {
    let named = |text: &str| Arc::new(Source { name: source.name.clone(), text: text.to_owned() });
    match format(&named(&source.text)) {
        Ok(once) => {
            reads_back(&named(&once), read);
            assert_eq!(format(&named(&once)).expect("what was laid out can be"), once, "the second time it is another");
        }
        Err(Refused::Changed) => panic!("laid out it would be another document"),
        Err(Refused::Unread(_)) => panic!("it was read before, and is not now"),
    }
}

fn reads_back(source: &Arc<Source>, read: &serde_json::Value) {
    let mut problems = Problems::new(Arc::clone(source));
    let again = yaml::read(&mut problems).map(|tree| tree.to_json().to_string());
    assert_eq!(again, Some(read.to_string()), "it reads as another document:\n{}", source.text);
    assert!(!problems.refused(), "it is refused now:\n{}", source.text);
}

/// Its places are places.
fn stands(problem: &Diagnostic) {
    let places = [Some(&problem.place), problem.related.as_ref().map(|(place, _)| place)];
    for place in places.into_iter().flatten() {
        assert!(place.source.text.get(place.span.clone()).is_some(), "`{}` at {:?}", problem.code, place.span);
        let (line, column) = place.line_column();
        assert!(line > 0 && column > 0);
    }
    assert!(!problem.message.contains('\n'), "{:?} has two lines", problem.message);
}
