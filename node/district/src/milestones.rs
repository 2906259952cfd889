//! Mastery proved: that the number under an anchored commitment is above the ledger's threshold.

use aula_ledger::proof::committed::{
    CommittedField, MASTERY_THRESHOLD_E4, ProofBytes, commitment_to, mastery_statement,
};
use aula_ledger::tx::{MasteryProof, StudentState};
use aula_ledger::types::{Hash, Height};
use aula_zk::Opening;
use rand::rngs::OsRng;

/// The proof of the first skill that is mastered in a state that was anchored at this height; none when none is.
/// `openings` are those of the state's commitments, in their order.
pub fn mastery(
    chain: &Hash,
    anchored: Height,
    state: &StudentState,
    openings: &[Opening],
) -> Option<MasteryProof> {
    let mut pairs = state.commitments.iter().zip(openings);
    pairs.find_map(|(committed, opening)| {
        let CommittedField::Mastery(skill) = committed.field else { return None };
        if opening.value() <= u64::from(MASTERY_THRESHOLD_E4) {
            return None;
        }
        let commitment = commitment_to(&state.commitments, committed.field)?;
        let statement = mastery_statement(chain, anchored, &state.handle, skill, commitment).ok()?;
        let proof = statement.prove(std::slice::from_ref(opening), &mut OsRng).ok()?;
        Some(MasteryProof { skill, proof: ProofBytes(proof) })
    })
}
