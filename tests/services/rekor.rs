//! The anchor store `rekor`. No server of Rekor v2 can be had here: its one endpoint is doubled by a log that is really
//! built, with inclusion proofs and signed checkpoints. What is sent and what is read is judged by PyPI's `sigstore`.

use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::merkle::note::VerifierKey;
use engine::sign::ledger_key::LedgerKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::bench::Bench;
use super::parts::{AFTER_RUN, entries, has, independence, is_missing, python, run, workspace};

type Hash = [u8; 32];

const NAME: &str = "log.example.org";

/// How the double answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Rightly,
    /// With another root than the proof leads to.
    WithAnotherRoot,
    /// With a checkpoint that another key signed.
    SignedByAnother,
    /// With an entry that was there before ours.
    OfAnother,
    /// Not at all.
    Unavailable,
}

/// RFC 6962, section 2.1, as it is written there.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

fn way(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut way, other) = match index < half {
        true => (way(index, left), root(right)),
        false => (way(index - half, right), root(left)),
    };
    way.push(other);
    way
}

/// A log in memory.
struct Log {
    answers: Answers,
    bodies: Mutex<Vec<String>>,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Log {
    fn entry(&self, request: &Value) -> Value {
        let told = &request["hashedRekordRequestV002"];
        let (digest, signature) = (&told["digest"], &told["signature"]["content"]);
        let verifier = &told["signature"]["verifier"];
        let body = format!(
            "{{\"apiVersion\":\"0.0.2\",\"kind\":\"hashedrekord\",\"spec\":{{\"hashedRekordV002\":{{\"data\":{{\"algorithm\":\
             \"SHA2_256\",\"digest\":{digest}}},\"signature\":{{\"content\":{signature},\"verifier\":{{\"keyDetails\":{},\
             \"publicKey\":{{\"rawBytes\":{}}}}}}}}}}}}}",
            verifier["keyDetails"], verifier["publicKey"]["rawBytes"]
        );
        let mut bodies = self.bodies.lock().unwrap();
        bodies.push(body);
        let leaf = |body: &String| Sha256::new().chain_update([0]).chain_update(body).finalize().into();
        let leaves: Vec<Hash> = bodies.iter().map(leaf).collect();
        let index = if self.answers == Answers::OfAnother { 0 } else { leaves.len() - 1 };
        let top = if self.answers == Answers::WithAnotherRoot { [7; 32] } else { root(&leaves) };
        let text = format!("{NAME}\n{}\n{}\n", leaves.len(), STANDARD.encode(top));
        let key = LedgerKey::from_seed(&[3; 32]);
        let named = VerifierKey::new(NAME, key.public()).unwrap();
        let signer = if self.answers == Answers::SignedByAnother { LedgerKey::from_seed(&[9; 32]) } else { key };
        let line = STANDARD.encode([&named.id()[..], &signer.sign(text.as_bytes())].concat());
        let hashes: Vec<String> = way(index, &leaves).iter().map(|hash| STANDARD.encode(hash)).collect();
        json!({
            "logIndex": index.to_string(),
            "logId": { "keyId": STANDARD.encode(named.id()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "integratedTime": "0",
            "inclusionProof": {
                "logIndex": index.to_string(),
                "rootHash": STANDARD.encode(top),
                "treeSize": leaves.len().to_string(),
                "hashes": hashes,
                "checkpoint": { "envelope": format!("{text}\n— {NAME} {line}\n") },
            },
            "canonicalizedBody": STANDARD.encode(&bodies[index]),
        })
    }
}

impl Respond for Log {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let request: Value = serde_json::from_slice(&request.body).unwrap();
        self.requests.lock().unwrap().push(request.clone());
        match self.answers {
            Answers::Unavailable => ResponseTemplate::new(503),
            _ => ResponseTemplate::new(201).set_body_json(self.entry(&request)),
        }
    }
}

/// A log that runs, a key to tell it things with, and what it was asked.
struct Running {
    // The server answers as long as its runtime is there.
    _runtime: Runtime,
    url: String,
    keys: TempDir,
    requests: Arc<Mutex<Vec<Value>>>,
}

fn start(answers: Answers) -> Running {
    let runtime = Runtime::new().unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let bodies = Mutex::new((0..6).map(|number| format!("{{\"an entry of others\":{number}}}")).collect());
    let log = Log { answers, bodies, requests: Arc::clone(&requests) };
    let server = runtime.block_on(async {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(path("/api/v2/log/entries")).respond_with(log).mount(&server).await;
        server
    });
    let url = server.uri();
    // It ends with the runtime.
    std::mem::forget(server);
    let keys = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(keys.path().join("anchor.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let chmod = Command::new("chmod").arg("600").arg(keys.path().join("anchor.pem")).status().unwrap();
    assert!(chmod.success());
    Running { _runtime: runtime, url, keys, requests }
}

fn log_key() -> String {
    VerifierKey::new(NAME, LedgerKey::from_seed(&[3; 32]).public()).unwrap().to_string()
}

impl Running {
    fn bench(&self) -> Bench {
        let store = format!(
            "{{ kind: anchor_store, driver: rekor, url: '{}', log_key: '{}', key: '{}' }}",
            self.url,
            log_key(),
            self.keys.path().join("anchor.pem").display()
        );
        workspace(&store, AFTER_RUN)
    }
}

fn without_openssl() -> bool {
    is_missing("openssl", has("openssl", "version"))
}

#[test]
fn an_entry_of_a_log_counts_when_it_proves_itself_and_an_auditor_checks_it_offline() {
    if without_openssl() {
        return;
    }
    let log = start(Answers::Rightly);
    let bench = log.bench();
    let done = run(&bench, "demo.note", 0);
    assert_eq!(done["anchored"], true);
    let receipt = entries(&bench, "anchor.receipt")[0]["data"].clone();
    assert_eq!((&receipt["details"]["index"], &receipt["trust"]), (&6.into(), &"high".into()), "{receipt:#}");
    // What a log was told once, it is not told again.
    bench.run("anchor store last").exits(0);
    assert_eq!(log.requests.lock().unwrap().len(), 1);
    bench.run("anchor fetch last --from vault").exits(11);

    let entry = receipt["details"]["entry"].to_string();
    let bench =
        bench.file("entry.json", &entry).file("other.json", &entry.replace("\"logIndex\":\"6\"", "\"logIndex\":\"5\""));
    bench.run("anchor export last -o out").exits(0);
    let proof = format!("out/{}.tlog-proof", done["run"].as_str().unwrap());
    let judge = |file: &str| {
        bench.run(&format!("anchor verify {proof} --log-entry {file} --log-key {} --format json", log_key()))
    };
    let judged = judge("entry.json").exits(0).json();
    assert!(judged["findings"].to_string().contains("it is entry 6 of log.example.org"), "{judged:#}");
    judge("other.json").exits(1);

    // With openssl alone: the signature that the log has is over the proof's bytes.
    let body = STANDARD.decode(receipt["details"]["entry"]["canonicalizedBody"].as_str().unwrap()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let signed = &body["spec"]["hashedRekordV002"]["signature"];
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    std::fs::write(bench.path("signature"), bytes(&signed["content"])).unwrap();
    std::fs::write(bench.path("key.der"), bytes(&signed["verifier"]["publicKey"]["rawBytes"])).unwrap();
    let line = format!(
        "openssl pkey -pubin -inform DER -in key.der -out key.pem && openssl dgst -sha256 -verify key.pem -signature \
         signature {proof}"
    );
    assert_eq!(bench.shell(&line).exits(0).stdout, "Verified OK\n");
}

#[test]
fn an_answer_that_does_not_prove_itself_is_no_receipt() {
    if without_openssl() {
        return;
    }
    let cases = [
        (Answers::WithAnotherRoot, "does not prove itself"),
        (Answers::SignedByAnother, "the log's checkpoint"),
        (Answers::OfAnother, "its body does not say"),
        (Answers::Unavailable, "status 503"),
    ];
    for (answers, words) in cases {
        let log = start(answers);
        let bench = log.bench();
        assert_eq!(run(&bench, "demo.note", 1)["anchored"], false, "{answers:?}");
        assert!(entries(&bench, "anchor.receipt").is_empty(), "{answers:?}");
        let failed = &entries(&bench, "anchor.failed")[0]["data"]["detail"];
        assert!(failed.as_str().unwrap().contains(words), "{answers:?}: {failed}");
        // What may pass is tried again, and nothing else is.
        let tries = if answers == Answers::Unavailable { 3 } else { 1 };
        assert_eq!(log.requests.lock().unwrap().len(), tries, "{answers:?}");
    }
}

#[test]
fn a_log_that_takes_no_change_is_independent() {
    if without_openssl() {
        return;
    }
    let found = independence(&start(Answers::Rightly).bench());
    assert_eq!((&found["independent"], &found["trust"]), (&true.into(), &"high".into()), "{found:#}");
}

/// Reads request and answer as sigstore's own client does, and verifies proof and checkpoint.
const JUDGE: &str = r#"
import sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from sigstore_models.common import v1 as common
from sigstore_models.rekor import v2 as rekor_v2
from sigstore_models.rekor.v1 import TransparencyLogEntry as Inner
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring
from sigstore.models import TransparencyLogEntry

request, answer, log_key = open(sys.argv[1]).read(), open(sys.argv[2]).read(), sys.argv[3]
told = rekor_v2.entry.CreateEntryRequest.from_json(request).hashed_rekord_request_v002
assert told.signature.verifier.key_details.value == "PKIX_ECDSA_P256_SHA_256", told
key = serialization.load_der_public_key(told.signature.verifier.public_key.raw_bytes)
key.verify(told.signature.content, told.digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
entry = TransparencyLogEntry(Inner.from_json(answer))
verify_merkle_inclusion(entry)
keyring = Keyring([common.PublicKey(raw_bytes=log_key.encode(), key_details=common.PublicKeyDetails.PKIX_ED25519)])
verify_checkpoint(keyring, entry)
print("ok")
"#;

#[test]
fn sigstore_reads_what_is_sent_and_verifies_what_is_taken_for_proven() {
    let Some(python) = python("sigstore") else { return };
    if without_openssl() {
        return;
    }
    let log = start(Answers::Rightly);
    let bench = log.bench();
    run(&bench, "demo.note", 0);
    let request = log.requests.lock().unwrap()[0].to_string();
    let entry = entries(&bench, "anchor.receipt")[0]["data"]["details"]["entry"].to_string();
    let bench = bench.file("request.json", &request).file("answer.json", &entry);
    // An Ed25519 public key as X.509 has it.
    let der =
        [&hex::decode("302a300506032b6570032100").unwrap()[..], &LedgerKey::from_seed(&[3; 32]).public()].concat();
    let judged = Command::new(python)
        .args(["-c", JUDGE])
        .args([bench.path("request.json"), bench.path("answer.json")])
        .arg(STANDARD.encode(der))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&judged.stdout), "ok\n", "{}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn a_bundle_has_the_entry_of_the_log_for_who_knows_its_key() {
    if without_openssl() {
        return;
    }
    let log = start(Answers::Rightly);
    let bench = log.bench();
    run(&bench, "demo.note", 0);
    bench.run("runs bundle last -o run.json -q").exits(0);
    let key = bench.run("ledger head --format json").json()["vkey"].as_str().unwrap().to_owned();
    let verify = |log_key: &str| bench.run_with(&["verify-bundle", "run.json", "--key", &key, "--log-key", log_key]);
    let said = verify(&log_key()).exits(0).stdout;
    assert!(said.contains(&format!("took the anchor that is here, as entry 6 of {NAME}")), "{said}");
    let other = VerifierKey::new(NAME, LedgerKey::from_seed(&[9; 32]).public()).unwrap().to_string();
    let said = verify(&other).exits(1).stdout;
    assert!(said.contains("wrong  anchors ") && said.contains("the log's entry: "), "{said}");
}
