//! Signals, in the one place where they enter: how often the operator has asked to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::execute::{Interrupts, Knocks};
use engine::ledger::inbox;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::ui::progress::Progress;

/// SIGXFSZ on Linux: a file would grow beyond the limit of this process.
const FILE_TOO_LARGE: i32 = 25;

/// SIGURG on Linux: somebody has left a request.
const KNOCK: i32 = 23;

/// From now on a file that may not grow is an error to its writer, and no end of the program. Kept for as long as what
/// is given back.
pub fn survive_full_files() -> Option<Signal> {
    signal(SignalKind::from_raw(FILE_TOO_LARGE)).ok()
}

/// How often the inbox is looked into while something takes long, where no signal came.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Knocks whenever something lies in the inbox of this ledger: at a signal at once (SIGURG, which whoever does not listen
/// for it ignores), else a little later.
pub fn knocks(ledger: PathBuf) -> Knocks {
    let (count, knocks) = watch::channel(0u64);
    let mut heard = signal(SignalKind::from_raw(KNOCK)).ok();
    let inbox = inbox::path_of(&ledger);
    tokio::spawn(async move {
        loop {
            let look = tokio::time::sleep(BETWEEN_LOOKS);
            match &mut heard {
                Some(heard) => tokio::select! {
                    _ = heard.recv() => {}
                    () = look => {}
                },
                None => look.await,
            }
            let lies_there = std::fs::read_dir(&inbox).is_ok_and(|mut listed| listed.next().is_some());
            if count.is_closed() {
                return;
            }
            if lies_there {
                count.send_modify(|count| *count = count.saturating_add(1));
            }
        }
    });
    knocks
}

/// Counts interrupts from now on; SIGTERM and SIGHUP are one SIGINT.
pub fn listen(progress: Arc<Progress>) -> Interrupts {
    let (count, interrupts) = watch::channel(0u8);
    // Where a signal cannot be listened for it does what it always did.
    let mut heard: Vec<_> = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    tokio::spawn(async move {
        loop {
            let next = heard.iter_mut().map(|signal| Box::pin(signal.recv()));
            if first(next).await.is_none() {
                return;
            }
            count.send_modify(|count| *count = count.saturating_add(1));
            match *count.borrow() {
                1 => progress.say("stopping after this step; once more ends it now, and leaves its outcome unknown"),
                2 => progress.say("ending the step"),
                _ => {}
            }
        }
    });
    interrupts
}

/// The first of them that comes to something.
async fn first<T: Future<Output = Option<()>> + Unpin>(waiting: impl Iterator<Item = T>) -> Option<()> {
    let mut waiting: Vec<T> = waiting.collect();
    std::future::poll_fn(|context| {
        waiting
            .iter_mut()
            .map(|one| std::pin::Pin::new(one).poll(context))
            .find(std::task::Poll::is_ready)
            .unwrap_or(std::task::Poll::Pending)
    })
    .await
}
