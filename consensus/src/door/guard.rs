//! The door before the engine's listener, whose swarm is not ours to build.
//!
//! The engine listens on a loopback port of its own, and this listens where the operator says: each connection that is
//! let in is copied to the engine, bytes as they are. The engine still proves identities; from here it is only seen
//! whether a handshake is over: [`HANDSHAKE_BYTES`] from it are the sign.
//!
//! The engine lets anybody finish a handshake, whatever key they show, and asks who they are afterwards; one that does
//! not answer stays. So a connection from a stranger's address keeps its place here for as long as it lasts. A peer whose
//! address is not known yet becomes known by its gossip, which asks for the key first.
//!
//! What this does not do: tell an admitted peer from others that share its address, and keep a process of this very
//! machine from the engine's own port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{Door, HANDSHAKE, Place, ip_of};

/// More bytes than the engine sends in a handshake (negotiation, the responder's half of the key exchange, the
/// multiplexer's name: under 500), less than what follows it at once.
const HANDSHAKE_BYTES: u64 = 700;
/// Bytes copied at a time.
const BUFFER: usize = 64 * 1024;
/// Pause after the system has refused to accept: no descriptors are left.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// A guard at the public port. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    task: JoinHandle<()>,
    /// Where the engine is to listen.
    pub(crate) engine: Multiaddr,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Guard {
    /// Stops, and completes when the public port is free for whoever listens there next.
    pub(crate) async fn close(mut self) {
        self.task.abort();
        // An error is how an aborted task ends.
        let _ = (&mut self.task).await;
    }
}

/// Begins to guard `listen`.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn start(listen: &Multiaddr, door: Door) -> io::Result<Guard> {
    let public = TcpListener::bind(socket(listen)?).await?;
    // Asked of the system and given back at once, for the engine to take.
    let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
    let engine = Multiaddr::empty().with(inner.ip().into()).with(Protocol::Tcp(inner.port()));
    Ok(Guard { task: tokio::spawn(accept(public, inner, door)), engine })
}

fn socket(listen: &Multiaddr) -> io::Result<SocketAddr> {
    let port = listen.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let (Some(ip), Some(port)) = (ip_of(listen), port) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an IP address with a TCP port"));
    };
    Ok(SocketAddr::new(ip, port))
}

async fn accept(public: TcpListener, engine: SocketAddr, door: Door) {
    // Ends with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = public.accept() => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(serve(stream, engine, door.enter(from.ip())));
                }
                Err(_) => tokio::time::sleep(EXHAUSTED).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, from its handshake to its end. How it ends says nothing here: the engine sees it as well.
async fn serve(outside: TcpStream, engine: SocketAddr, mut place: Place) -> io::Result<()> {
    outside.set_nodelay(true)?;
    // The engine is bothered only by who says something.
    let begun = tokio::select! {
        readable = outside.readable() => readable,
        _ = &mut place.gives_way => return Ok(()),
        () = tokio::time::sleep(HANDSHAKE) => return Ok(()),
    };
    begun?;
    let inside = TcpStream::connect(engine).await?;
    inside.set_nodelay(true)?;
    let ((from_outside, to_outside), (from_inside, to_inside)) = (outside.into_split(), inside.into_split());
    let (tell, mut sent) = watch::channel(0);
    let copying = async {
        let there = copy(from_outside, to_inside, None);
        let back = copy(from_inside, to_outside, Some(tell));
        // Either end is the end of both: a half-open connection is of no use to the engine's protocols.
        tokio::select! {
            ended = there => ended,
            ended = back => ended,
        }
    };
    tokio::pin!(copying);
    let finished = tokio::select! {
        ended = &mut copying => return ended,
        finished = sent.wait_for(|bytes| *bytes >= HANDSHAKE_BYTES) => finished.is_ok(),
        _ = &mut place.gives_way => false,
        () = tokio::time::sleep(HANDSHAKE) => false,
    };
    if !finished {
        return Ok(());
    }
    if place.known {
        drop(place);
        return copying.await;
    }
    tokio::select! {
        ended = copying => ended,
        _ = &mut place.gives_way => Ok(()),
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    tell: Option<watch::Sender<u64>>,
) -> io::Result<()> {
    let (mut buffer, mut all) = (vec![0; BUFFER], 0u64);
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        all += count as u64;
        if let Some(tell) = tell.as_ref().filter(|_| all < HANDSHAKE_BYTES + BUFFER as u64) {
            // An error means that nobody asks any more.
            let _ = tell.send(all);
        }
    }
}

#[cfg(test)]
mod tests;
