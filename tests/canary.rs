//! Canaries: secrets of every awkward sort, in every place that a secret may go and in all that children and services say
//! of them. Then everything that the program wrote is searched, in every encoding: none is found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cli/bench.rs"]
#[expect(dead_code, reason = "the builder has more than this needs")]
mod bench;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bench::Bench;
use engine::ledger::reader::{Filter, Reader};
use regex::bytes::RegexSet;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// By name: with quotes, blanks, line ends, JSON and more than ASCII.
const CANARIES: [(&str, &str); 6] = [
    ("plain", "canary-3f9a1c7e5b2d"),
    ("quoted", "it's a \"canary\" # not $5 \\ x"),
    ("spaced", "  canary with  blanks "),
    ("lines", "first canary line\nsecond canary line\n"),
    ("json", r#"{"user": "canary", "pw": "p\"q/r", "n": [1, 2]}"#),
    ("unicode", "canary-ünïcode-☃-漢字-🐤"),
];

/// Writes what a child may say of a secret: all at once, byte by byte, on both streams, and once more as it was given.
const SAY: &str = r#"cat "$1"
dd if="$1" bs=1 2>/dev/null >&2
printf '%s' "$S"; cat; cat "$F"
printf '%s' "$S" | base64 | dd bs=1 2>/dev/null
printf '%s' "$S" | od -An -v -tx1 | tr -d ' \n' | dd bs=1 2>/dev/null >&2
for p in /proc/[0-9]*; do tr '\0' ' ' < "$p/cmdline"; echo; done >> cmdlines 2>/dev/null
exit "$2"
"#;

/// A secret manager: files in a folder, values by stdin and stdout.
const MANAGER: &str = r#"case "$1" in
  get) cat "managed/$2" || exit 1; echo ;;
  put) mkdir -p managed; cat > "managed/$2" ;;
  delete) rm "managed/$2" ;;
  list) mkdir -p managed; ls managed ;;
esac
"#;

/// The forms that are searched for: not those of the masker's own tests, but of the programs that people use.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = value.as_bytes();
    let mut forms = vec![("raw", bytes.to_vec()), ("raw, trimmed", value.trim().as_bytes().to_vec())];
    for line in value.lines().map(str::trim).filter(|line| line.len() >= 8) {
        forms.push(("line", line.as_bytes().to_vec()));
    }
    for offset in 0..3 {
        let shifted = [&vec![0_u8; offset], bytes].concat();
        let bits: Vec<u8> = shifted.iter().flat_map(|byte| (0..8).rev().map(move |at| (byte >> at) & 1)).collect();
        let sextets = bits.chunks_exact(6).map(|six| six.iter().fold(0_usize, |sum, bit| sum * 2 + usize::from(*bit)));
        let text: Vec<u8> = sextets.map(|at| STANDARD[at]).collect();
        let own = text[(offset * 8).div_ceil(6)..].to_vec();
        let url = own
            .iter()
            .map(|byte| {
                [*byte, b'-', b'_'][match byte {
                    b'+' => 1,
                    b'/' => 2,
                    _ => 0,
                }]
            })
            .collect();
        forms.push(("base64", own));
        forms.push(("base64 for addresses", url));
    }
    let hex: String = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    forms.push(("hex", hex.to_uppercase().into_bytes()));
    forms.push(("hex", hex.into_bytes()));
    for keep in ["", "-_.~", "-_.!~*'()"] {
        let percent: String = bytes
            .iter()
            .map(|byte| match char::from(*byte) {
                c if c.is_ascii_alphanumeric() || keep.contains(c) => c.to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        forms.push(("percent", percent.to_lowercase().into_bytes()));
        forms.push(("form", percent.replace("%20", "+").into_bytes()));
        forms.push(("percent", percent.into_bytes()));
    }
    let escaped = json!(value).to_string();
    let twice = json!(escaped).to_string();
    let ascii: String = value
        .chars()
        .map(|c| {
            if c.is_ascii() {
                json!(c.to_string()).to_string().trim_matches('"').to_owned()
            } else {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect();
    forms.push(("JSON", escaped.as_bytes()[1..escaped.len() - 1].to_vec()));
    forms.push(("JSON in JSON", twice.as_bytes()[3..twice.len() - 3].to_vec()));
    forms.push(("JSON in ASCII", ascii.into_bytes()));
    forms
}

/// Every canary that is in some bytes, by name and form.
fn found(bytes: &[u8]) -> Vec<String> {
    static SEARCH: LazyLock<(RegexSet, Vec<String>)> = LazyLock::new(|| {
        let all = CANARIES.iter().flat_map(|(name, value)| forms(value).into_iter().map(move |form| (*name, form)));
        let all = all.map(|(name, (form, wanted))| {
            (regex::escape(&String::from_utf8(wanted).unwrap()), format!("`{name}` as {form}"))
        });
        let (patterns, names): (Vec<String>, Vec<String>) = all.unzip();
        (RegexSet::new(patterns).unwrap(), names)
    });
    let mut found: Vec<String> = SEARCH.0.matches(bytes).into_iter().map(|at| SEARCH.1[at].clone()).collect();
    found.dedup();
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// A service that says back what it is told, and the double of a Vault secret that keeps whatever it is given.
async fn service() -> MockServer {
    let server = MockServer::start().await;
    let echo = |status: u16| {
        move |request: &Request| {
            let told =
                request.headers.get("x-canary").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let answer =
                ResponseTemplate::new(status).set_body_json(json!({ "told": told, "in": [format!("<{told:?}>")] }));
            match &told {
                Some(told) => answer.insert_header("x-echo", told.as_str()),
                None => answer,
            }
        }
    };
    let empty = json!({ "data": { "data": {}, "metadata": { "version": 1 } } });
    let written = json!({ "data": { "version": 2 } });
    let data = "/v1/secret/data/canary";
    Mock::given(method("GET"))
        .and(path(data))
        .respond_with(ResponseTemplate::new(200).set_body_json(empty))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(data))
        .respond_with(ResponseTemplate::new(200).set_body_json(written))
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(echo(200)).mount(&server).await;
    Mock::given(method("POST")).respond_with(echo(400)).mount(&server).await;
    server
}

fn workspace(url: &str) -> String {
    let mut text = format!(
        "{}targets:\n  api: {{ kind: service, url: '{url}' }}\n  box: {{ kind: secret_store, driver: directory, path: box }}\n  waivers: {{ kind: artifact_store, driver: corvusforge, path: waivers }}\n  \
         file: {{ kind: secret_store, driver: dotenv, path: kept.env, escapes: true }}\n  \
         vars: {{ kind: secret_store, driver: env, prefix: CANARY_ }}\n  \
         vault: {{ kind: secret_store, driver: vault, url: '{url}', path: canary, token_env: CANARY_TOKEN }}\n  \
         manager:\n    kind: secret_store\n    driver: command\n    get: [sh, manager.sh, get, '{{key}}']\n    \
         put: [sh, manager.sh, put, '{{key}}']\n    delete: [sh, manager.sh, delete, '{{key}}']\n    list: [sh, manager.sh, list]\nsecrets:\n",
        bench::WORKSPACE
    );
    for (name, _) in CANARIES {
        let from = if name == "unicode" { "vars" } else { "box" };
        writeln!(text, "  {name}: {{ from: {from}, key: {name} }}").unwrap();
    }
    text
}

fn procedure() -> String {
    let targets = ["box", "file", "vars", "vault", "manager"]
        .map(|name| format!("  {name}: {{ kind: secret_store }}\n"))
        .concat();
    let declared: String =
        CANARIES.iter().map(|(name, _)| format!("  {name}: {{ description: A canary }}\n")).collect();
    // What stands before the first effect is looked at by plans too.
    let (mut reads, mut steps) = (String::new(), String::new());
    for (name, _) in CANARIES {
        let secret = format!("'{{{{ secrets.{name} }}}}'");
        let fed = format!("env: {{ S: {secret} }}, stdin: {secret}, secret_files: {{ F: {secret} }}");
        let say = |exit: u8| format!("argv: [sh, say.sh, forms/{name}, '{exit}'], {fed}");
        write!(
            reads,
            "- {{ id: read_{name}, action: command.read, with: {{ {} }} }}\n\
             - {{ id: json_{name}, action: command.read, with: {{ argv: [cat, forms/{name}.json], json: true }} }}\n\
             - {{ id: file_{name}, action: file.read, with: {{ path: forms/{name} }} }}\n\
             - {{ id: get_{name}, action: http.get, with: {{ target: api, path: /state, headers: {{ X-Canary: {secret} }} }}, on_error: continue }}\n\
             - {{ id: shape_{name}, action: secrets.require, with: {{ target: box, keys: [{name}] }} }}\n",
            say(0)
        )
        .unwrap();
        write!(
            steps,
            "- {{ id: say_{name}, action: command.run, with: {{ {} }} }}\n\
             - {{ id: fail_{name}, action: command.run, with: {{ {} }}, on_error: continue }}\n\
             - {{ id: cut_{name}, action: command.run, with: {{ {}, max_bytes: 25 }} }}\n\
             - {{ id: post_{name}, action: http.request, with: {{ target: api, path: /state, headers: {{ X-Canary: {secret} }} }}, on_error: continue }}\n",
            say(0),
            say(1),
            say(0)
        )
        .unwrap();
        // None of them is a key, so each of these fails with the canary in its hands; what they say of it is searched.
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        write!(
            steps,
            "- {{ id: wall_{name}, action: agijobs.status_wall, with: {{ target: api, repository: o/r, required: {{ ci.yml: [build] }}, headers: {{ X-Canary: {secret} }} }}, on_error: continue }}\n\
             - {{ id: sign_{name}, when: steps.say_{name}.exit == 0, action: keys.sign, with: {{ path: say.sh, to: signed/{name}, key: {secret}, public: {public} }}, undo: {{ none: None was made }}, verify: [{{ id: made, expect: run.dry }}], on_error: continue }}\n\
             - {{ id: waive_{name}, when: steps.say_{name}.exit == 0, action: corvusforge.waiver_sign, with: {{ target: waivers, scope: s575_security, justification: T-1, approving_identity: carol, risk_classification: low, expiration: '2030-01-01T00:00:00Z', key: {secret}, public: {public} }}, undo: {{ none: None was made }}, verify: [{{ id: made, expect: run.dry }}], on_error: continue }}\n",
        )
        .unwrap();
        for store in ["file", "vault", "manager"] {
            writeln!(
                steps,
                "- {{ id: put_{name}_{store}, action: secrets.put, with: {{ target: {store}, key: {name}, value: {secret} }}, on_error: continue }}"
            )
            .unwrap();
        }
    }
    steps.push_str("- { id: prints, action: secrets.fingerprint, with: { target: manager } }\n");
    steps.push_str("- { id: made, action: secrets.generate, with: { target: box, key: fresh, kind: hex32 } }\n");
    format!(
        "targets:\n  api: {{ kind: service }}\n  waivers: {{ kind: artifact_store }}\n{targets}secrets:\n{declared}steps:\n{reads}{steps}verify:\n- {{ id: never, expect: steps.say_plain.stdout == 'nothing' }}\n\
         failure_modes:\n- {{ when: 'error.code != none', title: It went wrong, advice: '{{{{ error.message }}}}' }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_in_anything_that_the_program_wrote() {
    let server = service().await;
    let mut bench = Bench::empty()
        .file("runwarden.yaml", &workspace(&server.uri()))
        .file("say.sh", SAY)
        .file("manager.sh", MANAGER)
        .procedure("canary", &procedure())
        .env("CANARY_TOKEN", "the-vault-token")
        .env("CANARY_unicode", CANARIES[5].1);
    let temporary = tempfile::tempdir().unwrap();
    bench = bench.env("TMPDIR", &temporary.path().display().to_string());
    for (name, value) in CANARIES {
        let all: Vec<u8> = forms(value).into_iter().flat_map(|(_, form)| [form, b" | ".to_vec()].concat()).collect();
        bench = bench.file(&format!("box/{name}"), value).file(
            &format!("forms/{name}.json"),
            &json!({ "a": [value], value: { "b": format!("<{value}>") } }).to_string(),
        );
        fs::write(bench.path(&format!("forms/{name}")), all).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(bench.path(&format!("box/{name}")), private).unwrap();
    }

    let mut said: Vec<(String, Vec<u8>)> = Vec::new();
    let mut run = |line: &str, exit: i32| {
        let output = bench.command(&line.split_whitespace().collect::<Vec<_>>()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(exit), "{line}\n{out}\n{err}");
        said.push((format!("stdout of {line}"), output.stdout.clone()));
        said.push((format!("stderr of {line}"), output.stderr.clone()));
        output.stdout
    };
    run("check", 0);
    run("plan canary --probe-commands -o first.json", 0);
    let ended: Value = serde_json::from_slice(&run("run canary --format json", 1)).unwrap();
    assert_eq!(ended["status"], "failed", "{ended:#}");
    run("plan canary --probe-commands -o second.json", 0);
    fs::remove_file(bench.path("box/fresh")).unwrap();
    run("run canary --format ndjson -v", 1);
    fs::remove_file(bench.path("box/fresh")).unwrap();
    run("run canary", 1);
    let run_id = ended["run"].as_str().unwrap();
    for line in [
        "runs --format json",
        "ledger verify --allow-unanchored --format json",
        "ledger tail",
        "ledger show --format ndjson",
    ] {
        run(line, 0);
    }
    run(&format!("runs show {run_id}"), 0);
    run(&format!("runs show {run_id} --format json"), 0);
    for form in ["html", "markdown", "json"] {
        run(&format!("runs report {run_id} --format {form}"), 0);
    }

    // It was done, and not only refused: children and stores have what they were given.
    let state = |id: &str| {
        let step = ended["steps"].as_array().unwrap().iter().find(|step| step["id"] == id);
        step.map(|step| step["status"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    for (name, value) in CANARIES {
        for step in ["wall", "sign", "waive"] {
            assert_eq!(state(&format!("{step}_{name}")), "failed", "{step}_{name}: {ended:#}");
        }
        for step in ["say", "read", "cut", "json", "file", "shape"] {
            assert_eq!(state(&format!("{step}_{name}")), "succeeded", "{step}_{name}: {ended:#}");
        }
        assert_eq!(state(&format!("fail_{name}")), "failed");
        assert_eq!(state(&format!("put_{name}_manager")), "succeeded");
        assert_eq!(fs::read(bench.path(&format!("managed/{name}"))).unwrap(), value.as_bytes());
    }
    assert!(fs::read_to_string(bench.path("kept.env")).unwrap().contains("canary-3f9a1c7e5b2d"));
    assert_eq!(state("made"), "succeeded");

    let mut searched = said;
    for path in files(&bench.path(".runwarden"))
        .into_iter()
        .chain(["first.json", "second.json", "cmdlines"].map(|name| bench.path(name)))
    {
        searched.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    let scratch = tempfile::tempdir().unwrap();
    let entries =
        Reader::copy(&bench.path(".runwarden/ledger.db"), scratch.path()).unwrap().entries(&Filter::default()).unwrap();
    assert!(entries.len() > 300, "{}", entries.len());
    searched.extend(entries.into_iter().map(|entry| (format!("entry {}", entry.seq), entry.body)));
    let left = files(temporary.path());
    assert!(left.is_empty(), "left behind: {left:?}");

    let shown: Vec<String> = searched
        .iter()
        .flat_map(|(place, bytes)| found(bytes).into_iter().map(move |what| format!("{place}: {what}")))
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert!(searched.iter().any(|(_, bytes)| bytes.windows(3).any(|window| window == b"***")), "nothing was masked");
    // The search would find one.
    assert!(!found(b"xx canary-3f9a1c7e5b2d").is_empty());
}

/// The service says the token back in its refusals, in a header and in the body.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_an_anchor_store_are_in_nothing_that_the_program_wrote() {
    let server = MockServer::start().await;
    let refusal = |request: &Request| {
        let told = request.headers.get("x-amz-security-token").map(|value| value.to_str().unwrap().to_owned());
        let told = told.unwrap_or_default();
        let body = format!("<Error><Code>{told}</Code><Message>{told}</Message></Error>");
        ResponseTemplate::new(400).set_body_string(body).insert_header("x-echo", told.as_str())
    };
    Mock::given(wiremock::matchers::any()).respond_with(refusal).mount(&server).await;
    let file = format!(
        "{}targets:\n  book: {{ kind: ledger, path: .runwarden/ledger.db }}\n  \
         box: {{ kind: secret_store, driver: directory, path: box }}\n  \
         store: {{ kind: anchor_store, driver: s3, bucket: anchors, endpoint: '{}', access_key_id: {{ secret: plain }}, \
         secret_access_key: {{ secret: plain }}, session_token: {{ secret: plain }} }}\n\
         secrets: {{ plain: {{ from: box, key: plain }} }}\npolicy: {{ anchor_after_run: store }}\n",
        bench::WORKSPACE,
        server.uri()
    );
    let bench = Bench::empty()
        .file("runwarden.yaml", &file)
        .file("box/plain", CANARIES[0].1)
        .procedure("note", "steps: [{ id: a, action: data.value, with: { value: 1 } }]\n")
        .procedure(
            "look",
            "targets: { store: { kind: anchor_store }, book: { kind: ledger } }\nsteps:\n\
             - { id: a, action: ledger.verify, with: { target: book, anchors: [store] }, on_error: continue }\n",
        );
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(bench.path("box/plain"), private).unwrap();
    let mut searched: Vec<(String, Vec<u8>)> = Vec::new();
    for line in [
        "check",
        "run note --format json",
        "run look",
        "run look --format ndjson -v",
        "plan look -o look.json",
        "anchor store last",
        "anchor fetch last --from store",
        "ledger verify --anchors store",
        "ledger show --format ndjson",
        "doctor",
    ] {
        let output = bench.command(&line.split_whitespace().collect::<Vec<_>>()).output().unwrap();
        searched.push((format!("stdout of {line}"), output.stdout));
        searched.push((format!("stderr of {line}"), output.stderr));
    }
    let scratch = tempfile::tempdir().unwrap();
    let entries =
        Reader::copy(&bench.path(".runwarden/ledger.db"), scratch.path()).unwrap().entries(&Filter::default()).unwrap();
    let is = |kind: &str| entries.iter().filter(|entry| String::from_utf8_lossy(&entry.body).contains(kind)).count();
    assert!(is("\"secret.read\"") >= 3 && is("\"anchor.failed\"") >= 2, "it was read, and the store was asked");
    assert!(server.received_requests().await.unwrap().iter().any(|request| {
        request.headers.get("x-amz-security-token").is_some_and(|token| token.as_bytes() == CANARIES[0].1.as_bytes())
    }));
    searched.extend(entries.into_iter().map(|entry| (format!("entry {}", entry.seq), entry.body)));
    let kept = files(&bench.path(".runwarden")).into_iter().chain([bench.path("look.json")]);
    searched.extend(kept.map(|path| (path.display().to_string(), fs::read(&path).unwrap())));
    let shown: Vec<String> = searched
        .iter()
        .flat_map(|(place, bytes)| found(bytes).into_iter().map(move |what| format!("{place}: {what}")))
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn a_value_that_is_given_for_a_name_is_not_said_again() {
    let bench = Bench::workspace().procedure(
        "one",
        "secrets: { token: { description: T } }\nsteps: [{ id: a, action: data.value, with: { n: 1 } }]\n",
    );
    let outcome = bench.run_with(&["plan", "one", "--secret", "token=Canary-3f9a1c7e5b2d"]).exits(2);
    assert!(!outcome.stderr.contains("3f9a1c7e5b2d"), "{}", outcome.stderr);
    bench.run("plan one").exits(3);
    bench.run("plan one --secret token=elsewhere").exits(3);
    let outcome = bench.run("plan one --secret tokn=token").exits(2);
    assert!(outcome.stderr.contains("did you mean `token`?"), "{}", outcome.stderr);
}

#[test]
fn a_procedure_with_secrets_is_rehearsed_without_any() {
    let steps = "targets: { box: { kind: secret_store } }\nsecrets: { token: { description: T } }\nsteps:\n\
        - { id: put, action: secrets.put, with: { target: box, key: A, value: '{{ secrets.token }}' } }\n\
        - { id: say, action: command.run, with: { argv: [say], env: { T: '{{ secrets.token }}' } } }\n";
    let case = "runwarden: v1\nkind: test\nname: one.test\ntitle: One\nversion: 1.0.0\nsummary: One.\nowner: ops\nprocedure: one\n\
        cases:\n- id: works\n  results:\n    secrets.put: { fingerprints: { A: 'hmac:k1:aa' } }\n    \
        command.run: { exit: 0, stdout: said }\n  expect: { status: succeeded, steps: { put: { state: succeeded }, say: { state: succeeded } } }\n";
    let bench = Bench::workspace().procedure("one", steps).file("procedures/one.test.yaml", case);
    let outcome = bench.run("test");
    assert_eq!(outcome.exit, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
}
