//! Forge's chains, both recipes: what agrees, what is found, and what cannot be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::target::findings::MAX_PROBLEMS;

/// Two lines that Python made: `json.dumps` with compact separators, the hash over sorted keys, ASCII.
const PYTHON_AUDIT: &str = r#"{"ts":"2026-11-20T09:42:40.725743+00:00","scenario_id":"scn-0002","event_type":"scenario.create","actor":"user-1","correlation_id":"req-0","details":{"track":"netplus","note":"caf\u00e9 \ud83d\udd12","x":1.0,"y":1e-05,"big":12345678901234567890123},"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","entry_hash":"51a2b5ff76f116c28b42225ee6db5a36e162aaae82971d2c87df9b1e305da94b"}
{"ts":"2026-11-20T09:42:41.725743+00:00","scenario_id":"scn-0002","event_type":"score.finalized","actor":"user-1","correlation_id":"req-1","details":{"del":"\u007f","score":0.3,"n":NaN},"prev_hash":"51a2b5ff76f116c28b42225ee6db5a36e162aaae82971d2c87df9b1e305da94b","entry_hash":"75c9bae0b7ed63911fb403f9a34bf12c59ffe411ae795fa7e506b4eff74b90a4"}
"#;

/// The same of `json.dumps(…, ensure_ascii=False)`; U+007F and U+2028 stand in it bare.
const PYTHON_BILLING: &str = concat!(
    r#"{"data": {"ts": "2026-11-20T09:44:26.351970+00:00", "tenant_id": "tenant-é", "subject": "user"#,
    "\u{7f}",
    r#"-\"\\\n"#,
    "\u{2028}",
    r#"0", "plan": "PRO", "receipt_exp": 1768300000, "rate": 0.3}, "prev_hash": "", "hash": "e5b55f2a909cb92a4764a7a71a90cc3794bbc0ff4b6039caa93a194d48561e6b"}"#,
    "\n",
    r#"{"data": {"ts": "2026-11-20T09:44:26.351971+00:00", "tenant_id": "tenant-é", "subject": "user"#,
    "\u{7f}",
    r#"-\"\\\n"#,
    "\u{2028}",
    r#"1", "plan": "PRO", "receipt_exp": 1768300001, "rate": 0.3}, "prev_hash": "e5b55f2a909cb92a4764a7a71a90cc3794bbc0ff4b6039caa93a194d48561e6b", "hash": "48931e88dea2cf531b39b78c877a0bc41f1c34168e4c184a2f0e55e20c337a30"}"#,
    "\n",
);

/// A writer of its own: canonical text and stored text are both written out by hand.
fn line(recipe: Recipe, number: usize, note: &str, previous: &str) -> (String, String) {
    let ts = format!("2026-11-20T09:{:02}:{:02}.000000+00:00", number / 60 % 60, number % 60);
    match recipe {
        Recipe::Audit => {
            let hashed = format!(
                r#"{{"actor":"user-1","correlation_id":"req-{number}","details":{{"note":"{note}"}},"event_type":"step","prev_hash":"{previous}","scenario_id":"scn-1","ts":"{ts}"}}"#
            );
            let hash = Digest::of(hashed.as_bytes()).hex().to_owned();
            let stored = format!(
                r#"{{"ts":"{ts}","scenario_id":"scn-1","event_type":"step","actor":"user-1","correlation_id":"req-{number}","details":{{"note":"{note}"}},"prev_hash":"{previous}","entry_hash":"{hash}"}}"#
            );
            (stored, hash)
        }
        Recipe::Billing => {
            let data = format!(
                r#"{{"plan":"PRO","receipt_exp":{number},"subject":"{note}","tenant_id":"tenant-é","ts":"{ts}"}}"#
            );
            let hash = Digest::of(format!("{previous}{data}").as_bytes()).hex().to_owned();
            let stored = format!(
                r#"{{"data": {{"ts": "{ts}", "tenant_id": "tenant-é", "subject": "{note}", "plan": "PRO", "receipt_exp": {number}}}, "prev_hash": "{previous}", "hash": "{hash}"}}"#
            );
            (stored, hash)
        }
    }
}

/// A chain of that many lines.
fn chain(recipe: Recipe, count: usize) -> Vec<String> {
    let mut previous = recipe.genesis().to_owned();
    (1..=count)
        .map(|number| {
            let (line, hash) = line(recipe, number, &format!("note {number}"), &previous);
            previous = hash;
            line
        })
        .collect()
}

fn report_of(recipe: Recipe, bytes: &[u8]) -> Report {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    HashChain::new(file.path(), "log", recipe).verify()
}

/// Every problem as code and line.
fn told(report: &Report) -> Vec<(&str, Option<i64>)> {
    report.problems.iter().map(|problem| (problem.code.as_str(), problem.seq)).collect()
}

#[track_caller]
fn check(recipe: Recipe, lines: &[String], status: Status, expected: &[(&str, Option<i64>)]) {
    let report = report_of(recipe, format!("{}\n", lines.join("\n")).as_bytes());
    assert_eq!((report.status, told(&report).as_slice()), (status, expected), "{report:#?}");
}

const BOTH: [Recipe; 2] = [Recipe::Audit, Recipe::Billing];

#[test]
fn what_python_hashed_is_hashed_the_same() {
    for (recipe, text) in [(Recipe::Audit, PYTHON_AUDIT), (Recipe::Billing, PYTHON_BILLING)] {
        let report = report_of(recipe, text.as_bytes());
        assert_eq!(
            (report.status, report.entries, told(&report)),
            (Status::SelfConsistentOnly, 2, vec![]),
            "{recipe:?}"
        );
        assert_eq!(report.dialect.as_deref(), Some(recipe.as_str()));
    }
}

#[test]
fn a_whole_chain_agrees_with_itself_and_never_is_ok() {
    for recipe in BOTH {
        check(recipe, &chain(recipe, 10), Status::SelfConsistentOnly, &[]);
    }
}

#[test]
fn the_recipes_are_not_each_others() {
    check(Recipe::Billing, &chain(Recipe::Audit, 1), Status::Broken, &[("malformed_entry", Some(1))]);
    check(Recipe::Audit, &chain(Recipe::Billing, 1), Status::Broken, &[("malformed_entry", Some(1))]);
}

#[test]
fn an_edited_line_is_named() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 6);
        lines[2] = lines[2].replace("note 3", "note x");
        check(recipe, &lines, Status::Broken, &[("hash_mismatch", Some(3))]);
    }
}

#[test]
fn an_edited_line_that_was_hashed_anew_leaves_the_next_one_without_its_line() {
    for recipe in BOTH {
        let (mut lines, before) = (chain(recipe, 6), chain(recipe, 2));
        let previous = report_hash(recipe, &before[1]);
        lines[2] = line(recipe, 3, "note x", &previous).0;
        check(recipe, &lines, Status::Broken, &[("missing_line", Some(4))]);
    }
}

fn report_hash(recipe: Recipe, line: &str) -> String {
    let value: Json = serde_json::from_str(line).unwrap();
    value[recipe.hash_member()].as_str().unwrap().to_owned()
}

#[test]
fn a_removed_line_is_named_where_it_is_missing() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 6);
        lines.remove(2);
        check(recipe, &lines, Status::Broken, &[("missing_line", Some(3))]);
        let begin = chain(recipe, 6).split_off(2);
        check(recipe, &begin, Status::Broken, &[("missing_line", Some(1))]);
    }
}

#[test]
fn lines_in_another_order_are_named() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 6);
        lines.swap(2, 3);
        let expected = [("out_of_order", Some(3)), ("out_of_order", Some(4)), ("out_of_order", Some(5))];
        check(recipe, &lines, Status::Broken, &expected);
    }
}

#[test]
fn a_line_that_stands_there_twice_is_named() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 6);
        lines.insert(3, lines[2].clone());
        check(recipe, &lines, Status::Broken, &[("duplicate_line", Some(4))]);
        let mut lines = chain(recipe, 4);
        lines.push(lines[1].clone());
        check(recipe, &lines, Status::Broken, &[("duplicate_line", Some(5))]);
    }
}

#[test]
fn two_lines_after_one_are_a_fork() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 3);
        let previous = report_hash(recipe, &lines[1]);
        lines.push(line(recipe, 3, "another", &previous).0);
        check(recipe, &lines, Status::Fork, &[("fork", Some(4))]);
        // Further away the other one is found by the second pass.
        let mut lines = chain(recipe, 5);
        lines.push(line(recipe, 3, "another", &previous).0);
        check(recipe, &lines, Status::Fork, &[("fork", Some(6))]);
    }
}

#[test]
fn a_chain_that_begins_anew_is_named_also_after_a_line_that_cannot_be_read() {
    for recipe in BOTH {
        let mut lines = chain(recipe, 3);
        lines.extend(chain(recipe, 2).into_iter().map(|line| line.replace("note", "other")));
        let report = report_of(recipe, lines.join("\n").as_bytes());
        assert!(told(&report).contains(&("chain_restart", Some(4))), "{report:#?}");
        let mut lines = chain(recipe, 3);
        lines.push("{\"torn".to_owned());
        lines.push(line(recipe, 9, "after", recipe.genesis()).0);
        check(recipe, &lines, Status::Broken, &[("not_json", Some(4)), ("chain_restart", Some(5))]);
    }
}

#[test]
fn a_tail_that_was_cut_at_a_line_is_not_found() {
    // The format has no length: this is what docs/actions/ledger.verify.md says is not found.
    for recipe in BOTH {
        check(recipe, &chain(recipe, 6)[..4], Status::SelfConsistentOnly, &[]);
    }
}

#[test]
fn a_tail_that_was_cut_within_a_line_is_found_at_every_byte() {
    for recipe in BOTH {
        let text = format!("{}\n", chain(recipe, 3).join("\n"));
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        for cut in last + 1..text.len() {
            let report = report_of(recipe, &text.as_bytes()[..cut]);
            let code = if cut + 1 == text.len() { "unterminated_line" } else { "half_written_line" };
            assert_eq!(told(&report), [(code, Some(3))], "cut at {cut} of {}", text.len());
            assert!(!report.status.is_sound());
        }
    }
}

#[test]
fn every_change_of_a_byte_is_found() {
    for recipe in BOTH {
        let text = format!("{}\n", chain(recipe, 3).join("\n")).into_bytes();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            // A blank between two members is no part of what is hashed, and the format cannot tell.
            if text[at] == b' ' && b"\t\n\r".contains(&changed[at]) {
                continue;
            }
            let report = report_of(recipe, &changed);
            assert!(!report.status.is_sound(), "{recipe:?}: byte {at} of {}", String::from_utf8_lossy(&changed));
        }
    }
}

#[test]
fn another_way_to_write_the_lines_is_named() {
    for recipe in BOTH {
        let lines = chain(recipe, 2);
        let (one, two) = (&lines[0], &lines[1]);
        let check = |text: String, status, expected: &[(&str, Option<i64>)]| {
            let report = report_of(recipe, text.as_bytes());
            assert_eq!((report.status, told(&report).as_slice()), (status, expected), "{text}");
        };
        check(format!("{one}\n\n{two}\n"), Status::NonCanonical, &[("blank_line", Some(2))]);
        check(format!("{one}\r\n{two}\r\n"), Status::NonCanonical, &[("carriage_return", Some(1))]);
        check(format!("{one}\n{two}"), Status::NonCanonical, &[("unterminated_line", Some(2))]);
        check(
            format!("\u{feff}{one}\n{two}\n"),
            Status::Broken,
            &[("byte_order_mark", Some(1)), ("not_json", Some(1))],
        );
        let twice = two.replacen('{', r#"{"prev_hash": "other", "#, 1);
        check(format!("{one}\n{twice}\n"), Status::NonCanonical, &[("duplicate_json_keys", Some(2))]);
        check("\n".to_owned(), Status::Empty, &[("blank_line", Some(1)), ("no_entries", None)]);
        check(String::new(), Status::Empty, &[("empty_file", None)]);
        check(format!("{one}\n\u{0}\u{0}\n"), Status::Broken, &[("not_json", Some(2))]);
        check(format!("{one}\n[]\n"), Status::Broken, &[("malformed_entry", Some(2))]);
    }
}

#[test]
fn members_that_no_hash_covers_are_named() {
    let added = |recipe: Recipe| {
        let mut lines = chain(recipe, 2);
        lines[1] = lines[1].replacen('{', r#"{"paid": true, "#, 1);
        lines
    };
    check(Recipe::Billing, &added(Recipe::Billing), Status::NonCanonical, &[("uncovered_member", Some(2))]);
    // Of an audit line everything is hashed.
    check(Recipe::Audit, &added(Recipe::Audit), Status::Broken, &[("hash_mismatch", Some(2))]);
}

#[test]
fn a_huge_line_is_told_and_passed_over() {
    let mut lines = chain(Recipe::Audit, 2);
    lines.insert(1, format!("\"{}\"", "x".repeat(crate::target::json_lines::MAX_LINE)));
    check(Recipe::Audit, &lines, Status::Unreadable, &[("line_too_long", Some(2))]);
}

#[test]
fn runs_are_the_scenarios_with_their_times() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), PYTHON_AUDIT).unwrap();
    let runs = HashChain::new(file.path(), "log", Recipe::Audit).runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].run.as_str(), runs[0].entries, runs[0].status), ("scn-0002", 2, Status::SelfConsistentOnly));
    assert_eq!(runs[0].first_at.unwrap().to_string(), "2026-11-20T09:42:40.725743Z");
    assert_eq!(runs[0].last_at.unwrap().to_string(), "2026-11-20T09:42:41.725743Z");
}

#[test]
fn a_chain_of_nothing_but_faults_is_told_in_bounded_memory() {
    let odd = |number: usize| line(Recipe::Audit, number, "x", &format!("{number:064x}")).0;
    let lines: Vec<String> = (1..MAX_PROBLEMS + 20).map(odd).collect();
    let report = report_of(Recipe::Audit, lines.join("\n").as_bytes());
    assert_eq!((report.status, report.problems.len()), (Status::Broken, MAX_PROBLEMS + 1));
    assert_eq!(report.problems.last().unwrap().code, "more_problems");
}

#[test]
fn a_file_that_is_gone_is_unreadable() {
    let report = HashChain::new(Path::new("/nowhere/at/all"), "log", Recipe::Audit).verify();
    assert_eq!((report.status, told(&report)), (Status::Unreadable, vec![("unreadable", None)]));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), billing in any::<bool>()) {
        let report = report_of(if billing { Recipe::Billing } else { Recipe::Audit }, &bytes);
        prop_assert!(!report.status.is_sound());
    }

    #[test]
    fn lines_taken_out_of_a_chain_are_always_missed(count in 3_usize..9, at in any::<prop::sample::Index>()) {
        let mut lines = chain(Recipe::Audit, count);
        lines.remove(at.index(count - 1));
        let report = report_of(Recipe::Audit, format!("{}\n", lines.join("\n")).as_bytes());
        prop_assert_eq!(report.status, Status::Broken);
    }
}
