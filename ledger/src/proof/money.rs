//! Statements about money by school, and the bytes of their proofs.
//!
//! Purpose: build the zero-knowledge statements of BudgetStatement and EquityStatement from what the LEDGER holds, for
//! execution and auditor alike. Invariants: the transcript binds chain, moment, funder, school year and every school;
//! schools strictly ascend. What they show stands with the transactions.

use aula_zk::{
    Bound, Budget, BudgetProof, Claim, Commitment, Context, CryptoRng, Field, Line, Moment, Opening, RngCore,
    Scalar, Statement, Values,
};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::{AccountId, Cents, CommitmentBytes, Hash, Height, RoundId, SchoolId, SchoolYear};

/// Greatest amount of one school in cents: what 32 bits hold, so that a line is one range-proved value.
pub const MAX_LINE_CENTS: u32 = u32::MAX;
/// Lines under one aggregated range proof.
pub const LINE_GROUP: usize = 8;

/// A school's line of a budget: who, and the commitment to how many cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetLine {
    /// The school that the money went to; lines ascend by it.
    pub school: SchoolId,
    /// The commitment to its amount in cents.
    pub amount: CommitmentBytes,
}

/// A budget's proof in a payload: hex of its borsh bytes in JSON.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BudgetProofBytes(pub BudgetProof);

impl<'de> Deserialize<'de> for BudgetProofBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(serde::de::Error::custom)?;
        borsh::from_slice(&bytes).map_err(serde::de::Error::custom)
    }
}

/// Why lines make no statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// A line's bytes are not a commitment.
    #[error("line {0} has no usable commitment")]
    NotCommitted(usize),
    /// Lines are missing, too many, not ascending, or not one for each weight.
    #[error("the lines make no statement")]
    Lines,
}

/// Whose money of which year a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purse<'a> {
    /// Which chain: SHA-256 of its genesis file.
    pub chain: &'a Hash,
    /// The account whose money it is.
    pub funder: AccountId,
    /// The year that the money is for.
    pub school_year: SchoolYear,
}

impl Purse<'_> {
    fn context(&self, what: &str, moment: Moment) -> Result<Context, MoneyError> {
        let field = format!("{what}/{}/{}", self.funder, self.school_year);
        let field = Field::new(&field).map_err(|_| MoneyError::Lines)?;
        Ok(Context::new(self.chain.0, moment, field))
    }

    /// "Each line is within 0..=[`MAX_LINE_CENTS`], and all sum to the total", as of a height.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn budget(&self, as_of: Height, lines: &[BudgetLine], total: Cents) -> Result<Budget, MoneyError> {
        let context = self.context("budget", Moment::Height(as_of.0))?;
        let stated = lines_of(lines)?;
        Budget::new(&context, &stated, MAX_LINE_CENTS, total.0).map_err(|_| MoneyError::Lines)
    }

    /// "Each line holds the public amount at its place", as of a height: what the ledger charged. The commitments go on to be what
    /// floors are proved of.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn charged(
        &self,
        as_of: Height,
        lines: &[BudgetLine],
        amounts: &[u64],
    ) -> Result<Charged, MoneyError> {
        if lines.iter().zip(lines.iter().skip(1)).any(|(one, next)| one.school >= next.school) {
            return Err(MoneyError::Lines);
        }
        let context = self.context("charged", Moment::Height(as_of.0))?;
        Values::new(context, &lines_of(lines)?, amounts).map(Charged).map_err(|_| MoneyError::Lines)
    }

    /// "Each school's amount is at least `floor` times its weight", for the weights of a round; one statement for each
    /// [`LINE_GROUP`] lines, in order.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn floors(
        &self,
        round: RoundId,
        lines: &[BudgetLine],
        weights: &[CommitmentBytes],
        floor: u32,
    ) -> Result<Vec<Statement>, MoneyError> {
        if lines.len() != weights.len() {
            return Err(MoneyError::Lines);
        }
        let context = self.context("floor", Moment::Round(u64::from(round.0)))?;
        let mut claims = Vec::with_capacity(lines.len());
        for (position, (line, weight)) in lines.iter().zip(weights).enumerate() {
            let bound = Bound::FloorMet { weight: checked(weight, position)?, floor };
            let commitment = checked(&line.amount, position)?;
            claims.push(Claim { subject: subject(line.school), commitment, bound });
        }
        Statement::chunked(&context, &claims).map_err(|_| MoneyError::Lines)
    }
}

/// "Each line holds the public amount at its place." Values that everybody knows need no proof of their range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged(Values);

impl Charged {
    /// Proves it; `openings` one a line, in order.
    ///
    /// # Errors
    /// [`MoneyError::Lines`]: the openings are not those of the lines, or hold other amounts.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        openings: &[Opening],
        rng: &mut R,
    ) -> Result<BudgetProofBytes, MoneyError> {
        let sum = self.0.prove(openings, rng).map_err(|_| MoneyError::Lines)?;
        Ok(BudgetProofBytes(BudgetProof { ranges: Vec::new(), sum }))
    }

    /// Whether the proof holds, and nothing else stands in it.
    pub fn holds(&self, proof: &BudgetProofBytes) -> bool {
        proof.0.ranges.is_empty() && self.0.verify(&proof.0.sum).is_ok()
    }
}

/// A school's 32-byte name in a statement: zeros, then its number, so that names ascend as numbers do.
fn subject(school: SchoolId) -> [u8; 32] {
    let mut name = [0; 32];
    if let Some(end) = name.last_chunk_mut::<4>() {
        *end = school.0.to_be_bytes();
    }
    name
}

fn lines_of(lines: &[BudgetLine]) -> Result<Vec<Line>, MoneyError> {
    let line = |(position, line): (usize, &BudgetLine)| {
        Ok(Line { subject: subject(line.school), commitment: checked(&line.amount, position)? })
    };
    lines.iter().enumerate().map(line).collect()
}

fn checked(bytes: &CommitmentBytes, position: usize) -> Result<Commitment, MoneyError> {
    Commitment::from_bytes(bytes.0).map_err(|_| MoneyError::NotCommitted(position))
}

/// The commitment to a weight under a blinding; none if the blinding is not a canonical scalar, or hides nothing.
pub fn commit_weight(weight: u64, blinding: &[u8; 32]) -> Option<CommitmentBytes> {
    let blinding = Option::<Scalar>::from(Scalar::from_canonical_bytes(*blinding))?;
    let committed = Opening::new(weight, blinding).commit().ok()?;
    Some(CommitmentBytes(*committed.as_bytes()))
}
