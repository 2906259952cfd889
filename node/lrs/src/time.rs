//! Timestamps (RFC 3339, and the parts of ISO 8601 that xAPI 1.0.3 takes) and durations (ISO 8601, 4.4.3.2).

mod duration;
mod stamp;

pub use duration::{is_duration, to_hundredths};
pub use stamp::Stamp;
