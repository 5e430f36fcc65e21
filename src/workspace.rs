//! The workspace: its file, found upwards from where we are, its folder, its environment, its procedures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::action::Registry;
use engine::diagnostic::{Diagnostic, Severity, Source};
use engine::library::{self, Folder, Library};
use engine::parse::{self, Document, Kind};
use engine::procedure::Environment;
use engine::procedure::workspace::{FILE, Workspace as File};

use crate::files::{absolute, shown};
use crate::refusal::Refusal;
use crate::shipped;

/// The variable that says the environment where the file says none.
pub const ENVIRONMENT: &str = "RUNWARDEN_ENVIRONMENT";

/// What stands beside a ledger under its name, and is protected with it.
const BESIDE: [&str; 14] = [
    "-wal",
    "-shm",
    "-journal",
    ".checkpoints",
    ".nodes",
    ".content",
    ".creating",
    ".edge",
    ".edge.new",
    engine::ledger::fingerprint_key::SUFFIX,
    ".inbox",
    ".incident",
    ".lock",
    ".making",
];

/// A workspace that was found and is valid.
pub struct Workspace {
    /// Its file.
    pub path: PathBuf,
    /// Its folder: where relative paths start.
    pub root: PathBuf,
    /// What the file says.
    pub file: Arc<File>,
}

/// Where the workspace file is: as said, or the first one upwards from here.
pub fn find(said: Option<&Path>) -> Result<Option<PathBuf>, Refusal> {
    if let Some(path) = said {
        let path = absolute(path);
        return match path.is_file() {
            true => Ok(Some(path)),
            false => Err(Refusal::invalid("no-workspace", format!("there is no workspace file `{}`", path.display()))),
        };
    }
    let here = std::env::current_dir()
        .map_err(|error| Refusal::invalid("io", format!("the current folder cannot be found out: {error}")))?;
    Ok(here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file()))
}

/// The workspace, which must be there and valid.
pub fn open(said: Option<&Path>) -> Result<Workspace, Refusal> {
    let path = find(said)?.ok_or_else(|| {
        Refusal::invalid("no-workspace", format!("there is no {FILE} here or in a folder above"))
            .help("`runwarden init` makes a workspace; `-C DIR` or `--workspace FILE` says where one is")
    })?;
    match check(&path)? {
        (Some(file), _) => {
            let root = path.parent().unwrap_or(Path::new("/")).to_owned();
            Ok(Workspace { path, root, file: Arc::new(file) })
        }
        (None, diagnostics) => Err(Refusal::invalid("invalid-document", format!("`{}` has errors", shown(&path)))
            .help("`runwarden explain CODE` says more about each")
            .diagnostics(diagnostics)),
    }
}

/// What is wrong with a workspace file, and what it says where nothing is.
pub fn check(path: &Path) -> Result<(Option<File>, Vec<Diagnostic>), Refusal> {
    let bytes = library::read_file(path).map_err(|error| Refusal::io("read", path, &error))?;
    Ok(match parse::yaml::source(&shown(path), bytes) {
        Ok(source) => check_source(&source),
        Err(problem) => (None, vec![*problem]),
    })
}

/// As [`check`], of a text that was read.
pub fn check_source(source: &Arc<Source>) -> (Option<File>, Vec<Diagnostic>) {
    let (document, diagnostics) =
        parse::check(source, Some(Kind::Workspace), &Registry::builtin(), &parse::Shelf::default());
    let refused = diagnostics.iter().any(|found| found.severity == Severity::Error);
    match document {
        Some(Document::Workspace(file)) if !refused => (Some(*file), diagnostics),
        _ => (None, diagnostics),
    }
}

impl Workspace {
    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.root.join(&self.file.ledger.path)
    }

    /// The file of the ledger's key.
    pub fn key(&self) -> PathBuf {
        self.root.join(&self.file.ledger.key)
    }

    /// The folders of procedures.
    pub fn folders(&self) -> Vec<Folder> {
        let folder = |name: &String| {
            let path = self.root.join(name);
            Folder { shown: shown(&path), path }
        };
        self.file.procedures.iter().map(folder).collect()
    }

    /// The procedures that can be named.
    pub fn library(&self) -> Result<Library, Refusal> {
        Ok(Library::new(&self.folders(), &shipped::procedures())?)
    }

    /// Which world this is: as the file says, else as the variable says; both at once must agree.
    pub fn environment(&self) -> Result<Environment, Refusal> {
        let said = std::env::var_os(ENVIRONMENT).map(|value| value.to_string_lossy().into_owned());
        decide_environment(self.file.environment, said.as_deref())
    }

    /// Files and folders that no action may write or remove.
    pub fn protected(&self) -> Vec<PathBuf> {
        let ledger = self.ledger();
        let beside = BESIDE.iter().map(|suffix| {
            let mut name = ledger.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        });
        let of_key = |suffix: &str| {
            let mut name = self.key().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let own = [ledger.clone(), self.key(), of_key(".next"), of_key(".trusted"), self.path.clone()];
        let folders = self.file.procedures.iter().map(|folder| self.root.join(folder));
        own.into_iter().chain(beside).chain(folders).collect()
    }
}

impl From<library::Error> for Refusal {
    fn from(error: library::Error) -> Self {
        let message = error.to_string();
        match error {
            library::Error::Unknown { .. } => {
                Self::invalid("unknown-procedure", message).help("`runwarden list` shows what there is")
            }
            library::Error::Io { .. } => Self::invalid("io", message),
            library::Error::NotAProcedure { .. } => Self::invalid("not-a-procedure", message),
        }
    }
}

/// The environment by what the file and the variable say.
fn decide_environment(file: Option<Environment>, said: Option<&str>) -> Result<Environment, Refusal> {
    let words = "`development`, `staging` or `production`";
    let variable = match said {
        None => None,
        Some("development") => Some(Environment::Development),
        Some("staging") => Some(Environment::Staging),
        Some("production") => Some(Environment::Production),
        Some(other) => {
            return Err(Refusal::invalid(
                "environment",
                format!("{ENVIRONMENT} is `{other}`, which is no environment"),
            )
            .help(format!("it is {words}, or not set")));
        }
    };
    match (file, variable) {
        (Some(file), Some(variable)) if file != variable => Err(Refusal::invalid(
            "environment",
            format!("{ENVIRONMENT} is `{}`, and {FILE} says `{}`", variable.as_str(), file.as_str()),
        )
        .help(format!("unset {ENVIRONMENT}; the workspace file decides"))),
        (Some(environment), _) | (None, Some(environment)) => Ok(environment),
        (None, None) => Err(Refusal::invalid(
            "no-environment",
            format!("neither {FILE} nor {ENVIRONMENT} says which environment this is"),
        )
        .help(format!("write `environment: development` into {FILE}; it is {words}"))),
    }
}

#[cfg(test)]
mod tests {
    use engine::procedure::Environment;

    use super::decide_environment;

    #[track_caller]
    fn refused(file: Option<Environment>, said: Option<&str>, code: &str) {
        let decided = decide_environment(file, said).map_err(|refusal| refusal.code);
        assert_eq!(decided, Err(code));
    }

    #[test]
    fn the_file_decides_and_the_variable_fills_in() {
        let decided = |file, said| decide_environment(file, said).map_err(|refusal| refusal.code);
        assert_eq!(decided(Some(Environment::Staging), None), Ok(Environment::Staging));
        assert_eq!(decided(Some(Environment::Staging), Some("staging")), Ok(Environment::Staging));
        assert_eq!(decided(None, Some("production")), Ok(Environment::Production));
    }

    #[test]
    fn nothing_is_assumed() {
        refused(None, None, "no-environment");
        refused(None, Some(""), "environment");
        refused(None, Some("Production"), "environment");
        refused(Some(Environment::Production), Some("development"), "environment");
        refused(Some(Environment::Production), Some("prod"), "environment");
    }
}
