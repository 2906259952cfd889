//! Answers kept by this node: those about final things for good, those about the newest height until the next block.
//!
//! Flow: the gate asks [`Cache::find`] before a route runs, and gives a 200 answer to [`Cache::keep`] after it. A kept
//! answer has an ETag (of its bytes); a caller that names it gets 304. Only GETs without a credential come here, and only
//! of routes that [`lifetime`] names, whose answers depend on nothing but the chain.
//!
//! Invariants: an answer about the newest height is given only while that height is the newest; what is kept is bounded.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aula_api::paths;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::gzip;

use crate::pages;
pub use crate::pages::Lifetime;

/// What browsers are told of final things.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// What browsers are told of the newest height: ask again, with the ETag.
const FOR_NOW: &str = "no-cache";

/// A kept answer.
#[derive(Debug)]
pub struct Kept {
    /// The height it is about; none when it holds for good.
    height: Option<u64>,
    /// Its headers, ETag and Cache-Control among them.
    pub headers: HeaderMap,
    /// As it was answered first, not compressed.
    pub body: Bytes,
    /// Its body as gzip, made when it is first asked for; none where that is no shorter.
    gzip: OnceLock<Option<Bytes>>,
}

#[derive(Debug, Default)]
struct Shelf {
    answers: HashMap<String, Arc<Kept>>,
    bytes: usize,
}

/// The kept answers.
#[derive(Debug)]
pub struct Cache {
    shelf: RwLock<Shelf>,
    max_bytes: usize,
}

/// How long the answer of a path holds; none when it depends on more than the chain.
pub fn lifetime(path: &str) -> Option<Lifetime> {
    const FINAL: [&str; 4] = [paths::BLOCK, paths::GENESIS, paths::HOURS, paths::MODEL];
    const HEIGHT: [&str; 16] = [
        paths::BLOCKS,
        paths::ROUNDS,
        paths::POOLS,
        paths::CLASSES,
        paths::BUDGETS,
        paths::DISTRICTS,
        paths::SCHOOLS,
        paths::MEMBERS,
        paths::PROPOSALS,
        paths::VALIDATORS,
        paths::PARAMETERS,
        paths::PARAMETERS_BY_THEIR_EARLIER_NAME,
        paths::TRAIL,
        paths::TWIN_PARAMETERS,
        paths::MILESTONES,
        paths::SEARCH,
    ];
    // With what lies below each: a round's report, a school's hours.
    const BELOW: [&str; 5] =
        [paths::ROUND, paths::POOL, paths::DISTRICT, paths::SCHOOL, paths::EVIDENCE_FIGURES];
    let is_below = |route: &&str| path.starts_with(paths::stem(route));
    if FINAL.iter().any(is_below) {
        return Some(Lifetime::Final);
    }
    let kept = HEIGHT.contains(&path) || BELOW.iter().any(is_below);
    kept.then_some(Lifetime::Height).or_else(|| pages::lifetime(path))
}

impl Kept {
    /// An answer with its ETag and what browsers may keep.
    pub fn new(mut headers: HeaderMap, body: Bytes, lifetime: Lifetime, height: u64) -> Self {
        let digest = hex::encode(Sha256::digest(&body));
        let tag = HeaderValue::try_from(format!("\"{}\"", digest.get(..32).unwrap_or(&digest)));
        if let Ok(tag) = tag {
            headers.insert(header::ETAG, tag);
        }
        let told = if lifetime == Lifetime::Final { FOR_GOOD } else { FOR_NOW };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(told));
        let height = (lifetime == Lifetime::Height).then_some(height);
        Self { height, headers, body, gzip: OnceLock::new() }
    }

    /// Headers and body, as gzip if that is wanted and worth it.
    pub fn form(&self, gzip: bool) -> (HeaderMap, Bytes) {
        let mut headers = self.headers.clone();
        if !gzip::is_text(&headers) {
            return (headers, self.body.clone());
        }
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        let Some(short) = gzip.then(|| self.gzip.get_or_init(|| gzip::shorter(&self.body)).clone()).flatten()
        else {
            return (headers, self.body.clone());
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        // Other bytes, another tag.
        if let Some(tag) = self.tag()
            && let Ok(tag) = HeaderValue::try_from(format!("{}-gzip\"", tag.trim_end_matches('"')))
        {
            headers.insert(header::ETAG, tag);
        }
        (headers, short)
    }

    fn tag(&self) -> Option<&str> {
        self.headers.get(header::ETAG)?.to_str().ok()
    }

    /// True when the caller has these bytes already.
    pub fn is_known(&self, asked: &HeaderMap) -> bool {
        let Some(tag) = self.tag() else { return false };
        let bare = |tag: &str| tag.trim().trim_start_matches("W/").replace("-gzip\"", "\"");
        let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
        known.is_some_and(|known| known.split(',').any(|one| bare(one) == tag))
    }
}

impl Cache {
    /// Keeps at most so many bytes; none: every answer is made anew.
    pub fn new(max_bytes: usize) -> Self {
        Self { shelf: RwLock::default(), max_bytes }
    }

    /// The answer to a path with its query, if one is kept that still holds at `height`.
    pub fn find(&self, key: &str, height: u64) -> Option<Arc<Kept>> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        shelf.answers.get(key).filter(|kept| kept.height.is_none_or(|of| of == height)).cloned()
    }

    /// Keeps an answer; makes room by letting go what no longer holds, and everything when that is not enough.
    pub fn keep(&self, key: String, kept: Arc<Kept>) {
        // Text shrinks to less than half; that form counts too.
        let size = |key: &str, kept: &Kept| key.len() + kept.body.len() * 3 / 2 + 512;
        let added = size(&key, &kept);
        if added > self.max_bytes / 2 {
            return;
        }
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        if shelf.bytes + added > self.max_bytes {
            shelf.answers.retain(|_, old| old.height.is_none() || old.height == kept.height);
            shelf.bytes = shelf.answers.iter().map(|(key, kept)| size(key, kept)).sum();
            if shelf.bytes + added > self.max_bytes / 2 {
                shelf.answers.clear();
                shelf.bytes = 0;
            }
        }
        if let Some(old) = shelf.answers.insert(key.clone(), kept) {
            shelf.bytes = shelf.bytes.saturating_sub(size(&key, &old));
        }
        shelf.bytes += added;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lifetime: Lifetime, height: u64, size: usize) -> Arc<Kept> {
        Arc::new(Kept::new(HeaderMap::new(), vec![7; size].into(), lifetime, height))
    }

    #[test]
    fn an_answer_of_a_height_holds_until_the_next_and_a_final_one_for_good() {
        let cache = Cache::new(64 << 20);
        cache.keep("/rounds".into(), kept(Lifetime::Height, 5, 10));
        cache.keep("/blocks/3".into(), kept(Lifetime::Final, 5, 10));
        assert!(cache.find("/rounds", 5).is_some() && cache.find("/rounds", 6).is_none());
        assert!(
            cache.find("/blocks/3", 600).is_some_and(|kept| kept.headers[header::CACHE_CONTROL] == FOR_GOOD)
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = Cache::new(64 << 20);
        for n in 0..100 {
            cache.keep(format!("/rounds?{n}"), kept(Lifetime::Height, n, 2 << 20));
        }
        assert!(cache.shelf.read().is_ok_and(|shelf| shelf.bytes <= 64 << 20 && !shelf.answers.is_empty()));
        let none = Cache::new(0);
        none.keep("/rounds".into(), kept(Lifetime::Height, 5, 10));
        assert!(none.find("/rounds", 5).is_none());
    }

    #[test]
    fn nothing_that_depends_on_more_than_the_chain_is_kept() {
        for path in [
            paths::STATUS,
            &paths::transaction("00"),
            &paths::evidence_round(1),
            paths::STREAM,
            paths::METRICS,
            &paths::account("00"),
        ] {
            assert_eq!(lifetime(path), None, "{path}");
        }
    }

    #[test]
    fn what_a_block_settled_is_kept_for_good_and_what_the_newest_says_until_the_next() {
        let (hours, report) = (paths::hours("7-2026-01-05-ab.json"), paths::round_report(1));
        for path in [paths::GENESIS, &paths::block(3), &hours, &paths::model("00")] {
            assert_eq!(lifetime(path), Some(Lifetime::Final), "{path}");
        }
        let (hours, figures) = (paths::school_hours(7), paths::evidence_one("round", 1));
        for path in [paths::BLOCKS, paths::EVIDENCE_FIGURES, &report, &hours, &figures, &paths::district(3)] {
            assert_eq!(lifetime(path), Some(Lifetime::Height), "{path}");
        }
    }
}
