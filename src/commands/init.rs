//! `init`: a workspace in which `runwarden run hello` works.

use std::path::{Path, PathBuf};

use engine::procedure::workspace::FILE;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::args::{Init, World};
use crate::exit::Exit;
use crate::files;
use crate::refusal::Refusal;
use crate::setup::{self, own_ledger};
use crate::workspace;

/// The first procedure.
const HELLO: &str = include_str!("init/hello.yaml");
/// Where ledger and key are, below the workspace.
const PRIVATE: &str = ".runwarden";

/// The longest list of what version control leaves out that is read, in bytes.
const MAX_IGNORED: u64 = 1 << 20;

/// What `init` says in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The workspace's folder.
    workspace: PathBuf,
    /// The files that were made, below it.
    made: Vec<String>,
    /// The name that the ledger's checkpoints carry.
    origin: String,
}

pub fn run(context: &Context, args: &Init) -> Result<Exit, Refusal> {
    let root = files::absolute(&args.folder);
    let procedure = root.join("procedures/hello.yaml");
    for path in [root.join(FILE), procedure.clone(), root.join(PRIVATE)] {
        if path.symlink_metadata().is_ok() {
            return Err(Refusal::invalid(
                "exists",
                format!("`{}` is there already, and is not overwritten", files::shown(&path)),
            )
            .help("nothing was made; choose another folder, or work with what is there"));
        }
    }
    files::make_folder(&root.join("procedures"))?;
    let origin = match &args.origin {
        Some(origin) => origin.clone(),
        None => made_up_origin(&root)?,
    };
    files::write_new(&root.join(FILE), workspace_file(args.environment, &origin).as_bytes())?;
    files::write_new(&procedure, HELLO.as_bytes())?;
    let workspace = workspace::open(Some(&root.join(FILE))).inspect_err(|_| {
        // An origin that cannot be one, say: what was just made is taken back.
        let _ = std::fs::remove_file(root.join(FILE));
        let _ = std::fs::remove_file(&procedure);
    })?;
    own_ledger::make(&workspace, &setup::reading_machine())?;
    ignore(&root)?;
    let made = [FILE, "procedures/hello.yaml", ".runwarden/ledger.db", ".runwarden/ledger.key", ".gitignore"];
    report(context, View { workspace: root, made: made.map(str::to_owned).to_vec(), origin });
    Ok(Exit::Done)
}

fn report(context: &Context, view: View) {
    let ui = &context.ui;
    if !ui.is_human() {
        return ui.json(&view);
    }
    let mut lines: Vec<String> = view.made.iter().map(|file| format!("made {file}")).collect();
    lines.push(String::new());
    let folder = files::shown(&view.workspace);
    let go = if folder == "." { String::new() } else { format!("cd {folder} && ") };
    lines.push(format!("next: {go}runwarden run hello"));
    ui.data(&lines.join("\n"));
}

fn workspace_file(environment: World, origin: &str) -> String {
    let environment = match environment {
        World::Development => "development",
        World::Staging => "staging",
        World::Production => "production",
    };
    format!(
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/runwarden/runwarden/main/schemas/workspace.schema.json\n\
         runwarden: v1\n\
         \n\
         # development, staging or production: never assumed.\n\
         environment: {environment}\n\
         \n\
         # Where every run is written down. Keep the key out of backups that others read.\n\
         ledger:\n  path: {PRIVATE}/ledger.db\n  key: {PRIVATE}/ledger.key\n  origin: {}\n\
         \n\
         procedures: [procedures]\n",
        quoted(origin)
    )
}

/// A text as YAML in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The folder's name and some chance, so that no two ledgers have one name.
fn made_up_origin(root: &Path) -> Result<String, Refusal> {
    let name = root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = match name.trim_matches('-') {
        "" => "workspace",
        name => name,
    };
    let id = setup::new_run_id(&setup::reading_machine())?;
    let chance = id.as_str().rsplit('-').next().unwrap_or_default();
    Ok(format!("{name}-{chance}"))
}

/// Keeps ledger and key out of version control.
fn ignore(root: &Path) -> Result<(), Refusal> {
    let path = root.join(".gitignore");
    let line = format!("/{PRIVATE}/");
    let before = match files::read_text(&path, MAX_IGNORED) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Refusal::io("read", &path, &error)),
    };
    if before.lines().any(|known| known.trim() == line) {
        return Ok(());
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    files::replace(&path, format!("{before}{gap}{line}\n").as_bytes())
}
