//! Signed notes and what is written in them: what is read is written back byte for byte, so there is one spelling of
//! whatever is signed.

use std::fmt::Display;

use engine::ledger::signed::judge;
use engine::merkle::checkpoint::Checkpoint;
use engine::merkle::cosignature::WitnessKey;
use engine::merkle::note::{Note, VerifierKey, signature_lines};
use engine::merkle::rotation::Rotation;
use engine::merkle::tlog_proof::TlogProof;
use engine::target::recorded_head::RecordedHead;

/// Holds for every file.
pub fn hold(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Ok(note) = Note::parse(bytes) {
        same(bytes, &note);
        if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
            same(note.text().as_bytes(), &checkpoint);
        }
        for line in note.signatures() {
            let mut alone = Note::new(note.text().to_owned()).expect("the text of a note");
            alone.add_line(line.clone());
            assert_eq!(Note::parse(alone.to_string().as_bytes()), Ok(alone));
        }
        if let Ok(key) = VerifierKey::new(note.signatures()[0].name.as_str(), [7; 32]) {
            assert!(judge(bytes, &[key]).is_err(), "a signature that nobody made is taken");
        }
    }
    if let Ok(lines) = signature_lines(bytes) {
        let mut note = Note::new("x\n".to_owned()).expect("a text");
        lines.into_iter().for_each(|line| note.add_line(line));
        assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note));
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        same(bytes, &proof);
        same(proof.note().text().as_bytes(), proof.checkpoint());
        assert!(proof.check(b"an entry that is in no tree").is_err());
    }
    if let Ok(key) = VerifierKey::parse(text) {
        same(bytes, &key);
    }
    if let Ok(key) = WitnessKey::parse(text) {
        same(bytes, &key);
    }
    if let Ok(rotation) = Rotation::parse(text) {
        same(bytes, &rotation);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        same(bytes, &checkpoint);
    }
    if let Ok(head) = RecordedHead::parse(bytes) {
        assert_eq!(RecordedHead::parse(head.to_json().as_bytes()), Ok(head));
    }
}

fn same(bytes: &[u8], read: &impl Display) {
    assert_eq!(read.to_string().as_bytes(), bytes, "it is written otherwise");
}
