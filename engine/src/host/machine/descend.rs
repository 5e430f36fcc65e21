//! All that a command started, even what left its process group; found by /proc.
//!
//! A process that cleared its environment, left its parents and was never seen in between is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

/// The variable by which a command's descendants are known.
pub(super) const MARK: &str = "RUNWARDEN_COMMAND";

const ROUNDS: usize = 100;
const BETWEEN_ROUNDS: Duration = Duration::from_millis(5);

/// Makes orphans ours, so that they can be found and reaped. Where that fails they are found by their mark alone.
pub(super) fn adopt_orphans() {
    static ADOPTED: OnceLock<()> = OnceLock::new();
    ADOPTED.get_or_init(|| {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    });
}

/// A command's first process and all that came of it, ended when this is dropped before [`Family::let_live`].
pub(super) struct Family {
    leader: Pid,
    leader_reaped: bool,
    mark: Vec<u8>,
    // Process id and start time: an id alone may have been given to another process.
    known: BTreeSet<(i32, u64)>,
    armed: bool,
}

struct Process {
    parent: i32,
    group: i32,
    started: u64,
    gone: bool,
}

impl Family {
    pub(super) fn new(leader: Pid, mark: &str) -> Self {
        let mark = format!("{MARK}={mark}").into_bytes();
        Self { leader, leader_reaped: false, mark, known: BTreeSet::new(), armed: true }
    }

    /// The first process has ended and been waited for; its id means nothing any more.
    pub(super) fn leader_ended(&mut self) {
        self.leader_reaped = true;
    }

    /// What is left may go on: a command that ends by itself may leave a service behind.
    pub(super) fn let_live(mut self) {
        self.armed = false;
    }

    /// Sends a signal to all that are alive, and says how many there were.
    pub(super) fn signal(&mut self, signal: Signal) -> usize {
        let members = self.members();
        for (pid, started) in &members {
            let Some(pid) = Pid::from_raw(*pid) else { continue };
            if let Ok(handle) = rustix::process::pidfd_open(pid, PidfdFlags::empty())
                && read_process(pid.as_raw_pid()).is_some_and(|process| process.started == *started)
            {
                // It may have ended, or be another user's: the next round sees whether it is still there.
                let _ = rustix::process::pidfd_send_signal(&handle, signal);
            }
        }
        members.len()
    }

    /// Whether anybody is left.
    pub(super) fn is_alive(&mut self) -> bool {
        self.reap();
        !self.members().is_empty()
    }

    /// Kills until there is nobody left.
    pub(super) async fn kill(&mut self) {
        for _ in 0..ROUNDS {
            if self.signal(Signal::KILL) == 0 {
                break;
            }
            tokio::time::sleep(BETWEEN_ROUNDS).await;
            self.reap();
        }
    }

    /// The first process is tokio's to wait for; adopted ones are ours.
    fn reap(&self) {
        for (pid, _) in &self.known {
            if let Some(pid) = Pid::from_raw(*pid).filter(|pid| *pid != self.leader) {
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }

    fn members(&mut self) -> Vec<(i32, u64)> {
        let processes = all_processes();
        let leader = self.leader.as_raw_pid();
        let mut members: BTreeSet<i32> = BTreeSet::new();
        for (pid, process) in &processes {
            let in_group = !self.leader_reaped && (process.group == leader || *pid == leader);
            if in_group || self.known.contains(&(*pid, process.started)) || self.is_marked(*pid) {
                members.insert(*pid);
            }
        }
        loop {
            let children: Vec<i32> = processes
                .iter()
                .filter(|(pid, process)| members.contains(&process.parent) && !members.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if children.is_empty() {
                break;
            }
            members.extend(children);
        }
        let members: Vec<_> = processes
            .into_iter()
            .filter(|(pid, process)| members.contains(pid) && !process.gone)
            .map(|(pid, process)| (pid, process.started))
            .collect();
        self.known.extend(&members);
        members
    }

    fn is_marked(&self, pid: i32) -> bool {
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == self.mark))
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        for _ in 0..ROUNDS {
            if self.signal(Signal::KILL) == 0 {
                break;
            }
            std::thread::sleep(BETWEEN_ROUNDS);
            self.reap();
        }
        // A process that even a kill does not end yet (a disk that does not answer) is remembered.
        let left = self.members();
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
    }
}

/// Processes of families that were ended and that were still there after that, by id and start time.
static LEFT: Mutex<BTreeSet<(i32, u64)>> = Mutex::new(BTreeSet::new());

/// Whether none of them is there any more.
pub(super) fn is_quiet() -> bool {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain(|(pid, started)| {
        read_process(*pid).is_some_and(|process| process.started == *started && !process.gone)
    });
    left.is_empty()
}

fn all_processes() -> BTreeMap<i32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((pid, read_process(pid)?))
        })
        .collect()
}

/// What `/proc/PID/stat` says (proc_pid_stat(5)); the name before the last `)` may hold anything.
fn read_process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some(Process {
        gone: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}
