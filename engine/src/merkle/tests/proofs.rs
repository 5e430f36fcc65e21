//! Proofs against published cases, against the recursive definitions of RFC 9162, and against changes.

use super::super::proof::{ProofMaker, Unproven, check_consistency, check_inclusion};
use super::super::tlog_proof::TlogProof;
use super::*;

const PROOF: &str = "c2sp.org/tlog-proof@v1\nindex 4\nwz/b9Am5dzaFwm/jfNKOCmt2AdLw9XDwqIL9qq6NISg=\n\n";

/// A published case: whether it is good, its two numbers, two hashes, and proof.
struct Case {
    is_good: bool,
    numbers: [u64; 2],
    hashes: [Hash; 2],
    proof: Vec<Hash>,
    what: &'static str,
}

fn cases(text: &'static str) -> Vec<Case> {
    // A hash that has not 32 bytes cannot even be said here: another one stands for it, the same for the same root.
    let hash = |text: &str| {
        let bytes = STANDARD.decode(text.trim_matches('-')).unwrap();
        bytes
            .try_into()
            .unwrap_or_else(|bytes: Vec<u8>| Sha256::digest([b"no hash: ", bytes.as_slice()].concat()).into())
    };
    let case = |line: &'static str| {
        let parts: Vec<&str> = line.split('|').collect();
        let [word, first, second, one, other, proof, what] = parts[..] else { unreachable!("{line}") };
        Case {
            is_good: word == "good",
            numbers: [first.parse().unwrap(), second.parse().unwrap()],
            hashes: [hash(one), hash(other)],
            proof: proof.split_whitespace().map(hash).collect(),
            what,
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(case).collect()
}

fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn made(mut maker: ProofMaker, leaves: &[Hash]) -> Vec<Hash> {
    leaves.iter().for_each(|leaf| maker.push(*leaf));
    maker.finish().unwrap()
}

/// PATH of RFC 9162 section 2.1.3.1, as it is written there.
fn slow_inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut proof, other) = match index < half {
        true => (slow_inclusion(index, left), right),
        false => (slow_inclusion(index - half, right), left),
    };
    proof.push(slow_root(other));
    proof
}

/// SUBPROOF of RFC 9162 section 2.1.4.1, as it is written there.
fn slow_consistency(from: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
    if from == leaves.len() {
        return if is_known { Vec::new() } else { vec![slow_root(leaves)] };
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut proof, other) = match from <= half {
        true => (slow_consistency(from, left, is_known), right),
        false => (slow_consistency(from - half, right, false), left),
    };
    proof.push(slow_root(other));
    proof
}

#[test]
fn inclusion_is_judged_as_the_published_cases_say() {
    let cases = cases(include_str!("inclusion.txt"));
    assert_eq!(cases.len(), 98);
    for Case { is_good, numbers: [index, size], hashes: [root, leaf], proof, what } in cases {
        // The one case in which neither can be said: two hashes that are both nothing are not the same.
        let leaf = if what == "empty root and leaf" { Hash::default() } else { leaf };
        let found = check_inclusion(index, size, &leaf, &proof, &root);
        assert_eq!(found.is_ok(), is_good, "{index} of {size}, {what}: {found:?}");
    }
}

#[test]
fn consistency_is_judged_as_the_published_cases_say() {
    let cases = cases(include_str!("consistency.txt"));
    assert_eq!(cases.len(), 98);
    for Case { is_good, numbers: [from, to], hashes: [from_root, to_root], proof, what } in cases {
        let found = check_consistency(from, to, &from_root, &to_root, &proof);
        assert_eq!(found.is_ok(), is_good, "{from} in {to}, {what}: {found:?}");
    }
}

#[test]
fn every_leaf_of_every_size_to_70_has_the_proof_of_the_definition() {
    let all = leaves(70);
    for size in 1..=all.len() {
        let leaves = &all[..size];
        let root = slow_root(leaves);
        for index in 0..size {
            let (number, of) = (index as u64, size as u64);
            let proof = made(ProofMaker::inclusion(number, of).unwrap(), leaves);
            assert_eq!(proof, slow_inclusion(index, leaves), "{index} of {size}");
            assert_eq!(check_inclusion(number, of, &leaves[index], &proof, &root), Ok(()));
            let other = (number + 1) % of;
            if other != number {
                assert!(check_inclusion(other, of, &leaves[index], &proof, &root).is_err(), "{index} as {other}");
            }
        }
    }
}

#[test]
fn every_beginning_of_every_size_to_70_has_the_proof_of_the_definition() {
    let all = leaves(70);
    for to in 1..=all.len() {
        for from in 1..=to {
            let proof = made(ProofMaker::consistency(from as u64, to as u64).unwrap(), &all[..to]);
            assert_eq!(proof, slow_consistency(from, &all[..to], true), "{from} in {to}");
            let (small, large) = (slow_root(&all[..from]), slow_root(&all[..to]));
            assert_eq!(check_consistency(from as u64, to as u64, &small, &large, &proof), Ok(()), "{from} in {to}");
        }
    }
}

#[test]
fn the_proof_of_the_newest_leaf_is_the_edge() {
    let mut range = CompactRange::new();
    for leaf in leaves(100) {
        range.push(leaf);
        let edge = range.edge().unwrap();
        assert_eq!(check_inclusion(edge.size - 1, edge.size, &edge.leaf, &edge.proof, &range.root()), Ok(()));
    }
}

#[test]
fn what_there_is_not_cannot_be_proven() {
    assert!(ProofMaker::inclusion(5, 5).is_none());
    assert!(ProofMaker::inclusion(0, 0).is_none());
    assert!(ProofMaker::consistency(0, 5).is_none());
    assert!(ProofMaker::consistency(6, 5).is_none());
    let mut cut = ProofMaker::inclusion(0, 5).unwrap();
    leaves(4).into_iter().for_each(|leaf| cut.push(leaf));
    assert_eq!(cut.finish(), None);
    let root = Hash::default();
    assert_eq!(check_inclusion(5, 5, &root, &[], &root), Err(Unproven::OutOfRange { index: 5, size: 5 }));
    assert_eq!(check_consistency(0, 5, &root, &root, &[]), Err(Unproven::Sizes { from: 0, to: 5 }));
    assert_eq!(check_consistency(3, 5, &root, &root, &[]), Err(Unproven::Length));
    // The largest tree that can be spoken of.
    assert_eq!(check_inclusion(u64::MAX - 1, u64::MAX, &root, &[root; 63], &root), Err(Unproven::Root));
}

#[test]
fn a_proof_file_is_read_and_written_to_the_byte() {
    let text = format!("{PROOF}{AT_FIVE_SIGNED}");
    let proof = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!((proof.index(), proof.checkpoint().size), (4, 5));
    assert_eq!(proof.check(LAST_ENTRY.as_bytes()), Ok(()));
    assert_eq!(proof.to_string(), text);
    let leaves = LOG_LEAVES.map(unhex);
    let hashes = made(ProofMaker::inclusion(4, 5).unwrap(), &leaves);
    let note = Note::parse(AT_FIVE_SIGNED.as_bytes()).unwrap();
    assert_eq!(TlogProof::new(4, hashes, note).unwrap().to_string(), text);
}

#[test]
fn a_proof_of_another_entry_is_none_of_this() {
    let proof = TlogProof::parse(format!("{PROOF}{AT_FIVE_SIGNED}").as_bytes()).unwrap();
    for at in 0..LAST_ENTRY.len() {
        let mut changed = LAST_ENTRY.as_bytes().to_vec();
        changed[at] ^= 1;
        assert_eq!(proof.check(&changed), Err(Unproven::Root));
    }
    let moved = PROOF.replace("index 4", "index 3");
    let moved = TlogProof::parse(format!("{moved}{AT_FIVE_SIGNED}").as_bytes()).unwrap();
    assert!(moved.check(LAST_ENTRY.as_bytes()).is_err());
}

#[track_caller]
fn not_a_proof(head: &str) {
    assert!(TlogProof::parse(format!("{head}{AT_FIVE_SIGNED}").as_bytes()).is_err(), "{head:?}");
}

#[test]
fn what_is_not_quite_a_proof_is_refused() {
    let hash = "wz/b9Am5dzaFwm/jfNKOCmt2AdLw9XDwqIL9qq6NISg=";
    not_a_proof("");
    not_a_proof("c2sp.org/tlog-proof@v1\n");
    not_a_proof("c2sp.org/tlog-proof@v1\n\n");
    not_a_proof(&PROOF.replace("@v1", "@v2"));
    not_a_proof(&PROOF.replace("index 4", "index 04"));
    not_a_proof(&PROOF.replace("index 4", "index +4"));
    not_a_proof(&PROOF.replace("index 4", "index -4"));
    not_a_proof(&PROOF.replace("index 4", "extra eA==\nindex 4"));
    not_a_proof(&PROOF.replace('=', ""));
    not_a_proof(&PROOF.replace(hash, "eA=="));
    not_a_proof(&PROOF.replace(hash, &format!("{hash}\r")));
    not_a_proof(&PROOF.replace(hash, &[hash; 65].join("\n")));
    assert!(TlogProof::parse(format!("{PROOF}{AT_FIVE}").as_bytes()).is_err(), "nobody signed it");
    assert!(TlogProof::is_one(PROOF.as_bytes()) && !TlogProof::is_one(AT_FIVE_SIGNED.as_bytes()));
}

proptest! {
    #[test]
    fn a_proof_shows_its_leaf_and_no_other(size in 1u32..300, index in 0u32..300, at in 0usize..9, bit in 0usize..256) {
        let (index, all) = (u64::from(index % size), leaves(size));
        let (size, root) = (u64::from(size), slow_root(&all));
        let proof = made(ProofMaker::inclusion(index, size).unwrap(), &all);
        let leaf = all[index as usize];
        prop_assert_eq!(check_inclusion(index, size, &leaf, &proof, &root), Ok(()));
        let flipped = |hash: &Hash| { let mut hash = *hash; hash[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(check_inclusion(index, size, &flipped(&leaf), &proof, &root).is_err());
        prop_assert!(check_inclusion(index, size, &leaf, &proof, &flipped(&root)).is_err());
        if at < proof.len() {
            let mut changed = proof.clone();
            changed[at] = flipped(&changed[at]);
            prop_assert!(check_inclusion(index, size, &leaf, &changed, &root).is_err());
            prop_assert!(check_inclusion(index, size, &leaf, &proof[..at], &root).is_err());
        }
    }

    #[test]
    fn a_beginning_is_shown_and_no_other(from in 1u32..300, to in 1u32..300, at in 0usize..9, bit in 0usize..256) {
        let (from, to) = (from.min(to), from.max(to));
        let all = leaves(to);
        let (small, large) = (slow_root(&all[..from as usize]), slow_root(&all));
        let (from, to) = (u64::from(from), u64::from(to));
        let proof = made(ProofMaker::consistency(from, to).unwrap(), &all);
        prop_assert_eq!(check_consistency(from, to, &small, &large, &proof), Ok(()));
        let flipped = |hash: &Hash| { let mut hash = *hash; hash[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(check_consistency(from, to, &flipped(&small), &large, &proof).is_err());
        prop_assert!(check_consistency(from, to, &small, &flipped(&large), &proof).is_err());
        if at < proof.len() {
            let mut changed = proof.clone();
            changed[at] = flipped(&changed[at]);
            prop_assert!(check_consistency(from, to, &small, &large, &changed).is_err());
            prop_assert!(check_consistency(from, to, &small, &large, &proof[..at]).is_err());
        }
    }

    #[test]
    fn reading_a_proof_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = TlogProof::parse(&bytes);
        let _ = TlogProof::parse(&[PROOF.as_bytes(), &bytes].concat());
    }

    #[test]
    fn judging_any_numbers_never_panics(index: u64, size: u64, length in 0usize..70) {
        let hash = Hash::default();
        let proof = vec![hash; length];
        let _ = check_inclusion(index, size, &hash, &proof, &hash);
        let _ = check_consistency(index, size, &hash, &hash, &proof);
        let _ = (ProofMaker::inclusion(index, size), ProofMaker::consistency(index, size));
    }
}
