//! What peers offer, and how far each offer is believed.

use aula_consensus::snapshots::{Ask, Told};
use aula_ledger::types::Height;
use futures::future::join_all;
use libp2p_identity::PeerId;

use super::{Known, Newcomer, Peers};
use aula_home::clock::now_ms;
use aula_store::sha256;
use aula_store::snapshots::{Manifest, Verified, verify_chain};

/// How old the newest block of an offer may be without a block that the operator trusts: validators that left long ago may
/// have sold their keys, and could certify another past.
pub const OLDEST_MS: u64 = 24 * 3_600_000;

/// A peer's snapshot whose header is certified; the state behind it is not looked at yet.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The peer that offers it.
    pub peer: PeerId,
    /// What it is.
    pub verified: Verified,
    /// The proof's bytes.
    pub chain: Vec<u8>,
}

impl Offer {
    /// The height whose state the peer offers.
    pub fn height(&self) -> u64 {
        self.verified.manifest.height.0
    }
}

/// Why an offer is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Its sender lies, or is damaged.
    Lie(String),
    /// It is true as far as was seen, and may not be used.
    Unusable(String),
}

/// Asks all peers but the liars.
pub(super) async fn gather<P: Peers>(newcomer: &Newcomer, peers: &P, known: &mut Known) -> Vec<Offer> {
    let waypoint = newcomer.trusted.map(|trusted| trusted.height);
    let asked = peers.connected().await.into_iter().filter(|peer| !known.liars.contains(peer));
    let answers =
        join_all(asked.map(|peer| async move { (peer, peers.ask(peer, Ask::Newest { waypoint }).await) }));
    let mut offers = Vec::new();
    for (peer, told) in answers.await {
        let Some(Told::Newest { manifest, chain }) = told else { continue };
        match judge(newcomer, &manifest, &chain, now_ms()) {
            Ok(verified) => offers.push(Offer { peer, verified, chain }),
            Err(Refused::Lie(why)) => {
                tracing::warn!(%peer, why, "a peer offers a snapshot that is a lie; it is left");
                known.liars.insert(peer);
            }
            Err(Refused::Unusable(why)) => known.say(peer, sha256(&manifest), &why),
        }
    }
    offers
}

/// Whether an offer's header may be believed.
///
/// # Errors
/// `Refused` with the reason.
pub fn judge(newcomer: &Newcomer, manifest: &[u8], chain: &[u8], now_ms: u64) -> Result<Verified, Refused> {
    let lie = |error: &dyn std::fmt::Display| Refused::Lie(error.to_string());
    let manifest = Manifest::parse(manifest).map_err(|error| lie(&error))?;
    let verified = verify_chain(&manifest, chain, &newcomer.genesis, None).map_err(|error| lie(&error))?;
    if let Some(trusted) = newcomer.trusted {
        let shown = verified.evidence.header(trusted.height).map(|header| header.hash());
        return match shown {
            Some(hash) if hash == trusted.hash => Ok(verified),
            Some(hash) => Err(Refused::Lie(format!(
                "block {} is {hash} there, and {} is the trusted one",
                trusted.height, trusted.hash
            ))),
            None => Err(Refused::Unusable(format!(
                "it does not show the trusted block {}: it is newer than the snapshot, or the peer does not keep it",
                trusted.height
            ))),
        };
    }
    let age = now_ms.saturating_sub(verified.time_ms.0);
    if age > OLDEST_MS {
        let Height(height) = manifest.height;
        return Err(Refused::Unusable(format!(
            "its block {height} is {} hours old, more than 24; compare {height}:{} with another source, then join with --trusted \
             {height}:{}",
            age / 3_600_000,
            manifest.block,
            manifest.block
        )));
    }
    Ok(verified)
}
