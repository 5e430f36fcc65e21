//! The tree, notes and checkpoints against published vectors and a tree built the slow way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::checkpoint::Checkpoint;
use super::note::{self, Note, VerifierKey};
use super::*;

mod cosigning;
mod proofs;
mod published;
mod tiling;

/// Leaves and roots of transparency-dev/merkle, testonly/constants.go (Apache-2.0).
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// The key and note of golang.org/x/mod/sumdb/note, note_test.go (BSD-3-Clause).
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const QUOTE: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BY_PETER: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const BY_ENOCH: &str =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

/// A log of five entries, made with another implementation.
const LOG_KEY: &str = "runbook.example/ledger/acme-prod+2520415d+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
const LOG_LEAVES: [&str; 5] = [
    "086c17c556db55197e28196af400e8f978e84d8a953260b05db13bc5ec37f06c",
    "89ea33956c56ff8c737ac932e31303cce65f760c8cf47f9d7a3518adb2abea5e",
    "258f508f9266279c4736bed45c4016dfcfd589fda42a1eeecca075cb87b73794",
    "8a479f6fdfbe0be324ec5572b7018dbcdeab0c4237ab817a00b57356404b5976",
    "19648920360d4dfb964fad19c15f3faec212fa06060b80c9714638ba67ae8cf1",
];
const LAST_ENTRY: &str = r#"{"entries":4,"first_seq":1,"kind":"run.end","prev":"8a479f6fdfbe0be324ec5572b7018dbcdeab0c4237ab817a00b57356404b5976","run":"rb-20261120-093500-a1b","seq":4,"status":"passed","ts":"2026-11-20T09:35:16.000000Z","v":1}"#;
const AT_FIVE: &str = "runbook.example/ledger/acme-prod\n5\n4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA0=\n";
const AT_FIVE_SIGNED: &str = "runbook.example/ledger/acme-prod\n5\n4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA0=\n\n— runbook.example/ledger/acme-prod JSBBXYMXAvIBbYhi8sRPiVHY8MbsmbmQ9xd/Qu2HGCz+tf5AKBejcx4GDPklJP16iPAuZM2EPXmgkJpavaCg/z+GmAE=\n— witness.example/w1 BNLYMwAAAABrABRQWTts2jKVWep8lJ7JNY8ORj37A7fk6Lrn91NebjzlWWWzeyOQjcNPl0SQr609eQnnraEg3LESnkkMgQc0PBs8AQ==\n";

fn unhex(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// RFC 9162 section 2.1.1 as it is written there.
fn slow_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            node_hash(&slow_root(&leaves[..half]), &slow_root(&leaves[half..]))
        }
    }
}

/// RFC 9162 section 2.1.3.1 for the newest leaf, lowest hash first.
fn slow_proof(leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let mut proof = slow_proof(&leaves[half..]);
    proof.push(slow_root(&leaves[..half]));
    proof
}

#[test]
fn roots_are_those_of_the_reference_tree() {
    let mut range = CompactRange::new();
    assert_eq!(range.root(), unhex(ROOTS[0]));
    for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
        range.push(leaf_hash(&hex::decode(leaf).unwrap()));
        assert_eq!(range.root(), unhex(root), "size {}", range.size());
    }
}

#[test]
fn every_size_to_300_has_the_root_and_edge_of_a_tree_built_slowly() {
    let mut range = CompactRange::new();
    let mut leaves = Vec::new();
    assert_eq!(range.edge(), None);
    for number in 0..300u32 {
        let leaf = leaf_hash(&number.to_be_bytes());
        leaves.push(leaf);
        range.push(leaf);
        assert_eq!(range.size(), leaves.len() as u64);
        assert_eq!(range.root(), slow_root(&leaves), "size {}", leaves.len());
        let edge = range.edge().unwrap();
        assert_eq!((edge.size, edge.leaf), (range.size(), leaf));
        assert_eq!(edge.proof, slow_proof(&leaves), "size {}", leaves.len());
        assert_eq!(CompactRange::from_edge(&edge).as_ref(), Some(&range));
    }
}

#[test]
fn a_tree_goes_on_from_its_edge_as_if_it_had_never_stopped() {
    let mut whole = CompactRange::new();
    for number in 0..137u32 {
        whole.push(leaf_hash(&number.to_be_bytes()));
    }
    let mut resumed = CompactRange::from_edge(&whole.edge().unwrap()).unwrap();
    for number in 137..300u32 {
        let leaf = leaf_hash(&number.to_be_bytes());
        whole.push(leaf);
        resumed.push(leaf);
        assert_eq!(whole, resumed);
    }
}

#[test]
fn an_edge_of_the_wrong_length_is_none_and_a_changed_one_has_another_root() {
    let mut range = CompactRange::new();
    (0..100u32).for_each(|number| range.push(leaf_hash(&number.to_be_bytes())));
    let edge = range.edge().unwrap();
    for length in (0..8).filter(|length| *length != edge.proof.len()) {
        let proof = vec![Hash::default(); length];
        assert_eq!(CompactRange::from_edge(&Edge { proof, ..edge.clone() }), None);
    }
    assert_eq!(CompactRange::from_edge(&Edge { size: 0, leaf: edge.leaf, proof: Vec::new() }), None);
    for place in 0..edge.proof.len() {
        let mut changed = edge.clone();
        changed.proof[place][0] ^= 1;
        assert_ne!(CompactRange::from_edge(&changed).unwrap().root(), range.root());
    }
}

#[test]
fn a_log_made_elsewhere_has_the_root_that_was_signed() {
    assert_eq!(leaf_hash(LAST_ENTRY.as_bytes()), unhex(LOG_LEAVES[4]));
    let mut range = CompactRange::new();
    LOG_LEAVES.iter().for_each(|leaf| range.push(unhex(leaf)));
    let checkpoint = Checkpoint { origin: "runbook.example/ledger/acme-prod".to_owned(), size: 5, root: range.root() };
    assert_eq!(checkpoint.to_string(), AT_FIVE);
    assert_eq!(Checkpoint::parse(AT_FIVE).unwrap(), checkpoint);
}

#[test]
fn a_note_is_written_as_it_was_read_with_all_its_signatures() {
    for whole in [format!("{QUOTE}\n{BY_PETER}"), format!("{QUOTE}\n{BY_PETER}{BY_ENOCH}"), AT_FIVE_SIGNED.to_owned()] {
        let note = Note::parse(whole.as_bytes()).unwrap();
        assert_eq!(note.to_string(), whole);
    }
    let note = Note::parse(AT_FIVE_SIGNED.as_bytes()).unwrap();
    assert_eq!(note.text(), AT_FIVE);
    let names: Vec<&str> = note.signatures().iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["runbook.example/ledger/acme-prod", "witness.example/w1"]);
    let key = VerifierKey::parse(LOG_KEY).unwrap();
    assert_eq!(note.claimed_by(&key).count(), 1);
    assert_eq!(note.claimed_by(&VerifierKey::parse(PETER).unwrap()).count(), 0);
}

#[test]
fn a_signature_can_be_added_to_what_others_signed() {
    let key = VerifierKey::new("example.org/us", [9; 32]).unwrap();
    let mut note = Note::parse(format!("{QUOTE}\n{BY_PETER}").as_bytes()).unwrap();
    note.add(&key, [3; 64]);
    let again = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(again, note);
    assert_eq!(again.claimed_by(&key).collect::<Vec<_>>(), [[3; 64]]);
}

#[track_caller]
fn not_a_note(text: &str) {
    assert!(Note::parse(text.as_bytes()).is_err(), "{text:?}");
}

#[test]
fn what_is_not_quite_a_note_is_refused() {
    let (name, data) = BY_PETER.trim_end().strip_prefix("— ").unwrap().split_once(' ').unwrap();
    not_a_note("");
    not_a_note(QUOTE);
    not_a_note(&format!("{QUOTE}\n"));
    not_a_note(&format!("{QUOTE}{BY_PETER}"));
    not_a_note(&format!("{QUOTE}\n{}", BY_PETER.trim_end()));
    not_a_note(&format!("{QUOTE}\n{BY_PETER}\n"));
    not_a_note(&format!("{QUOTE}\t\n\n{BY_PETER}"));
    not_a_note(&format!("{QUOTE}\r\n\n{BY_PETER}"));
    not_a_note(&format!("{QUOTE}\n- {name} {data}\n"));
    not_a_note(&format!("{QUOTE}\n— {name}  {data}\n"));
    not_a_note(&format!("{QUOTE}\n— {name} {data}=\n"));
    not_a_note(&format!("{QUOTE}\n— {name} x08g\n"));
    not_a_note(&format!("{QUOTE}\n— a+b {data}\n"));
    not_a_note(&format!("{QUOTE}\n—  {data}\n"));
    not_a_note(&format!("{QUOTE}\n{}", BY_PETER.repeat(101)));
    not_a_note(&format!("{}\n\n{BY_PETER}", "x".repeat(note::MAX_NOTE)));
    assert!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n").is_err());
    assert!(Note::new("no newline".to_owned()).is_err());
    assert!(Note::new("a bell\u{7}\n".to_owned()).is_err());
}

#[test]
fn a_verifier_key_has_one_spelling_and_every_other_is_refused() {
    for text in [PETER, LOG_KEY] {
        assert_eq!(VerifierKey::parse(text).unwrap().to_string(), text);
        for cut in 0..text.len() {
            assert!(VerifierKey::parse(&text[..cut]).is_err(), "cut at {cut}");
            assert!(cut == 0 || VerifierKey::parse(&text[cut..]).is_err(), "from {cut}");
            let mut bytes = text.as_bytes().to_vec();
            bytes[cut] += 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(VerifierKey::parse(&changed).is_err(), "{changed}");
        }
    }
    // Wrong in their last part: trailing text, and an algorithm that is not Ed25519.
    assert!(VerifierKey::parse("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==").is_err());
    assert!(VerifierKey::parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").is_err());
    assert!(VerifierKey::new("two words", [0; 32]).is_err());
    assert!(VerifierKey::new("", [0; 32]).is_err());
}

#[test]
fn a_checkpoint_has_three_lines_in_their_only_spelling() {
    let root = "4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA0=";
    for wrong in [
        String::new(),
        "o\n5\n".to_owned(),
        format!("o\n5\n{root}"),
        format!("o\n5\n{root}\nextension\n"),
        format!("\n5\n{root}\n"),
        format!("o\n05\n{root}\n"),
        format!("o\n+5\n{root}\n"),
        format!("o\n-5\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        "o\n5\n4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA==\n".to_owned(),
        "o\n5\n4A52kHB3kqnXzVnGANFwvBzBjUtfVP7e2Nxj6tEEeA1=\n".to_owned(),
        format!("o\r\n5\r\n{root}\r\n"),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(Checkpoint::parse(&format!("o\n5\n{root}\n")).unwrap().size, 5);
}

proptest! {
    #[test]
    fn reading_a_note_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = VerifierKey::parse(text);
            let _ = Checkpoint::parse(text);
        }
    }

    #[test]
    fn what_was_written_is_read_back(text in "([a-z \u{e4}\u{1f512}]{0,20}\n){1,5}", public: [u8; 32], signature: [u8; 64]) {
        let key = VerifierKey::new("example.org/log", public).unwrap();
        let mut note = Note::new(text).unwrap();
        note.add(&key, signature);
        let again = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&again, &note);
        prop_assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
    }
}
