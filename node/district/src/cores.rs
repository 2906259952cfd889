//! The same work for each of many, on all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does it with each, and gives what came out in their order; none when a worker stopped.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Option<Vec<R>> {
    let (next, threads) = (AtomicUsize::new(0), std::thread::available_parallelism().map_or(1, NonZero::get));
    let worker = || {
        let mut made = Vec::new();
        while let Some((at, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
        {
            made.push((at, work(item)));
        }
        made
    };
    let joined: Option<Vec<Vec<(usize, R)>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|one| one.join().ok()).collect()
    });
    let mut made: Vec<(usize, R)> = joined?.into_iter().flatten().collect();
    made.sort_by_key(|(at, _)| *at);
    Some(made.into_iter().map(|(_, one)| one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_stands_in_the_order_of_what_goes_in() {
        let items: Vec<u64> = (0..1_000).collect();
        let squares: Vec<u64> = items.iter().map(|one| one * one).collect();
        assert_eq!(on_all_cores(&items, |one| one * one), Some(squares));
        assert_eq!(on_all_cores(&[0_u64; 0], |one| *one), Some(Vec::new()));
    }
}
