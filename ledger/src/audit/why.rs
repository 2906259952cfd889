//! Why one student got their place, and exactly what another row would have brought.
//!
//! Flow: a round's rows and certificate, from a bundle ([`Decided::of_evidence`]) → the certificate is checked once →
//! [`Decided::why`] reads the answer off the prices in O(k), worded as strongly as it is true → [`Decided::what_if`]
//! solves the whole round again with that one row changed and checks the new round's certificate before it says a
//! word. Every other row, the pools and the lottery's seed stay as they were.
//!
//! Absent: proofs that the rows are the ledger's. Whoever asks about a file verifies the bundle first.

use std::collections::BTreeMap;

pub use aula_allocation::Limits;
use aula_allocation::certificate::{self, Certificate, CertificateError};
use aula_allocation::explain::{ExplainError, Explanation, Weights, explain};
use aula_allocation::problem::Problem;
use aula_allocation::{SolveError, solve};

use crate::audit::bundle::{Proved, RoundEvidence};
use crate::codec::{Canonical, CodecError};
use crate::rounds::{Decisions, RoundError, RoundInputs, weight};
use crate::state::schema::{
    Class, Decision, DecisionRow, PoolRecord, RequestRow, Round, School, StoredCertificate,
};
use crate::tx::Mandate;
use crate::types::{Band, DistrictId, Handle, KindId, RoundId};

#[cfg(test)]
mod tests;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyError {
    /// A record of the bundle is not of its kind.
    #[error("a record of the bundle cannot be read")]
    Record(#[from] CodecError),
    /// The certificate's bytes are not one.
    #[error("the certificate cannot be read")]
    CertificateBytes,
    /// The rows make no problem, or do not follow from it.
    #[error("the rows do not make the round they claim")]
    Rows(#[from] RoundError),
    /// The certificate does not prove the decisions, or the solver's new answer: a defect in that case.
    #[error("the certificate does not hold")]
    Certificate(#[from] CertificateError),
    /// The prices do not explain the row.
    #[error("the prices do not explain the row")]
    Explain(#[from] ExplainError),
    /// Nobody with this handle requested.
    #[error("no request of this round is by {0}")]
    NoSuchHandle(Handle),
    /// Two districts requested for this handle, and none was named.
    #[error("two districts requested for {0}: say which")]
    TwoDistricts(Handle),
    /// The changed row breaks a rule of requests.
    #[error("the change names a kind twice, none, or one the class does not have")]
    Kinds,
    /// The changed round has no answer within the limits.
    #[error("the changed round is not solved")]
    Solve(#[from] SolveError),
}

/// Whose row: a handle, and its district, which may be left out where one district alone has the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The student's pseudonym of the round's school year.
    pub handle: Handle,
    /// The district that requested.
    pub district: Option<DistrictId>,
}

impl From<&Handle> for Who {
    fn from(handle: &Handle) -> Self {
        Self { handle: *handle, district: None }
    }
}

/// What to change in a student's row; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The need band to try instead.
    pub band: Option<Band>,
    /// The mandate to try instead.
    pub mandate: Option<Mandate>,
    /// Other kinds, best first.
    pub kinds: Option<Vec<KindId>>,
}

/// A row explained at the round's own prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The row as it was requested.
    pub request: RequestRow,
    /// The row of the round's decisions, at the same key.
    pub decision: DecisionRow,
    /// Whether the round is proved optimal, hence whether the prices bind every row.
    pub gap_ppm: u32,
    /// The row at the prices.
    pub explanation: Explanation,
}

/// The round with one row changed, solved and proved anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// What the student would have got.
    pub decision: DecisionRow,
    /// Weighted cost of the changed round.
    pub objective: i64,
    /// Its proven lower bound.
    pub dual: i64,
    /// Its proven gap, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// Entries that the optimizer scanned for it.
    pub work: u64,
    /// How many other students' places differ from the decision's.
    pub others_moved: u32,
}

/// A decided round whose certificate holds.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The round's number on the ledger.
    pub round: RoundId,
    inputs: RoundInputs,
    problem: Problem,
    decisions: Decisions,
    assignment: Vec<u32>,
    certificate: Certificate,
}

fn open<T: Canonical>(proved: &Proved) -> Result<T, CodecError> {
    T::from_canonical(&proved.value)
}

impl Decided {
    /// From a round's evidence: its records and rows as they stand, and its certificate, which is checked.
    ///
    /// # Errors
    /// Records that cannot be read, rows that do not make the round, a certificate that does not hold.
    pub fn of_evidence(evidence: &RoundEvidence) -> Result<Self, WhyError> {
        let context = &evidence.context;
        let (round, class): (Round, Class) = (open(&context.record)?, open(&context.class)?);
        let decision: Decision = open(&context.decision)?;
        let schools: Vec<School> = context.schools.iter().map(open).collect::<Result<_, _>>()?;
        let mut pools: Vec<PoolRecord> = context.pools.iter().map(open).collect::<Result<_, _>>()?;
        pools.retain(|pool| decision.concerns(pool));
        let (mut requests, mut decisions) = (Vec::new(), Vec::new());
        for row in &evidence.rows {
            let request = row.request_row()?;
            decisions.push((request.handle, DecisionRow::from_canonical(&row.decision)?));
            requests.push((request.handle, request));
        }
        let inputs = RoundInputs {
            definition: class.definition,
            equity: round.equity,
            terms: round.terms,
            pools,
            schools: schools.into_iter().map(|school| (school.id, school)).collect::<BTreeMap<_, _>>(),
            requests,
            seed: decision.seed,
        };
        let stored: StoredCertificate = open(&evidence.certificate)?;
        let certificate = borsh::from_slice(&stored.bytes).map_err(|_| WhyError::CertificateBytes)?;
        Self::new(round.round, inputs, decisions, certificate)
    }

    /// A round from its parts; the certificate is checked against them.
    ///
    /// # Errors
    /// Rows that do not make the round, a certificate that does not hold.
    pub fn new(
        round: RoundId,
        inputs: RoundInputs,
        decisions: Decisions,
        certificate: Certificate,
    ) -> Result<Self, WhyError> {
        let assignment = inputs.assignment(&decisions)?;
        let problem = inputs.problem()?;
        certificate::check(&problem, &assignment, &certificate)?;
        Ok(Self { round, inputs, problem, decisions, assignment, certificate })
    }

    fn position(&self, who: Who) -> Result<usize, WhyError> {
        let requests = self.inputs.requests.iter().enumerate();
        let mut same = requests.filter(|(_, (handle, request))| {
            *handle == who.handle && who.district.is_none_or(|district| district == request.district)
        });
        let (at, _) = same.next().ok_or(WhyError::NoSuchHandle(who.handle))?;
        if same.next().is_some() { Err(WhyError::TwoDistricts(who.handle)) } else { Ok(at) }
    }

    /// The class's pools in the problem's order, to name an explanation's pools; the index after them waits.
    pub fn pools(&self) -> &[PoolRecord] {
        &self.inputs.pools
    }

    /// The row of a handle at the round's prices.
    ///
    /// # Errors
    /// [`WhyError::NoSuchHandle`], [`WhyError::TwoDistricts`].
    pub fn why(&self, who: impl Into<Who>) -> Result<Why, WhyError> {
        let who = who.into();
        let missing = WhyError::NoSuchHandle(who.handle);
        let at = self.position(who)?;
        let (_, request) = self.inputs.requests.get(at).ok_or(missing.clone())?;
        let (_, decision) = self.decisions.get(at).ok_or(missing.clone())?;
        let pool = self.assignment.get(at).copied().ok_or(missing)?;
        let bands = (0..=Band::MAX).filter_map(Band::new);
        let by_band = bands.map(|band| weight(self.inputs.equity, band)).collect();
        let weights = Weights { own: decision.weight, by_band };
        let row = u32::try_from(at).unwrap_or(u32::MAX);
        let explanation = explain(&self.problem, &self.certificate.prices, row, pool, Some(&weights))?;
        let (request, decision) = (request.clone(), decision.clone());
        Ok(Why { request, decision, gap_ppm: self.certificate.gap_ppm, explanation })
    }

    /// What the student would have got with the row changed: the whole round solved again, its certificate checked.
    ///
    /// # Errors
    /// [`WhyError::Kinds`] and [`WhyError::Rows`] for a change that makes no request; [`WhyError::Solve`] when the
    /// changed round cannot be met or solved within `limits`.
    pub fn what_if(&self, who: impl Into<Who>, change: &Change, limits: &Limits) -> Result<WhatIf, WhyError> {
        let who = who.into();
        let at = self.position(who)?;
        let mut inputs = self.inputs.clone();
        let (_, request) = inputs.requests.get_mut(at).ok_or(WhyError::NoSuchHandle(who.handle))?;
        request.band = change.band.unwrap_or(request.band);
        request.mandate = change.mandate.unwrap_or(request.mandate);
        if let Some(kinds) = &change.kinds {
            let known = |kind: &KindId| usize::from(kind.0) < inputs.definition.kinds.len();
            let differ = kinds.iter().enumerate().all(|(at, kind)| !kinds.iter().take(at).any(|k| k == kind));
            if kinds.is_empty() || !differ || !kinds.iter().all(known) {
                return Err(WhyError::Kinds);
            }
            request.kinds.clone_from(kinds);
        }
        let problem = inputs.problem()?;
        let solution = solve(&problem, limits)?;
        let verdict = certificate::check(&problem, &solution.assignment, &solution.certificate)?;
        let rows = inputs.decisions(&solution.assignment)?;
        let (_, decision) = rows.get(at).ok_or(WhyError::NoSuchHandle(who.handle))?;
        let moved = solution.assignment.iter().zip(&self.assignment).enumerate();
        let others_moved = moved.filter(|(row, (new, old))| *row != at && new != old).count();
        Ok(WhatIf {
            decision: decision.clone(),
            objective: verdict.objective,
            dual: verdict.dual,
            gap_ppm: verdict.gap_ppm,
            work: solution.work,
            others_moved: u32::try_from(others_moved).unwrap_or(u32::MAX),
        })
    }

    /// The lowest band above the student's own that would have brought a better place (a lower cost before the weight),
    /// with that round: every band in between is solved and proved too, so the answer is exact. None: no band would.
    ///
    /// # Errors
    /// As [`Decided::what_if`].
    pub fn least_band(
        &self,
        who: impl Into<Who>,
        limits: &Limits,
    ) -> Result<Option<(Band, WhatIf)>, WhyError> {
        let who = who.into();
        let why = self.why(who)?;
        let own = why.request.band.get();
        for band in (own.saturating_add(1)..=Band::MAX).filter_map(Band::new) {
            let change = Change { band: Some(band), ..Change::default() };
            let other = self.what_if(who, &change, limits)?;
            if plain_cost(&other.decision) < plain_cost(&why.decision) {
                return Ok(Some((band, other)));
            }
        }
        Ok(None)
    }
}

/// What a place costs a student before the weight: how far and how late in the ranking it is.
pub fn plain_cost(row: &DecisionRow) -> u32 {
    row.cost.checked_div(row.weight).unwrap_or(0)
}
