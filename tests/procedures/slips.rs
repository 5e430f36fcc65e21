//! One letter wrong in a key of what ships: it is refused, and what was meant is said.

use std::io::Write as _;
use std::sync::Arc;

use engine::action::Registry;
use engine::diagnostic::{Diagnostic, Severity, Source};
use engine::parse::node::{Data, Node};
use engine::parse::{Shelf, check, open};

use super::{files, root, source};

/// Maps whose keys are the author's own names.
const NAMED_BY_AUTHORS: [&str; 7] = ["parameters", "targets", "secrets", "outputs", "answer", "headers", "values"];
/// What is sent or recorded as it stands, in another system's words.
const OF_OTHERS: [&str; 2] = ["json", "payload"];

/// The share of refused slips of which the right key is proposed, in percent.
const AIM: usize = 95;

/// A key that is not the author's to choose.
struct Key {
    text: String,
    at: usize,
}

fn keys(node: &Node, parent: &str, found: &mut Vec<Key>) {
    match &node.data {
        Data::Sequence(items) => items.iter().for_each(|item| keys(item, parent, found)),
        Data::Mapping(entries) => {
            // It gives back what it is given, whatever that is called.
            let gives_back = entries.iter().any(|entry| {
                entry.key == "action" && matches!(&entry.value.data, Data::String(name, _) if name == "data.value")
            });
            for entry in entries.iter().filter(|entry| !(gives_back && entry.key == "with")) {
                if !NAMED_BY_AUTHORS.contains(&parent) {
                    found.push(Key { text: entry.key.clone(), at: entry.key_span.start });
                }
                if OF_OTHERS.contains(&entry.key.as_str()) && !NAMED_BY_AUTHORS.contains(&parent) {
                    continue;
                }
                // A map of answers or inputs has no names in it again.
                let below = if NAMED_BY_AUTHORS.contains(&parent) { "" } else { entry.key.as_str() };
                keys(&entry.value, below, found);
            }
        }
        _ => {}
    }
}

/// The key with one letter wrong: too many, too few, another, or swapped with the next.
fn slip(key: &str, number: usize) -> String {
    let letters: Vec<char> = key.chars().collect();
    let at = number / 4 % letters.len();
    let mut wrong = letters.clone();
    match number % 4 {
        0 => wrong.insert(at, letters[at]),
        1 if letters.len() > 1 => drop(wrong.remove(at)),
        2 if letters.len() > 1 => wrong.swap(at, (at + 1) % letters.len()),
        _ => wrong[at] = if letters[at] == 'q' { 'z' } else { 'q' },
    }
    let wrong: String = wrong.into_iter().collect();
    // Two equal letters swapped are none.
    if wrong == key { format!("{key}q") } else { wrong }
}

#[test]
fn a_key_with_one_letter_wrong_is_refused_and_the_right_one_is_proposed() {
    let registry = Registry::builtin();
    let mut shelf = Shelf::default();
    let paths: Vec<_> = files(&root().join("procedures"))
        .into_iter()
        .filter(|path| !path.to_string_lossy().ends_with(".test.yaml"))
        .collect();
    for path in &paths {
        shelf.put(open(&source(path), None).0.unwrap());
    }
    let (mut tried, mut proposed, mut passed, mut without) = (0, 0, Vec::new(), Vec::new());
    for path in &paths {
        let whole = source(path);
        let mut found = Vec::new();
        keys(&open(&whole, None).0.unwrap().tree, "", &mut found);
        for (number, key) in found.iter().enumerate() {
            let wrong = slip(&key.text, number);
            let end = key.at + key.text.len();
            // Quotes around a key stay where they are.
            let start = whole.text[key.at..].find(&key.text).map_or(key.at, |quote| key.at + quote);
            let text = format!("{}{wrong}{}", &whole.text[..start], &whole.text[start + (end - key.at)..]);
            let (_, problems) = check(&Arc::new(Source { name: whole.name.clone(), text }), None, &registry, &shelf);
            let errors: Vec<&Diagnostic> = problems.iter().filter(|it| it.severity == Severity::Error).collect();
            let place = || format!("{}: `{}` as `{wrong}`", whole.name, key.text);
            tried += 1;
            let says = |problem: &&&Diagnostic| {
                problem.help.as_deref().is_some_and(|help| help.contains(&format!("did you mean `{}`?", key.text)))
            };
            if errors.is_empty() {
                passed.push(place());
            } else if errors.iter().any(|problem| says(&problem)) {
                proposed += 1;
            } else {
                without.push(format!(
                    "{}: {:?}",
                    place(),
                    errors.iter().map(|it| (&it.message, &it.help)).collect::<Vec<_>>()
                ));
            }
        }
    }
    let rate = proposed * 1000 / tried;
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "{tried} keys with one letter wrong: {} refused, the right key proposed for {}.{} %",
        tried - passed.len(),
        rate / 10,
        rate % 10
    );
    assert!(passed.is_empty(), "not refused:\n{}", passed.join("\n"));
    assert!(proposed * 100 >= tried * AIM, "no proposal:\n{}", without.join("\n"));
    assert!(tried > 100);
}
