//! Whole documents beside what is made of them, and anything at all, of which a document is made that `check` takes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::command::{Block, read};
use super::placeholder::{Slots, pieces};
use super::words::{forbids, orders_of, prohibition, sentences, step_heading, title};
use super::*;
use crate::action::Registry;
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::parse::{self, Shelf};

fn request<'r>(section: Option<&'r str>) -> Request<'r> {
    Request { document: "runbook.md", name: Name::parse("ops.made").unwrap(), section }
}

fn made(text: &str) -> Result<Imported, Error> {
    import(text.as_bytes(), &request(None))
}

/// What `check` says of a draft.
fn checked(draft: &Draft) -> Vec<Diagnostic> {
    let source = Arc::new(Source { name: format!("<{}>", draft.name), text: draft.text.clone() });
    parse::check(&source, None, &Registry::builtin(), &Shelf::default()).1
}

#[track_caller]
fn is_sound(imported: &Imported, of: &str) {
    for draft in &imported.drafts {
        let problems = checked(draft);
        let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(
            errors.is_empty(),
            "of {of:?}\n{}\n{:?}",
            draft.text,
            errors.iter().map(|it| &it.message).collect::<Vec<_>>()
        );
        let open = problems.iter().filter(|problem| problem.code == "to-do").count();
        assert_eq!(open, draft.to_dos, "{}", draft.text);
        assert!(problems.iter().any(|problem| problem.code == "draft"));
        let source = Arc::new(Source { name: "<draft>".to_owned(), text: draft.text.clone() });
        assert_eq!(parse::format::format(&source).unwrap(), draft.text);
    }
}

fn shown(imported: &Imported) -> String {
    let mut out = String::new();
    for heading in &imported.headings {
        let fate = match &heading.fate {
            Fate::Imported(name) => format!("imported {name}"),
            Fate::Kept(name) => format!("kept {name}"),
            Fate::LeftOut => "left out".to_owned(),
            Fate::Empty => "empty".to_owned(),
        };
        writeln!(out, "{} {}: {fate}", heading.line, heading.text).unwrap();
    }
    for draft in &imported.drafts {
        writeln!(out, "--- {}", draft.name).unwrap();
        out.push_str(&draft.text);
    }
    out
}

/// `UPDATE_CASES=1 cargo test -p runwarden-engine import` writes what is made; read it before it is kept.
#[test]
fn each_document_becomes_what_stands_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/import");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(files.len() >= 3);
    for path in files {
        let imported = import(&std::fs::read(&path).unwrap(), &request(None)).unwrap();
        is_sound(&imported, &path.display().to_string());
        let beside = path.with_extension("made");
        let found = shown(&imported);
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&beside).unwrap(), found, "{}", path.display());
    }
}

#[test]
fn nothing_that_is_written_is_nowhere_in_the_draft() {
    let text = include_str!("../../../tests/cases/import/deploy.md");
    let imported = made(text).unwrap();
    let [draft] = imported.drafts.as_slice() else { panic!("{}", shown(&imported)) };
    let flat = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let found = flat(&draft.text);
    for word in [
        "drain the queue",
        "pg_dump billing",
        "hotfixes",
        "on call",
        "fridays",
        "rollback billing",
        "tell the team",
        "pods crash",
    ] {
        assert!(found.contains(&flat(word)), "{word}\n{}", draft.text);
    }
    assert_eq!((draft.kind, draft.commands), ("procedure", 3));
    assert_eq!(draft.parameters, 3, "{}", draft.text);
}

#[test]
fn a_section_is_imported_alone_by_its_heading() {
    let text = include_str!("../../../tests/cases/import/several.md");
    let one = import(text.as_bytes(), &request(Some("clear the cache"))).unwrap();
    assert_eq!(one.drafts.len(), 1);
    assert_eq!(one.drafts[0].name.as_str(), "ops.made");
    let left = one.headings.iter().filter(|heading| heading.fate == Fate::LeftOut).count();
    assert_eq!(left, 6, "{}", shown(&one));
    // Prose is made steps of where somebody asks for it.
    let prose = import(text.as_bytes(), &request(Some("Background"))).unwrap();
    assert_eq!((prose.drafts[0].steps, prose.drafts[0].commands), (1, 0));
    let wrong = import(text.as_bytes(), &request(Some("Clear the cash"))).unwrap_err();
    assert_eq!(
        wrong,
        Error::NoSection { wanted: "Clear the cash".to_owned(), near: Some("Clear the cache".to_owned()) }
    );
    let twice = import(b"# A\n\n1. x\n\n# A\n\n1. y\n", &request(Some("a"))).unwrap_err();
    assert_eq!(twice.to_string(), "`a` is the heading of line 1, line 5");
}

#[test]
fn what_is_no_text_is_refused() {
    let large = vec![b'a'; MAX_TEXT + 1];
    assert_eq!(import(&large, &request(None)), Err(Error::TooLarge { found: MAX_TEXT + 1 }));
    assert_eq!(import(b"1. a\n\xff", &request(None)), Err(Error::NotText { at: 5 }));
    assert_eq!(made("1. a\n2. b\0"), Err(Error::Nul { line: 2 }));
    assert_eq!(made(""), Err(Error::Nothing));
    assert_eq!(made("# Title\n\nOnly words.\n"), Err(Error::Nothing));
    let many: String = (0..401).map(|at| format!("1. item {at}\n")).collect();
    assert!(matches!(made(&many), Err(Error::TooMany { found: 401, .. })));
}

#[test]
fn marks_and_line_ends_of_other_systems_make_no_difference() {
    let unix = made("# A\n\n1. Stop it\n2. Start it\n").unwrap();
    let windows = made("\u{feff}# A\r\n\r\n1. Stop it\r\n2. Start it\r\n").unwrap();
    assert_eq!(unix, windows);
    assert_eq!(unix, made("# A\r\r1. Stop it\r2. Start it\r").unwrap());
}

#[test]
fn what_is_not_shown_is_written_out() {
    let imported = made("1. Stop\u{202e}it\u{200b} \u{7}\n").unwrap();
    assert_eq!(imported.hidden, 3);
    is_sound(&imported, "hidden");
    assert!(imported.drafts[0].text.contains("Stop[U+202E]it[U+200B] [U+0007]"), "{}", imported.drafts[0].text);
}

#[test]
fn depth_costs_no_stack() {
    for mark in [">", "- ", "1. ", "* > "] {
        let deep = format!("{}Stop it\n\n1. Stop it\n", mark.repeat(50_000));
        let imported = made(&deep).unwrap();
        is_sound(&imported, mark);
    }
    let brackets = format!("1. {}\n", "[".repeat(50_000));
    assert!(made(&brackets).is_ok());
}

#[test]
fn large_documents_take_no_longer_than_they_are() {
    let lines = |line: &str| line.repeat(MAX_TEXT / 8 / line.len());
    for text in [
        lines("Never do it.\n\n"),
        lines("# A\n\n1. a\n\n"),
        format!("# A\n\n1. a\n\n```sh\n{}```\n", lines("a \"b\n")),
        format!("# A\n\n1. a\n\n```sh\n{}```\n", lines("a \\\n")),
        format!("## Step 1\n\n{}", lines("it is so:\n\n")),
        format!("{}{}", lines("1. a\n"), lines("# b\n\n")),
        lines("$A<b "),
        lines("| a "),
    ] {
        // It comes back at all, with no more than somebody could review.
        match made(&text) {
            Ok(imported) => is_sound(&imported, "a large document"),
            Err(Error::Unwritten { why }) => panic!("{why}"),
            Err(_) => {}
        }
    }
}

fn plain(line: &str) -> Result<Vec<String>, String> {
    match read("sh", line, &mut Slots::default(), 1) {
        Block::Commands(commands) => Ok(commands.into_iter().flat_map(|command| command.argv).collect()),
        Block::Other(why) => Err(why),
        Block::Data => Err("data".to_owned()),
    }
}

#[test]
fn a_plain_command_is_one_and_nothing_else_is() {
    assert_eq!(plain("git tag 'a b' \"c d\" e\\ f").unwrap(), ["git", "tag", "a b", "c d", "e f"]);
    assert_eq!(
        plain("kubectl -n <name space> get $POD ${Pod}").unwrap(),
        ["kubectl", "-n", "{{ parameters.name_space }}", "get", "{{ parameters.pod }}", "{{ parameters.pod }}"]
    );
    assert_eq!(plain("echo '{{ x }}' --a=<to>c").unwrap(), ["echo", "{{ '{{' }} x }}", "--a={{ parameters.to }}c"]);
    assert_eq!(plain("awk '{print $1}' file").unwrap(), ["awk", "{print $1}", "file"]);
    assert_eq!(plain("a \\\n  b").unwrap(), ["a", "b"]);
    assert_eq!(plain("python -c \"\nprint(1)\n\"").unwrap(), ["python", "-c", "\nprint(1)\n"]);
    for shell in [
        "a | b",
        "a && b",
        "a; b",
        "a > b",
        "a $(b)",
        "a `b`",
        "a *",
        "a ~/b",
        "a [b]",
        "a {b,c}",
        "A=b c",
        "cd a",
        "export A=b",
        "if a; then",
        "a \"$1\"",
        "a 'b",
        "a # b",
        "-a",
        "'' a",
        "$PROGRAM a",
        "curl -H \"Auth: $API_TOKEN\"",
        "a <b c",
        "a !b",
        "a \u{e000}0\u{e001}",
    ] {
        assert!(plain(shell).is_err(), "{shell}: {:?}", plain(shell));
    }
    assert_eq!(read("json", "{}", &mut Slots::default(), 1), Block::Data);
    assert!(matches!(read("python", "x", &mut Slots::default(), 1), Block::Other(_)));
}

#[test]
fn what_looks_like_a_secret_becomes_no_parameter() {
    let imported = made("1. Log in:\n\n   ```sh\n   login --token $API_TOKEN\n   ```\n").unwrap();
    let draft = &imported.drafts[0];
    assert_eq!((draft.parameters, draft.commands), (0, 0), "{}", draft.text);
    assert!(draft.text.contains("Declare what is secret under `secrets`"), "{}", draft.text);
    assert!(draft.text.contains("must not reach the arguments"), "{}", draft.text);
}

#[test]
fn placeholders_are_told_from_tags_and_types() {
    let names = |text: &'static str| pieces(text).into_iter().filter_map(|piece| piece.slot).collect::<Vec<_>>();
    assert_eq!(names("a <pod name> $D ${e} state_<uuid>.json"), ["pod name", "D", "e", "uuid"]);
    assert_eq!(names("<br> <b>x</b> List<item> $5 $lower <https://x> < y > <kbd>"), Vec::<&str>::new());
}

#[test]
fn prohibitions_are_told_from_other_sentences() {
    for rule in [
        "Do not delete it.",
        "Do NOT skip this",
        "Don\u{2019}t push to it.",
        "Never rotate both.",
        "Keys must not be shared.",
    ] {
        assert!(forbids(rule), "{rule}");
    }
    for other in ["Do not forget the key.", "It is not there.", "Never mind.", "This is nothing.", "Note that it ends."]
    {
        assert!(!forbids(other), "{other}");
    }
    assert_eq!(prohibition("Re-run it. It stays broken."), "Do not re-run it.");
    assert_eq!(prohibition("SSH into it"), "Do not: SSH into it");
    assert_eq!(sentences("See e.g. This. Then stop; go."), ["See e.g. This.", "Then stop;", "go."]);
    assert_eq!(
        orders_of("Steps: Create a branch; snapshot it; add a note."),
        ["Create a branch;", "snapshot it;", "add a note."]
    );
    assert_eq!(step_heading("Step 3: Drain it").as_deref(), Some("Drain it"));
    assert_eq!(title("`Drain` **it** now: then more. And more."), "Drain it now: then more");
}

/// Parts of one procedure, with `@` for each word that must not be lost.
fn told() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Say @ and @. Then @:\n\n",
        "Verify that @ is so.\n\n",
        "Never touch @.\n\n",
        "1. Stop @. Because @.\n\n",
        "2. Verify @.\n\n   ```sh\n   look-@ -a @\n   ```\n\n",
        "3. Do @:\n\n   ```bash\n   # about @\n   go-@ --x @\n   ```\n\n   It is @.\n\n",
        "4. @\n   - nested @\n\n     deep @\n\n",
        "- Point @ and @\n\n",
        "- [ ] @ is there\n\n",
        "> Quoted @\n\n",
        "<div>@</div>\n\n",
        "```python\nprint(@)\n```\n\n",
        "```sh\na-@ | b-@\n```\n\n",
        "```json\n{\"a\": \"@\"}\n```\n\n",
        "```sh\nls -l @\n```\n\n",
        "| Command | Purpose | Note |\n|---|---|---|\n| `go-@ -l` | @ | @ |\n| say @ | | @ |\n\n",
        "| A | B |\n|---|---|\n| @ | @ |\n\n",
        "| Symptom | Fix |\n|---|---|\n| @ | @ |\n\n",
        "| Parameter | Description | Default | Unit |\n|---|---|---|---|\n| p@ | @ | @ | @ |\n\n",
        "## Verification\n\n",
        "## If it fails\n\n",
        "## Rollback\n\n",
        "## Prerequisites\n\n",
        "## Parameters\n\n",
        "## When to use\n\n",
        "**Do NOT:**\n\n",
        "### Step 2: Drain @\n\n",
        "- `v@`: means @\n\n",
        "- **Lead @** and @\n\n",
    ])
}

/// Parts of runbooks, whole and broken.
fn fragments() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "# Title\n\n",
        "## Steps\n\n",
        "### Step 2: Go\n\n",
        "## Prerequisites\n",
        "## Rollback\n\n",
        "## If it fails\n\n",
        "## Verification\n\n",
        "## Parameters\n",
        "**Do NOT:**\n\n",
        "1. Stop it\n",
        "2. Verify that it stopped\n",
        "- [ ] ready\n",
        "- Delete nothing\n",
        "   ```bash\n   git tag <v>\n   ```\n",
        "```\n$ a | b\n```\n",
        "```python\nx = {{ y }}\n```\n",
        "| Command | Purpose |\n|---|---|\n| `ls -l` | {{ |\n",
        "| Parameter | Default |\n|---|---|\n| `A` | {% x |\n",
        "| Symptom | Fix |\n|---|---|\n| a | b |\n",
        "> Never do this again.\n",
        "Do not {{ panic }} ever.\n",
        "$HOME/<path>\n",
        "<div>\n",
        "yes\n",
        "\n\n",
        "  indented\n",
        "'it''s' \"q\" #: - ? & * ! | > %\n",
        "\t tab\n",
        "export A=$B\n",
        "curl \"x\n",
        "5. ",
        "- ",
        "> ",
        "`` ` ``",
        "[a](b)",
        "**",
        "\\\n",
        "---\n",
        "===\n",
        "&nbsp;",
        "No: 12:30\n",
    ]);
    let anything = "\\PC{0,20}\n?";
    let raw = any::<String>().prop_map(|text| text.chars().filter(|c| *c != '\0').take(30).collect());
    prop_oneof![8 => words.prop_map(str::to_owned), 2 => anything, 1 => raw]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_imported_is_a_draft_that_check_takes(parts in prop::collection::vec(fragments(), 0..24)) {
        let text = parts.concat();
        if let Ok(imported) = made(&text) {
            is_sound(&imported, &text);
        } else if let Err(Error::Unwritten { why }) = made(&text) {
            panic!("{why} of {text:?}");
        }
    }

    #[test]
    fn no_word_of_a_section_is_nowhere(parts in prop::collection::vec(told(), 0..14)) {
        let mut text = "# T\n\n## Steps\n\n1. Begin\n\n".to_owned();
        let mut words = Vec::new();
        for part in parts {
            for piece in part.split_inclusive('@') {
                let word = format!("zq{}x", words.len());
                text.push_str(&piece.replace('@', &word));
                if piece.ends_with('@') {
                    words.push(word);
                }
            }
        }
        let imported = made(&text).unwrap();
        let [draft] = imported.drafts.as_slice() else { panic!("{text}") };
        for word in words {
            prop_assert!(draft.text.contains(&word), "{} of\n{}\nis not in\n{}", word, text, draft.text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = import(&bytes, &request(None));
        let _ = import(&bytes, &request(Some("a")));
    }

    #[test]
    fn any_line_of_shell_is_a_command_or_none(line in "[ -~\\n]{0,40}") {
        let _ = plain(&line);
    }
}
