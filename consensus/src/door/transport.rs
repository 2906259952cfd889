//! The door before a listener of our own swarm: a transport that hands on what the one inside gives, and watches over
//! the handshakes of connections that come in.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::{Multiaddr, Transport};

use super::{Door, HANDSHAKE, Place, ip_of};

/// A transport behind a door.
pub(crate) struct Guarded<T> {
    inner: T,
    door: Door,
}

impl<T> Guarded<T> {
    pub(crate) fn new(inner: T, door: Door) -> Self {
        Self { inner, door }
    }
}

fn ended(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

/// Finishes a handshake, or gives up when its time is over or it has to give way.
async fn handshake<O>(mut place: Place, upgrade: impl Future<Output = io::Result<O>>) -> io::Result<O> {
    tokio::select! {
        done = upgrade => done,
        _ = &mut place.gives_way => Err(ended("this handshake gave way to a newer one")),
        () = tokio::time::sleep(HANDSHAKE) => Err(ended("this handshake took too long")),
    }
}

impl<T> Transport for Guarded<T>
where
    T: Transport<Error = io::Error> + Unpin,
    T::Output: 'static,
    T::ListenerUpgrade: Send + 'static,
{
    type Output = T::Output;
    type Error = io::Error;
    type ListenerUpgrade = BoxFuture<'static, io::Result<T::Output>>;
    type Dial = T::Dial;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<T::Dial, TransportError<io::Error>> {
        self.inner.dial(address, options)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        let event = ready!(Pin::new(&mut self.inner).poll(context));
        let from = match &event {
            TransportEvent::Incoming { send_back_addr, .. } => ip_of(send_back_addr),
            _ => None,
        };
        // An address that cannot be read counts as one stranger's.
        let enter = || self.door.enter(from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
        Poll::Ready(event.map_upgrade(|upgrade| {
            let guarded: Self::ListenerUpgrade = Box::pin(handshake(enter(), upgrade));
            guarded
        }))
    }
}
