//! Notes and cosignatures that others published, and trees, proofs and notes beside those of other programs.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

use super::super::proof::{ProofMaker, check_consistency, check_inclusion};
use super::*;
use crate::sign::ledger_key::LedgerKey;
use crate::sign::verify;

/// The tree of another program, over the same entries.
type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn grown(entries: &[Vec<u8>]) -> (Theirs, CompactRange) {
    let (mut theirs, mut ours) = (Theirs::new(), CompactRange::new());
    for entry in entries {
        theirs.push(entry.clone());
        ours.push(leaf_hash(entry));
    }
    (theirs, ours)
}

fn proof_of(mut maker: ProofMaker, entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().for_each(|entry| maker.push(leaf_hash(entry)));
    maker.finish().unwrap()
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks(32).map(|hash| hash.try_into().unwrap()).collect()
}

fn root(theirs: &Theirs) -> Hash {
    theirs.root().as_bytes().as_slice().try_into().unwrap()
}

#[test]
fn the_note_of_gos_sumdb_is_signed_by_both_of_its_signers_and_made_again_to_the_byte() {
    let note = Note::parse(format!("{QUOTE}\n{BY_PETER}{BY_ENOCH}").as_bytes()).unwrap();
    let peter = VerifierKey::parse(PETER).unwrap();
    let signature = note.claimed_by(&peter).next().unwrap();
    assert!(verify(peter.public(), note.text().as_bytes(), &signature));
    assert!(!verify(peter.public(), b"another text\n", &signature));
    // Its key was made of 32 zero bytes.
    let zeros = LedgerKey::from_seed(&[0; 32]);
    let enoch = VerifierKey::new("EnochRoot", zeros.public()).unwrap();
    let mut again = Note::parse(format!("{QUOTE}\n{BY_PETER}").as_bytes()).unwrap();
    again.add(&enoch, zeros.sign(again.text().as_bytes()));
    assert_eq!(again.to_string(), note.to_string());
}

/// A checkpoint of a certificate log, signed by the log with a key of another kind, and by a witness that says when.
/// By filippo.io/sunlight (ISC), its test data.
const WITNESSED: &str = "rome2026h1.example.org\n300\nlCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n\
    — rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKaSZCfFECIHoNPZ/Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z\n\
    — witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==\n";
const WITNESS: &str = "BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";

/// The same of a mirror.
const MIRRORED: &str = "rome2026h1.example.org\n300\ngw31yQrqZZCcEOPrzX+bpy3nJ6QgngTKn8G1m0i62uU=\n\n\
    — mirror.example.org P7FI7wAAAABpVGeAjA1S4pJm6MbcXjX7UUImu4azZtrfcVW2uyr/LXIYlwEJzXC0N0EiZkbqfLdXt/4gVEEuGmxJjAfXKMCISpsJAg==\n";
const MIRROR: &str = "BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O";

#[test]
fn a_checkpoint_with_cosignatures_is_read_and_each_cosignature_is_right() {
    for (text, key, name) in [(WITNESSED, WITNESS, "witness.example.org"), (MIRRORED, MIRROR, "mirror.example.org")] {
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_string(), text);
        assert_eq!(Checkpoint::parse(note.text()).unwrap().size, 300);
        let key = STANDARD.decode(key).unwrap();
        let line = note.signatures().iter().find(|line| line.name == name).unwrap();
        // C2SP tlog-cosignature: type 0x04, the key id over name and key, a time before the signature.
        let id = Sha256::new().chain_update(name).chain_update([b'\n']).chain_update(&key).finalize();
        assert_eq!(line.key_id, id[..4]);
        let (time, signature) = line.bytes.split_first_chunk::<8>().unwrap();
        let time = u64::from_be_bytes(*time);
        assert_eq!(time, 1_767_139_200);
        let said = format!("cosignature/v1\ntime {time}\n{}", note.text());
        let [4, public @ ..] = key.as_slice() else { unreachable!() };
        let (public, signature) = (public.try_into().unwrap(), signature.try_into().unwrap());
        assert!(verify(public, said.as_bytes(), signature));
        assert!(!verify(public, note.text().as_bytes(), signature), "it is a statement of its own");
    }
}

#[test]
fn the_text_of_gos_sumdb_tree_is_that_of_a_checkpoint() {
    let root = leaf_hash(b"hello world");
    let checkpoint = Checkpoint { origin: "go.sum database tree".to_owned(), size: 123_456_789_012, root };
    let text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n";
    assert_eq!(checkpoint.to_string(), text);
}

fn entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 1..80)
}

proptest! {
    #[test]
    fn roots_and_proofs_are_those_of_another_program_and_each_takes_the_others(
        entries in entries(), index: prop::sample::Index, from: prop::sample::Index,
    ) {
        let (theirs, ours) = grown(&entries);
        prop_assert_eq!(root(&theirs), ours.root());
        let (index, size) = (index.index(entries.len()), entries.len() as u64);
        let proof = proof_of(ProofMaker::inclusion(index as u64, size).unwrap(), &entries);
        let their_proof = theirs.prove_inclusion(index);
        prop_assert_eq!(&hashes(their_proof.as_bytes()), &proof);
        let taken = InclusionProof::<Sha256>::from_bytes(proof.concat());
        prop_assert!(theirs.root().verify_inclusion(&entries[index], index as u64, &taken).is_ok());

        let from = from.index(entries.len()) + 1;
        let (before, small) = grown(&entries[..from]);
        let proof = proof_of(ProofMaker::consistency(from as u64, size).unwrap(), &entries);
        let their_proof = theirs.prove_consistency(entries.len() - from);
        prop_assert_eq!(&hashes(their_proof.as_bytes()), &proof);
        let taken = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
        prop_assert!(theirs.root().verify_consistency(&before.root(), &taken).is_ok());
        prop_assert_eq!(check_consistency(from as u64, size, &small.root(), &ours.root(), &proof), Ok(()));
    }

    #[test]
    fn a_proof_that_was_tampered_with_is_judged_as_another_program_does(
        entries in entries(), index: prop::sample::Index, at: prop::sample::Index, bit in 0_u8..8,
        drop in any::<bool>(), moved in 0_u64..3,
    ) {
        let (theirs, ours) = grown(&entries);
        let (index, size) = (index.index(entries.len()), entries.len() as u64);
        let mut proof = theirs.prove_inclusion(index).as_bytes().to_vec();
        if !proof.is_empty() {
            let at = at.index(proof.len());
            if drop { proof.truncate(at / 32 * 32) } else { proof[at] ^= 1 << bit }
        }
        let place = index as u64 + moved;
        let found = check_inclusion(place, size, &leaf_hash(&entries[index]), &hashes(&proof), &ours.root());
        let root = RootHash::<Sha256>::new(*theirs.root().as_bytes(), size);
        let judged = InclusionProof::<Sha256>::try_from_bytes(proof)
            .is_ok_and(|proof| root.verify_inclusion(&entries[index], place, &proof).is_ok());
        prop_assert_eq!(found.is_ok(), judged, "{:?}", found);
    }

    #[test]
    fn what_we_sign_another_program_takes_and_the_other_way_round(
        text in "([a-z \u{e4}\u{1f512}]{0,20}\n){1,5}", name in "[a-z./\u{e4}]{1,12}", seed: [u8; 32],
    ) {
        let key = LedgerKey::from_seed(&seed);
        let named = VerifierKey::new(&name, key.public()).unwrap();
        let mut note = Note::new(text.clone()).unwrap();
        note.add(&named, key.sign(text.as_bytes()));
        let written = note.to_string();

        let verifier = StandardVerifier::new(&named.to_string()).unwrap();
        let theirs = signed_note::Note::from_bytes(written.as_bytes()).unwrap();
        let known = VerifierList::new(vec![Box::new(verifier)]);
        prop_assert_eq!(theirs.verify(&known).unwrap().0.len(), 1);

        let private = STANDARD.encode([&[1], seed.as_slice()].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{name}+{}+{private}", hex::encode(named.id()))).unwrap();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&signer]).unwrap();
        prop_assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), written);
    }

    #[test]
    fn bytes_that_are_nearly_a_note_are_one_for_both_programs_or_for_neither(
        at: prop::sample::Index, byte: u8, how in 0_u8..3,
    ) {
        let mut bytes = format!("{QUOTE}\n{BY_PETER}{BY_ENOCH}").into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        let (ours, theirs) = (Note::parse(&bytes), signed_note::Note::from_bytes(&bytes));
        // Control characters that a name may not have are refused by us alone.
        let stricter = String::from_utf8_lossy(&bytes).contains(|c: char| c.is_control() && c != '\n');
        prop_assert!(ours.is_ok() == theirs.is_ok() || (ours.is_err() && stricter), "{:?} {:?}", ours, theirs);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.text().as_bytes(), theirs.text());
            prop_assert_eq!(ours.to_string().into_bytes(), theirs.to_bytes());
        }
    }
}
