//! The anchor store `git_tag`: bare repositories over `file://`, and a git daemon that lets nobody move a tag.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::bench::Bench;
use super::parts::{
    AFTER_RUN, Server, entries, free_port, has, independence, is_kept_and_found, is_missing, run, says, verified,
    workspace, wrong,
};

/// Runs git; gives what it prints.
#[track_caller]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Mallory").env(format!("GIT_{role}_EMAIL"), "mallory@example.org");
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bare repository.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--bare", "."]);
    folder
}

fn store(repository: &TempDir, more: &str) -> String {
    format!(
        "{{ kind: anchor_store, driver: git_tag, url: 'file://{}', trust: low{more} }}",
        repository.path().display()
    )
}

fn tags(repository: &TempDir) -> Vec<String> {
    let listed = git(repository.path(), &["for-each-ref", "--format=%(refname)", "refs/tags"]);
    listed.lines().map(str::to_owned).collect()
}

fn with_git() -> bool {
    !is_missing("git", has("git", "--version"))
}

#[test]
fn a_run_is_kept_as_an_annotated_tag_of_a_tree_that_git_itself_shows() {
    if !with_git() {
        return;
    }
    let repository = repository();
    let bench = workspace(&store(&repository, ""), AFTER_RUN);
    let id = is_kept_and_found(&bench);
    let tag = tags(&repository).into_iter().find(|tag| tag.contains(&id)).unwrap();
    assert_eq!(git(repository.path(), &["cat-file", "-t", &tag]), "tag");
    let name = tag.rsplit('/').next().unwrap();
    let entry = git(repository.path(), &["cat-file", "blob", &format!("{tag}:{name}.json")]);
    assert!(entry.contains("\"kind\":\"run.end\"") && entry.contains(&id), "{entry}");
    let said = git(repository.path(), &["cat-file", "tag", &tag]);
    assert!(said.contains(&format!("Anchor of run {id}")) && said.contains(".tlog-proof"), "{said}");
    git(repository.path(), &["fsck", "--strict"]);
}

#[test]
fn a_tag_is_signed_with_the_key_and_one_that_is_not_is_named() {
    if !with_git() || is_missing("ssh-keygen", has("ssh-keygen", "-?")) {
        return;
    }
    let (repository, keys) = (repository(), tempfile::tempdir().unwrap());
    let key = keys.path().join("tagger");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "tagger", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let signers = keys.path().join("signers");
    fs::write(&signers, format!("runwarden@localhost namespaces=\"git\" {public}")).unwrap();
    let more = format!(", signing_key: '{}', allowed_signers: '{}'", key.display(), signers.display());
    let bench = workspace(&store(&repository, &more), AFTER_RUN);
    is_kept_and_found(&bench);
    let tag = tags(&repository).remove(0);
    let name = tag.strip_prefix("refs/tags/").unwrap();
    let signers = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    git(repository.path(), &["-c", "gpg.format=ssh", "-c", &signers, "verify-tag", name]);
    // Somebody else who may push makes the same tag anew, without the key.
    let tree = git(repository.path(), &["rev-parse", &format!("{tag}^{{tree}}")]);
    git(repository.path(), &["tag", "--force", "-a", "-m", "mine", name, &tree]);
    says(&wrong(&bench), &["format", "no signature"]);
}

#[test]
fn a_tag_that_was_deleted_moved_or_is_of_others_is_named() {
    if !with_git() {
        return;
    }
    let repository = repository();
    let bench = workspace(&store(&repository, ""), AFTER_RUN);
    is_kept_and_found(&bench);
    run(&bench, "demo.note", 0);
    let tag = tags(&repository).remove(0);
    let tree = git(repository.path(), &["rev-parse", &format!("{tag}^{{tree}}")]);
    let object = git(repository.path(), &["rev-parse", &tag]);

    git(repository.path(), &["update-ref", "-d", &tag]);
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");
    says(&wrong(&bench), &["receipt", &tag, "deleted"]);

    // Moved to the tree of the other run.
    let other = tags(&repository).remove(0);
    let others = git(repository.path(), &["rev-parse", &format!("{other}^{{tree}}")]);
    git(repository.path(), &["tag", "-a", "-m", "moved", tag.strip_prefix("refs/tags/").unwrap(), &others]);
    assert_eq!(verified(&bench, 1)["status"], "anchor_missing");

    // A branch's commit in its place is no anchor.
    git(repository.path(), &["update-ref", &tag, &tree]);
    says(&wrong(&bench), &["no annotated tag"]);
    git(repository.path(), &["update-ref", &tag, &object]);
    assert_eq!(verified(&bench, 0)["status"], "ok");

    // The anchor of another ledger is foreign here.
    let stranger = workspace(&store(&repository, ""), AFTER_RUN);
    run(&stranger, "demo.note", 0);
    let report = verified(&bench, 1);
    assert_ne!(report["status"], "ok");
    says(&wrong(&bench), &["signature", "none of the keys"]);
    let old = bench.run("anchor verify --from vault --max-age 0s --format json").exits(1).json();
    assert!(old.to_string().contains("anchor") && old["status"] == "failed", "{old:#}");
}

#[test]
fn a_ledger_that_lost_its_end_is_found_by_its_tags() {
    if !with_git() {
        return;
    }
    let repository = repository();
    let bench = workspace(&store(&repository, ""), AFTER_RUN);
    run(&bench, "demo.note", 0);
    let folder = bench.path(".runwarden");
    let kept = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        assert!(Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success());
    };
    copy(&folder, kept.path());
    run(&bench, "demo.note", 0);
    assert_eq!(verified(&bench, 0)["status"], "ok");
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    copy(kept.path(), &folder);
    assert_eq!(bench.run("ledger verify --allow-unanchored").exits(0).exit, Some(0));
    assert_eq!(verified(&bench, 1)["status"], "truncated");
}

#[test]
fn a_repository_that_cannot_be_reached_leaves_the_run_succeeded_and_not_anchored() {
    if !with_git() {
        return;
    }
    let nothing = tempfile::tempdir().unwrap();
    let bench = workspace(&store(&nothing, ""), AFTER_RUN);
    let done = run(&bench, "demo.note", 1);
    assert_eq!((&done["status"], &done["anchored"]), (&"succeeded".into(), &false.into()));
    assert_eq!(entries(&bench, "anchor.failed").len(), 1);
    git(nothing.path(), &["init", "--quiet", "--bare", "."]);
    let stored = bench.run("anchor store last --format json").exits(0).fits(&bench, "output/anchor_store").json();
    assert_eq!(stored["anchored"], true);
    assert_eq!(verified(&bench, 0)["status"], "ok");
}

#[test]
fn a_repository_of_this_machine_is_not_independent_whatever_its_hooks_say() {
    if !with_git() {
        return;
    }
    let repository = repository();
    let bench = workspace(&store(&repository, ""), "");
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["overwrite"]), (&false.into(), &"happened".into()), "{found:#}");
    lock(&repository);
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["overwrite"]), (&false.into(), &"undecided".into()), "{found:#}");
    assert_eq!(found["trust"], "low");
}

/// Lets nobody change a tag that is there.
fn lock(repository: &TempDir) {
    let hook = repository.path().join("hooks/update");
    let text = "#!/bin/sh\ncase \"$2\" in 0000000000*) exit 0;; esac\necho 'tags are kept' >&2\nexit 1\n";
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, text).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Serves a repository over git's own protocol.
fn daemon(repository: &TempDir) -> (Server, Bench) {
    let port = free_port();
    let folder = repository.path().display().to_string();
    let mut command = Command::new("git");
    command
        .args(["daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1", "--reuseaddr"])
        .args([&format!("--port={port}"), &format!("--base-path={folder}"), &folder])
        .stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    let store = format!("{{ kind: anchor_store, driver: git_tag, url: 'git://127.0.0.1:{port}/' }}");
    (server, workspace(&store, AFTER_RUN))
}

#[test]
fn a_repository_elsewhere_is_independent_when_it_lets_nobody_change_a_tag() {
    if !with_git() {
        return;
    }
    let repository = repository();
    let (_daemon, bench) = daemon(&repository);
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["trust"]), (&false.into(), &"low".into()), "{found:#}");
    lock(&repository);
    let found = independence(&bench);
    assert_eq!((&found["independent"], &found["trust"]), (&true.into(), &"medium".into()), "{found:#}");
    is_kept_after(&bench);
}

/// The canaries beside them are nobody's anchors.
#[track_caller]
fn is_kept_after(bench: &Bench) {
    let done = run(bench, "demo.note", 0);
    assert_eq!(done["anchored"], true);
    assert_eq!(verified(bench, 0)["status"], "ok");
}
