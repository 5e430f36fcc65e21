//! Signals, in the one place where they enter: how often the operator has asked to stop.
//!
//! They are heard on a thread of their own, whatever the one that works is busy with.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use engine::execute::{Interrupts, Knocks};
use engine::ledger::inbox;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind};
use tokio::sync::watch;

use crate::ui::progress::Progress;

/// SIGXFSZ on Linux: a file would grow beyond the limit of this process.
const FILE_TOO_LARGE: i32 = 25;

/// SIGURG on Linux: somebody has left a request.
const KNOCK: i32 = 23;

/// The thread that hears. Where there can be none, a signal does what it always did.
static EARS: LazyLock<Option<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().ok());

fn signal(kind: SignalKind) -> Option<Signal> {
    let _ears = EARS.as_ref()?.enter();
    tokio::signal::unix::signal(kind).ok()
}

fn hear(hearing: impl Future<Output = ()> + Send + 'static) {
    if let Some(ears) = EARS.as_ref() {
        ears.spawn(hearing);
    }
}

/// From now on a file that may not grow is an error to its writer, and no end of the program. Kept for as long as what
/// is given back.
pub fn survive_full_files() -> Option<Signal> {
    signal(SignalKind::from_raw(FILE_TOO_LARGE))
}

/// How often the inbox is looked into while something takes long, where no signal came.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Knocks whenever something lies in the inbox of this ledger: at a signal at once (SIGURG, which whoever does not listen
/// for it ignores), else a little later.
pub fn knocks(ledger: PathBuf) -> Knocks {
    let (count, knocks) = watch::channel(0u64);
    let mut heard = signal(SignalKind::from_raw(KNOCK));
    let inbox = inbox::path_of(&ledger);
    hear(async move {
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
    let mut heard: Vec<_> = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .filter_map(signal)
        .collect();
    hear(async move {
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
