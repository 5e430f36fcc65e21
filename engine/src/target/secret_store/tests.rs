//! Each store on what it really keeps its values in: files, small programs, and a double of Vault.
//!
//! The double follows the documented HTTP API of KV v2; no real server was asked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{Error, SecretStore, open};
use crate::host::machine::{Machine, Settings};
use crate::procedure::TargetKind;
use crate::procedure::workspace::TargetEntry;
use crate::secret::Secret;

const AWKWARD: [&str; 7] = [
    "plain-value",
    "it's #1 of them",
    "say \"hi\" # not",
    "two\nlines\n",
    "  blanks  ",
    "ünïcode ☃",
    r#"{"user": "ops", "pw": "x#y"}"#,
];

struct Place {
    folder: TempDir,
    machine: Machine,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::new(Settings { root: folder.path().to_owned(), ..Settings::default() });
        Self { folder, machine }
    }

    fn store(&self, driver: &str, settings: Value) -> Box<dyn SecretStore> {
        open(&self.target(driver, settings).unwrap()).unwrap()
    }

    fn target(&self, driver: &str, settings: Value) -> Result<crate::target::Target, crate::target::Error> {
        let entry = TargetEntry {
            kind: TargetKind::SecretStore,
            driver: Some(driver.to_owned()),
            environment: None,
            settings: settings.as_object().unwrap().clone(),
        };
        crate::target::bind("vaulted", &entry, &self.machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    async fn get(&self, store: &dyn SecretStore, key: &str) -> Option<String> {
        let found = store.get(&self.machine, key).await.unwrap();
        found.map(|found| found.value.expose_text().unwrap().to_owned())
    }

    async fn put(&self, store: &dyn SecretStore, values: &[(&str, &str)]) -> Result<Option<u64>, Error> {
        let values: BTreeMap<String, Secret> =
            values.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(value.as_bytes().to_vec()))).collect();
        store.put(&self.machine, &values).await
    }

    /// Puts, reads back, lists and removes every awkward value.
    async fn round_trips(&self, store: &dyn SecretStore) {
        for value in AWKWARD {
            self.put(store, &[("KEY_A", value), ("KEY_B", "another-one")]).await.unwrap();
            assert_eq!(self.get(store, "KEY_A").await.as_deref(), Some(value));
            assert_eq!(store.names(&self.machine).await.unwrap(), ["KEY_A", "KEY_B"]);
            store.delete(&self.machine, "KEY_A").await.unwrap();
            assert_eq!(self.get(store, "KEY_A").await, None, "{value}");
            assert_eq!(self.get(store, "KEY_B").await.as_deref(), Some("another-one"));
        }
    }
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Target(_) => "target",
        Error::Host(_) => "host",
        Error::Refused { code, .. } => code,
    }
}

#[tokio::test]
async fn a_dotenv_file_keeps_values_and_its_other_bytes() {
    let place = Place::new();
    let store = place.store("dotenv", json!({ "path": "ops.env" }));
    assert_eq!(place.get(&*store, "KEY_A").await, None);
    assert_eq!(store.names(&place.machine).await.unwrap(), Vec::<String>::new());
    place.round_trips(&*store).await;
    assert_eq!(place.mode("ops.env"), 0o600);

    let path = place.file("ops.env", "# kept\nexport A = 'old' # why\n\nB=2\n", 0o644);
    assert_eq!(store.is_open_to_others(&place.machine, "A").unwrap(), Some(true));
    place.put(&*store, &[("A", "new#value")]).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# kept\nexport A = 'new#value' # why\n\nB=2\n");
    assert_eq!(place.mode("ops.env"), 0o600);
}

#[tokio::test]
async fn what_a_dotenv_file_cannot_say_for_all_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let path = place.file("ops.env", "A=1\nT=tok#en\n", 0o600);
    let store = place.store("dotenv", json!({ "path": "ops.env" }));
    let error = place.put(&*store, &[("A", "good"), ("B", "both ' and \"")]).await.unwrap_err();
    assert_eq!(code(&error), "unwritable");
    assert!(!error.to_string().contains("both '"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=1\nT=tok#en\n");
    let error = store.get(&place.machine, "T").await.unwrap_err();
    assert_eq!(code(&error), "ambiguous");
    assert!(!error.to_string().contains("tok#en"), "{error}");
    let escaping = place.store("dotenv", json!({ "path": "ops.env", "escapes": true }));
    place.put(&*escaping, &[("B", "both ' and \"")]).await.unwrap();
    assert_eq!(place.get(&*escaping, "B").await.as_deref(), Some("both ' and \""));
    for key in ["", "1A", "A B", "A=B", "-A", "A\nB"] {
        assert_eq!(code(&store.get(&place.machine, key).await.unwrap_err()), "bad_key", "{key:?}");
    }
}

#[tokio::test]
async fn a_directory_has_a_private_file_for_each_key() {
    let place = Place::new();
    let store = place.store("directory", json!({ "path": "keys" }));
    assert_eq!(store.names(&place.machine).await.unwrap(), Vec::<String>::new());
    place.round_trips(&*store).await;
    assert_eq!(place.mode("keys/KEY_B"), 0o600);
    assert_eq!(place.mode("keys"), 0o700);
    place.file("keys/OPEN", "everybody-knows", 0o640);
    assert_eq!(code(&store.get(&place.machine, "OPEN").await.unwrap_err()), "open_to_others");
    for key in ["../KEY_B", "a/b", ".hidden", ".."] {
        assert_eq!(code(&store.get(&place.machine, key).await.unwrap_err()), "bad_key", "{key}");
    }
}

#[tokio::test]
async fn the_environment_is_only_read() {
    let place = Place::new();
    let store = place.store("env", json!({}));
    let path = std::env::var("PATH").unwrap();
    assert_eq!(place.get(&*store, "PATH").await, Some(path.clone()));
    assert_eq!(place.get(&*store, "RUNWARDEN_NOT_SET").await, None);
    assert_eq!(place.get(&*place.store("env", json!({ "prefix": "PA" })), "TH").await, Some(path));
    assert_eq!(code(&place.put(&*store, &[("A", "12345678")]).await.unwrap_err()), "read_only");
    assert_eq!(code(&store.delete(&place.machine, "A").await.unwrap_err()), "read_only");
    assert_eq!(code(&store.names(&place.machine).await.unwrap_err()), "not_listable");
}

/// A secret manager in a few lines of shell: a folder of files, and a note of every argv it was called with.
const MANAGER: &str = r#"#!/bin/sh
echo "$@" >> argv.log
case "$1" in
  get) cat "kept/$2" && echo ;;
  put) mkdir -p kept && cat > "kept/$2" ;;
  delete) rm "kept/$2" ;;
  list) mkdir -p kept && ls kept ;;
  json) printf '[{"Name":"B"},{"Name":"A"}]' ;;
  import) cat > imported ;;
  fail) echo "the value is s3cr3t-value" >&2; exit 3 ;;
esac
"#;

fn manager() -> Value {
    json!({
        "get": ["./manager", "get", "{key}"], "put": ["./manager", "put", "{key}"],
        "delete": ["./manager", "delete", "{key}"], "list": ["./manager", "list"],
    })
}

#[tokio::test]
async fn a_program_gets_values_by_stdin_and_never_by_argv() {
    let place = Place::new();
    place.file("manager", MANAGER, 0o755);
    let store = place.store("command", manager());
    assert_eq!(place.get(&*store, "KEY_A").await, None);
    place.round_trips(&*store).await;
    let log = std::fs::read_to_string(place.path("argv.log")).unwrap();
    assert!(log.contains("put KEY_A"), "{log}");
    for value in AWKWARD {
        assert!(!log.contains(value.trim()), "{value} is in {log}");
    }
}

#[tokio::test]
async fn a_program_that_fails_is_not_quoted() {
    let place = Place::new();
    place.file("manager", MANAGER, 0o755);
    let store = place.store("command", json!({ "get": ["./manager", "fail", "{key}"] }));
    let error = store.get(&place.machine, "A").await.unwrap_err();
    assert_eq!(code(&error), "store_failed");
    assert_eq!(error.to_string(), "store `vaulted`: `get` exited with 3");
    let store = place.store("command", json!({ "get": ["./manager", "fail", "{key}"], "missing_exits": [3] }));
    assert_eq!(place.get(&*store, "A").await, None);
    assert_eq!(code(&place.put(&*store, &[("A", "12345678")]).await.unwrap_err()), "unsupported");
}

#[tokio::test]
async fn a_program_can_take_assignments_and_give_names_as_json() {
    let place = Place::new();
    place.file("manager", MANAGER, 0o755);
    let settings = json!({
        "put": ["./manager", "import"], "list": ["./manager", "json"], "stdin": "triple_quoted",
    });
    let store = place.store("command", settings);
    assert!(!store.is_readable());
    assert_eq!(store.names(&place.machine).await.unwrap(), ["A", "B"]);
    place.put(&*store, &[("DSN", "a#b\nc")]).await.unwrap();
    assert_eq!(std::fs::read_to_string(place.path("imported")).unwrap(), "DSN=\"\"\"a#b\nc\"\"\"\n");
    let error = place.put(&*store, &[("DSN", "ends with \"")]).await.unwrap_err();
    assert_eq!(code(&error), "unwritable");
    let error = store.get(&place.machine, "DSN").await.unwrap_err();
    assert_eq!(code(&error), "unsupported");
}

#[test]
fn templates_that_name_no_key_or_no_program_are_refused() {
    let place = Place::new();
    for settings in [
        json!({}),
        json!({ "get": ["doppler", "get"] }),
        json!({ "get": ["{key}"] }),
        json!({ "get": [] }),
        json!({ "list": ["doppler", "{key}"] }),
        json!({ "get": ["a", "{key}"], "value": "x" }),
    ] {
        assert!(place.target("command", settings.clone()).is_err(), "{settings}");
    }
    for settings in [
        json!({ "url": "ftp://x", "path": "a" }),
        json!({ "url": "http://x", "path": "../a" }),
        json!({ "url": "http://x", "path": "a?b" }),
        json!({ "url": "http://x" }),
    ] {
        assert!(place.target("vault", settings.clone()).is_err(), "{settings}");
    }
}

/// A double of one KV v2 secret: versions count up, and a write with an old version is refused.
struct Kv {
    server: MockServer,
    state: Arc<Mutex<(Value, u64)>>,
}

const DATA: &str = "/v1/secret/data/kora/prd";

impl Kv {
    async fn start() -> Self {
        let state = Arc::new(Mutex::new((Value::Null, 0)));
        let server = MockServer::start().await;
        let (for_get, for_post) = (Arc::clone(&state), Arc::clone(&state));
        Mock::given(method("GET"))
            .and(path(DATA))
            .and(header("x-vault-token", "the-vault-token"))
            .respond_with(move |_: &Request| {
                let (data, version) = for_get.lock().unwrap().clone();
                let body = json!({ "data": { "data": data, "metadata": { "version": version } } });
                match (version, data.is_null()) {
                    (0, _) => ResponseTemplate::new(404).set_body_json(json!({ "errors": [] })),
                    (_, true) => ResponseTemplate::new(404).set_body_json(body),
                    (_, false) => ResponseTemplate::new(200).set_body_json(body),
                }
            })
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path(DATA))
            .and(header("x-vault-token", "the-vault-token"))
            .respond_with(move |request: &Request| {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let mut state = for_post.lock().unwrap();
                if body["options"]["cas"] != state.1 {
                    let why = "check-and-set parameter did not match the current version";
                    return ResponseTemplate::new(400).set_body_json(json!({ "errors": [why] }));
                }
                *state = (body["data"].clone(), state.1 + 1);
                ResponseTemplate::new(200).set_body_json(json!({ "data": { "version": state.1 } }))
            })
            .mount(&server)
            .await;
        Mock::given(header("x-vault-token", "another-token"))
            .respond_with(ResponseTemplate::new(403))
            .mount(&server)
            .await;
        Self { server, state }
    }

    fn settings(&self) -> Value {
        json!({
            "url": self.server.uri(), "path": "kora/prd", "token_env": "RUNWARDEN_NO_SUCH_TOKEN", "token_file": "token",
        })
    }
}

#[tokio::test]
async fn a_double_of_vault_keeps_fields_and_counts_versions() {
    let (place, kv) = (Place::new(), Kv::start().await);
    place.file("token", "the-vault-token\n", 0o600);
    let store = place.store("vault", kv.settings());
    assert_eq!(place.get(&*store, "KEY_A").await, None);
    assert_eq!(place.put(&*store, &[("KEY_A", "first-value")]).await.unwrap(), Some(1));
    assert_eq!(place.put(&*store, &[("KEY_A", "second-value")]).await.unwrap(), Some(2));
    let found = store.get(&place.machine, "KEY_A").await.unwrap().unwrap();
    assert_eq!(found.version, Some(2));
    place.round_trips(&*store).await;
    *kv.state.lock().unwrap() = (Value::Null, 9);
    assert_eq!(place.put(&*store, &[("KEY_A", "after-deletion")]).await.unwrap(), Some(10));
}

#[tokio::test]
async fn what_somebody_else_wrote_meanwhile_is_not_lost() {
    let place = Place::new();
    place.file("token", "the-vault-token", 0o600);
    let kv = Kv::start().await;
    *kv.state.lock().unwrap() = (json!({ "A": "first-value" }), 4);
    let store = place.store("vault", kv.settings());
    // Between our read and our write the version moves on: the double answers the read with an older one.
    let server = MockServer::start().await;
    let body = json!({ "data": { "data": { "A": "first-value" }, "metadata": { "version": 3 } } });
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    let why = json!({ "errors": ["check-and-set parameter did not match the current version"] });
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(400).set_body_json(why)).mount(&server).await;
    let mut settings = kv.settings();
    settings["url"] = json!(server.uri());
    let late = place.store("vault", settings);
    let error = place.put(&*late, &[("B", "new-value")]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { code: "changed", transient: true, uncertain: false, .. }), "{error}");
    assert_eq!(place.get(&*store, "A").await.as_deref(), Some("first-value"));
}

#[tokio::test]
async fn a_vault_that_says_no_is_not_an_empty_one() {
    let (place, kv) = (Place::new(), Kv::start().await);
    let store = place.store("vault", kv.settings());
    assert_eq!(code(&store.get(&place.machine, "A").await.unwrap_err()), "host");
    place.file("token", "another-token", 0o600);
    let error = store.get(&place.machine, "A").await.unwrap_err();
    assert_eq!(code(&error), "denied");
    assert!(!error.to_string().contains("another-token"));
    place.file("token", " \n", 0o600);
    assert_eq!(code(&store.get(&place.machine, "A").await.unwrap_err()), "no_token");
}
