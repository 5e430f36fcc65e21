//! Every effect there is, pointed at what no action may change: by its own name, through links, and by a second name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::trial::Trial;
use super::{PROTECTED, Registry};
use crate::procedure::TargetKind as Kind;

/// Effects that write no file by themselves: what a program, or another machine, does with them is not ours to see.
const NO_FILE: [&str; 2] = ["command.run", "http.request"];

const LEDGER: &[u8] = b"the ledger\n";
const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A workspace with a protected ledger and side folder, and other names for both.
fn workspace() -> Trial {
    let mut trial = Trial::new();
    trial.file("ledger.db", LEDGER);
    trial.file("side/1", "a checkpoint");
    trial.file("plain", "something else");
    std::fs::create_dir(trial.path("state")).unwrap();
    for name in ["trust_lock_state.json", "second.db"] {
        let folder = if name == "second.db" { "" } else { "state/" };
        std::fs::hard_link(trial.path("ledger.db"), trial.path(&format!("{folder}{name}"))).unwrap();
    }
    std::os::unix::fs::symlink(trial.path("ledger.db"), trial.path("link.db")).unwrap();
    std::os::unix::fs::symlink(trial.path("side"), trial.path("side_link")).unwrap();
    trial.settings.protected = vec![trial.path("ledger.db"), trial.path("side")];
    trial.store("secrets", "dotenv", json!({ "path": "box.env" })).secret("key", "secrets", "KEY")
}

/// A file that an effect is pointed at, and a folder.
struct Aim<'a> {
    file: &'a str,
    folder: &'a str,
}

/// The effect's input, with the target that it names bound to the aim.
fn aimed(trial: Trial, action: &str, aim: &Aim<'_>) -> Option<(Trial, Value)> {
    let Aim { file, folder } = *aim;
    let key = json!({ "$secret": "key" });
    let store = |trial: Trial| match file {
        "side/box.env" => trial.store("store", "directory", json!({ "path": "side" })),
        _ => trial.store("store", "dotenv", json!({ "path": file })),
    };
    let registry = |trial: Trial| {
        let settings = json!({ "path": file, "env_file": file, "installed": folder });
        trial.bound("registry", Kind::PluginRegistry, "corvusforge", settings)
    };
    let artifacts = |trial: Trial, path: &str| {
        trial.bound("artifacts", Kind::ArtifactStore, "corvusforge", json!({ "path": path }))
    };
    let ledger = |trial: Trial, path: &str| trial.bound("ledger", Kind::Ledger, "corvusforge", json!({ "path": path }));
    let anchors = |trial: Trial| {
        let settings = json!({ "path": folder, "trust": "low" });
        ledger(trial.bound("anchors", Kind::AnchorStore, "directory", settings), "plain")
    };
    Some(match action {
        "file.write" => (trial, json!({ "path": file, "content": "gone", "replace": true })),
        "file.remove" => (trial, json!({ "path": file })),
        "file.copy" => (trial, json!({ "from": "plain", "to": file, "replace": true })),
        "git.branch" => (trial, json!({ "repository": folder, "name": "gone" })),
        "git.tag" => (trial, json!({ "repository": folder, "name": "gone", "message": "gone" })),
        "ledger.snapshot" => (ledger(trial, "plain"), json!({ "target": "ledger", "to": folder })),
        "ledger.restore" => (ledger(trial, file), json!({ "target": "ledger", "from": "plain", "kept": ["plain"] })),
        "ledger.append" => (
            artifacts(ledger(trial, file), "artifacts"),
            json!({ "target": "ledger", "run": "r", "stage": "s", "transition": "a->b", "payload": {}, "artifacts": "artifacts" }),
        ),
        "mvcrs.marker" => (trial, json!({ "name": "GONE", "word": "GONE", "path": file })),
        "mvcrs.trust_lock" => {
            let directory = if file == "second.db" { "state" } else { folder };
            (trial, json!({ "directory": directory, "locked": true, "reason": "manual", "note": "gone" }))
        }
        "keys.generate" => (store(trial), json!({ "target": "store", "key": "GONE" })),
        "secrets.generate" => (store(trial), json!({ "target": "store", "key": "GONE", "kind": "hex32" })),
        "secrets.put" => (store(trial), json!({ "target": "store", "key": "GONE", "value": key })),
        "secrets.revoke" => (store(trial), json!({ "target": "store", "key": "GONE" })),
        "secrets.set_expiry" => {
            (store(trial), json!({ "target": "store", "key": "GONE", "expires_at": "2030-01-01T00:00:00Z" }))
        }
        "keys.trust" => (registry(trial), json!({ "target": "registry", "role": "plugin", "public": HASH })),
        "keys.revoke" => (registry(trial), json!({ "target": "registry", "public": HASH, "reason": "gone" })),
        "keys.sign" => (trial, json!({ "key": key, "public": HASH, "path": "plain", "to": file })),
        "corvusforge.plugin_disable" => (registry(trial), json!({ "target": "registry", "name": "gone" })),
        "corvusforge.plugin_remove" => {
            (registry(trial), json!({ "target": "registry", "name": "gone", "version": "1.0.0" }))
        }
        "corvusforge.waiver_sign" => (
            artifacts(trial, folder),
            json!({
                "target": "artifacts", "scope": "s575_security", "justification": "j", "approving_identity": "a",
                "risk_classification": "low", "expiration": "2030-01-01T00:00:00Z", "key": key, "public": HASH,
            }),
        ),
        "epoch.bump" => {
            (trial.bound("epoch", Kind::Epoch, "sqlite", json!({ "path": file })), json!({ "target": "epoch" }))
        }
        "pause.pause" | "pause.resume" => {
            let bound = trial.bound("pause", Kind::Pause, "file", json!({ "path": file }));
            (bound, json!({ "target": "pause", "reason": "gone" }))
        }
        "anchor.store" => (
            anchors(trial),
            json!({
                "target": "anchors", "ledger": "ledger", "run": "r",
                "anchor": { "run_id": "r", "entry_count": 1, "root_hash": HASH },
            }),
        ),
        "anchor.independence" => (anchors(trial), json!({ "target": "anchors", "ledger": "ledger" })),
        _ => return None,
    })
}

#[tokio::test]
async fn no_effect_changes_what_is_protected_whatever_it_is_called() {
    for action in Registry::builtin().iter().filter(|action| !action.is_read() && !NO_FILE.contains(&action.name)) {
        for (file, folder) in [
            ("ledger.db", "side"),
            ("link.db", "side_link"),
            ("second.db", "side/deeper"),
            ("side/box.env", "./side/../side"),
        ] {
            let aim = Aim { file, folder };
            let name = action.name;
            let (trial, with) = aimed(workspace(), name, &aim)
                .unwrap_or_else(|| panic!("`{name}` is in no list: which files does it write?"));
            let planned = trial.preview(name, with.clone()).await.unwrap_err();
            assert_eq!(planned.code, PROTECTED, "{name} {file} {folder}: {planned}");
            let done = trial.apply(name, with).await.unwrap_err();
            assert_eq!((done.code.as_str(), done.may_have_happened), (PROTECTED, false), "{name} {file}: {done}");
            assert_eq!(trial.content("ledger.db"), LEDGER, "{name} {file}");
            assert_eq!(std::fs::read_dir(trial.path("side")).unwrap().count(), 1, "{name} {folder}");
        }
    }
}

#[tokio::test]
async fn a_secret_output_is_put_where_an_action_may_put_it() {
    use super::kept::KeptOutput;
    use crate::id::Id;
    use crate::target::secret_store::SecretPlace;

    let mut trial = workspace().store("store", "dotenv", json!({ "path": "second.db" }));
    let (name, target) = (Id::parse("made").unwrap(), Id::parse("store").unwrap());
    let place = SecretPlace { name: name.clone(), store: trial.facts.targets[&target].clone(), key: "MADE".to_owned() };
    trial.facts.secrets.kept = vec![KeptOutput { name, from: vec!["stdout".to_owned()], target, place }];
    let with = json!({ "argv": ["touch", "done"] });
    assert_eq!(trial.preview("command.run", with).await.unwrap_err().code, PROTECTED);
    assert_eq!(trial.content("ledger.db"), LEDGER);
}
