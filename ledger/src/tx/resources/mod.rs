//! Resources: classes, pools, rounds.

pub mod commit_seed;
pub mod define_class;
pub mod define_pool;
pub mod open_round;
pub mod reveal_seed;
pub mod run_round;
pub mod submit_requests;

pub use commit_seed::{CommitSeed, SeedSecret, seed_commitment};
pub use define_class::{Calendar, DefineClass};
pub use define_pool::DefinePool;
pub use open_round::OpenRound;
pub use reveal_seed::RevealSeed;
pub use run_round::RunRound;
pub use submit_requests::{Mandate, Request, SubmitRequests};
