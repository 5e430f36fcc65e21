//! Signed documents: what they must be to the byte, and every way in which one does not count.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::approval::{self, Given};
use super::document::{self, Approval, IsApproval, IsWaiver, Purpose, RunDocument, Scope, VERSION, Waiver};
use super::standing::Standing;
use super::waiver::{self, Terms};
use super::{Rules, running};
use crate::event::people::{Signed, Sought, Wanted};
use crate::id::{Digest, Id, Name, RunId};
use crate::procedure::workspace::Actor;
use crate::procedure::{ActorClass, Environment};
use crate::sign::actor_key::ActorKey;
use crate::sign::sshsig::Namespace;
use crate::time::{Duration, Timestamp};

const NOW: &str = "2026-11-20T09:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn key(seed: u8) -> ActorKey {
    ActorKey::from_seed(&[seed; 32])
}

fn run() -> RunId {
    RunId::from_parts(1_795_000_000_000, &[1; 10])
}

fn plan() -> Digest {
    Digest::of(b"plan")
}

/// Ada and Ben command, Cleo has no role, Dana is Ada with another name.
fn actors() -> IndexMap<Id, Actor> {
    let actor = |name: &str, seed: u8, roles: &[&str]| {
        let actor = Actor {
            class: ActorClass::Operator,
            roles: roles.iter().map(|role| id(role)).collect(),
            key: Some(key(seed).public().to_line()),
            not_after: None,
            revoked_at: None,
        };
        (id(name), actor)
    };
    IndexMap::from([
        actor("ada", 1, &["commander"]),
        actor("ben", 2, &["commander"]),
        actor("cleo", 3, &[]),
        actor("dana", 1, &["commander"]),
    ])
}

fn rules(actors: &IndexMap<Id, Actor>, now: &str) -> Rules<'static> {
    // Tests are short: what they leak is little.
    let actors = Box::leak(Box::new(actors.clone()));
    Rules { actors, ledger: "test/ops", environment: Environment::Production, must_sign: true, now: at(now) }
}

fn wanted(quorum: u32) -> Wanted {
    let (by, from) = ("deploy".to_owned(), vec![id("commander")]);
    Wanted { by, quorum, from, exclude_initiator: true, expires: Some(Duration::parse("4h").unwrap()) }
}

fn sought(quorum: u32) -> Sought {
    let initiators = vec!["olga".to_owned()];
    Sought { plan: plan(), step: None, inputs: None, wanted: vec![wanted(quorum)], initiators }
}

fn approval(by: &str) -> Approval {
    Approval {
        v: VERSION,
        kind: IsApproval::It,
        ledger: "test/ops".to_owned(),
        environment: Environment::Production,
        id: format!("approval-of-{by}"),
        plan: plan(),
        run: None,
        step: None,
        inputs: None,
        purpose: Purpose::Approve,
        approver: id(by),
        role: id("commander"),
        at: at("2026-11-20T08:00:00Z"),
        not_after: at("2026-11-20T12:00:00Z"),
        reason: "looked at it".to_owned(),
    }
}

fn signed(approval: &Approval, seed: u8) -> Signed {
    let document = document::write(approval);
    let signature = key(seed).sign(Namespace::Approval, document.as_bytes());
    Signed { document, signature: Some(signature) }
}

fn judged(change: impl FnOnce(&mut Approval)) -> Result<Given, String> {
    let mut approval = approval("ada");
    change(&mut approval);
    let rules = rules(&actors(), NOW);
    approval::judge(&rules, &sought(1), &run(), &signed(&approval, 1)).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Approval), why: &str) {
    let error = judged(change).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[test]
fn an_approval_by_somebody_who_may_counts() {
    let given = judged(|_| ()).unwrap();
    assert_eq!(given.noted().key.unwrap(), key(1).public().fingerprint());
}

#[test]
fn an_approval_to_something_else_does_not_count() {
    refused(|it| it.plan = Digest::of(b"other"), "is for another plan");
    refused(|it| it.ledger = "test/other".to_owned(), "is for another ledger");
    refused(|it| it.environment = Environment::Staging, "is for another environment: staging");
    refused(|it| it.run = Some(RunId::from_parts(1, &[2; 10])), "is for another run");
    refused(|it| it.step = Some("bump".to_owned()), "is for another step: bump");
}

#[test]
fn an_approval_is_good_for_its_time_alone() {
    refused(|it| it.not_after = at(NOW), "expired at 2026-11-20T09:00:00.000000Z");
    refused(|it| it.at = at("2026-11-20T09:06:00Z"), "is from the future");
    refused(|it| it.not_after = it.at, "is good for no time at all");
    refused(|it| it.not_after = at("2026-11-20T12:00:01Z"), "is good for 4h 1s, and `deploy` allows 4h");
}

#[test]
fn only_whom_the_procedure_asks_for_counts() {
    refused(|it| it.role = id("auditor"), "has not the role `auditor`");
    refused(|it| it.approver = id("mallory"), "runwarden.yaml has no such actor");
    let mut cleo = approval("cleo");
    cleo.role = id("commander");
    let rules = rules(&actors(), NOW);
    let error = approval::judge(&rules, &sought(1), &run(), &signed(&cleo, 3)).unwrap_err();
    assert!(error.to_string().contains("has not the role `commander`"), "{error}");
    let mut by_auditors = sought(1);
    by_auditors.wanted[0].from = vec![id("auditor")];
    let error = approval::judge(&rules, &by_auditors, &run(), &signed(&approval("ada"), 1)).unwrap_err();
    assert!(error.to_string().contains("asks for `auditor`"), "{error}");
}

#[test]
fn who_planned_or_runs_it_does_not_count_under_any_name() {
    let rules = rules(&actors(), NOW);
    let mut of_ada = sought(1);
    of_ada.initiators = vec!["ada".to_owned()];
    for (name, seed) in [("ada", 1), ("dana", 1)] {
        let error = approval::judge(&rules, &of_ada, &run(), &signed(&approval(name), seed)).unwrap_err();
        assert!(error.to_string().contains("planned or runs this"), "{error}");
    }
    assert!(approval::judge(&rules, &of_ada, &run(), &signed(&approval("ben"), 2)).is_ok());
    of_ada.wanted[0].exclude_initiator = false;
    assert!(approval::judge(&rules, &of_ada, &run(), &signed(&approval("ada"), 1)).is_ok());
    let mut refusal = approval("ada");
    refusal.purpose = Purpose::Reject;
    of_ada.wanted[0].exclude_initiator = true;
    assert!(approval::judge(&rules, &of_ada, &run(), &signed(&refusal, 1)).is_ok(), "anyone may refuse their own run");
}

#[test]
fn a_key_that_expired_or_was_revoked_signs_for_nobody() {
    let mut known = actors();
    known[0].revoked_at = Some(at("2026-11-20T08:30:00Z"));
    known[1].not_after = Some(at(NOW));
    let rules = rules(&known, NOW);
    let error = approval::judge(&rules, &sought(1), &run(), &signed(&approval("ada"), 1)).unwrap_err();
    assert!(error.to_string().contains("whose key was revoked at 2026-11-20T08:30:00.000000Z"), "{error}");
    let error = approval::judge(&rules, &sought(1), &run(), &signed(&approval("ben"), 2)).unwrap_err();
    assert!(error.to_string().contains("whose key expired at"), "{error}");
}

#[test]
fn a_signature_is_by_the_key_over_the_document_for_the_purpose() {
    let rules = rules(&actors(), NOW);
    let judge = |signed: &Signed| {
        approval::judge(&rules, &sought(1), &run(), signed).map(drop).map_err(|error| error.to_string())
    };
    let good = signed(&approval("ada"), 1);
    let by_other = signed(&approval("ada"), 2);
    assert!(judge(&by_other).unwrap_err().contains("it was made by the key"), "{:?}", judge(&by_other));
    let mut longer = approval("ada");
    longer.reason = "changed".to_owned();
    let changed = Signed { document: document::write(&longer), signature: good.signature.clone() };
    assert!(judge(&changed).unwrap_err().contains("it is not over this document"));
    let for_runs = key(1).sign(Namespace::Run, good.document.as_bytes());
    let for_runs = Signed { document: good.document.clone(), signature: Some(for_runs) };
    assert!(judge(&for_runs).unwrap_err().contains("made for `runwarden-run@v1`"));
    for armour in ["", "none", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"] {
        let none = Signed { document: good.document.clone(), signature: Some(armour.to_owned()) };
        assert!(judge(&none).unwrap_err().contains("no armoured SSH signature"));
    }
    let unsigned = Signed { document: good.document.clone(), signature: None };
    assert!(judge(&unsigned).unwrap_err().contains("is not signed, and must be here"));
    let lax = Rules { must_sign: false, ..rules };
    assert!(approval::judge(&lax, &sought(1), &run(), &unsigned).is_ok());
    assert!(approval::judge(&lax, &sought(1), &run(), &by_other).is_err(), "a wrong signature is wrong everywhere");
}

#[test]
fn a_document_is_rfc_8785_to_the_byte() {
    let text = document::write(&approval("ada"));
    assert!(
        text.starts_with("{\"approver\":\"ada\",\"at\":\"2026-11-20T08:00:00.000000Z\",\"environment\":"),
        "{text}"
    );
    assert!(document::read::<Approval>(&format!("{text}\n")).is_ok(), "editors end a file so");
    let cases = [
        (text.replacen(',', ", ", 1), "it is not RFC 8785 JSON"),
        (
            text.replacen("\"approver\":\"ada\",", "\"approver\":\"ada\",\"approver\":\"ada\",", 1),
            "it is not RFC 8785 JSON",
        ),
        (text.replacen("\"v\":1", "\"v\":2", 1), "its version is 2"),
        (text.replacen("\"type\":\"approval\"", "\"type\":\"waiver\"", 1), "unknown variant `waiver`"),
        (text.replacen("\"v\":1", "\"v\":1,\"x\":1", 1), "unknown field `x`"),
        (text.replacen(",\"v\":1", "", 1), "missing field `v`"),
        (text.replacen("2026-11-20T08:00:00.000000Z", "2026-11-20T08:00:00", 1), "RFC 3339 with an offset"),
        (text.replacen("approval-of-ada", " ", 1), "`id` is empty"),
        ("{".repeat(100_000), "it is longer than"),
        ("[".repeat(5000), "recursion limit"),
        (String::new(), "EOF"),
    ];
    for (text, why) in cases {
        let error = document::read::<Approval>(&text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_quorum_counts_people_and_keys_once() {
    let rules = rules(&actors(), NOW);
    let given = |signed: &Signed| approval::judge(&rules, &sought(2), &run(), signed).unwrap();
    let mut again = approval("ada");
    again.id = "another".to_owned();
    let ada = given(&signed(&approval("ada"), 1));
    let twice = [ada.clone(), given(&signed(&again, 1))];
    let missing = approval::missing(&rules, &twice, &sought(2)).unwrap();
    assert_eq!(missing, "`deploy` asks for 2 approvals by `commander`, and has 1");
    let two_names = [ada.clone(), given(&signed(&approval("dana"), 1))];
    assert!(approval::missing(&rules, &two_names, &sought(2)).is_some(), "one key under two names");
    let two = [ada, given(&signed(&approval("ben"), 2))];
    assert_eq!(approval::missing(&rules, &two, &sought(2)), None);
    assert!(approval::missing(&rules, &[], &sought(0)).is_some(), "a quorum of nobody is none");
}

#[test]
fn a_step_is_consented_to_with_its_run_and_inputs() {
    let rules = rules(&actors(), NOW);
    let mut of_step = sought(1);
    (of_step.step, of_step.inputs) = (Some("bump".to_owned()), Some(Digest::of(b"inputs")));
    let judge = |change: fn(&mut Approval)| {
        let mut approval = approval("ada");
        (approval.run, approval.step, approval.inputs) =
            (Some(run()), Some("bump".to_owned()), Some(Digest::of(b"inputs")));
        change(&mut approval);
        approval::judge(&rules, &of_step, &run(), &signed(&approval, 1)).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(judge(|_| ()), Ok(()));
    assert!(judge(|it| it.run = None).unwrap_err().contains("is for another run"));
    assert!(judge(|it| it.inputs = Some(Digest::of(b"other"))).unwrap_err().contains("another input of the step"));
    assert!(judge(|it| it.inputs = None).unwrap_err().contains("another input of the step: none"));
    assert!(judge(|it| it.step = None).unwrap_err().contains("another step: the plan as a whole"));
}

#[test]
fn a_run_document_is_good_for_five_minutes() {
    let known = actors();
    let rules = rules(&known, NOW);
    let made: RunDocument = running::make(&rules, &plan(), &id("ada"), &[7; 16]);
    let text = document::write(&made);
    let signature = key(1).sign(Namespace::Run, text.as_bytes());
    let signed = Signed { document: text, signature: Some(signature) };
    let judge = |now: &str, plan: &Digest, actor: &str| {
        let rules = Rules { now: at(now), ..rules };
        running::judge(&rules, plan, actor, &signed).map_err(|error| error.to_string())
    };
    assert_eq!(judge("2026-11-20T09:05:00Z", &plan(), "ada"), Ok(()));
    assert!(judge("2026-11-20T09:05:01Z", &plan(), "ada").unwrap_err().contains("was good for 5m"));
    assert!(judge("2026-11-20T08:54:00Z", &plan(), "ada").unwrap_err().contains("is from the future"));
    assert!(judge(NOW, &Digest::of(b"other"), "ada").unwrap_err().contains("another plan"));
    assert!(judge(NOW, &plan(), "ben").unwrap_err().contains("another actor"));
}

#[test]
fn an_actor_is_of_the_class_and_has_one_of_the_roles() {
    let standing = Standing { class: ActorClass::Operator, roles: vec![id("commander")] };
    assert!(standing.has_one_of(&[]) && standing.has_one_of(&[id("auditor"), id("commander")]));
    assert!(!standing.has_one_of(&[id("auditor")]));
    assert_eq!(Standing::unnamed().class, ActorClass::Automation);
}

fn a_waiver() -> Waiver {
    Waiver {
        v: VERSION,
        kind: IsWaiver::It,
        ledger: "test/ops".to_owned(),
        environment: Environment::Production,
        id: "w1".to_owned(),
        guard: "not_on_friday".to_owned(),
        guard_digest: Digest::of(b"guard"),
        procedure: Name::parse("deploy").unwrap(),
        scope: Scope::default(),
        reason: "hotfix".to_owned(),
        approver: id("ada"),
        not_before: at("2026-11-20T08:00:00Z"),
        not_after: at("2026-11-20T10:00:00+00:00"),
        max_uses: 1,
        ticket: "OPS-7".to_owned(),
    }
}

fn lifts(change: impl FnOnce(&mut Waiver), terms: impl FnOnce(&mut Terms)) -> Result<(), String> {
    let (mut waiver, by) = (a_waiver(), vec![id("commander")]);
    change(&mut waiver);
    let max_for = Some(Duration::parse("4h").unwrap());
    let mut of_guard = Terms { digest: Digest::of(b"guard"), by, max_for, max_uses: Some(2) };
    terms(&mut of_guard);
    let document = document::write(&waiver);
    let signature = Some(key(1).sign(Namespace::Waiver, document.as_bytes()));
    let signed = Signed { document, signature };
    let read = waiver::read(&signed).map_err(|error| error.to_string())?;
    let judged = waiver::judge(&rules(&actors(), NOW), &read, &signed, &of_guard, &["olga".to_owned()]);
    judged.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_waiver_lifts_the_guard_that_allows_it() {
    assert_eq!(lifts(|_| (), |_| ()), Ok(()));
    let refused = |result: Result<(), String>, why: &str| {
        let error = result.unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(lifts(|_| (), |terms| terms.by.clear()), "does not lift guard `not_on_friday`: no waiver can lift it");
    refused(lifts(|_| (), |terms| terms.digest = Digest::of(b"x")), "it was changed since");
    refused(lifts(|_| (), |terms| terms.by = vec![id("owner")]), "is none of `owner`, who may lift");
    refused(lifts(|_| (), |terms| terms.max_for = Duration::parse("1h").ok()), "it lasts 2h, and the guard allows 1h");
    refused(lifts(|it| it.max_uses = 3, |_| ()), "it has 3 uses, and the guard allows 2");
    refused(lifts(|it| it.max_uses = 0, |_| ()), "`max_uses` is 0");
    refused(lifts(|it| it.not_after = at(NOW), |_| ()), "expired at");
    refused(lifts(|it| it.not_before = at("2026-11-20T09:00:01Z"), |_| ()), "is not good before");
    refused(lifts(|it| it.not_after = it.not_before, |_| ()), "no time at all");
    refused(lifts(|it| it.ledger = "x".to_owned(), |_| ()), "another ledger");
    refused(lifts(|it| it.environment = Environment::Staging, |_| ()), "another environment");
    refused(lifts(|it| it.approver = id("ben"), |_| ()), "it was made by the key");
    refused(lifts(|it| it.reason = String::new(), |_| ()), "`reason` is empty");
    refused(lifts(|it| it.ticket = String::new(), |_| ()), "`ticket` is empty");
}

#[test]
fn nobody_lifts_a_guard_of_their_own_run() {
    let waiver = a_waiver();
    let document = document::write(&waiver);
    let signature = Some(key(1).sign(Namespace::Waiver, document.as_bytes()));
    let signed = Signed { document, signature };
    let terms = Terms { digest: Digest::of(b"guard"), by: vec![id("commander")], max_for: None, max_uses: None };
    for initiator in ["ada", "dana"] {
        let initiators = [initiator.to_owned()];
        let error = waiver::judge(&rules(&actors(), NOW), &waiver, &signed, &terms, &initiators).unwrap_err();
        assert!(error.to_string().contains("cannot lift a guard of it"), "{error}");
    }
}

#[test]
fn documents_have_the_members_that_the_design_lists() {
    let members = |text: &str| {
        let value: Json = serde_json::from_str(text).unwrap();
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    let mut of_step = approval("ada");
    (of_step.run, of_step.step, of_step.inputs) = (Some(run()), Some("bump".to_owned()), Some(plan()));
    assert_eq!(
        members(&document::write(&of_step)),
        "approver at environment id inputs ledger not_after plan purpose reason role run step type v"
    );
    assert_eq!(
        members(&document::write(&a_waiver())),
        "approver environment guard guard_digest id ledger max_uses not_after not_before procedure reason scope ticket type v"
    );
    let run = running::make(&rules(&actors(), NOW), &plan(), &id("ada"), &[0; 16]);
    assert_eq!(members(&document::write(&run)), "actor at environment ledger nonce plan type v");
    assert_eq!(json!(run)["type"], "run");
}
