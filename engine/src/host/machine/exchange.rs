//! Programs: started without a shell, fed, drained, and ended with all they started when they take too long.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Machine;
use super::descend::{Family, MARK, adopt_orphans};
use crate::host::{Command, Error, Finished, Host};

/// What of our environment every program gets.
const HANDED_THROUGH: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// How long a program that was told to end may take.
const GRACE: Duration = Duration::from_secs(5);
/// How long its streams are still read after it ended; something it left behind may hold them for ever.
const AFTER_EXIT: Duration = Duration::from_millis(500);
/// How often, and how far apart, a program that is busy being written is tried.
const TRIES_WHILE_BUSY: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl Machine {
    pub(super) async fn exchange(&self, command: Command) -> Result<Finished, Error> {
        let Some((name, arguments)) = command.argv.split_first() else {
            return Err(Error::Refused("an argv without a program".to_owned()));
        };
        let folder = match &command.folder {
            Some(folder) => self.absolute(folder)?,
            None => self.settings.root.clone(),
        };
        let program_error = |source| Error::Program { program: name.clone(), source };
        let program = self.allowed_program(name, &folder)?;
        let mut chance = [0_u8; 8];
        self.random(&mut chance)?;
        let mark = hex::encode(chance);

        adopt_orphans();
        let mut prepared = tokio::process::Command::new(program);
        prepared
            .args(arguments)
            .env_clear()
            .envs(environment(&command.env)?)
            .env(MARK, &mark)
            .current_dir(&folder)
            .process_group(0)
            .stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = spawn(&mut prepared).await.map_err(program_error)?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| program_error(io::ErrorKind::NotFound.into()))?;
        // Dropped before `child`, so that the first process still has its id when the family is ended.
        let family = Family::new(leader, &mark);
        Ok(watch(&mut child, family, &command).await)
    }
}

/// Starts a program; one that was only just written may still be open for writing in a child between fork and exec.
async fn spawn(prepared: &mut tokio::process::Command) -> io::Result<Child> {
    for _ in 0..TRIES_WHILE_BUSY {
        match prepared.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(BETWEEN_TRIES).await,
            spawned => return spawned,
        }
    }
    prepared.spawn()
}

fn environment(given: &[(String, String)]) -> Result<Vec<(OsString, OsString)>, Error> {
    let handed_through = HANDED_THROUGH.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)));
    let mut environment: Vec<(OsString, OsString)> = handed_through.collect();
    for (name, value) in given {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Error::Refused(format!("`{}` cannot stand in an environment", name.escape_debug())));
        }
        environment.push((name.into(), value.into()));
    }
    Ok(environment)
}

async fn watch(child: &mut Child, mut family: Family, command: &Command) -> Finished {
    let (mut stdout, mut stderr) = (Kept::new(command.at_most), Kept::new(command.at_most));
    let (out, err, input) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
    let mut drained = false;
    let (status, timed_out) = {
        let streams = async {
            tokio::join!(
                drain(out, &mut stdout),
                drain(err, &mut stderr),
                feed(input, command.stdin.as_deref().unwrap_or_default())
            );
        };
        tokio::pin!(streams);
        let ended = match timeout(command.timeout, until_exit(child, streams.as_mut(), &mut drained)).await {
            Ok(status) => (status.ok(), false),
            Err(_) => (end(child, &mut family, streams.as_mut(), &mut drained).await, true),
        };
        if !drained {
            let _ = timeout(AFTER_EXIT, streams).await;
        }
        ended
    };
    if !timed_out {
        family.let_live();
    }
    use std::os::unix::process::ExitStatusExt;
    Finished {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        cut: stdout.cut || stderr.cut,
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        timed_out,
    }
}

/// Tells all to end, waits, and kills what is left.
async fn end(
    child: &mut Child,
    family: &mut Family,
    mut streams: Pin<&mut impl Future<Output = ()>>,
    drained: &mut bool,
) -> Option<ExitStatus> {
    let deadline = Instant::now() + GRACE;
    family.signal(Signal::TERM);
    let mut status = timeout_at(deadline, until_exit(child, streams.as_mut(), drained)).await.ok().and_then(Result::ok);
    if status.is_some() {
        family.leader_ended();
        // Its descendants were told as well and have the same time.
        while Instant::now() < deadline && family.is_alive() {
            sleep(Duration::from_millis(20)).await;
        }
    }
    family.kill().await;
    if status.is_none() {
        // Even a killed process can stay for as long as a disk does not answer.
        status = timeout(GRACE, until_exit(child, streams, drained)).await.ok().and_then(Result::ok);
        family.leader_ended();
        family.kill().await;
    }
    status
}

/// Waits for the first process to end, and reads what it writes meanwhile.
async fn until_exit(
    child: &mut Child,
    mut streams: Pin<&mut impl Future<Output = ()>>,
    drained: &mut bool,
) -> io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            () = &mut streams, if !*drained => *drained = true,
        }
    }
}

/// The begin of a stream.
struct Kept {
    bytes: Vec<u8>,
    at_most: usize,
    cut: bool,
}

impl Kept {
    fn new(at_most: u64) -> Self {
        Self { bytes: Vec::new(), at_most: usize::try_from(at_most).unwrap_or(usize::MAX), cut: false }
    }

    fn take(&mut self, chunk: &[u8]) {
        let room = self.at_most.saturating_sub(self.bytes.len()).min(chunk.len());
        self.bytes.extend_from_slice(&chunk[..room]);
        self.cut |= room < chunk.len();
    }
}

async fn drain(stream: Option<impl AsyncRead + Unpin>, kept: &mut Kept) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0_u8; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        kept.take(&buffer[..count]);
    }
}

async fn feed(stdin: Option<ChildStdin>, bytes: &[u8]) {
    if let Some(mut stdin) = stdin {
        // A program need not read what it is given; closing is what tells it that this was all.
        let _ = stdin.write_all(bytes).await;
        let _ = stdin.shutdown().await;
    }
}
