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
    let mut skills = state.commitments.iter().filter_map(|committed| match committed.field {
        CommittedField::Mastery(skill) => Some(skill),
        _ => None,
    });
    skills.find_map(|skill| mastery_of(chain, anchored, state, openings, skill))
}

/// The same of one skill; none when it is not committed to, or not mastered.
pub fn mastery_of(
    chain: &Hash,
    anchored: Height,
    state: &StudentState,
    openings: &[Opening],
    skill: u16,
) -> Option<MasteryProof> {
    let field = CommittedField::Mastery(skill);
    let mut pairs = state.commitments.iter().zip(openings);
    let (_, opening) = pairs.find(|(committed, _)| committed.field == field)?;
    if opening.value() <= u64::from(MASTERY_THRESHOLD_E4) {
        return None;
    }
    let commitment = commitment_to(&state.commitments, field)?;
    let statement = mastery_statement(chain, anchored, &state.handle, skill, commitment).ok()?;
    let proof = statement.prove(std::slice::from_ref(opening), &mut OsRng).ok()?;
    Some(MasteryProof { skill, proof: ProofBytes(proof) })
}
