//! Readings of building automation.
