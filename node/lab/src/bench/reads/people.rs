//! Who and what a written past is of: forty-two districts, eighty schools, an office that funds and opens rounds, and
//! students. Keys, handles, needs and schools follow from the seed and a number.

use aula_district::requests::{Claimed, band};
use aula_home::Failure;
use aula_home::founding::Base;
use aula_ledger::genesis::{GenesisDistrict, GenesisMember, GenesisSchool};
use aula_ledger::keys::public_key;
use aula_ledger::names::{Name, TextError, Title};
use aula_ledger::proof::need::input_field;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::tx::{Mandate, Request, StudentState};
use aula_ledger::types::{CommitmentBytes, DistrictId, Handle, Hash, KindId, SchoolId, SchoolYear};
use aula_zk::{Field, Opening, StudentSecret};
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};

use crate::defect;

/// The school year of all of it.
pub(in crate::bench) const YEAR: SchoolYear = SchoolYear(2025);
/// Districts, as in the demo's data.
pub const DISTRICTS: u16 = 42;
/// Schools, as in the demo's data.
pub const SCHOOLS: u32 = 80;
/// What a step of the one input of the default need rule adds.
const STEP: u16 = 10;

/// Bytes that follow from the seed, a purpose and a number.
fn drawn(seed: u64, purpose: &str, number: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"aula bench reads");
    hash.update(seed.to_le_bytes());
    hash.update(number.to_le_bytes());
    hash.update(purpose.as_bytes());
    hash.finalize().into()
}

/// The account key of a district, or of the office as number 0.
pub fn account_key(seed: u64, number: u16) -> SigningKey {
    SigningKey::from_bytes(&drawn(seed, "account", number.into()))
}

/// What the genesis says of them.
///
/// # Errors
/// When a name breaks the ledger's rule, which these do not.
pub fn base(seed: u64) -> Result<Base, TextError> {
    let mut base = Base::default();
    (base.params.first_school_year, base.params.last_school_year) = (YEAR.0, YEAR.0);
    base.members.push(GenesisMember {
        name: Name::new("office")?,
        roles: RoleSet::of(&[Role::Consortium, Role::Funder]),
        public_key: public_key(&account_key(seed, 0)),
        district: None,
        school: None,
    });
    for number in 1..=DISTRICTS {
        base.members.push(GenesisMember {
            name: Name::new(&format!("district-{number:02}"))?,
            roles: RoleSet::of(&[Role::District]),
            public_key: public_key(&account_key(seed, number)),
            district: Some(DistrictId(number)),
            school: None,
        });
        let name = Title::new(&format!("District {number}"))?;
        base.districts.push(GenesisDistrict { id: DistrictId(number), name });
    }
    for number in 1..=SCHOOLS {
        let kinds = ["inner-city", "suburban", "rural", "urban"];
        let kind = kinds.get(number as usize % kinds.len()).copied().unwrap_or("rural");
        let (district, school_type) = (district_of(number), Name::new(kind)?);
        base.schools.push(GenesisSchool::unnamed(SchoolId(number), district, school_type));
    }
    Ok(base)
}

fn district_of(school: u32) -> DistrictId {
    let place = school.saturating_sub(1) % u32::from(DISTRICTS);
    DistrictId(u16::try_from(place).unwrap_or(0) + 1)
}

/// A student of a past.
#[derive(Debug, Clone)]
pub struct Student {
    /// A pseudonym that follows from the seed.
    pub handle: Handle,
    /// 1 to 42, as the genesis numbers them.
    pub district: u16,
    /// The number of the newest anchored state.
    pub version: u32,
    /// Milestones recorded.
    pub milestones: u16,
    school: SchoolId,
    position: u8,
}

impl Student {
    /// The `number`-th student, of this district; nothing is anchored yet.
    pub fn new(seed: u64, number: u64, district: u16) -> Self {
        let bytes = drawn(seed, "student", number);
        let second = u32::from(district) + u32::from(DISTRICTS);
        let school = if bytes[0] % 2 == 1 && second <= SCHOOLS { second } else { district.into() };
        let handle = Handle(Sha256::digest(bytes).into());
        Self { handle, district, version: 0, milestones: 0, school: SchoolId(school), position: bytes[1] }
    }

    fn opening(&self) -> Result<(Opening, CommitmentBytes), Failure> {
        let field = Field::new(&input_field(0).to_string()).map_err(defect)?;
        let secret = StudentSecret::new(Sha256::digest(self.handle.0).into());
        let opening = Opening::derive(&secret, &field, 1, self.position.into());
        let commitment = CommitmentBytes(*opening.commit().map_err(defect)?.as_bytes());
        Ok((opening, commitment))
    }

    /// The next state: the first carries the input that a request proves, later ones a commitment of no use.
    ///
    /// # Errors
    /// When a commitment cannot be made, which is a defect.
    pub fn next_state(&mut self) -> Result<StudentState, Failure> {
        self.version += 1;
        let commitment = match self.version {
            1 => self.opening()?.1,
            _ => CommitmentBytes(aula_zk::commitment::BASE_BYTES),
        };
        Ok(StudentState {
            handle: self.handle,
            version: self.version,
            state_hash: Hash(
                Sha256::digest([&self.handle.0[..], &self.version.to_le_bytes()].concat()).into(),
            ),
            home_school: self.school,
            inputs: vec![commitment],
            commitments: Vec::new(),
            event_watermark: self.version.into(),
        })
    }

    /// A request for either kind, and what is to be proved of its band.
    ///
    /// # Errors
    /// When a commitment cannot be made, which is a defect.
    pub fn request(&self) -> Result<Claimed, Failure> {
        let band = band(u16::from(self.position) * STEP);
        let band = band.ok_or_else(|| defect("a band that does not exist"))?;
        let (opening, commitment) = self.opening()?;
        let kinds =
            if self.handle.0[0].is_multiple_of(2) { [KindId(0), KindId(1)] } else { [KindId(1), KindId(0)] };
        let request = Request {
            handle: self.handle,
            home_school: self.school,
            band,
            mandate: Mandate::None,
            kinds: kinds.to_vec(),
            inputs: vec![commitment],
        };
        let claim = request.claim();
        Ok((request, (claim, vec![opening])))
    }
}
