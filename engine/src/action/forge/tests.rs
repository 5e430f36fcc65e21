//! Verdicts and policies, held against what Python's cryptography and hashlib made of the same bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::verdict::{Results, judge, read_key};
use crate::action::Error;
use crate::action::trial::Trial;
use crate::id::Digest;

/// Keys and signatures that Python's `cryptography` made over the two hashes below.
const KEY: &str = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";
const KEY_HEX: &str = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
const SIGNATURE: &str = "Y2COwr3UoK67+FTxNZ+VB/d9QT8HY+gA4/NuBrqP/JCkLLh57pW+xY6s4fEFn6JSp8R/YZt2L6n8JJSqciAHDg==";
const OTHER_KEY: &str = "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=";
const OTHER_SIGNATURE: &str =
    "IhgdRNLEbyoF/LkLfNicrKU//1j8coc2c+YOfwY/jUxxgEt62Xt6iF4Ua6lJXvETK3I5OkHzlnNYBT7oA84VCw==";
const SCORE: &str = r#"{"passed":1,"scenario_id":"scn-0001","score":1.0}"#;
const SCORE_HASH: &str = "8e1dbb897c3cf8a2e8e2e028f0716243bbab5b7c91b4220f5bbed6ca52e8a295";
const EVIDENCE: &str = "bundle";
const EVIDENCE_HASH: &str = "1e6ed65d77d6364eeaed5a745ba5c4985ae2b700dd85d7cf7f027bdf294a33fc";

const FOLDER: &str = "storage/scenarios/scn-0001/results";

fn verdict(scenario: &str, signature: &str) -> String {
    format!(
        "{{\n  \"scenario_id\": \"{scenario}\",\n  \"score_hash\": \"{SCORE_HASH}\",\n  \"evidence_hash\": \
         \"{EVIDENCE_HASH}\",\n  \"computed_at\": \"2026-11-20T09:42:42.729007+00:00\",\n  \"signature\": \"{signature}\"\n}}"
    )
}

/// A scenario's results, in place, and as they should be.
fn scene() -> Trial {
    let trial = Trial::new();
    for (name, content) in [
        ("score.json", SCORE),
        ("evidence.tar.gz", EVIDENCE),
        ("verdict.sig", &verdict("scn-0001", SIGNATURE)),
        ("verdict.pub", KEY),
    ] {
        trial.file(&format!("{FOLDER}/{name}"), content);
    }
    trial
}

async fn look(trial: &Trial, with: Value) -> Result<Value, Error> {
    trial.read("forge.verdict_verify", with).await
}

async fn verified(trial: &Trial) -> (bool, Vec<String>) {
    let found = look(trial, json!({ "directory": FOLDER, "public_key": KEY })).await.unwrap();
    let code = |problem: &Value| problem["code"].as_str().unwrap().to_owned();
    (found["valid"].as_bool().unwrap(), found["problems"].as_array().unwrap().iter().map(code).collect())
}

#[track_caller]
fn invalid(found: (bool, Vec<String>), codes: &[&str]) {
    assert_eq!(found, (false, codes.iter().map(|code| (*code).to_owned()).collect()));
}

#[tokio::test]
async fn what_the_pinned_key_signed_is_valid_in_either_spelling_of_the_key() {
    let trial = scene();
    for key in [KEY.to_owned(), KEY_HEX.to_owned(), format!(" {KEY}\n")] {
        let found = look(&trial, json!({ "directory": FOLDER, "public_key": key })).await.unwrap();
        assert_eq!(
            (&found["valid"], &found["scenario_id"], &found["problems"]),
            (&json!(true), &json!("scn-0001"), &json!([]))
        );
        assert_eq!((&found["score_sha256"], &found["evidence_sha256"]), (&json!(SCORE_HASH), &json!(EVIDENCE_HASH)));
        assert_eq!(found["computed_at"], "2026-11-20T09:42:42.729007+00:00");
    }
}

#[tokio::test]
async fn the_pinned_key_may_stand_in_a_file_that_is_elsewhere() {
    let trial = scene();
    trial.file("trusted.pub", format!("{KEY}\n"));
    let with = json!({ "directory": FOLDER, "public_key_file": "trusted.pub" });
    assert_eq!(look(&trial, with).await.unwrap()["valid"], true);
    for with in [
        json!({ "directory": FOLDER, "public_key_file": format!("{FOLDER}/verdict.pub") }),
        json!({ "directory": FOLDER, "public_key_file": "trusted.pub", "public_key": KEY }),
        json!({ "directory": FOLDER }),
    ] {
        assert_eq!(look(&trial, with).await.unwrap_err().code, "bad_input");
    }
}

#[tokio::test]
async fn the_key_beside_the_verdict_is_not_the_one_that_counts() {
    let trial = scene();
    trial.file(&format!("{FOLDER}/verdict.sig"), verdict("scn-0001", OTHER_SIGNATURE));
    trial.file(&format!("{FOLDER}/verdict.pub"), OTHER_KEY);
    invalid(verified(&trial).await, &["key_mismatch", "signature_mismatch"]);
    trial.file(&format!("{FOLDER}/verdict.pub"), KEY);
    invalid(verified(&trial).await, &["signature_mismatch"]);
}

#[tokio::test]
async fn results_of_another_scenario_are_refused_though_they_are_signed() {
    let trial = scene();
    fs::create_dir_all(trial.path("storage/scenarios/scn-0002")).unwrap();
    fs::rename(trial.path(FOLDER), trial.path("storage/scenarios/scn-0002/results")).unwrap();
    let with = json!({ "directory": "storage/scenarios/scn-0002/results", "public_key": KEY });
    let found = look(&trial, with.clone()).await.unwrap();
    assert_eq!(found["problems"][0]["code"], "scenario_mismatch");
    assert_eq!(found["problems"].as_array().unwrap().len(), 2);
    let mut named = with;
    named["scenario"] = json!("scn-0001");
    assert_eq!(look(&trial, named).await.unwrap()["valid"], true);
}

#[tokio::test]
async fn each_change_has_its_name() {
    let changed = async |name: &str, content: &str| {
        let trial = scene();
        trial.file(&format!("{FOLDER}/{name}"), content);
        verified(&trial).await
    };
    invalid(changed("score.json", &SCORE.replace("1.0", "0.0")).await, &["score_mismatch"]);
    invalid(changed("evidence.tar.gz", "other").await, &["evidence_mismatch"]);
    invalid(changed("verdict.sig", &verdict("scn-0002", SIGNATURE)).await, &["scenario_mismatch"]);
    invalid(changed("verdict.sig", "no json").await, &["bad_verdict"]);
    let noisy = verdict("scn-0001", &SIGNATURE.replace('+', "+*"));
    invalid(changed("verdict.sig", &noisy).await, &["bad_signature"]);
    let twice = verdict("scn-0001", SIGNATURE).replacen('{', "{\"score_hash\":\"x\",", 1);
    invalid(changed("verdict.sig", &twice).await, &["bad_verdict"]);
    let upper = verdict("scn-0001", SIGNATURE).replace(SCORE_HASH, &SCORE_HASH.to_uppercase());
    invalid(changed("verdict.sig", &upper).await, &["score_mismatch", "signature_mismatch"]);
    invalid(changed("verdict.pub", "no key").await, &["bad_key"]);
    invalid(changed("score.json", "[]").await, &["bad_score", "score_mismatch"]);
    invalid(changed("evidence.tar.zst", "second").await, &["two_bundles"]);
}

#[tokio::test]
async fn every_missing_file_is_named() {
    let trial = scene();
    for name in ["score.json", "evidence.tar.gz", "verdict.sig", "verdict.pub"] {
        fs::remove_file(trial.path(FOLDER).join(name)).unwrap();
    }
    invalid(verified(&trial).await, &["missing_file"; 4]);
    let with = json!({ "directory": "storage/scenarios/none/results", "public_key": KEY });
    assert_eq!(look(&trial, with).await.unwrap_err().code, "not_found");
}

#[tokio::test]
async fn what_cannot_be_judged_is_no_verdict() {
    let trial = scene();
    for with in [
        json!({ "directory": FOLDER, "public_key": "short" }),
        json!({ "directory": FOLDER }),
        json!({ "directory": "storage/scenarios", "public_key": KEY }),
    ] {
        assert_eq!(look(&trial, with).await.unwrap_err().code, "bad_input");
    }
}

#[tokio::test]
async fn policies_are_digested_as_forge_does() {
    let trial = Trial::new();
    for (name, content) in [
        ("a.rego", "package a"),
        ("Z.rego", "package z\n"),
        ("sub/b.rego", "package b\r\n"),
        ("notes.txt", "no policy"),
    ] {
        trial.file(&format!("policies/{name}"), content);
    }
    // Python's hashlib over the same files.
    let digest = "7005c11283b28a79ca23ce4386d47b037aba0b12cbc76e2f1e5866a44cb9ef3f";
    let with = json!({ "directory": "policies", "expect": digest });
    let found = trial.read("forge.policy_hash", with).await.unwrap();
    assert_eq!((&found["sha256"], &found["matches"]), (&json!(digest), &json!(true)));
    assert_eq!((&found["files"], &found["count"]), (&json!(["Z.rego", "a.rego", "sub/b.rego"]), &json!(3)));
    trial.file("policies/a.rego", "package b");
    let with = json!({ "directory": "policies", "expect": digest });
    assert_eq!(trial.read("forge.policy_hash", with).await.unwrap()["matches"], false);
    let with = json!({ "directory": "policies" });
    assert_eq!(trial.read("forge.policy_hash", with).await.unwrap()["matches"], Value::Null);
}

#[tokio::test]
async fn where_no_policy_is_there_is_no_digest() {
    let trial = Trial::new();
    trial.file("policies/notes.txt", "no policy");
    let code = async |with: Value| trial.read("forge.policy_hash", with).await.unwrap_err().code;
    assert_eq!(code(json!({ "directory": "policies" })).await, "no_policies");
    assert_eq!(code(json!({ "directory": "policies", "expect": "ABC" })).await, "bad_input");
    std::os::unix::fs::symlink("notes.txt", trial.path("policies/linked.rego")).unwrap();
    assert_eq!(code(json!({ "directory": "policies" })).await, "refused");
}

const SOUND: &str = "FORGE_ENV=Prod\nSAT_HMAC_SECRET=sat-sat-sat-sat\nET_HMAC_SECRET=et-et-et-et-et\n\
    RECEIPT_HMAC_SECRET=receipt-receipt\nOPERATOR_TOKEN=operator-operator\n";

/// A service's environment, and what is found in it.
async fn environment_of(service: &str, content: &str) -> Value {
    let trial = Trial::new();
    trial.file("service.env", content);
    let trial = trial.store("env_file", "dotenv", json!({ "path": "service.env" }));
    let found = trial.read("forge.environment", json!({ service: "env_file" })).await.unwrap();
    for secret in ["sat-sat-sat-sat", "receipt-receipt", "/keys/signing.pem"] {
        assert!(!found.to_string().contains(secret), "{found}");
    }
    found
}

#[tokio::test]
async fn a_sound_environment_has_the_four_secrets_and_what_the_service_needs_when_it_runs() {
    let spawn = environment_of("spawn_service", SOUND).await;
    assert_eq!((&spawn["ok"], &spawn["environment"]), (&json!(true), &json!("prod")));
    let orchestrator = environment_of("orchestrator", SOUND).await;
    let tokens = json!(["orchestrator/ORCHESTRATOR_INTERNAL_TOKEN", "orchestrator/SCOREBOARD_INTERNAL_TOKEN"]);
    assert_eq!((&orchestrator["ok"], &orchestrator["unset"]), (&json!(false), &tokens));
    assert_eq!(orchestrator["services"][0]["refuses"], Value::Null);
    let whole = format!("{SOUND}SCOREBOARD_INTERNAL_TOKEN=scoreboard-1\nSIGNING_KEY_PATH=/keys/signing.pem\n");
    assert_eq!(environment_of("scoreboard", &whole).await["ok"], true);
    let unset = json!(["scoreboard/SIGNING_KEY_PATH"]);
    let keyless = whole.replace("/keys/signing.pem", "\" \"");
    assert_eq!(environment_of("scoreboard", &keyless).await["unset"], unset);
}

#[tokio::test]
async fn a_secret_that_is_missing_or_blank_is_missing_outside_of_development() {
    let without = SOUND.replace("OPERATOR_TOKEN=operator-operator\n", "").replace("sat-sat-sat-sat", "\"  \"");
    let found = environment_of("spawn_service", &without).await;
    let missing = json!(["spawn_service/SAT_HMAC_SECRET", "spawn_service/OPERATOR_TOKEN"]);
    assert_eq!((&found["missing"], &found["ok"]), (&missing, &json!(false)));
    let said = "Missing required secrets: SAT_HMAC_SECRET, OPERATOR_TOKEN";
    assert_eq!(found["services"][0]["refuses"], said);
    for development in ["FORGE_ENV=dev\n", "FORGE_ENV=DEVELOPMENT\n", ""] {
        let found = environment_of("spawn_service", &format!("{development}DEV_ALLOW_XPLAN=true\n")).await;
        assert_eq!((&found["ok"], &found["services"][0]["development"]), (&json!(true), &json!(true)));
    }
}

#[tokio::test]
async fn a_flag_is_on_in_any_spelling_and_on_any_service() {
    for spelling in ["true", "True", "1", "yes", "ON", "y", "\" true \"", "enabled"] {
        for service in ["spawn_service", "orchestrator", "scoreboard"] {
            let found = environment_of(service, &format!("{SOUND}ALLOW_FREE_DEFAULT={spelling}\n")).await;
            assert_eq!(found["unsafe_flags"], json!([format!("{service}/ALLOW_FREE_DEFAULT")]), "{spelling}");
            let refuses = (service == "spawn_service").then_some("ALLOW_FREE_DEFAULT is not allowed in staging/prod");
            assert_eq!(found["services"][0]["refuses"], json!(refuses));
        }
    }
    for spelling in ["false", "FALSE", "0", "no", "Off", ""] {
        let found = environment_of("spawn_service", &format!("{SOUND}DEV_ALLOW_XPLAN={spelling}\n")).await;
        assert_eq!(found["ok"], true, "{spelling}");
    }
}

#[tokio::test]
async fn an_unknown_word_and_an_older_name_are_named() {
    for word in ["preview", "\" prod\"", "live"] {
        let content = format!("{}SAT_SECRET=old-old-old\n", SOUND.replace("Prod", word));
        let found = environment_of("spawn_service", &content).await;
        assert_eq!((&found["environment"], &found["ok"]), (&json!("other"), &json!(false)), "{word}");
        assert_eq!(found["unknown_environments"], json!(["spawn_service"]));
        assert_eq!(found["aliases"], json!(["spawn_service/SAT_SECRET"]));
    }
    let trial = Trial::new();
    assert_eq!(trial.read("forge.environment", json!({})).await.unwrap_err().code, "bad_input");
    trial.file("service.env", format!("{SOUND}SIGNING_KEY_PATH: /keys/signing.pem\n"));
    let trial = trial.store("env_file", "dotenv", json!({ "path": "service.env" }));
    // With a colon it is no line of such a file: Forge sees nothing, and here it is named.
    let error = trial.read("forge.environment", json!({ "scoreboard": "env_file" })).await.unwrap_err();
    assert_eq!(error.code, "ambiguous", "{}", error.message);
}

#[tokio::test]
async fn services_in_two_environments_have_none_in_common() {
    let trial = Trial::new();
    trial.file("a.env", SOUND);
    trial.file("b.env", SOUND.replace("Prod", "staging"));
    let trial = trial.store("a", "dotenv", json!({ "path": "a.env" })).store("b", "dotenv", json!({ "path": "b.env" }));
    let with = json!({ "spawn_service": "a", "orchestrator": "b" });
    let found = trial.read("forge.environment", with).await.unwrap();
    assert_eq!((&found["environment"], found["services"].as_array().unwrap().len()), (&Value::Null, 2));
}

proptest! {
    #[test]
    fn no_verdict_makes_the_judge_panic_or_is_valid_by_chance(verdict in any::<Vec<u8>>(), key in any::<Vec<u8>>()) {
        let evidence = Digest::of(EVIDENCE.as_bytes());
        let results = Results {
            scenario: "scn-0001",
            score: Some(SCORE.as_bytes()),
            evidence: Some(&evidence),
            verdict: Some(&verdict),
            key: Some(&key),
        };
        let (_, problems) = judge(&results, &read_key(KEY).unwrap());
        prop_assert!(!problems.is_empty());
    }
}
