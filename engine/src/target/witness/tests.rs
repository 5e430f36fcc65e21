//! Our ledger against a witness on loopback, and against the answers of one that has seen otherwise.
//!
//! The witness here is ours, for the release we test on has no other: it keeps what it has seen of each log, checks the
//! log's signature and the consistency proof as C2SP tlog-witness says, and signs with a key of its own. What it is sent
//! and answers in the first exchange is held to recorded bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Map;
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::*;
use crate::event::{Draft, Kind};
use crate::host::machine::{Machine, Settings};
use crate::ledger::reader::Reader;
use crate::ledger::report::Status;
use crate::ledger::signed;
use crate::ledger::verify::verify;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::cosignature::{Cosignature, message};
use crate::merkle::note::{Note, VerifierKey};
use crate::merkle::proof::check_consistency;
use crate::sign::ledger_key::LedgerKey;
use crate::time::Timestamp;

const ORIGIN: &str = "example.org/ledger/test";
const TIME: u64 = 1_795_167_312;

fn key() -> LedgerKey {
    LedgerKey::from_seed(&[7; 32])
}

fn witness_key() -> WitnessKey {
    WitnessKey::new("witness.example/w1", LedgerKey::from_seed(&[9; 32]).public()).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(1_795_167_312_000_000 + seconds * 1_000_000).unwrap()
}

fn ours() -> VerifierKey {
    VerifierKey::new(ORIGIN, key().public()).unwrap()
}

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.db");
        Ledger::create(&path, ORIGIN, &key(), at(0), "0193e4a0-5c1e-7a3b-9d27-3f1c8b6a2e11").unwrap();
        Self { _folder: folder, path }
    }

    fn open(&self) -> Ledger {
        Ledger::open(&self.path, key(), at(1)).unwrap()
    }
}

fn beat(ledger: &mut Ledger, count: usize) {
    for _ in 0..count {
        ledger.append(at(2), &[Draft::new(Kind::Heartbeat, Map::new())]).unwrap();
    }
}

/// What a witness has seen of each log: size and root.
#[derive(Clone, Default)]
struct OwnWitness {
    seen: Arc<Mutex<HashMap<String, (u64, Hash)>>>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl OwnWitness {
    async fn start(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(path("/add-checkpoint")).respond_with(self.clone()).mount(&server).await;
        server
    }

    fn add_checkpoint(&self, body: &str) -> Result<String, (u16, String)> {
        let wrong = |status: u16| (status, String::new());
        let (head, note) = body.split_once("\n\n").ok_or(wrong(400))?;
        let note = Note::parse(note.as_bytes()).map_err(|_| wrong(400))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|_| wrong(400))?;
        if checkpoint.origin != ORIGIN {
            return Err(wrong(404));
        }
        signed::judge(note.to_string().as_bytes(), &[ours()]).map_err(|_| wrong(403))?;
        let mut lines = head.split('\n');
        let old: u64 = lines.next().and_then(|line| line.strip_prefix("old ")?.parse().ok()).ok_or(wrong(400))?;
        let hash = |line: &str| -> Option<Hash> {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(line).ok()?.try_into().ok()
        };
        let proof: Vec<Hash> = lines.map(hash).collect::<Option<_>>().ok_or(wrong(400))?;
        if old > checkpoint.size {
            return Err(wrong(400));
        }
        let mut seen = self.seen.lock().unwrap();
        let (size, root) = seen.get(&checkpoint.origin).copied().unwrap_or_default();
        if old != size || (old == checkpoint.size && root != checkpoint.root) {
            return Err((409, format!("{size}\n")));
        }
        if old > 0 {
            check_consistency(old, checkpoint.size, &root, &checkpoint.root, &proof).map_err(|_| wrong(422))?;
        }
        seen.insert(checkpoint.origin.clone(), (checkpoint.size, checkpoint.root));
        let signature = LedgerKey::from_seed(&[9; 32]).sign(&message(TIME, note.text()));
        let mut signed = Note::new(note.text().to_owned()).unwrap();
        signed.add_line(witness_key().line(&Cosignature { time: TIME, signature }));
        Ok(signed.to_string().strip_prefix(&format!("{}\n", note.text())).unwrap().to_owned())
    }
}

impl Respond for OwnWitness {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = String::from_utf8(request.body.clone()).unwrap();
        self.bodies.lock().unwrap().push(body.clone());
        match self.add_checkpoint(&body) {
            Ok(lines) => ResponseTemplate::new(200).set_body_string(lines),
            Err((409, size)) => ResponseTemplate::new(409).set_body_raw(size, "text/x.tlog.size"),
            Err((status, _)) => ResponseTemplate::new(status),
        }
    }
}

async fn ask_at(server: &MockServer, ledger: &mut Ledger) -> Said {
    let machine = Machine::new(Settings::default());
    let (key, url) = (witness_key(), format!("{}/", server.uri()));
    ask(&machine, ledger, &Witness { name: "w1", url: &url, key: &key }, &[Duration::ZERO; 2]).await.unwrap()
}

#[track_caller]
fn alarm_of(said: Said) -> Problem {
    let alarm = match said {
        Said::Alarm(problem) => Some(problem),
        Said::Cosigned { .. } | Said::Not { .. } => None,
    };
    alarm.unwrap()
}

/// A witness that answers the same whatever it is sent.
async fn answering(answer: ResponseTemplate) -> (Said, usize) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let place = Place::new();
    let said = ask_at(&server, &mut place.open()).await;
    (said, server.received_requests().await.unwrap().len())
}

fn sized(status: u16, size: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(size.to_owned(), "text/x.tlog.size")
}

#[tokio::test]
async fn each_checkpoint_is_cosigned_and_the_cosignature_stands_in_its_file() {
    let (witness, place) = (OwnWitness::default(), Place::new());
    let server = witness.start().await;
    let mut ledger = place.open();
    assert_eq!(ask_at(&server, &mut ledger).await, Said::Cosigned { size: 2, time: TIME });
    beat(&mut ledger, 5);
    assert_eq!(ask_at(&server, &mut ledger).await, Said::Cosigned { size: 7, time: TIME });
    // Asked again, nobody has to be.
    assert_eq!(ask_at(&server, &mut ledger).await, Said::Cosigned { size: 7, time: TIME });
    let bodies = witness.bodies.lock().unwrap().clone();
    let olds: Vec<&str> = bodies.iter().map(|body| body.lines().next().unwrap()).collect();
    assert_eq!(olds, ["old 0", "old 2"]);
    for size in [2, 7] {
        let file = std::fs::read(signed::folder_of(&place.path).join(size.to_string())).unwrap();
        let note = Note::parse(&file).unwrap();
        assert_eq!(cosigned::at(&note, &witness_key()), Some(TIME));
        assert_eq!(signed::judge(&file, &[ours()]).unwrap().size, size);
    }
}

#[tokio::test]
async fn what_is_sent_and_kept_is_as_it_was_recorded() {
    let (witness, place) = (OwnWitness::default(), Place::new());
    let server = witness.start().await;
    let mut ledger = place.open();
    ask_at(&server, &mut ledger).await;
    let note = ledger.newest_checkpoint().unwrap().note.to_string();
    let sent = witness.bodies.lock().unwrap()[0].clone();
    let ours_alone: String =
        note.lines().filter(|line| !line.contains("witness.example/w1")).map(|line| format!("{line}\n")).collect();
    assert_eq!(sent, format!("old 0\n\n{ours_alone}"));
    // The id of a witness's key, and its time in eight bytes, come before the signature.
    let line = note.lines().last().unwrap();
    assert!(line.starts_with("— witness.example/w1 "), "{line}");
    let added = Note::parse(note.as_bytes()).unwrap().signatures().last().cloned().unwrap();
    assert_eq!((added.key_id, added.bytes.len()), (witness_key().id(), 72));
    assert_eq!(added.bytes[..8], TIME.to_be_bytes());
}

#[tokio::test]
async fn a_witness_that_knows_a_smaller_size_is_sent_the_proof_from_there() {
    let (witness, place) = (OwnWitness::default(), Place::new());
    let server = witness.start().await;
    let mut ledger = place.open();
    ask_at(&server, &mut ledger).await;
    beat(&mut ledger, 3);
    // We have lost what it gave us, so we begin at nothing.
    for size in [1, 2] {
        let path = signed::folder_of(&place.path).join(size.to_string());
        if let Ok(text) = std::fs::read_to_string(&path) {
            let kept: String =
                text.lines().filter(|line| !line.contains("w1")).map(|line| format!("{line}\n")).collect();
            std::fs::write(&path, kept).unwrap();
        }
    }
    assert_eq!(ask_at(&server, &mut ledger).await, Said::Cosigned { size: 5, time: TIME });
    let olds: Vec<String> =
        witness.bodies.lock().unwrap().iter().map(|body| body.lines().next().unwrap().to_owned()).collect();
    assert_eq!(olds, ["old 0", "old 0", "old 2"]);
}

#[tokio::test]
async fn an_answer_that_was_lost_on_its_way_is_asked_for_again() {
    let (witness, place) = (OwnWitness::default(), Place::new());
    let server = witness.start().await;
    let mut ledger = place.open();
    let request = {
        ledger.newest_checkpoint().unwrap();
        ledger.grown_since(0).unwrap().to_string()
    };
    // It has cosigned, and we never heard.
    witness.add_checkpoint(&request).unwrap();
    assert_eq!(ask_at(&server, &mut ledger).await, Said::Cosigned { size: 2, time: TIME });
}

#[tokio::test]
async fn a_witness_that_has_seen_another_history_is_an_alarm() {
    // The same origin and key, another genesis: a fork.
    let witness = OwnWitness::default();
    let server = witness.start().await;
    let place = Place::new();
    let mut ledger = place.open();
    beat(&mut ledger, 1);
    ask_at(&server, &mut ledger).await;
    let other = Place::new();
    let mut forked = other.open();
    forked.append(at(50), &[Draft::new(Kind::Heartbeat, Map::new())]).unwrap();
    forked.append(at(51), &[Draft::new(Kind::Heartbeat, Map::new())]).unwrap();
    let problem = alarm_of(ask_at(&server, &mut forked).await);
    assert_eq!(problem.code, "witness_conflict");
    assert_eq!(problem.detail, "witness `w1`: it takes our proof from 3 to 4 entries for none");
    // One that is shorter than what the witness has seen: cut, or restored from too old a copy.
    let short = Place::new();
    let problem = alarm_of(ask_at(&server, &mut short.open()).await);
    assert_eq!(problem.detail, "witness `w1`: it has seen 3 entries of this ledger, and there are 2");
    // One of the same length.
    let same = Place::new();
    let mut ledger = same.open();
    ledger.append(at(99), &[Draft::new(Kind::Heartbeat, Map::new())]).unwrap();
    let problem = alarm_of(ask_at(&server, &mut ledger).await);
    assert_eq!(problem.detail, "witness `w1`: it has seen 3 entries of this ledger with another root");
}

#[tokio::test]
async fn an_alarm_is_not_asked_about_again() {
    let (said, asked) = answering(sized(409, "900\n")).await;
    assert!(matches!(said, Said::Alarm(_)), "{said:?}");
    assert_eq!(asked, 1);
    let (said, asked) = answering(ResponseTemplate::new(422)).await;
    assert!(matches!(said, Said::Alarm(_)), "{said:?}");
    assert_eq!(asked, 1);
}

#[track_caller]
fn not(said: &Said, part: &str) {
    let is_so = matches!(said, Said::Not { why } if why.contains(part));
    assert!(is_so, "{said:?}");
}

#[tokio::test]
async fn a_witness_that_is_not_able_is_asked_three_times_and_then_is_one_less() {
    for status in [429, 500, 503] {
        let (said, asked) = answering(ResponseTemplate::new(status)).await;
        not(&said, &format!("status {status}"));
        assert_eq!(asked, 3);
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (machine, key, place) = (Machine::new(Settings::default()), witness_key(), Place::new());
    let url = format!("http://{free}");
    let witness = Witness { name: "w1", url: &url, key: &key };
    not(&ask(&machine, &mut place.open(), &witness, &[Duration::ZERO; 2]).await.unwrap(), "no answer from");
}

#[tokio::test]
async fn an_answer_that_is_none_is_no_cosignature_and_no_alarm() {
    for (answer, part) in [
        (ResponseTemplate::new(404), "does not know this ledger's origin"),
        (ResponseTemplate::new(403), "does not know this ledger's key"),
        (ResponseTemplate::new(302).insert_header("location", "/elsewhere"), "status 302"),
        (sized(409, "many\n"), "not which"),
        (sized(409, "0\n"), "it names the size 0 that it was sent"),
        (ResponseTemplate::new(200).set_body_string("yes\n"), "no signatures"),
        (ResponseTemplate::new(200).set_body_string("— w AAAAAAA=\n"), "not with a cosignature by"),
    ] {
        let (said, asked) = answering(answer).await;
        not(&said, part);
        assert_eq!(asked, 1, "{part}");
    }
    // It goes on naming other sizes.
    let (said, asked) = answering(sized(409, "1\n")).await;
    not(&said, "it names the size 1 that it was sent");
    assert_eq!(asked, 2);
}

#[tokio::test]
async fn a_cosignature_by_another_key_or_over_another_text_is_not_kept() {
    let place = Place::new();
    let mut ledger = place.open();
    let text = ledger.newest_checkpoint().unwrap().note.text().to_owned();
    for (seed, time, over) in [(9, TIME, text.replace("\n2\n", "\n3\n")), (8, TIME, text.clone()), (9, 0, text.clone())]
    {
        let signature = LedgerKey::from_seed(&[seed; 32]).sign(&message(time, &over));
        let mut note = Note::new(text.clone()).unwrap();
        note.add_line(witness_key().line(&Cosignature { time, signature }));
        let lines = note.to_string().strip_prefix(&format!("{text}\n")).unwrap().to_owned();
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_string(lines))
            .mount(&server)
            .await;
        not(&ask_at(&server, &mut ledger).await, "not with a cosignature by");
        assert_eq!(ledger.newest_checkpoint().unwrap().note.signatures().len(), 1);
    }
}

#[tokio::test]
async fn a_cosigned_checkpoint_is_as_good_as_one_from_elsewhere_and_finds_a_fork() {
    let (witness, place) = (OwnWitness::default(), Place::new());
    let server = witness.start().await;
    let mut ledger = place.open();
    beat(&mut ledger, 3);
    ask_at(&server, &mut ledger).await;
    ledger.close(at(9)).unwrap();
    let judge = |keys: &[WitnessKey], at_least| {
        let scratch = TempDir::new().unwrap();
        let reader = Reader::copy(&place.path, scratch.path()).unwrap();
        let checkpoints = reader.checkpoints().unwrap();
        verify(&reader, &[ours()], &checkpoints, &cosigned::as_anchors(&checkpoints, keys, at_least))
    };
    let report = judge(&[witness_key()], 1);
    assert_eq!((report.status, report.problems.len()), (Status::Ok, 0));
    assert!(report.anchors[0].source.ends_with(", cosigned by witness.example/w1"), "{:?}", report.anchors);
    let other = WitnessKey::new("witness.example/w2", [3; 32]).unwrap();
    assert_eq!(judge(std::slice::from_ref(&other), 1).status, Status::SelfConsistentOnly);
    assert_eq!(judge(&[witness_key(), other], 2).status, Status::SelfConsistentOnly);
    assert_eq!(judge(&[], 0).status, Status::SelfConsistentOnly);
}
