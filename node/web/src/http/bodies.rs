//! Requests' bodies: read before the request takes a permit, at a least rate, within a memory that is shared by address.
//!
//! Who announces two megabytes and sends one byte holds nothing but a connection, and that for [`PATIENCE`]. Invariants:
//! all bodies that are being read together take at most `MOST_BYTES`, those of one address `MOST_OF_ONE`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::connections::share;
use crate::api_error::ApiError;

/// How long a body may take that is sent at less than [`LEAST_RATE`].
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes a second that a body must come with on the whole; a slow line of a school has four times that.
pub const LEAST_RATE: u64 = 32 * 1024;
/// Bytes of all bodies that are being read.
const MOST_BYTES: usize = 256 << 20;
/// Bytes of those from one address.
const MOST_OF_ONE: usize = 64 << 20;

/// What is being read, by address.
#[derive(Debug, Default)]
pub struct Bodies(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_share: HashMap<IpAddr, usize>,
}

impl Bodies {
    /// Reads a body of at most `limit` bytes.
    ///
    /// # Errors
    /// 413 when it is longer, 408 when it comes too slowly, 503 when too many are being read, 400 when it breaks off.
    pub async fn read(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        body: Body,
        limit: usize,
    ) -> Result<Bytes, ApiError> {
        self.read_within(from, body, limit, PATIENCE).await
    }

    async fn read_within(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        body: Body,
        limit: usize,
        patience: Duration,
    ) -> Result<Bytes, ApiError> {
        let begun = Instant::now();
        let mut room = Room { bodies: self.clone(), share: from.map(share), bytes: 0 };
        let (mut stream, mut read) = (body.into_data_stream(), Vec::new());
        loop {
            let earned = Duration::from_millis(1_000 * read.len() as u64 / LEAST_RATE);
            let next = timeout_at(begun + patience + earned, stream.next()).await.map_err(|_| too_slow())?;
            let Some(piece) = next else { return Ok(read.into()) };
            let piece = piece.map_err(|_| ApiError::bad_request("the body broke off", "send it again"))?;
            if read.len() + piece.len() > limit {
                let hint = format!("send at most {limit} bytes; split large batches");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(ApiError::new(status, "too_large", "the body is too long", hint));
            }
            room.take(piece.len())?;
            read.extend_from_slice(&piece);
        }
    }
}

fn too_slow() -> ApiError {
    let message = format!("the body came with less than {} KiB a second", LEAST_RATE / 1024);
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", message, "send it again, in smaller batches")
}

/// Bytes that one body takes, given back when it is read or given up.
struct Room {
    bodies: Arc<Bodies>,
    share: Option<IpAddr>,
    bytes: usize,
}

impl Room {
    fn take(&mut self, more: usize) -> Result<(), ApiError> {
        let mut held = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.share.map_or(0, |share| held.by_share.get(&share).copied().unwrap_or(0));
        if held.all + more > MOST_BYTES || own + more > MOST_OF_ONE {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(ApiError::new(
                status,
                "busy",
                "as many bodies as may are being read",
                "try again in a second",
            ));
        }
        held.all += more;
        if let Some(share) = self.share {
            *held.by_share.entry(share).or_default() += more;
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(self.bytes);
        let Some(share) = self.share else { return };
        let left = held.by_share.get(&share).map_or(0, |own| own.saturating_sub(self.bytes));
        if left == 0 {
            held.by_share.remove(&share);
        } else {
            held.by_share.insert(share, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn dripping(pieces: usize, every: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(every).await;
            (sent < pieces).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    #[tokio::test]
    async fn a_body_comes_at_a_least_rate_or_is_given_up() {
        let bodies = Arc::new(Bodies::default());
        let patience = Duration::from_millis(200);
        let quick = bodies.read_within(None, dripping(3, Duration::from_millis(1)), 10, patience).await;
        assert_eq!(quick.as_deref(), Ok(b"xxx".as_slice()));
        let slow =
            bodies.read_within(None, dripping(1_000, Duration::from_millis(20)), 10_000, patience).await;
        assert_eq!(slow.map_err(|error| error.status()), Err(StatusCode::REQUEST_TIMEOUT));
        let long = bodies.read_within(None, Body::from(vec![0; 11]), 10, patience).await;
        assert_eq!(long.map_err(|error| error.status()), Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[test]
    fn one_address_takes_no_more_than_its_share_of_memory() {
        let bodies = Arc::new(Bodies::default());
        let room = |last: u8| Room {
            bodies: bodies.clone(),
            share: Some(IpAddr::from([192, 0, 2, last])),
            bytes: 0,
        };
        let (mut greedy, mut second, mut other) = (room(1), room(1), room(2));
        assert!(greedy.take(MOST_OF_ONE).is_ok() && second.take(1).is_err() && other.take(1).is_ok());
        drop(greedy);
        assert!(second.take(1).is_ok());
        drop((second, other));
        let held = bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((held.all, held.by_share.len()), (0, 0));
    }
}
