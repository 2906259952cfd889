//! What consensus needs from the node: storage, time, and the ledger's answers. The node implements
//! [`ChainStore`] (the ledger's own word for a database) and [`Clock`] over the system's; [`Executor`] is implemented here, by
//! [`crate::executor::LedgerExecutor`], and replaced only in tests.
//!
//! Every call may block (it is made from a thread that may), none is async. A [`StoreError`] is fatal: the
//! driver stops and says so, because going on with a store that fails would risk what is final.
//! What the driver needs of the machine under it stands behind ports too: [`Runtime`] (time and threads), [`Disk`] (the sign
//! guard's file and the engine's log); the network is the driver's own port. So the same driver runs in a node and in the simulator.
//!
//! Invariant that the node keeps: [`ChainStore::state`] and [`ChainStore::tip`] always belong together, because
//! [`ChainStore::commit`] is one synced batch and nothing else writes either.

use aula_ledger::chain::ValidatorSet;
use aula_ledger::chain::turns::Misses;
use aula_ledger::code::Code;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, SignatureMemory};
use aula_ledger::keys::PublicKey;
use aula_ledger::params::Params;
use aula_ledger::protocol::{Outdated, Protocol};
use aula_ledger::roles::RoleSet;
pub use aula_ledger::state::StoreError;
use aula_ledger::state::{Overlay, StateReader, schema};
pub use aula_ledger::store::{ChainStore, Commit, Decided, Tip, Undecided};
use aula_ledger::tx::Transaction;
use aula_ledger::types::{AccountId, Height, ValidatorAddress};
/// How peers are called and where they are: names, which know no connection.
pub use libp2p::{Multiaddr, PeerId};

mod disk;
mod runtime;

pub use disk::{Disk, DiskFile, FileDisk};
pub use runtime::{Moment, Runtime, TokioRuntime, WorkFailed, run};

/// The clock failed; the node votes nil in that round and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system clock is before 1970 or cannot be read")]
pub struct ClockError;

/// The node's wall clock.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`ClockError`].
    fn now_ms(&self) -> Result<u64, ClockError>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Result<u64, ClockError> {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .map_err(|_| ClockError)?;
        u64::try_from(since.as_millis()).map_err(|_| ClockError)
    }
}

/// What the mempool must know of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountView {
    /// The sequence number its next transaction must carry.
    pub next_sequence: u64,
    /// The key that must have signed it.
    pub public_key: PublicKey,
    /// What the member may send follows from these ([`aula_ledger::tx::rights::senders`]).
    pub roles: RoleSet,
}

/// A network identity that a vote of the members has admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdmittedPeer {
    /// Its libp2p identity.
    pub peer: PeerId,
    /// Where it may be reached, if that is known.
    pub listen: Option<Multiaddr>,
}

/// The ledger's rules, as consensus asks for them. All answers are functions of the given state alone.
pub trait Executor: Send + Sync + 'static {
    /// Executes a block on the state after its parent. See [`aula_ledger::execute::execute_block`].
    ///
    /// # Errors
    /// [`ExecuteError`] says whether the block is invalid or the store broken.
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError>;

    /// The same, with a look at the state after each transaction, as far as the ledger gives one.
    ///
    /// # Errors
    /// As [`Self::execute`].
    fn execute_watched(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
        _watch: &mut dyn FnMut(Option<u32>, &Overlay<'_>),
    ) -> Result<Outcome, ExecuteError> {
        self.execute(state, input, memory)
    }

    /// The validators that decide the height after `tip`, where `state` is the state after `tip`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn next_validators(&self, state: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError>;

    /// The validators that decide the height after that: changes enter two heights after the block that decides them,
    /// so they are settled.
    ///
    /// # Errors
    /// [`StoreError`].
    fn following_validators(&self, state: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError>;

    /// Who missed a turn to propose, as known in this state: whose turn each round of the next height is follows. A ledger
    /// that keeps no such record knows of none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn missed_turns(&self, _state: &dyn StateReader) -> Result<Misses, StoreError> {
        Ok(Misses::default())
    }

    /// An account, `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn account(
        &self,
        state: &dyn StateReader,
        account: &AccountId,
    ) -> Result<Option<AccountView>, StoreError>;

    /// Whether a transaction has a prospect of being accepted in the next block or a later one, as far as this can be
    /// told without executing it. One that has none is not kept: it would only take room from others.
    ///
    /// # Errors
    /// [`StoreError`].
    fn admits(
        &self,
        _state: &dyn StateReader,
        _transaction: &Transaction,
    ) -> Result<Result<(), Code>, StoreError> {
        Ok(Ok(()))
    }

    /// The newest protocol that this program knows.
    fn knows(&self) -> Protocol {
        Protocol::NEWEST
    }

    /// Why this program must not execute the block after `tip`, where `state` is the state after `tip`: the members have
    /// voted for rules that it does not have.
    ///
    /// # Errors
    /// [`StoreError`].
    fn outdated(&self, state: &dyn StateReader, tip: Height) -> Result<Option<Outdated>, StoreError> {
        Ok(schema::protocol(state)?.refuses(tip.next(), self.knows()))
    }

    /// The parameters in force.
    ///
    /// # Errors
    /// [`StoreError`].
    fn params(&self, state: &dyn StateReader) -> Result<Params, StoreError>;

    /// Under which network identity each validator speaks.
    ///
    /// # Errors
    /// [`StoreError`].
    fn validator_peers(&self, state: &dyn StateReader)
    -> Result<Vec<(ValidatorAddress, PeerId)>, StoreError>;

    /// All peers that the genesis or votes of the members have admitted.
    ///
    /// # Errors
    /// [`StoreError`].
    fn admitted_peers(&self, state: &dyn StateReader) -> Result<Vec<AdmittedPeer>, StoreError>;
}
