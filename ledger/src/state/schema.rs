//! Every key of the state, one function each, and typed reading and writing.
//!
//! A key is ASCII words with `/` between them, then fixed-width fields: numbers big endian, so that records
//! list in their order; a text only at the end, so that no key is another's prefix by accident.
//!
//! | key | record |
//! |---|---|
//! | `chain` | [`ChainRecord`]: identity, height and time |
//! | `params` | [`Params`] |
//! | `protocol` | [`ProtocolRecord`]: whose rules are in force, and what was voted for; a chain of protocol 1 has none before a vote |
//! | `validators` | [`ValidatorSchedule`]: the sets of this height and the next two |
//! | `set_change/H` | the set that block H announced for H + 1: evidence walks from the genesis by these; with the first, from protocol 3 on, the genesis's own as `set_change/0` |
//! | `counters` | [`Counters`] |
//! | `account/A` | [`Account`]: current key and next sequence number |
//! | `member/A`, `name/NAME` | [`Member`]; the account of a name |
//! | `validator/V`, `peer/P` | [`ValidatorInfo`], [`Peer`] |
//! | `waiting/V`, `proposers` | [`WaitingValidator`]: admitted, not ready; [`Proposers`]: who proposed lately |
//! | `missed_turns` | [`crate::chain::turns::Misses`]: who let the last turn pass; none when nobody did |
//! | `misbehaviour/V` | [`Misbehaviour`]: evidence that a validator signed two things where one is allowed |
//! | `used_key/K`, `used_peer/P` | that a key or a peer was once one on this chain |
//! | `proposal/N`, `upgrade/H` | [`Proposal`], [`UpgradeNote`] |
//! | `district/D`, `school/S` | [`District`], [`School`] |
//! | `leaves/D` | [`DistrictLeaves`] |
//! | `milestone/D HANDLE N`, `superseded/D HANDLE N` | [`Milestone`]; the number of its correction |
//! | `twin_version/V`, `twin_versions` | [`TwinVersion`]; [`TwinVersions`]: the first school year of each |
//! | `milestones_recorded/YEAR K`, `milestones_shown/YEAR K` | [`MilestonesRecorded`]; [`MilestonesShown`], for anybody |
//! | `audit/R D HANDLE`, `rows_taken/R A` | [`AuditResult`]; [`RowsTaken`]: an auditor has the round's rows |
//! | `budget/A YEAR`, `grant/A C S` | [`Budget`]; [`Grant`]: what a steward may charge to it |
//! | `stated_budget/A YEAR`, `stated_equity/A YEAR` | [`StatedBudget`], [`StatedEquity`] |
//! | `class/C`, `pool/C P`, `pool_class/P`, `pool_at/C S K` | [`Class`], [`PoolRecord`], and two indexes |
//! | `round/R`, `window/R` | [`Round`]; that it has a window open |
//! | `seed_account/A`, `seed_power/R` | [`SeedAccount`]; [`SeedPower`]: whose shares of R's seed count |
//! | `seed/R ATTEMPT A`, `draw/R`, `kept_draw/C ROOT` | [`SeedShare`]; [`Draw`]; the draw of the class for these requests |
//! | `pool_user/P`, `intake/R D` | the first decision that places somebody there; what of R a district took |
//! | `refused_run/R` | [`RefusedRun`]: its newest run had no result |
//! | `mastery/D HANDLE C` | the number of the milestone that a proved mastery backs |
//! | `batches/R H` | that block H took requests of round R: evidence finds their proofs by these |
//! | `decision/R`, `certificate/R` | [`Decision`]; the optimizer's certificate |
//! | `report/R`, `revert/R` | [`PublishedReport`]; [`Reversion`] |
//! | `acknowledgement/R P`, `utilisation/P` | [`Acknowledgement`], [`Utilisation`] |
//! | `access_log/D`, `access_log_ended/D/E` | [`AccessLog`]: newest anchored head; last heads of earlier epochs |
//! | `estate/D` | [`Estate`]: the newest anchored version of each of its buildings |
//! | `consortium/G`, `consortium_head/G H` | [`Consortium`]: another ledger, by its genesis; [`AnchoredHead`]: a certified block of it |
//! | `tree/LABEL` | heads of bulk trees, written by the overlay |
//!
//! Bulk trees: `students/D/YEAR` holds [`StudentLeaf`], `consents/D/YEAR` [`Consent`], `erasures/D/YEAR`
//! [`Erasure`], each by handle; `round/R/requests` [`RequestRow`] and `round/R/decisions` [`DecisionRow`], by [`round_row_key`].

use std::collections::BTreeMap;

use super::{Overlay, Record, StateReader, StoreError, TreeLabel};
use crate::chain::ValidatorSet;
use crate::codec::Canonical;
use crate::params::Params;
use crate::twin::{TwinVersion, TwinVersions};
use crate::types::{
    AccountId, ClassId, DistrictId, Handle, Height, PoolId, ProposalId, RoundId, SchoolId, SchoolYear,
    ValidatorAddress,
};

mod chain;
mod change;
mod charges;
mod consortia;
mod estate;
mod finding;
mod keys;
mod mandate;
mod milestone_kind;
mod misbehaviour;
mod money;
mod node_request;
mod nodes;
mod places;
mod protocol;
mod published;
mod resources;
mod seed_secret;
mod seeds;
mod service;
mod students;
mod terms;
mod twin;
mod vault;

pub use chain::{
    Account, ChainRecord, Counters, Member, Peer, Proposal, ProposalStatus, Standing, UpgradeNote,
    ValidatorSchedule,
};
pub use change::{Change, Choice};
pub use charges::{charged_at, charged_now, charged_pools, costly_pools, is_bound};
pub use consortia::{
    AnchoredHead, Consortium, anchored_head, anchored_head_key, consortia, consortium, consortium_key,
};
pub use estate::{AnchoredBuilding, Estate};
pub use finding::{Claims, Finding, RecordsSay, Replay};
pub use keys::*;
pub use mandate::Mandate;
pub use milestone_kind::MilestoneKind;
pub use misbehaviour::{MAX_OFFENCES, Misbehaviour, Offence, misbehaviour, misbehaviours};
pub use money::{StatedBudget, StatedEquity, is_floor_superseded, is_superseded};
pub use node_request::{NewDistrict, NodeRequest};
pub use nodes::{
    Proposers, READY_WITHIN_MS, ValidatorInfo, WaitingValidator, key_was_used, live_power, missed_turns,
    note_proposer, peer_was_used, proposers, use_key, use_peer,
};
pub use places::{Closing, Described, District, School, heir};
pub use protocol::{ProtocolRecord, ProtocolSwitch, protocol};
pub use published::{
    CellCounts, MandatesMet, PoolDemand, PublishedCell, PublishedGroups, PublishedPrice, PublishedReport,
};
pub use resources::{
    BandCounts, Budget, Class, Decision, DecisionRow, Grant, Intake, Placement, PoolPrice, PoolRecord,
    RefusedRun, RequestRow, Round, RoundReport, RoundStatus, SchoolPrice, StoredCertificate, StoredPlain,
    round_row_key,
};
pub use seed_secret::SeedSecret;
pub use seeds::{
    Draw, SeedAccount, SeedPower, SeedShare, Sharer, Window, draw, kept_draw, open_windows, seed_account,
    seed_power, seed_shares,
};
pub(crate) use seeds::{keep_draw, note_window};
pub use service::{
    Acknowledgement, DecisionStanding, Moment, ROWS_OPEN_MS, Reversion, RowsTaken, Utilisation,
    decision_standing,
};
pub use students::{
    AuditResult, DistrictLeaves, Mastered, Milestone, MilestonesRecorded, MilestonesShown, StudentLeaf,
};
pub use terms::{Cadence, Calendar, ClassTerms, DefineClass, FairShare};
pub(crate) use twin::add_twin_version;
pub use twin::twin_in_force;
pub use vault::{
    AccessLog, Consent, ConsentWord, Erasure, access_logs, ended_access_log_key, ended_access_logs,
};

use crate::names::Name;

/// A place to read records from: the state, or an overlay above it.
pub trait Records {
    /// The record under a key.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    fn record(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// The records under a prefix, ascending by key.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    fn records(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError>;
    /// The last record whose key starts with a prefix and lies before `end`, which starts so too: one read, however many
    /// there are.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    fn record_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError>;
}

impl<S: StateReader + ?Sized> Records for S {
    fn record(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.value(key)
    }

    fn records(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.values(prefix)
    }

    fn record_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError> {
        self.value_before(prefix, end)
    }
}

impl Records for Overlay<'_> {
    fn record(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(key)
    }

    fn records(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.list(prefix)
    }

    fn record_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError> {
        self.last_before(prefix, end)
    }
}

/// Decodes a stored record or row.
///
/// # Errors
/// [`StoreError`]: bytes in the state that this program did not write.
pub fn decode<T: Canonical>(bytes: &[u8]) -> Result<T, StoreError> {
    T::from_canonical(bytes).map_err(|e| StoreError::Damaged(format!("a record: {e}")))
}

/// Reads a record.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn read<T: Canonical>(from: &(impl Records + ?Sized), key: &[u8]) -> Result<Option<T>, StoreError> {
    from.record(key)?.as_deref().map(decode).transpose()
}

/// Reads a record that exists since genesis.
///
/// # Errors
/// [`StoreError`] also when it does not.
pub fn read_known<T: Canonical>(from: &(impl Records + ?Sized), key: &[u8]) -> Result<T, StoreError> {
    read(from, key)?.ok_or_else(|| StoreError::Damaged(format!("the state has no {}", T::WHAT)))
}

/// Reads all records under a prefix, ascending by key.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn list<T: Canonical>(from: &(impl Records + ?Sized), prefix: &[u8]) -> Result<Vec<T>, StoreError> {
    from.records(prefix)?.iter().map(|(_, bytes)| decode(bytes)).collect()
}

/// Writes a record. One that no reader would take for its size is not written: the overlay remembers it, and the
/// transaction is refused whatever its handler answers.
pub fn write<T: Canonical>(to: &mut Overlay<'_>, key: Vec<u8>, record: &T) {
    match record.to_stored() {
        Ok(bytes) => to.put(key, bytes),
        Err(error) => to.refuse(error),
    }
}

/// Puts a row into a bulk tree; as `write`.
pub fn write_row<T: Canonical>(to: &mut Overlay<'_>, label: &str, handle: Handle, row: &T) {
    match row.to_stored() {
        Ok(bytes) => {
            to.put_row(label, handle, bytes);
        }
        Err(error) => to.refuse(error),
    }
}

/// The tree of a district's students of a school year.
pub fn students_tree(district: DistrictId, year: SchoolYear) -> TreeLabel {
    format!("students/{district}/{year}")
}

/// The tree of a district's consents of a school year.
pub fn consents_tree(district: DistrictId, year: SchoolYear) -> TreeLabel {
    format!("consents/{district}/{year}")
}

/// The tree of a district's erased students of a school year.
pub fn erasures_tree(district: DistrictId, year: SchoolYear) -> TreeLabel {
    format!("erasures/{district}/{year}")
}

/// The tree of a round's requests, by [`round_row_key`].
pub fn requests_tree(round: RoundId) -> TreeLabel {
    format!("round/{round}/requests")
}

/// The tree of a round's decisions, by [`round_row_key`].
pub fn decisions_tree(round: RoundId) -> TreeLabel {
    format!("round/{round}/decisions")
}

/// Generates `name(from, id) -> Option<record>` readers, each documented once.
macro_rules! readers {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*) -> $record:ty = $key:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`StoreError`] when the store fails or the record is damaged.
            pub fn $name(from: &(impl Records + ?Sized) $(, $field: $type)*) -> Result<Option<$record>, StoreError> {
                read(from, &$key)
            }
        )*
    };
}

readers! {
    /// A member by account, whatever its standing.
    member(account: &AccountId) -> Member = member_key(account);
    /// An account's current key and next sequence number.
    account(id: &AccountId) -> Account = account_key(id);
    /// A validator's name, operator and peer.
    validator_info(address: &ValidatorAddress) -> ValidatorInfo = validator_key(address);
    /// A validator that is admitted and not ready.
    waiting_validator(address: &ValidatorAddress) -> WaitingValidator = waiting_key(address);
    /// A version of the twins' parameters.
    twin_version(version: u32) -> TwinVersion = twin_version_key(version);
    /// A proposed change with its votes.
    proposal(id: ProposalId) -> Proposal = proposal_key(id);
    /// A district by its number, closed ones included; none when there never was one.
    district(id: DistrictId) -> District = district_key(id);
    /// How many students a district has anchored; none before the first.
    district_leaves(id: DistrictId) -> DistrictLeaves = district_leaves_key(id);
    /// A school by its number, closed ones included; none when there never was one.
    school(id: SchoolId) -> School = school_key(id);
    /// A funder's budget.
    budget(funder: &AccountId, year: SchoolYear) -> Budget = budget_key(funder, year);
    /// What a funder lets a class's steward charge.
    grant(funder: &AccountId, class: ClassId, steward: &AccountId) -> Grant = grant_key(funder, class, steward);
    /// What of a round a district took.
    intake(round: RoundId, district: DistrictId) -> Intake = intake_key(round, district);
    /// An auditor's result on a drawn student.
    audit_result(round: RoundId, district: DistrictId, handle: &Handle) -> AuditResult = audit_key(round, district, handle);
    /// That an auditor took a round's rows.
    rows_taken(round: RoundId, auditor: &AccountId) -> RowsTaken = rows_taken_key(round, auditor);
    /// A funder's stated budget.
    stated_budget(funder: &AccountId, year: SchoolYear) -> StatedBudget = stated_budget_key(funder, year);
    /// A funder's stated floor.
    stated_equity(funder: &AccountId, year: SchoolYear) -> StatedEquity = stated_equity_key(funder, year);
    /// A class by its number, with its terms and where its rounds are.
    class(id: ClassId) -> Class = class_key(id);
    /// A round by its number, whatever became of it.
    round(id: RoundId) -> Round = round_key(id);
    /// That a round was run and had no result; the newest such run.
    refused_run(id: RoundId) -> RefusedRun = refused_run_key(id);
    /// A round's decision, once it is decided.
    decision(id: RoundId) -> Decision = decision_key(id);
    /// The optimizer's certificate of a decided round.
    certificate(id: RoundId) -> StoredCertificate = certificate_key(id);
    /// A decided round at equity 0.
    plain(id: RoundId) -> StoredPlain = plain_key(id);
    /// A decided round's published report.
    published_report(id: RoundId) -> PublishedReport = report_key(id);
    /// That a round's decision was taken back.
    reversion(id: RoundId) -> Reversion = reversion_key(id);
    /// What a school owes an acknowledgement for.
    acknowledgement(round: RoundId, pool: PoolId) -> Acknowledgement = acknowledgement_key(round, pool);
    /// The newest anchored head of a district's access log.
    access_log(district: DistrictId) -> AccessLog = access_log_key(district);
    /// A district's anchored buildings.
    estate(district: DistrictId) -> Estate = estate_key(district);
    /// A pool's newest report of use.
    utilisation(pool: PoolId) -> Utilisation = utilisation_key(pool);
}

/// Generates `names(from) -> Vec<record>` listings.
macro_rules! listings {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*) -> $record:ty = $prefix:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`StoreError`] when the store fails or a record is damaged.
            pub fn $name(from: &(impl Records + ?Sized) $(, $field: $type)*) -> Result<Vec<$record>, StoreError> {
                list(from, $prefix.as_ref())
            }
        )*
    };
}

listings! {
    /// All members, admitted or not, by account.
    members() -> Member = b"member/";
    /// All admitted peers: the allow-list of connections.
    peers() -> Peer = b"peer/";
    /// What is known of all validators.
    validator_infos() -> ValidatorInfo = b"validator/";
    /// All validators that are admitted and not ready.
    waiting_validators() -> WaitingValidator = b"waiting/";
    /// All proposed changes, oldest first.
    proposals() -> Proposal = b"proposal/";
    /// All agreed upgrades, by height.
    upgrades() -> UpgradeNote = b"upgrade/";
    /// The anchored buildings of every district that has some.
    estates() -> Estate = b"estate/";
    /// All districts by number, closed ones included.
    districts() -> District = b"district/";
    /// All schools by number, closed ones included.
    schools() -> School = b"school/";
    /// The milestones of a district's handle, by number.
    milestones(district: DistrictId, handle: &Handle) -> Milestone = milestones_prefix(district, handle);
    /// How many milestones the public sees, by school year and kind.
    milestones_shown() -> MilestonesShown = b"milestones_shown/";
    /// The audit results of a round, by district and handle.
    audits(round: RoundId) -> AuditResult = audits_prefix(round);
    /// The auditors who took a round's rows, by account.
    rows_takings(round: RoundId) -> RowsTaken = rows_taken_prefix(round);
    /// The budgets of all funders, by account and school year.
    budgets() -> Budget = b"budget/";
    /// What every funder lets stewards charge, by funder, class and steward.
    grants() -> Grant = b"grant/";
    /// All classes by number.
    classes() -> Class = b"class/";
    /// The pools of a class, retired ones included, ascending by id.
    pools(class: ClassId) -> PoolRecord = pools_prefix(class);
    /// All pools, by class and id.
    all_pools() -> PoolRecord = all_pools_prefix();
    /// All rounds by number, which is the order they were opened in.
    rounds() -> Round = b"round/";
    /// The acknowledgements of a round, by pool.
    acknowledgements(round: RoundId) -> Acknowledgement = acknowledgements_prefix(round);
    /// All decisions that were taken back, by round.
    reversions() -> Reversion = b"revert/";
    /// The newest report of use of every pool that has one.
    utilisations() -> Utilisation = b"utilisation/";
}

/// Identity, height and time of the state.
///
/// # Errors
/// [`StoreError`] when the store fails or holds no chain.
pub fn chain(from: &(impl Records + ?Sized)) -> Result<ChainRecord, StoreError> {
    read_known(from, &chain_key())
}

/// Every version of the twins' parameters, version 1 first.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn twin_version_list(from: &(impl Records + ?Sized)) -> Result<Vec<TwinVersion>, StoreError> {
    list(from, &twin_version_prefix())
}

/// The first school year of every version of the twins' parameters.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn twin_versions(from: &(impl Records + ?Sized)) -> Result<TwinVersions, StoreError> {
    Ok(read(from, &twin_versions_key())?.unwrap_or_default())
}

/// The parameters.
///
/// # Errors
/// [`StoreError`] when the store fails or holds no chain.
pub fn params(from: &(impl Records + ?Sized)) -> Result<Params, StoreError> {
    read_known(from, &params_key())
}

/// The counters.
///
/// # Errors
/// [`StoreError`] when the store fails or holds no chain.
pub fn counters(from: &(impl Records + ?Sized)) -> Result<Counters, StoreError> {
    read_known(from, &counters_key())
}

/// The validator sets of the state's height and the next two.
///
/// # Errors
/// [`StoreError`] when the store fails or holds no chain.
pub fn validator_schedule(from: &(impl Records + ?Sized)) -> Result<ValidatorSchedule, StoreError> {
    read_known(from, &validators_key())
}

/// The set that decides `height`: known for the state's own height and the next two, else none.
///
/// # Errors
/// [`StoreError`] when the store fails or holds no chain.
pub fn validator_set_at(
    from: &(impl Records + ?Sized),
    height: Height,
) -> Result<Option<ValidatorSet>, StoreError> {
    let schedule = validator_schedule(from)?;
    Ok(match height.0.checked_sub(chain(from)?.height.0) {
        Some(0) => Some(schedule.now),
        Some(1) => Some(schedule.next),
        Some(2) => Some(schedule.after),
        _ => None,
    })
}

/// Every change of the validator set: the height whose block announced it, and the set from the next height on. The genesis's
/// own may be the first, of height 0 ([`crate::protocol::Protocol::keeps_the_founders`]).
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn set_changes(from: &(impl Records + ?Sized)) -> Result<BTreeMap<Height, ValidatorSet>, StoreError> {
    let damaged = || StoreError::Damaged("the key of a validator set's change is damaged".into());
    let entries = from.records(&set_change_prefix())?;
    let change = |(key, bytes): &Record| {
        let height = key.last_chunk::<8>().ok_or_else(damaged)?;
        Ok((Height(u64::from_be_bytes(*height)), decode(bytes)?))
    };
    entries.iter().map(change).collect()
}

/// The set that decides `height`, as the last change below it announced it; none where no record of a change lies there.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn set_announced_below(
    from: &(impl Records + ?Sized),
    height: Height,
) -> Result<Option<ValidatorSet>, StoreError> {
    let last = from.record_before(&set_change_prefix(), &set_change_key(height))?;
    last.map(|(_, bytes)| decode(&bytes)).transpose()
}

/// The heights of the blocks that took requests of a round, ascending.
///
/// # Errors
/// [`StoreError`] when the store fails or a key is damaged.
pub fn batch_heights(from: &(impl Records + ?Sized), round: RoundId) -> Result<Vec<Height>, StoreError> {
    let damaged = || StoreError::Damaged("the key of a round's batches is damaged".into());
    let records = from.records(&batches_prefix(round))?;
    let height =
        |(key, _): &Record| Ok(Height(u64::from_be_bytes(*key.last_chunk::<8>().ok_or_else(damaged)?)));
    records.iter().map(height).collect()
}

/// Who may send: the account and the member behind it, unless unknown or no longer admitted; of a validator's account for
/// seeds, what stands for a member ([`SeedAccount::as_sender`]). What a block's execution and a node's pool both ask.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn admitted_member(
    from: &(impl Records + ?Sized),
    id: &AccountId,
) -> Result<Option<(Account, Member)>, StoreError> {
    let Some(account) = account(from, id)? else { return Ok(None) };
    let sender = match member(from, id)? {
        Some(member) => Some(member),
        None => seed_account(from, id)?.map(|seed| seed.as_sender()),
    };
    Ok(sender.filter(|sender| sender.standing == Standing::Admitted).map(|sender| (account, sender)))
}

/// The account of a member's name.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn account_of_name(from: &(impl Records + ?Sized), name: &Name) -> Result<Option<AccountId>, StoreError> {
    let bytes = from.record(&name_key(name))?;
    let damaged = || StoreError::Damaged("a name's record is damaged".into());
    bytes.map(|b| <[u8; 20]>::try_from(b.as_slice()).map(AccountId).map_err(|_| damaged())).transpose()
}

/// The class of a pool.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn class_of_pool(from: &(impl Records + ?Sized), pool: PoolId) -> Result<Option<ClassId>, StoreError> {
    let bytes = from.record(&pool_class_key(pool))?;
    let damaged = || StoreError::Damaged("a pool's index is damaged".into());
    bytes
        .map(|b| {
            <[u8; 2]>::try_from(b.as_slice()).map(|id| ClassId(u16::from_be_bytes(id))).map_err(|_| damaged())
        })
        .transpose()
}

/// A pool by its number.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn pool(from: &(impl Records + ?Sized), id: PoolId) -> Result<Option<PoolRecord>, StoreError> {
    match class_of_pool(from, id)? {
        Some(class) => read(from, &pool_key(class, id)),
        None => Ok(None),
    }
}

/// The pools of a class that are not retired, ascending by id: the optimizer's order.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn current_pools(from: &(impl Records + ?Sized), class: ClassId) -> Result<Vec<PoolRecord>, StoreError> {
    let mut pools = pools(from, class)?;
    pools.retain(|pool| pool.retired.is_none());
    Ok(pools)
}

/// The first decision that places somebody in a pool and was not reverted: it stands, or could stand again. Only the
/// standing decision is reverted, so as long as this one is not, it is among those.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn pool_user(from: &(impl Records + ?Sized), pool: PoolId) -> Result<Option<RoundId>, StoreError> {
    let Some(bytes) = from.record(&pool_user_key(pool))? else { return Ok(None) };
    let damaged = |_| StoreError::Damaged("the record of a pool's first decision is damaged".into());
    let round =
        <[u8; 4]>::try_from(bytes.as_slice()).map(|id| RoundId(u32::from_be_bytes(id))).map_err(damaged)?;
    Ok(if reversion(from, round)?.is_none() { Some(round) } else { None })
}
