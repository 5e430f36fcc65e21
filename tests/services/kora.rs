//! Kora's pauses: a PostgreSQL substrate, a dashboard on loopback, and a `flyctl` of ours that restarts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::bench::{Bench, Outcome};
use super::dashboard::Dashboard;
use super::postgres::Postgres;

/// What `flyctl` does here: tells of its machines, takes staged secrets, and restarts Kora, which then says what stands in
/// `dashboard/after/`.
const FLYCTL: &str = r#"#!/bin/sh
here=$(dirname "$(dirname "$0")")
case "$1 $2" in
"status -a") cat "$here/machines.json" ;;
"secrets import") cat > "$here/staged" ;;
"apps restart")
    [ ! -e "$here/refuses" ] || { echo "no such app" >&2; exit 1; }
    now=$(date -u +%Y-%m-%dT%H:%M:%S.999999Z)
    for file in "$here"/dashboard/after/*; do sed "s/NOW/$now/g" "$file" > "$here/dashboard/$(basename "$file")"; done
    echo session-of-the-next-process > "$here/dashboard/token"
    printf session-of-the-next-process > "$here/session/token"
    chmod 600 "$here/session/token"
    [ ! -e "$here/after.sql" ] || sh "$here/after.sql"
    echo restarted >> "$here/restarts" ;;
*) echo "unknown command" >&2; exit 1 ;;
esac
"#;

/// A workspace, a dashboard, and the programs of a deployment.
pub struct Site {
    pub bench: Bench,
    _dashboard: Dashboard,
}

impl Site {
    /// The example's workspace; `socket` is the folder of the server's socket.
    pub fn new(socket: &str) -> Self {
        let bench = Bench::empty();
        for folder in ["bin", "home", "dashboard/after", "session", "inbox", "escrow"] {
            fs::create_dir_all(bench.path(folder)).unwrap();
        }
        let dashboard = Dashboard::start(&bench.path("dashboard"));
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kora/runwarden.yaml");
        let text = fs::read_to_string(workspace).unwrap();
        let text = text.replace("/run/postgresql", socket).replace("http://127.0.0.1:9119", &dashboard.url);
        let path = format!("{}:{}", bench.path("bin").display(), std::env::var("PATH").unwrap());
        let bench = bench
            .file("runwarden.yaml", &text)
            .file("machines.json", r#"{"Machines":[{"state":"started"},{"state":"stopped"}]}"#)
            .file("dashboard/token", "the-session-token-of-now")
            .file("dashboard/status.json", "{}")
            .env("PATH", &path);
        let site = Self { bench, _dashboard: dashboard };
        site.secret("session/token", "the-session-token-of-now");
        site.program("flyctl", FLYCTL);
        site
    }

    pub fn program(&self, name: &str, text: &str) {
        let path = self.bench.path("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn secret(&self, path: &str, value: &str) {
        let path = self.bench.path(path);
        fs::write(&path, value).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// What the dashboard says now.
    pub fn says(&self, name: &str, body: &Value) {
        fs::write(self.bench.path("dashboard").join(format!("{name}.json")), body.to_string()).unwrap();
    }

    /// What it says after a restart; `NOW` is the time of that.
    pub fn will_say(&self, name: &str, body: &Value) {
        self.says(&format!("after/{name}"), body);
    }

    pub fn restarts(&self) -> usize {
        fs::read_to_string(self.bench.path("restarts")).map_or(0, |text| text.lines().count())
    }

    #[track_caller]
    pub fn run(&self, name: &str, parameters: &[&str], answers: &[&str]) -> Outcome {
        let mut arguments = vec!["run", name, "-q", "--as", "ops", "--confirm", name];
        arguments.extend(parameters.iter().flat_map(|parameter| ["-p", parameter]));
        arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
        self.bench.run_with(&arguments)
    }

    /// Goes on with the run that was begun last.
    #[track_caller]
    pub fn resume(&self, answers: &[&str]) -> Outcome {
        let mut arguments = vec!["resume", "last", "-q", "--as", "ops"];
        arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
        self.bench.run_with(&arguments)
    }
}

pub fn state(primary: &str, permission: &str, reasons: &[&str]) -> Value {
    json!({ "primary_state": primary, "claim_permission": permission, "degradation_reasons": reasons,
        "is_degraded": !reasons.is_empty(), "transition_history": [], "valid_next_states": [] })
}

pub fn boot(gates: &[&str]) -> Value {
    let gates: Vec<Value> = gates.iter().map(|gate| json!({ "gate_id": gate, "outcome": "pass" })).collect();
    json!({ "current": { "boot_id": "boot_1a2b3c4d", "outcome": "ready", "started_at": "NOW", "gates": gates }, "history": [] })
}

pub fn dr(epoch: u64, known: u64) -> Value {
    json!({ "current": { "substrate_epoch": epoch, "kora_known_epoch": known }, "runbook_pending": false, "stub": false })
}

/// A substrate, and a dashboard that shows what it is like there.
pub fn incident(epoch: u64, known: u64) -> Option<(Postgres, Site)> {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kora/substrate.sql");
    let postgres = Postgres::start(&content)?;
    postgres.sql(&format!("UPDATE kora_dr_epoch_substrate SET substrate_epoch = {epoch}, kora_known_epoch = {known}"));
    let site = Site::new(postgres.socket());
    site.says("operational-state", &state("paused", "none", &["substrate"]));
    site.says("dr-state", &dr(epoch, known));
    site.says(
        "boot-status",
        &json!({ "stub": true, "error": "no boot", "current": { "outcome": "ready", "gates": [] } }),
    );
    let event = json!({ "event_type": "kora.dr.observed", "occurred_at": "2026-05-03T09:00:00Z" });
    site.says("chain-events", &json!({ "stub": false, "events": [event] }));
    Some((postgres, site))
}

const WORKSPACE: &str = "workspace_id=org_a";
pub const TICKET: [&str; 2] = ["rewind.ticket=SUB-7", "rewind.restored_to=2026-05-03T08:00:00Z"];

#[test]
fn an_epoch_is_bumped_past_what_is_known_anywhere_and_kora_comes_back() {
    let Some((postgres, site)) = incident(4, 4) else { return };
    site.will_say("dr-state", &dr(7, 7));
    site.will_say("boot-status", &boot(&["3b_epoch_dr_check"]));
    site.will_say("operational-state", &state("ready", "normal", &[]));
    // The whole database was restored: it says that nothing is wrong, and that is not believed.
    let told = ["workspace_id=org_a", "reason=restore of 3 May", "settle=2s"];
    let refused = site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3).stdout;
    assert!(refused.contains("Nobody knows the epoch from before the restore"), "{refused}");
    let told = ["workspace_id=org_a", "reason=restore of 3 May", "settle=2s", "last_known_epoch=6"];
    let done = site.run("kora.dr_epoch_bump", &told, &TICKET).exits(0).stdout;
    assert!(done.contains("epoch  7"), "{done}");
    assert_eq!(postgres.sql("SELECT substrate_epoch, kora_known_epoch FROM kora_dr_epoch_substrate"), "7|4");
    assert_eq!(postgres.sql("SELECT count(*), min(level), max(kind) FROM kora_control"), "1|0|reset");
    assert_eq!(site.restarts(), 1);
    site.bench.run("ledger verify --allow-unanchored").exits(0);
}

#[test]
fn a_bump_stops_where_it_must_and_leaves_the_rest() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    let told = ["workspace_id=org_a", "reason=restore of 3 May", "settle=1s", "last_known_epoch=6"];

    site.says("dr-state", &json!({ "stub": true, "error": "no database", "current": { "substrate_epoch": 0 } }));
    site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3);
    site.says("dr-state", &dr(4, 6));
    fs::write(site.bench.path("machines.json"), r#"{"Machines":[{"state":"started"},{"state":"started"}]}"#).unwrap();
    site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3);
    fs::write(site.bench.path("machines.json"), r#"{"Machines":[{"state":"started"}]}"#).unwrap();
    assert_eq!(postgres.sql("SELECT substrate_epoch FROM kora_dr_epoch_substrate"), "4");

    // A substrate of another contract than this was written for.
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_contract_version = 2");
    let refused = site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3).stdout;
    assert!(refused.contains("contract"), "{refused}");
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_contract_version = 1");

    // A kill that nobody agreed to lift.
    postgres.sql(
        "SELECT issue_kora_control('org_a', 's', '11111111-1111-4111-8111-111111111111', 5::smallint, 'kill', 'cost')",
    );
    let refused = site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3).stdout;
    assert!(refused.contains("A level 4 or 5 command is open"), "{refused}");
    assert_eq!(postgres.sql("SELECT substrate_epoch FROM kora_dr_epoch_substrate"), "4");
    assert_eq!(postgres.sql("SELECT count(*) FROM kora_control WHERE level = 0"), "0");

    // The restart fails: nothing says recovered.
    fs::write(site.bench.path("refuses"), "").unwrap();
    let failed = site.run("kora.dr_epoch_bump", &[&told[..], &["lifted_by=Ana"]].concat(), &TICKET);
    assert_eq!(failed.exit, Some(1), "{}", failed.stdout);
    assert_eq!(postgres.sql("SELECT lifecycle_state FROM kora_control WHERE level = 5"), "superseded");

    // Once it can be restarted the run goes on from there: no second bump, no second reset.
    fs::remove_file(site.bench.path("refuses")).unwrap();
    site.will_say("dr-state", &dr(7, 7));
    site.will_say("boot-status", &boot(&["3b_epoch_dr_check"]));
    site.will_say("operational-state", &state("ready", "normal", &[]));
    site.bench.run("resume last -q --as ops").exits(0);
    assert_eq!(postgres.sql("SELECT substrate_epoch FROM kora_dr_epoch_substrate"), "7");
    // A second bump within the hour is not this recovery.
    let again = site.run("kora.dr_epoch_bump", &[&told[..], &["lifted_by=Ana"]].concat(), &TICKET).exits(3).stdout;
    assert!(again.contains("may run 1 times in 1h"), "{again}");
    assert_eq!((postgres.sql("SELECT count(*) FROM kora_control WHERE level = 0").as_str(), site.restarts()), ("1", 1));
}

#[test]
fn kora_that_does_not_come_back_is_not_called_recovered() {
    let Some((_postgres, site)) = incident(6, 6) else { return };
    // As the code stands the known epoch is never written, gate 3b fails again, and the boot is not recorded.
    site.will_say("dr-state", &dr(7, 6));
    let told = ["workspace_id=org_a", "reason=restore of 3 May", "settle=1s", "last_known_epoch=6"];
    let failed = site.run("kora.dr_epoch_bump", &told, &TICKET).exits(1).stdout;
    assert!(failed.contains("Kora has not come back") && failed.contains("Never write the known epoch"), "{failed}");
}

#[test]
fn actors_that_may_not_are_refused_by_us_and_by_the_substrate() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    let workspace = format!("{}procedures: [procedures]\n", site.bench.read("runwarden.yaml"));
    let told = ["workspace_id=org_a", "reason=restore of 3 May", "last_known_epoch=6"];
    for actor in [
        "22222222-2222-4222-8222-222222222222",
        "33333333-3333-4333-8333-333333333333",
        "44444444-4444-4444-8444-444444444444",
        "55555555-5555-4555-8555-555555555555",
    ] {
        let text = workspace.replace("11111111-1111-4111-8111-111111111111", actor);
        fs::write(site.bench.path("runwarden.yaml"), text).unwrap();
        site.run("kora.dr_epoch_bump", &told, &TICKET).exits(3);
    }
    assert_eq!(postgres.sql("SELECT substrate_epoch FROM kora_dr_epoch_substrate"), "4");
    // The driver has no way around the substrate either.
    let bump = "steps:\n  - id: bump\n    action: epoch.bump\n    with: { target: epoch }\n    verify: [{ id: ok, expect: steps.bump.epoch > 0 }]\n    undo: { none: none }\n";
    let site = Site {
        bench: site.bench.procedure("try", &format!("targets: {{ epoch: {{ kind: epoch }} }}\n{bump}")),
        ..site
    };
    let refused = site.bench.run("run try").exits(1).stdout;
    assert!(refused.contains("not_permitted") || refused.contains("bump is operator-only"), "{refused}");
    let text = workspace.replace("user: ops", "user: stranger");
    fs::write(site.bench.path("runwarden.yaml"), text).unwrap();
    let refused = site.bench.run("run try").exits(1).stdout;
    assert!(refused.contains("permission denied"), "{refused}");
}

#[test]
fn a_commanded_pause_is_lifted_once_a_person_has_seen_it() {
    let Some((postgres, site)) = incident(6, 6) else { return };
    let operator = "11111111-1111-4111-8111-111111111111";
    let told = [WORKSPACE, "reason=the deploy is done", "settle=1s"];
    let nothing = site.run("kora.clear_pause", &told, &[]).exits(3).stdout;
    assert!(nothing.contains("Nothing was commanded"), "{nothing}");
    postgres.sql(&format!("SELECT issue_kora_control('org_a', 's', '{operator}', 2::smallint, 'drain', 'deploy')"));
    site.run("kora.clear_pause", &told, &[]).exits(5);
    assert_eq!(postgres.sql("SELECT count(*) FROM kora_control"), "1");
    site.says("operational-state", &state("ready", "none", &[]));
    let answers = ["agree.because=The deploy is done", "agree.read_back=org_a"];
    // What waits for somebody keeps others from it.
    site.run("kora.clear_pause", &told, &answers).exits(10);
    site.resume(&answers).exits(0);
    assert_eq!(postgres.sql("SELECT lifecycle_state FROM kora_control WHERE level = 2"), "superseded");
    let reason = postgres.sql("SELECT reason FROM kora_control WHERE level = 0");
    assert!(reason.starts_with("the deploy is done [runwarden "), "{reason}");

    // A sample of a ready state is no state.
    postgres.sql(&format!("SELECT issue_kora_control('org_a', 's', '{operator}', 1::smallint, 'pause', 'again')"));
    site.says("operational-state", &json!({ "stub": true, "primary_state": "ready" }));
    let failed = site.run("kora.clear_pause", &told, &answers).exits(1).stdout;
    assert!(failed.contains("Kora is still paused"), "{failed}");
}

#[test]
fn a_reset_that_was_not_answered_in_time_is_looked_for_before_it_is_sent_again() {
    let Some((postgres, site)) = incident(6, 6) else { return };
    let workspace = site.bench.read("runwarden.yaml").replace("user: ops }", "user: ops, timeout: 1s }");
    fs::write(site.bench.path("runwarden.yaml"), workspace).unwrap();
    let operator = "11111111-1111-4111-8111-111111111111";
    postgres.sql(&format!("SELECT issue_kora_control('org_a', 's', '{operator}', 1::smallint, 'pause', 'deploy')"));
    site.says("operational-state", &state("ready", "none", &[]));
    // Reads go on, writes wait.
    let held = postgres.hold("LOCK TABLE kora_control IN SHARE ROW EXCLUSIVE MODE");
    let answers = ["agree.because=The deploy is done", "agree.read_back=org_a"];
    let told = [WORKSPACE, "reason=the deploy is done", "settle=5s"];
    let unknown = site.run("kora.clear_pause", &told, &answers).exits(9).stdout;
    assert!(unknown.contains("was not done within"), "{unknown}");
    drop(held);
    site.bench.run("resume last -q --as ops").exits(0);
    assert_eq!(postgres.sql("SELECT count(*) FROM kora_control WHERE level = 0"), "1");
}

#[test]
fn a_pause_of_the_substrate_is_not_reset() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    let operator = "11111111-1111-4111-8111-111111111111";
    postgres.sql(&format!("SELECT issue_kora_control('org_a', 's', '{operator}', 1::smallint, 'pause', 'deploy')"));
    let answers = ["agree.because=The deploy is done", "agree.read_back=org_a"];
    let stopped = site.run("kora.clear_pause", &[WORKSPACE, "reason=the deploy is done"], &answers).exits(4).stdout;
    assert!(stopped.contains("The epochs differ"), "{stopped}");
    assert_eq!(postgres.sql("SELECT count(*) FROM kora_control WHERE level = 0"), "0");
}

#[test]
fn a_diagnosis_names_the_cause_and_believes_no_sample() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    let said = site.run("kora.diagnose_pause", &[], &[]).exits(0).stdout;
    assert!(said.contains("rewound") && said.contains("kora.dr_epoch_bump"), "{said}");
    // What it saw is the epoch from outside the database, once that is restored.
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_epoch = 4, kora_known_epoch = 4");
    site.says("dr-state", &dr(4, 4));
    let held =
        site.run("kora.dr_epoch_bump", &[WORKSPACE, "reason=restore of 3 May", "max_bumps=1"], &TICKET).exits(1).stdout;
    assert!(held.contains("more bumps than a rewind explains"), "{held}");
    site.says("operational-state", &json!({ "stub": true, "primary_state": "booting", "claim_permission": "none" }));
    let failed = site.run("kora.diagnose_pause", &[], &[]).exits(1).stdout;
    assert!(failed.contains("samples, or not at all"), "{failed}");
    fs::write(site.bench.path("dashboard/token"), "another-session-of-a-restart").unwrap();
    site.run("kora.diagnose_pause", &[], &[]).exits(1);
}

#[test]
fn the_gate_of_a_boot_opens_on_live_answers_and_all_nine_gates() {
    let Some((postgres, site)) = incident(7, 7) else { return };
    let gates = [
        "1_claude_auth",
        "3_substrate_contract_version",
        "3b_epoch_dr_check",
        "4_kora_runtime_role_perms",
        "5_kronicle_mcp_reachable",
        "6_wsk_token_valid",
        "7_canonical_kora_actor",
        "8_charter_capability_matrix_load",
        "10_kr7_boot_smoke",
    ];
    let gate = || site.bench.run("gate kora.boot_ready");
    site.says("operational-state", &state("ready", "normal", &[]));
    let health = json!({ "stub": false, "overall": "healthy", "control_plane": "healthy", "worker": "healthy" });
    site.says("health-rollup", &health);
    site.says("boot-status", &boot(&gates));
    gate().exits(0);
    site.says("boot-status", &boot(&gates[..8]));
    assert!(gate().exits(1).stdout.contains("Gate 10, boot smoke, passed"));
    let mut sample = boot(&gates);
    sample["stub"] = json!(true);
    site.says("boot-status", &sample);
    gate().exits(1);
    site.says("boot-status", &boot(&gates));
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_epoch = 5");
    assert!(gate().exits(1).stdout.contains("The substrate's epoch is the one that Kora knows"));
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_epoch = 7");
    fs::write(site.bench.path("dashboard/token"), "another-session-of-a-restart").unwrap();
    gate().exits(1);
}

#[test]
fn a_server_beyond_this_machine_is_asked_over_tls_or_not_at_all() {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kora/substrate.sql");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(postgres) = Postgres::start_with_tls(&content, port) else { return };
    let read = "targets: { epoch: { kind: epoch } }\nsteps:\n  - { id: read, action: epoch.read, with: { target: epoch } }\n\
        outputs: { epoch: '{{ steps.read.epoch }}' }\n";
    let bench = Bench::workspace().procedure("look", read);
    let workspace = bench.read("runwarden.yaml");
    let ask = |connection: &str| {
        let target = format!(
            "targets:\n  epoch:\n    kind: epoch\n    driver: postgres\n    actor: 11111111-1111-4111-8111-111111111111\n    \
             connection: {{ database: postgres, user: ops, port: {port}, timeout: 5s, {connection} }}\n"
        );
        fs::write(bench.path("runwarden.yaml"), format!("{workspace}{target}")).unwrap();
        bench.run("run look -q")
    };
    let folder = postgres.socket();
    let sure = ask(&format!("host: localhost, ca_file: {folder}/ca.pem")).exits(0).stdout;
    assert!(sure.contains("epoch  6"), "{sure}");
    for (connection, why) in [
        (format!("host: localhost, ca_file: {folder}/other.pem"), "UnknownIssuer"),
        (format!("host: 127.0.0.1, ca_file: {folder}/ca.pem"), "not valid for name"),
        (format!("host: localhost, ca_file: {folder}/leaf.cnf"), "no certificate"),
        ("host: 192.0.2.1".to_owned(), "there is no TLS"),
    ] {
        let refused = ask(&connection).exits(1).stdout;
        assert!(refused.contains(why), "{connection}: {refused}");
    }
}
