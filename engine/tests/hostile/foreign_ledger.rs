//! Ledgers of others, in the four forms that are read: something is said of every file, and none is called whole for
//! what it says of itself.

use std::path::Path;

use engine::ledger::report::{Report, Status};
use engine::target::corvusforge::CorvusLedger;
use engine::target::digest_log::DigestLog;
use engine::target::hash_chain::{HashChain, Recipe};
use tempfile::TempDir;

/// What stands between a log and its seal.
const SEAL: &[u8] = b"\n--- seal\n";

/// Holds for every file; one that does not begin as a database does is a log in lines, with a seal where there is one.
pub fn hold(bytes: &[u8]) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("log");
    if bytes.starts_with(b"SQLi") {
        std::fs::write(&path, bytes).expect("a file");
        return corvus(&path);
    }
    let cut = bytes.windows(SEAL.len()).position(|window| window == SEAL);
    let (log, seal) = match cut {
        Some(at) => (&bytes[..=at], Some(&bytes[at + SEAL.len()..])),
        None => (bytes, None),
    };
    std::fs::write(&path, log).expect("a file");
    for recipe in [Recipe::Audit, Recipe::Billing] {
        let chain = HashChain::new(&path, "log", recipe);
        told(&chain.verify());
        let runs = chain.runs().expect("a file that is there can be read");
        assert!(recipe.has_runs() || runs.is_empty());
        let (mut shown, heads) = (0_u64, chain.heads(&[0, 1, 2]).expect("likewise"));
        chain.each(&mut |_| shown += 1).expect("likewise");
        assert!(heads.entries <= shown, "{} of {shown}", heads.entries);
    }
    let beside = folder.path().join("seal");
    if let Some(seal) = seal {
        std::fs::write(&beside, seal).expect("a file");
    }
    let digests = DigestLog::new(&path, "log", seal.map(|_| beside.as_path()), "seal");
    told(&digests.verify());
    digests.each(&mut |_| {}).expect("a file that is there can be read");
    let _ = digests.heads(&[0, 1, 2]);
}

fn corvus(path: &Path) {
    match CorvusLedger::open(path, "log") {
        Ok(ledger) => told(&ledger.verify(None)),
        Err(error) => told(&error.report()),
    }
}

fn told(report: &Report) {
    assert_ne!(report.status, Status::Ok, "whole, and no anchor says so");
    let says_nothing = matches!(report.status, Status::SelfConsistentOnly | Status::NeverSealed);
    assert!(says_nothing || !report.problems.is_empty(), "nothing is said: {:?}", report.status);
}
