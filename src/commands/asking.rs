//! Changing something of a run from outside it: by this process where the ledger is free, else by asking the process that
//! has it, and waiting until it has done so.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::host::Probe as _;
use engine::host::machine::Machine;
use engine::ledger::Ledger;
use engine::ledger::error::Error as LedgerError;
use engine::ledger::inbox::{self, Request};
use engine::ledger::lock::Holder;
use rustix::process::{Pid, Signal, kill_process};

use crate::exit::Exit;
use crate::refusal::Refusal;
use crate::setup::own_ledger;
use crate::workspace::Workspace;

/// How often it is looked whether the other process has answered.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The longest reason, in bytes: it is to fit an entry.
const LONGEST_REASON: usize = 4096;

/// A request on its way.
pub struct Asking<'a> {
    pub workspace: &'a Workspace,
    pub machine: &'a Machine,
    pub request: &'a Request,
    /// How long the other process is waited for.
    pub patience: Duration,
}

impl Asking<'_> {
    /// Does it with the ledger (`alone` is told the name of a request that was left for others meanwhile), or leaves a
    /// request and looks, once that was taken, whether it has come true.
    pub fn settle<T>(
        &self,
        mut alone: impl FnMut(&mut Ledger, Option<&str>) -> Result<T, Refusal>,
        mut seen: impl FnMut() -> Result<Option<T>, Refusal>,
    ) -> Result<T, Refusal> {
        let begun = Instant::now();
        let mut posted: Option<PathBuf> = None;
        loop {
            match self.open()? {
                Ok(mut ledger) => {
                    let name = posted.as_ref().and_then(|path| path.file_stem()?.to_str());
                    let done = alone(&mut ledger, name);
                    // What is durable is asked no more; what failed is said here, and not tried again by others.
                    if let Some(path) = &posted {
                        let _ = std::fs::remove_file(path);
                    }
                    ledger.close(self.machine.now())?;
                    return done;
                }
                Err(holder) => {
                    let path = match &posted {
                        Some(path) => path,
                        None => posted.insert(inbox::post(&self.workspace.ledger(), self.request)?),
                    };
                    knock(&holder);
                    if !path.exists()
                        && let Some(done) = seen()?
                    {
                        return Ok(done);
                    }
                    if begun.elapsed() >= self.patience {
                        return Err(self.not_confirmed(&holder));
                    }
                }
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn open(&self) -> Result<Result<Ledger, Holder>, Refusal> {
        let Some(key) = own_ledger::key(self.workspace)? else {
            return Err(Refusal::new(Exit::Ledger, "ledger-missing", "the ledger was removed just now"));
        };
        match Ledger::open(&self.workspace.ledger(), key, self.machine.now()) {
            Ok(ledger) => Ok(Ok(ledger)),
            Err(LedgerError::Busy { holder, .. }) => Ok(Err(holder)),
            Err(error) => Err(error.into()),
        }
    }

    fn not_confirmed(&self, holder: &Holder) -> Refusal {
        let message = format!("it is not confirmed: {holder} has the ledger and has not done it yet");
        Refusal::new(Exit::Failed, "not-confirmed", message)
            .help("the request is left for it; `runwarden runs show RUN` says what became of it")
    }
}

/// Has the process look into the inbox. The signal is one that a process which does not listen for it ignores.
fn knock(holder: &Holder) {
    let pid = holder.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It looks by itself before its next move; without the signal that only takes longer.
        let _ = kill_process(pid, Signal::URG);
    }
}

/// A reason as it goes on record.
pub fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    match text.len() {
        0 => Err(Refusal::invalid("usage", "`--reason` is empty")),
        1..=LONGEST_REASON => Ok(text.to_owned()),
        _ => Err(Refusal::invalid("usage", format!("`--reason` is longer than {LONGEST_REASON} bytes"))),
    }
}
