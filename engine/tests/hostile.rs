//! Hostile input, on every build: what the fuzzers ask of each reader (`engine/fuzz`), asked of some thousand changes of
//! our own files. The same ones each time, and bounded by their number.
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[path = "hostile/bundle.rs"]
mod bundle;
#[path = "hostile/expression.rs"]
mod expression;
#[path = "hostile/foreign_ledger.rs"]
mod foreign_ledger;
#[path = "hostile/json.rs"]
mod json;
#[path = "hostile/json_edits.rs"]
mod json_edits;
#[path = "hostile/ledger_file.rs"]
mod ledger_file;
#[path = "hostile/markdown.rs"]
mod markdown;
#[path = "hostile/mutations.rs"]
mod mutations;
#[path = "hostile/note.rs"]
mod note;
#[path = "hostile/seeds.rs"]
mod seeds;
#[path = "hostile/signed.rs"]
mod signed;
#[path = "hostile/template.rs"]
mod template;
#[path = "hostile/words.rs"]
mod words;
#[path = "hostile/yaml.rs"]
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};

use mutations::Chance;

/// What holds of every input of a target; it panics where it does not.
type Hold = fn(&[u8]);

/// Every target of the fuzzers, what it holds to, and how many changes of its seeds are tried here.
const TARGETS: [(&str, Hold, usize); 11] = [
    ("bundle", bundle::hold, 300),
    ("expression", expression::hold, 3_000),
    ("foreign_ledger", foreign_ledger::hold, 400),
    ("json", json::hold, 3_000),
    ("ledger_file", ledger_file::hold, 150),
    ("markdown", markdown::hold, 60),
    ("note", note::hold, 3_000),
    ("signed", signed::hold, 2_000),
    ("template", template::hold, 2_000),
    ("words", words::hold, 5_000),
    ("yaml", yaml::hold, 250),
];

/// Keeps the input that broke something, since a panic does not say what it was.
struct Kept<'a> {
    target: &'a str,
    input: &'a [u8],
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{}", self.target));
            let _ = fs::write(&path, self.input);
            let text = String::from_utf8_lossy(&self.input[..self.input.len().min(2_000)]);
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("`{}` broke on {}: {text:?}\n", self.target, path.display()).as_bytes(),
            )
            .unwrap_or_default();
        }
    }
}

fn withstands(wanted: &str) {
    let Some((target, hold, count)) = TARGETS.iter().find(|(target, ..)| *target == wanted) else {
        panic!("no target `{wanted}`");
    };
    let seeds = seeds::of(target);
    let words = seeds::words(target);
    assert!(!seeds.is_empty());
    let tries = |input: &[u8]| {
        let _kept = Kept { target, input };
        hold(input);
    };
    // Every seed is of our own making, so all of them together are few; those that once broke something are among them.
    seeds.iter().take(*count).for_each(|seed| tries(seed));
    // `RUNWARDEN_HOSTILE=N` tries N times as many, and others.
    let more = std::env::var("RUNWARDEN_HOSTILE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut chance = Chance::new(41 + more as u64);
    for _ in 0..count * more {
        tries(&chance.mutated(&seeds, words));
    }
}

#[test]
fn bundles_that_were_tampered_with_are_judged() {
    withstands("bundle");
}

#[test]
fn expressions_are_refused_or_keep_their_answer() {
    withstands("expression");
}

#[test]
fn ledgers_of_others_are_never_whole_for_what_they_say() {
    withstands("foreign_ledger");
}

#[test]
fn json_has_one_spelling() {
    withstands("json");
}

#[test]
fn a_file_in_place_of_a_ledger_is_whole_only_with_its_entries() {
    withstands("ledger_file");
}

#[test]
fn prose_becomes_drafts_that_can_be_checked_or_nothing() {
    withstands("markdown");
}

#[test]
fn notes_are_written_as_they_were_read() {
    withstands("note");
}

#[test]
fn signatures_that_nobody_made_do_not_count() {
    withstands("signed");
}

#[test]
fn templates_are_refused_or_filled() {
    withstands("template");
}

#[test]
fn words_read_back_as_written() {
    withstands("words");
}

#[test]
fn documents_are_refused_or_keep_their_meaning() {
    withstands("yaml");
}

/// For the fuzzers: `RUNWARDEN_SEEDS=folder` writes the seeds there, a folder for each target, and its words beside it.
#[test]
fn seeds_are_written_for_the_fuzzers_and_every_target_has_one() {
    let folder = std::env::var_os("RUNWARDEN_SEEDS").map(PathBuf::from);
    let fuzzers = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets")).expect("a folder");
    let mut names: Vec<String> = fuzzers
        .map(|file| file.expect("a file").path().file_stem().unwrap_or_default().to_string_lossy().into())
        .collect();
    names.sort();
    assert_eq!(
        names,
        TARGETS.map(|(target, ..)| target),
        "a target of the fuzzers is asked here, and the other way round"
    );
    for (target, ..) in TARGETS {
        let seeds = seeds::of(target);
        assert!(!seeds.is_empty(), "`{target}` has no seed");
        let Some(folder) = &folder else { continue };
        let of_target = folder.join(target);
        fs::create_dir_all(&of_target).expect("a folder");
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(of_target.join(format!("seed-{number:04}")), seed).expect("a file");
        }
        let quoted =
            |word: &&str| format!("\"{}\"\n", word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>());
        let dictionary: String = seeds::words(target).iter().map(quoted).collect();
        fs::write(folder.join(format!("{target}.dict")), dictionary).expect("a file");
    }
}
