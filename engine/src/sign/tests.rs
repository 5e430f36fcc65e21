//! The ledger's key: what it signs, the file it is kept in, and who may read that.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::actor_key::{ActorKey, ActorPublic};
use super::agent::Agent;
use super::key_file::Error;
use super::ledger_key::LedgerKey;
use super::sshsig::{self, Namespace};
use super::verify;

mod dsse;
mod published;

/// RFC 8032 section 7.1, test 2.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn key() -> LedgerKey {
    LedgerKey::from_seed(&bytes(SEED))
}

#[test]
fn signatures_are_those_of_rfc_8032() {
    assert_eq!(key().public(), bytes(PUBLIC));
    assert_eq!(key().sign(&[0x72]), bytes(SIGNATURE));
    assert!(verify(&bytes(PUBLIC), &[0x72], &bytes(SIGNATURE)));
}

#[test]
fn another_message_key_or_signature_is_refused() {
    let (public, signature): ([u8; 32], [u8; 64]) = (bytes(PUBLIC), bytes(SIGNATURE));
    assert!(!verify(&public, &[0x73], &signature));
    assert!(!verify(&LedgerKey::from_seed(&[1; 32]).public(), &[0x72], &signature));
    for place in 0..64 {
        let mut changed = signature;
        changed[place] ^= 1;
        assert!(!verify(&public, &[0x72], &changed), "byte {place}");
    }
}

#[test]
fn a_key_of_small_order_signs_nothing() {
    // The neutral point: with it, and S = 0, a lenient check takes any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!verify(&neutral, b"anything", &signature));
    assert!(!verify(&[0xff; 32], b"anything", &signature));
}

#[test]
fn a_key_file_is_private_complete_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    key().write_new(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(LedgerKey::load(&path).unwrap().public(), bytes(PUBLIC));
    // PKCS#8 version 1, which OpenSSL 3.0 reads: the version is 0 and no public key follows.
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n-----END PRIVATE KEY-----\n"
    );
}

#[test]
fn openssl_reads_the_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    key().write_new(&path).unwrap();
    match Command::new("openssl").args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&path).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.stdout.ends_with(&bytes::<32>(PUBLIC)));
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "openssl could not be run: {error}"),
    }
}

#[test]
fn a_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    key().write_new(&path).unwrap();
    let refused = LedgerKey::from_seed(&[1; 32]).write_new(&path);
    assert!(matches!(refused, Err(Error::Exists { .. })));
    assert_eq!(LedgerKey::load(&path).unwrap().public(), bytes(PUBLIC));
}

#[test]
fn a_key_file_that_others_can_use_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    key().write_new(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = LedgerKey::load(&path).unwrap_err().to_string();
        let expected = format!(
            "key file `{0}` has mode {mode:04o}, so others than its owner can use it; run `chmod 600 {0}`",
            path.display()
        );
        assert_eq!(refused, expected);
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(LedgerKey::load(&path).is_ok());
}

#[test]
fn what_is_no_key_is_refused_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.key");
    assert!(matches!(LedgerKey::load(&path), Err(Error::Io { .. })));
    assert!(matches!(LedgerKey::load(folder.path()), Err(Error::NotAKey { .. })));
    for content in [&b""[..], b"hunter2", b"-----BEGIN PRIVATE KEY-----\nhunter2\n", &[0xff; 100]] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let refused = LedgerKey::load(&path).unwrap_err();
        assert!(matches!(refused, Error::NotAKey { .. }), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    }
    assert_eq!(format!("{:?}", key()), "LedgerKey(***)");
}

/// Whether `ssh-keygen` is there; where it has to be, its absence is a failure.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has_ssh_keygen() -> bool {
    let found = Command::new("ssh-keygen").arg("-?").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "ssh-keygen is missing");
    if !found {
        eprintln!("skipped: ssh-keygen is not installed");
    }
    found
}

#[test]
fn keys_of_openssh_are_read_and_written_as_it_does() {
    if !has_ssh_keygen() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id_ed25519");
    let keygen = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(&path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "ada"]);
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let public = ActorPublic::parse(&line).unwrap();
    assert_eq!(format!("{} ada\n", public.to_line()), line);
    assert!(keygen(&["-l"]).contains(&public.fingerprint()));
    let plain = ActorKey::load(&path, || unreachable!("it is not encrypted")).unwrap();
    assert_eq!(plain.public(), public);
    // A ledger's key may be in this form too.
    assert_eq!(&LedgerKey::load(&path).unwrap().public(), public.bytes());

    keygen(&["-q", "-p", "-P", "", "-N", "correct horse"]);
    let passphrase = |text: &str| Some(text.to_owned());
    assert!(matches!(ActorKey::load(&path, || None), Err(Error::Encrypted { .. })));
    assert!(matches!(LedgerKey::load(&path), Err(Error::Encrypted { .. })));
    assert!(matches!(ActorKey::load(&path, || passphrase("battery")), Err(Error::WrongPassphrase { .. })));
    assert_eq!(ActorKey::load(&path, || passphrase("correct horse")).unwrap().public(), public);

    std::fs::remove_file(&path).unwrap();
    let ours = ActorKey::from_seed(&bytes(SEED));
    ours.write_new(&path, "grace").unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(keygen(&["-y"]), format!("{} grace\n", ours.public().to_line()));
    assert_eq!(ours.public().bytes(), &bytes::<32>(PUBLIC));
    assert!(matches!(ours.write_new(&path, "grace"), Err(Error::Exists { .. })));
}

#[test]
fn a_key_of_openssh_that_others_can_read_or_is_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id_ed25519");
    ActorKey::from_seed(&bytes(SEED)).write_new(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(ActorKey::load(&path, || None), Err(Error::OpenToOthers { mode: 0o640, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for (at, _) in text.char_indices().filter(|(at, _)| at % 7 == 0) {
        std::fs::write(&path, &text[..at]).unwrap();
        assert!(matches!(ActorKey::load(&path, || None), Err(Error::NotAKey { .. })), "cut at {at}");
    }
}

#[test]
fn a_public_line_of_another_algorithm_is_refused() {
    let line = ActorKey::from_seed(&bytes(SEED)).public().to_line();
    assert_eq!(ActorPublic::parse(&format!("{line} a comment")).unwrap().to_line(), line);
    for wrong in
        ["", "ssh-ed25519", &line[..40], &line.replace("ssh-ed25519 ", "ssh-rsa "), &line.replace("AAAAC", "AAAAD")]
    {
        assert!(ActorPublic::parse(wrong).is_err(), "{wrong}");
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn ssh_keygen_is_there() -> bool {
    let there = Command::new("ssh-keygen").arg("-?").output().is_ok();
    assert!(there || std::env::var("CI").is_err(), "ssh-keygen is not installed");
    if !there {
        eprintln!("skipped: ssh-keygen is not installed");
    }
    there
}

/// A key of ssh-keygen's making, in this folder.
fn key_of_ssh_keygen(folder: &std::path::Path) -> (std::path::PathBuf, ActorPublic) {
    let path = folder.join("id");
    let mut command = Command::new("ssh-keygen");
    assert!(command.args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"]).arg(&path).status().unwrap().success());
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (path, ActorPublic::parse(line.trim_end()).unwrap())
}

/// Whether stock ssh-keygen accepts a signature.
fn ssh_keygen_accepts(folder: &std::path::Path, public: &ActorPublic, message: &[u8], armoured: &str) -> bool {
    let (signature, allowed) = (folder.join("signature"), folder.join("allowed"));
    std::fs::write(&signature, armoured).unwrap();
    std::fs::write(&allowed, format!("ada namespaces=\"runwarden-*\" {}\n", public.to_line())).unwrap();
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-I", "ada", "-n", "runwarden-approval@v1", "-f"]).arg(&allowed).arg("-s");
    let mut child = command.arg(&signature).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(message).unwrap();
    child.wait().unwrap().success()
}

#[test]
fn stock_ssh_keygen_accepts_our_signatures_and_we_accept_its() {
    if !ssh_keygen_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, public) = key_of_ssh_keygen(folder.path());
    let key = ActorKey::load(&path, || None).unwrap();
    let message = b"{\"v\":1}";
    let ours = key.sign(Namespace::Approval, message);
    assert!(ssh_keygen_accepts(folder.path(), &public, message, &ours));
    assert!(!ssh_keygen_accepts(folder.path(), &public, b"{\"v\":2}", &ours));
    for hash in ["sha512", "sha256"] {
        let document = folder.path().join(format!("document.{hash}"));
        std::fs::write(&document, message).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", "runwarden-approval@v1", "-O"]).arg(format!("hashalg={hash}"));
        assert!(command.arg("-f").arg(&path).arg(&document).status().unwrap().success());
        let theirs = std::fs::read_to_string(format!("{}.sig", document.display())).unwrap();
        assert_eq!(sshsig::verify(&public, Namespace::Approval, message, &theirs), Ok(()));
        assert_eq!(
            sshsig::verify(&public, Namespace::Approval, b"{\"v\":2}", &theirs),
            Err(sshsig::Error::NotOverThis)
        );
        let other = sshsig::verify(&public, Namespace::Waiver, message, &theirs).unwrap_err();
        assert!(matches!(other, sshsig::Error::OtherNamespace { .. }), "{other}");
        let other = ActorKey::from_seed(&[9; 32]).public();
        let other = sshsig::verify(&other, Namespace::Approval, message, &theirs).unwrap_err();
        assert!(matches!(other, sshsig::Error::OtherKey { .. }), "{other}");
    }
}

#[test]
fn a_signature_with_any_byte_changed_does_not_hold() {
    let key = ActorKey::from_seed(&[3; 32]);
    let armoured = key.sign(Namespace::Waiver, b"document");
    assert_eq!(sshsig::verify(&key.public(), Namespace::Waiver, b"document", &armoured), Ok(()));
    let (begin, end) = (armoured.find('\n').unwrap() + 1, armoured.find("\n-----END").unwrap());
    for at in begin..end {
        let mut changed = armoured.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(sshsig::verify(&key.public(), Namespace::Waiver, b"document", &changed).is_err(), "byte {at}");
    }
}

/// An agent of our own, which is ended when this goes.
struct RunningAgent(std::process::Child);

impl Drop for RunningAgent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_agent_signs_for_the_keys_it_has() {
    if !ssh_keygen_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    let mut command = Command::new("ssh-agent");
    let _running = RunningAgent(command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap());
    for _ in 0..500 {
        if socket.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let agent = Agent::at(&socket);
    assert_eq!(agent.keys().unwrap(), []);
    let (path, public) = key_of_ssh_keygen(folder.path());
    let mut add = Command::new("ssh-add");
    assert!(add.arg("-q").arg(&path).env("SSH_AUTH_SOCK", &socket).status().unwrap().success());
    assert_eq!(agent.keys().unwrap(), std::slice::from_ref(&public));
    let signature = agent.sign(&public, Namespace::Approval, b"document").unwrap();
    assert!(ssh_keygen_accepts(folder.path(), &public, b"document", &signature));
    let other = ActorKey::from_seed(&[9; 32]).public();
    let refused = agent.sign(&other, Namespace::Approval, b"document").unwrap_err().to_string();
    assert!(refused.contains("would not sign with the key SHA256:"), "{refused}");
    let nobody = Agent::at(&folder.path().join("nobody")).keys().unwrap_err().to_string();
    assert!(nobody.contains("SSH agent"), "{nobody}");
}

#[test]
fn what_answers_and_is_no_agent_is_refused() {
    for answer in [&b"\x00\x00\x00\x01\x05"[..], b"\xff\xff\xff\xff", b"\x00\x00\x00\x05\x0c\x00\x00\x00\x09", b"\x00"]
    {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
        });
        assert!(Agent::at(&socket).keys().is_err());
        serving.join().unwrap();
    }
}
