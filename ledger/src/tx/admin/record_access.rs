//! RecordAccess: a district anchors the head of its vault's access log. From then on nothing above may change
//! unseen: every later head of the same epoch must extend this one, by a proof of RFC 9162.
//!
//! A vault that was restored from an older copy has lost entries and cannot extend what it anchored. It begins the next
//! epoch, openly: the head of the epoch that ended stays in the state for good, and whoever holds a proof against it can
//! show that the read was listed. The entries stay with the district; see [`crate::access`]. What a log leaves out
//! cannot be seen here.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::proof::TreeHead;
use crate::proof::consistency::{self, MAX_HASHES};
use crate::proof::merkle::empty_root;
use crate::state::schema::{self, AccessLog, Moment};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{DistrictId, Hash};

/// The head of the sender's access log, and that it extends the one anchored before.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAccess {
    /// Which log: 0 at first; the anchored one's, or the next after a restore that lost entries.
    pub epoch: u32,
    /// Entries in the log, at least one.
    pub log_size: u64,
    /// The root over them.
    pub root: Hash,
    /// The consistency proof from the size anchored before in this epoch; empty the first time. At most 65 hashes.
    pub consistency: Vec<Hash>,
}

impl Handler for RecordAccess {
    fn check(&self) -> Result<(), Code> {
        require(self.log_size > 0 && self.consistency.len() <= MAX_HASHES)
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.district()?;
        let newest = schema::access_log(context.overlay, district)?;
        let next_epoch = newest.as_ref().map_or(0, |log| log.epoch.saturating_add(1));
        let (before, ended) = match newest {
            Some(log) if log.epoch == self.epoch => (Some(log), None),
            newest => {
                ensure(self.epoch == next_epoch, Code::AccessEpoch)?;
                (None, newest)
            }
        };
        self.extends(before.as_ref())?;
        let mut events = Vec::new();
        if let Some(log) = ended {
            events.push(end(context, district, &log));
        }
        let head = TreeHead { leaf_count: self.log_size, root: self.root };
        let anchors = before.map_or(0, |log| log.anchors).saturating_add(1);
        let at = Moment { height: context.facts.height, time_ms: context.facts.time_ms };
        let log = AccessLog { district, epoch: self.epoch, head, anchors, by: context.sender.account, at };
        schema::write(context.overlay, schema::access_log_key(district), &log);
        let (epoch, log_size, root) = (self.epoch, self.log_size, self.root);
        events.push(Event::AccessRecorded { district, epoch, log_size, root });
        Ok(events)
    }
}

impl RecordAccess {
    fn extends(&self, before: Option<&AccessLog>) -> Result<(), Code> {
        let old = before.map_or(TreeHead { leaf_count: 0, root: empty_root() }, |log| log.head);
        let head = TreeHead { leaf_count: self.log_size, root: self.root };
        ensure(head.leaf_count > old.leaf_count, Code::AccessLogNotLonger)?;
        ensure(consistency::verify(&old, &head, &self.consistency).is_ok(), Code::AccessLogInconsistent)
    }
}

/// Keeps the last head of an epoch that ended.
fn end(context: &mut Context<'_, '_>, district: DistrictId, log: &AccessLog) -> Event {
    schema::write(context.overlay, schema::ended_access_log_key(district, log.epoch), log);
    let TreeHead { leaf_count, root } = log.head;
    Event::AccessLogEnded { district, epoch: log.epoch, log_size: leaf_count, root }
}
