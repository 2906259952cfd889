//! A connection that ends itself when it is silent for too long, or when its place is given to another.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Place;

/// A stream with its place and its clock.
#[derive(Debug)]
pub struct Watched {
    stream: TcpStream,
    place: Place,
    clock: Pin<Box<Sleep>>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        let clock = Box::pin(sleep(place.doorkeeper.limits.idle));
        Self { stream, place, clock }
    }

    /// Whatever waits for bytes also waits for the connection's time to be over.
    fn or_over<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let activity = &self.place.activity;
        if polled.is_ready() {
            activity.moved_ms.store(activity.now_ms(), Ordering::Release);
            return polled;
        }
        activity.waker.register(context.waker());
        loop {
            let Some(left) = activity.time_left(self.place.doorkeeper.limits) else { return Poll::Pending };
            if left.is_zero() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // It may have fired for an earlier end than the present one.
            if self.clock.is_elapsed() || self.clock.deadline() > Instant::now() + left {
                self.clock.as_mut().reset(Instant::now() + left + Duration::from_millis(1));
            }
            if self.clock.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let polled = Pin::new(&mut own.stream).poll_read(context, buffer);
        own.or_over(context, polled)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let own = self.get_mut();
        let polled = Pin::new(&mut own.stream).poll_write(context, bytes);
        own.or_over(context, polled)
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
        let own = self.get_mut();
        let polled = Pin::new(&mut own.stream).poll_write_vectored(context, bytes);
        own.or_over(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
