//! A school's replica and its district: what each has that the other lacks, found and sent in proportion to the difference.
//!
//! | module | is |
//! |---|---|
//! | [`difference`] | two sets of numbers compared by fingerprints of their parts, without knowing each other |
//! | [`scope`] | the events of the replica's students as such a set |
//! | [`wire`] | what is asked and answered, as bytes |
//! | [`clients`] | the replicas that a district has registered |
//! | [`entering`] | what came, into the vault: through the node's pipeline where there is one |
//! | [`served`] | the district's side: an HTTP listener |
//! | `judging` | what of a replica's bringing is taken in, and how students stand |
//! | `places` | how many requests are answered at once, and of one replica |
//! | `numbering` | what was numbered for each replica and year |
//! | `refusal` | what is answered instead |
//! | [`people`] | the roster that a replica is told |
//! | [`district`] | the district as its replica speaks to it |
//! | [`asking`] | the replica's side: one levelling |
//! | [`standing`] | how a school's levelling stands, and how many were cut |
//! | `bringing` | events to the district, and what became of each |
//! | `records` | the record store's statements and documents as such a set |
//! | `recorded` | what was numbered of each replica's records |
//! | `carrying` | records to the district, and what became of each |
//! | `receiving` | what of a replica's records is taken in |
//! | `years` | what was heard in other school years than the roster's |
//! | `leaving` | who left goes, after all that was heard is home |
//!
//! Flow of a levelling, begun by the replica: `begin` (who its students are, from which feeds it may bring events) → `compare`, a few
//! times → `bring` what the district lacks → `fetch` what the replica lacks → again, until both have one root → `compare_records`,
//! `bring_records` and `let_go`, where the district lacks records. Invariants: nothing
//! is remembered of a levelling that was cut but what is in the vaults, so that the next one finds what is left; events of the
//! replica's own feeds are merged, of all others the replica has what the district has; an event is on disk before it counts
//! as sent. Absent: TLS, which a proxy ends; what stays of two events ([`aula_district::merge`]).

pub mod asking;
mod bringing;
mod carrying;
pub mod clients;
pub mod difference;
pub mod district;
pub mod entering;
mod judging;
mod leaving;
mod numbering;
pub mod people;
mod places;
mod receiving;
mod recorded;
mod records;
mod refusal;
pub mod scope;
pub mod served;
pub mod standing;
#[cfg(test)]
mod tests;
pub mod wire;
mod years;
