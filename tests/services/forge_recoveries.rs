//! Forge's three recoveries where they are left half-way, and where a guard stops them before anything is restarted.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::bench::Outcome;
use super::forge::{OLD, Site, key, ready, results};

const SPAWN: [&str; 2] = ["entitlements.answer=true", "entitlements.tenant=acme"];

fn recover(site: &Site, service: &str, parameters: &[&str], answers: &[&str]) -> Outcome {
    let name = format!("forge.recover_{service}");
    let mut arguments = vec!["run", &name, "-q", "--as", "ops", "--confirm", &name, "-p", "settle=1s"];
    arguments.extend(parameters.iter().flat_map(|parameter| ["-p", parameter]));
    arguments.extend(answers.iter().flat_map(|answer| ["--answer", answer]));
    site.bench.run_with(&arguments)
}

/// A service that is ready once it was restarted, or once it is said to be.
fn ready_after(site: &Site, path: &str, service: &'static str, waited_for: impl Fn() -> bool + Send + Sync + 'static) {
    site.services.does("GET", path, move |_| match waited_for() {
        true => (200, ready(service).to_string()),
        false => (503, json!({ "detail": "opa unavailable: refused" }).to_string()),
    });
}

#[test]
fn a_restart_that_failed_is_done_again_and_nobody_is_asked_again() {
    let site = Site::new();
    let restarts = site.bench.path("restarts");
    ready_after(&site, "/spawn/readyz", "forge_spawn_service", move || restarts.exists());
    let works = fs::read_to_string(site.bench.path("roll")).unwrap();
    site.program("roll", "#!/bin/sh\necho 'no such container' >&2\nexit 1\n");
    let failed = recover(&site, "spawn_service", &[], &SPAWN).exits(1).stdout;
    assert!(failed.contains("step `restart`") && failed.contains("runwarden resume"), "{failed}");
    site.program("roll", &works);
    site.bench.run("resume last -q --as ops").exits(0);
    assert_eq!(site.bench.read("restarts"), "spawn_service\n");
}

#[test]
fn a_service_that_became_ready_late_is_not_restarted_again() {
    let site = Site::new();
    let is_ready = Arc::new(AtomicBool::new(false));
    let late = Arc::clone(&is_ready);
    ready_after(&site, "/orchestrator/readyz", "forge_orchestrator", move || late.load(Ordering::SeqCst));
    let failed = recover(&site, "orchestrator", &[], &["subscriber.connected=false"]).exits(1).stdout;
    assert!(failed.contains("It is still not ready") && failed.contains("Its /readyz says why"), "{failed}");
    is_ready.store(true, Ordering::SeqCst);
    site.bench.run("resume last -q --as ops").exits(0);
    assert_eq!(site.bench.read("restarts"), "orchestrator\n");
}

#[test]
fn no_service_is_recovered_with_an_unsafe_flag_on() {
    let site = Site::new();
    for service in ["spawn_service", "orchestrator", "scoreboard"] {
        site.environment(service, &OLD, "DEV_ALLOW_XPLAN=yes\n");
    }
    let scenario = ["scenario=scn-0007", "completion_reason=timeout", "trusted_key=scoreboard.pub"];
    for (service, parameters) in [("spawn_service", &[][..]), ("orchestrator", &[]), ("scoreboard", &scenario)] {
        let stopped = recover(&site, service, parameters, &[]).exits(4).stdout;
        assert!(stopped.contains("guard `no_unsafe_flags`") && stopped.contains("DEV_ALLOW_XPLAN"), "{stopped}");
    }
    assert!(!site.bench.exists("restarts"));
    assert_eq!(site.services.count("POST", "/orchestrator/internal/scenario/scn-0007/complete"), 0);
}

#[test]
fn secrets_of_a_rotation_that_was_left_half_way_are_not_taken_for_a_fault_of_the_service() {
    let site = Site::new();
    let new = OLD.map(|(name, value)| (name, value.replace("old", "new")));
    let new: Vec<(&str, &str)> = new.iter().map(|(name, value)| (*name, value.as_str())).collect();
    site.environment("spawn_service", &new, "");
    let failed = recover(&site, "spawn_service", &[], &SPAWN).exits(1);
    assert!(failed.stdout.contains("A rotation was left half-way"), "{}", failed.stdout);
    assert!(failed.stdout.contains("Resume or start forge.rotate_secrets"), "{}", failed.stdout);
    assert!(!failed.raw.contains(OLD[0].1) && !failed.raw.contains(new[0].1));
    assert!(!site.bench.exists("restarts"));
}

const SCENARIO: [&str; 3] = ["scenario=scn-0007", "completion_reason=timeout", "trusted_key=scoreboard.pub"];
const COMPLETE: &str = "/orchestrator/internal/scenario/scn-0007/complete";

/// A site with a scenario whose results are not scored.
fn unscored() -> Site {
    let site = Site::new();
    let folder = site.bench.path("storage/scenarios/scn-0007/results");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("score.json"), "{}").unwrap();
    site
}

#[test]
fn a_completion_that_was_refused_is_asked_again_and_what_was_there_is_kept_once() {
    let site = unscored();
    let folder = site.bench.path("storage/scenarios/scn-0007/results");
    site.services.says("POST", COMPLETE, 401, &json!({ "detail": "internal auth required" }));
    let failed = recover(&site, "scoreboard", &SCENARIO, &[]).exits(1).stdout;
    assert!(failed.contains("It was not completed again") && failed.contains("401 means a token"), "{failed}");
    site.services.does("POST", COMPLETE, move |_| {
        results(&folder, "scn-0007", &key(7));
        (200, json!({ "status": "scored" }).to_string())
    });
    site.bench.run("resume last -q --as ops").exits(0);
    assert_eq!(site.services.count("POST", COMPLETE), 2);
    let kept: Vec<_> = fs::read_dir(site.bench.path("kept/scn-0007")).unwrap().map(|kept| kept.unwrap()).collect();
    assert_eq!(kept.len(), 1);
}

#[test]
fn a_completion_whose_answer_was_lost_is_decided_by_a_person_and_not_asked_again() {
    let site = unscored();
    let folder = site.bench.path("storage/scenarios/scn-0007/results");
    site.services.does("POST", COMPLETE, move |_| {
        results(&folder, "scn-0007", &key(7));
        (502, json!({ "detail": "scoreboard" }).to_string())
    });
    let unknown = recover(&site, "scoreboard", &SCENARIO, &[]).exits(9).stdout;
    assert!(unknown.contains("may or may not have happened: complete") && unknown.contains("status 502"), "{unknown}");
    let waits = site.bench.run("resume last -q --as ops").exits(9);
    assert!(format!("{}{}", waits.stdout, waits.stderr).contains("--resolve complete=happened"), "{}", waits.stdout);
    let seen =
        ["resume", "last", "-q", "--as", "ops", "--resolve", "complete=happened", "--reason", "verdict.sig is new"];
    site.bench.run_with(&seen).exits(0);
    assert_eq!(site.services.count("POST", COMPLETE), 1);
}

#[test]
fn old_results_are_not_kept_where_they_are_written_over_and_no_key_beside_a_verdict_judges_it() {
    let site = unscored();
    for (parameter, guard) in [
        ("keep=storage/scenarios/kept", "kept_elsewhere"),
        ("trusted_key=storage/scenarios/scn-0007/results/verdict.pub", "key_from_elsewhere"),
    ] {
        let mut parameters = vec![SCENARIO[0], SCENARIO[1], parameter];
        parameters.extend((guard == "kept_elsewhere").then_some(SCENARIO[2]));
        let stopped = recover(&site, "scoreboard", &parameters, &[]).exits(4).stdout;
        assert!(stopped.contains(&format!("guard `{guard}`")), "{stopped}");
    }
    assert!(!site.bench.exists("kept") && site.services.count("POST", COMPLETE) == 0);
}
