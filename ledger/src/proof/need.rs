//! Need in zero knowledge: a student's inputs lie in their ranges, and the need that the voted rule gives lies in its band.
//!
//! Nobody commits to a need. A leaf holds a commitment to each input of the rule; everybody derives the need's from them
//! ([`NeedClaim::derived`]), and the prover shows of each position that it has eight bits, of each flag that it is 0 or 1, and of
//! the derived commitment that it lies in the band. Without the first two the last says nothing: modulo the group order, inputs
//! of any size reach any need.
//!
//! Flow: eight requests and the rule → [`NeedStatement::of`], from what the LEDGER holds → [`NeedStatement::prove`] at the
//! district → [`NeedBatch`] verifies all proofs of a batch together. The auditor uses the same functions.
//! Invariants: a statement takes nothing from the prover but bands; every proof binds chain, round, field, handle and commitment.
//! Absent: whether an input is true.

use aula_zk::{
    Batch, Bound, Claim, Commitment, Context, CryptoRng, Field, Flag, FlagProof, LinearError, Moment,
    Opening, ProveError, RngCore, Statement,
};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::committed::{BAND_GROUP, CommittedField, ProofBytes, StatementError};
use crate::twin::{InputKind, NeedRule};
use crate::types::{Band, CommitmentBytes, Handle, Hash, RoundId};

/// The greatest position, so that a proof has eight bits.
const POSITION_CAP: u32 = 255;

/// A flag's proof in a payload: 160 bytes, hex in JSON.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FlagBytes(pub FlagProof);

impl<'de> Deserialize<'de> for FlagBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(serde::de::Error::custom)?;
        borsh::from_slice(&bytes).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The proofs of a group of requests.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedProof {
    /// Range proofs of eight bits over the group's students: one for each position of the rule, in order, then one for the bands.
    pub ranges: Vec<ProofBytes>,
    /// Of each student in order, each flag of the rule in order.
    pub flags: Vec<FlagBytes>,
}

impl NeedProof {
    /// How many values it proves of so many students: each flag is one as well.
    pub fn values(&self, students: usize) -> usize {
        self.ranges.len().saturating_mul(students).saturating_add(self.flags.len())
    }
}

/// What a request claims.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NeedClaim {
    /// The student's pseudonym, which the transcript binds.
    pub handle: Handle,
    /// The band that the need lies in.
    pub band: Band,
    /// The commitments to the inputs, in the rule's order.
    pub inputs: Vec<CommitmentBytes>,
}

impl NeedClaim {
    /// The commitments, checked, and the one to the need that follows from them.
    fn points(&self, rule: &NeedRule) -> Result<(Vec<Commitment>, Commitment), LinearError> {
        let inputs = self.inputs.iter().map(|bytes| Commitment::from_bytes(bytes.0));
        let inputs = inputs.collect::<Result<Vec<_>, _>>().map_err(|_| LinearError::Identity)?;
        let derived = rule.form().derive(&inputs)?;
        Ok((inputs, derived))
    }

    /// The commitment to the need; none of inputs that are no commitments, or whose sum is the identity.
    pub fn derived(&self, rule: &NeedRule) -> Option<CommitmentBytes> {
        self.points(rule).ok().map(|(_, derived)| CommitmentBytes(*derived.as_bytes()))
    }
}

/// How many values the rule has proved of one student: its inputs and the band.
pub fn values_of(rule: &NeedRule) -> usize {
    rule.inputs.len().saturating_add(1)
}

/// What is proved of a group.
#[derive(Debug, Clone)]
pub struct NeedStatement {
    ranges: Vec<Statement>,
    flags: Vec<Flag>,
}

fn context(chain: &Hash, round: RoundId, field: CommittedField) -> Result<Context, StatementError> {
    let field = Field::new(&field.to_string()).map_err(|_| StatementError::Count)?;
    Ok(Context::new(chain.0, Moment::Round(u64::from(round.0)), field))
}

/// The field of an input by its place in the rule.
pub fn input_field(at: usize) -> CommittedField {
    CommittedField::Input(u8::try_from(at).unwrap_or(u8::MAX))
}

impl NeedStatement {
    /// Of 1 to [`BAND_GROUP`] claims of one round.
    ///
    /// # Errors
    /// [`StatementError::NotCommitted`] with the claim whose inputs are not those of the rule in number, no commitments, or give
    /// the identity; [`StatementError::Count`].
    pub fn of(
        chain: &Hash,
        round: RoundId,
        rule: &NeedRule,
        claims: &[NeedClaim],
    ) -> Result<Self, StatementError> {
        if !(1..=BAND_GROUP).contains(&claims.len()) {
            return Err(StatementError::Count);
        }
        let mut points = Vec::with_capacity(claims.len());
        for (position, claim) in claims.iter().enumerate() {
            points.push(claim.points(rule).map_err(|_| StatementError::NotCommitted(position))?);
        }
        let known = || claims.iter().zip(&points);
        let (mut ranges, mut flags) = (Vec::new(), Vec::new());
        for (at, input) in rule.inputs.iter().enumerate() {
            let context = context(chain, round, input_field(at))?;
            let each = known().filter_map(|(claim, (inputs, _))| Some((claim.handle.0, *inputs.get(at)?)));
            match input.kind {
                InputKind::Position => {
                    let bound = || Bound::Within { cap: POSITION_CAP };
                    let claims =
                        each.map(|(subject, commitment)| Claim { subject, commitment, bound: bound() });
                    ranges
                        .push(Statement::new(context, claims.collect()).map_err(|_| StatementError::Count)?);
                }
                InputKind::Flag => {
                    flags.push(
                        each.map(|(subject, commitment)| Flag {
                            context: context.clone(),
                            subject,
                            commitment,
                        })
                        .collect::<Vec<_>>(),
                    );
                }
            }
        }
        let mut bands = Vec::with_capacity(claims.len());
        for (claim, (_, derived)) in known() {
            let band = aula_zk::Band::new(claim.band.get()).ok_or(StatementError::Count)?;
            bands.push(Claim {
                subject: claim.handle.0,
                commitment: *derived,
                bound: Bound::NeedInBand(band),
            });
        }
        let context = context(chain, round, CommittedField::Need)?;
        ranges.push(Statement::new(context, bands).map_err(|_| StatementError::Count)?);
        // Proofs stand student by student.
        let by_student =
            (0..claims.len()).flat_map(|at| flags.iter().filter_map(move |one| one.get(at).cloned()));
        let flags = by_student.collect();
        Ok(Self { ranges, flags })
    }

    /// Proves it with what opens each student's inputs.
    ///
    /// # Errors
    /// [`ProveError`]: a claim is false, or an opening is another's.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        rule: &NeedRule,
        openings: &[Vec<Opening>],
        rng: &mut R,
    ) -> Result<NeedProof, ProveError> {
        let of_input = |at: usize| openings.iter().filter_map(|one| one.get(at).cloned()).collect::<Vec<_>>();
        let positions = rule.inputs.iter().enumerate().filter(|(_, input)| input.kind == InputKind::Position);
        let mut known: Vec<Vec<Opening>> = positions.map(|(at, _)| of_input(at)).collect();
        let form = rule.form();
        let needs = openings.iter().enumerate();
        let needs = needs.map(|(at, inputs)| form.open(inputs).map_err(|_| ProveError::NotAnOpening(at)));
        known.push(needs.collect::<Result<_, _>>()?);
        let mut ranges = Vec::with_capacity(self.ranges.len());
        for (statement, openings) in self.ranges.iter().zip(&known) {
            ranges.push(ProofBytes(statement.prove(openings, rng)?));
        }
        let flagged = openings.iter().flat_map(|one| one.iter().zip(&rule.inputs));
        let flagged = flagged.filter(|(_, input)| input.kind == InputKind::Flag).map(|(opening, _)| opening);
        let mut flags = Vec::with_capacity(self.flags.len());
        for (flag, opening) in self.flags.iter().zip(flagged) {
            flags.push(FlagBytes(flag.prove(opening, rng)?));
        }
        Ok(NeedProof { ranges, flags })
    }
}

/// A batch's groups, verified together: all their ranges and flags are one multiscalar multiplication.
#[derive(Default)]
pub struct NeedBatch {
    groups: usize,
    proofs: Batch,
    /// The group of each proof.
    of: Vec<usize>,
    /// The first group whose proofs are too many or too few.
    unfit: Option<usize>,
}

/// A group whose proofs do not hold: the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proofs of group {0} do not hold")]
pub struct RejectedGroup(pub usize);

impl NeedBatch {
    /// Adds a group.
    pub fn push(&mut self, statement: &NeedStatement, proof: &NeedProof) {
        let group = self.groups;
        self.groups = self.groups.saturating_add(1);
        let fits = statement.ranges.len() == proof.ranges.len() && statement.flags.len() == proof.flags.len();
        if !fits {
            self.unfit.get_or_insert(group);
            return;
        }
        for (statement, proof) in statement.ranges.iter().zip(&proof.ranges) {
            self.proofs.push(statement, &proof.0);
        }
        for (flag, proof) in statement.flags.iter().zip(&proof.flags) {
            self.proofs.push_flag(flag, &proof.0);
        }
        self.of.resize(self.proofs.len(), group);
    }

    /// Verifies all of it.
    ///
    /// # Errors
    /// [`RejectedGroup`], the first.
    pub fn verify(&self) -> Result<(), RejectedGroup> {
        // What does not fit costs nobody a verification.
        if let Some(group) = self.unfit {
            return Err(RejectedGroup(group));
        }
        // Groups are in order, so the first false proof is of the first false group.
        self.proofs.verify().map_err(|bad| RejectedGroup(self.of.get(bad.index).copied().unwrap_or_default()))
    }
}

#[cfg(test)]
pub mod tests;
