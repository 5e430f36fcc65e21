//! Planning looks and does nothing else: every action there is, in plan mode, over a machine that notes what is asked of
//! it. An action without a case here fails the test, so that none comes in unwatched.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::sealed::Secrets;
use engine::action::{Action, Facts, Looking, Registry};
use engine::host::machine::{Machine, Settings};
use engine::host::recorded::{Operation, Recorded};
use engine::id::{Digest, Id, RunId};
use engine::procedure::TargetKind;
use engine::procedure::workspace::TargetEntry;
use engine::secret::custody::Custody;
use engine::secret::fingerprint::FingerprintKey;
use engine::target::bind;
use engine::target::corvusforge::CorvusLedger;
use engine::target::secret_store::SecretPlace;
use engine::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{any, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What a plan may ask of the files of the machine; there is no verb among them that changes anything.
const LOOKS: [&str; 9] = ["resolve", "stat", "read", "open", "list", "inside", "holders", "scratch", "program"];

/// The main run of the example's ledger.
const RUN: &str = "cf-20260226-143000-a1b";

/// A machine, a service and targets to plan over.
struct World {
    folder: TempDir,
    scratch: TempDir,
    server: MockServer,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            scratch: tempfile::tempdir().unwrap(),
            server: MockServer::start().await,
        };
        let kept = json!({ "data": { "data": { "TOKEN": "another-value" }, "metadata": { "version": 3 } } });
        let vault = Mock::given(path("/v1/secret/data/ops/prod"));
        vault.respond_with(ResponseTemplate::new(200).set_body_json(kept)).mount(&world.server).await;
        let node = Mock::given(path("/node"));
        node.respond_with(node_answers).mount(&world.server).await;
        let github = json!({
            "sha": "a", "workflow_runs": [{ "id": 1, "head_sha": "a", "status": "completed" }],
            "total_count": 1, "jobs": [{ "name": "build", "conclusion": "success" }],
        });
        let of_github = Mock::given(path_regex("^/repos/o/r/"));
        of_github.respond_with(ResponseTemplate::new(200).set_body_json(github)).mount(&world.server).await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&world.server).await;
        for (name, content) in [
            ("kept/a.txt", "alpha"),
            ("kept/b.json", "[1, 2, 3]"),
            ("old.txt", "old"),
            ("ops.env", "TOKEN=a-secret-value\n"),
            ("policies/a.rego", "package a"),
            ("state/mvcrs_config.json", MVCRS_CONFIG),
            ("state/challenge_summary.json", "{}"),
            ("state/metrics.csv", "timestamp,level\n"),
            ("state/policy.json", "{ \"max_manual_unlocks_per_day\": 2 }"),
            ("bundle.json", "{ \"version\": \"1.0\", \"chainId\": 1, \"transactions\": [] }"),
            ("held.lock", "{ \"paused\": true }"),
            ("plugins/registry.json", REGISTRY),
            ("plugins/.env", "CORVUSFORGE_ENVIRONMENT=production\n"),
            ("signing.env", SIGNING),
            ("backup/ledger.db", "a backup"),
        ] {
            let path = world.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        repository(&world.path("repo"));
        let substrate = rusqlite::Connection::open(world.path("substrate.db")).unwrap();
        let table = "CREATE TABLE epoch (epoch INTEGER, known_epoch INTEGER, contract_version INTEGER)";
        substrate.execute_batch(&format!("{table}; INSERT INTO epoch VALUES (5, 6, 1);")).unwrap();
        drop(substrate);
        let ledger = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corvusforge/project/.corvusforge/ledger.db");
        fs::create_dir_all(world.path("project")).unwrap();
        fs::create_dir_all(world.path("anchors")).unwrap();
        fs::create_dir_all(world.path("artifacts")).unwrap();
        fs::copy(ledger, world.path("project/ledger.db")).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn machine(&self) -> Machine {
        Machine::new(Settings {
            root: self.folder.path().to_owned(),
            scratch_parent: Some(self.scratch.path().to_owned()),
            probe_commands: true,
            ..Settings::default()
        })
    }

    fn facts(&self, machine: &Machine) -> Facts {
        let target = |name: &str, kind: TargetKind, driver: Option<&str>, settings: Value| {
            let driver = driver.map(str::to_owned);
            let settings = settings.as_object().unwrap().clone();
            let entry = TargetEntry { kind, driver, environment: None, settings };
            (Id::parse(name).unwrap(), bind(name, &entry, machine).unwrap())
        };
        let targets = BTreeMap::from([
            target("api", TargetKind::Service, None, json!({ "url": self.server.uri() })),
            target("tool", TargetKind::Command, None, json!({ "argv": ["true"] })),
            target("ledger", TargetKind::Ledger, Some("corvusforge"), json!({ "path": "project/ledger.db" })),
            target("secrets", TargetKind::SecretStore, Some("dotenv"), json!({ "path": "ops.env" })),
            target("keys", TargetKind::SecretStore, Some("directory"), json!({ "path": "keys" })),
            target(
                "vault",
                TargetKind::SecretStore,
                Some("vault"),
                json!({
                    "url": self.server.uri(), "path": "ops/prod", "token_env": "PATH",
                }),
            ),
            target(
                "manager",
                TargetKind::SecretStore,
                Some("command"),
                json!({
                    "get": ["echo", "the-value-of-{key}"], "put": ["touch", "made-{key}"], "delete": ["touch", "made-{key}"],
                }),
            ),
            target("epoch", TargetKind::Epoch, None, json!({ "path": "substrate.db" })),
            target("held", TargetKind::Pause, None, json!({ "path": "held.lock" })),
            target("free", TargetKind::Pause, None, json!({ "path": "free.lock" })),
            target(
                "chain",
                TargetKind::Pause,
                Some("evm"),
                json!({ "url": format!("{}/node", self.server.uri()), "chain_id": 1, "address": ONE, "signer": ONE }),
            ),
            target(
                "program",
                TargetKind::Pause,
                Some("command"),
                json!({ "status": ["echo", "{\"summary\":\"live\"}"], "pause": ["touch", "made"], "resume": ["touch", "made"] }),
            ),
            target("plugins", TargetKind::PluginRegistry, None, json!({ "path": "plugins/registry.json" })),
            target("artifacts", TargetKind::ArtifactStore, None, json!({ "path": "artifacts" })),
            target("anchors", TargetKind::AnchorStore, None, json!({ "path": "anchors", "trust": "low" })),
        ]);
        Facts {
            run: RunId::from_parts(0, &[0; 10]),
            started_at: Timestamp::from_microseconds(0).unwrap(),
            targets,
            time_limit: None,
            idempotency_key: "a-key".to_owned(),
            secrets: self.secrets(machine),
            by: "step".to_owned(),
        }
    }

    /// One secret of the procedure, and a key for fingerprints.
    fn secrets(&self, machine: &Machine) -> Secrets {
        let settings = json!({ "path": "ops.env" }).as_object().unwrap().clone();
        let (kind, driver) = (TargetKind::SecretStore, Some("dotenv".to_owned()));
        let store = bind("ops", &TargetEntry { kind, driver, environment: None, settings }, machine).unwrap();
        let name = Id::parse("token").unwrap();
        let place = SecretPlace { name: name.clone(), store: store.clone(), key: "TOKEN".to_owned() };
        let signing = Id::parse("signing").unwrap();
        let settings = json!({ "path": "signing.env" }).as_object().unwrap().clone();
        let (kind, driver) = (TargetKind::SecretStore, Some("dotenv".to_owned()));
        let store = bind("signing", &TargetEntry { kind, driver, environment: None, settings }, machine).unwrap();
        let key = SecretPlace { name: signing.clone(), store, key: "SIGNING".to_owned() };
        let custody = Arc::new(Custody::new(Some(FingerprintKey::new([1; 32]))));
        Secrets {
            bound: BTreeMap::from([(name, place), (signing, key)]),
            custody,
            kept: Vec::new(),
            by: "step".to_owned(),
        }
    }

    /// Every file with the digest of its bytes, and every folder.
    fn tree(&self) -> BTreeMap<PathBuf, Option<Digest>> {
        fn collect(folder: &Path, tree: &mut BTreeMap<PathBuf, Option<Digest>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, tree);
                    tree.insert(path, None);
                } else {
                    let digest = Digest::of(&fs::read(&path).unwrap());
                    tree.insert(path, Some(digest));
                }
            }
        }
        let mut tree = BTreeMap::new();
        collect(self.folder.path(), &mut tree);
        tree
    }
}

/// An account, a contract, and the truth: all the node of this test knows.
const ONE: &str = "0x0000000000000000000000000000000000000001";

/// A node on which every call returns [`ONE`], so that all modules are paused and everything is owned by it.
fn node_answers(request: &Request) -> ResponseTemplate {
    let question: Value = request.body_json().unwrap_or_default();
    let result = match question["method"].as_str() {
        Some("eth_chainId" | "eth_getTransactionCount") => json!("0x1"),
        Some("eth_getCode") => json!("0x00"),
        Some("eth_call") => json!(format!("0x{:064x}", 1)),
        _ => Value::Null,
    };
    ResponseTemplate::new(200).set_body_json(json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }))
}

/// Whether a request is one that a node takes for a look.
fn is_look_at_chain(request: &Request) -> bool {
    let question: Value = request.body_json().unwrap_or_default();
    let looks = ["eth_chainId", "eth_getCode", "eth_call", "eth_getTransactionCount"];
    request.url.path() == "/node" && question["method"].as_str().is_some_and(|method| looks.contains(&method))
}

const MVCRS_CONFIG: &str = "{ \"deviation_threshold_soft\": 0.05, \"deviation_threshold_material\": 0.15, \
    \"deviation_threshold_critical\": 0.3 }";

/// A git repository with one commit.
fn repository(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    for arguments in [&["init", "--quiet"][..], &["commit", "--quiet", "--allow-empty", "-m", "first"]] {
        let done = std::process::Command::new("git").args(own).args(arguments).current_dir(folder).status();
        assert!(done.unwrap().success());
    }
}
/// A registry with one plugin.
const REGISTRY: &str = r#"{"a": {"author": "x", "enabled": true, "entry_point": "a:A", "installed_at": "", "kind": "sink",
    "name": "a", "plugin_id": "plg-1", "signature": "", "version": "1"}}"#;

/// The key of RFC 8032's first test, and its public half.
const SIGNING: &str = "SIGNING=9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// What `anchor.export` says of the example's main run.
fn anchor() -> Value {
    let ledger = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/corvusforge/project/.corvusforge/ledger.db");
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().join("ledger.db");
    fs::copy(ledger, &copied).unwrap();
    let at = Timestamp::from_microseconds(1_795_000_000_000_000).unwrap();
    let anchor = CorvusLedger::open(&copied, "ledger.db").unwrap().anchor(RUN, at).unwrap();
    serde_json::to_value(anchor).unwrap()
}

/// Inputs with which a plan asks an action: for effects one that would change something and one that would not.
fn inputs(action: &str) -> Vec<Value> {
    match action {
        "agijobs.pause_state" => vec![json!({ "target": "chain" })],
        "agijobs.reports" => {
            vec![json!({ "report": "doctor", "text": "{\"checks\": []}", "network": "mainnet" })]
        }
        "agijobs.safe_bundle_check" => {
            vec![json!({ "path": "bundle.json", "chain_id": 1, "contracts": [ONE] })]
        }
        "agijobs.status_wall" => {
            vec![json!({ "target": "api", "repository": "o/r", "required": { "ci.yml": ["build"] } })]
        }
        "command.read" => vec![json!({ "argv": ["echo", "hello"] }), json!({ "target": "tool" })],
        "command.run" => vec![
            json!({ "argv": ["touch", "made"] }),
            json!({ "argv": ["touch", "made"], "preview": ["echo", "would touch"] }),
            json!({ "target": "tool", "args": ["--now"] }),
        ],
        "corvusforge.artifacts_verify" => vec![json!({ "target": "artifacts", "ledger": "ledger" })],
        "corvusforge.plugin_disable" => vec![json!({ "target": "plugins", "name": "a" })],
        "corvusforge.plugin_remove" => vec![json!({ "target": "plugins", "name": "a", "version": "1" })],
        "corvusforge.plugin_verify" => vec![json!({ "target": "plugins", "public_key": PUBLIC })],
        "corvusforge.plugins" | "corvusforge.production_guard" => vec![json!({ "target": "plugins" })],
        "corvusforge.stages" => vec![json!({ "target": "ledger", "run": RUN })],
        "corvusforge.waivers" => vec![json!({ "target": "artifacts" })],
        "corvusforge.waiver_verify" => vec![json!({ "target": "artifacts", "public_key": PUBLIC })],
        "corvusforge.waiver_sign" => vec![json!({
            "target": "artifacts", "scope": "s575_security", "justification": "SEC-7", "approving_identity": "carol",
            "risk_classification": "low", "expiration": "2030-01-01T00:00:00Z", "key": { "$secret": "signing" },
            "public": PUBLIC,
        })],
        "keys.generate" => vec![json!({ "target": "keys", "key": "NEW" })],
        "keys.sign" => vec![
            json!({ "target": "plugins", "name": "a", "key": { "$secret": "signing" }, "public": PUBLIC }),
            json!({ "path": "kept/a.txt", "to": "made.sig", "key": { "$secret": "signing" }, "public": PUBLIC }),
        ],
        "keys.verify" => vec![json!({ "private": { "target": "secrets", "key": "TOKEN" }, "public": PUBLIC })],
        "keys.trust" => vec![json!({ "target": "plugins", "role": "plugin", "public": PUBLIC })],
        "keys.revoke" => vec![json!({ "target": "plugins", "public": PUBLIC, "reason": "a test" })],
        "ledger.append" => vec![json!({
            "target": "ledger", "run": "system", "stage": "test", "transition": "a->b", "payload": { "a": 1 },
            "artifacts": "artifacts",
        })],
        "ledger.restore" => vec![json!({
            "target": "ledger", "from": "backup/ledger.db", "kept": ["project/ledger.db"],
        })],
        "data.count" => vec![json!({ "items": [1, 2] }), json!({ "path": "kept/b.json" })],
        "data.read" => vec![json!({ "path": "kept/b.json" })],
        "data.value" => vec![json!({ "anything": { "at": "all" } })],
        "epoch.bump" | "epoch.read" => vec![json!({ "target": "epoch" })],
        "git.status" => vec![json!({ "repository": "repo", "names": ["main"] })],
        "git.branch" => ["main", "fix/new"].map(|name| json!({ "repository": "repo", "name": name })).to_vec(),
        "git.tag" => vec![json!({ "repository": "repo", "name": "new", "message": "A new one" })],
        "mvcrs.classify" | "mvcrs.lifecycle" => vec![json!({ "directory": "state" })],
        "mvcrs.summary" => vec![json!({ "directory": "state", "telemetry": "state/metrics.csv" })],
        "mvcrs.marker" => vec![
            json!({ "name": "MVCRS_TEST", "word": "SET", "path": "state/new.md" }),
            json!({ "name": "MVCRS_TEST", "directory": "state" }),
        ],
        "mvcrs.trust_lock" => vec![
            json!({ "directory": "state", "locked": true, "reason": "manual", "note": "a test" }),
            json!({ "directory": "state", "locked": false, "reason": "none", "note": "a test", "policy": "state/policy.json" }),
        ],
        "pause.status" => ["held", "free", "program", "chain"].map(|target| json!({ "target": target })).to_vec(),
        "pause.pause" | "pause.resume" => {
            ["held", "free", "program", "chain"].map(|target| json!({ "target": target, "reason": "a test" })).to_vec()
        }
        "file.copy" => vec![
            json!({ "from": "kept/a.txt", "to": "made/copy.txt", "parents": true }),
            json!({ "from": "kept/a.txt", "to": "old.txt", "replace": true }),
            json!({ "from": "kept/a.txt", "to": "kept/a.txt", "replace": true }),
        ],
        "file.hash" => vec![json!({ "path": "kept/a.txt" })],
        "file.read" => vec![json!({ "path": "kept/a.txt" })],
        "file.remove" => {
            vec![json!({ "path": "old.txt" }), json!({ "path": "not/there", "missing_ok": true })]
        }
        "file.stat" => vec![json!({ "path": "kept/a.txt" }), json!({ "path": "not/there" })],
        "file.tree" => vec![json!({ "path": "kept", "hash": true })],
        "file.write" => vec![
            json!({ "path": "made/new.txt", "content": "new", "parents": true }),
            json!({ "path": "old.txt", "content": "new", "replace": true }),
            json!({ "path": "old.txt", "content": "old" }),
        ],
        "forge.environment" => vec![json!({ "spawn_service": "secrets" })],
        "forge.policy_hash" => vec![json!({ "directory": "policies" })],
        "forge.verdict_verify" => {
            let key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
            vec![json!({ "directory": "kept", "scenario": "scn-0001", "public_key": key })]
        }
        "http.get" | "http.ready" => vec![json!({ "target": "api", "path": "/state" })],
        "http.request" => ["POST", "PUT", "PATCH", "DELETE"]
            .map(|method| json!({ "target": "api", "method": method, "path": "/state", "json": { "a": 1 } }))
            .to_vec(),
        "ledger.entries" | "ledger.holders" | "ledger.list_runs" | "ledger.verify" => {
            vec![json!({ "target": "ledger" })]
        }
        "ledger.snapshot" => vec![json!({ "target": "ledger", "to": "evidence" })],
        "anchor.export" => vec![json!({ "target": "ledger", "run": RUN })],
        "anchor.store" => vec![json!({ "target": "anchors", "ledger": "ledger", "run": RUN, "anchor": anchor() })],
        "anchor.fetch" => vec![json!({ "target": "anchors", "run": RUN })],
        "anchor.independence" => vec![json!({ "target": "anchors", "ledger": "ledger" })],
        "anchor.verify" => vec![json!({ "target": "anchors", "ledger": "ledger", "runs": "all" })],
        "secrets.compare" => vec![
            json!({ "keys": ["TOKEN"], "targets": ["secrets", "keys"] }),
            json!({ "places": [{ "target": "manager", "key": "A" }, { "target": "secrets", "key": "TOKEN" }] }),
        ],
        "secrets.expiry" => vec![json!({ "target": "secrets", "key": "TOKEN", "alert_days": [7] })],
        "secrets.fingerprint" => vec![json!({ "target": "secrets" }), json!({ "target": "manager", "keys": ["A"] })],
        "secrets.generate" => ["secrets", "keys", "vault"]
            .map(|target| json!({ "target": target, "key": "NEW", "kind": "ed25519" }))
            .to_vec(),
        "secrets.put" => ["secrets", "keys", "vault", "manager"]
            .map(|target| json!({ "target": target, "key": "TOKEN", "value": { "$secret": "token" } }))
            .to_vec(),
        "secrets.require" => vec![json!({ "target": "secrets", "keys": ["TOKEN", "OTHER"], "pattern": ".*" })],
        "secrets.revoke" => {
            ["secrets", "keys", "vault", "manager"].map(|target| json!({ "target": target, "key": "TOKEN" })).to_vec()
        }
        "secrets.set_expiry" => {
            vec![json!({ "target": "secrets", "key": "TOKEN", "expires_at": "2027-01-01T00:00:00Z" })]
        }
        "process.holders" => vec![json!({ "paths": ["kept/a.txt"] })],
        _ => Vec::new(),
    }
}

/// What an action may ask besides looking at files: a service where that is its work, a program declared to be read-only.
fn declared(action: &Action) -> &'static [&'static str] {
    match action.name {
        "http.get" | "http.ready" => &["get"],
        "command.read" | "command.run" => &["ask"],
        // A lever may be a program, an epoch a database, and git is one.
        "epoch.read" | "epoch.bump" => &["query"],
        "agijobs.status_wall" => &["get"],
        "agijobs.pause_state" => &["rpc"],
        name if name.starts_with("git.") || name.starts_with("pause.") => &["ask", "rpc"],
        // A store may be a server, a program or the environment.
        name if name.starts_with("secrets.") || name == "forge.environment" => &["get", "ask", "variable"],
        _ => &[],
    }
}

/// Asks all that a plan and a resumed run ask of an action. Every answer must come: a case that fails shows nothing.
async fn plan(action: &Action, with: &Value, looking: &Looking<'_>) -> Result<(), engine::action::Error> {
    if action.is_read() {
        action.subject(with, looking).await?;
        return action.read(with, looking).await.map(drop);
    }
    action.preview(with, looking).await?;
    action.reconcile(with, looking).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_action_does_more_than_look_when_it_is_planned() {
    let world = World::new().await;
    let machine = world.machine();
    let facts = world.facts(&machine);
    let before = world.tree();
    let mut wrong = Vec::new();
    for action in Registry::builtin().iter() {
        let inputs = inputs(action.name);
        if inputs.is_empty() {
            wrong.push(format!("{}: has no case in this test", action.name));
        }
        for with in inputs {
            let notes = Recorded::new(&machine);
            let asked = plan(action, &with, &Looking { facts: &facts, probe: &notes }).await;
            if let Err(error) = asked {
                wrong.push(format!("{} {with}: {} {error}", action.name, error.code));
            }
            let allowed =
                |operation: &&Operation| LOOKS.contains(&operation.verb) || declared(action).contains(&operation.verb);
            let more = notes.operations();
            let more: Vec<_> = more.iter().filter(|operation| !allowed(operation)).collect();
            if !more.is_empty() {
                wrong.push(format!("{} {with}: did {more:?}", action.name));
            }
            if world.tree() != before {
                wrong.push(format!("{} {with}: changed the tree", action.name));
            }
        }
    }
    let told = world.server.received_requests().await.unwrap();
    wrong.extend(
        told.iter()
            .filter(|told| told.method != "GET" && told.method != "HEAD" && !is_look_at_chain(told))
            .map(|told| format!("the service was told {} {}", told.method, told.url)),
    );
    let left: Vec<_> = fs::read_dir(world.scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    wrong.extend(left.iter().map(|path| format!("{} was left in scratch", path.display())));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authors_program_is_not_run_by_a_plan_that_was_not_told_to() {
    let world = World::new().await;
    let machine = world.machine().probing_commands(false);
    let facts = world.facts(&machine);
    let registry = Registry::builtin();
    for (name, with) in [
        ("command.read", json!({ "argv": ["touch", "made"] })),
        ("command.run", json!({ "argv": ["true"], "preview": ["touch", "made"] })),
    ] {
        let notes = Recorded::new(&machine);
        let asked = plan(registry.get(name).unwrap(), &with, &Looking { facts: &facts, probe: &notes }).await;
        assert_eq!(asked.unwrap_err().code, engine::action::NOT_PROBED, "{name}");
        assert!(!notes.operations().iter().any(|operation| operation.verb == "ask"), "{name}");
    }
    assert!(!world.path("made").exists());
}

#[tokio::test]
async fn an_effect_cannot_be_asked_to_read() {
    let world = World::new().await;
    let machine = world.machine();
    let facts = world.facts(&machine);
    for action in Registry::builtin().iter().filter(|action| !action.is_read()) {
        let looking = Looking { facts: &facts, probe: &machine };
        let error = action.read(&inputs(action.name)[0], &looking).await.unwrap_err();
        assert_eq!(error.code, "not_a_read", "{}", action.name);
    }
}
