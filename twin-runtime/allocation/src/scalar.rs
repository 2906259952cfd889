//! The two widths of the solver's kernel: 32 bits where a checked bound allows it, 64 bits otherwise.
//!
//! "No arc" is [`Scalar::INF`], a settled head's price is [`Scalar::SHUT`]; any sum of these, a cost and two values
//! up to [`Scalar::LIMIT`] stays above [`Scalar::NONE`] and inside the type, so the kernel needs no branch for missing
//! pairs. Additions wrap because the bounds are checked once a phase, not once an entry.

use super::problem::INELIGIBLE;
use std::fmt::Debug;

/// An integer of the kernel.
pub(super) trait Scalar: Copy + Ord + Debug + Default {
    /// Stands for a missing arc.
    const INF: Self;
    /// Values from here up are missing arcs or unreachable nodes.
    const NONE: Self;
    /// Price that keeps a node out of reach.
    const SHUT: Self;
    /// Largest absolute price, distance or cost the kernel may hold.
    const LIMIT: Self;
    const ZERO: Self;
    /// A cost of the problem, [`INELIGIBLE`] becoming [`Scalar::INF`].
    fn from_cost(cost: i32) -> Self;
    /// A small count or cost known to fit.
    fn from_i64(value: i64) -> Self;
    fn wide(self) -> i64;
    /// Sum, inside the bounds above.
    fn plus(self, other: Self) -> Self;
    /// Difference, inside the bounds above.
    fn minus(self, other: Self) -> Self;
}

impl Scalar for i32 {
    const INF: i32 = 1 << 30;
    const NONE: i32 = 1 << 29;
    const SHUT: i32 = (1 << 29) + (1 << 28);
    const LIMIT: i32 = 1 << 26;
    const ZERO: i32 = 0;
    #[inline(always)]
    fn from_cost(cost: i32) -> i32 {
        cost
    }
    #[inline(always)]
    fn from_i64(value: i64) -> i32 {
        value as i32
    }
    #[inline(always)]
    fn wide(self) -> i64 {
        i64::from(self)
    }
    #[inline(always)]
    fn plus(self, other: i32) -> i32 {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: i32) -> i32 {
        self.wrapping_sub(other)
    }
}

impl Scalar for i64 {
    const INF: i64 = 1 << 61;
    const NONE: i64 = 1 << 60;
    const SHUT: i64 = (1 << 60) + (1 << 59);
    const LIMIT: i64 = 1 << 57;
    const ZERO: i64 = 0;
    #[inline(always)]
    fn from_cost(cost: i32) -> i64 {
        if cost == INELIGIBLE { Self::INF } else { i64::from(cost) }
    }
    #[inline(always)]
    fn from_i64(value: i64) -> i64 {
        value
    }
    #[inline(always)]
    fn wide(self) -> i64 {
        self
    }
    #[inline(always)]
    fn plus(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: i64) -> i64 {
        self.wrapping_sub(other)
    }
}
