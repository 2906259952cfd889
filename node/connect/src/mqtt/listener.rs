//! The listener: sockets, and how many at once.
//!
//! A broker that acknowledges by itself, before a district has a message on its disk, would lose what it acknowledged; this listener
//! is therefore no broker. It takes messages of the feed's topics and gives one retained message, at `aula/NAME/about`, which tells
//! a device the feed's topics and limits. Absent: delivery among clients, sessions that outlive a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::served::Mqtt;
use super::session;

/// Connections at once; more are closed unread.
pub const MAX_CONNECTIONS: usize = 65_536;

/// Serves a socket until the process ends, in clear text: on loopback, or behind a proxy that ends TLS.
pub async fn serve(socket: TcpListener, mqtt: Arc<Mqtt>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as too many open files: those that are open go on.
                tracing::warn!(feed = mqtt.feed.name, %error, "a connection cannot be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        // Small answers go at once.
        let _ = stream.set_nodelay(true);
        let mqtt = mqtt.clone();
        tokio::spawn(async move {
            session::run(&mqtt, stream, peer.ip()).await;
            drop(place);
        });
    }
}
