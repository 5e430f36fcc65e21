//! Signed documents in files: the document to the byte, and beside it the signature, as `ssh-keygen -Y sign` leaves them.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::consent::document::{self, Approval, MAX_DOCUMENT};
use engine::event::people::{Signed, Sought};
use engine::execute::consents::Consents;
use engine::id::RunId;
use engine::sign::sshsig::Namespace;

use super::who::Signer;
use crate::files;
use crate::refusal::Refusal;

/// The longest signature that is read, in bytes.
const MAX_SIGNATURE: u64 = 16 * 1024;

/// The file of a document's signature.
pub fn signature_of(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// Reads a document and its signature; none where there is no file of one.
pub fn read(path: &Path) -> Result<Signed, Refusal> {
    let document = files::read_text(path, MAX_DOCUMENT as u64).map_err(|error| Refusal::io("read", path, &error))?;
    let beside = signature_of(path);
    let signature = match files::read_text(&beside, MAX_SIGNATURE) {
        Ok(signature) => Some(signature),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(Refusal::io("read", &beside, &error)),
    };
    Ok(Signed { document, signature })
}

/// Reads several.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Signed>, Refusal> {
    paths.iter().map(|path| read(path)).collect()
}

/// Writes a document and its signature; without one, an older one is taken away.
pub fn write(path: &Path, signed: &Signed) -> Result<(), Refusal> {
    let beside = signature_of(path);
    match &signed.signature {
        Some(signature) => files::replace(&beside, signature.as_bytes())?,
        None => match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Refusal::io("remove", &beside, &error));
            }
            _ => {}
        },
    }
    files::replace(path, signed.document.as_bytes())
}

/// What whoever runs brings.
pub struct Bearer<'a> {
    /// How the run's actor signs.
    pub signer: Option<&'a Signer>,
    /// The approvals that were given.
    pub approvals: Vec<Signed>,
}

impl Consents for Bearer<'_> {
    fn sign(&self, document: &str) -> Result<Option<String>, String> {
        self.signer.map(|signer| signer.sign(Namespace::Run, document)).transpose()
    }

    fn brought(&self) -> Vec<Signed> {
        self.approvals.clone()
    }

    fn approvals(&self, _: &RunId, sought: &Sought) -> Vec<Signed> {
        let is_meant = |signed: &&Signed| {
            document::read::<Approval>(&signed.document).is_ok_and(|approval| approval.step == sought.step)
        };
        self.approvals.iter().filter(is_meant).cloned().collect()
    }
}
