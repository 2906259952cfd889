//! How many reads a caller may ask for: a token bucket an address. Answers from the cache cost nothing.
//!
//! A bucket holds four seconds' worth, so that a page's or an auditor's burst passes. Addresses that have a full bucket
//! again are forgotten; at most [`MAX_CALLERS`] are remembered, and beyond that all start anew.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most addresses remembered.
const MAX_CALLERS: usize = 10_000;
/// Seconds of reads that may come at once.
const BURST_S: f64 = 4.0;

/// How much each address may still ask for at once, or each of something else that requests are counted by.
#[derive(Debug)]
pub struct Callers<K = IpAddr> {
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Eq + Hash> Callers<K> {
    /// So many reads a second for each; 0 is no limit.
    pub fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes a token, or says how long until there is one.
    ///
    /// # Errors
    /// The time until there is one.
    pub fn ask(&self, caller: K, now: Instant) -> Result<(), Duration> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let full = self.per_second * BURST_S;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(&caller) {
            let per_second = self.per_second;
            buckets.retain(|_, bucket| bucket.filled(now, per_second, full) < full);
            if buckets.len() >= MAX_CALLERS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { tokens: full, at: now });
        bucket.tokens = bucket.filled(now, self.per_second, full);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_second))
    }
}

impl Bucket {
    fn filled(&self, now: Instant, per_second: f64, full: f64) -> f64 {
        (self.tokens + now.saturating_duration_since(self.at).as_secs_f64() * per_second).min(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_bucket_empties_and_fills_for_its_own_address_alone() {
        let callers = Callers::new(10);
        let now = Instant::now();
        let (a, b) = (IpAddr::from(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::from(Ipv4Addr::new(10, 0, 0, 2)));
        assert!((0..40).all(|_| callers.ask(a, now).is_ok()));
        let wait = callers.ask(a, now).err();
        assert!(wait.is_some_and(|wait| wait <= Duration::from_millis(101)), "{wait:?}");
        assert!(callers.ask(b, now).is_ok());
        assert!(callers.ask(a, now + Duration::from_secs(1)).is_ok());
        assert!(Callers::new(0).ask(a, now).is_ok());
    }
}
