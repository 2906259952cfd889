//! Every label of the crate, and the context a proof is bound to.
//!
//! A Bulletproof by itself says "this point commits to a small number". What makes it a statement about one
//! student, one field and one round is what its Merlin transcript absorbed before the first challenge. Flow: a
//! caller builds a [`Context`] from data the verifier already holds, `Context::begin` opens the transcript of one
//! protocol, the statement appends its subjects, bounds and commitments, and only then proving or verifying starts.
//!
//! Invariants: each protocol opens with its own label; every variable-length part is length-prefixed by Merlin; a
//! height and a round with the same number differ in their label; changing any label or its order makes every old
//! proof fail, so the labels carry a version and `tests/vectors.rs` pins the outcome.
//!
//! Absences: nothing secret enters a transcript, except through `prover_rng`, which is a fork that the
//! verifier never sees. Labels of the bulletproofs crate's own inner protocol are repeated in `label::bulletproofs`
//! for our batch verifier; they are that crate's, version 5.0.0.

use curve25519_dalek::scalar::Scalar;
use merlin::{Transcript, TranscriptRng};
use rand_core::{CryptoRng, RngCore};

/// Every label, once. A label names a protocol or the part of a statement that follows it.
pub(crate) mod label {
    /// Transcript of a range-proved statement (band, threshold, amount).
    pub const RANGE: &[u8] = b"aula.zk.range.v2";
    /// Transcript of a proof that commitments sum to a public total.
    pub const SUM: &[u8] = b"aula.zk.sum.v2";
    /// Transcript of a proof that each commitment holds the public value beside it.
    pub const VALUES: &[u8] = b"aula.zk.values.v1";
    /// Transcript of a proof that two commitments hold the same value.
    pub const EQUALITY: &[u8] = b"aula.zk.equality.v2";
    /// Transcript of a proof that a committed number is 0 or 1.
    pub const FLAG: &[u8] = b"aula.zk.flag.v1";
    /// Transcript from which the weights of a batch are drawn.
    pub const BATCH: &[u8] = b"aula.zk.batch.v2";

    /// HKDF salt of everything derived from a student's secret.
    pub const DERIVE_SALT: &[u8] = b"aula.zk.derive.v1";
    /// HKDF info prefix of a commitment's blinding.
    pub const DERIVE_BLINDING: &[u8] = b"aula.zk.derive.blinding.v1";
    /// HKDF info prefix of a state leaf's salt.
    pub const DERIVE_LEAF_SALT: &[u8] = b"aula.zk.derive.leaf-salt.v1";

    /// SHA-256 of the chain's genesis file.
    pub const CHAIN: &[u8] = b"chain";
    /// Block height.
    pub const HEIGHT: &[u8] = b"height";
    /// Round number.
    pub const ROUND: &[u8] = b"round";
    /// Field of the student's state or of the budget.
    pub const FIELD: &[u8] = b"field";
    /// Number of claims or commitments that follow.
    pub const COUNT: &[u8] = b"count";
    /// Handle of a student, or another 32-byte name of whom the claim is about.
    pub const SUBJECT: &[u8] = b"subject";
    /// Name of the statement's kind.
    pub const KIND: &[u8] = b"kind";
    /// Least value the bound allows.
    pub const LOW: &[u8] = b"low";
    /// Greatest value the bound allows.
    pub const HIGH: &[u8] = b"high";
    /// A Pedersen commitment.
    pub const COMMITMENT: &[u8] = b"commitment";
    /// The second commitment of a claim about two.
    pub const OTHER: &[u8] = b"other";
    /// Public multiplier of the second commitment.
    pub const FACTOR: &[u8] = b"factor";
    /// Kind: a need lies in its band.
    pub const NEED_BAND: &[u8] = b"need-band";
    /// Kind: a value lies above a threshold and within its cap.
    pub const ABOVE: &[u8] = b"above";
    /// Kind: a value lies below a threshold.
    pub const BELOW: &[u8] = b"below";
    /// Kind: a value lies between zero and a cap.
    pub const WITHIN: &[u8] = b"within";
    /// Kind: a value is at least a public multiple of another.
    pub const FLOOR: &[u8] = b"floor";
    /// Public value of a commitment.
    pub const VALUE: &[u8] = b"value";
    /// Public total of a sum.
    pub const TOTAL: &[u8] = b"total";
    /// Nonce commitment of a Schnorr proof.
    pub const NONCE: &[u8] = b"nonce";
    /// Challenge of a Schnorr proof.
    pub const CHALLENGE: &[u8] = b"challenge";
    /// A response scalar, where a digest covers it.
    pub const RESPONSE: &[u8] = b"response";
    /// A finished proof's digest, inside the batch transcript.
    pub const PROOF: &[u8] = b"proof";
    /// A weight drawn for one proof of a batch.
    pub const WEIGHT: &[u8] = b"weight";
    /// Secret input of the prover's private generator.
    pub const WITNESS: &[u8] = b"witness";

    /// Labels of bulletproofs 5.0.0, needed to replay its challenges.
    pub mod bulletproofs {
        /// Domain separator's label.
        pub const DOMAIN: &[u8] = b"dom-sep";
        /// Domain of a range proof.
        pub const RANGE_PROOF: &[u8] = b"rangeproof v1";
        /// Domain of the inner-product argument.
        pub const INNER_PRODUCT: &[u8] = b"ipp v1";
        /// Bits a value, and length of the inner product.
        pub const N: &[u8] = b"n";
        /// Values in the aggregation.
        pub const M: &[u8] = b"m";
        /// Value commitment.
        pub const V: &[u8] = b"V";
        /// Commitment to the bits.
        pub const A: &[u8] = b"A";
        /// Commitment to the bits' blinding.
        pub const S: &[u8] = b"S";
        /// Commitment to the linear coefficient.
        pub const T1: &[u8] = b"T_1";
        /// Commitment to the quadratic coefficient.
        pub const T2: &[u8] = b"T_2";
        /// Evaluation at the challenge.
        pub const T_X: &[u8] = b"t_x";
        /// Blinding of that evaluation.
        pub const T_X_BLINDING: &[u8] = b"t_x_blinding";
        /// Blinding of the inner-product argument.
        pub const E_BLINDING: &[u8] = b"e_blinding";
        /// Left cross term.
        pub const L: &[u8] = b"L";
        /// Right cross term.
        pub const R: &[u8] = b"R";
        /// First bit challenge.
        pub const Y: &[u8] = b"y";
        /// Second bit challenge.
        pub const Z: &[u8] = b"z";
        /// Evaluation point.
        pub const X: &[u8] = b"x";
        /// Inner-product base challenge.
        pub const W: &[u8] = b"w";
        /// Folding challenge.
        pub const U: &[u8] = b"u";
        /// Final left scalar; the crate does not absorb it, the batch weights do.
        pub const FINAL_A: &[u8] = b"a";
        /// Final right scalar; the crate does not absorb it, the batch weights do.
        pub const FINAL_B: &[u8] = b"b";
    }
}

/// Longest field name in bytes: `skill:` and an identifier of a skills framework.
pub const MAX_FIELD_BYTES: usize = 128;

/// Why a field name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// The field name is empty or longer than [`MAX_FIELD_BYTES`].
    #[error("field name must have 1 to {MAX_FIELD_BYTES} bytes")]
    FieldLength,
}

/// Name of one committed quantity, such as `need` or `skill:3.NF.A.1`: 1 to [`MAX_FIELD_BYTES`] bytes of UTF-8,
/// compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field(String);

impl Field {
    /// Checks the length and takes the name.
    ///
    /// # Errors
    /// [`ContextError::FieldLength`].
    pub fn new(name: &str) -> Result<Self, ContextError> {
        match name.len() {
            1..=MAX_FIELD_BYTES => Ok(Self(name.to_owned())),
            _ => Err(ContextError::FieldLength),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// When a statement holds: at a block height (milestones, budgets) or for a round (requests).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The block height a proof was made for.
    Height(u64),
    /// The round a proof was made for.
    Round(u64),
}

/// What every claim of one proof shares: the chain, the moment and the field.
///
/// The verifier builds it from its own data, never from the prover's message, else the binding means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    genesis: [u8; 32],
    moment: Moment,
    field: Field,
}

impl Context {
    /// A context: SHA-256 of the chain's genesis file (whole: an id with a part of it may be shared by two chains), a
    /// moment and a field.
    #[must_use]
    pub fn new(genesis: [u8; 32], moment: Moment, field: Field) -> Self {
        Self { genesis, moment, field }
    }

    /// The genesis hash of the chain this proof belongs to.
    #[must_use]
    pub fn genesis(&self) -> &[u8; 32] {
        &self.genesis
    }

    /// The height or round this proof belongs to.
    #[must_use]
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// The field this proof is about.
    #[must_use]
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// Opens the transcript of one protocol with this context absorbed.
    pub(crate) fn begin(&self, protocol: &'static [u8]) -> Transcript {
        let mut transcript = Transcript::new(protocol);
        transcript.append_message(label::CHAIN, &self.genesis);
        match self.moment {
            Moment::Height(height) => transcript.append_u64(label::HEIGHT, height),
            Moment::Round(round) => transcript.append_u64(label::ROUND, round),
        }
        transcript.append_message(label::FIELD, self.field.0.as_bytes());
        transcript
    }
}

/// Draws a scalar, uniform to within 2^-250, from what the transcript has absorbed.
pub(crate) fn challenge_scalar(transcript: &mut Transcript, name: &'static [u8]) -> Scalar {
    let mut wide = [0_u8; 64];
    transcript.challenge_bytes(name, &mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The prover's private generator: a fork of the transcript keyed by the witness and by `rng`.
///
/// A weak or repeated `rng` then still gives different nonces for different statements or witnesses, which is what
/// keeps a Schnorr or Bulletproof nonce from being solved for the secret.
pub(crate) fn prover_rng<R: RngCore + CryptoRng>(
    transcript: &Transcript,
    witness: &[&[u8]],
    rng: &mut R,
) -> TranscriptRng {
    witness
        .iter()
        .fold(transcript.build_rng(), |builder, bytes| {
            builder.rekey_with_witness_bytes(label::WITNESS, bytes)
        })
        .finalize(rng)
}

/// A generator whose output is fixed by what a transcript has absorbed: weights that every verifier draws alike.
pub(crate) struct Weights(pub(crate) Transcript);

impl RngCore for Weights {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0_u8; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0_u8; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.challenge_bytes(label::WEIGHT, dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// Unpredictable to whoever made the absorbed proofs, which is all that a verifier's weight needs.
impl CryptoRng for Weights {}

#[cfg(test)]
mod tests;
