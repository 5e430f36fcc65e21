//! What stops Kora's procedures on the way: a guard, a waiver of ours that has expired, a proof that does not come.

use std::fs;

use serde_json::{Value, json};

use super::bench::Outcome;
use super::kora::{Site, TICKET, boot, dr, incident, state};
use super::postgres::Postgres;
use super::tokens::{self, NEW_OAUTH, OAUTH};

const TOLD: [&str; 4] = ["workspace_id=org_a", "reason=restore of 3 May", "settle=2s", "last_known_epoch=6"];
const EPOCHS: &str = "SELECT substrate_epoch FROM kora_dr_epoch_substrate";

#[test]
fn an_epoch_that_somebody_else_bumped_while_the_run_waited_is_not_bumped_again() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    site.run("kora.dr_epoch_bump", &TOLD, &[]).exits(5);
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_epoch = 7");
    let stopped = site.resume(&TICKET).exits(4).stdout;
    assert!(stopped.contains("Do not bump an epoch that is already ahead"), "{stopped}");
    assert!(stopped.contains("Somebody else bumped it meanwhile\n  Nothing more is bumped."), "{stopped}");
    assert_eq!(postgres.sql(EPOCHS), "7");
    assert_eq!((postgres.sql("SELECT count(*) FROM kora_control").as_str(), site.restarts()), ("0", 0));
}

/// A substrate whose timeline moved behind what Kora knew, and a run that found that out; who leads the substrate's team
/// has a key.
fn violated() -> Option<(Postgres, Site)> {
    let (postgres, site) = incident(4, 6)?;
    let line = site.bench.run_with(&["key", "generate", "lead.key", "--name", "lead"]).exits(0).raw;
    let public = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let lead = format!("  lead: {{ class: operator, roles: [substrate_lead], key: '{public}' }}\n");
    let workspace = site.bench.read("runwarden.yaml") + &lead;
    fs::write(site.bench.path("runwarden.yaml"), workspace).unwrap();
    postgres.sql(
        "CREATE OR REPLACE FUNCTION public.bump_substrate_epoch(operator uuid) RETURNS bigint LANGUAGE plpgsql \
         SECURITY DEFINER AS $$ BEGIN RAISE EXCEPTION 'monotonic violation: observed 5 is behind kora_known_epoch 6' \
         USING ERRCODE = '23514'; END $$",
    );
    let failed = site.run("kora.dr_epoch_bump", &TOLD, &TICKET).exits(1).stdout;
    assert!(failed.contains("monotonic violation"), "{failed}");
    // The hour's limit is of the workspace; the violation is of the substrate.
    postgres.sql("UPDATE actor_registry SET workspace_id = 'org_b' WHERE workspace_id = 'org_a'");
    Some((postgres, site))
}

fn elsewhere(site: &Site, more: &[&str]) -> Outcome {
    let name = "kora.dr_epoch_bump";
    let fixed = ["run", name, "-q", "--as", "ops", "--confirm", name, "-p", "workspace_id=org_b", "-p", TOLD[1]];
    site.bench.run_with(&[&fixed[..], &["-p", TOLD[3]], more].concat())
}

fn waive(site: &Site, more: &[&str]) {
    let fixed = ["waiver", "create", "kora.dr_epoch_bump", "not_after_monotonic", "--ticket", "SUB-9", "-q"];
    let by = ["--reason", "the substrate team put the timeline right", "--as", "lead", "-o", "w.json"];
    site.bench.run_with(&[&fixed[..], &by, more].concat()).exits(0);
}

#[test]
fn an_expired_waiver_of_ours_lifts_nothing_and_says_how_to_go_on() {
    let Some((postgres, site)) = violated() else { return };
    let stopped = elsewhere(&site, &[]).exits(4).stdout;
    assert!(stopped.contains("guard `not_after_monotonic`: Do not continue after a monotonic violation"), "{stopped}");

    waive(&site, &["--unsigned"]);
    let mut document: Value = serde_json::from_str(&site.bench.read("w.json")).unwrap();
    document["not_before"] = json!("2026-01-01T00:00:00Z");
    document["not_after"] = json!("2026-01-01T04:00:00Z");
    fs::write(site.bench.path("w.json"), document.to_string()).unwrap();
    site.bench.run("waiver sign w.json --as lead --key lead.key -q").exits(0);
    let before = (postgres.sql(EPOCHS), site.bench.run("runs --format json").exits(0).raw);
    for planned in [&["--dry-run"][..], &[]] {
        let refused = elsewhere(&site, &[&["--waiver", "w.json"], planned].concat()).exits(6).stderr;
        assert!(refused.contains("error[waiver]: ") && refused.contains(" expired at TIME"), "{refused}");
        assert!(refused.contains("nothing was done; `runwarden waiver create"), "{refused}");
    }
    assert_eq!((postgres.sql(EPOCHS), site.bench.run("runs --format json").exits(0).raw), before);
    let checked = site.bench.run("waiver check w.json").exits(6);
    assert!(format!("{}{}", checked.stdout, checked.stderr).contains("expired at TIME"), "{}", checked.stdout);

    // One that is good lets this guard pass, and no other: the very bump was refused once.
    waive(&site, &["--key", "lead.key"]);
    let planned = elsewhere(&site, &["--waiver", "w.json", "--dry-run"]).stdout;
    assert!(planned.contains("WAIVED       not_after_monotonic"), "{planned}");
}

#[test]
fn a_token_that_is_proven_late_is_taken_without_a_second_restart() {
    let site = tokens::site();
    site.secret("inbox/CLAUDE_CODE_OAUTH_TOKEN", NEW_OAUTH);
    site.will_say("chain-events", &tokens::events(&["kora.boot.ready"]));
    let answers = ["mint.operator=Joshua", "mint.expires_at=2099-05-01T00:00:00Z", "probe.what=ticket KO-1"];
    let why = ["reason=yearly rotation", "boot_time=1s", "probe_time=1s"];
    let failed = site.run("kora.rotate_oauth_token", &why, &answers).exits(1).stdout;
    assert!(failed.contains("No inference with the new token"), "{failed}");
    let late = tokens::events(&["kora.boot.ready", "kora.sea_ticket.resolved"]).to_string();
    let after = in_seconds(5);
    fs::write(site.bench.path("dashboard/chain-events.json"), late.replace("NOW", &after)).unwrap();
    site.resume(&[]).exits(0);
    assert_eq!((tokens::value(&site, OAUTH).as_str(), site.restarts()), (NEW_OAUTH, 1));
}

/// So many seconds from now, as the dashboard writes it.
fn in_seconds(seconds: u64) -> String {
    let now = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
    let micros = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    engine::time::Timestamp::from_microseconds(i64::try_from(micros).unwrap()).unwrap().to_string()
}

#[test]
fn an_epoch_of_another_contract_a_sample_and_a_second_machine_are_each_named() {
    let Some((postgres, site)) = incident(4, 6) else { return };
    let refused = |title: &str, help: &str| {
        let said = site.run("kora.dr_epoch_bump", &TOLD, &TICKET).exits(3).stdout;
        assert!(said.contains(title) && said.contains(help), "{said}");
        assert_eq!(postgres.sql(EPOCHS), "4");
    };
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_contract_version = 2");
    refused("contract", "have this procedure reviewed");
    postgres.sql("UPDATE kora_dr_epoch_substrate SET substrate_contract_version = 1");
    site.says("dr-state", &json!({ "stub": true, "current": { "substrate_epoch": 4 } }));
    refused("answers live", "A stub is sample data");
    site.says("dr-state", &dr(4, 6));
    fs::write(site.bench.path("machines.json"), r#"{"Machines":[{"state":"started"},{"state":"started"}]}"#).unwrap();
    refused("machine", "");
    fs::write(site.bench.path("machines.json"), r#"{"Machines":[{"state":"started"}]}"#).unwrap();
    site.will_say("dr-state", &dr(7, 7));
    site.will_say("boot-status", &boot(&["3b_epoch_dr_check"]));
    site.will_say("operational-state", &state("ready", "normal", &[]));
    // None of that counts against the hour's one run.
    site.run("kora.dr_epoch_bump", &TOLD, &TICKET).exits(0);
}
