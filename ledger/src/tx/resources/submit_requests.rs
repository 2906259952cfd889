//! SubmitRequests: a district requests resources for its students.
//!
//! Each handle must stand in the district's tree of the class's school year, anchored before the round was
//! opened. A batch is taken whole or refused whole, with the position of its first bad entry. A handle's
//! first final request counts; later ones are counted as repeated and change nothing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::chain::Code;
use crate::params::MAX_KINDS;
use crate::tx::handler::{Handler, ascends, differ, require};
use crate::types::{Band, Handle, KindId, RoundId, SchoolId};

/// Whether the student must be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Mandate {
    /// May wait.
    None = 0,
    /// Must be placed: an individualised education program (IEP) says so.
    Mandated = 1,
}

/// One student's request.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Request {
    /// Whose.
    pub handle: Handle,
    /// The student's school, as anchored.
    pub home_school: SchoolId,
    /// The need band.
    pub band: Band,
    /// Whether the student must be placed.
    pub mandate: Mandate,
    /// Wanted kinds, best first, all different; 1 to 32.
    pub kinds: Vec<KindId>,
}

/// A batch of requests of one district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubmitRequests {
    /// Which round.
    pub round: RoundId,
    /// Strictly ascending by handle; at least one.
    pub requests: Vec<Request>,
}

impl Handler for SubmitRequests {
    fn check(&self) -> Result<(), Code> {
        require(!self.requests.is_empty())?;
        require(ascends(self.requests.iter().map(|request| &request.handle)))?;
        require(self.requests.iter().all(|r| (1..=MAX_KINDS).contains(&r.kinds.len()) && differ(&r.kinds)))
    }
}
