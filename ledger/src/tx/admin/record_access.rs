//! RecordAccess: a district anchors the head of its vault's access log. From then on nothing above may change
//! unseen: every later head must extend this one, by a proof of RFC 9162.
//!
//! The entries stay with the district; see [`crate::access`]. What the log leaves out cannot be seen here.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::chain::{Code, TreeHead};
use crate::proof::consistency::{self, MAX_HASHES};
use crate::proof::merkle::empty_root;
use crate::state::schema::{self, AccessLog, Moment};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::Hash;

/// The head of the sender's access log, and that it extends the one anchored before.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordAccess {
    /// Entries in the log, at least one.
    pub log_size: u64,
    /// The root over them.
    pub root: Hash,
    /// The consistency proof from the size anchored before; empty the first time. At most 65 hashes.
    pub consistency: Vec<Hash>,
}

impl Handler for RecordAccess {
    fn check(&self) -> Result<(), Code> {
        require(self.log_size > 0 && self.consistency.len() <= MAX_HASHES)
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.district()?;
        let before = schema::access_log(context.overlay, district)?;
        let old = before.as_ref().map_or(TreeHead { leaf_count: 0, root: empty_root() }, |log| log.head);
        let head = TreeHead { leaf_count: self.log_size, root: self.root };
        ensure(head.leaf_count > old.leaf_count, Code::AccessLogNotLonger)?;
        let extends = consistency::verify(&old, &head, &self.consistency).is_ok();
        ensure(extends, Code::AccessLogInconsistent)?;
        let anchors = before.map_or(0, |log| log.anchors).saturating_add(1);
        let at = Moment { height: context.facts.height, time_ms: context.facts.time_ms };
        let log = AccessLog { district, head, anchors, by: context.sender.account, at };
        schema::write(context.overlay, schema::access_log_key(district), &log);
        Ok(vec![Event::AccessRecorded { district, log_size: self.log_size, root: self.root }])
    }
}
