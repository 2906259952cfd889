//! A consortium in one thread and in simulated time: the nodes' own code under a faulty network, faulty disks, wrong
//! clocks and members that do not keep the rules.
//!
//! Flow: a seed → a [`Plan`] ([`generate`]), or a plan from a file → [`run`]: [`world`] takes one event after another,
//! machines (`machine`) run [`aula_consensus::bare::Node`]s over a [`disk`], a `store` and the `network`; `deviant` changes
//! what dishonest members send → [`checks`] look at everything → a [`Report`] with the hash of the whole history.
//!
//! The same plan gives the same history, on every machine. Real are: the ledger's execution, the mempool, building and
//! judging blocks, the driver, the engine's state machines for voting and for value sync, its write-ahead log, the sign
//! guard and the choice of a mode. Simulated are: time, threads, sockets (each message takes its way by itself), disks, and
//! the database, whose promises `store` keeps over a simulated disk.
//!
//! Absent: libp2p and gossipsub, and with them the watch over their connections (docs/reliability.md says why), RocksDB and the memory that it takes (`store` holds the whole chain), the HTTP API, vaults; keys that are replaced; newcomers that bring snapshots, and
//! the doubt of those whose chain is not proven yet (`Config::unproven`): every member may sign as one that was level.

pub mod chance;
pub mod charges;
pub mod checks;
mod clients;
mod consortium;
mod deviant;
pub mod disk;
pub mod generate;
mod machine;
pub mod measure;
pub mod network;
pub mod plan;
mod report;
mod store;
mod trace;
pub mod world;

pub use plan::{Plan, PlanError};
pub use report::Report;
pub use world::{BeginError, World};

/// Runs a plan to its end, or to the first violation, and logs nothing: what nodes say of their troubles is not the operator's; the report
/// says what matters.
///
/// # Errors
/// [`BeginError`] when the consortium cannot be set up.
pub fn run(plan: Plan) -> Result<Report, BeginError> {
    apart(|| {
        let quiet = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(quiet, || Ok(World::new(plan)?.run()))
    })
}

/// [`run`], with what the nodes log and tell, each at its simulated time.
///
/// # Errors
/// [`BeginError`] when the consortium cannot be set up.
pub fn run_logged(plan: Plan) -> Result<Report, BeginError> {
    apart(|| Ok(World::new(plan)?.run()))
}

/// Runs a plan with costs charged until every member has decided so many heights, and says how the consortium did; `None` when it
/// did not get beyond the first few. See [`measure`].
///
/// # Errors
/// [`BeginError`] when the consortium cannot be set up.
pub fn measured(plan: Plan, heights: u64) -> Result<(Report, Option<measure::Measured>), BeginError> {
    apart(|| {
        let quiet = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(quiet, || Ok(World::new(plan)?.measure(heights)))
    })
}

/// On a thread of its own: inside an asynchronous runtime its budget would end polls early and never be filled again.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let outside = std::thread::scope(|scope| scope.spawn(work).join());
    outside.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
