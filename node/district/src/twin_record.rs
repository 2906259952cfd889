//! What a district keeps of a student's twin in its vault, and how it is read when something is proved of it.
//!
//! Flow: whoever feeds twins writes a [`TwinRecord`] as the field [`STATE_FIELD`] → [`Provable::read`] asks the vault's
//! access check for the fields that are to be proved, which lists the read, and opens the state and the student's secret
//! for them. Invariants: no role needs the state itself, so no read gives it; what is proved of it are the granted
//! fields and no other. Absent: the proofs, which are the ledger's and the commands'.

use aula_ledger::codec::Canonical;
use aula_ledger::keys::PublicKey;
use aula_ledger::names::FieldName;
use aula_ledger::state::schema::StudentLeaf;
use aula_ledger::tx::StudentState;
use aula_ledger::types::{Hash, Height};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::twin::TwinState;
use aula_vault::Vault;
use aula_vault::access::{ReadError, ReadRequest, ReaderRole};
use aula_zk::StudentSecret;
use borsh::{BorshDeserialize, BorshSerialize};

/// The vault's field with the twin's record: one of the names that only the program writes.
pub const STATE_FIELD: &str = aula_vault::access::STATE;

/// A student's twin as of its newest anchored state. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TwinRecord {
    /// Version of the anchored state, from 1: salts and blindings depend on it.
    pub version: u32,
    /// The twin's snapshot.
    pub snapshot: Vec<u8>,
}

impl Canonical for TwinRecord {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "twin record";
    const MAX_BYTES: u64 = 1 << 20;
}

/// What a version anchored, as the vault notes it beside the events that it was folded from. Canonical bytes, version 2.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AnchoredState {
    /// The state as the transaction had it.
    pub state: StudentState,
    /// Version of the twins' parameters that it was computed under.
    pub parameters: u32,
    /// SHA-256 of those parameters, as the ledger holds it.
    pub model_digest: Hash,
}

impl AnchoredState {
    /// The leaf that it is in the district's tree once it is anchored in this block.
    pub fn leaf(&self, anchored: Height) -> StudentLeaf {
        self.state.leaf(self.parameters, self.model_digest, anchored)
    }
}

impl Canonical for AnchoredState {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "anchored state";
    const MAX_BYTES: u64 = 4 * 1024;
}

/// Why a state cannot be read for a proof.
#[derive(Debug, thiserror::Error)]
pub enum Unprovable {
    /// The access check denies it, or the vault cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The vault has no state of this student.
    #[error("the vault holds no state of this student")]
    NoState,
    /// The state's bytes are not valid.
    #[error("the student's state in the vault is damaged")]
    Damaged,
}

/// A state with what proves something of its granted fields. Never printed.
pub struct Provable {
    /// The fields granted.
    pub granted: Vec<FieldName>,
    /// The fields asked for that the reader does not need.
    pub withheld: Vec<FieldName>,
    /// Decoded from [`STATE_FIELD`], whole: what is proved of it are the granted fields.
    pub state: TwinState,
    /// Which of the student's states it is, from 1, over all years.
    pub version: u32,
    /// The student's secret.
    pub secret: StudentSecret,
    /// The events in order, when `events` was granted.
    pub events: Vec<Event>,
    /// The reader's role; none for what is open by design.
    pub role: Option<ReaderRole>,
}

impl std::fmt::Debug for Provable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provable").field("granted", &self.granted).finish_non_exhaustive()
    }
}

impl Provable {
    /// Reads the state for a proof about the fields of `request`, which is decided and listed as every read is.
    ///
    /// # Errors
    /// [`Unprovable`].
    pub fn read(
        vault: &Vault,
        request: &ReadRequest,
        district_key: &PublicKey,
        now_ms: u64,
    ) -> Result<Self, Unprovable> {
        let field = FieldName::new(STATE_FIELD).map_err(|_| Unprovable::Damaged)?;
        let given = vault.read_for_proof(request, &field, None, district_key, now_ms)?;
        let bytes = given.state.ok_or(Unprovable::NoState)?;
        let record = TwinRecord::from_canonical(&bytes).map_err(|_| Unprovable::Damaged)?;
        let state = TwinState::from_snapshot(&record.snapshot).map_err(|_| Unprovable::Damaged)?;
        let secret = StudentSecret::new(*given.secret.as_bytes());
        let events = given.events.iter().map(|bytes| Event::decode(bytes).map_err(|_| Unprovable::Damaged));
        let events = events.collect::<Result<_, _>>()?;
        let (granted, withheld) = (given.granted, given.withheld);
        let role = ReaderRole::parse(given.entry.role.as_str());
        Ok(Self { granted, withheld, state, version: record.version, secret, events, role })
    }
}
