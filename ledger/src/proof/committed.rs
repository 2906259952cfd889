//! Numbers about a student that are committed to in the anchored leaf, and the statements that proofs make of them.
//!
//! Purpose: name each committed number, so that a commitment to one is never taken for a commitment to another, and
//! build the zero-knowledge statements from what the LEDGER holds. Flow: AnchorStates puts [`FieldCommitment`]s into
//! the leaf → a later transaction brings a proof → [`mastery_statement`] is built from leaf (need: [`super::need`]),
//! handle, chain and moment → `aula_zk` verifies. The auditor builds the same statements with the same functions.
//!
//! Invariants: a statement takes nothing from the prover but the claim itself (a band, a field); its transcript binds
//! chain, moment, field, handle, bounds and commitment, so a proof moved anywhere else fails. Absent: whether the
//! committed number is true, which no proof shows and the audit draw is for.

use std::fmt;
use std::str::FromStr;

use aula_zk::{Bound, Claim, Commitment, Context, Field, Moment, Opening, RangeProof, Scalar, Statement};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::{CommitmentBytes, Handle, Hash, Height};

/// Requests under one aggregated range proof: eight values of eight bits.
pub const BAND_GROUP: usize = 8;
/// Mastery is reached above this, in parts of 10,000.
pub const MASTERY_THRESHOLD_E4: u32 = 8_500;
/// Greatest mastery, engagement or attendance, in parts of 10,000.
pub const PROPORTION_MAX_E4: u32 = 10_000;

/// Which number of a student's state a commitment holds. In text and in a proof's transcript it has the name of the
/// state's field (`need`, `engagement`, `attendance`, `skill/00012`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum CommittedField {
    /// Need, 0..=2559: derived from the inputs, never committed to by itself.
    Need = 0,
    /// Engagement, an exponential average of sessions, texts and absences, 0..=10,000.
    Engagement = 1,
    /// Attendance rate, 0..=10,000.
    Attendance = 2,
    /// Mastery of the skill of this number, 0..=10,000.
    Mastery(u16) = 3,
    /// The input of this place in the need rule, a flag 0..=1 or a position 0..=255; a leaf has its inputs apart.
    Input(u8) = 4,
}

impl fmt::Display for CommittedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Need => f.write_str("need"),
            Self::Engagement => f.write_str("engagement"),
            Self::Attendance => f.write_str("attendance"),
            Self::Mastery(skill) => write!(f, "skill/{skill:05}"),
            Self::Input(at) => write!(f, "input/{at}"),
        }
    }
}

/// Text that names no committed field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a committed field is need, engagement, attendance, skill/NNNNN or input/N")]
pub struct UnknownField;

impl FromStr for CommittedField {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        let field = match text {
            "need" => Self::Need,
            "engagement" => Self::Engagement,
            "attendance" => Self::Attendance,
            _ => match (text.strip_prefix("skill/"), text.strip_prefix("input/")) {
                (Some(number), _) => Self::Mastery(number.parse().map_err(|_| UnknownField)?),
                (_, Some(at)) => Self::Input(at.parse().map_err(|_| UnknownField)?),
                _ => return Err(UnknownField),
            },
        };
        // One text a field: `skill/7` and `skill/+0007` are not fields.
        if field.to_string() == text { Ok(field) } else { Err(UnknownField) }
    }
}

impl Serialize for CommittedField {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommittedField {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl CommittedField {
    /// The number that a state's field of this name holds, from the canonical bytes of its value; none when the bytes
    /// are of another form.
    pub fn number_in(self, value: &[u8]) -> Option<u64> {
        let number = match self {
            Self::Need => borsh::from_slice::<u16>(value).ok(),
            Self::Engagement => borsh::from_slice::<(u16, i16)>(value).ok().map(|read| read.0),
            Self::Attendance => borsh::from_slice::<(u32, u32, u32, u32, u16)>(value).ok().map(|read| read.4),
            Self::Mastery(_) => borsh::from_slice::<(u16, u16, u8)>(value).ok().map(|read| read.0),
            Self::Input(_) => borsh::from_slice::<u8>(value).ok().map(u16::from),
        };
        number.map(u64::from)
    }
}

/// Whether a commitment opens to this number under this blinding, a canonical scalar.
pub fn opens(commitment: &CommitmentBytes, number: u64, blinding: &[u8; 32]) -> bool {
    let blinding = Option::<Scalar>::from(Scalar::from_canonical_bytes(*blinding));
    let committed = blinding.and_then(|blinding| Opening::new(number, blinding).commit().ok());
    committed.is_some_and(|committed| *committed.as_bytes() == commitment.0)
}

/// A commitment with the name of what it commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldCommitment {
    /// What is committed to.
    pub field: CommittedField,
    /// The commitment. Its bytes are checked when a proof speaks about it, not when they are anchored.
    pub commitment: CommitmentBytes,
}

/// A range proof in a payload: hex in JSON, length and bytes in borsh.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProofBytes(pub RangeProof);

impl<'de> Deserialize<'de> for ProofBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(serde::de::Error::custom)?;
        RangeProof::from_bytes(&bytes).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Why there is no statement about a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The leaf commits to no such field, or its bytes are not a commitment. The position is that of the claim.
    #[error("entry {0} has no usable commitment to the field")]
    NotCommitted(usize),
    /// No claims, or more than fit one proof.
    #[error("the claims do not fit one proof")]
    Count,
}

/// The commitment to a field among those of a leaf, checked; none if there is none or its bytes are not a point.
pub fn commitment_to(commitments: &[FieldCommitment], field: CommittedField) -> Option<Commitment> {
    let found = commitments.iter().find(|one| one.field == field)?;
    Commitment::from_bytes(found.commitment.0).ok()
}

fn context(chain: &Hash, moment: Moment, field: CommittedField) -> Result<Context, StatementError> {
    let field = Field::new(&field.to_string()).map_err(|_| StatementError::Count)?;
    Ok(Context::new(chain.0, moment, field))
}

/// "This student's mastery of the skill lies above the threshold", of the state anchored at this height. Two range-proved
/// values.
///
/// # Errors
/// [`StatementError`].
pub fn mastery_statement(
    chain: &Hash,
    anchored: Height,
    handle: &Handle,
    skill: u16,
    commitment: Commitment,
) -> Result<Statement, StatementError> {
    let bound = Bound::Above { threshold: MASTERY_THRESHOLD_E4, cap: PROPORTION_MAX_E4 };
    let context = context(chain, Moment::Height(anchored.0), CommittedField::Mastery(skill))?;
    let claim = Claim { subject: handle.0, commitment, bound };
    Statement::new(context, vec![claim]).map_err(|_| StatementError::Count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_one_text_each_and_sort_with_need_first() {
        let fields = [
            CommittedField::Need,
            CommittedField::Engagement,
            CommittedField::Attendance,
            CommittedField::Mastery(0),
            CommittedField::Mastery(u16::MAX),
            CommittedField::Input(0),
            CommittedField::Input(5),
        ];
        assert!(fields.is_sorted());
        for field in fields {
            assert_eq!(field.to_string().parse(), Ok(field));
        }
        for text in [
            "",
            "Need",
            "skill/1",
            "skill/000001",
            "skill/+0001",
            "skill/65536",
            "skill/ 0001",
            "input/00",
            "input/256",
        ] {
            assert_eq!(text.parse::<CommittedField>(), Err(UnknownField), "{text}");
        }
    }

    #[test]
    fn a_fields_value_gives_the_number_that_is_committed_to() {
        assert_eq!(CommittedField::Need.number_in(&1_234_u16.to_le_bytes()), Some(1_234));
        assert_eq!(CommittedField::Need.number_in(&[1, 0xd2, 4]), None);
        assert_eq!(CommittedField::Engagement.number_in(&[7, 0, 0xff, 0xff]), Some(7));
        let attendance = borsh::to_vec(&(9_u32, 8_u32, 7_u32, 6_u32, 9_999_u16)).unwrap();
        assert_eq!(CommittedField::Attendance.number_in(&attendance), Some(9_999));
        let mastery = CommittedField::Mastery(4);
        assert_eq!(mastery.number_in(&[1, 2, 0, 0, 1]), Some(0x201));
        assert_eq!(mastery.number_in(&[1, 2, 0, 0]), None);
        assert_eq!(mastery.number_in(&[1, 2, 0, 0, 1, 0]), None);
    }

    #[test]
    fn a_commitment_opens_to_its_number_under_its_canonical_blinding_alone() {
        let (one, base) = (Scalar::ONE.to_bytes(), CommitmentBytes(aula_zk::commitment::BLINDING_BASE_BYTES));
        assert!(opens(&base, 0, &one));
        assert!(!opens(&base, 1, &one) && !opens(&base, 0, &Scalar::from(2_u8).to_bytes()));
        // 1 + the group order is the same blinding spelled otherwise.
        let mut spelled = (-Scalar::ONE).to_bytes();
        spelled[0] += 2;
        assert!(!opens(&base, 0, &spelled));
    }

    #[test]
    fn a_leaf_gives_the_commitment_of_the_field_asked_for_only_if_it_is_a_point() {
        let point = CommitmentBytes(aula_zk::commitment::BASE_BYTES);
        let leaf = [
            FieldCommitment { field: CommittedField::Need, commitment: CommitmentBytes([0xff; 32]) },
            FieldCommitment { field: CommittedField::Mastery(4), commitment: point },
        ];
        assert_eq!(commitment_to(&leaf, CommittedField::Need), None);
        assert_eq!(commitment_to(&leaf, CommittedField::Mastery(5)), None);
        let found = commitment_to(&leaf, CommittedField::Mastery(4));
        assert_eq!(found.map(|found| *found.as_bytes()), Some(point.0));
    }
}
