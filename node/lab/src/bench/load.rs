//! What the ledger bench sends: districts with keys of their own, and their signed anchors of student states.
//!
//! Everything is built and signed before the clock starts. Handles are hashes of a counter, so the trees grow
//! in random order, as pseudonyms do; each state carries one commitment, as the demo's do.

use aula_client::sender::{Sender, Signed};
use aula_home::founding::Base;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::genesis::{GenesisDistrict, GenesisMember, GenesisSchool};
use aula_ledger::names::{Name, TextError, Title};
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::tx::{AnchorStates, StudentState};
use aula_ledger::types::{CommitmentBytes, DistrictId, Handle, Hash, Height, SchoolId, SchoolYear};
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};

const SCHOOL_YEAR: SchoolYear = SchoolYear(2026);
/// Transactions never expire within a bench.
const VALID_UNTIL: Height = Height(1_000_000);

/// The districts of a bench and their keys.
pub struct Districts {
    keys: Vec<SigningKey>,
}

/// A district's transactions, in order, and how many records each carries.
pub type Queue = Vec<(Signed, usize)>;

impl Districts {
    /// Districts with new keys.
    pub fn new(count: u16) -> Self {
        let key = |_| NodeKey::generate(KeyKind::Account).into_signing_key();
        Self { keys: (0..count).map(key).collect() }
    }

    /// What the genesis says of them: a member and one school each.
    ///
    /// # Errors
    /// When a name breaks the ledger's rule, which these do not.
    pub fn base(&self) -> Result<Base, TextError> {
        let mut base = Base::default();
        (base.params.first_school_year, base.params.last_school_year) = (SCHOOL_YEAR.0, SCHOOL_YEAR.0);
        let kind = Name::new("bench")?;
        for (number, key) in (1u16..).zip(&self.keys) {
            let (district, school_type) = (DistrictId(number), kind.clone());
            base.members.push(GenesisMember {
                name: Name::new(&format!("district-{number:02}"))?,
                roles: RoleSet::of(&[Role::District]),
                public_key: aula_ledger::keys::public_key(key),
                district: Some(district),
                school: None,
            });
            base.districts
                .push(GenesisDistrict { id: district, name: Title::new(&format!("District {number}"))? });
            base.schools.push(GenesisSchool::unnamed(SchoolId(number.into()), district, school_type));
        }
        Ok(base)
    }

    /// Signs `records` anchors of one state each, or of `batch` states, dealt to the districts in turn.
    pub fn load(self, genesis: &Hash, records: usize, batch: usize) -> Vec<Queue> {
        let districts = self.keys.len();
        let mut senders: Vec<Sender> = self.keys.into_iter().map(|key| sender(genesis, key)).collect();
        let mut queues: Vec<Queue> = vec![Vec::new(); districts];
        let mut made = 0usize;
        let mut turn = 0usize;
        while made < records {
            let size = batch.min(records - made);
            let place = turn % districts.max(1);
            if let (Some(sender), Some(queue)) = (senders.get_mut(place), queues.get_mut(place)) {
                let school = SchoolId(u32::try_from(place + 1).unwrap_or(1));
                queue.push((sender.sign(anchor(made, size, school)), size));
            }
            made += size;
            turn += 1;
        }
        queues
    }
}

fn sender(genesis: &Hash, key: SigningKey) -> Sender {
    let account = aula_ledger::keys::account_of(&aula_ledger::keys::public_key(&key));
    Sender::new(*genesis, account, key, VALID_UNTIL)
}

fn anchor(first: usize, size: usize, home_school: SchoolId) -> AnchorStates {
    let mut states: Vec<StudentState> =
        (first..first + size).map(|number| state(number, home_school)).collect();
    states.sort_by_key(|state| state.handle);
    AnchorStates {
        school_year: SCHOOL_YEAR,
        parameters: 1,
        model_digest: aula_ledger::twin::TwinParameters::default().digest(),
        states,
    }
}

fn state(number: usize, home_school: SchoolId) -> StudentState {
    let digest: [u8; 32] = Sha256::digest((number as u64).to_le_bytes()).into();
    StudentState {
        handle: Handle(digest),
        version: 1,
        state_hash: Hash(Sha256::digest(digest).into()),
        home_school,
        inputs: vec![CommitmentBytes(aula_zk::commitment::BASE_BYTES)],
        commitments: Vec::new(),
        event_watermark: 3,
    }
}
