//! Whose rules are in force, and from when on others are.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use super::{Records, protocol_key};
use crate::codec::Canonical;
use crate::names::Title;
use crate::protocol::{Outdated, Protocol};
use crate::state::StoreError;
use crate::types::{Height, ProposalId};

/// A switch that the members have voted for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProtocolSwitch {
    /// The protocol by which blocks from `height` on are executed.
    pub protocol: Protocol,
    /// The first height by its rules.
    pub height: Height,
    /// The version of the program that operators run by then.
    pub program: Title,
    /// The change that agreed on it.
    pub proposal: ProposalId,
}

/// The protocol of the state's height, and the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProtocolRecord {
    /// In force at the state's height.
    pub now: Protocol,
    /// Since which height; 0 for the genesis's.
    pub since: Height,
    /// The program that the vote for it named.
    pub program: Option<Title>,
    /// What was voted for and has not begun.
    pub next: Option<ProtocolSwitch>,
}

canonical! {
    ProtocolRecord = "protocol record", 512;
}

impl ProtocolRecord {
    /// What a genesis begins with.
    pub const fn of_genesis(protocol: Protocol) -> Self {
        Self { now: protocol, since: Height::GENESIS, program: None, next: None }
    }

    /// The record as of a later height: a switch whose height has come is made.
    #[must_use]
    pub fn at(self, height: Height) -> Self {
        match self.next {
            Some(switch) if switch.height <= height => {
                Self { now: switch.protocol, since: switch.height, program: Some(switch.program), next: None }
            }
            next => Self { next, ..self },
        }
    }

    /// Why a program that knows protocols up to `knows` must not execute the block of this height.
    pub fn refuses(&self, height: Height, knows: Protocol) -> Option<Outdated> {
        let at = self.clone().at(height);
        (at.now > knows).then_some(Outdated { height: at.since, needs: at.now, knows, program: at.program })
    }
}

/// Whose rules are in force.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn protocol(from: &(impl Records + ?Sized)) -> Result<ProtocolRecord, StoreError> {
    Ok(super::read(from, &protocol_key())?.unwrap_or_default())
}
