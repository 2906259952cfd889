//! SubmitRequests: a district requests resources for its students.
//!
//! Each handle must stand in the district's tree of the class's school year, anchored before the round was opened and
//! not erased since. The inputs of the need rule that the leaf commits to must be proved to lie in their ranges, and the need
//! that the rule gives, whose commitment follows from theirs, in the band the request names. What is
//! wrong with an entry is wrong with it alone: the others are taken, and the receipt's event names each refused one with its
//! code. A batch of which nothing would be taken is rejected with its first refused entry. A handle's first final request
//! counts; later ones, which must keep the same rules, are counted as repeated and change nothing.
//!
//! Proofs: those of eight entries stand together, in order, the last ones for what remains; all of a batch are verified together
//! with weights drawn from all of them ([`crate::proof::need`]). One that fails refuses the whole batch, which keeps its charge;
//! an aggregated proof is whole or nothing, so the position reported is that of the first of its eight entries. An entry
//! names the commitments that its proofs are about, so that a proof over refused entries has a statement all the same.
//!
//! A handle is 32 bytes of a keyed hash, so two districts share one only if one copies the other's, and copying takes
//! nothing: rows stand by district and handle ([`schema::round_row_key`]), and a copy is another student of another
//! district.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::commit_seed::open_round;
use crate::code::Code;
use crate::codec::Canonical;
use crate::params::{MAX_KINDS, MAX_TRANSACTION_RANGE_VALUES};
use crate::proof::bulk_tree::row_hash;
use crate::proof::committed::{BAND_GROUP, StatementError};
use crate::proof::need::{NeedBatch, NeedClaim, NeedProof, NeedStatement};
use crate::rounds::RoundPools;
use crate::state::schema::{self, Class, RequestRow, Round, StudentLeaf};
use crate::twin::NeedRule;
use crate::twin::need::MAX_INPUTS;
use crate::tx::handler::{Context, Handler, Refusal, Rows, ascends, differ, ensure, require};
use crate::tx::{Event, Mandate, RefusedEntry};
use crate::types::{Band, CommitmentBytes, DistrictId, Handle, Hash, KindId, RoundId, SchoolId};

/// One student's request.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The student's pseudonym of the class's school year.
    pub handle: Handle,
    /// The student's school, as anchored.
    pub home_school: SchoolId,
    /// The band that the proof is to show the need in.
    pub band: Band,
    /// Whether the student must be placed.
    pub mandate: Mandate,
    /// Wanted kinds, best first, all different; 1 to 32.
    pub kinds: Vec<KindId>,
    /// The commitments to the inputs of the need rule in the anchored leaf, of which the band is proved.
    pub inputs: Vec<CommitmentBytes>,
}

impl Request {
    /// What is proved of it.
    pub fn claim(&self) -> NeedClaim {
        NeedClaim { handle: self.handle, band: self.band, inputs: self.inputs.clone() }
    }
}

/// A batch of requests of one district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequests {
    /// The round that the requests are for; its window takes them.
    pub round: RoundId,
    /// Strictly ascending by handle; as many as have 1,024 values proved of them: the rule's inputs and the band of each.
    pub requests: Vec<Request>,
    /// That each input lies in its range and each need in its band: the proofs of eight requests, in order.
    pub proofs: Vec<NeedProof>,
}

impl Handler for SubmitRequests {
    fn check(&self) -> Result<(), Code> {
        require(!self.requests.is_empty() && self.values() <= MAX_TRANSACTION_RANGE_VALUES)?;
        require(self.requests.iter().all(|request| (1..=MAX_INPUTS).contains(&request.inputs.len())))?;
        require(self.proofs.len() == self.requests.len().div_ceil(BAND_GROUP))?;
        require(ascends(self.requests.iter().map(|request| &request.handle)))?;
        require(self.requests.iter().all(|r| (1..=MAX_KINDS).contains(&r.kinds.len()) && differ(&r.kinds)))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.open_district()?;
        context.check_batch(self.requests.len())?;
        let mut round = open_round(context, self.round)?;
        ensure(round.takes_requests(), Code::RequestsClosed)?;
        let intake = Intake::of(context, &round, district, self.requests.len())?;
        let rows = Rows::of(context.overlay, schema::requests_tree(self.round), self.requests.len())?;
        let admitted = self.admit(context, &intake, &round)?;
        self.verify_needs(&context.facts.genesis, &intake.rule)?;
        let params = context.facts.params.clone();
        let pairs_before = round.pairs;
        let (mut counted, mut repeated, mut refused) = (0u32, 0u32, Vec::new());
        for (entry, admitted) in (0u32..).zip(admitted) {
            let (row, pairs) = match admitted {
                Ok(admitted) => admitted,
                Err(code) => {
                    refused.push(RefusedEntry { entry, code });
                    continue;
                }
            };
            let key = row.key();
            if rows.get(context.overlay, &key)?.is_some() {
                repeated = repeated.saturating_add(1);
                continue;
            }
            let (requests, pairs) = (round.requests.saturating_add(1), round.pairs.saturating_add(pairs));
            if requests > params.max_round_requests || pairs > params.max_round_pairs {
                refused.push(RefusedEntry { entry, code: Code::TooManyRequests });
                continue;
            }
            (round.requests, round.pairs) = (requests, pairs);
            counted = counted.saturating_add(1);
            context.overlay.put_row(rows.label(), key, row.to_canonical());
        }
        if let (Some(first), 0, 0) = (refused.first(), counted, repeated) {
            return Err(Refusal::Rejected { code: first.code, entry: Some(first.entry) });
        }
        let pairs_taken = round.pairs.saturating_sub(pairs_before);
        take_share(context, self.round, district, counted, pairs_taken)?;
        schema::write(context.overlay, schema::round_key(self.round), &round);
        let taken = schema::batches_key(self.round, context.facts.height);
        context.overlay.put(taken, round.requests.to_be_bytes().to_vec());
        Ok(vec![Event::RequestsTaken { round: self.round, counted, repeated, refused }])
    }
}

/// An entry's row and how many pairs it adds to the round's problem, or why it is refused.
type Admitted = Result<(RequestRow, u64), Code>;

/// Counts what a district takes of a round; more than its share would refuse the others.
fn take_share(
    context: &mut Context<'_, '_>,
    round: RoundId,
    district: DistrictId,
    requests: u32,
    pairs: u64,
) -> Result<(), Refusal> {
    let params = &context.facts.params;
    let share = |all: u64| all.saturating_mul(params.max_district_round_percent.into()) / 100;
    let mut taken = schema::intake(context.overlay, round, district)?.unwrap_or_default();
    taken.requests = taken.requests.saturating_add(requests);
    taken.pairs = taken.pairs.saturating_add(pairs);
    let fits = u64::from(taken.requests) <= share(params.max_round_requests.into())
        && taken.pairs <= share(params.max_round_pairs);
    ensure(fits, Code::DistrictQuota)?;
    schema::write(context.overlay, schema::intake_key(round, district), &taken);
    Ok(())
}

impl SubmitRequests {
    /// How many values it has proved: what a block's limit counts. Each request has its inputs and a band.
    pub fn values(&self) -> usize {
        let of = |request: &Request| request.inputs.len().saturating_add(1);
        self.requests.iter().map(of).fold(0, usize::saturating_add)
    }

    /// Checks every entry but for its proof.
    fn admit(
        &self,
        context: &Context<'_, '_>,
        intake: &Intake,
        round: &Round,
    ) -> Result<Vec<Admitted>, Refusal> {
        let mut admitted = Vec::with_capacity(self.requests.len());
        for request in &self.requests {
            admitted.push(match intake.admit(context, round, request) {
                Ok(row) => Ok(row),
                Err(Refusal::Rejected { code, .. }) => Err(code),
                Err(other) => return Err(other),
            });
        }
        // No proof is verified for nothing.
        if let (Some(Err(code)), true) = (admitted.first(), admitted.iter().all(Result::is_err)) {
            return Err(Refusal::from(*code).at(0));
        }
        Ok(admitted)
    }

    /// Verifies the proofs, those of each [`BAND_GROUP`] entries in order, as two equations: ranges and flags.
    fn verify_needs(&self, chain: &Hash, rule: &NeedRule) -> Result<(), Refusal> {
        let first_of = |group: usize| group.saturating_mul(BAND_GROUP);
        let mut batch = NeedBatch::default();
        for (group, (entries, proof)) in self.requests.chunks(BAND_GROUP).zip(&self.proofs).enumerate() {
            let claims: Vec<NeedClaim> = entries.iter().map(Request::claim).collect();
            let statement =
                NeedStatement::of(chain, self.round, rule, &claims).map_err(|error| match error {
                    StatementError::NotCommitted(position) => {
                        Refusal::from(Code::NotCommitted).at(first_of(group).saturating_add(position))
                    }
                    StatementError::Count => Refusal::from(Code::ProofRejected).at(first_of(group)),
                })?;
            batch.push(&statement, proof);
        }
        batch.verify().map_err(|bad| Refusal::from(Code::ProofRejected).at(first_of(bad.0)))
    }
}

/// What a batch's entries are checked against, read once.
struct Intake {
    district: DistrictId,
    students: Rows,
    erasures: Rows,
    class: Class,
    pools: Arc<RoundPools>,
    /// The need rule that the round goes by.
    rule: NeedRule,
}

impl Intake {
    fn of(
        context: &mut Context<'_, '_>,
        round: &Round,
        district: DistrictId,
        asked: usize,
    ) -> Result<Self, Refusal> {
        let overlay = &*context.overlay;
        let pools = match context.memory.round_pools.get(&round.round) {
            Some(known) => Arc::clone(known),
            None => Arc::new(RoundPools::read(overlay, round.class)?),
        };
        context.memory.round_pools.insert(round.round, Arc::clone(&pools));
        let parameters = schema::twin_version(overlay, round.parameters)?.ok_or(Code::OtherParameters)?;
        Ok(Self {
            district,
            students: Rows::of(overlay, schema::students_tree(district, round.school_year), asked)?,
            erasures: Rows::of(overlay, schema::erasures_tree(district, round.school_year), asked)?,
            class: schema::class(overlay, round.class)?.ok_or(Code::UnknownClass)?,
            pools,
            rule: parameters.parameters.need,
        })
    }

    /// Checks an entry but for its proof; gives its row and how many pairs it adds to the round's problem.
    fn admit(
        &self,
        context: &Context<'_, '_>,
        round: &Round,
        request: &Request,
    ) -> Result<(RequestRow, u64), Refusal> {
        let definition = &self.class.definition;
        let known = |kind: &KindId| usize::from(kind.0) < definition.kinds.len();
        ensure(request.kinds.iter().all(known), Code::UnknownKind)?;
        let state = self.students.get(context.overlay, &request.handle)?.ok_or(Code::UnknownHandle)?;
        // A leaf stays when its student is erased, so that old proofs verify; nothing new may rest on it.
        let erased = self.erasures.get(context.overlay, &request.handle)?.is_some();
        ensure(!erased, Code::HandleErased)?;
        let leaf: StudentLeaf = schema::decode(&state)?;
        ensure(leaf.anchored < round.opened, Code::AnchoredTooLate)?;
        ensure(leaf.parameters == round.parameters, Code::OtherParameters)?;
        ensure(leaf.home_school == request.home_school, Code::HomeSchoolDiffers)?;
        ensure(leaf.inputs == request.inputs, Code::NeedDiffers)?;
        let home = self.pools.schools.get(&request.home_school).ok_or(Code::UnknownSchool)?;
        ensure(home.is_open(round.school_year), Code::SchoolClosed)?;
        let may_wait = definition.waitlist_cost.is_some() && request.mandate == Mandate::None;
        let eligible = self.pools.eligibility.count(home, &request.kinds);
        let pairs = eligible.saturating_add(u64::from(may_wait));
        ensure(pairs > 0, Code::NothingEligible)?;
        let row = RequestRow {
            district: self.district,
            handle: request.handle,
            home_school: request.home_school,
            band: request.band,
            mandate: request.mandate,
            kinds: request.kinds.clone(),
            state_row: row_hash(&state),
            inputs: request.inputs.clone(),
        };
        Ok((row, pairs))
    }
}
