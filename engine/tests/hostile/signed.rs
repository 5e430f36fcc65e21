//! What people sign, and the forms that keys and signatures come in: read or refused, in one spelling, and no signature
//! counts that nobody made.

use engine::consent::document::{Approval, Document, RunDocument, Waiver, read, write};
use engine::sign::actor_key::ActorPublic;
use engine::sign::service_key::{self, ServiceKey};
use engine::sign::sshsig::{self, Namespace};
use engine::target::anchor_store::rekor;
use engine::target::corvusforge::anchor::Anchor;
use engine::target::corvusforge::waiver::Waiver as CorvusWaiver;
use engine::target::digest_log::Seal;

/// Holds for every file.
pub fn hold(bytes: &[u8]) {
    document::<RunDocument>(bytes);
    document::<Approval>(bytes);
    document::<Waiver>(bytes);
    let _ = ServiceKey::read(bytes).map(|key| key.public());
    if let Ok(anchor) = Anchor::parse(bytes) {
        assert_eq!(Anchor::parse(anchor.to_json_pretty().as_bytes()).ok(), Some(anchor));
    }
    if let Some(Ok(waiver)) = CorvusWaiver::parse(bytes) {
        assert!(!waiver.is_signed_by(&[7; 32]));
        let again = CorvusWaiver::parse(waiver.stored().as_bytes());
        assert!(matches!(again, Some(Ok(again)) if again.signed() == waiver.signed()), "it is stored as another");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Seal::parse(text);
    let _ = service_key::read_public(text);
    if let Ok(key) = ActorPublic::parse(text) {
        assert_eq!(ActorPublic::parse(&key.to_line()).ok(), Some(key));
    }
    if let Some(signer) = sshsig::signer(text) {
        let forged = sshsig::verify(&signer, Namespace::Approval, b"what nobody signed", text);
        assert!(forged.is_err(), "a signature that nobody made is taken");
    }
    if let Ok(entry) = serde_json::from_str(text) {
        let key = engine::merkle::note::VerifierKey::new("log.example.org", [7; 32]).expect("a key");
        assert!(rekor::judge(&entry, b"what nobody logged", &key).is_err());
    }
}

fn document<D: Document>(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(document) = read::<D>(text) {
        // What is signed is the text as it is; an instant in it may have an offset.
        let written = write(&document);
        let again = read::<D>(&written).map(|document| write(&document));
        assert_eq!(again.ok().as_ref(), Some(&written), "{text} is written as another");
    }
}
