//! Processor time, as the kernel counts it: a busy machine does not spoil a comparison.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of processor time of this thread.
pub(super) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(rest.unwrap_or(0))
}
