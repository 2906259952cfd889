//! What peers offer, and how far each offer is believed.
//!
//! An answer may have 68 MiB, and a proof takes a while to verify: a few peers are asked at once, their answers share a bound until each
//! was looked at, of those that offer the same one proof is kept, and what was found of an answer is remembered by its hash, since peers
//! are asked again every few seconds.

use std::sync::Arc;

use aula_consensus::snapshots::{Ask, Told};
use aula_ledger::audit::TrustedBlock;
use aula_ledger::genesis::Parsed;
use aula_ledger::types::{Hash, Height, TimeMs};
use futures::future::join_all;
use libp2p_identity::PeerId;
use tokio::task::spawn_blocking;

use super::known::{Judged, Known, Refused};
use super::{Newcomer, Peers};
use aula_home::clock::now_ms;
use aula_store::sha256;
use aula_store::snapshots::{Manifest, verify_chain};

/// How old the newest block of an offer may be without a block that the operator trusts: validators that left long ago may
/// have sold their keys, and could certify another past.
pub const OLDEST_MS: u64 = 24 * 3_600_000;
/// Peers that are asked at once; fewer where one did not answer, since all of their answers come over one line and share one room.
pub(super) const AT_ONCE: usize = 4;

/// A peer's snapshot whose header is certified; the state behind it is not looked at yet.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The peer that offers it.
    pub peer: PeerId,
    /// What it is.
    pub manifest: Manifest,
    /// The bytes of a proof of its header.
    pub chain: Arc<Vec<u8>>,
}

impl Offer {
    /// The height whose state the peer offers.
    pub fn height(&self) -> u64 {
        self.manifest.height.0
    }
}

struct Answer {
    manifest: Vec<u8>,
    chain: Vec<u8>,
}

impl Answer {
    fn hash(&self) -> Hash {
        sha256(&[sha256(&self.manifest).0, sha256(&self.chain).0].concat())
    }
}

/// Asks all peers but the liars, in their order.
pub(super) async fn gather<P: Peers>(newcomer: &Newcomer, peers: &P, known: &mut Known) -> Vec<Offer> {
    let waypoint = newcomer.trusted.map(|trusted| trusted.height);
    let mut asked = peers.connected().await;
    asked.retain(|peer| !known.liars.contains(peer));
    let (mut offers, mut judged) = (Vec::<Offer>::new(), Judged::new());
    let mut rest = asked.as_slice();
    while !rest.is_empty() {
        let (group, after) = rest.split_at(rest.len().min(known.at_once(AT_ONCE)));
        rest = after;
        let group = group.iter().copied();
        let answers = join_all(
            group.map(|peer| async move { (peer, peers.ask(peer, Ask::Newest { waypoint }).await) }),
        );
        let answers = answers.await;
        known.heard(answers.iter().all(|(_, given)| given.is_some()));
        for (peer, given) in answers {
            let Some(given) = given else { continue };
            let Told::Newest { manifest, chain } = given.told else { continue };
            let answer = Answer { manifest, chain };
            let Some((answer, hash, found)) = look(newcomer, answer, [&judged, &known.judged]).await else {
                continue;
            };
            judged.insert(hash, found.clone());
            match found.and_then(|time_ms| recent(newcomer.trusted, &answer.manifest, time_ms, now_ms())) {
                Ok(manifest) => {
                    let same = offers.iter().find(|offer| offer.manifest == manifest);
                    let chain = same.map(|offer| Arc::clone(&offer.chain));
                    offers.push(Offer {
                        peer,
                        manifest,
                        chain: chain.unwrap_or_else(|| Arc::new(answer.chain)),
                    });
                }
                Err(Refused::Lie(why)) => {
                    tracing::warn!(%peer, why, "a peer offers a snapshot that is a lie; it is left");
                    known.liars.insert(peer);
                }
                Err(Refused::Unusable(why)) => known.say(peer, sha256(&answer.manifest), &why),
            }
        }
    }
    known.judged = judged;
    offers
}

/// An answer with its hash and what is, or was, found of it, where others go on meanwhile; none where that broke off.
async fn look(
    newcomer: &Newcomer,
    answer: Answer,
    judged: [&Judged; 2],
) -> Option<(Answer, Hash, Result<TimeMs, Refused>)> {
    let hashed = spawn_blocking(move || {
        let hash = answer.hash();
        (answer, hash)
    });
    let (answer, hash) = hashed.await.ok()?;
    if let Some(found) = judged.into_iter().find_map(|judged| judged.get(&hash)) {
        return Some((answer, hash, found.clone()));
    }
    let (genesis, trusted) = (newcomer.genesis.clone(), newcomer.trusted);
    let looked = spawn_blocking(move || {
        let found = certified(&genesis, trusted, &answer.manifest, &answer.chain);
        (answer, hash, found)
    });
    looked.await.ok()
}

/// When the block of a manifest was, whose header may be believed as far as its proof goes.
///
/// # Errors
/// `Refused` with the reason.
pub(super) fn certified(
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
    manifest: &[u8],
    chain: &[u8],
) -> Result<TimeMs, Refused> {
    let lie = |error: &dyn std::fmt::Display| Refused::Lie(error.to_string());
    let manifest = Manifest::parse(manifest).map_err(|error| lie(&error))?;
    let verified = verify_chain(&manifest, chain, genesis, None).map_err(|error| lie(&error))?;
    let Some(trusted) = trusted else { return Ok(verified.time_ms) };
    match verified.evidence.header(trusted.height).map(|header| header.hash()) {
        Some(hash) if hash == trusted.hash => Ok(verified.time_ms),
        Some(hash) => Err(Refused::Lie(format!(
            "block {} is {hash} there, and {} is the trusted one",
            trusted.height, trusted.hash
        ))),
        None => Err(Refused::Unusable(format!(
            "it does not show the trusted block {}: it is newer than the snapshot, or the peer does not keep it",
            trusted.height
        ))),
    }
}

/// The manifest, where its certified block is young enough, or leads on from one that the operator trusts.
///
/// # Errors
/// `Refused` with the reason.
pub(super) fn recent(
    trusted: Option<TrustedBlock>,
    manifest: &[u8],
    time_ms: TimeMs,
    now_ms: u64,
) -> Result<Manifest, Refused> {
    let manifest = Manifest::parse(manifest).map_err(|error| Refused::Lie(error.to_string()))?;
    let age = now_ms.saturating_sub(time_ms.0);
    if trusted.is_none() && age > OLDEST_MS {
        let Height(height) = manifest.height;
        return Err(Refused::Unusable(format!(
            "its block {height} is {} hours old, more than 24; compare {height}:{} with another source, then join with --trusted \
             {height}:{}",
            age / 3_600_000,
            manifest.block,
            manifest.block
        )));
    }
    Ok(manifest)
}
