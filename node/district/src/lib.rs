//! A district's work, whoever does it: a command, a feed, the demo.
//!
//! | module | is |
//! |---|---|
//! | [`parameters`] | the twins' parameters in use |
//! | [`portable`] | all of a district's data in open formats, and twins rebuilt from them |
//! | [`import`] | what other systems export, into the vault, and back out of it |
//! | [`event_place`] | where an event stands among its student's |
//! | [`enter`] | an event enters the vault, exactly once, whoever brings it |
//! | [`merge`] | an event that another vault of the district kept first enters this one |
//! | [`live`] | twins in memory, brought up to date as events enter |
//! | [`levels`] | mastery by unit and day, for a heatmap |
//! | [`amended`] | what an amendment changed of a student |
//! | [`twin_state`] | what is anchored of a state, and the fields that readers ask for |
//! | [`twin_record`] | what the vault keeps of a twin, and its reading for a proof |
//! | [`keep`] | folding, sealing into the vault, and the transactions that anchor |
//! | [`interventions`] | what opens and closes by itself, and its effect |
//! | [`wishes`] | what students wish for, from an operator's file |
//! | [`asking`] | from a wish to the student's anchored state, and what is to be proved of it |
//! | [`requests`] | need bands proved for a round |
//! | [`decided`] | what a round decided for its own students, in words |
//! | [`hours`] | how many of a school's students used a resource in an hour |
//! | [`milestones`] | mastery proved of an anchored state |
//! | [`milestone_book`] | which milestones are due, and which stand on the ledger |
//! | [`alert_book`] | what the service told people of, once a place, and who knows |
//! | [`statements`] | a year's money by school, stated as commitments and proved to be what was charged |
//! | [`disclosure`] | what an auditor gets of one student and one version |
//! | [`sentiment`] | the one number that leaves a written response |
//! | [`inputs`] | inputs of the need rule from an operator's file |
//! | [`office`] | a district's open vault, and what its commands do with it, one call each |
//! | [`origin`] | where an event came from, sealed beside it |
//! | [`cores`] | the same work for each of many, on all cores |
//!
//! Flow: events in the vault → [`keep::fold`] → [`keep::Kept::of`] → [`keep::keep`], synced → `AnchorStates` → requests of
//! a round. Invariants: the vault knows a state before the ledger does; secrets and openings never leave. Absent: sending,
//! which is `aula-client`'s, and deciding who may read, which is `aula_vault::access`'s alone.

pub mod alert_book;
pub mod amended;
pub mod asking;
pub mod cores;
pub mod decided;
pub mod disclosure;
pub mod enter;
pub mod event_place;
pub mod hours;
pub mod import;
pub mod inputs;
pub mod interventions;
pub mod keep;
pub mod levels;
pub mod live;
pub mod merge;
pub mod milestone_book;
pub mod milestones;
pub mod office;
pub mod origin;
pub mod parameters;
pub mod portable;
pub mod requests;
pub mod sentiment;
pub mod statements;
pub mod twin_record;
pub mod twin_state;
pub mod wishes;
