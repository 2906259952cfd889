//! Pedersen commitments over Ristretto, their openings, and the secrets they are blinded with.
//!
//! `C = value·B + blinding·B_blinding`. `B` is Ristretto's base point and `B_blinding` the SHA3-512 hash-to-group of
//! its encoding (the bulletproofs crate's default pair); both are pinned by [`BASE_BYTES`] and
//! [`BLINDING_BASE_BYTES`] and a test, because a change of base is a change of every commitment on the ledger.
//!
//! A commitment hides the value whatever the reader computes, and binds it as long as nobody knows the discrete
//! logarithm between the bases. It does not show that the value is true, small, or ever changes.
//!
//! Invariants: a [`Commitment`] is always the unique canonical encoding of a point that is not the identity (the
//! identity opens to 0 with blinding 0 for everybody); equal points have equal bytes. An [`Opening`] wipes itself
//! and never shows its content in `Debug`.
//!
//! Absences: no randomness. Blinding and salts come from [`blinding`] and [`leaf_salt`], so that a district can
//! rebuild them from one secret a student.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{Error, ErrorKind, Read};
use std::sync::LazyLock;

use borsh::{BorshDeserialize, BorshSerialize};
use bulletproofs::PedersenGens;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::transcript::{Field, label};

/// Encoding of `B`, the base of values: Ristretto's base point (RFC 9496, section 4.5).
pub const BASE_BYTES: [u8; 32] = [
    0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58,
    0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];
/// Encoding of `B_blinding`, the base of blindings: SHA3-512 hash-to-group of [`BASE_BYTES`].
pub const BLINDING_BASE_BYTES: [u8; 32] = [
    0x8c, 0x92, 0x40, 0xb4, 0x56, 0xa9, 0xe6, 0xdc, 0x65, 0xc3, 0x77, 0xa1, 0x04, 0x8d, 0x74, 0x5f, 0x94,
    0xa0, 0x8c, 0xdb, 0x7f, 0x44, 0xcb, 0xcd, 0x7b, 0x46, 0xf3, 0x40, 0x48, 0x87, 0x11, 0x34,
];

static BASES: LazyLock<PedersenGens> = LazyLock::new(PedersenGens::default);
/// Multiples of `B_blinding`: with them and those of `B` a commitment takes 31 µs, by multiscalar product 41 µs.
static BLINDING_TABLE: LazyLock<RistrettoBasepointTable> =
    LazyLock::new(|| RistrettoBasepointTable::create(&BASES.B_blinding));

/// The two pinned bases.
pub(crate) fn bases() -> &'static PedersenGens {
    &BASES
}

/// `value·B + blinding·B_blinding` by tables. Timing depends on neither.
pub(crate) fn commit_to(value: &Scalar, blinding: &Scalar) -> RistrettoPoint {
    RISTRETTO_BASEPOINT_TABLE * value + &*BLINDING_TABLE * blinding
}

/// Why bytes are not a commitment or an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitmentError {
    /// Not the canonical encoding of a Ristretto point: out of field, negative, or not on the curve.
    #[error("not a canonical Ristretto point")]
    NotCanonical,
    /// The identity, which hides nothing.
    #[error("the identity is not a commitment")]
    Identity,
    /// The blinding is not reduced modulo the group order.
    #[error("blinding is not a canonical scalar")]
    BlindingNotCanonical,
    /// A sum of values does not fit 64 bits.
    #[error("sum of values exceeds 64 bits")]
    Overflow,
}

/// A Pedersen commitment: 32 bytes, canonical, not the identity. Borsh form: the bytes themselves.
///
/// The point that they encode is kept beside them: decoding takes as long as twenty additions, and a proof's verifier
/// meets a commitment several times.
#[derive(Clone, Copy)]
pub struct Commitment {
    bytes: [u8; 32],
    point: RistrettoPoint,
}

impl Commitment {
    /// Takes the 32 bytes if they are the canonical encoding of a point other than the identity (about 4 µs).
    ///
    /// # Errors
    /// [`CommitmentError::NotCanonical`], [`CommitmentError::Identity`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, CommitmentError> {
        let point = CompressedRistretto(bytes).decompress().ok_or(CommitmentError::NotCanonical)?;
        if point.is_identity() { Err(CommitmentError::Identity) } else { Ok(Self { bytes, point }) }
    }

    /// The commitment that is this point.
    ///
    /// # Errors
    /// [`CommitmentError::Identity`].
    pub(crate) fn of_point(point: RistrettoPoint) -> Result<Self, CommitmentError> {
        if point.is_identity() {
            return Err(CommitmentError::Identity);
        }
        Ok(Self { bytes: point.compress().to_bytes(), point })
    }

    /// The 32 canonical bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether `opening` opens this commitment. Timing depends on neither value nor blinding.
    #[must_use]
    pub fn opens_to(&self, opening: &Opening) -> bool {
        opening.point().compress().to_bytes() == self.bytes
    }

    pub(crate) const fn point(&self) -> RistrettoPoint {
        self.point
    }
}

/// Equal points have equal bytes, so the bytes alone are compared.
impl PartialEq for Commitment {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Commitment {}

impl PartialOrd for Commitment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Commitment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for Commitment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl BorshSerialize for Commitment {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.bytes)
    }
}

impl BorshDeserialize for Commitment {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let bytes = <[u8; 32]>::deserialize_reader(reader)?;
        Self::from_bytes(bytes).map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}

/// A value and the blinding that open a commitment: SECRET. Borsh form: value (u64), blinding (32 bytes, canonical).
///
/// Whoever sees an opening knows the value for certain; it is disclosed field by field, never published.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Opening {
    value: u64,
    blinding: Scalar,
}

impl Opening {
    /// An opening of `value` under `blinding`.
    #[must_use]
    pub fn new(value: u64, blinding: Scalar) -> Self {
        Self { value, blinding }
    }

    /// An opening of `value` under the blinding derived for this student, field and version.
    #[must_use]
    pub fn derive(secret: &StudentSecret, field: &Field, version: u64, value: u64) -> Self {
        Self { value, blinding: *blinding(secret, field, version) }
    }

    /// The committed value.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The blinding scalar.
    #[must_use]
    pub fn blinding(&self) -> &Scalar {
        &self.blinding
    }

    /// The commitment this opens. Timing depends on neither value nor blinding.
    ///
    /// # Errors
    /// [`CommitmentError::Identity`] for value 0 under blinding 0.
    pub fn commit(&self) -> Result<Commitment, CommitmentError> {
        Commitment::of_point(self.point())
    }

    /// The opening of the sum of the commitments that `parts` open.
    ///
    /// # Errors
    /// [`CommitmentError::Overflow`] when the values' sum exceeds 64 bits.
    pub fn sum(parts: &[Self]) -> Result<Self, CommitmentError> {
        let mut total = Self { value: 0, blinding: Scalar::ZERO };
        for part in parts {
            total.value = total.value.checked_add(part.value).ok_or(CommitmentError::Overflow)?;
            total.blinding += part.blinding;
        }
        Ok(total)
    }

    fn point(&self) -> RistrettoPoint {
        commit_to(&Scalar::from(self.value), &self.blinding)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(secret)")
    }
}

impl BorshSerialize for Opening {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.value.serialize(writer)?;
        writer.write_all(self.blinding.as_bytes())
    }
}

impl BorshDeserialize for Opening {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let value = u64::deserialize_reader(reader)?;
        let bytes = Zeroizing::new(<[u8; 32]>::deserialize_reader(reader)?);
        let blinding = Option::from(Scalar::from_canonical_bytes(*bytes))
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, CommitmentError::BlindingNotCanonical))?;
        Ok(Self { value, blinding })
    }
}

/// A student's random key, 32 bytes, held in the district's keystore: SECRET, the source of every blinding and salt.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StudentSecret([u8; 32]);

impl StudentSecret {
    /// Takes 32 bytes drawn from a cryptographic generator by the keystore.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for StudentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StudentSecret(secret)")
    }
}

/// Blinding of one version of one field: HKDF-SHA256 (RFC 5869), 64 bytes reduced modulo the group order.
///
/// `version` must never repeat for a student and field, restored backups included: of two commitments under one
/// blinding the difference is `(v1 - v2)·B`, which anybody can search.
#[must_use]
pub fn blinding(secret: &StudentSecret, field: &Field, version: u64) -> Zeroizing<Scalar> {
    let wide = derive::<64>(secret, label::DERIVE_BLINDING, field, version);
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
}

/// Salt, 32 bytes, of one version of one field's leaf in the student's state tree: HKDF-SHA256 (RFC 5869).
///
/// Hides the leaf of a field with few values; the same rule for `version` as in [`blinding`].
#[must_use]
pub fn leaf_salt(secret: &StudentSecret, field: &Field, version: u64) -> Zeroizing<[u8; 32]> {
    derive::<32>(secret, label::DERIVE_LEAF_SALT, field, version)
}

/// HKDF-SHA256 with info = label ‖ length of the field (u32, little endian) ‖ field ‖ version (u64, little endian).
fn derive<const N: usize>(
    secret: &StudentSecret,
    purpose: &[u8],
    field: &Field,
    version: u64,
) -> Zeroizing<[u8; N]> {
    let name = field.as_str().as_bytes();
    // A checked field has at most 128 bytes, so the length always fits.
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut output = Zeroizing::new([0_u8; N]);
    let hkdf = Hkdf::<Sha256>::new(Some(label::DERIVE_SALT), &secret.0);
    let expanded =
        hkdf.expand_multi_info(&[purpose, &length, name, &version.to_le_bytes()], output.as_mut_slice());
    // HKDF refuses only outputs above 255 * 32 bytes; N is 32 or 64.
    debug_assert!(expanded.is_ok());
    output
}

#[cfg(test)]
mod tests;
