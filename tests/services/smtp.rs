//! The anchor store `smtp`, against aiosmtpd from PyPI: with STARTTLS and a login, and without.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::bench::Bench;
use super::parts::{AFTER_RUN, Server, entries, has, independence, is_missing, python, run, workspace};

/// Takes mails and writes each to a file; with a certificate it asks for TLS and the right password.
const SERVER: &str = r#"
import asyncio, os, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

folder, certificate = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None

class Handler:
    async def handle_DATA(self, server, session, envelope):
        path = os.path.join(folder, f"{len(os.listdir(folder))}.eml")
        with open(path, "wb") as file:
            file.write(envelope.original_content)
        return "250 kept as " + os.path.basename(path)

def authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"anchors", b"correct horse battery")
    return AuthResult(success=right, handled=False)

more = {}
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate + "/server.pem", certificate + "/server.key")
    more = dict(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), **more), "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"#;

/// Reads a mail and prints its attachments, as the mail program of whoever keeps it would.
const READER: &str = r#"
import email, email.policy, hashlib, json, sys
mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
files = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
for name, data in files.items():
    open(sys.argv[2] + "/" + name, "wb").write(data)
print(json.dumps({"id": mail["Message-ID"], "subject": mail["Subject"], "to": mail["To"], "files": sorted(files),
    "text": mail.get_body().get_content()}))
"#;

fn start(python: &std::path::Path, folder: &TempDir, certificate: Option<&TempDir>) -> (Server, String) {
    let mut command = Command::new(python);
    command.args(["-c", SERVER]).arg(folder.path());
    command.args(certificate.map(TempDir::path));
    Server::start(&mut command, "port ")
}

fn mails(folder: &TempDir) -> usize {
    fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn an_anchor_is_mailed_byte_for_byte_and_judged_from_the_mail() {
    let Some(python) = python("aiosmtpd") else { return };
    let (box_, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_server, port) = start(&python, &box_, None);
    let store = format!(
        "{{ kind: anchor_store, driver: smtp, server: 127.0.0.1, port: {port}, tls: none, from: ops@example.org, to: \
         [auditors@example.org] }}"
    );
    let bench = workspace(&store, AFTER_RUN);
    let done = run(&bench, "demo.note", 0);
    assert_eq!(done["anchored"], true);
    assert_eq!(mails(&box_), 1);
    let read =
        Command::new(&python).args(["-c", READER]).arg(box_.path().join("0.eml")).arg(kept.path()).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mail: Value = serde_json::from_slice(&read.stdout).unwrap();
    let id = done["run"].as_str().unwrap();
    assert!(mail["subject"].as_str().unwrap().contains(id), "{mail:#}");
    let receipt = &entries(&bench, "anchor.receipt")[0]["data"];
    assert_eq!(receipt["details"]["message_id"], mail["id"]);
    assert!(receipt["details"]["answer"].as_str().unwrap().contains("kept as 0.eml"), "{receipt:#}");
    let proof = mail["files"].as_array().unwrap().iter().find_map(|file| file.as_str()?.strip_suffix(".tlog-proof"));
    let proof = kept.path().join(format!("{}.tlog-proof", proof.unwrap()));
    let judged = bench.run(&format!("anchor verify {} --ledger .runwarden/ledger.db", proof.display()));
    judged.exits(0);
    // What is known to be mailed is not mailed again.
    bench.run("anchor store last").exits(0);
    assert_eq!(mails(&box_), 1);
    let refused = bench.run(&format!("anchor fetch {id} --from vault")).exits(11).stderr;
    assert!(refused.contains("nothing can be fetched from it"), "{refused}");
    bench.run("ledger verify --anchors vault").exits(11);
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["delete"]), (&false.into(), &"undecided".into()), "{found:#}");
}

#[test]
fn a_login_goes_over_tls_and_its_password_is_written_nowhere() {
    let Some(python) = python("aiosmtpd") else { return };
    if is_missing("openssl", has("openssl", "version")) {
        return;
    }
    let (box_, certificate) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_folder = |name: &str| certificate.path().join(name).display().to_string();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"])
        .args(["-keyout", &in_folder("server.key"), "-out", &in_folder("server.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (_server, port) = start(&python, &box_, Some(&certificate));
    let store = format!(
        "{{ kind: anchor_store, driver: smtp, server: localhost, port: {port}, ca: '{}', user: anchors, password: {{ env: \
         MAIL_PASSWORD }}, from: ops@example.org, to: [auditors@example.org] }}",
        in_folder("server.pem")
    );
    let wrong = workspace(&store, AFTER_RUN).env("MAIL_PASSWORD", "wrong horse battery");
    assert_eq!(run(&wrong, "demo.note", 1)["anchored"], false);
    let failed = entries(&wrong, "anchor.failed");
    assert!(!failed.is_empty() && !failed[0].to_string().contains("wrong horse battery"), "{failed:#?}");
    let unset = workspace(&store, AFTER_RUN);
    assert_eq!(run(&unset, "demo.note", 1)["anchored"], false);
    let failed = entries(&unset, "anchor.failed");
    assert!(failed[0]["data"]["detail"].as_str().unwrap().contains("`MAIL_PASSWORD` is not set"), "{failed:#?}");
    let bench = workspace(&store, AFTER_RUN).env("MAIL_PASSWORD", "correct horse battery");
    assert_eq!(run(&bench, "demo.note", 0)["anchored"], true);
    assert_eq!(mails(&box_), 1);
    let is_in = |bench: &Bench, needle: &[u8]| {
        let ledger = fs::read(bench.path(".runwarden/ledger.db")).unwrap();
        ledger.windows(needle.len()).any(|window| window == needle)
    };
    assert!(!is_in(&bench, b"correct horse battery"));

    // The same password from a secret store.
    let store = store.replace("{ env: MAIL_PASSWORD }", "{ secret: mail }");
    let store = format!("{store}\n  box: {{ kind: secret_store, driver: env, prefix: BOX_ }}");
    let policy = format!("secrets: {{ mail: {{ from: box, key: mail }} }}\n{AFTER_RUN}");
    let bench = workspace(&store, &policy).env("BOX_mail", "correct horse battery");
    assert_eq!(run(&bench, "demo.note", 0)["anchored"], true);
    assert_eq!(mails(&box_), 2);
    assert_eq!(entries(&bench, "secret.read")[0]["data"]["name"], "mail");
    assert!(!is_in(&bench, b"correct horse battery"));
}

#[test]
fn a_server_that_is_not_there_leaves_the_run_not_anchored() {
    // No system gives this port away by itself: one that was free a moment ago may be another test's server by now.
    let store = "{ kind: anchor_store, driver: smtp, server: 127.0.0.1, port: 1, tls: none, from: ops@example.org, to: \
                 [auditors@example.org] }";
    let bench = workspace(store, AFTER_RUN);
    assert_eq!(run(&bench, "demo.note", 1)["anchored"], false);
    let report = bench.run("ledger verify --allow-unanchored --format json").exits(0).json();
    assert_eq!(report["status"], "self_consistent_only");
}
