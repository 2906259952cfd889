//! Need bands in a round's evidence: finding the proofs that the ledger took, and verifying them once more.
//!
//! Flow: [`collect`] reads the blocks that took the round's batches (`batches/R H`), cuts each accepted batch into
//! the groups its proofs are about, and keeps those that prove a row not proved yet → the bundle → [`verify`] builds
//! each group's statement from the ROWS and verifies all proofs as one batch.
//!
//! Invariants: every row is proved; a group that proves nothing new is neither kept nor accepted; handle, band and
//! commitment of a row are read from the rows, never from a group; an entry that the ledger refused is part of its group's
//! proof, says of itself what it claimed, and proves nothing of a row. What is NOT shown: that a need is true, and mandates.

use std::collections::BTreeSet;

use super::archive::{Archive, BuildError};
use super::bundle::{BandEntry, BandEvidence, BandGroup};
use super::report::{Checks, Stop};
use crate::proof::committed::BAND_GROUP;
use crate::proof::need::{NeedBatch, NeedClaim, NeedStatement};
use crate::state::schema::{self, RequestRow};
use crate::state::{StateReader, StoreError};
use crate::twin::NeedRule;
use crate::tx::{Payload, Request, SubmitRequests};
use crate::types::{Handle, Hash, RoundId};

const NAME: &str = "band";

/// The groups that prove these rows' bands, the rows in the problem's order.
///
/// # Errors
/// [`BuildError::MissingBlock`], [`BuildError::Store`].
pub(super) fn collect(
    state: &dyn StateReader,
    archive: &dyn Archive,
    round: RoundId,
    requests: &[(Handle, RequestRow)],
) -> Result<Vec<BandGroup>, BuildError> {
    let (mut proved, mut groups) = (BTreeSet::new(), Vec::new());
    for height in schema::batch_heights(state, round)? {
        let payloads = archive.accepted(height)?.ok_or(BuildError::MissingBlock(height))?;
        for payload in payloads {
            if let Payload::SubmitRequests(batch) = payload
                && batch.round == round
            {
                groups.extend(groups_of(&batch, requests, &mut proved));
            }
        }
    }
    if proved.len() == requests.len() {
        Ok(groups)
    } else {
        Err(StoreError::Damaged("a counted request stands in no accepted batch".into()).into())
    }
}

/// The groups of one accepted batch that prove a row not in `proved` yet.
fn groups_of(
    batch: &SubmitRequests,
    requests: &[(Handle, RequestRow)],
    proved: &mut BTreeSet<u32>,
) -> Vec<BandGroup> {
    let mut groups = Vec::new();
    for (entries, proof) in batch.requests.chunks(BAND_GROUP).zip(&batch.proofs) {
        let entries: Vec<BandEntry> = entries.iter().map(|entry| entry_of(entry, requests)).collect();
        let before = proved.len();
        proved.extend(rows_of(&entries));
        if proved.len() > before {
            groups.push(BandGroup { entries, proof: proof.clone() });
        }
    }
    groups
}

/// The row that a submitted entry proves: of its student, band and commitment. None has an entry that was refused.
fn entry_of(entry: &Request, requests: &[(Handle, RequestRow)]) -> BandEntry {
    // A school is of one district, so that handle and school tell whose row it is.
    let own = |row: &RequestRow| row.home_school == entry.home_school && row.claim() == entry.claim();
    let first = requests.partition_point(|(handle, _)| *handle < entry.handle);
    let same = requests.iter().enumerate().skip(first).take_while(|(_, (handle, _))| *handle == entry.handle);
    let at = same.into_iter().find(|(_, (_, row))| own(row)).and_then(|(at, _)| u32::try_from(at).ok());
    let refused =
        || BandEntry::Refused { handle: entry.handle, band: entry.band, inputs: entry.inputs.clone() };
    at.map_or_else(refused, BandEntry::Row)
}

/// The rows among a group's entries.
fn rows_of(entries: &[BandEntry]) -> impl Iterator<Item = u32> {
    entries.iter().filter_map(|entry| if let BandEntry::Row(at) = entry { Some(*at) } else { None })
}

/// Chain, round and need rule of the claims.
pub(super) type Of<'a> = (&'a Hash, RoundId, &'a NeedRule);

/// Checks that the groups prove the band of every row.
pub(super) fn verify(
    checks: &mut Checks,
    (chain, round, rule): Of<'_>,
    claims: &[NeedClaim],
    groups: &[BandGroup],
) -> Result<(), Stop> {
    let (mut proved, mut batch): (BTreeSet<u32>, NeedBatch) = (BTreeSet::new(), NeedBatch::default());
    for group in groups {
        let claim_of = |entry: &BandEntry| match entry {
            BandEntry::Row(at) => claims.get(usize::try_from(*at).ok()?).cloned(),
            BandEntry::Refused { handle, band, inputs } => {
                Some(NeedClaim { handle: *handle, band: *band, inputs: inputs.clone() })
            }
        };
        let members: Option<Vec<NeedClaim>> = group.entries.iter().map(claim_of).collect();
        let Some(members) = members else {
            return checks.fail(NAME, "A proof of bands speaks of a request that is not in the round.");
        };
        let before = proved.len();
        proved.extend(rows_of(&group.entries));
        checks.ensure(
            NAME,
            proved.len() > before,
            "A proof of bands shows nothing that is not shown before.",
        )?;
        let statement = checks.need(NAME, NeedStatement::of(chain, round, rule, &members))?;
        batch.push(&statement, &group.proof);
    }
    checks.ensure(NAME, proved.len() == claims.len(), "A request's band is without a proof.")?;
    if let Err(bad) = batch.verify() {
        return checks.fail(NAME, format!("The proofs of need of group {} do not hold.", bad.0));
    }
    checks.pass(
        NAME,
        format!(
            "Bands proved: each of the {} needs, {}, lies in its band, and each input in its range, by {} groups of proofs \
             against the commitments of the requests. {LIMITS}",
            claims.len(),
            rule.words(),
            groups.len()
        ),
    );
    Ok(())
}

/// Checks what a single decision's bundle says of the band.
pub(super) fn verify_one(
    checks: &mut Checks,
    (chain, round, rule): Of<'_>,
    claim: NeedClaim,
    evidence: &BandEvidence,
) -> Result<(), Stop> {
    let band = claim.band.get();
    let BandEvidence::Proof(proof) = evidence else {
        checks.pass(
            NAME,
            format!(
                "Band {band} rests on the ledger's rule, hence on more than two thirds of the validators: no request is \
                 taken without proofs that its {} committed inputs lie in their ranges and the need {} in the band. They cover \
                 other students as well and stand in the round's bundle. {LIMITS}",
                claim.inputs.len(),
                rule.words()
            ),
        );
        return Ok(());
    };
    let inputs = claim.inputs.len();
    let statement = checks.need(NAME, NeedStatement::of(chain, round, rule, &[claim]))?;
    let mut batch = NeedBatch::default();
    batch.push(&statement, proof);
    checks.ensure(NAME, batch.verify().is_ok(), "The proof of the need band does not hold.")?;
    checks.pass(
        NAME,
        format!(
            "Band {band} is proved: the need {} lies in it, and each of the request's {inputs} committed inputs in its range. \
             {LIMITS}",
            rule.words()
        ),
    );
    Ok(())
}

/// What no proof of a band shows.
const LIMITS: &str = "That the commitments stood in the students' states before the round opened, that the committed inputs \
                      are true, and mandates, are not shown: the first rests on the ledger's rule, for the others audits \
                      draw a sample.";
