//! Time and memory of pieces of work that stand side by side in one run.
//!
//! Peak memory is the kernel's `VmHWM`, set back before each piece; it is that of the whole process, so what an earlier
//! piece left behind counts for a later one as well. Seconds say little by themselves; ratios are what is compared.
//! Disks have moods: both sides take turns, and the best turn of each counts.

use std::time::{Duration, Instant};

/// What a piece of work took.
#[derive(Clone, Copy)]
pub struct Took {
    /// Wall time.
    pub time: Duration,
    /// The most memory that was resident meanwhile, in KiB.
    pub peak: u64,
}

/// Does a piece of work and says what it took.
pub fn measured(work: impl FnOnce()) -> Took {
    // Needs no right beyond one's own process; where it is refused, the peak is that since the start.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let began = Instant::now();
    work();
    Took { time: began.elapsed(), peak: peak() }
}

/// Both sides in turn, three times; the best of each.
pub fn in_turn(mut ours: impl FnMut() -> Took, mut theirs: impl FnMut() -> Took) -> (Took, Took) {
    let turns = [(); 3].map(|()| (theirs(), ours()));
    let best = |side: fn(&(Took, Took)) -> Took| {
        let all = turns.iter().map(side);
        all.reduce(|a, b| Took { time: a.time.min(b.time), peak: a.peak.min(b.peak) })
            .unwrap_or(Took { time: Duration::ZERO, peak: 0 })
    };
    (best(|turn| turn.1), best(|turn| turn.0))
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Shows a piece of work beside what it is compared with.
#[expect(clippy::print_stdout, reason = "a benchmark shows what it found")]
pub fn show(what: &str, than: &str, (ours, theirs): (Took, Took)) {
    let line = |name: &str, took: Took, note: &str| {
        let mib = took.peak as f64 / 1024.0;
        println!("  {name:<58} {:>9.3} s {mib:>8.1} MiB  {note}", took.time.as_secs_f64());
    };
    let time = ours.time.as_secs_f64() / theirs.time.as_secs_f64().max(f64::EPSILON);
    let memory = ours.peak as f64 / (theirs.peak as f64).max(1.0);
    line(than, theirs, "");
    line(what, ours, &format!("{time:.2} x time, {memory:.2} x memory"));
    println!();
}
