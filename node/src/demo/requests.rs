//! A district's requests in the demo: who asks, with which band, for which kinds, and the proofs of the bands.
//!
//! Flow: [`batches`] says what a district asks, in transactions of at most a block's worth of proofs → [`prove_all`]
//! proves every band against the commitment anchored before, on all cores → the driver signs and sends. Invariant:
//! a proof is made for one round of one chain; the openings stay here. Absent: anchoring, see [`super::twins`].

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use aula_ledger::params::MAX_TRANSACTION_RANGE_VALUES;
use aula_ledger::proof::committed::{BAND_GROUP, BandClaim, CommittedField, ProofBytes, band_statement};
use aula_ledger::tx::{Mandate, Request, SubmitRequests};
use aula_ledger::types::{Band, Hash, KindId, RoundId};
use aula_zk::Opening;
use rand::rngs::OsRng;

use super::driver::Class;
use super::rules::{self, AidRequest};
use super::twins::Anchored;

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

/// The district's requests of a round, in batches that one block can prove; `students` ascend by handle.
pub fn batches(round: RoundId, class: Class, students: &[Anchored]) -> Vec<Unproved> {
    let wanted: Vec<(Request, (BandClaim, Opening))> =
        students.iter().filter_map(|student| Some((request(class, student)?, need(student)?))).collect();
    let chunks = wanted.chunks(MAX_TRANSACTION_RANGE_VALUES);
    let batch = |chunk: &[(Request, (BandClaim, Opening))]| {
        let (requests, needs) = chunk.iter().cloned().unzip();
        Unproved { round, requests, needs }
    };
    chunks.map(batch).collect()
}

fn request(class: Class, student: &Anchored) -> Option<Request> {
    let (mandate, kinds) = match class {
        Class::Devices => (Mandate::None, rules::device_ranking(&student.year).to_vec()),
        Class::Aids => match rules::aid_request(student.year.student) {
            AidRequest::None => return None,
            AidRequest::Wanted => (Mandate::None, rules::aid_ranking(student.year.student).to_vec()),
            AidRequest::Mandated => (Mandate::Mandated, rules::aid_ranking(student.year.student).to_vec()),
        },
    };
    Some(Request {
        handle: student.leaf.handle,
        home_school: student.year.school,
        band: band(student)?,
        mandate,
        kinds: kinds.into_iter().map(KindId).collect(),
        need: need(student)?.0.commitment,
    })
}

fn band(student: &Anchored) -> Option<Band> {
    u8::try_from(student.need / BAND_WIDTH).ok().and_then(Band::new)
}

/// What is to be proved of a student's need, and with what.
fn need(student: &Anchored) -> Option<(BandClaim, Opening)> {
    let pairs = student.leaf.commitments.iter().zip(&student.openings);
    let (committed, opening) = pairs.into_iter().find(|(one, _)| one.field == CommittedField::Need)?;
    let claim =
        BandClaim { handle: student.leaf.handle, band: band(student)?, commitment: committed.commitment };
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
