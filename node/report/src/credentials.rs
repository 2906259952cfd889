//! Verifiable credentials: Open Badges 3.0, CLR 2.0 and the status lists that revoke them.
//!
//! Flow of a verification: [`baked`] takes the credential out of a picture → [`json`] or [`jwt`] parses it within limits →
//! [`schema`] asks whether the standard knows its form → [`jsonld`] and [`c14n`] turn it into what was signed →
//! [`issuer`] finds the key and says how far it is to be trusted → [`proof`] checks the signature → [`status`] reads the
//! revocation list, itself a verified credential → [`verify()`] gathers the checks into one [`Report`].
//! Flow of an issue: [`issue`] builds, signs and, with [`baked`], bakes; [`status::StatusList`] revokes.
//!
//! Invariants: nothing is fetched ([`sources::Sources`] answers or does not), contexts are those of [`contexts`], every
//! input has a bound ([`limits`]), and what a signature does not cover is refused rather than passed over.
//!
//! The JSON-LD here is the part of 1.1 that credentials use; what it does not know it refuses by name
//! (`docs/decisions/0030-credentials.md`).

pub mod align;
pub mod baked;
pub mod c14n;
pub mod contexts;
pub mod issue;
pub mod issuer;
pub mod jcs;
pub mod json;
pub mod jsonld;
pub mod jwt;
pub mod keys;
pub mod limits;
pub mod proof;
pub mod rdf;
pub mod schema;
pub mod sources;
pub mod status;
pub mod time;
pub mod verify;

pub use verify::{Options, Report, verify};
