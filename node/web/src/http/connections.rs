//! How many connections are open at once. A process may have only so many files open, and the database and the peers need
//! theirs: readers that open connections and say nothing must not take those.
//!
//! Flow: [`open_files`] raises the process's limit as far as the system lets it → [`most`] says how many connections that
//! leaves → [`Bounded`] closes what comes beyond. A permit is as old as its connection, streams included.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use metrics::counter;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Files left for the database (512), the peers and everything else.
const KEPT_FILES: u64 = 1_024;

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

/// Takes connections while there is room, without Nagle's delay; closes the others.
#[derive(Debug, Clone)]
pub struct Bounded(Arc<Semaphore>);

impl Bounded {
    /// At most so many at once.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))))
    }
}

impl<S> Accept<TcpStream, S> for Bounded {
    type Stream = Counted;
    type Service = S;
    type Future = Ready<io::Result<(Counted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(permit) = self.0.clone().try_acquire_owned() else {
            counter!("aula_http_connections_refused_total").increment(1);
            return ready(Err(io::Error::other("as many connections as may be are open")));
        };
        ready(stream.set_nodelay(true).map(|()| (Counted { stream, _permit: permit }, service)))
    }
}

/// A connection that counts until it is closed.
#[derive(Debug)]
pub struct Counted {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Counted {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_the_database() {
        assert_eq!(most(4_096, 1_000_000), 4_096);
        assert_eq!(most(4_096, 4_096), 3_072);
        assert_eq!(most(4_096, 256), 128);
        assert_eq!(most(4_096, 0), 1);
    }
}
