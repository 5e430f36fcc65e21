//! What a report makes of facts; whole reports of real runs are asked for in `tests/cli/reports.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::people::Signature;
use super::{inputs, meaning, people};
use crate::event::fact::{Event, Fact};
use crate::event::state::RunStatus;
use crate::id::RunId;
use crate::ledger::told::Told;
use crate::sign::actor_key::ActorKey;
use crate::sign::sshsig::Namespace;
use crate::time::Timestamp;

/// A fact as an entry has it: kind and data.
fn told(seq: u64, kind: &str, data: serde_json::Value) -> Told {
    let event: Event = serde_json::from_value(json!({ "kind": kind, "data": data })).unwrap();
    let run = RunId::parse("01a1fa71-9e0d-7b79-8fc9-e0024434b35b").unwrap();
    let at = Timestamp::from_microseconds(i64::try_from(seq).unwrap() * 1_000_000).unwrap();
    Told { seq, at, fact: Fact { run, step: None, attempt: None, actor: Some("ada".to_owned()), event } }
}

#[test]
fn every_status_is_said_in_words_of_its_own() {
    use RunStatus::{Cancelled, Failed, Refused, Rejected, Stuck, Succeeded, Suspended, Undone, Unknown};
    let all = [Succeeded, Refused, Rejected, Failed, Undone, Stuck, Cancelled, Unknown, Suspended];
    let mut words: Vec<&str> = all.iter().map(|status| meaning(status.as_str())).chain([meaning("running")]).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), all.len() + 1);
}

#[test]
fn a_lock_was_given_back_taken_away_or_is_held() {
    let lock = |name: &str, fence: u64| json!({ "lock": name, "fence": fence });
    let facts = [
        told(1, "lock.taken", lock("a", 1)),
        told(2, "lock.taken", lock("b", 2)),
        told(3, "lock.broken", json!({ "lock": "b", "fence": 2, "reason": "gone" })),
        told(4, "lock.taken", lock("b", 3)),
        told(5, "lock.released", lock("a", 1)),
    ];
    let locks = inputs::locks(&facts);
    let shown: Vec<_> = locks
        .iter()
        .map(|lock| {
            let broken = lock.broken.as_ref().map(|broken| (broken.reason.as_str(), broken.by.as_deref()));
            (lock.lock.as_str(), lock.fence, lock.released_at == Some(facts[4].at), broken)
        })
        .collect();
    assert_eq!(shown, [("a", 1, true, None), ("b", 2, false, Some(("gone", Some("ada")))), ("b", 3, false, None)]);
}

#[test]
fn a_secret_stands_once_with_all_who_read_it() {
    let read = |by: &str| json!({ "name": "token", "store": "vault", "key": "T", "by": by });
    let facts = [
        told(1, "secret.read", read("plan")),
        told(2, "secret.read", read("put")),
        told(3, "secret.read", read("put")),
    ];
    let secrets = inputs::secrets(None, &facts);
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].by, ["plan", "put"]);
}

fn approval(document: &str, signature: Option<String>) -> Told {
    let mut signed = json!({ "document": document });
    if let Some(signature) = signature {
        signed["signature"] = signature.into();
    }
    let data = json!({ "id": "1", "approver": "ada", "role": "commander", "reason": "go", "signed": signed });
    told(7, "approval.granted", data)
}

#[test]
fn a_signature_is_good_bad_or_none() {
    let key = ActorKey::from_seed(&[7; 32]);
    let document = json!({
        "approver": "ada", "at": "2026-11-20T09:00:00Z", "environment": "production", "id": "1",
        "ledger": "test/ops", "not_after": "2026-11-20T10:00:00Z",
        "plan": format!("sha256:{}", "0".repeat(64)), "purpose": "approve", "reason": "go", "role": "commander",
        "type": "approval", "v": 1,
    });
    let document = document.to_string();
    let signature = key.sign(Namespace::Approval, document.as_bytes());
    let fingerprint = key.public().fingerprint();
    let other_purpose = key.sign(Namespace::Waiver, document.as_bytes());
    let changed = document.replace("approve\"", "reject\"");
    for (document, signature, expected, consents) in [
        (&document, Some(signature.clone()), (Signature::Good, Some(fingerprint.as_str())), true),
        (&changed, Some(signature), (Signature::Bad, Some(fingerprint.as_str())), false),
        (&document, Some(other_purpose), (Signature::Bad, Some(fingerprint.as_str())), true),
        (&document, Some("no armour".to_owned()), (Signature::Bad, None), true),
        (&document, None, (Signature::None, None), true),
    ] {
        let found = people::consents(&[approval(document, signature)]).remove(0);
        assert_eq!((found.signature, found.key.as_deref()), expected);
        assert_eq!(found.consents, consents, "what is on record must also stand in the document");
    }
}

#[test]
fn a_consent_is_spent_when_the_record_says_so() {
    let spent = told(9, "approval.consumed", json!({ "id": "1", "approver": "ada" }));
    let of_another = told(8, "approval.consumed", json!({ "id": "2", "approver": "ada" }));
    let consents = people::consents(&[approval("{}", None), of_another]);
    assert_eq!(consents[0].spent_at, None);
    let at = spent.at;
    let consents = people::consents(&[approval("{}", None), spent]);
    assert_eq!(consents[0].spent_at, Some(at));
    assert!(!consents[0].consents, "a document that is none consents to nothing");
}
