//! Which connections are open, and how long each may be without a request.
//!
//! A process may have only so many files open, and the database and the peers need theirs: readers that open connections
//! and say nothing must not take those, nor the other readers' places. Flow: [`open_files`] raises the process's limit as
//! far as the system lets it → [`most`] says how many connections that leaves → [`Doorkeeper`] gives each a place. When an
//! address has its share, or all are taken, the oldest connection without a request of that address, or of the one that
//! has most, is closed for the new one; where none can be, the new one is.
//!
//! Invariant: from the moment it is accepted, a connection has [`IDLE_LIMIT`] to bring a whole request's head, and as long
//! again after each answer: before the protocol is known, during and after the TLS handshake, in HTTP/1 and HTTP/2 alike.
//! While a request is answered, bytes have to move. Connections that became a WebSocket keep their own limits.

use std::collections::{BTreeMap, HashMap};
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum_server::accept::Accept;
use futures::task::AtomicWaker;
use metrics::counter;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

mod service;
mod stream;

pub use service::Counted;
pub use stream::Watched;

/// Files left for the database (512), the peers and everything else.
const KEPT_FILES: u64 = 1_024;
/// How long a connection may be without a request.
pub const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// While a request is answered, how long no byte may move, beyond the time a request may take.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Raises the limit of open files to what the system allows this process; gives what it is then.
pub fn open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, ..limit };
    // Where it cannot be raised, what it was has to do.
    let now = setrlimit(Resource::Nofile, wanted).map_or(limit, |()| wanted);
    now.current.unwrap_or(u64::MAX)
}

/// Connections that may be open when the operator wants `wanted` and `files` may be open.
pub fn most(wanted: usize, files: u64) -> usize {
    let kept = KEPT_FILES.min(files / 2);
    wanted.min(usize::try_from(files.saturating_sub(kept)).unwrap_or(usize::MAX)).max(1)
}

/// Whose share an address takes from: itself, and of version 6 its /64, which one machine has as a whole.
pub fn share(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four => four,
    }
}

/// What a connection is doing; shared by its stream, its service and the doorkeeper.
#[derive(Debug)]
pub struct Activity {
    begun: Instant,
    /// Milliseconds after `begun` when the last answer was done, or the connection accepted.
    idle_since_ms: AtomicU64,
    /// Milliseconds after `begun` when bytes last moved.
    moved_ms: AtomicU64,
    requests: AtomicUsize,
    upgraded: AtomicBool,
    closed: AtomicBool,
    waker: AtomicWaker,
}

impl Activity {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            idle_since_ms: AtomicU64::new(0),
            moved_ms: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            upgraded: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Acquire) == 0 && !self.upgraded.load(Ordering::Acquire)
    }

    /// How long it may still be as it is; none when for good.
    fn time_left(&self, limits: Limits) -> Option<Duration> {
        if self.closed.load(Ordering::Acquire) {
            return Some(Duration::ZERO);
        }
        if self.upgraded.load(Ordering::Acquire) {
            return None;
        }
        let (since, limit) = match self.requests.load(Ordering::Acquire) {
            0 => (self.idle_since_ms.load(Ordering::Acquire), limits.idle),
            _ => (self.moved_ms.load(Ordering::Acquire), limits.stall),
        };
        Some((Duration::from_millis(since) + limit).saturating_sub(self.begun.elapsed()))
    }

    /// Ends it at its next turn.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// How long a connection may be silent.
#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: Duration,
    stall: Duration,
}

/// Open connections by share, each with its number; numbers ascend.
#[derive(Debug, Default)]
struct Places {
    next: u64,
    open: usize,
    by_share: HashMap<IpAddr, BTreeMap<u64, Arc<Activity>>>,
}

impl Places {
    /// Closes the oldest connection of a share that has no request; false when all have one.
    fn make_room(&mut self, share: IpAddr) -> bool {
        let Some(own) = self.by_share.get_mut(&share) else { return false };
        let Some(number) = own.iter().find(|(_, one)| one.is_idle()).map(|(number, _)| *number) else {
            return false;
        };
        if let Some(activity) = own.remove(&number) {
            activity.close();
            self.open = self.open.saturating_sub(1);
            counter!("aula_http_connections_evicted_total").increment(1);
        }
        true
    }

    /// The share with most connections.
    fn largest(&self) -> Option<IpAddr> {
        self.by_share.iter().max_by_key(|(_, own)| own.len()).map(|(share, _)| *share)
    }
}

/// Gives connections their places.
#[derive(Debug, Clone)]
pub struct Doorkeeper {
    places: Arc<Mutex<Places>>,
    most: usize,
    most_of_one: usize,
    limits: Limits,
}

impl Doorkeeper {
    /// At most `most` at once, of one address `most_of_one`; 0 is no limit. A request may take `request`.
    pub fn new(most: usize, most_of_one: usize, request: Duration) -> Self {
        let most_of_one = if most_of_one == 0 { usize::MAX } else { most_of_one };
        let limits = Limits { idle: IDLE_LIMIT, stall: STALL_LIMIT + request };
        Self { places: Arc::default(), most, most_of_one, limits }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address; none when every other one has a request.
    fn admit(&self, address: IpAddr) -> Option<Place> {
        let share = share(address);
        let mut places = self.lock();
        if places.by_share.get(&share).map_or(0, BTreeMap::len) >= self.most_of_one
            && !places.make_room(share)
        {
            return None;
        }
        while places.open >= self.most {
            let largest = places.largest()?;
            if !places.make_room(largest) && !places.make_room(share) {
                return None;
            }
        }
        let number = places.next;
        places.next += 1;
        places.open += 1;
        let activity = Arc::new(Activity::new());
        places.by_share.entry(share).or_default().insert(number, activity.clone());
        Some(Place { doorkeeper: self.clone(), share, number, activity })
    }
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    doorkeeper: Doorkeeper,
    share: IpAddr,
    number: u64,
    activity: Arc<Activity>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.doorkeeper.lock();
        let Some(own) = places.by_share.get_mut(&self.share) else { return };
        // One that was closed for another has given it back already.
        let held = own.remove(&self.number).is_some();
        if own.is_empty() {
            places.by_share.remove(&self.share);
        }
        places.open = places.open.saturating_sub(usize::from(held));
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = Watched;
    type Service = Counted<S>;
    type Future = Ready<io::Result<(Watched, Counted<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().map(|address| self.admit(address.ip()));
        ready(match place {
            Ok(Some(place)) => stream.set_nodelay(true).map(|()| {
                let service = Counted::new(service, place.activity.clone());
                (Watched::new(stream, place), service)
            }),
            Ok(None) => {
                counter!("aula_http_connections_refused_total").increment(1);
                Err(io::Error::other("as many connections as may be are open"))
            }
            Err(error) => Err(error),
        })
    }
}

#[cfg(test)]
mod tests;
