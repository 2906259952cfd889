//! (being written)
#![deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]
