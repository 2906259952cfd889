//! A district's requests with the proofs that their need bands are those of the anchored commitments.
//!
//! Flow: [`claim`] says what is to be proved of a student's need → [`batches`] groups requests so that one block can prove
//! a group → [`prove_all`] proves every band, on all cores → the caller signs and sends. Invariant: a proof is made for one
//! round of one chain; the openings stay here. Absent: who asks for what.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use aula_ledger::params::MAX_TRANSACTION_RANGE_VALUES;
use aula_ledger::proof::committed::{BAND_GROUP, BandClaim, CommittedField, ProofBytes, band_statement};
use aula_ledger::tx::{Request, StudentState, SubmitRequests};
use aula_ledger::types::{Band, Hash, RoundId};
use aula_zk::Opening;
use rand::rngs::OsRng;

/// Needs of one band.
const BAND_WIDTH: u16 = 256;

/// A batch whose proofs are still to be made.
#[derive(Debug)]
pub struct Unproved {
    round: RoundId,
    requests: Vec<Request>,
    needs: Vec<(BandClaim, Opening)>,
}

/// Why a proof was not made.
#[derive(Debug, thiserror::Error)]
#[error("a need band cannot be proved: {0}")]
pub struct NotProved(String);

/// What is to be proved of a request, and with what.
pub type Claimed = (Request, (BandClaim, Opening));

/// A round's requests, ascending by handle, in batches that one block can prove.
pub fn batches(round: RoundId, wanted: &[Claimed]) -> Vec<Unproved> {
    let batch = |chunk: &[Claimed]| {
        let (requests, needs) = chunk.iter().cloned().unzip();
        Unproved { round, requests, needs }
    };
    wanted.chunks(MAX_TRANSACTION_RANGE_VALUES).map(batch).collect()
}

/// The band of a need; none beyond the highest.
pub fn band(need: u16) -> Option<Band> {
    u8::try_from(need / BAND_WIDTH).ok().and_then(Band::new)
}

/// What is to be proved of the need in an anchored state, and with what; none when no need is committed to. `openings` are
/// those of the state's commitments, in their order.
pub fn claim(state: &StudentState, openings: &[Opening], need: u16) -> Option<(BandClaim, Opening)> {
    let mut pairs = state.commitments.iter().zip(openings);
    let (committed, opening) = pairs.find(|(one, _)| one.field == CommittedField::Need)?;
    let claim = BandClaim { handle: state.handle, band: band(need)?, commitment: committed.commitment };
    Some((claim, opening.clone()))
}

impl Unproved {
    /// Requests, ascending by handle, each with what is to be proved of it.
    pub const fn new(round: RoundId, requests: Vec<Request>, needs: Vec<(BandClaim, Opening)>) -> Self {
        Self { round, requests, needs }
    }

    /// Makes the proofs: about a millisecond a request.
    fn prove(&self, chain: &Hash) -> Result<SubmitRequests, NotProved> {
        let refused = |error: &dyn std::fmt::Display| NotProved(error.to_string());
        let mut proofs = Vec::with_capacity(self.needs.len().div_ceil(BAND_GROUP));
        for group in self.needs.chunks(BAND_GROUP) {
            let (claims, openings): (Vec<BandClaim>, Vec<Opening>) = group.iter().cloned().unzip();
            let statement = band_statement(chain, self.round, &claims).map_err(|error| refused(&error))?;
            let proof = statement.prove(&openings, &mut OsRng).map_err(|error| refused(&error))?;
            proofs.push(ProofBytes(proof));
        }
        Ok(SubmitRequests { round: self.round, requests: self.requests.clone(), proofs })
    }
}

/// Proves every batch, on all cores; gives them in the order of `batches`.
///
/// # Errors
/// [`NotProved`] when a band is not that of the committed need.
pub fn prove_all(chain: &Hash, batches: &[Unproved]) -> Result<Vec<SubmitRequests>, NotProved> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some((at, batch)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, batches.get(at)?)))
        {
            made.push(batch.prove(chain).map(|proved| (at, proved)));
        }
        made
    };
    let mut proved = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let stopped = || NotProved("a worker stopped".into());
        let joined = workers.into_iter().map(|worker| worker.join().map_err(|_| stopped()));
        let made = joined.collect::<Result<Vec<_>, _>>()?;
        made.into_iter().flatten().collect::<Result<Vec<_>, _>>()
    })?;
    proved.sort_by_key(|(at, _)| *at);
    Ok(proved.into_iter().map(|(_, batch)| batch).collect())
}
