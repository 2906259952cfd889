//! Records of files that nest: one small tree a record, whichever form it came in.

use crate::reading::Fault;

mod node;
mod xml;

pub(crate) use node::Node;
pub(crate) use xml::{Attributes, declared_encoding, records};

/// A record as its file gives it, or why it is none.
pub(crate) type Record = Result<Node, Fault>;
