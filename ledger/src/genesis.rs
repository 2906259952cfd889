//! The genesis file: who begins the chain, with which parameters, and the first state.
//!
//! Flow: the bytes of one JSON file → [`Genesis::parse`] (every rule checked, each refusal in a sentence) →
//! [`Parsed`] with the chain id and the file's SHA-256 → [`genesis_state`], through the same overlay as
//! blocks, at height 0. The chain id is the name, a dash, and the first 8 hex digits of the SHA-256 of the
//! file's BYTES: a space more is another chain, so operators compare files, not meanings.
//!
//! Absent on purpose: defaults from outside the file, and any key but public ones.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chain::validators::{Validator, ValidatorSet, address};
use crate::codec::objects;
use crate::keys::{PublicKey, account_of};
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::params::Params;
use crate::position::Position;
use crate::protocol::Protocol;
use crate::roles::{Role, RoleSet, place_fits};
use crate::state::schema::{
    self, Account, ChainRecord, Counters, Described, District, Member, Peer, ProtocolRecord, School,
    Standing, ValidatorInfo, ValidatorSchedule,
};
use crate::state::{MemoryState, Overlay, StateWrites, StoreError};
use crate::twin::TwinParameters;
use crate::tx::admin::seed_account;
use crate::types::{AccountId, ChainId, DistrictId, Hash, Height, SchoolId, SchoolYear, TimeMs};

#[cfg(test)]
mod tests;

/// Most bytes of a genesis file: thousands of schools and members fit.
pub const MAX_GENESIS_BYTES: usize = 16 * 1024 * 1024;

/// A member of the consortium at genesis: admitted from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisMember {
    /// Its name, unique.
    pub name: Name,
    /// Its roles, for example `["district"]` or `["consortium", "district"]`; at least one.
    pub roles: RoleSet,
    /// Its account key; the account follows from it.
    pub public_key: PublicKey,
    /// The district it acts for, when a district or a school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<DistrictId>,
    /// The school it acts for, when a school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
}

impl GenesisMember {
    /// The member's account.
    pub fn account(&self) -> AccountId {
        account_of(&self.public_key)
    }
}

/// A validator at genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// Its name, unique among validators.
    pub name: Name,
    /// The name of the member who runs it.
    pub operator: Name,
    /// The key that signs its votes.
    pub public_key: PublicKey,
    /// Voting power: 1 at genesis.
    #[serde(default = "one")]
    pub power: u64,
    /// Its network identity; admitted as a peer.
    pub peer_id: PeerName,
    /// Where it may be reached, as a multiaddr.
    pub listen: ListenHint,
    /// The key with which its node signs shares of the lotteries' seeds.
    pub seed_key: PublicKey,
}

const fn one() -> u64 {
    1
}

/// A district that is there from the beginning; later ones enter by vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisDistrict {
    /// Its number.
    pub id: DistrictId,
    /// What people call it.
    pub name: Title,
}

/// A school that is there from the beginning; later ones are entered by their districts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisSchool {
    /// Its number, unique in the consortium.
    pub id: SchoolId,
    /// The district it nests in.
    pub district: DistrictId,
    /// Its type, for example `rural`; schools of one type share tier 2.
    pub school_type: Name,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Title>,
    /// Where it is, in microdegrees.
    #[serde(default, deserialize_with = "objects::optional", skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

impl GenesisSchool {
    /// A school without name and position.
    pub const fn unnamed(id: SchoolId, district: DistrictId, school_type: Name) -> Self {
        Self { id, district, school_type, name: None, position: None }
    }

    fn record(&self) -> School {
        let mut school = School::founding(self.id, self.district, self.school_type.clone());
        if self.name.is_some() || self.position.is_some() {
            let (name, position) = (self.name.clone(), self.position);
            school.describe(Described { from_year: SchoolYear(0), name, position });
        }
        school
    }
}

/// The genesis file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The chain's name: the chain id without its hash.
    pub name: Name,
    /// Time of the genesis in milliseconds since 1970 UTC; the first block's time is later.
    pub time_ms: TimeMs,
    /// By which rules the first block is executed.
    #[serde(default, skip_serializing_if = "is_first")]
    pub protocol: Protocol,
    /// Parameters; those not given have their defaults.
    #[serde(default, deserialize_with = "objects::one")]
    pub params: Params,
    /// Version 1 of the twins' parameters, in force from the first school year on; what is not given has its default.
    #[serde(default, deserialize_with = "objects::one")]
    pub twin: TwinParameters,
    /// Who may send transactions from the first block on: admitted, without a vote.
    #[serde(deserialize_with = "objects::list")]
    pub members: Vec<GenesisMember>,
    /// Validators, at least one.
    #[serde(deserialize_with = "objects::list")]
    pub validators: Vec<GenesisValidator>,
    /// Districts of the beginning; members name them by number.
    #[serde(default, deserialize_with = "objects::list")]
    pub districts: Vec<GenesisDistrict>,
    /// Schools of the beginning, each of a district of the list above.
    #[serde(default, deserialize_with = "objects::list")]
    pub schools: Vec<GenesisSchool>,
    /// Where the data came from and which numbers are invented, for whoever reads them. At most [`MAX_SOURCES`].
    #[serde(default, deserialize_with = "objects::list", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// A file from before there was another protocol does not name it; neither does a new one.
fn is_first(protocol: &Protocol) -> bool {
    *protocol == Protocol::FIRST
}

/// What is said of the data's origin, or of a rule by which numbers were joined or invented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is about, at most 120 bytes.
    pub title: String,
    /// What is said, at most 2,000 bytes.
    pub text: String,
}

/// Most sources of a genesis.
pub const MAX_SOURCES: usize = 64;

/// A genesis file that keeps every rule, with what its bytes give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The content.
    pub genesis: Genesis,
    /// The chain's identity.
    pub chain_id: ChainId,
    /// SHA-256 of the file's bytes, unlabelled, as `sha256sum` prints it; the first block's parent.
    pub sha256: Hash,
    /// The validators that decide the first block.
    pub validators: ValidatorSet,
}

/// Why a file is no genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Not JSON of this form, with line and column.
    #[error("the genesis file is not of the expected form: {0}")]
    Form(String),
    /// A rule is broken; the text says by what.
    #[error("the genesis file breaks a rule: {0}")]
    Rule(String),
    /// Another program rewrote the ends of its lines: these bytes have another SHA-256, so they found another chain.
    #[error(
        "the lines of the genesis file end in CR LF: a mail or editor program changed it; fetch it again as it was published, \
         as binary"
    )]
    LineEnds,
    /// Its chain begins with rules that this program does not have.
    #[error(
        "the genesis file begins with protocol {0}, and this program knows protocols up to {newest}: run a version of Aula \
         that knows it",
        newest = Protocol::NEWEST
    )]
    Newer(Protocol),
    /// The file is too large.
    #[error("the genesis file has {0} bytes, more than {MAX_GENESIS_BYTES}")]
    Size(usize),
}

fn rule(text: impl Into<String>) -> GenesisError {
    GenesisError::Rule(text.into())
}

impl Genesis {
    /// Reads and checks a genesis file.
    ///
    /// # Errors
    /// [`GenesisError`] in a sentence that names the entry at fault.
    pub fn parse(bytes: &[u8]) -> Result<Parsed, GenesisError> {
        if bytes.len() > MAX_GENESIS_BYTES {
            return Err(GenesisError::Size(bytes.len()));
        }
        if bytes.windows(2).any(|pair| pair == b"\r\n") {
            return Err(GenesisError::LineEnds);
        }
        let genesis: Self = objects::document(bytes).map_err(|e| GenesisError::Form(e.to_string()))?;
        let validators = genesis.check()?;
        let sha256 = Hash(Sha256::digest(bytes).into());
        let digits = sha256.to_string();
        let chain_id = format!("{}-{}", genesis.name, digits.get(..8).unwrap_or_default());
        let chain_id = ChainId::new(&chain_id).ok_or_else(|| rule("the name makes no chain id"))?;
        Ok(Parsed { genesis, chain_id, sha256, validators })
    }

    /// The file's bytes: indented JSON with a newline at the end.
    ///
    /// # Errors
    /// [`GenesisError`] if the content breaks a rule, so that no unusable file is ever written.
    pub fn to_json(&self) -> Result<Vec<u8>, GenesisError> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| GenesisError::Form(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Every rule that the form does not hold; gives the validator set.
    fn check(&self) -> Result<ValidatorSet, GenesisError> {
        self.params.check().map_err(|e| rule(e.to_string()))?;
        self.twin.check().map_err(|e| rule(e.to_string()))?;
        if self.protocol < Protocol::FIRST {
            return Err(rule("protocols are numbered from 1"));
        }
        if !self.protocol.is_known() {
            return Err(GenesisError::Newer(self.protocol));
        }
        self.check_sources()?;
        let districts = self.check_districts()?;
        let schools = self.check_schools(&districts)?;
        let members = self.check_members(&districts, &schools)?;
        self.check_validators(&members)
    }

    fn check_sources(&self) -> Result<(), GenesisError> {
        if self.sources.len() > MAX_SOURCES {
            return Err(rule(format!("more than {MAX_SOURCES} sources")));
        }
        let fits = |source: &Source| {
            (1..=120).contains(&source.title.len()) && (1..=2_000).contains(&source.text.len())
        };
        match self.sources.iter().find(|source| !fits(source)) {
            Some(long) => Err(rule(format!(
                "source {:?} needs a title of 1 to 120 bytes and a text of 1 to 2,000",
                long.title.chars().take(40).collect::<String>()
            ))),
            None => Ok(()),
        }
    }

    fn check_districts(&self) -> Result<BTreeSet<DistrictId>, GenesisError> {
        let mut ids = BTreeSet::new();
        match self.districts.iter().find(|district| !ids.insert(district.id)) {
            Some(twice) => Err(rule(format!("district {} stands twice", twice.id))),
            None => Ok(ids),
        }
    }

    fn check_schools(
        &self,
        districts: &BTreeSet<DistrictId>,
    ) -> Result<BTreeMap<SchoolId, DistrictId>, GenesisError> {
        let mut schools = BTreeMap::new();
        for school in &self.schools {
            if !districts.contains(&school.district) {
                return Err(rule(format!(
                    "school {} is in district {}, which is not listed",
                    school.id, school.district
                )));
            }
            if schools.insert(school.id, school.district).is_some() {
                return Err(rule(format!("school {} stands twice", school.id)));
            }
        }
        Ok(schools)
    }

    fn check_members(
        &self,
        districts: &BTreeSet<DistrictId>,
        schools: &BTreeMap<SchoolId, DistrictId>,
    ) -> Result<BTreeSet<&Name>, GenesisError> {
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for member in &self.members {
            let name = &member.name;
            if !names.insert(name) || !keys.insert(member.public_key) {
                return Err(rule(format!("the name or the key of member {name} stands twice")));
            }
            if !member.public_key.is_usable() {
                return Err(rule(format!("the key of member {name} is not a usable Ed25519 key")));
            }
            if !place_fits(member.roles, member.district, member.school) {
                return Err(rule(format!(
                    "member {name} needs a role, and not seed; a district its district, a school its district and school, \
                     others neither"
                )));
            }
            if member.district.is_some_and(|district| !districts.contains(&district)) {
                return Err(rule(format!("the district of member {name} is not listed")));
            }
            if member.school.is_some_and(|school| schools.get(&school).copied() != member.district) {
                return Err(rule(format!("the school of member {name} is not listed in its district")));
            }
        }
        if !self.members.iter().any(|member| member.roles.has(Role::Consortium)) {
            return Err(rule("no member has the role consortium, so nobody could vote"));
        }
        Ok(names)
    }

    fn check_validators(&self, members: &BTreeSet<&Name>) -> Result<ValidatorSet, GenesisError> {
        let mut names = BTreeSet::new();
        let mut peers = BTreeSet::new();
        let mut keys: BTreeSet<PublicKey> = self.members.iter().map(|member| member.public_key).collect();
        for validator in &self.validators {
            let name = &validator.name;
            if !names.insert(name) || !peers.insert(&validator.peer_id) {
                return Err(rule(format!("the name or the peer of validator {name} stands twice")));
            }
            if !members.contains(&validator.operator) {
                return Err(rule(format!(
                    "the operator of validator {name}, {}, is not a member",
                    validator.operator
                )));
            }
            if validator.power != 1 {
                return Err(rule(format!("validator {name} must have power 1 at genesis")));
            }
            if !validator.public_key.is_usable() {
                return Err(rule(format!("the key of validator {name} is not a usable Ed25519 key")));
            }
            if !validator.seed_key.is_usable() || !keys.insert(validator.seed_key) {
                return Err(rule(format!(
                    "the seed key of validator {name} is not a usable Ed25519 key, or it stands twice"
                )));
            }
        }
        let set = self.validators.iter().map(|v| Validator::new(v.public_key, v.power)).collect();
        ValidatorSet::new(set).map_err(|e| rule(e.to_string()))
    }
}

/// The state of height 0 and its root, through the same overlay as blocks.
///
/// # Errors
/// [`StoreError`] does not happen on the empty state below; it is the overlay's type.
pub fn genesis_state(parsed: &Parsed) -> Result<(StateWrites, Hash), StoreError> {
    let empty = MemoryState::new();
    let mut overlay = Overlay::new(&empty);
    let genesis = &parsed.genesis;
    let chain = ChainRecord {
        chain_id: parsed.chain_id.clone(),
        genesis_sha256: parsed.sha256,
        height: Height::GENESIS,
        time_ms: genesis.time_ms,
    };
    schema::write(&mut overlay, schema::chain_key(), &chain);
    schema::write(&mut overlay, schema::params_key(), &genesis.params);
    // Protocol 1 needs no record, so that the states of its chains are what they were.
    if genesis.protocol != Protocol::FIRST {
        let record = ProtocolRecord::of_genesis(genesis.protocol);
        schema::write(&mut overlay, schema::protocol_key(), &record);
    }
    // The first of all versions: there is room for it.
    let _ = schema::add_twin_version(&mut overlay, genesis.twin.clone(), SchoolYear(0), Height::GENESIS)?;
    let schedule = ValidatorSchedule::constant(&parsed.validators);
    schema::write(&mut overlay, schema::validators_key(), &schedule);
    for district in &genesis.districts {
        let (id, name) = (district.id, district.name.clone());
        let record = District { id, name, admitted: Height::GENESIS, closed: None };
        schema::write(&mut overlay, schema::district_key(district.id), &record);
    }
    for school in &genesis.schools {
        schema::write(&mut overlay, schema::school_key(school.id), &school.record());
    }
    write_members(&mut overlay, genesis);
    write_validators(&mut overlay, genesis)?;
    let (root, writes) = overlay.finish(Height::GENESIS)?;
    Ok((writes, root))
}

fn write_members(overlay: &mut Overlay<'_>, genesis: &Genesis) {
    let mut counters = Counters::default();
    for member in &genesis.members {
        let account = member.account();
        let record = Member {
            account,
            name: member.name.clone(),
            roles: member.roles,
            district: member.district,
            school: member.school,
            standing: Standing::Admitted,
            since: Height::GENESIS,
        };
        let votes = u32::from(member.roles.has(Role::Consortium));
        counters.consortium_members = counters.consortium_members.saturating_add(votes);
        let keys = Account { public_key: member.public_key, sequence: 0 };
        schema::write(overlay, schema::member_key(&account), &record);
        schema::write(overlay, schema::account_key(&account), &keys);
        overlay.put(schema::name_key(&member.name), account.0.to_vec());
        schema::use_key(overlay, &member.public_key);
    }
    schema::write(overlay, schema::counters_key(), &counters);
}

fn write_validators(overlay: &mut Overlay<'_>, genesis: &Genesis) -> Result<(), StoreError> {
    for validator in &genesis.validators {
        let operator = genesis.members.iter().find(|member| member.name == validator.operator);
        let Some(operator) = operator.map(GenesisMember::account) else { continue };
        let seed = seed_account::admit(overlay, validator.seed_key, &validator.name, Height::GENESIS)?;
        let info = ValidatorInfo {
            address: address(&validator.public_key),
            name: validator.name.clone(),
            operator,
            peer_id: validator.peer_id.clone(),
            rotated_ms: None,
            seed,
        };
        schema::use_key(overlay, &validator.public_key);
        schema::use_peer(overlay, &validator.peer_id);
        let peer = Peer { peer_id: validator.peer_id.clone(), listen: validator.listen.clone(), operator };
        schema::write(overlay, schema::validator_key(&info.address), &info);
        schema::write(overlay, schema::peer_key(&peer.peer_id), &peer);
    }
    Ok(())
}
