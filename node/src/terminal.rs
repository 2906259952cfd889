//! How the program speaks: stdout is the answer, stderr the story, and a failure is one sentence with the next step.
//!
//! Everything below the subcommands that can fail before a person uses it too: the client, a node's wiring, the demo.

mod answer;
mod context;
mod failure;
mod logging;

pub use answer::{Answer, Outcome, OutputFormat, Verdict};
pub use context::Context;
pub use failure::{Advise, DEFECT, Failure, OTHER_VERSION, OUTDATED, with_causes};
pub(crate) use failure::{line as failure_line, print as print_failure, unanswered};
pub(crate) use logging::{MOST_FILTER_BYTES, follow_filter, start as start_logging};
