//! Rotation of Kora's tokens: Doppler and flyctl are small programs that behave as the real ones do, lies included.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::kora::{Site, boot, state};
use super::parts::{has, python};

const OLD: &str = "wsk_0000000000000000000000000000000000000000000000000000000000000000";
const NEW: &str = "wsk_1111111111111111111111111111111111111111111111111111111111111111";
const OLD_OAUTH: &str = "sk-ant-oat-old-old-old-old-old";
pub const NEW_OAUTH: &str = "sk-ant-oat-new-new-new-new-new";

/// What `doppler` does here: a folder for each project, a file for each key.
const DOPPLER: &str = r#"#!/bin/sh
here=$(dirname "$(dirname "$0")")
project=$(echo "$*" | sed 's/.*-p \([a-z-]*\).*/\1/')
case "$2" in
get) cat "$here/doppler/$project/$3" && echo ;;
set) if [ -e "$here/stale" ]; then cat > /dev/null; else cat > "$here/doppler/$project/$3"; fi ;;
*) printf '['; first=; for key in $(ls "$here/doppler/$project"); do printf '%s"%s"' "$first" "$key"; first=,; done; printf ']' ;;
esac
"#;

/// A deployment with both tokens, in which a restart leads to a ready boot.
pub fn site() -> Site {
    let site = Site::new("/nowhere");
    site.program("doppler", DOPPLER);
    let (substrate, anthropic) = ("doppler/kora-runtime-substrate", "doppler/kora-runtime-anthropic");
    for folder in [substrate, anthropic, "expiries"] {
        fs::create_dir_all(site.bench.path(folder)).unwrap();
    }
    for key in ["KORA_DEFAULT_WORKSPACE_ID", "KORA_ISOKRON_DSN", "KORA_SEA_MCP_ENDPOINT"] {
        site.secret(&format!("{substrate}/{key}"), "a value of its own");
    }
    site.secret(&format!("{substrate}/KORA_SERVICE_TOKEN"), OLD);
    site.secret(&format!("{anthropic}/CLAUDE_CODE_OAUTH_TOKEN"), OLD_OAUTH);
    let gates = ["3b_epoch_dr_check", "4_kora_runtime_role_perms", "6_wsk_token_valid", "10_kr7_boot_smoke"];
    site.will_say("boot-status", &boot(&gates));
    site.will_say("operational-state", &state("ready", "normal", &[]));
    site.will_say("health-rollup", &json!({ "stub": false, "overall": "healthy", "worker": "healthy" }));
    site.will_say("chain-events", &events(&["kora.boot.ready", "kora.sea_ticket.resolved"]));
    site
}

pub fn events(types: &[&str]) -> serde_json::Value {
    let events: Vec<_> = types.iter().map(|kind| json!({ "event_type": kind, "occurred_at": "NOW" })).collect();
    json!({ "stub": false, "events": events })
}

pub fn value(site: &Site, path: &str) -> String {
    fs::read_to_string(site.bench.path(path)).unwrap()
}

const TOKEN: &str = "doppler/kora-runtime-substrate/KORA_SERVICE_TOKEN";
pub const OAUTH: &str = "doppler/kora-runtime-anthropic/CLAUDE_CODE_OAUTH_TOKEN";
const MINTED: [&str; 2] = ["mint.ticket=SUB-12", "mint.expires_at=2099-11-18T00:00:00Z"];
const REVOKED: [&str; 2] = ["revoke_old.event_id=evt_12345678", "revoke_old.read_back=kora-runtime"];
const WHY: [&str; 2] = ["reason=quarterly rotation", "boot_time=1s"];

#[test]
fn a_service_token_is_rotated_and_no_value_is_left_anywhere() {
    let site = site();
    site.run("kora.rotate_service_token", &WHY, &[]).exits(5);
    site.secret("inbox/KORA_SERVICE_TOKEN", NEW);
    let answers = [MINTED, REVOKED].concat();
    let done = site.resume(&answers).exits(0);
    assert!(!done.raw.contains(NEW) && !done.raw.contains(OLD));
    assert_eq!(value(&site, TOKEN), NEW);
    assert_eq!(value(&site, "staged"), format!("KORA_SERVICE_TOKEN=\"\"\"{NEW}\"\"\"\n"));
    assert_eq!(value(&site, "escrow/KORA_SERVICE_TOKEN_OLD"), OLD);
    assert!(value(&site, "expiries/substrate.json").contains("2099-11-18"));
    assert_eq!(site.restarts(), 1);
    let shown = site.bench.run("ledger export").exits(0).raw;
    for value in [OLD, NEW, "the-session-token-of-now", "session-of-the-next-process"] {
        assert!(!shown.contains(value), "{value} is in the ledger");
    }
}

#[test]
fn a_token_that_would_be_cut_or_is_the_old_one_goes_nowhere() {
    let site = site();
    let wrong =
        [OLD.to_owned(), format!("{NEW}\n"), format!("{NEW} "), NEW.replace("11", "#1"), "wsk_1234567890".to_owned()];
    for (number, wrong) in wrong.iter().enumerate() {
        site.secret("inbox/KORA_SERVICE_TOKEN", wrong);
        // Rotations are counted by app.
        let app = format!("app=kora-{number}");
        let failed = site.run("kora.rotate_service_token", &[&WHY[..], &[&app]].concat(), &MINTED).exits(1).stdout;
        assert!(failed.contains("not one to go on with"), "{failed}");
    }
    assert_eq!((value(&site, TOKEN).as_str(), site.restarts()), (OLD, 0));
}

#[test]
fn a_third_rotation_within_a_day_is_refused_and_one_by_a_machine_too() {
    let site = site();
    site.secret("inbox/KORA_SERVICE_TOKEN", OLD);
    for _ in 0..2 {
        site.run("kora.rotate_service_token", &WHY, &MINTED).exits(1);
    }
    let refused = site.run("kora.rotate_service_token", &WHY, &MINTED).exits(3).stdout;
    assert!(refused.contains("may run 2 times in 24h"), "{refused}");
    let machine = ["run", "kora.rotate_oauth_token", "-q", "--confirm", "kora.rotate_oauth_token", "-p", WHY[0]];
    let refused = site.bench.run_with(&machine).exits(3).stdout;
    assert!(refused.contains("an actor of class `operator`"), "{refused}");
    assert_eq!((value(&site, TOKEN).as_str(), site.restarts()), (OLD, 0));
}

#[test]
fn a_doppler_that_says_done_and_does_nothing_is_found_out() {
    let site = site();
    site.secret("inbox/KORA_SERVICE_TOKEN", NEW);
    fs::write(site.bench.path("stale"), "").unwrap();
    let failed = site.run("kora.rotate_service_token", &WHY, &MINTED).exits(1).stdout;
    assert!(failed.contains("Doppler shows something else than was set"), "{failed}");
    assert_eq!(site.restarts(), 0);
}

#[test]
fn a_sample_or_a_failed_gate_stops_before_the_revocation_and_undo_puts_the_old_token_back() {
    let site = site();
    site.secret("inbox/KORA_SERVICE_TOKEN", NEW);
    let mut sample = boot(&["4_kora_runtime_role_perms", "6_wsk_token_valid", "10_kr7_boot_smoke"]);
    sample["stub"] = json!(true);
    site.will_say("boot-status", &sample);
    let answers = [MINTED, REVOKED].concat();
    let failed = site.run("kora.rotate_service_token", &WHY, &answers).exits(1).stdout;
    assert!(failed.contains("The boot was not READY with the new token"), "{failed}");
    assert_eq!(value(&site, TOKEN), NEW);
    site.bench.run_with(&["undo", "last", "-q", "--as", "ops", "--answer", "mint.done=seen it go"]).exits(7);
    assert_eq!(value(&site, TOKEN), OLD);
    assert_eq!(value(&site, "staged"), format!("KORA_SERVICE_TOKEN=\"\"\"{OLD}\"\"\"\n"));
    assert_eq!(site.restarts(), 2);
}

#[test]
fn nobody_revokes_and_the_other_rotation_waits() {
    let site = site();
    site.secret("inbox/KORA_SERVICE_TOKEN", NEW);
    site.secret("inbox/CLAUDE_CODE_OAUTH_TOKEN", NEW_OAUTH);
    site.run("kora.rotate_service_token", &WHY, &MINTED).exits(5);
    let refused = site.run("kora.rotate_oauth_token", &WHY, &["mint.operator=Joshua"]).exits(4).stdout;
    assert!(refused.contains("The other token's rotation is open"), "{refused}");
    let runs = site.bench.run("runs --format json").exits(0).json();
    let open = runs["runs"].as_array().unwrap().iter().find(|run| run["status"] == "suspended").unwrap();
    let run = open["run"].as_str().unwrap();
    site.bench.run_with(&["resume", run, "-q", "--as", "ops", "--answer", REVOKED[0], "--answer", REVOKED[1]]).exits(0);
    assert_eq!((value(&site, TOKEN).as_str(), site.restarts()), (NEW, 1));
    assert_eq!(value(&site, OAUTH), OLD_OAUTH);
}

#[test]
fn an_oauth_token_is_proven_by_inference_and_not_by_a_boot() {
    let site = site();
    site.secret("inbox/CLAUDE_CODE_OAUTH_TOKEN", NEW_OAUTH);
    let answers = ["mint.operator=Joshua", "mint.expires_at=2099-05-01T00:00:00Z", "probe.what=ticket KO-1"];
    let why = ["reason=yearly rotation", "boot_time=1s", "probe_time=1s"];
    site.will_say("chain-events", &events(&["kora.boot.ready"]));
    let failed = site.run("kora.rotate_oauth_token", &why, &answers).exits(1).stdout;
    assert!(failed.contains("No inference with the new token"), "{failed}");
    let undo =
        ["undo", "last", "-q", "--as", "ops", "--answer", "probe.done=closed", "--answer", "mint.done=seen it go"];
    site.bench.run_with(&undo).exits(7);
    assert_eq!(value(&site, OAUTH), OLD_OAUTH);
    site.will_say("chain-events", &events(&["kora.boot.ready", "kora.sea_ticket.resolved"]));
    site.run("kora.rotate_oauth_token", &why, &answers).exits(0);
    assert_eq!(value(&site, OAUTH), NEW_OAUTH);
    assert!(value(&site, "expiries/anthropic.json").contains("2099-05-01"));
}

#[test]
fn alerts_come_from_the_date_and_a_calendar_has_the_four_days() {
    let site = site();
    let (substrate, anthropic) = ("expiries/substrate.json", "expiries/anthropic.json");
    fs::write(site.bench.path(anthropic), r#"{"CLAUDE_CODE_OAUTH_TOKEN":"2099-05-01T00:00:00Z"}"#).unwrap();
    let unknown = site.run("kora.credential_alerts", &[], &[]).exits(1).stdout;
    assert!(unknown.contains("Nobody has said when the token expires"), "{unknown}");
    fs::write(site.bench.path(substrate), r#"{"KORA_SERVICE_TOKEN":"2099-08-18T00:00:00Z"}"#).unwrap();
    site.run("kora.credential_alerts", &["schedule=systemd", "workspace_dir=/srv/ops"], &[]).exits(0);
    let calendar = value(&site, "alerts/kora-tokens.ics");
    assert!(
        calendar.contains("DTSTART:20990818T000000Z\r\n") && calendar.contains("DTSTART:20990501T000000Z\r\n"),
        "{calendar}"
    );
    for days in ["30", "14", "7", "1"] {
        assert_eq!(calendar.matches(&format!("TRIGGER:-P{days}D\r\n")).count(), 2, "{calendar}");
    }
    assert!(calendar.lines().all(|line| !line.starts_with(' ')), "{calendar}");
    assert_eq!(calendar.matches('\n').count(), calendar.matches("\r\n").count());
    assert!(value(&site, "alerts/kora-tokens.timer").contains("OnCalendar=*-*-* 09:00:00"));
    assert!(value(&site, "alerts/kora-tokens.service").contains("kora.credential_alerts"));
    site.run("kora.credential_alerts", &["schedule=crontab", "workspace_dir=/srv/ops"], &[]).exits(0);
    assert!(value(&site, "alerts/kora-tokens.crontab").contains("0 9 * * * runwarden"));
    is_read_by_others(&site);
    fs::write(site.bench.path(substrate), r#"{"KORA_SERVICE_TOKEN":"2020-08-18T00:00:00Z"}"#).unwrap();
    let due = site.run("kora.credential_alerts", &[], &[]).exits(1).stdout;
    assert!(due.contains("KORA_SERVICE_TOKEN expires soon, or has expired"), "{due}");
}

/// A reader of calendars that is not ours finds both ends with four alarms each, and systemd finds nothing wrong.
fn is_read_by_others(site: &Site) {
    let read = "import icalendar, sys\ncalendar = icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read())\n\
        assert calendar.errors == []\nfor event in calendar.walk('VEVENT'):\n    assert event.errors == []\n    \
        alarms = [alarm.decoded('TRIGGER').days for alarm in event.walk('VALARM')]\n    \
        print(event['UID'], event.decoded('DTSTART').isoformat(), alarms)\n";
    if let Some(python) = python("icalendar") {
        let calendar = site.bench.path("alerts/kora-tokens.ics");
        let told = Command::new(python).args(["-c", read]).arg(calendar).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert_eq!(
            String::from_utf8(told.stdout).unwrap(),
            "kora-service@runwarden 2099-08-18T00:00:00+00:00 [-30, -14, -7, -1]\n\
             kora-oauth@runwarden 2099-05-01T00:00:00+00:00 [-30, -14, -7, -1]\n"
        );
    }
    // Where there is no systemd, nothing of it is needed.
    if has("systemd-analyze", "--version") {
        let units = ["service", "timer"].map(|kind| site.bench.path(&format!("alerts/kora-tokens.{kind}")));
        let told = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
        assert!(told.status.success() && told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
    }
}
