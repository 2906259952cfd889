//! A member's machine: its disk and clock, and the process that runs on it, when one does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use aula_consensus::bare::{Node, Setup};
use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::{Clock, ClockError};
use aula_consensus::sign_guard::SignGuard;
use aula_consensus::signing::Remembered;
use aula_consensus::{FatalError, Keys, Ports};
use aula_ledger::protocol::Protocol;
use aula_ledger::types::{Height, ValidatorAddress};
use libp2p_identity::PeerId;

use crate::consortium::{BEGINNING_MS, Consortium, network_key, validator_address, validator_key};
use crate::disk::MemoryDisk;
use crate::plan::Target;
use crate::store::Store;

/// The simulated time in microseconds, shared by all machines.
pub type Now = Arc<AtomicU64>;

/// A machine's clock: the simulated time and how wrong it is.
#[derive(Debug)]
struct WallClock {
    now: Now,
    off_ms: Arc<AtomicI64>,
}

impl Clock for WallClock {
    fn now_ms(&self) -> Result<u64, ClockError> {
        let now = BEGINNING_MS + self.now.load(Ordering::Relaxed) / 1_000;
        now.checked_add_signed(self.off_ms.load(Ordering::Relaxed)).ok_or(ClockError)
    }
}

/// Where a file lies.
pub fn path(file: Target) -> &'static Path {
    Path::new(match file {
        Target::Log => "wal",
        Target::Guard => "guard",
        Target::Chain => "chain",
    })
}

/// One machine. A twin has two.
pub struct Machine {
    /// Whose it is.
    pub member: u8,
    /// Under which identity it speaks.
    pub peer: PeerId,
    /// Under which address its validator signs.
    pub address: ValidatorAddress,
    /// Whether its member keeps the rules.
    pub is_correct: bool,
    /// Its disk has damaged what it had promised: the member counts as faulty from then on.
    pub is_damaged: bool,
    /// Its disk said that something was written that was not: only then may the sign guard forget. A guard that is lost or
    /// damaged is noticed, and its member does not sign.
    pub has_lied: bool,
    /// What is on it survives the process, and a cut of power as far as it was synced.
    pub disk: MemoryDisk,
    /// Its process.
    pub node: Option<Node>,
    /// The process's database.
    pub store: Option<Arc<Store>>,
    /// By how much its clock is wrong, in milliseconds.
    pub off_ms: Arc<AtomicI64>,
    /// How often a process was started.
    pub starts: u32,
    /// For which next moment it is woken, in microseconds.
    pub wakes_us: Option<u64>,
    /// Until when it is busy with its disk.
    pub busy_us: u64,
    /// Where costs are charged: when its line is free again, in nanoseconds; when its network and its engine are, in microseconds.
    pub line_ns: u64,
    /// See [`Self::line_ns`].
    pub network_us: u64,
    /// See [`Self::line_ns`].
    pub engine_us: u64,
    /// Every block is full: the next one is not waited with.
    pub is_loaded: bool,
    /// The last height that it decided.
    pub decided: u64,
    /// When that was, in microseconds.
    pub decided_us: u64,
    /// Sessions of its nodes at the height after that one.
    pub sessions: usize,
    /// What an operator says at the next start.
    pub confirmed: Option<Height>,
    /// Whether its program knows the first protocol alone.
    pub is_old: bool,
    now: Now,
    remembered: Arc<Remembered>,
}

/// A process does not start.
#[derive(Debug)]
pub enum NotStarted {
    /// Its program does not know the rules of the next height.
    Outdated,
    /// Anything else.
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> NotStarted {
    NotStarted::Failed(error.to_string())
}

impl Machine {
    /// A machine that was set up for a new key and never started.
    ///
    /// # Errors
    /// [`NotStarted`]; a new disk does not fail.
    pub fn new(
        member: u8,
        is_correct: bool,
        now: Now,
        remembered: Arc<Remembered>,
    ) -> Result<Self, NotStarted> {
        let disk = MemoryDisk::default();
        SignGuard::create_on(Arc::new(disk.clone()), path(Target::Guard), 0).map_err(failed)?;
        Ok(Self {
            member,
            peer: network_key(member).map_err(failed)?.public().to_peer_id(),
            address: validator_address(member),
            is_correct,
            is_damaged: false,
            has_lied: false,
            disk,
            node: None,
            store: None,
            off_ms: Arc::default(),
            starts: 0,
            wakes_us: None,
            busy_us: 0,
            line_ns: 0,
            network_us: 0,
            engine_us: 0,
            is_loaded: false,
            decided: 0,
            decided_us: 0,
            sessions: 0,
            confirmed: None,
            is_old: false,
            now,
            remembered,
        })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// [`NotStarted`] when its files cannot be used.
    pub fn start(&mut self, consortium: &Consortium, seed: u64) -> Result<(), NotStarted> {
        let store = Store::open(&self.disk, path(Target::Chain), consortium.tip, &consortium.state);
        let store = Arc::new(store.map_err(failed)?);
        let mut setup = Setup {
            confirmed_height: self.confirmed.take(),
            start: self.starts,
            seed: seed ^ u64::from(self.member),
            remembered: Arc::clone(&self.remembered),
            ..Setup::new(consortium.genesis, path(Target::Log).into(), path(Target::Guard).into())
        };
        if self.is_loaded {
            setup.idle = setup.busy;
        }
        self.starts += 1;
        let clock = WallClock { now: Arc::clone(&self.now), off_ms: Arc::clone(&self.off_ms) };
        let executor =
            if self.is_old { LedgerExecutor::older(Protocol::FIRST) } else { LedgerExecutor::NEWEST };
        let ports = Ports { store: store.clone(), executor: Arc::new(executor), clock: Arc::new(clock) };
        let keys = Keys {
            validator: Some(validator_key(self.member)),
            network: network_key(self.member).map_err(failed)?,
        };
        let now = Duration::from_micros(self.now.load(Ordering::Relaxed));
        let node = Node::start(setup, ports, keys, Arc::new(self.disk.clone()), now);
        let node = node.map_err(|fatal| match fatal {
            FatalError::Outdated(_) => NotStarted::Outdated,
            other => failed(other),
        })?;
        (self.node, self.store, self.wakes_us) = (Some(node), Some(store), None);
        Ok(())
    }

    /// Ends its process.
    pub fn stop(&mut self) {
        (self.node, self.store, self.wakes_us) = (None, None, None);
    }

    /// Whether it must never sign two things in one place.
    pub fn is_bound(&self) -> bool {
        self.is_correct && !self.has_lied
    }

    /// Whether its member kept the rules and its disk its promises.
    pub fn counts(&self) -> bool {
        self.is_correct && !self.is_damaged
    }

    /// Whether a quorum may be made of it: its member counts, its process runs, and knows what it signed.
    pub fn is_able(&self) -> bool {
        self.counts() && self.node.as_ref().is_some_and(|node| !node.has_forgotten())
    }
}
