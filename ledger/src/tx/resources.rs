//! Resources: classes, pools, rounds.

pub mod acknowledge;
pub mod commit_seed;
pub mod define_class;
pub mod define_pool;
pub mod open_round;
pub mod report_utilisation;
pub mod retire_pool;
pub mod reveal_seed;
pub mod run_round;
pub mod set_class_terms;
pub(crate) mod steward;
pub mod submit_requests;

pub use acknowledge::{Acknowledge, Arrival, Escalation};
pub use commit_seed::{CommitSeed, seed_commitment, seed_share};
pub use define_pool::DefinePool;
pub use open_round::OpenRound;
pub use report_utilisation::ReportUtilisation;
pub use retire_pool::RetirePool;
pub use reveal_seed::RevealSeed;
pub use run_round::RunRound;
pub use set_class_terms::SetClassTerms;
pub use submit_requests::{Request, SubmitRequests};
