//! The anchor store `s3`: against s3s-fs in this process, whose objects are files that a test can change behind its back,
//! and against moto's server from PyPI, which has rights, versions and object lock.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::bench::Bench;
use super::parts::{
    AFTER_RUN, Server, entries, free_port, independence, is_kept_and_found, python, run, says, verified, workspace,
    wrong,
};

const KEY_ID: &str = "ANCHORKEYID000000001";
const SECRET: &str = "a-secret-access-key-of-this-test-alone";

/// An S3 server with one bucket, a folder.
struct Files {
    _runtime: Runtime,
    root: TempDir,
    port: u16,
}

fn files() -> Files {
    let (runtime, root) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(root.path().join("anchor-bucket")).unwrap();
    let service = {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        builder.build()
    };
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // A connection that breaks off is the client's to see.
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    Files { _runtime: runtime, root, port }
}

fn store(port: u16, more: &str) -> String {
    format!(
        "{{ kind: anchor_store, driver: s3, bucket: anchor-bucket, endpoint: 'http://127.0.0.1:{port}', access_key_id: {{ \
         env: ANCHOR_KEY_ID }}, secret_access_key: {{ env: ANCHOR_SECRET }}{more} }}"
    )
}

impl Files {
    fn bench(&self) -> Bench {
        workspace(&store(self.port, ""), AFTER_RUN).env("ANCHOR_KEY_ID", KEY_ID).env("ANCHOR_SECRET", SECRET)
    }

    fn object(&self, words: &[&str]) -> PathBuf {
        let paths = fs::read_dir(self.root.path().join("anchor-bucket/anchors")).unwrap();
        let has = |path: &PathBuf| words.iter().all(|word| path.to_string_lossy().contains(word));
        paths.map(|file| file.unwrap().path()).find(has).unwrap()
    }
}

#[test]
fn a_run_is_kept_as_objects_and_what_happens_to_them_is_named() {
    let server = files();
    let bench = server.bench();
    let id = is_kept_and_found(&bench);
    let receipt = &entries(&bench, "anchor.receipt")[0]["data"];
    assert_eq!(receipt["details"]["read_back"], true, "{receipt:#}");
    assert!(
        receipt["place"].as_str().unwrap().starts_with(&format!("s3://anchor-bucket/anchors/{id}.")),
        "{receipt:#}"
    );
    let proof = server.object(&[&id, ".tlog-proof"]);
    let was = fs::read(&proof).unwrap();

    fs::remove_file(&proof).unwrap();
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
    says(&wrong(&bench), &["receipt", &id, "its proof is missing"]);
    fs::write(&proof, "overwritten\n").unwrap();
    says(&wrong(&bench), &["receipt", &id, "overwritten"]);
    fs::write(&proof, &was).unwrap();
    verified(&bench, 0);

    let stranger = server.bench();
    run(&stranger, "demo.note", 0);
    says(&wrong(&bench), &["signature", "none of the keys"]);
    assert_ne!(verified(&bench, 1)["status"], "ok");
}

#[test]
fn credentials_that_are_secrets_of_the_workspace_are_read_noted_and_shown_nowhere() {
    let server = files();
    let vault = format!(
        "{{ kind: anchor_store, driver: s3, bucket: anchor-bucket, endpoint: 'http://127.0.0.1:{}', access_key_id: {{ \
         secret: id }}, secret_access_key: {{ secret: key }} }}\n  box: {{ kind: secret_store, driver: dotenv, path: \
         kept.env }}",
        server.port
    );
    let secrets = format!("secrets: {{ id: {{ from: box, key: ID }}, key: {{ from: box, key: KEY }} }}\n{AFTER_RUN}");
    let bench = workspace(&vault, &secrets).file("kept.env", &format!("ID={KEY_ID}\n"));
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(bench.path("kept.env"), private).unwrap();
    // A secret that is not there leaves the run not anchored, and says which.
    assert_eq!(run(&bench, "demo.note", 1)["anchored"], false);
    let failed = entries(&bench, "anchor.failed")[0]["data"]["detail"].as_str().unwrap().to_owned();
    assert!(failed.contains("secret `key`: store `box` has no `KEY`"), "{failed}");
    fs::write(bench.path("kept.env"), format!("ID={KEY_ID}\nKEY={SECRET}\n")).unwrap();
    assert_eq!(run(&bench, "demo.note", 0)["anchored"], true);
    assert_eq!(verified(&bench, 0)["status"], "ok");
    let reads = entries(&bench, "secret.read");
    let named = |name: &str| reads.iter().find(|read| read["data"]["name"] == name).unwrap()["data"].clone();
    let read = named("key");
    assert_eq!((&read["store"], &read["key"], &read["by"]), (&"box".into(), &"KEY".into(), &"anchor".into()));
    assert_eq!(named("id")["key"], "ID");
    // A step that looks into the store is noted by its path.
    run(&bench, "demo.sound", 0);
    let reads = entries(&bench, "secret.read");
    assert!(reads.iter().any(|read| read["data"]["by"] == "look" && read["data"]["name"] == "key"), "{reads:#?}");
    bench.run("plan demo.sound -o plan.json").exits(0);
    let said = [bench.run("plan demo.sound").stdout, bench.run("ledger show --format ndjson").stdout].concat();
    let mut written = vec![said.into_bytes(), fs::read(bench.path("plan.json")).unwrap()];
    for file in fs::read_dir(bench.path(".runwarden")).unwrap().map(|file| file.unwrap().path()) {
        written.extend(file.is_file().then(|| fs::read(file).unwrap()));
    }
    for bytes in &written {
        let has = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!has(SECRET) && !has(KEY_ID));
    }
    let wrong = fs::read_to_string(bench.path("runwarden.yaml")).unwrap().replace("secret: key }", "secret: kee }");
    fs::write(bench.path("runwarden.yaml"), wrong).unwrap();
    let refused = bench.run("check").exits(2).stderr;
    assert!(refused.contains("`kee`") && refused.contains("did you mean `key`?"), "{refused}");
}

#[test]
fn nothing_is_written_over_what_is_there() {
    let server = files();
    let bench = server.bench();
    let id = is_kept_and_found(&bench);
    // The same run handed over by a ledger that has lost its receipt, to a store where something else is.
    let proof = server.object(&[&id, ".tlog-proof"]);
    fs::write(&proof, "somebody else's\n").unwrap();
    let second = workspace(&store(server.port, ""), "").env("ANCHOR_KEY_ID", KEY_ID).env("ANCHOR_SECRET", SECRET);
    let text = second.read("runwarden.yaml").replace("  vault:", "  renamed:");
    let second = second.file("runwarden.yaml", &text);
    let copied = Command::new("cp").arg("-a").arg(bench.path(".runwarden")).arg(second.path(".")).status().unwrap();
    assert!(copied.success());
    let refused = second.run(&format!("anchor store {id} --to renamed --format json")).exits(1).json();
    assert!(refused["stores"][0]["error"].as_str().unwrap().contains("says something else"), "{refused:#}");
    assert_eq!(fs::read(&proof).unwrap(), b"somebody else's\n");
}

#[test]
fn credentials_that_are_wrong_or_not_there_store_nothing_and_are_not_shown() {
    let server = files();
    let unset = workspace(&store(server.port, ""), AFTER_RUN).env("ANCHOR_KEY_ID", KEY_ID);
    assert_eq!(run(&unset, "demo.note", 1)["anchored"], false);
    let failed = entries(&unset, "anchor.failed");
    assert!(failed[0].to_string().contains("`ANCHOR_SECRET` is not set"), "{failed:#?}");
    let secret = "another-secret-that-opens-nothing";
    let wrong = workspace(&store(server.port, ""), AFTER_RUN).env("ANCHOR_KEY_ID", KEY_ID).env("ANCHOR_SECRET", secret);
    let outcome = wrong.run("run demo.note --format json").exits(1);
    assert!(!outcome.raw.contains(secret) && !outcome.stderr.contains(secret), "{}", outcome.stderr);
    let ledger = fs::read(wrong.path(".runwarden/ledger.db")).unwrap();
    assert!(!ledger.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn a_bucket_that_can_be_written_over_is_not_independent() {
    let found = independence(&files().bench());
    assert_eq!((&found["independent"], &found["trust"]), (&false.into(), &"low".into()), "{found:#}");
    assert_eq!((&found["overwrite"], &found["delete"]), (&"happened".into(), &"happened".into()), "{found:#}");
}

/// Makes a bucket with object lock, one without, and users whose keys put alone, put and read, or may do all.
const SETUP: &str = r#"
import boto3, json, sys, urllib.request
endpoint = sys.argv[1]
made = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup")
s3, iam = boto3.client("s3", **made), boto3.client("iam", **made)
s3.create_bucket(Bucket="anchor-bucket", ObjectLockEnabledForBucket=True)
keys = {}
rights = {
    "puts": ["s3:PutObject", "s3:PutObjectRetention"],
    "reads": ["s3:GetObject", "s3:ListBucket"],
    "all": ["s3:*"],
}
for user, actions in rights.items():
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": actions, "Resource": ["arn:aws:s3:::anchor-bucket", "arn:aws:s3:::anchor-bucket/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName=user, PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    keys[user] = [key["AccessKeyId"], key["SecretAccessKey"]]
# From here on credentials count.
plain = {"Content-Type": "text/plain"}
urllib.request.urlopen(urllib.request.Request(endpoint + "/moto-api/reset-auth", b"0", plain, method="POST"))
print(json.dumps(keys))
"#;

struct Moto {
    _server: Server,
    port: u16,
    keys: serde_json::Value,
}

fn moto() -> Option<Moto> {
    let python = python("moto.server")?;
    let port = free_port();
    let mut command = Command::new(&python);
    command
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let made = Command::new(&python).args(["-c", SETUP, &format!("http://127.0.0.1:{port}")]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(Moto { _server: server, port, keys: serde_json::from_slice(&made.stdout).unwrap() })
}

impl Moto {
    fn key(&self, user: &str) -> (&str, &str) {
        (self.keys[user][0].as_str().unwrap(), self.keys[user][1].as_str().unwrap())
    }

    fn bench(&self, user: &str, more: &str) -> Bench {
        let (id, secret) = self.key(user);
        workspace(&store(self.port, more), AFTER_RUN).env("ANCHOR_KEY_ID", id).env("ANCHOR_SECRET", secret)
    }
}

const LOCKED: &str = ", object_lock: { mode: compliance, keep: 1h }";

#[test]
fn credentials_that_only_put_are_enough_and_another_reads_what_they_put() {
    let Some(moto) = moto() else { return };
    let bench = moto.bench("puts", LOCKED);
    let done = run(&bench, "demo.note", 0);
    assert_eq!(done["anchored"], true);
    let receipt = &entries(&bench, "anchor.receipt")[0]["data"];
    assert_eq!((&receipt["details"]["read_back"], &receipt["details"]["lock"]), (&false.into(), &"COMPLIANCE".into()));
    assert!(receipt["details"]["version"].is_string() && receipt["details"]["retained_until"].is_string());
    bench.run("ledger verify --anchors vault").exits(11);
    let (id, secret) = moto.key("reads");
    let auditor = bench.env("ANCHOR_KEY_ID", id).env("ANCHOR_SECRET", secret);
    assert_eq!(verified(&auditor, 0)["status"], "ok");
    auditor.run("anchor verify --from vault").exits(0);
}

#[test]
fn a_bucket_with_object_lock_is_independent_of_who_may_only_put() {
    let Some(moto) = moto() else { return };
    let found = independence(&moto.bench("puts", LOCKED));
    assert_eq!((&found["independent"], &found["trust"]), (&true.into(), &"medium".into()), "{found:#}");
}

#[test]
fn object_lock_holds_against_who_may_do_all_and_without_it_nothing_does() {
    let Some(moto) = moto() else { return };
    let found = independence(&moto.bench("all", LOCKED));
    assert_eq!((&found["independent"], &found["delete"]), (&true.into(), &"refused".into()), "{found:#}");
    let found = independence(&moto.bench("all", ", object_lock: { mode: governance, keep: 1h }"));
    assert_eq!((&found["independent"], &found["delete"]), (&false.into(), &"happened".into()), "{found:#}");
    let found = independence(&moto.bench("all", ""));
    assert_eq!((&found["independent"], &found["trust"]), (&false.into(), &"low".into()), "{found:#}");
}
