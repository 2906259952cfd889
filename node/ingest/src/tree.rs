//! Records of files that nest: one small tree a record, whichever form it came in.

use crate::reading::{Fault, Place, Reading, TooManyRows};

mod node;
mod xml;

pub(crate) use node::Node;
pub(crate) use xml::{Attributes, declared_encoding, records};

/// A record as its file gives it, or why it is not a record.
pub(crate) type Record = Result<Node, Fault>;

impl Reading {
    /// A record's node; none of one that could not be read, which is refused in its place.
    pub(crate) fn node(&mut self, place: Place, record: Record) -> Result<Option<Node>, TooManyRows> {
        self.room()?;
        Ok(record.map_err(|fault| self.refuse(place, None, fault)).ok())
    }
}
