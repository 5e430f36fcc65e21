//! Forge: three services of the documented shapes on loopback, a queue, and programs that restart and run a scenario.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::id::Digest;
use engine::sign::ledger_key::LedgerKey;
use serde_json::{Value, json};

use super::answers::Answers;
use super::bench::{Bench, Outcome};

pub const OLD: [(&str, &str); 4] = [
    ("SAT_HMAC_SECRET", "old-sat-0123456789-0123456789-0123456789"),
    ("ET_HMAC_SECRET", "old-et-0123456789-0123456789-0123456789"),
    ("RECEIPT_HMAC_SECRET", "old-receipt-0123456789-0123456789-01234"),
    ("OPERATOR_TOKEN", "old-operator-0123456789-0123456789-0123"),
];

/// A restart: the process reads its environment again, and is ready if it likes what is in it.
const ROLL: &str = "#!/bin/sh\n[ ! -e refuses-$1 ] || exit 0\ncp env/$1.env running-$1\necho $1 >> restarts\n";

/// A scenario: it works where all running services have the same secret, and is scored with the key of the scoreboard.
const E2E: &str = "#!/bin/sh\ngrep -h ^SAT_HMAC_SECRET= running-* | sort -u | wc -l | grep -q '^1$' || exit 1\n\
    mkdir -p storage/scenarios/scn-0009\nmv scored storage/scenarios/scn-0009/results\n\
    echo '{\"scenario_id\":\"scn-0009\"}'\n";

pub struct Site {
    pub bench: Bench,
    pub services: Answers,
}

pub fn ready(service: &str) -> Value {
    json!({ "status": "ready", "service": service })
}

pub fn queue(waiting: u64) -> Value {
    let consumer = |name: &str, waiting: u64| json!({ "name": name, "num_pending": waiting, "num_ack_pending": 0 });
    let consumers = json!([consumer("orchestrator", waiting), consumer("scoreboard", 2)]);
    json!({ "account_details": [{ "stream_detail": [{ "name": "FORGE", "consumer_detail": consumers }] }] })
}

/// A scenario's results, as the scoreboard with this key leaves them.
pub fn results(folder: &Path, scenario: &str, key: &LedgerKey) {
    fs::create_dir_all(folder).unwrap();
    let score = format!(r#"{{"passed":1,"scenario_id":"{scenario}","score":1.0}}"#);
    let hash = |bytes: &[u8]| Digest::of(bytes).hex().to_owned();
    let (score_hash, evidence_hash) = (hash(score.as_bytes()), hash(b"bundle"));
    let signature = key.sign(format!("{score_hash}:{evidence_hash}").as_bytes());
    let verdict = json!({ "scenario_id": scenario, "score_hash": score_hash, "evidence_hash": evidence_hash,
        "computed_at": "2026-11-20T09:42:42.729007+00:00", "signature": STANDARD.encode(signature) });
    fs::write(folder.join("score.json"), score).unwrap();
    fs::write(folder.join("evidence.tar.gz"), "bundle").unwrap();
    fs::write(folder.join("verdict.sig"), verdict.to_string()).unwrap();
    fs::write(folder.join("verdict.pub"), STANDARD.encode(key.public())).unwrap();
}

impl Site {
    pub fn new() -> Self {
        let services = Answers::start();
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/forge/runwarden.yaml");
        let mut text = fs::read_to_string(workspace).unwrap();
        for (port, name) in
            [("8081", "spawn"), ("8082", "orchestrator"), ("8080", "scoreboard"), ("8181", "opa"), ("8222", "nats")]
        {
            text = text.replace(&format!("http://127.0.0.1:{port}"), &format!("{}/{name}", services.url));
        }
        for service in ["spawn_service", "orchestrator", "scoreboard"] {
            let compose = format!("[docker, compose, up, -d, --force-recreate, forge_{service}]");
            text = text.replace(&compose, &format!("[./roll, {service}]"));
        }
        let bench = Bench::empty().file("runwarden.yaml", &text);
        for folder in ["env", "keys", "storage/scenarios"] {
            fs::create_dir_all(bench.path(folder)).unwrap();
        }
        let site = Self { bench, services };
        site.program("roll", ROLL);
        site.program("e2e", E2E);
        for service in ["spawn_service", "orchestrator", "scoreboard"] {
            site.environment(service, &OLD, "");
            fs::copy(site.bench.path(&format!("env/{service}.env")), site.bench.path(&format!("running-{service}")))
                .unwrap();
        }
        let new: Vec<(&str, String)> = OLD.iter().map(|(name, value)| (*name, value.replace("old", "new"))).collect();
        let lines: String = new.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        site.private("env/staged.env", &lines);
        site.private("keys/signing.pem", "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n");
        fs::write(site.bench.path("scoreboard.pub"), STANDARD.encode(key(7).public())).unwrap();
        results(&site.bench.path("scored"), "scn-0009", &key(7));
        for (name, service) in [
            ("spawn", "forge_spawn_service"),
            ("orchestrator", "forge_orchestrator"),
            ("scoreboard", "forge_scoreboard"),
        ] {
            site.services.says("GET", &format!("/{name}/readyz"), 200, &ready(service));
        }
        site.services.says("GET", "/nats/jsz", 200, &queue(0));
        site.services.says("GET", "/opa/health", 200, &json!({}));
        site
    }

    pub fn program(&self, name: &str, text: &str) {
        let path = self.bench.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn private(&self, name: &str, text: &str) {
        let path = self.bench.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn environment(&self, service: &str, secrets: &[(&str, &str)], more: &str) {
        let secrets: String = secrets.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let text = format!(
            "FORGE_ENV=production\n{secrets}ORCHESTRATOR_INTERNAL_TOKEN=orchestrator-internal\n\
             SCOREBOARD_INTERNAL_TOKEN=scoreboard-internal\nSIGNING_KEY_PATH=/keys/signing.pem\n{more}"
        );
        self.private(&format!("env/{service}.env"), &text);
    }

    fn rotate(&self, more: &[&str]) -> Outcome {
        let fixed = ["run", "forge.rotate_secrets", "-q", "--as", "ops", "--confirm", "forge.rotate_secrets"];
        let parameters = ["-p", "reason=yearly rotation", "-p", "template=smoke", "-p", "trusted_key=scoreboard.pub"];
        self.bench.run_with(&[&fixed[..], &parameters, more].concat())
    }

    /// How many different values of a secret the running services have.
    fn in_use(&self, value: &str) -> usize {
        let running = ["spawn_service", "orchestrator", "scoreboard"].map(|name| format!("running-{name}"));
        running.iter().filter(|name| self.bench.read(name).contains(value)).count()
    }
}

pub fn key(seed: u8) -> LedgerKey {
    LedgerKey::from_seed(&[seed; 32])
}

#[test]
fn environments_are_checked_by_stricter_rules_than_they_start_by() {
    let site = Site::new();
    let check = |site: &Site| site.bench.run("run forge.check_environment -q -p environment=production");
    check(&site).exits(0);
    site.environment("scoreboard", &OLD, "ALLOW_FREE_DEFAULT=On\n");
    assert!(check(&site).exits(1).stdout.contains("An unsafe flag is on"));
    site.environment("scoreboard", &OLD[..3], "OPERATOR_TOKEN=\" \"\n");
    assert!(check(&site).exits(1).stdout.contains("A service will not start"));
    site.environment("scoreboard", &OLD, "");
    site.environment("orchestrator", &[OLD[0], OLD[1], OLD[2], ("OPERATOR_TOKEN", "another-operator-token")], "");
    let halfway = check(&site).exits(1);
    assert!(halfway.stdout.contains("refuse each other"), "{}", halfway.stdout);
    assert!(!halfway.stdout.contains("another-operator-token") && !halfway.stdout.contains(OLD[0].1));
}

#[test]
fn a_verdict_holds_by_the_pinned_key_alone() {
    let site = Site::new();
    let folder = site.bench.path("storage/scenarios/scn-0001/results");
    results(&folder, "scn-0001", &key(7));
    let line = json!({ "ts": "2026-11-20T09:42:42Z", "scenario_id": "scn-0001", "event_type": "scored", "actor": "x",
        "correlation_id": "c", "details": {}, "prev_hash": "0".repeat(64) });
    let hash = Digest::of(sorted(&line).as_bytes()).hex().to_owned();
    let mut whole = line;
    whole["entry_hash"] = json!(hash);
    fs::write(folder.join("audit.jsonl"), format!("{whole}\n")).unwrap();
    let run = "run forge.verify_verdict -q -p scenario=scn-0001 -p trusted_key=scoreboard.pub";
    site.bench.run(run).exits(0);
    let beside = "run forge.verify_verdict -q -p scenario=scn-0001 \
        -p trusted_key=storage/scenarios/scn-0001/results/verdict.pub";
    site.bench.run(beside).exits(4);
    // Another key signed all of it anew, and lies beside it: Forge's own check passes.
    results(&folder, "scn-0001", &key(8));
    assert!(site.bench.run(run).exits(1).stdout.contains("The verdict does not hold"));
    // Not again in hope.
    site.bench.run(run).exits(4);
    // A whole bundle under another scenario's name.
    let other = site.bench.path("storage/scenarios/scn-0002/results");
    results(&other, "scn-0001", &key(7));
    site.bench.run("run forge.verify_verdict -q -p scenario=scn-0002 -p trusted_key=scoreboard.pub").exits(1);
}

/// Canonical JSON as Python writes it with sorted keys; serde's maps may keep their order.
fn sorted(value: &Value) -> String {
    let members: std::collections::BTreeMap<&String, &Value> = value.as_object().unwrap().iter().collect();
    serde_json::to_string(&members).unwrap()
}

#[test]
fn secrets_are_rotated_in_order_and_a_scenario_proves_it() {
    let site = Site::new();
    let done = site.rotate(&["-p", "sat_ttl=1s"]).exits(0).stdout;
    assert!(done.contains("scn-0009") && !done.contains("new-sat-"), "{done}");
    assert_eq!(site.bench.read("restarts"), "spawn_service\norchestrator\nscoreboard\n");
    assert_eq!((site.in_use("new-sat-"), site.in_use("new-operator-"), site.in_use("old-")), (3, 3, 0));
    assert!(!site.bench.exists("intake.closed"));
    assert!(site.bench.read("env/scoreboard.env").contains("SIGNING_KEY_PATH=/keys/signing.pem"));
    // The same values again are no rotation.
    assert!(site.rotate(&["-p", "sat_ttl=1s"]).exits(4).stdout.contains("old_is_not_new"));
}

#[test]
fn staged_values_that_would_be_cut_or_are_short_are_refused_by_name() {
    let site = Site::new();
    let good = site.bench.read("env/staged.env");
    let cut = good.replace("new-sat-", "new-sat-#");
    let short = good.replace("new-et-0123456789-0123456789-", "new-et-");
    for (wrong, exits, said) in [(cut, 4, "has an unquoted `#`"), (short, 3, "staged_whole")] {
        site.private("env/staged.env", &wrong);
        let refused = site.rotate(&["-p", "sat_ttl=1s"]).exits(exits).stdout;
        assert!(refused.contains(said) && !refused.contains("new-sat-"), "{refused}");
    }
    assert!(!site.bench.exists("restarts") && !site.bench.exists("intake.closed"));
    assert_eq!(site.in_use("new-"), 0);
}

#[test]
fn a_queue_that_does_not_drain_stops_it_with_nothing_rotated() {
    let site = Site::new();
    site.services.says("GET", "/nats/jsz", 200, &queue(3));
    let short = ["-p", "sat_ttl=1s", "-p", "drain=1s"];
    assert!(site.rotate(&short).exits(1).stdout.contains("The queue does not drain"));
    assert!(site.bench.exists("intake.closed"));
    assert_eq!(site.in_use("new-"), 0);
    site.bench.run("undo last -q --as ops").exits(7);
    assert!(!site.bench.exists("intake.closed"));
}

#[test]
fn a_rotation_that_was_left_half_way_goes_on_from_there() {
    let site = Site::new();
    let detail = json!({ "detail": "opa unavailable: refused" });
    let short = ["-p", "sat_ttl=1s", "-p", "boot=1s"];
    // Ready when it is looked at before, and not after its restart.
    let restarts = site.bench.path("restarts");
    let is_back = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let back = std::sync::Arc::clone(&is_back);
    site.services.does("GET", "/orchestrator/readyz", move |_| {
        let restarted = fs::read_to_string(&restarts).is_ok_and(|text| text.contains("orchestrator"));
        match restarted && !back.load(std::sync::atomic::Ordering::SeqCst) {
            true => (503, detail.to_string()),
            false => (200, ready("forge_orchestrator").to_string()),
        }
    });
    assert!(site.rotate(&short).exits(1).stdout.contains("A service is not ready with the new values"));
    assert_eq!((site.in_use("new-sat-"), site.bench.exists("intake.closed")), (2, true));
    is_back.store(true, std::sync::atomic::Ordering::SeqCst);
    site.bench.run("resume last -q --as ops").exits(0);
    // What failed is done again, and what was done is not.
    assert_eq!(site.bench.read("restarts"), "spawn_service\norchestrator\norchestrator\nscoreboard\n");
    assert_eq!((site.in_use("new-sat-"), site.bench.exists("intake.closed")), (3, false));
}

#[test]
fn a_restart_that_did_nothing_is_found_out_by_the_scenario() {
    let site = Site::new();
    // It exits with 0, the service is ready, and holds the old secrets.
    fs::write(site.bench.path("refuses-orchestrator"), "").unwrap();
    let failed = site.rotate(&["-p", "sat_ttl=1s"]).exits(1).stdout;
    assert!(failed.contains("The secrets do not agree in use"), "{failed}");
}

#[test]
fn the_scoreboard_is_not_restarted_when_its_key_is_gone() {
    let site = Site::new();
    let key = site.bench.path("keys/signing.pem");
    site.services.does("GET", "/orchestrator/readyz", move |_| {
        // Gone after the first half.
        if fs::read_to_string(key.with_file_name("../restarts")).is_ok_and(|text| text.contains("orchestrator")) {
            let _ = fs::remove_file(&key);
        }
        (200, ready("forge_orchestrator").to_string())
    });
    let failed = site.rotate(&["-p", "sat_ttl=1s"]);
    assert!(failed.stdout.contains("The signing key is another, or gone"), "{}", failed.stdout);
    assert_eq!(site.bench.read("restarts"), "spawn_service\norchestrator\n");
}

#[test]
fn services_are_recovered_and_not_called_so_before_they_are() {
    let site = Site::new();
    site.services.says("GET", "/spawn/readyz", 503, &json!({ "detail": "filesystem not read-only" }));
    let spawn = ["run", "forge.recover_spawn_service", "-q", "--as", "ops", "-p", "settle=1s"];
    let answers = ["--answer", "entitlements.answer=true", "--answer", "entitlements.tenant=acme"];
    let failed = site.bench.run_with(&[&spawn[..], &answers].concat()).exits(1).stdout;
    assert!(failed.contains("It is still not ready"), "{failed}");
    site.services.says("GET", "/spawn/readyz", 200, &ready("forge_spawn_service"));
    site.bench.run_with(&[&spawn[..], &answers].concat()).exits(0);
    assert_eq!(site.bench.read("restarts"), "spawn_service\n");

    // Its subscription is gone: it is ready, and takes no work until it is restarted.
    let restarts = site.bench.path("restarts");
    site.services.does("GET", "/nats/jsz", move |_| {
        let restarted = fs::read_to_string(&restarts).is_ok_and(|text| text.contains("orchestrator"));
        (200, queue(if restarted { 0 } else { 4 }).to_string())
    });
    let orchestrator = ["run", "forge.recover_orchestrator", "-q", "--as", "ops", "-p", "settle=1s", "--answer"];
    let failed = site.bench.run_with(&[&orchestrator[..], &["subscriber.connected=true"]].concat()).exits(1).stdout;
    assert!(failed.contains("It is ready and takes no work"), "{failed}");
    site.bench.run_with(&[&orchestrator[..], &["subscriber.connected=false"]].concat()).exits(0);
    site.services.says("GET", "/opa/health", 503, &json!({}));
    let failed = site.bench.run_with(&[&orchestrator[..], &["subscriber.connected=true"]].concat()).exits(1).stdout;
    assert!(failed.contains("OPA does not answer"), "{failed}");
}

#[test]
fn a_scenario_is_scored_again_once_its_old_results_are_kept() {
    let site = Site::new();
    let folder = site.bench.path("storage/scenarios/scn-0007/results");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("score.json"), "{}").unwrap();
    let target = folder.clone();
    site.services.does("POST", "/orchestrator/internal/scenario/scn-0007/complete", move |asked| {
        let tokens = (asked.headers.get("x-internal-token"), asked.headers.get("x-operator-token"));
        if tokens.0.is_none_or(|token| token != "orchestrator-internal") || tokens.1.is_none_or(|t| t != OLD[3].1) {
            return (401, json!({ "detail": "internal auth required" }).to_string());
        }
        assert!(asked.body.contains("timeout"));
        results(&target, "scn-0007", &key(7));
        (200, json!({ "status": "scored" }).to_string())
    });
    let name = "forge.recover_scoreboard";
    let run = [
        "run",
        name,
        "-q",
        "--as",
        "ops",
        "--confirm",
        name,
        "-p",
        "scenario=scn-0007",
        "-p",
        "completion_reason=timeout",
    ];
    let more = ["-p", "trusted_key=scoreboard.pub", "-p", "settle=1s"];
    site.bench.run_with(&[&run[..], &more].concat()).exits(0);
    let kept: Vec<_> = fs::read_dir(site.bench.path("kept/scn-0007")).unwrap().collect();
    assert_eq!(kept.len(), 1);
    // Now it has a verdict that holds, and is left alone.
    let refused = site.bench.run_with(&[&run[..], &more].concat()).exits(4).stdout;
    assert!(refused.contains("There is nothing to reprocess"), "{refused}");
    assert_eq!(site.services.count("POST", "/orchestrator/internal/scenario/scn-0007/complete"), 1);
}
