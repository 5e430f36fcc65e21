//! The same work for many things, on as many cores as there are; what comes of it in the order of the things.
//!
//! No more is under way at once than there are cores, so what it takes does not grow with how many things there are.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, available_parallelism, scope};

/// How much stack a thread has, in bytes: as much as the main one usually has, so that what fits there fits here.
const STACK: usize = 8 * 1024 * 1024;

/// Does the work for each thing.
pub fn each<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let worker = || {
        let taken = std::iter::from_fn(|| {
            let at = next.fetch_add(1, Ordering::Relaxed);
            things.get(at).map(|thing| (at, work(thing)))
        });
        taken.collect::<Vec<(usize, R)>>()
    };
    let mut done = scope(|scope| {
        // This thread works too; where no other can be had, it does all of it.
        let others = (1..cores.min(things.len())).map(|_| Builder::new().stack_size(STACK).spawn_scoped(scope, worker));
        let others: Vec<_> = others.flatten().collect();
        let mut done = worker();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::{NonZero, available_parallelism, each};

    #[test]
    fn what_comes_of_many_things_is_in_their_order() {
        for many in [0, 1, 2, 7, 100, 1000] {
            let things: Vec<usize> = (0..many).collect();
            let expected: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(each(&things, |thing| thing * 2), expected);
        }
    }

    #[test]
    fn as_many_are_under_way_as_there_are_cores() {
        let cores = available_parallelism().map_or(1, NonZero::get);
        // Each waits for all the others: with fewer threads this would not end.
        let all = Barrier::new(cores);
        each(&vec![(); cores], |()| {
            all.wait();
        });
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_is_the_callers() {
        each(&(0..100).collect::<Vec<_>>(), |thing| assert!(*thing != 7, "the seventh"));
    }
}
