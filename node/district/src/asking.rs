//! From wishes to what can be requested: which student is meant, whether its state may stand in the round, and what is to be
//! proved of it.
//!
//! Flow: a [`Wish`] → [`standing`] finds the student's handle and the state that was anchored last → the caller reads that state
//! through the vault's access check → [`claimed`] gives the request with what proves its band. Invariants: nothing is guessed: a
//! student whose anchored state cannot be proved is told with the rule, and the others go on. Absent: proving, sending.

use aula_ledger::codec::Canonical;
use aula_ledger::tx::{Request, StudentState};
use aula_ledger::types::{Handle, Height, SchoolYear};
use aula_twin_runtime::params::Params;
use aula_vault::{LocalId, Vault, VaultError};
use aula_zk::StudentSecret;

use aula_twin_runtime::twin::TwinState;

use crate::requests::{self, Claimed};
use crate::twin_record::AnchoredState;
use crate::twin_state::{self, Standing};
use crate::wishes::Wish;

/// Why a wish cannot be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAsked {
    /// The vault has no such student in the round's school year.
    UnknownStudent,
    /// The student has left.
    NotEnrolled,
    /// No state of it was anchored.
    NotAnchored,
    /// It was anchored when the round was open already.
    AnchoredLate,
    /// Its need was never assessed.
    NoNeed,
    /// The state in the vault is not the one that was anchored last.
    Differs,
}

impl NotAsked {
    /// The rule's name in a report.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::UnknownStudent => "unknown_student",
            Self::NotEnrolled => "not_enrolled",
            Self::NotAnchored => "not_anchored",
            Self::AnchoredLate => "anchored_late",
            Self::NoNeed => "no_need",
            Self::Differs => "state_differs",
        }
    }

    /// What to do about it.
    pub const fn next(self) -> &'static str {
        match self {
            Self::UnknownStudent => "import the student's record for this school year",
            Self::NotEnrolled => "import the student's enrolment again if it came back",
            Self::NotAnchored => "anchor the student's state before the next round opens",
            Self::AnchoredLate => "the state was anchored after the round opened: the next round takes it",
            Self::NoNeed => "import what the need is computed from, fold and anchor",
            Self::Differs => "anchor again: the vault's state moved on since",
        }
    }
}

/// A student who may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The student's pseudonym for the round's school year.
    pub handle: Handle,
    /// What was anchored last.
    pub anchored: StudentState,
}

/// Whom a wish is about, and the state that counts for a round of this year that was opened in this block.
///
/// # Errors
/// A vault that cannot be read.
pub fn standing(
    vault: &Vault,
    wish: &Wish,
    year: SchoolYear,
    opened: Height,
) -> Result<Result<Known, NotAsked>, VaultError> {
    let Some(id) = LocalId::new(&wish.local_id) else { return Ok(Err(NotAsked::UnknownStudent)) };
    let Some(handle) = vault.find_in(&id, year)? else { return Ok(Err(NotAsked::UnknownStudent)) };
    // Students that came by another way than an import are on no roster; the operator names them, so they are meant.
    if vault.roster_entry(&handle)?.is_some_and(|entry| !entry.enrolled) {
        return Ok(Err(NotAsked::NotEnrolled));
    }
    anchored(vault, handle, opened)
}

/// The state of a student that counts for a round that was opened in this block.
///
/// # Errors
/// A vault that cannot be read.
pub fn anchored(
    vault: &Vault,
    handle: Handle,
    opened: Height,
) -> Result<Result<Known, NotAsked>, VaultError> {
    let versions = vault.versions(&handle)?;
    // A version whose block is not known was sent and never seen final by this vault.
    let Some(last) = versions.iter().rev().find(|version| version.height.is_some()) else {
        return Ok(Err(NotAsked::NotAnchored));
    };
    if last.height.is_some_and(|height| height >= opened) {
        return Ok(Err(NotAsked::AnchoredLate));
    }
    let damaged = |_| VaultError::Damaged("the note of an anchored state is unreadable".into());
    let anchored = AnchoredState::from_canonical(&last.anchored).map_err(damaged)?.state;
    Ok(Ok(Known { handle, anchored }))
}

/// A request with what proves its band.
///
/// # Errors
/// [`NotAsked`]: the state is not the one that was anchored, or it has no need to prove.
pub fn claimed(
    wish: &Wish,
    known: &Known,
    state: &TwinState,
    version: u32,
    secret: &StudentSecret,
    params: &Params,
) -> Result<Claimed, NotAsked> {
    let need = state.need(params).score();
    let standing = Standing { handle: known.handle, home_school: known.anchored.home_school, version };
    let (leaf, openings) =
        twin_state::leaf(&standing, state, secret, params).map_err(|_| NotAsked::Differs)?;
    if leaf != known.anchored {
        return Err(NotAsked::Differs);
    }
    let (claim, opening) = requests::claim(&leaf, &openings.inputs, need).ok_or(NotAsked::NoNeed)?;
    let request = Request {
        handle: known.handle,
        home_school: leaf.home_school,
        band: claim.band,
        mandate: wish.mandate,
        kinds: wish.kinds.clone(),
        inputs: claim.inputs.clone(),
    };
    Ok((request, (claim, opening)))
}
