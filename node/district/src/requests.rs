//! A district's requests with the proofs that inputs lie in their ranges and needs, by the voted rule, in their bands.
//!
//! Flow: [`claim`] says what is to be proved of a student's need → [`batches`] groups requests so that one block can prove
//! a group → [`prove_all`] proves every band, on all cores → the caller signs and sends. Invariant: a proof is made for one
//! round of one chain; the openings stay here. Absent: who asks for what.

use aula_ledger::params::MAX_TRANSACTION_RANGE_VALUES;
use aula_ledger::proof::committed::BAND_GROUP;
use aula_ledger::proof::need::{NeedClaim, NeedStatement, values_of};
use aula_ledger::twin::NeedRule;
use aula_ledger::tx::{Request, StudentState, SubmitRequests};
use aula_ledger::types::{Band, Hash, RoundId};
use aula_zk::Opening;
use rand::rngs::OsRng;

use crate::cores::on_all_cores;

/// Needs of one band.
const BAND_WIDTH: u16 = 256;

/// A batch whose proofs are still to be made.
#[derive(Debug)]
pub struct Unproved {
    round: RoundId,
    rule: NeedRule,
    requests: Vec<Request>,
    needs: Vec<Proving>,
}

/// Why a proof was not made.
#[derive(Debug, thiserror::Error)]
#[error("a need band cannot be proved: {0}")]
pub struct NotProved(String);

/// What is to be proved of a student, and what opens its inputs.
pub type Proving = (NeedClaim, Vec<Opening>);
/// What is to be proved of a request, and with what.
pub type Claimed = (Request, Proving);

/// A round's requests, ascending by handle, in batches that one block can prove.
pub fn batches(round: RoundId, rule: &NeedRule, wanted: &[Claimed]) -> Vec<Unproved> {
    let batch = |chunk: &[Claimed]| {
        let (requests, needs) = chunk.iter().cloned().unzip();
        Unproved { round, rule: rule.clone(), requests, needs }
    };
    let most = MAX_TRANSACTION_RANGE_VALUES / values_of(rule).max(1);
    wanted.chunks(most.max(1)).map(batch).collect()
}

/// The band of a need; none beyond the highest.
pub fn band(need: u16) -> Option<Band> {
    u8::try_from(need / BAND_WIDTH).ok().and_then(Band::new)
}

/// What is to be proved of the need that an anchored state's inputs give, and with what; none of a need beyond the scale.
/// `openings` are those of the inputs, in the rule's order.
pub fn claim(state: &StudentState, openings: &[Opening], need: u16) -> Option<Proving> {
    let claim = NeedClaim { handle: state.handle, band: band(need)?, inputs: state.inputs.clone() };
    Some((claim, openings.to_vec()))
}

impl Unproved {
    /// Makes the proofs: about a millisecond a position and as much for the band.
    fn prove(&self, chain: &Hash) -> Result<SubmitRequests, NotProved> {
        let refused = |error: &dyn std::fmt::Display| NotProved(error.to_string());
        let mut proofs = Vec::with_capacity(self.needs.len().div_ceil(BAND_GROUP));
        for group in self.needs.chunks(BAND_GROUP) {
            let (claims, openings): (Vec<NeedClaim>, Vec<Vec<Opening>>) = group.iter().cloned().unzip();
            let statement =
                NeedStatement::of(chain, self.round, &self.rule, &claims).map_err(|error| refused(&error))?;
            let proof =
                statement.prove(&self.rule, &openings, &mut OsRng).map_err(|error| refused(&error))?;
            proofs.push(proof);
        }
        Ok(SubmitRequests { round: self.round, requests: self.requests.clone(), proofs })
    }
}

/// Proves every batch, on all cores; gives them in the order of `batches`.
///
/// # Errors
/// [`NotProved`] when a band is not that of the need which the committed inputs give.
pub fn prove_all(chain: &Hash, batches: &[Unproved]) -> Result<Vec<SubmitRequests>, NotProved> {
    let made = on_all_cores(batches, |batch| batch.prove(chain));
    made.ok_or_else(|| NotProved("a worker stopped".into()))?.into_iter().collect()
}
