//! Attestations and bundles before readers that are not ours: PyPI's `securesystemslib` judges the envelope and
//! `in_toto_attestation` the statement; a transparency log's entry counts in a bundle.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::bench::Bench;
use super::parts::{AFTER_RUN, python, run, workspace};

/// Reads an envelope and a public key in PEM; says whose signature it is and what it is about, or why it is none.
const JUDGE: &str = "
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
import in_toto_attestation.v1.statement_pb2 as pb
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
key = SSlibKey.from_crypto(load_pem_public_key(open(sys.argv[2], 'rb').read()))
try:
    accepted = envelope.verify([key], 1)
except VerificationError:
    print('refused')
    sys.exit(0)
assert list(accepted) == [key.keyid]
assert envelope.payload_type == 'application/vnd.in-toto+json'
statement = Statement.copy_from_pb(ParseDict(json.loads(envelope.payload), pb.Statement()))
statement.validate()
print(statement.pb.predicate_type)
for subject in statement.pb.subject:
    print(subject.name, subject.digest['sha256'])
";

/// A run, its attestation, and the public key as OpenSSL writes it.
fn attested() -> Option<Bench> {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, AFTER_RUN);
    run(&bench, "demo.note", 0);
    bench.run("key generate attestation.key --role attestation --name pipeline").exits(0);
    bench.run("runs report last --format intoto --signing-key attestation.key -o run.intoto.json -q").exits(0);
    let made = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(bench.path("attestation.key")).output();
    let there = made.as_ref().is_ok_and(|made| made.status.success());
    if super::parts::is_missing("openssl with Ed25519", there) {
        return None;
    }
    Some(bench.file("attestation.pem", &String::from_utf8(made.unwrap().stdout).unwrap()))
}

fn judged(python: &std::path::Path, bench: &Bench, name: &str) -> String {
    let judged = Command::new(python)
        .args(["-c", JUDGE])
        .args([bench.path(name), bench.path("attestation.pem")])
        .output()
        .unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    String::from_utf8(judged.stdout).unwrap()
}

#[test]
fn stock_readers_take_an_attestation_and_refuse_a_changed_one() {
    let (Some(python), Some(_)) = (python("securesystemslib.dsse"), python("in_toto_attestation.v1.statement")) else {
        return;
    };
    let Some(bench) = attested() else { return };
    let said = judged(&python, &bench, "run.intoto.json");
    let mut lines = said.lines();
    let predicate = lines.next().unwrap();
    assert_eq!(predicate, "https://github.com/runwarden/runwarden/blob/main/docs/intoto.md#run-v1");
    // The subject is what `anchor export` writes: who has the one can look for the other.
    let exported = bench.run("anchor export last -o anchors --format json").exits(0).json();
    let entry = std::fs::read(bench.path(&format!("anchors/{}.json", exported["run"].as_str().unwrap()))).unwrap();
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&entry));
    assert!(said.contains(&format!("run/{} {digest}\n", exported["run"].as_str().unwrap())), "{said}");
    assert!(said.contains("\nprocedure/demo.note@1.0.0 ") && said.contains("\nplan/demo.note "), "{said}");

    let envelope: Value = serde_json::from_str(&bench.read("run.intoto.json")).unwrap();
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    let schema = bench.run("schema output/intoto_statement").exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&statement), "{statement:#}");
    assert_eq!(statement["predicate"]["ledger"]["entry"].as_str().unwrap().as_bytes(), entry);
    // The proof in it is a tlog-proof like any other.
    let proof = statement["predicate"]["ledger"]["tlogProof"].as_str().unwrap().to_owned();
    let bench = bench.file("in.tlog-proof", &proof).file("in.json", &String::from_utf8(entry).unwrap());
    bench.run("anchor verify in.tlog-proof").exits(0);

    let places = [0, payload.len() / 2, payload.len() - 1];
    for place in places {
        let mut changed = payload.clone();
        changed[place] ^= 1;
        let mut other = envelope.clone();
        other["payload"] = STANDARD.encode(changed).into();
        let bench = Bench::empty()
            .file("changed.json", &other.to_string())
            .file("attestation.pem", &bench.read("attestation.pem"));
        assert_eq!(judged(&python, &bench, "changed.json"), "refused\n", "byte {place}");
    }
    let mut other = envelope.clone();
    other["payloadType"] = "application/json".into();
    let bench = bench.file("changed.json", &other.to_string());
    assert_eq!(judged(&python, &bench, "changed.json"), "refused\n");
}

#[test]
fn a_bundle_has_the_anchor_that_a_store_took() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("{{ kind: anchor_store, driver: directory, path: '{}', trust: low }}", folder.path().display());
    let bench = workspace(&store, AFTER_RUN);
    run(&bench, "demo.note", 0);
    bench.run("runs bundle last -o run.json -q").exits(0);
    let key = bench.run("ledger head --format json").json()["vkey"].as_str().unwrap().to_owned();
    let said = bench.run_with(&["verify-bundle", "run.json", "--key", &key]).exits(0).stdout;
    assert!(
        said.contains("ok     anchors      vault (directory, ") && said.contains("took the anchor that is here"),
        "{said}"
    );
    let whole: Value = serde_json::from_str(&bench.read("run.json")).unwrap();
    let stored = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let stored = stored.into_iter().find(|path| path.extension().is_some_and(|found| found == "tlog-proof")).unwrap();
    assert_eq!(whole["anchors"][0]["tlog_proof"], std::fs::read_to_string(stored).unwrap());
    assert_eq!(whole["facts"]["anchors"][0]["store"], "vault");
}
