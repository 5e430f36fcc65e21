//! The anchor store `directory`: one file for each of an anchor's files, written once.

use async_trait::async_trait;
use serde_json::Map;

use super::place::{Guarded, judge_place};
use super::{AnchorStore, Damage, Error, Item, Kept, MAX_OBJECT, Object, Trial, Tried, inventory};
use crate::host::{Existing, Host, Probe};
use crate::target::Trust;

/// A folder.
pub(super) struct Directory {
    pub settings: super::super::Directory,
}

#[async_trait]
impl AnchorStore for Directory {
    fn trust(&self, probe: &dyn Probe, guarded: &Guarded) -> Result<Trust, Error> {
        Ok(judge_place(probe, &self.settings.path, self.settings.trust, guarded)?)
    }

    fn place(&self, _: &dyn Probe, item: &Item) -> Option<String> {
        let file = item.files.last()?;
        Some(self.settings.path.join(item.file_name(file)).display().to_string())
    }

    /// Everything that lies in the folder; one that is not there holds nothing, and that is said.
    async fn objects(&self, probe: &dyn Probe, run: Option<&str>) -> Result<Vec<Object>, Error> {
        let folder = &self.settings.path;
        if probe.stat(folder)?.is_none() {
            let detail = "there is no such folder, and so no anchor in it".to_owned();
            let bytes = Err(Damage { code: "no_folder", detail });
            return Ok(vec![Object { place: folder.display().to_string(), name: String::new(), bytes }]);
        }
        let is_its = |name: &String| run.is_none_or(|run| name.starts_with(&format!("{run}.")));
        let names = probe.list(folder)?.into_iter().filter(is_its);
        Ok(names.map(|name| inventory::file(probe, &folder.join(name), MAX_OBJECT)).collect())
    }

    async fn put(&self, host: &dyn Host, item: &Item) -> Result<Kept, Error> {
        let folder = &self.settings.path;
        host.make_folder(folder, 0o700)?;
        let mut place = String::new();
        for file in &item.files {
            let path = folder.join(item.file_name(file));
            place = path.display().to_string();
            // What an attempt before this one left is there already.
            let was_there = host.stat(&path)?.is_some();
            if !was_there {
                host.write(&path, &file.bytes, 0o444, Existing::Refuse)?;
            }
            let found = inventory::file(host, &path, MAX_OBJECT);
            if found.bytes.as_ref() != Ok(&file.bytes) {
                return Err(match was_there {
                    true => Error::new("exists", format!("`{place}` is there and says something else")),
                    false => Error::new("read_back", format!("`{place}` is not what was written")).uncertain_if(true),
                });
            }
        }
        Ok(Kept { place, details: Map::new() })
    }

    async fn trial(&self, host: &dyn Host, canary: &Item) -> Result<Trial, Error> {
        let place = self.put(host, canary).await?.place;
        let path = std::path::Path::new(&place);
        // Whoever owns the file or the folder, and root, can allow again what is refused just now.
        let (ours, theirs) = (host.stat(path)?, host.stat(&self.settings.path)?);
        let owner = |stat: Option<crate::host::Stat>| stat.map(|stat| stat.owner);
        let is_ours = owner(ours.clone()) == owner(theirs) || owner(ours) == Some(0);
        let refused = |error: crate::host::Error| match is_ours {
            true => Tried::Undecided(format!("{error}; and whoever writes the ledger owns the folder, or is root")),
            false => Tried::Refused(error.to_string()),
        };
        let overwrite = match host.write(path, b"overwritten\n", 0o444, Existing::Replace) {
            Ok(()) => Tried::Happened(format!("`{place}` was overwritten")),
            Err(error) => refused(error),
        };
        let delete = match host.remove(path) {
            Ok(()) => Tried::Happened(format!("`{place}` was removed")),
            Err(error) => refused(error),
        };
        Ok(Trial { overwrite, delete })
    }
}
