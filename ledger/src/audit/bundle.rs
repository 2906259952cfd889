//! The format of an evidence bundle: canonical bytes, versions 7 and 8, and their checksum.
//!
//! A bundle never says which record it shows: the verifier derives every key from what it is about, so nothing can be swapped,
//! left out or added. Lists have limits: a small file cannot make a reader allocate much. A round's bundle holds every request and
//! decision under pseudonyms, for an auditor; one about a student shows that student's rows and hashes of others.

use borsh::{BorshDeserialize, BorshSerialize};

use super::sha256;
use crate::chain::{CommitCertificate, Header, ValidatorSet};
use crate::codec::{Canonical, CodecError, at_most};
use crate::names::Title;
use crate::proof::committed::BAND_GROUP;
use crate::proof::need::NeedProof;
use crate::proof::sparse::MAX_DEPTH;
use crate::proof::{AbsenceProof, InclusionPath};
use crate::protocol::Protocol;
use crate::state::map::MapProof;
use crate::state::schema::RequestRow;
use crate::types::{AccountId, Band, CommitmentBytes, DistrictId, Handle, Hash, Height, RoundId, SchoolYear};

mod bare;
mod charged;
mod public;

pub use charged::{ChargedClass, ChargedEvidence};
pub use public::{Act, Figure, FigureKey, FiguresEvidence};

/// Most links of the validator chain: more than fit into a bundle's bytes where sets have fourteen validators or more, so that the
/// bytes are what ends. A link is read before the next one is made room for, so the count by itself makes nothing grow.
pub const MAX_LINKS: usize = 65_536;
/// Most opened fields of a student's state: all of 1,024 skills and what else there is.
pub const MAX_FIELDS: usize = 2_048;
/// Most records of one kind (pools, schools, seed shares) in a bundle.
pub const MAX_RECORDS: usize = 16_384;

/// The version of the bytes of a bundle that shows protocol 1 alone.
pub const OF_FIRST: u8 = 7;

/// The first byte of a file over two ledgers. Bundles count their versions from 1; these count from 64.
pub const VIA_VERSION: u8 = 64;

/// An evidence bundle.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bundle {
    /// From the genesis to the block whose state is shown.
    pub chain: ChainEvidence,
    /// The state's own record of chain id, genesis, height and time.
    pub chain_record: Proved,
    /// What the bundle is about.
    pub subject: Subject,
}

/// As every canonical type, then SHA-256 of it: a flipped bit could otherwise turn the absence of one handle into another's.
///
/// Version 7 shows blocks of protocol 1 alone; its headers do not say so. A bundle that shows a later one is of version 8.
impl Canonical for Bundle {
    const VERSION: u8 = 8;
    const WHAT: &'static str = "evidence bundle";
    const MAX_BYTES: u64 = 128 * 1024 * 1024;

    fn to_canonical(&self) -> Vec<u8> {
        let first = self.chain.headers().all(|header| header.protocol == Protocol::FIRST);
        let mut bytes = vec![if first { OF_FIRST } else { Self::VERSION }];
        let chain = match first {
            true => self.chain.write_bare(&mut bytes),
            false => self.chain.serialize(&mut bytes),
        };
        let rest = chain.and_then(|()| self.chain_record.serialize(&mut bytes));
        // Writing into a Vec fails only for a list of more than u32::MAX entries, which no bundle holds.
        if rest.and_then(|()| self.subject.serialize(&mut bytes)).is_err() {
            return Vec::new();
        }
        summed(bytes)
    }

    fn from_canonical(bytes: &[u8]) -> Result<Self, CodecError> {
        let (what, found) = (Self::WHAT, bytes.len() as u64);
        if found > Self::MAX_BYTES {
            return Err(CodecError::TooLarge { what, limit: Self::MAX_BYTES, found });
        }
        if !matches!(bytes.first(), Some(&(OF_FIRST | Self::VERSION))) {
            let found = bytes.first().copied();
            return Err(CodecError::Version { what, expected: Self::VERSION, found });
        }
        let malformed = CodecError::Malformed { what };
        let (version, fields) = unsummed(bytes).and_then(<[u8]>::split_first).ok_or(malformed)?;
        let bundle = Self::read(*version == OF_FIRST, fields).map_err(|_| malformed)?;
        if bundle.to_canonical() == bytes { Ok(bundle) } else { Err(malformed) }
    }
}

/// A file's bytes with their SHA-256 behind them.
pub(super) fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = sha256(&bytes);
    bytes.extend(sum.0);
    bytes
}

/// The bytes before their SHA-256; none where it is another's.
pub(super) fn unsummed(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk::<32>()?;
    (sha256(body).0 == *sum).then_some(body)
}

impl Bundle {
    fn read(first: bool, mut fields: &[u8]) -> std::io::Result<Self> {
        let chain = match first {
            true => ChainEvidence::read_bare(&mut fields)?,
            false => ChainEvidence::deserialize_reader(&mut fields)?,
        };
        let chain_record = Proved::deserialize_reader(&mut fields)?;
        Ok(Self { chain, chain_record, subject: Subject::try_from_slice(fields)? })
    }
}

/// A header and why its block is final.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedHeader {
    /// The header, whole: its hash is what the precommits name.
    pub header: Header,
    /// The precommits of more than two thirds of the power.
    pub certificate: CommitCertificate,
}

/// A block on the way from the genesis: one that changes the validator set, or a waypoint asked for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Link {
    /// Its header, with the certificate that makes it final.
    pub block: SignedHeader,
    /// The set from the next height on; present exactly if it is another one.
    pub new_set: Option<ValidatorSet>,
}

/// How the validators of the last block follow from the genesis.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainEvidence {
    /// Every block that changed the set, and waypoints, ascending by height.
    #[borsh(deserialize_with = "at_most::<MAX_LINKS, _, _>")]
    pub links: Vec<Link>,
    /// The block whose state the bundle shows.
    pub head: SignedHeader,
}

impl ChainEvidence {
    /// The header of a block that is shown, where they ascend as verified ones do. A record may ask for each of them, and there may be
    /// many of both: it is looked up.
    pub fn header(&self, height: Height) -> Option<&Header> {
        if self.head.header.height == height {
            return Some(&self.head.header);
        }
        let found = self.links.binary_search_by_key(&height, |link| link.block.header.height).ok()?;
        self.links.get(found).map(|link| &link.block.header)
    }

    /// All headers that are shown, ascending once they are verified.
    pub fn headers(&self) -> impl Iterator<Item = &Header> {
        self.links.iter().map(|link| &link.block.header).chain([&self.head.header])
    }
}

/// A record of the state with its proof against the state root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proved {
    /// The record's bytes.
    pub value: Vec<u8>,
    /// That the map holds them under the key that the verifier derives.
    pub proof: MapProof,
}

/// What the state holds under a key that may be empty.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Lookup {
    /// Nothing stands there, with the proof that nothing does.
    Absent(MapProof) = 1,
    /// A record, with its place in the state.
    Present(Proved) = 2,
}

/// A row of a bulk tree with its way to the tree's root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProvedRow {
    /// The row's bytes.
    pub row: Vec<u8>,
    /// Its position in the tree, and the hashes beside its way up.
    pub path: InclusionPath,
}

/// What a bundle is about.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "one a bundle, never in lists")]
pub enum Subject {
    /// A whole round: every request and decision, and that the result is optimal.
    Round(RoundEvidence) = 1,
    /// The decision on one student's request.
    Allocation(AllocationEvidence) = 2,
    /// That a student's state is anchored, or is not.
    Student(StudentEvidence) = 3,
    /// Where a funder's money of a year went, without an amount.
    Budget(BudgetEvidence) = 4,
    /// That a district's access log is anchored, and a read listed in it.
    Access(AccessEvidence) = 5,
    /// Records and acts that anybody may read: parameters, budgets, pools, published reports, members, votes.
    Figures(FiguresEvidence) = 6,
    /// Something a student reached, and whether the record was corrected.
    Milestone(MilestoneEvidence) = 7,
    /// That a district's buildings are anchored, and what one of their rows says.
    Estate(EstateEvidence) = 8,
    /// A funder's stated budget, bound to what its pools were charged.
    Charged(ChargedEvidence) = 9,
}

impl Subject {
    /// The kind as commands name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Round(_) => "round",
            Self::Allocation(_) => "allocation",
            Self::Student(_) => "student",
            Self::Budget(_) | Self::Charged(_) => "budget",
            Self::Access(_) => "access",
            Self::Figures(_) => "public figures",
            Self::Milestone(_) => "milestone",
            Self::Estate(_) => "estate",
        }
    }
}

/// What rounds and single decisions have in common.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RoundContext {
    /// Its number, from which a verifier derives where its records stand.
    pub round: RoundId,
    /// What was fixed at its opening.
    pub record: Proved,
    /// The record of the class that the round is of.
    pub class: Proved,
    /// The version of the twins' parameters that its requests go by: the need rule.
    pub twin: Proved,
    /// What RunRound decided: heads of both trees, seed, prices and counts.
    pub decision: Proved,
    /// Whether the decision was taken back.
    pub reversion: Lookup,
    /// All pools of the class, ascending by number; those defined after the decision stand here too.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub pools: Vec<Proved>,
    /// Every school that a shown request or a pool names, ascending.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub schools: Vec<Proved>,
    /// Head of the tree of requests.
    pub requests: Proved,
    /// Head of the tree of decisions.
    pub decisions: Proved,
}

/// What one student asked for and what came of it: two rows that stand under one key in the round's trees.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DecidedRequest {
    /// The row of the requests' tree, which says whose.
    pub request: Vec<u8>,
    /// The row of the decisions' tree.
    pub decision: Vec<u8>,
}

impl DecidedRequest {
    /// The request.
    ///
    /// # Errors
    /// [`CodecError`] for other bytes.
    pub fn request_row(&self) -> Result<RequestRow, CodecError> {
        RequestRow::from_canonical(&self.request)
    }
}

/// Requests whose inputs and bands were proved together.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BandGroup {
    /// What the proof is about, 1 to 8, as they were submitted.
    #[borsh(deserialize_with = "at_most::<BAND_GROUP, _, _>")]
    pub entries: Vec<BandEntry>,
    /// The proofs, as the ledger took them.
    pub proof: NeedProof,
}

/// One of the entries that a range proof covers.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum BandEntry {
    /// A position among the round's rows: handle, band and commitments are read there.
    Row(u32) = 0,
    /// An entry that the ledger refused, which shows nothing of a row but is part of the proof.
    Refused {
        /// Whose.
        handle: Handle,
        /// The band it claimed.
        band: Band,
        /// The commitments it named.
        inputs: Vec<CommitmentBytes>,
    } = 1,
}

/// Why the band of a single decision may be believed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "one a bundle, never in lists")]
pub enum BandEvidence {
    /// The ledger's rule alone: it takes no request without a proof. The proof it took speaks of other students
    /// too, so it stands in the round's bundle and not here.
    Rule = 1,
    /// A proof about this student alone, which the district made for this bundle.
    Proof(NeedProof) = 2,
}

/// A whole round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RoundEvidence {
    /// Round, class, decision, pools, schools, trees.
    pub context: RoundContext,
    /// The pools' funders' budgets of the class's school year, ascending by account.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub budgets: Vec<Proved>,
    /// Whose shares of the seed count, and how much, as fixed when the round of the shares was opened.
    pub power: Proved,
    /// The shares of the seed: those the decision names as revealed or withheld, ascending.
    #[borsh(deserialize_with = "at_most::<MAX_RECORDS, _, _>")]
    pub shares: Vec<Proved>,
    /// The optimizer's certificate.
    pub certificate: Proved,
    /// The same round at equity 0 with its certificate: what the price of fairness compares with.
    pub plain: Proved,
    /// The published report.
    pub report: Proved,
    /// Every request with its decision, ascending by handle: both trees are rebuilt from these.
    pub rows: Vec<DecidedRequest>,
    /// That every band is that of the need which the committed inputs give: each group proves a row that none before it does, and
    /// together they prove all.
    pub bands: Vec<BandGroup>,
}

/// The decision on one request.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AllocationEvidence {
    /// Round, class, decision, pools, schools, trees.
    pub context: RoundContext,
    /// The district that requested.
    pub district: DistrictId,
    /// Whose.
    pub handle: Handle,
    /// Its row, with the way to the root of the round's requests.
    pub request: ProvedRow,
    /// Why the band may be believed.
    pub band: BandEvidence,
    /// What was decided.
    pub decision: ProvedRow,
}

/// A funder's stated budget of a year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BudgetEvidence {
    /// Whose.
    pub funder: AccountId,
    /// The year that the money is for.
    pub school_year: SchoolYear,
    /// What was funded and charged.
    pub budget: Proved,
    /// The amounts by school as commitments, with their proof.
    pub statement: Proved,
    /// The floor per weighted pupil, if one is stated.
    pub equity: EquityStanding,
}

/// Whether a floor per weighted pupil is stated.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "one a bundle, never in lists")]
pub enum EquityStanding {
    /// None is: the map has no such record.
    None(MapProof) = 1,
    /// The funder has stated one for the year.
    Stated {
        /// The floor, commitments to weights, and proofs.
        statement: Proved,
        /// The decision of the round whose requests weigh the pupils.
        decision: Proved,
    } = 2,
}

/// A district's anchored access log, and one read in it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccessEvidence {
    /// The district whose log it is.
    pub district: DistrictId,
    /// The newest anchored head.
    pub log: Proved,
    /// The read, which the district adds for the family it concerns.
    pub listed: Option<ListedRead>,
}

/// An entry of an access log with its way to the anchored root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ListedRead {
    /// The entry's canonical bytes.
    pub entry: Vec<u8>,
    /// Its position in the log, and the hashes beside its way up.
    pub path: InclusionPath,
}

/// A district's anchored buildings, and one row of one of them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EstateEvidence {
    /// The district whose buildings they are.
    pub district: DistrictId,
    /// Its buildings with their roots.
    pub estate: Proved,
    /// The row, which the district adds.
    pub shown: Option<ShownRow>,
}

/// A row of a building with its way to the anchored root; the row itself says which it is.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ShownRow {
    /// The building's id, as the district's estate writes it.
    pub building: Title,
    /// The row's bytes.
    pub row: Vec<u8>,
    /// Its position among the building's rows, and the hashes beside its way up.
    pub path: InclusionPath,
}

/// A milestone of a district's student: for the student, from the district. Credentials bind it by this file's hash.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MilestoneEvidence {
    /// Which district recorded it.
    pub district: DistrictId,
    /// Whose.
    pub handle: Handle,
    /// Its number among the handle's.
    pub number: u16,
    /// The milestone as it was recorded, with its place in the state.
    pub record: Proved,
    /// The number of the record that corrects it, if one does.
    pub superseded: Lookup,
}

/// Whether a student's state is anchored.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StudentEvidence {
    /// The district whose tree is meant.
    pub district: DistrictId,
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// Whose.
    pub handle: Handle,
    /// In the tree, not in the tree, or no tree.
    pub standing: StudentStanding,
}

/// Fields of a student's state, opened by the district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Opened {
    /// Ascending by name; at least one.
    #[borsh(deserialize_with = "at_most::<MAX_FIELDS, _, _>")]
    pub fields: Vec<OpenedField>,
}

/// A field of a state in clear, with what shows that the anchored root holds it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenedField {
    /// As the state names it, for example `skill/00012`.
    pub field: String,
    /// Canonical bytes of its value.
    pub value: Vec<u8>,
    /// The random bytes that were hashed with the value.
    pub salt: [u8; 32],
    /// What blinds the leaf's commitment to its number; present exactly if the leaf commits to this field.
    pub blinding: Option<[u8; 32]>,
    /// The hashes beside its way down in the state's tree, lowest first; none is an empty subtree.
    #[borsh(deserialize_with = "at_most::<MAX_DEPTH, _, _>")]
    pub siblings: Vec<Option<Hash>>,
}

/// Where a student stands.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "one a bundle, never in lists")]
pub enum StudentStanding {
    /// The state is anchored.
    Anchored {
        /// Head of the district's tree.
        tree: Proved,
        /// The student's row.
        row: ProvedRow,
        /// Fields of the state that the district opened.
        opened: Option<Opened>,
    } = 1,
    /// The tree has no such handle.
    Absent {
        /// Head of the district's tree.
        tree: Proved,
        /// What stands around the place where it would be.
        proof: AbsenceProof,
    } = 2,
    /// The district has anchored nobody in that school year.
    NoTree {
        /// That the map has no such tree.
        proof: MapProof,
    } = 3,
}
