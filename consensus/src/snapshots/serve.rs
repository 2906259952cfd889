//! Answers requests one after another, no faster than may be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Ask, BYTES_PER_SECOND, EACH, Source, Told, WAITING};
use crate::divergence::Recent;

/// A request, and what its answer goes back by.
struct Waiting<C> {
    peer: PeerId,
    ask: Ask,
    channel: C,
}

/// The queue before the worker; ends with it. `C` is what an answer goes back by.
pub(crate) struct Server<C> {
    queue: mpsc::Sender<Waiting<C>>,
    by_peer: Arc<Mutex<BTreeMap<PeerId, usize>>>,
    worker: JoinHandle<()>,
}

impl<C> Drop for Server<C> {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

impl<C: Send + 'static> Server<C> {
    /// Starts the worker; what it found goes to `answers`. Until there is a source it finds nothing.
    /// Facts of blocks are asked of `recent`.
    pub(crate) fn start(
        source: Arc<OnceLock<Source>>,
        recent: Arc<OnceLock<Arc<Recent>>>,
        answers: mpsc::Sender<(C, Told)>,
    ) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Waiting<C>>(WAITING);
        let by_peer = Arc::new(Mutex::new(BTreeMap::new()));
        let counts = Arc::clone(&by_peer);
        let worker = tokio::spawn(async move {
            while let Some(Waiting { peer, ask, channel }) = waiting.recv().await {
                let (source, recent) = (Arc::clone(&source), Arc::clone(&recent));
                let found = tokio::task::spawn_blocking(move || match &ask {
                    Ask::Facts { block } => recent.get()?.of(block).map(Told::Facts),
                    Ask::Newest { .. } | Ask::Chunk { .. } => source.get().map(|source| source.tell(&ask)),
                });
                let told = found.await.ok().flatten().unwrap_or(Told::None);
                let bytes = told.bytes() as u64;
                let gone = answers.send((channel, told)).await.is_err();
                leave(&counts, &peer);
                if gone {
                    return;
                }
                tokio::time::sleep(pause(bytes)).await;
            }
        });
        Self { queue, by_peer, worker }
    }

    /// Has a request answered; gives the channel back where there is no room for it.
    pub(crate) fn take(&self, peer: PeerId, ask: Ask, channel: C) -> Result<(), C> {
        {
            let mut by_peer = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
            let own = by_peer.entry(peer).or_default();
            if *own >= EACH {
                return Err(channel);
            }
            *own += 1;
        }
        self.queue.try_send(Waiting { peer, ask, channel }).map_err(|refused| {
            leave(&self.by_peer, &peer);
            refused.into_inner().channel
        })
    }
}

fn leave(by_peer: &Mutex<BTreeMap<PeerId, usize>>, peer: &PeerId) {
    let mut by_peer = by_peer.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(own) = by_peer.get_mut(peer) {
        *own = own.saturating_sub(1);
        if *own == 0 {
            by_peer.remove(peer);
        }
    }
}

/// How long nothing is sent after so many bytes.
const fn pause(bytes: u64) -> Duration {
    Duration::from_micros(bytes * 1_000_000 / BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers when it is let.
    #[derive(Debug)]
    struct Held(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

    impl super::super::SnapshotSource for Held {
        fn tell(&self, _: &Ask) -> Told {
            let _ = self.0.lock().unwrap().recv();
            Told::Chunk(vec![1])
        }
    }

    #[tokio::test]
    async fn one_peer_has_its_share_and_the_queue_an_end() {
        let (let_go, held) = std::sync::mpsc::channel();
        let (answers, mut told) = mpsc::channel(100);
        let source: Source = Arc::new(Held(held.into()));
        let server = Server::start(Arc::new(OnceLock::from(source)), Arc::default(), answers);
        let ask = || Ask::Newest { waypoint: None };
        let greedy = PeerId::random();
        for number in 0..EACH {
            assert_eq!(server.take(greedy, ask(), number), Ok(()));
        }
        assert_eq!(server.take(greedy, ask(), 99), Err(99), "its share is full");
        let refused = (0..2 * WAITING).filter(|n| server.take(PeerId::random(), ask(), *n).is_err()).count();
        assert!(refused >= WAITING - EACH, "{refused}");
        drop(let_go);
        for _ in 0..EACH {
            assert!(told.recv().await.is_some_and(|(_, told)| told == Told::Chunk(vec![1])));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(server.take(greedy, ask(), 1), Ok(()), "it may ask again");
    }

    #[test]
    fn a_chunk_is_paced() {
        assert_eq!(pause(BYTES_PER_SECOND / 4), Duration::from_millis(250));
    }
}
