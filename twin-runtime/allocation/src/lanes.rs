//! The widest vectors the processor has, for loops over integers.
//!
//! The baseline of x86-64 has neither a minimum of 32-bit integers nor a comparison of 64-bit ones, and every pass of
//! the solver and of the check is made of these. [`widest`] compiles a loop two more times, for AVX2 and AVX-512, and
//! chooses when it runs; other processors take their baseline.
//!
//! Invariant: it decides speed only. The same operations on integers are compiled for each width, none of which
//! rounds, so the answer is the same to the byte. Callers mark what they pass, and what that calls, `inline(always)`:
//! only what is inlined is compiled for the width.

/// Runs `pass`, compiled for the widest vectors there are.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn widest<R>(pass: impl FnOnce() -> R) -> R {
    use fearless_simd::{Level, Simd};
    let level = Level::new();
    match (level.as_avx512(), level.as_avx2()) {
        (Some(wide), _) => wide.vectorize(pass),
        (None, Some(wide)) => wide.vectorize(pass),
        (None, None) => pass(),
    }
}

/// Runs `pass`.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn widest<R>(pass: impl FnOnce() -> R) -> R {
    pass()
}
