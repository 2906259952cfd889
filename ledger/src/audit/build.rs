//! Builds bundles from a node's state and its decided blocks. Pure: the node passes what it has.
//!
//! The state must be a snapshot of the last decided block, because older versions of the authenticated map are
//! not kept; the bundle is therefore about that height. Building reads only; it checks nothing that the
//! verifier will check again, except that what is asked for exists.

use std::collections::BTreeSet;

use super::archive::{Archive, BuildError};
use super::bundle::{
    AccessEvidence, AllocationEvidence, BandEvidence, BudgetEvidence, Bundle, ChainEvidence, ChargedClass,
    ChargedEvidence, DecidedRequest, EquityStanding, EstateEvidence, Figure, FigureKey, FiguresEvidence,
    Link, Lookup, MilestoneEvidence, Proved, ProvedRow, RoundContext, RoundEvidence, SignedHeader,
    StudentEvidence, StudentStanding, Subject,
};
use super::{acts, bands};
use crate::chain::{CommitCertificate, Header};
use crate::codec::Canonical;
use crate::proof::bulk_tree::row_hash;
use crate::rounds::decided_rows;
use crate::state::schema::{self, ChainRecord, RequestRow};
use crate::state::{StateReader, StoreError, map, tree_key};
use crate::types::{AccountId, DistrictId, Handle, Height, RoundId, SchoolId, SchoolYear};

/// The way from the genesis to a state's block `head`: every block that changed the validator set, and `waypoints` below
/// the head, as `signed` gives them.
///
/// # Errors
/// [`BuildError::MissingBlock`] when `signed` has none of them, [`BuildError::Store`].
pub fn chain_evidence(
    state: &dyn StateReader,
    head: Height,
    signed: &dyn Fn(Height) -> Result<Option<(Header, CommitCertificate)>, StoreError>,
    waypoints: &[Height],
) -> Result<ChainEvidence, BuildError> {
    let signed = |height: Height| -> Result<SignedHeader, BuildError> {
        let (header, certificate) = signed(height)?.ok_or(BuildError::MissingBlock(height))?;
        Ok(SignedHeader { header, certificate })
    };
    let changes = schema::set_changes(state)?;
    let heights: BTreeSet<Height> = changes.keys().chain(waypoints).copied().collect();
    let before_head = heights.into_iter().filter(|at| (Height(1)..head).contains(at));
    let links = before_head
        .map(|at| Ok(Link { block: signed(at)?, new_set: changes.get(&at).cloned() }))
        .collect::<Result<Vec<Link>, BuildError>>()?;
    Ok(ChainEvidence { links, head: signed(head)? })
}

/// The key in the state of a public record.
pub(super) fn state_key(key: &FigureKey) -> Vec<u8> {
    match key {
        FigureKey::Parameters => schema::params_key(),
        FigureKey::Budget { funder, school_year } => schema::budget_key(funder, *school_year),
        FigureKey::Class(class) => schema::class_key(*class),
        FigureKey::Pool { class, pool } => schema::pool_key(*class, *pool),
        FigureKey::Report(round) => schema::report_key(*round),
        FigureKey::Validators => schema::validators_key(),
        FigureKey::Validator(address) => schema::validator_key(address),
        FigureKey::Member(account) => schema::member_key(account),
        FigureKey::District(district) => schema::district_key(*district),
        FigureKey::School(school) => schema::school_key(*school),
        FigureKey::Proposal(proposal) => schema::proposal_key(*proposal),
        FigureKey::Milestones { school_year, kind } => schema::milestones_shown_key(*school_year, *kind),
        FigureKey::AccessLog(district) => schema::access_log_key(*district),
        FigureKey::Estate(district) => schema::estate_key(*district),
        FigureKey::Consortium(genesis) => schema::consortium_key(genesis),
        FigureKey::AnchoredHead { genesis, height } => schema::anchored_head_key(genesis, *height),
    }
}

/// Collects evidence from one snapshot.
pub struct Collector<'a> {
    state: &'a dyn StateReader,
    archive: &'a dyn Archive,
    record: ChainRecord,
    chain: ChainEvidence,
}

impl<'a> Collector<'a> {
    /// Collects the way from the genesis to the state's block. `waypoints` are heights of blocks to show on the
    /// way, for `--trusted`; those above the state's height are ignored.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] before the first block, [`BuildError::MissingBlock`], [`BuildError::Store`].
    pub fn new(
        state: &'a dyn StateReader,
        archive: &'a dyn Archive,
        waypoints: &[Height],
    ) -> Result<Self, BuildError> {
        let record = schema::chain(state)?;
        if record.height == Height::GENESIS {
            return Err(BuildError::NotFound("decided block".into()));
        }
        let signed = |height| archive.signed_header(height);
        let chain = chain_evidence(state, record.height, &signed, waypoints)?;
        Ok(Self { state, archive, record, chain })
    }

    /// The height the bundles are about.
    pub fn height(&self) -> Height {
        self.record.height
    }

    /// A whole round.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when the round is not decided, [`BuildError::Store`].
    pub fn round(&self, round: RoundId) -> Result<Bundle, BuildError> {
        let decision = self.decision(round)?;
        let (requests, decisions) = decided_rows(self.state, round)?;
        if requests.is_empty() {
            return Err(BuildError::NotFound(format!("request in round {round}")));
        }
        let mut homes = BTreeSet::new();
        let mut rows = Vec::with_capacity(requests.len());
        for ((_, request), (_, decision)) in requests.iter().zip(decisions) {
            homes.insert(request.home_school);
            rows.push(DecidedRequest { request: request.to_canonical(), decision: decision.to_canonical() });
        }
        let bands = bands::collect(self.state, self.archive, round, &requests)?;
        let accounts: BTreeSet<_> = decision.revealed.iter().chain(&decision.withheld).collect();
        let (source, attempt) = (decision.seed_round, decision.attempt);
        let share = |account| self.known(&schema::seed_key(source, attempt, account));
        let shares = accounts.into_iter().map(share);
        let evidence = RoundEvidence {
            context: self.context(round, &decision, homes)?,
            budgets: self.budgets(&decision)?,
            power: self.known(&schema::seed_power_key(source))?,
            shares: shares.collect::<Result<_, _>>()?,
            certificate: self.known(&schema::certificate_key(round))?,
            plain: self.known(&schema::plain_key(round))?,
            report: self.known(&schema::report_key(round))?,
            rows,
            bands,
        };
        self.bundle(Subject::Round(evidence))
    }

    /// The decision on one student's request.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when the round is not decided or has no such request, [`BuildError::Store`].
    pub fn allocation(
        &self,
        round: RoundId,
        district: DistrictId,
        handle: &Handle,
    ) -> Result<Bundle, BuildError> {
        let decision = self.decision(round)?;
        let key = schema::round_row_key(district, handle);
        let request = self.row(&schema::requests_tree(round), &key).map_err(|error| match error {
            BuildError::NotFound(_) => {
                BuildError::NotFound(format!("request of {handle} of district {district} in round {round}"))
            }
            other => other,
        })?;
        let home = schema::decode::<RequestRow>(&request.row)?.home_school;
        let evidence = AllocationEvidence {
            context: self.context(round, &decision, BTreeSet::from([home]))?,
            district,
            handle: *handle,
            band: BandEvidence::Rule,
            request,
            decision: self.row(&schema::decisions_tree(round), &key)?,
        };
        self.bundle(Subject::Allocation(evidence))
    }

    /// Whether a student's state is anchored.
    ///
    /// # Errors
    /// [`BuildError::Store`]; a student who is not anchored gives a bundle that proves so.
    pub fn student(
        &self,
        district: DistrictId,
        school_year: SchoolYear,
        handle: &Handle,
    ) -> Result<Bundle, BuildError> {
        let label = schema::students_tree(district, school_year);
        let standing = match self.state.tree(&label)? {
            None => StudentStanding::NoTree { proof: self.prove(&tree_key(&label))?.1 },
            Some(tree) if tree.contains(handle) => StudentStanding::Anchored {
                tree: self.known(&tree_key(&label))?,
                row: self.row(&label, handle)?,
                opened: None,
            },
            Some(tree) => {
                let hash_of = |neighbour: &Handle| {
                    let row = self.state.row(&label, neighbour)?;
                    row.map(|row| row_hash(&row))
                        .ok_or_else(|| StoreError::Damaged("a tree's row is missing".into()))
                };
                let proof = tree.prove_absence(handle, hash_of)?;
                let proof =
                    proof.ok_or_else(|| StoreError::Damaged("a tree has and has not a handle".into()))?;
                StudentStanding::Absent { tree: self.known(&tree_key(&label))?, proof }
            }
        };
        self.bundle(Subject::Student(StudentEvidence { district, school_year, handle: *handle, standing }))
    }

    /// Where a funder's money of a year went, without an amount.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when that year's budget is not stated, [`BuildError::Store`].
    pub fn budget(&self, funder: AccountId, school_year: SchoolYear) -> Result<Bundle, BuildError> {
        let not_stated =
            || BuildError::NotFound(format!("stated budget of {funder} for school year {school_year}"));
        let stated = schema::stated_budget(self.state, &funder, school_year)?.ok_or_else(not_stated)?;
        let key = schema::stated_equity_key(&funder, school_year);
        let equity = match schema::stated_equity(self.state, &funder, school_year)? {
            None => EquityStanding::None(self.prove(&key)?.1),
            Some(equity) => EquityStanding::Stated {
                statement: self.known(&key)?,
                decision: self.known(&schema::decision_key(equity.round))?,
            },
        };
        let budget = BudgetEvidence {
            funder,
            school_year,
            budget: self.known(&schema::budget_key(&funder, school_year))?,
            statement: self.known(&schema::stated_budget_key(&funder, school_year))?,
            equity,
        };
        self.bundle(match schema::is_bound(self.state, &stated)? {
            false => Subject::Budget(budget),
            true => {
                Subject::Charged(ChargedEvidence { budget, classes: self.charged(&funder, school_year)? })
            }
        })
    }

    /// The pools that are or were charged to a budget, with their classes.
    fn charged(&self, funder: &AccountId, year: SchoolYear) -> Result<Vec<ChargedClass>, BuildError> {
        let mut classes: Vec<ChargedClass> = Vec::new();
        for pool in schema::charged_pools(self.state, funder, year)? {
            let shown = (pool.pool, self.known(&schema::pool_key(pool.class, pool.pool))?);
            match classes.last_mut().filter(|last| last.class == pool.class) {
                Some(last) => last.pools.push(shown),
                None => {
                    let record = self.known(&schema::class_key(pool.class))?;
                    classes.push(ChargedClass { class: pool.class, record, pools: vec![shown] });
                }
            }
        }
        Ok(classes)
    }

    /// A district's newest anchored access log; the district itself adds a read that is listed in it.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when the district has anchored none, [`BuildError::Store`].
    pub fn access(&self, district: DistrictId) -> Result<Bundle, BuildError> {
        let none = || BuildError::NotFound(format!("anchored access log of district {district}"));
        schema::access_log(self.state, district)?.ok_or_else(none)?;
        let log = self.known(&schema::access_log_key(district))?;
        self.bundle(Subject::Access(AccessEvidence { district, log, listed: None }))
    }

    /// A district's anchored buildings; the district itself adds a row of one of them.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when the district has anchored none, [`BuildError::Store`].
    pub fn estate(&self, district: DistrictId) -> Result<Bundle, BuildError> {
        let none = || BuildError::NotFound(format!("anchored building of district {district}"));
        schema::estate(self.state, district)?.ok_or_else(none)?;
        let estate = self.known(&schema::estate_key(district))?;
        self.bundle(Subject::Estate(EstateEvidence { district, estate, shown: None }))
    }

    /// A milestone of a district's student, and whether it was corrected.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when there is no such record, [`BuildError::Store`].
    pub fn milestone(
        &self,
        district: DistrictId,
        handle: &Handle,
        number: u16,
    ) -> Result<Bundle, BuildError> {
        let key = schema::milestone_key(district, handle, number);
        let (value, proof) = self.prove(&key)?;
        let none =
            || BuildError::NotFound(format!("milestone {number} of handle {handle} in district {district}"));
        let record = Proved { value: value.ok_or_else(none)?, proof };
        let superseded = self.look_up(&schema::superseded_key(district, handle, number))?;
        self.bundle(Subject::Milestone(MilestoneEvidence {
            district,
            handle: *handle,
            number,
            record,
            superseded,
        }))
    }

    /// Public records and acts of members; named twice or in another order they are the same bundle. An act is named
    /// by its block, which must be a waypoint of this collector or its height, and its position there; one that anybody
    /// may not have is left out.
    ///
    /// # Errors
    /// [`BuildError::NotFound`] when nothing is left or there is no such record, [`BuildError::MissingBlock`] when an
    /// act's block is not shown, [`BuildError::Store`].
    pub fn figures(&self, keys: &[FigureKey], places: &[(Height, u32)]) -> Result<Bundle, BuildError> {
        let mut keys: BTreeSet<FigureKey> = keys.iter().copied().collect();
        keys.extend(self.classes_of(keys.iter())?);
        let mut figures = Vec::with_capacity(keys.len());
        for key in keys {
            let (value, proof) = self.prove(&state_key(&key))?;
            let value = value.ok_or_else(|| BuildError::NotFound(format!("public record {key:?}")))?;
            figures.push(Figure { key, record: Proved { value, proof } });
        }
        let places: BTreeSet<(Height, u32)> = places.iter().copied().collect();
        let shown = |at: &Height| self.chain.header(*at).is_some();
        if let Some((height, _)) = places.iter().find(|(height, _)| !shown(height)) {
            return Err(BuildError::MissingBlock(*height));
        }
        let min_cell = schema::params(self.state)?.min_cell_students;
        let acts = acts::collect(self.archive, &places, min_cell)?;
        if figures.is_empty() && acts.is_empty() {
            return Err(BuildError::NotFound("public record or act asked for".into()));
        }
        self.bundle(Subject::Figures(FiguresEvidence { figures, acts }))
    }

    /// The records of the classes whose rounds' reports are asked for: they say whether these decisions stand.
    fn classes_of<'k>(
        &self,
        keys: impl Iterator<Item = &'k FigureKey>,
    ) -> Result<Vec<FigureKey>, StoreError> {
        let mut classes = Vec::new();
        for key in keys {
            if let FigureKey::Report(round) = key
                && let Some(report) = schema::published_report(self.state, *round)?
            {
                classes.push(FigureKey::Class(report.class));
            }
        }
        Ok(classes)
    }

    fn bundle(&self, subject: Subject) -> Result<Bundle, BuildError> {
        let chain_record = self.known(&schema::chain_key())?;
        Ok(Bundle { chain: self.chain.clone(), chain_record, subject })
    }

    fn decision(&self, round: RoundId) -> Result<schema::Decision, BuildError> {
        let decision = schema::decision(self.state, round)?;
        decision.ok_or_else(|| BuildError::NotFound(format!("decision of round {round}")))
    }

    fn context(
        &self,
        round: RoundId,
        decision: &schema::Decision,
        mut schools: BTreeSet<SchoolId>,
    ) -> Result<RoundContext, BuildError> {
        let record = schema::round(self.state, round)?;
        let parameters = record.map(|record| record.parameters);
        let parameters = parameters.ok_or_else(|| BuildError::NotFound(format!("round {round}")))?;
        let mut pools = Vec::with_capacity(decision.prices.len());
        for pool in schema::pools(self.state, decision.class)? {
            pools.push(self.known(&schema::pool_key(decision.class, pool.pool))?);
            if decision.concerns(&pool) {
                schools.insert(pool.school);
            }
        }
        let schools = schools.into_iter().map(|school| self.known(&schema::school_key(school)));
        Ok(RoundContext {
            round,
            record: self.known(&schema::round_key(round))?,
            class: self.known(&schema::class_key(decision.class))?,
            twin: self.known(&schema::twin_version_key(parameters))?,
            decision: self.known(&schema::decision_key(round))?,
            reversion: self.look_up(&schema::reversion_key(round))?,
            pools,
            schools: schools.collect::<Result<_, _>>()?,
            requests: self.known(&tree_key(&schema::requests_tree(round)))?,
            decisions: self.known(&tree_key(&schema::decisions_tree(round)))?,
        })
    }

    /// The budgets that the decision's pools were charged to.
    fn budgets(&self, decision: &schema::Decision) -> Result<Vec<Proved>, BuildError> {
        let class = schema::class(self.state, decision.class)?;
        let class = class.ok_or_else(|| BuildError::NotFound(format!("class {}", decision.class)))?;
        let mut funders = BTreeSet::new();
        for pool in schema::pools(self.state, decision.class)? {
            if decision.prices.iter().any(|price| price.pool == pool.pool) {
                funders.insert(pool.funder);
            }
        }
        let year = class.definition.school_year;
        let budgets = funders.iter().map(|funder| self.known(&schema::budget_key(funder, year)));
        Ok(budgets.collect::<Result<_, _>>()?)
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<ProvedRow, BuildError> {
        let not_found = || BuildError::NotFound(format!("row of {handle} in {label}"));
        let path = self.state.tree(label)?.and_then(|tree| tree.prove(handle)).ok_or_else(not_found)?;
        Ok(ProvedRow { row: self.state.row(label, handle)?.ok_or_else(not_found)?, path })
    }

    fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, map::MapProof), StoreError> {
        map::prove(self.state, self.record.height, key)
    }

    /// What the state holds under a key that may be empty.
    fn look_up(&self, key: &[u8]) -> Result<Lookup, StoreError> {
        let (value, proof) = self.prove(key)?;
        Ok(match value {
            None => Lookup::Absent(proof),
            Some(value) => Lookup::Present(Proved { value, proof }),
        })
    }

    /// A record that must exist, with its proof.
    fn known(&self, key: &[u8]) -> Result<Proved, StoreError> {
        let (value, proof) = self.prove(key)?;
        let value = value
            .ok_or_else(|| StoreError::Damaged(format!("the record {} is missing", key.escape_ascii())))?;
        Ok(Proved { value, proof })
    }
}
