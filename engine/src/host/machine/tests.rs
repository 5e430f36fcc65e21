#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use super::{Machine, Settings};

mod files;
mod network;
mod programs;

/// A workspace in a temporary folder.
struct Workspace {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { root: folder.path().to_owned(), ..Settings::default() };
        Self { folder, settings }
    }

    fn protecting(mut self, paths: &[&str]) -> Self {
        self.settings.protected = paths.iter().map(PathBuf::from).collect();
        self
    }

    fn machine(&self) -> Machine {
        Machine::new(self.settings.clone())
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn link(&self, to: impl AsRef<Path>, name: impl AsRef<Path>) {
        std::os::unix::fs::symlink(to, self.path(name)).unwrap();
    }

    fn content(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// All names below the workspace, hidden ones too.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
