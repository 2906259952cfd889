//! The ledger's records as JSON has them: a form for each, from which the description of the API tells their fields.
//!
//! Answers hold the ledger's own types, whose canonical bytes are certified and which know of no description; `value_type` names
//! the form in their place. A form has its record's fields, with texts and numbers for the ledger's newtypes, and its name, except
//! where an answer already has that. Invariant: a record and its form write the same JSON (`tests` has every field and every variant
//! of each). Absent: rules, which the ledger's types check; a form checks nothing.

mod access;
mod chain;
mod change;
mod event;
mod genesis;
mod members;
mod places;
mod report;
mod resources;
mod rows;
#[cfg(test)]
mod tests;
mod twin;

pub use access::{
    AccessEntry, AccessLog, Basis, ConsentChoice, ConsentWord, Denial, Purpose, Relation, Verdict,
};
pub use chain::{
    Equivocation, Misbehaviour, Moment, Offence, Params, Peer, Said, SignedStatement, TreeHead, Validator,
    ValidatorInfo, WaitingValidator,
};
pub use change::{Change, Choice, NewDistrict, NodeRequest, Proposal, ProposalStatus};
pub use event::{Arrival, Escalation, Event, Finding, RefusedEntry, Shortage};
pub use genesis::{Genesis, GenesisDistrict, GenesisMember, GenesisSchool, GenesisSource, GenesisValidator};
pub use members::{Member, MemberStanding, Role};
pub use places::{Closing, Described, District, Position, School};
pub use report::{
    CellCounts, MandatesMet, PoolDemand, PublishedCell, PublishedGroups, PublishedPrice, PublishedReport,
};
pub use resources::{
    Budget, Cadence, Calendar, Class, ClassTerms, DecisionStanding, DefineClass, FairShare, PoolRecord,
    RoundStatus, Window,
};
pub use rows::{Claims, DecisionRow, Mandate, Placement, RecordsSay, RequestRow};
pub use twin::{
    InputKind, KindRule, NeedInput, NeedRule, Rates, ScoreScale, Thresholds, TwinParameters, TwinVersion,
};
