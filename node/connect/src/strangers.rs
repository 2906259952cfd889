//! How often somebody whom a feed does not know may try.
//!
//! Only refusals count, by address: who is known is never kept waiting by others behind the same proxy. Each address has
//! [`MOST`] tries, and one more every [`ANOTHER`]. Invariant: no more addresses are remembered than `MAX_ADDRESSES`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

/// Tries of one address before it has to wait.
pub const MOST: u32 = 20;
/// After how long another try is allowed.
pub const ANOTHER: Duration = Duration::from_secs(3);
/// Addresses that are remembered at most; beyond that all are forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// Who was refused lately.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl Strangers {
    /// Counts a refusal; true when the address tried too often and is told to wait.
    pub fn refused(&self, address: IpAddr) -> bool {
        self.refused_at(address, Instant::now())
    }

    fn refused_at(&self, address: IpAddr, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_ADDRESSES {
            seen.clear();
        }
        let (tries, since) = seen.entry(address).or_insert((0, now));
        let over = now.saturating_duration_since(*since).as_millis() / ANOTHER.as_millis();
        let over = u32::try_from(over).unwrap_or(u32::MAX);
        if over > 0 {
            *tries = tries.saturating_sub(over);
            *since = now;
        }
        if *tries >= MOST {
            return true;
        }
        *tries += 1;
        false
    }
}

/// The same routes, whose 401 is a 429 for an address that tried too often.
pub fn limited(routes: Router) -> Router {
    routes.layer(from_fn_with_state(Arc::new(Strangers::default()), limit))
}

async fn limit(State(strangers): State<Arc<Strangers>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Listeners without the peer's address are on loopback, where a proxy is the one peer.
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let response = next.run(request).await;
    if response.status() != StatusCode::UNAUTHORIZED || !strangers.refused(address) {
        return response;
    }
    let body = r#"{"error":{"code":"too_many_requests","message":"too many refused requests: wait before the next one"}}"#;
    let headers =
        [(CONTENT_TYPE, "application/json".to_owned()), (RETRY_AFTER, ANOTHER.as_secs().to_string())];
    (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn an_address_waits_after_its_tries_and_others_do_not() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let address = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let waits = |last, at| strangers.refused_at(address(last), now + at);
        assert!((0..MOST).all(|_| !waits(1, Duration::ZERO)));
        assert!(waits(1, Duration::ZERO) && !waits(2, Duration::ZERO));
        assert!(!waits(1, ANOTHER) && waits(1, ANOTHER), "one more try after a while");
    }
}
