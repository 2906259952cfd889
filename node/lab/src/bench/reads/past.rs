//! The past that `aula bench reads` measures, written block by block through `execute_block` and the real storage.
//!
//! Flow: classes and pools → for each round its students' states, one a transaction; the round's opening, requests with
//! their proofs, and decision; then transactions of districts' daily work (new states, milestones, now and then a budget)
//! and empty blocks, until the round's part of the chain is full. One round in ten is of the whole consortium, the others
//! of three districts. What is sent follows from the seed; keys of the validator and the proofs' blindings do not, so the
//! chain's hashes differ from run to run.
//!
//! Invariant: every transaction is accepted, or nothing is measured.

use std::collections::BTreeMap;
use std::path::Path;

use aula_client::sender::Sender;
use aula_district::requests::{self, Unproved, prove_all};
use aula_home::founding::{self, read_genesis};
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::{Advise, Failure, Home};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{Name, Title};
use aula_ledger::params::ON_DEMAND_REST_MS;
use aula_ledger::state::schema::{self, Window};
use aula_ledger::twin::NeedRule;
use aula_ledger::tx::{
    AnchorStates, Calendar, CommitSeed, DefineClass, DefinePool, FundBudget, MilestoneKind, OpenRound,
    Payload, RecordMilestone, RevealSeed, RunRound, seed_commitment, seed_share,
};
use aula_ledger::types::{Cents, ClassId, Hash, Height, KindId, PoolId, RoundId, SchoolId, TimeMs};
use aula_store::solo::decide;
use aula_store::{ChainDb, DbOptions, open_or_create};
use clap::Args;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::people::{self, DISTRICTS, SCHOOLS, Student, YEAR, account_key};
use crate::localnet::{Plan, prepare};
use crate::{Tell, defect, storage_failure, unreadable};

/// 1 January 2026, UTC: before any clock that measures.
const BEGIN_MS: u64 = 1_767_225_600_000;
/// Block time goes on by a second a block.
const BLOCK_MS: u64 = 1_000;
/// Transactions of a block: what the ledger's parameters allow.
const BLOCK_TRANSACTIONS: usize = 1_000;
/// Requests whose proofs a block may hold, with room to spare.
const BLOCK_REQUESTS: usize = 1_000;
/// A further class begins after so many rounds.
const CLASS_ROUNDS: u32 = 10;
/// A round of the whole consortium has so many times the requests of another.
const LARGE: u64 = 18;
/// Transactions never expire within a bench.
const VALID_UNTIL: Height = Height(u64::MAX / 2);

/// What the chain holds.
#[derive(Debug, Clone, PartialEq, Eq, Args, Serialize, Deserialize)]
pub struct Size {
    /// Transactions, at least; rounds need some of them
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub transactions: u64,
    /// Decided rounds
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Requests decided, in all rounds together
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(100..=200_000))]
    pub decisions: u64,
    /// Blocks without transactions between the others
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub empty_blocks: u64,
    /// Validators that sign each block; each gets a home with the whole chain
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// What handles, needs and the order of things follow from
    #[arg(long, default_value_t = 6)]
    pub seed: u64,
}

/// A past that is there.
pub struct Written {
    /// The homes of the validators, at least one.
    pub homes: Vec<Home>,
    /// Transactions on the chain.
    pub transactions: u64,
}

/// What says that a folder holds a whole past, and which.
#[derive(Serialize, Deserialize)]
struct Note {
    size: Size,
    transactions: u64,
}

/// Writes the past into `folder`, or takes the one that is there.
///
/// # Errors
/// When the folder holds another or a broken one, or something is not accepted.
pub fn write(tell: Tell<'_>, folder: &Path, size: &Size) -> Result<Written, Failure> {
    let homes = homes(folder, size)?;
    let note = folder.join("past.json");
    if note.exists() {
        let found: Note = founding::read(&note)?;
        if found.size == *size {
            return Ok(Written { homes, transactions: found.transactions });
        }
        let message = format!("{} holds another chain: {:?}", folder.display(), found.size);
        return Err(Failure::new("other_size", message, "ask for that one, or give an empty --dir"));
    }
    let mut writer = Writer::open(&homes, size)?;
    if writer.db.latest().tip().height > Height::GENESIS {
        let message = format!("{} holds a chain that was not finished", folder.display());
        return Err(Failure::new("unfinished", message, "remove it, or give an empty --dir"));
    }
    tell(format!("writing {} transactions and {} rounds", size.transactions, size.rounds));
    writer.tell(tell, size)?;
    let made = Note { size: size.clone(), transactions: writer.made };
    drop(writer.db);
    if let Some((first, others)) = homes.split_first() {
        others.iter().try_for_each(|home| copy(&first.data_dir(), &home.data_dir()))?;
    }
    std::fs::write(&note, serde_json::to_vec(&made).map_err(defect)?)
        .advise(format!("cannot write {}", note.display()), "check the space left")?;
    Ok(Written { homes, transactions: made.transactions })
}

fn homes(folder: &Path, size: &Size) -> Result<Vec<Home>, Failure> {
    let plan = Plan {
        dir: folder.to_owned(),
        validators: size.validators,
        name: "reads".into(),
        base_port: None,
        time_ms: TimeMs(BEGIN_MS),
        base: people::base(size.seed).map_err(defect)?,
    };
    Ok(prepare(&plan)?.homes)
}

/// Begins a past in an empty folder that whoever asks goes on with: [`Writer::enrol`], then [`Writer::blocks`].
///
/// # Errors
/// When the folder cannot be written.
pub(in crate::bench) fn begin(folder: &Path, size: &Size) -> Result<Writer, Failure> {
    Writer::open(&homes(folder, size)?, size)
}

/// Copies a closed database's files.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let hint = "check the folder's owner and space";
    let done = std::fs::create_dir_all(to).and_then(|()| {
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    });
    done.advise(format!("cannot copy {} to {}", from.display(), to.display()), hint)
}

/// Makes the home's node begin without the index of the read model.
///
/// # Errors
/// When the database cannot be opened.
pub fn forget_index(home: &Home) -> Result<(), Failure> {
    let db = ChainDb::open(&home.data_dir(), DbOptions::default()).map_err(storage_failure)?;
    db.read_index().clear().map_err(storage_failure)
}

/// What is done with a share of a seed.
#[derive(Clone, Copy)]
enum Act {
    Commit,
    Reveal,
}

/// Signs, packs into blocks, decides.
pub(in crate::bench) struct Writer {
    db: ChainDb,
    genesis: Hash,
    validators: Vec<SigningKey>,
    /// The validators' accounts for seeds, with their keys.
    nodes: Vec<(SigningKey, Sender)>,
    /// By number of the district; 0 is the office.
    senders: BTreeMap<u16, Sender>,
    waiting: Vec<Vec<u8>>,
    made: u64,
    students: Vec<Student>,
    seed: u64,
    turn: u64,
}

impl Writer {
    fn open(homes: &[Home], size: &Size) -> Result<Self, Failure> {
        let home = homes.first().ok_or_else(|| defect("no home"))?;
        let key = |home| Ok(NodeKey::of_home(home, KeyKind::Validator)?.into_signing_key());
        let (bytes, genesis) = read_genesis(home)?;
        let db = open_or_create(&home.data_dir(), DbOptions::default(), &bytes, &genesis)
            .map_err(storage_failure)?;
        let node = |home| {
            let key = NodeKey::of_home(home, KeyKind::Seed)?.into_signing_key();
            let account = account_of(&public_key(&key));
            Ok((key.clone(), Sender::new(genesis.sha256, account, key, VALID_UNTIL)))
        };
        let sender = |number: u16| {
            let key = account_key(size.seed, number);
            let account = account_of(&public_key(&key));
            (number, Sender::new(genesis.sha256, account, key, VALID_UNTIL))
        };
        Ok(Self {
            db,
            senders: (0..=DISTRICTS).map(sender).collect(),
            genesis: genesis.sha256,
            validators: homes.iter().map(key).collect::<Result<_, Failure>>()?,
            nodes: homes.iter().map(node).collect::<Result<_, Failure>>()?,
            waiting: Vec::new(),
            made: 0,
            students: Vec::new(),
            seed: size.seed,
            turn: 0,
        })
    }

    /// The chain's database.
    pub(in crate::bench) fn db(&self) -> &ChainDb {
        &self.db
    }

    /// Students of all districts by turns, each with a first state.
    pub(in crate::bench) fn enrol(&mut self, students: u64) -> Result<(), Failure> {
        for number in 0..students {
            let district = u16::try_from(number % u64::from(DISTRICTS)).map_err(defect)? + 1;
            self.students.push(Student::new(self.seed, number, district));
            self.anchor(self.students.len() - 1)?;
        }
        self.flush()
    }

    /// Blocks with so many transactions of the daily work each; none: idle ones.
    pub(in crate::bench) fn blocks(&mut self, count: u64, transactions: u64) -> Result<(), Failure> {
        for _ in 0..count {
            (0..transactions).try_for_each(|_| self.day())?;
            self.block()?;
        }
        Ok(())
    }

    /// The whole past.
    fn tell(&mut self, tell: Tell<'_>, size: &Size) -> Result<(), Failure> {
        self.define(size)?;
        for round in 0..size.rounds {
            self.round(size, round)?;
            let until = |whole: u64, rounds: u32| whole * u64::from(rounds) / u64::from(size.rounds);
            while self.made + (self.waiting.len() as u64) < until(size.transactions, round + 1) {
                self.day()?;
            }
            self.flush()?;
            let empty = until(size.empty_blocks, round)..until(size.empty_blocks, round + 1);
            empty.into_iter().try_for_each(|_| self.block())?;
            if (round + 1) % CLASS_ROUNDS == 0 {
                tell(format!("{} rounds, {} transactions", round + 1, self.made));
            }
        }
        Ok(())
    }

    /// Sends for a district, or as the office.
    fn send(&mut self, number: u16, payload: impl Into<Payload>) -> Result<(), Failure> {
        let sender = self.senders.get_mut(&number).ok_or_else(|| defect("no such sender"))?;
        self.waiting.push(sender.sign(payload).bytes);
        if self.waiting.len() >= BLOCK_TRANSACTIONS { self.block() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() { Ok(()) } else { self.block() }
    }

    /// Decides a block of what waits.
    fn block(&mut self) -> Result<(), Failure> {
        self.block_after(BLOCK_MS)
    }

    /// The same, so long after the last one.
    fn block_after(&mut self, later_ms: u64) -> Result<(), Failure> {
        let transactions = std::mem::take(&mut self.waiting);
        self.made += transactions.len() as u64;
        let time_ms = TimeMs(self.db.latest().tip().time_ms.0 + later_ms);
        let receipts = decide(&self.db, &self.genesis, &self.validators, time_ms, transactions, |_| {})
            .map_err(defect)?;
        match receipts.iter().find(|receipt| receipt.code.number() != 0) {
            None => Ok(()),
            Some(refused) => Err(defect(format!("a transaction is refused: {}", refused.code.explain()))),
        }
    }

    /// A budget, the classes and their pools: two kinds at every school.
    fn define(&mut self, size: &Size) -> Result<(), Failure> {
        let funder = self.senders.get(&0).map(Sender::account).ok_or_else(|| defect("no office"))?;
        self.send(0, FundBudget { school_year: YEAR, amount_cents: Cents(1_000_000_000_000) })?;
        let capacity =
            u32::try_from(largest(size) * 8 / 10 / (u64::from(SCHOOLS) * 2)).map_err(defect)?.max(1);
        for class in 1..=size.rounds.div_ceil(CLASS_ROUNDS) {
            let class = ClassId(u16::try_from(class).map_err(defect)?);
            self.send(
                0,
                DefineClass {
                    class,
                    title: Title::new(&format!("Devices {class}")).map_err(defect)?,
                    school_year: YEAR,
                    kinds: vec![Name::new("reader").map_err(defect)?, Name::new("tablet").map_err(defect)?],
                    tier_costs: [10, 20, 40],
                    rank_step: 5,
                    waitlist_cost: Some(80),
                    calendar: Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(u64::MAX / 2) },
                    steward: None,
                },
            )?;
            for (school, kind) in (1..=SCHOOLS).flat_map(|school| [(school, 0u8), (school, 1)]) {
                self.send(
                    0,
                    DefinePool {
                        pool: PoolId(u32::from(class.0) * 1_000 + school * 2 + u32::from(kind)),
                        class,
                        school: SchoolId(school),
                        kind: KindId(kind),
                        capacity,
                        floor: 0,
                        unit_cost_cents: Cents(19_900 + 5_000 * u64::from(kind)),
                        funder,
                    },
                )?;
            }
        }
        self.flush()
    }

    /// A round from its students' states to its decision.
    fn round(&mut self, size: &Size, round: u32) -> Result<(), Failure> {
        let first = self.students.len();
        let count = part_of(size, round + 1) - part_of(size, round);
        for place in 0..count {
            let district = district_in(round, place)?;
            self.students.push(Student::new(self.seed, first as u64 + place, district));
            self.anchor(self.students.len() - 1)?;
        }
        self.flush()?;
        let class = ClassId(u16::try_from(round / CLASS_ROUNDS + 1).map_err(defect)?);
        let batches = self.batches(RoundId(round), first)?;
        let extra_request_ms = batches.len() as u64 * BLOCK_MS;
        self.send(0, OpenRound { class, extra_request_ms, extra_reveal_ms: 0 })?;
        // A class on demand rests after a decision that stands.
        self.block_after(ON_DEMAND_REST_MS)?;
        self.share(RoundId(round), Act::Commit)?;
        let (districts, unproved): (Vec<u16>, Vec<Unproved>) = batches.into_iter().unzip();
        let mut in_block = 0;
        for (district, batch) in
            districts.into_iter().zip(prove_all(&self.genesis, &unproved).map_err(defect)?)
        {
            if in_block + batch.requests.len() > BLOCK_REQUESTS {
                self.flush()?;
                in_block = 0;
            }
            in_block += batch.requests.len();
            self.send(district, batch)?;
        }
        self.flush()?;
        self.pass_to(RoundId(round), Window::Reveals)?;
        self.share(RoundId(round), Act::Reveal)?;
        self.pass_to(RoundId(round), Window::Closed)?;
        self.send(0, RunRound { round: RoundId(round) })?;
        self.flush()
    }

    /// Every validator's node commits to its share of a seed, or reveals it.
    fn share(&mut self, round: RoundId, act: Act) -> Result<(), Failure> {
        for (key, sender) in &mut self.nodes {
            let share = seed_share(&key.to_bytes(), &self.genesis, round, 1);
            let commitment = seed_commitment(round, 1, &sender.account(), &share);
            let payload: Payload = match act {
                Act::Commit => CommitSeed { round, attempt: 1, commitment }.into(),
                Act::Reveal => RevealSeed { round, attempt: 1, secret: share }.into(),
            };
            self.waiting.push(sender.sign(payload).bytes);
        }
        self.flush()
    }

    fn pass_to(&mut self, round: RoundId, window: Window) -> Result<(), Failure> {
        loop {
            let known = schema::round(&*self.db.latest(), round).map_err(unreadable)?;
            if known.ok_or_else(|| defect("no round"))?.window == window {
                return Ok(());
            }
            self.block()?;
        }
    }

    /// The requests of the students from `first` on, by district, ascending by handle.
    fn batches(&self, round: RoundId, first: usize) -> Result<Vec<(u16, Unproved)>, Failure> {
        let mut asking: BTreeMap<u16, Vec<&Student>> = BTreeMap::new();
        for student in self.students.get(first..).unwrap_or_default() {
            asking.entry(student.district).or_default().push(student);
        }
        let mut batches = Vec::new();
        for (district, mut students) in asking {
            students.sort_by_key(|student| student.handle);
            let asked = students.iter().map(|student| student.request()).collect::<Result<Vec<_>, _>>()?;
            let own = requests::batches(round, &NeedRule::default(), &asked);
            batches.extend(own.into_iter().map(|batch| (district, batch)));
        }
        Ok(batches)
    }

    fn anchor(&mut self, at: usize) -> Result<(), Failure> {
        let student = self.students.get_mut(at).ok_or_else(|| defect("no such student"))?;
        let (district, states) = (student.district, vec![student.next_state()?]);
        self.send(
            district,
            AnchorStates {
                school_year: YEAR,
                parameters: 1,
                model_digest: aula_ledger::twin::TwinParameters::default().digest(),
                states,
            },
        )
    }

    /// One transaction of the daily work: of a hundred seventy-eight new states, twenty-one milestones, one budget.
    fn day(&mut self) -> Result<(), Failure> {
        self.turn += 1;
        let at = self.turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let at = usize::try_from(at).map_err(defect)? % self.students.len().max(1);
        match self.turn % 100 {
            0 => self.send(0, FundBudget { school_year: YEAR, amount_cents: Cents(self.turn) }),
            1..=21 => self.milestone(at),
            _ => self.anchor(at),
        }
    }

    fn milestone(&mut self, at: usize) -> Result<(), Failure> {
        use MilestoneKind::{CredentialAwarded, GradeCompleted, InterventionBegun, InterventionEnded};
        let student = self.students.get_mut(at).ok_or_else(|| defect("no such student"))?;
        let kinds = [InterventionBegun, InterventionEnded, GradeCompleted, CredentialAwarded];
        let record = RecordMilestone {
            school_year: YEAR,
            handle: student.handle,
            number: student.milestones,
            kind: kinds.get(usize::from(student.milestones) % kinds.len()).copied().unwrap_or(GradeCompleted),
            evidence: Hash(student.handle.0),
            supersedes: None,
            mastery: None,
        };
        student.milestones += 1;
        let district = student.district;
        self.send(district, record)
    }
}

fn is_large(size: &Size, round: u32) -> bool {
    round % CLASS_ROUNDS == CLASS_ROUNDS - 1 || size.rounds < CLASS_ROUNDS
}

/// Requests of the rounds before this one.
fn part_of(size: &Size, round: u32) -> u64 {
    let weight =
        |rounds: u32| -> u64 { (0..rounds).map(|r| if is_large(size, r) { LARGE } else { 1 }).sum() };
    size.decisions * weight(round) / weight(size.rounds).max(1)
}

/// Requests of the largest round.
fn largest(size: &Size) -> u64 {
    (0..size.rounds).map(|round| part_of(size, round + 1) - part_of(size, round)).max().unwrap_or(0)
}

/// The district of a round's `place`-th student: of all in a large round, of three in another.
fn district_in(round: u32, place: u64) -> Result<u16, Failure> {
    let all = u64::from(DISTRICTS);
    let large = round % CLASS_ROUNDS == CLASS_ROUNDS - 1;
    let place = if large { place % all } else { (u64::from(round) * 3 + place % 3) % all };
    Ok(u16::try_from(place).map_err(defect)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_read::index::Index;

    #[test]
    fn a_past_holds_what_was_asked_for() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let dir = folder.path().join("past");
        let size =
            Size { transactions: 1_100, rounds: 2, decisions: 100, empty_blocks: 5, validators: 4, seed: 1 };
        let quiet: Tell<'_> = &|_| {};
        let failed = |failure: Failure| failure.message;
        let written = write(quiet, &dir, &size).map_err(failed)?;
        assert_eq!(written.transactions, 1_100);
        assert_eq!(write(quiet, &dir, &size).map_err(failed)?.transactions, 1_100, "it is there");
        let other = Size { seed: 2, ..size.clone() };
        assert!(write(quiet, &dir, &other).is_err_and(|f| f.code == "other_size"));
        assert_eq!(written.homes.len(), 4);
        let last = written.homes.last().ok_or("no home")?;
        let db = ChainDb::open(&last.data_dir(), DbOptions::default())?;
        let view = db.latest();
        let index = Index::new(db.read_index());
        assert_eq!(index.follow(&view)?.transactions(), 1_100);
        let requests = (0..2).map(|round| schema::decision(&*view, RoundId(round)));
        let requests: Vec<_> = requests.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        assert_eq!(requests.iter().map(|decision| decision.report.requests).sum::<u32>(), 100);
        assert!(requests.iter().all(|decision| decision.is_optimal() && decision.report.placed > 0));
        Ok(())
    }
}
