//! The allocation optimizer: exact, in integers, with a proof anybody can check.
//!
//! One round assigns every student to one eligible pool at least weighted cost, within capacities, floors, mandates
//! and the schools' fair share, then draws among the optimal assignments by lottery. The flow through the files:
//!
//! [`problem`] (checked input; [`draw`] for the lottery's numbers, [`srap`] for instance files) → `solver` (width of
//! the kernel, repair) → `capacity_one` (square problems of single places) or `levels` (prices from samples) → `engine` (primal-dual phases) on `pool_graph` (cheapest
//! student between any two pools) and `network` (bounds as arcs) → `prices` (the least optimal ones) → `lottery`
//! (second stage) → [`certificate`], which the checker verifies without any of the above.
//!
//! Method: the transportation problem has n students but only k pools; moving one student from p to q costs the
//! least c(s,q) − c(s,p) over the students of p, so all shortest paths live on k nodes (Tokuyama and Nakano 1995 for
//! the contraction; Ford and Fulkerson 1957 for primal-dual; Kleinschmidt, Lee and Schannath 1987 for n ≫ k).
//!
//! ```
//! use aula_allocation::certificate::check;
//! use aula_allocation::problem::{Pool, Problem};
//! use aula_allocation::{Limits, solve};
//!
//! // Two students, a place and a waitlist; the place is dearer to be without for the first.
//! let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 0 }];
//! let problem = Problem::dense(pools, vec![10, 90, 10, 40])?;
//! let solution = solve(&problem, &Limits::default())?;
//! assert_eq!((solution.assignment.as_slice(), solution.objective, solution.gap_ppm), (&[0, 1][..], 50, 0));
//! // Whoever has the problem believes the prices, not the solver.
//! assert!(check(&problem, &solution.assignment, &solution.certificate).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: integers only; the same bytes on every machine; every answer carries its proof or its proven gap.
//! Absent: clocks, threads, randomness, floats, and any optimality claim across classes or rounds.

// A node's number indexes several tables at once here; iterators over one of them would hide which.
#![allow(clippy::needless_range_loop)]
#![deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod certificate;
pub mod draw;
pub mod equity;
pub mod explain;
pub mod problem;
pub mod srap;

mod bounded;
mod capacity_one;
mod engine;
mod lanes;
mod levels;
mod lottery;
mod network;
mod pool_graph;
mod prices;
mod rows;
mod scalar;
mod solver;
#[cfg(test)]
mod tests;

pub use bounded::MAX_GAP_PPM;
pub use solver::{Cut, DEFAULT_WORK, Limits, Solution, SolveError, solve};
