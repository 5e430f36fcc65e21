//! docs/tutorial.md, walked from its top to its end in an empty folder, as somebody who pastes it would.
//!
//! A block of `sh` is pasted whole. In a block of `console` a line after `$ ` is pasted, and what follows it is what must
//! be printed, where `[..]` stands for anything within a line and a line of `...` for any lines. A block of `yaml` that
//! begins with a path is a file. Whatever is pasted must succeed, unless the page asks for its exit code next.

use std::process::{Command, Stdio};

use super::bench::{Bench, program};
use super::gate_formats::{has, is_there, tools};

/// What the page has its reader do, with the line it stands on.
enum Task {
    File { line: usize, path: String, text: String },
    Paste { line: usize, text: String, printed: Option<String> },
}

/// The page, in the order of its blocks.
fn tasks(page: &str) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut lines = page.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((line, fence)) = lines.next() {
        let Some(sort) = fence.strip_prefix("```").filter(|sort| !sort.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, text)| text).take_while(|text| *text != "```").collect();
        match sort {
            "sh" => tasks.push(Task::Paste { line: line + 1, text: body.join("\n"), printed: None }),
            "console" => tasks.extend(pasted(line, &body)),
            _ => tasks.extend(file(line, &body)),
        }
    }
    tasks
}

fn pasted(fence: usize, body: &[&str]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (at, text) in body.iter().enumerate() {
        match (text.strip_prefix("$ "), tasks.last_mut()) {
            (Some(command), _) => {
                let printed = Some(String::new());
                tasks.push(Task::Paste { line: fence + 1 + at, text: command.to_owned(), printed });
            }
            (None, Some(Task::Paste { printed: Some(printed), .. })) => {
                printed.push_str(text);
                printed.push('\n');
            }
            // Text that no command precedes is a mistake of the page, and fails like one.
            (None, _) => {
                let line = fence + 1;
                tasks.push(Task::Paste { line, text: "false".to_owned(), printed: Some((*text).to_owned()) });
            }
        }
    }
    tasks
}

fn file(fence: usize, body: &[&str]) -> Option<Task> {
    let path = body.first()?.strip_prefix("# ").filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"))?;
    let text = body[1..].join("\n") + "\n";
    Some(Task::File { line: fence, path: path.to_owned(), text })
}

/// Between what two pastes print; a letter that nothing prints.
const END: char = '\u{1}';

/// One script of all that is pasted, so that it all happens in one shell.
fn script(tasks: &[Task], skip: &[&str]) -> String {
    let mut script = String::from("exec 2>&1 </dev/null\n");
    for task in tasks {
        match task {
            Task::File { path, text, .. } => {
                let quoted = text.replace('\'', "'\\''");
                script.push_str(&format!("mkdir -p \"$(dirname '{path}')\" && printf '%s' '{quoted}' > '{path}'\n"));
                script.push_str(&format!("code=$?; printf '{END}%s{END}' $code; (exit $code)\n"));
            }
            Task::Paste { text, .. } => {
                let skipped = skip.iter().any(|program| text.split_whitespace().any(|word| word == *program));
                script.push_str(if skipped { "true" } else { text });
                script.push_str(&format!("\ncode=$?; printf '{END}%s{END}' $code; (exit $code)\n"));
            }
        }
    }
    script
}

#[test]
fn the_tutorial_does_what_it_says() {
    let page = include_str!("../../docs/tutorial.md");
    if !has("ssh-keygen") || !has("git") {
        return;
    }
    let hooks = tools().join("venv/bin/pre-commit");
    let skip: &[&str] = if is_there("pre-commit", &hooks) { &[] } else { &["pre-commit"] };
    let tasks = tasks(page);
    let bench = Bench::empty().file("home/script", &script(&tasks, skip)).file("home/desk/.keep", "");
    std::fs::remove_file(bench.path("home/desk/.keep")).unwrap();
    let path = [program().parent().unwrap(), hooks.parent().unwrap()].map(|path| path.display().to_string()).join(":");
    let output = Command::new("bash")
        .arg(bench.path("home/script"))
        .current_dir(bench.path("home/desk"))
        .env_clear()
        .env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap()))
        .env("HOME", bench.path("home"))
        .envs([("GIT_AUTHOR_NAME", "you"), ("GIT_AUTHOR_EMAIL", "you@example.org")])
        .envs([("GIT_COMMITTER_NAME", "you"), ("GIT_COMMITTER_EMAIL", "you@example.org")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.split(END).collect();
    let mut wrong = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let (Some(found), Some(code)) = (said.get(2 * at), said.get(2 * at + 1)) else {
            wrong.push(format!("the shell ended at task {at}: {}", said.last().unwrap_or(&"")));
            break;
        };
        let (line, text, printed) = match task {
            Task::File { line, path, .. } => (line, path, None),
            Task::Paste { line, text, printed } => (line, text, printed.as_deref()),
        };
        let asked = matches!(tasks.get(at + 1), Some(Task::Paste { text, .. }) if text == "echo $?");
        if *code != "0" && !asked {
            wrong.push(format!("line {line}: `{text}` exits {code} and prints\n{found}"));
        }
        let skipped = skip.iter().any(|program| text.split_whitespace().any(|word| word == *program));
        if let Some(printed) = printed
            && !skipped
            && !fits(found, printed)
        {
            wrong.push(format!("line {line}: `{text}` prints\n{found}--- and not\n{printed}---"));
        }
    }
    assert!(wrong.is_empty(), "docs/tutorial.md says otherwise:\n{}", wrong.join("\n"));
    workflow_runs(&bench);
}

/// The steps of the workflow that the page shows, run where the page has left its reader.
fn workflow_runs(bench: &Bench) {
    let workflow = bench.read("home/desk/ops/.github/workflows/gate.yml");
    let own = workflow.lines().filter_map(|line| line.trim().strip_prefix("- run: runwarden "));
    let own: Vec<&str> = own.collect();
    assert_eq!(own.len(), 3, "{workflow}");
    for line in own {
        bench.run(&format!("-C home/desk/ops {line}")).exits(0);
    }
    assert!(bench.exists("home/desk/ops/gate.xml") && bench.exists("home/desk/ops/gate.sarif"));
}

/// Whether a text is as the page shows it.
fn fits(found: &str, shown: &str) -> bool {
    let (found, shown): (Vec<&str>, Vec<&str>) = (found.lines().collect(), shown.lines().collect());
    lines_fit(&found, &shown)
}

fn lines_fit(found: &[&str], shown: &[&str]) -> bool {
    match shown.split_first() {
        None => found.is_empty(),
        Some((&"...", rest)) => (0..=found.len()).any(|skipped| lines_fit(&found[skipped..], rest)),
        Some((pattern, rest)) => {
            found.split_first().is_some_and(|(line, below)| line_fits(line, pattern) && lines_fit(below, rest))
        }
    }
}

fn line_fits(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.trim_end().split("[..]");
    let line = line.trim_end();
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_a_page_shows_is_compared_line_by_line() {
    let page = "a\nb [..] d\n...\nlast\n";
    assert!(fits("a\nb c d\nx\ny\nlast\n", page) && fits("a\nb  d\nlast\n", page));
    assert!(!fits("a\nb c\nlast\n", page) && !fits("a\nb c d\nlast\nmore\n", page) && !fits("", page));
    assert!(fits("", "") && !fits("x\n", "") && fits("x", "[..]") && !fits("ab", "a"));
}
