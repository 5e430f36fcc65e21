//! What mutations begin with: the project's own documents and what can be made of them, and files under `seeds/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{bundle, ledger_file};

/// The longest file that is taken: a mutation of a long one shows no more, and takes longer.
const LONGEST: usize = 12 * 1024;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below a folder of the project that end so, in order.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let (mut open, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| fs::read(path).expect("a file")).filter(|bytes| bytes.len() <= LONGEST).collect()
}

/// Those of the target's own folder, and inputs that once broke something.
fn own(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("engine/tests/hostile/seeds/{target}");
    if root().join(&folder).is_dir() { files(&folder, "") } else { Vec::new() }
}

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn documents() -> Vec<Vec<u8>> {
    ["procedures", "examples", "tests/cases/parse"].iter().flat_map(|folder| files(folder, ".yaml")).collect()
}

/// What stands behind these words of the documents, without its quotes.
fn behind(words: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for document in documents() {
        for line in String::from_utf8_lossy(&document).lines() {
            for word in words {
                let Some((_, value)) = line.split_once(word) else { continue };
                let value = value.trim_matches([' ', '\'', '"', '}', '|', '>', '-']);
                found.push(value.as_bytes().to_vec());
            }
        }
    }
    found.retain(|value| !value.is_empty());
    found.sort();
    found.dedup();
    found
}

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = own(target);
    seeds.extend(match target {
        "yaml" => documents(),
        "expression" => behind(&["expect: ", "when: ", "where: ", "never: ", "until: ", "key: "]),
        "template" => behind(&[": '{{", "ask: ", "advice: ", "help: "])
            .into_iter()
            .flat_map(|value| [[b"{{".as_slice(), &value].concat(), [b"a ".as_slice(), &value].concat(), value])
            .collect(),
        "markdown" => [files("docs", ".md"), files("tests/cases/import", ".md")].concat(),
        "bundle" => vec![bundle::HELLO.as_bytes().to_vec(), vec![0, 0, 0, 0], (0..32).collect()],
        "ledger_file" => vec![ledger_file::SOUND.bytes.clone(), vec![0; 4], b"W".to_vec(), (1..64).collect()],
        _ => Vec::new(),
    });
    seeds.extend(bytes(match target {
        "yaml" => &["\u{feff}a: 1\r\n", "a: &x [*x]\n", "? a\n: b\n", "a: |+2\n   x\n\n", "- - - {a: [1, 'b']}\n"],
        "expression" => &[
            "parameters.list[0] + steps.later.out * 2",
            "steps.later.state == 'succeeded' or parameters.flag",
            "not (steps.later.out > 3 and result.exists)",
            "parameters.words | map('upper') | join(', ') ~ run.id",
            "history.last('demo.*', within=duration('24h')).outputs.epoch in [1, 5]",
            "parameters.map.a['b'] is defined and parameters.list[1:2] | length >= 1",
            "days_until(timestamp(parameters.when)) // 7 % 3",
            "'x' if steps.later is undefined else {'a': -1.5e3}",
            "version('1.2.3') < version('1.10.0')",
        ],
        "template" => &[
            "{{ secrets.token }}",
            "{% for item in parameters.list if item > 1 %}{{ loop.index }}: {{ item }}{% else %}none{% endfor %}",
            "{%- if steps.later.out -%} a {%- elif parameters.flag %} b {% endif %}{{ steps.later.out }}",
            "{\"a\": [\"{{ parameters.list }}\", \"x {{ steps.later.state }}\"], \"b\": {\"c\": \"{{ run.id }}\"}}",
        ],
        "note" => &[
            "example.org/ops\n10\nWZDn5nfjMKWkVHPfF0CUGsLQYOP0zw7IAn1Ynrv2yGY=\n\n— example.org/ops qdPUMmVjkz/it3dLa3Ooqvqtqq1YnY17cgNZSqwysUo1uGedckz+/F58ro6CZDSsO29LqgU8aJ/DKazza6QMlj5yZQ4=\n",
            "c2sp.org/tlog-proof@v1\nindex 1\nWZDn5nfjMKWkVHPfF0CUGsLQYOP0zw7IAn1Ynrv2yGY=\n\nexample.org/ops\n2\nWZDn5nfjMKWkVHPfF0CUGsLQYOP0zw7IAn1Ynrv2yGY=\n\n— example.org/ops qdPUMmVjkw==\n",
            "example.org/ops+2b88d47b+Aer7cnftkgGeFIqdyAFWE2eM6StTnZT1KDjVR3VuDY+q",
            "— a AAAAAQID\n— b AAAAAQID\n",
            "runwarden key rotation v1\nexample.org/ops\n3\nWZDn5nfjMKWkVHPfF0CUGsLQYOP0zw7IAn1Ynrv2yGY=\nexample.org/ops+2b88d47b+Aer7cnftkgGeFIqdyAFWE2eM6StTnZT1KDjVR3VuDY+q\nexample.org/ops+2b88d47b+Aer7cnftkgGeFIqdyAFWE2eM6StTnZT1KDjVR3VuDY+q\n",
        ],
        "words" => &[
            "2026-11-20T09:35:12.123456Z",
            "-009999-01-02T01:59:59Z",
            "9999-12-30T22:00:00+00:00",
            "1h 30m",
            "PT5M",
            "2d",
            "-90s",
            "500ms",
            "1y2mo",
            "1.2.3-rc.1+b",
            "kora.dr_epoch_bump",
            "file.*",
            "call.*",
            "sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "01a1f84f-5880-7101-8101-010101010101",
        ],
        "markdown" => &[
            "# Stop\n\n1. Run `systemctl stop x`\n   - [ ] check that it is **down**\n2. Never restart.\n\n```sh\nrm -r \"$DIR\"\n```\n",
            "| a | b |\n|---|---|\n| 1 | `c` |\n\n> **Do not** retry\n\n- [ ] ok?\n\n<!-- x -->\n\nTitle\n=====\n\n* a\n\n  b\n",
        ],
        "json" => &[
            "{\"data\":{\"state\":\"succeeded\",\"x\":[1,null,\"\\u001f\u{1f512}\"]},\"kind\":\"heartbeat\",\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"seq\":0,\"ts\":\"2026-11-20T09:35:12.000000Z\",\"v\":1}",
            "[1.0, -0.0, 1e22, 1.5e-7, 123456789012345678901234567890, \"\\ud83d\\ude00\\u2028\", true]",
            "{\"b\": {\"c\": [[]], \"c\": {}}, \"a\": NaN, \"\u{e9}\": -Infinity}",
            "5e-324",
        ],
        "signed" => &[
            "{\"approver\":\"ada\",\"at\":\"2026-11-20T09:35:12.000000Z\",\"environment\":\"production\",\"id\":\"a1\",\"ledger\":\"example.org/ops\",\"not_after\":\"2026-11-20T13:35:12.000000Z\",\"plan\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"purpose\":\"approve\",\"reason\":\"ok\",\"role\":\"incident_commander\",\"type\":\"approval\",\"v\":1}",
            "{\"actor\":\"ada\",\"at\":\"2026-11-20T09:35:12.000000Z\",\"environment\":\"staging\",\"ledger\":\"example.org/ops\",\"nonce\":\"00112233445566778899aabbccddeeff\",\"plan\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"type\":\"run\",\"v\":1}",
            "{\"anchor_hash\":\"0\",\"entry_count\":1,\"first_entry_hash\":\"0\",\"root_hash\":\"0\",\"run_id\":\"r\",\"timestamp_utc\":\"2026-01-01T00:00:00+00:00\"}",
            "{\"waiver_id\":\"w\",\"scope\":\"s\",\"justification\":\"j\",\"approving_identity\":\"a\",\"risk_classification\":\"low\",\"created_at\":\"2026-01-01T00:00:00+00:00\",\"expiration\":\"2026-02-01T00:00:00.5-05:30\",\"signature\":\"00\"}",
            "{\"chain_hash\": \"\", \"count\": 0}",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFoRhHZiSbLXcu58fxvcHUboQEgdV+Dv7Ta1AzsY0AL2 ada@ops",
            "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgWhGEdmJJstdy7nx/G9wdRuhASB\n-----END SSH SIGNATURE-----\n",
        ],
        "foreign_ledger" => &[
            "{\"seq\": 1, \"scenario_id\": \"s\", \"event\": \"x\", \"ts\": \"2026-01-01T00:00:00Z\", \"prev_hash\": \"0000000000000000000000000000000000000000000000000000000000000000\", \"entry_hash\": \"00\"}\n{}\n",
            "{\"prev_hash\": \"\", \"data\": {\"a\": 1.0}, \"hash\": \"x\"}\r\n\n[1]\n",
            "{\"a\": 1}\n{\"a\": 2}\n\n--- seal\n{\"chain_hash\": \"0000000000000000000000000000000000000000000000000000000000000000\", \"count\": 2}",
            "SQLite format 3\u{0}",
        ],
        _ => &[],
    }));
    seeds
}

/// Words that mean something to a target's reader.
pub fn words(target: &str) -> &'static [&'static str] {
    match target {
        "yaml" => &[
            "\0",
            "\u{feff}",
            "\u{2028}",
            "\r",
            "\t",
            "\n",
            "\n  ",
            "\n- ",
            ": ",
            "&a ",
            "*a",
            "!!str ",
            "<<: ",
            "{{ ",
            " }}",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "|",
            ">-",
            "|+",
            "'",
            "\"",
            "#",
            " #",
            "[",
            "]",
            "{",
            "}",
            "? ",
            "~",
            "yes",
            "012",
            "1:20",
            "é",
            "\u{1f512}",
            "\\",
            "- ",
            ",",
        ],
        "expression" | "template" => &[
            " and ",
            " or ",
            "not ",
            " if ",
            " else ",
            " in ",
            " is ",
            " == ",
            " < ",
            " ~ ",
            " + ",
            " - ",
            " * ",
            " // ",
            " % ",
            " ** ",
            "|",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            ":",
            "'",
            "none",
            "true",
            "1e308",
            "-1",
            "9223372036854775807",
            "18446744073709551615",
            "steps.later.out",
            "parameters.list",
            "secrets.x",
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "{%- for x in parameters.list %}",
            "{% endfor %}",
            "{% if ",
            "{% set x = 1 %}",
            "é",
            "\u{1f512}",
            "duration('1h')",
            "timestamp('2026-01-01T00:00:00Z')",
            "sha256(",
            "|length",
            "|join",
            "|default(1)",
            "loop.index",
            " is defined",
            "[::-1]",
            "version('1.0.0')",
            "range(9)",
            "\0",
        ],
        "markdown" => &[
            "\n",
            "\n\n",
            "# ",
            "1. ",
            "- [ ] ",
            "- ",
            "> ",
            "```",
            "`",
            "    ",
            "<!--",
            "-->",
            "<b>",
            "[a](b)",
            "![",
            "**",
            "never ",
            "do not ",
            "$X",
            "<name>",
            "\0",
            "\u{feff}",
            "\u{202e}",
            "|",
            "---",
            "\t",
            "&amp;",
            "\\",
            "é",
            "{{ x }}",
            ": ",
            "'",
            "\"",
            "curl -X POST http://a",
            "sudo ",
            " && ",
            "\r",
        ],
        _ => &[
            "\0",
            "\u{feff}",
            "\n",
            "\n\n",
            " ",
            "\"",
            "\\",
            "\\u0000",
            "\\ud800",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "— ",
            "+",
            "=",
            "-0",
            "1e400",
            "9007199254740993",
            "null",
            "true",
            "NaN",
            "é",
            "\u{1f512}",
            "Z",
            "+24:00",
            "d",
            "PT",
            "-",
            "99999999999",
            "sha256:",
            "ssh-ed25519 ",
            "old 0\n",
            "\t",
        ],
    }
}
