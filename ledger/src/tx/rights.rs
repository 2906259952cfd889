//! THE table who may send what. Every right to send a transaction stands here and nowhere else; a handler only narrows it
//! (a district to its own students, a funder to its own budget, a steward to its own classes).

use super::{Change, Payload, PayloadKind};
use crate::protocol::Protocol;
use crate::roles::{Role, RoleSet};

/// Who may be a class's steward.
pub const STEWARDS: RoleSet = RoleSet::of(&[Role::Consortium, Role::District, Role::Funder]);

/// Whether blocks of a protocol may hold a transaction: what came later, older programs cannot decode, be it a kind of
/// transaction or a kind of change that one proposes. New ones get a row here, and a protocol.
pub fn is_in(protocol: Protocol, payload: &Payload) -> bool {
    match payload {
        Payload::ReportMisbehaviour(_) => protocol.records_misbehaviour(),
        Payload::AnchorEstate(_) => protocol.anchors_estates(),
        Payload::AnchorHead(_) => protocol.anchors_heads(),
        Payload::ProposeChange(proposal) => {
            !matches!(proposal.change, Change::AdmitConsortium { .. }) || protocol.anchors_heads()
        }
        _ => true,
    }
}

/// The table who may send what: a sender needs one of these roles.
pub const fn senders(kind: PayloadKind) -> RoleSet {
    use Role::{Auditor, Consortium, District, Funder, School, Seed};
    match kind {
        PayloadKind::RegisterMember | PayloadKind::ProposeChange | PayloadKind::VoteChange => {
            RoleSet::of(&[Consortium])
        }
        // Evidence speaks for itself, whoever brings it: a validator's node does, by its own account.
        PayloadKind::ReportMisbehaviour => RoleSet::of(&Role::ALL),
        // Of whatever consortium: the certificate speaks.
        PayloadKind::AnchorHead => RoleSet::of(&[Consortium]),
        // Of a node, its operator alone.
        PayloadKind::RotateKey | PayloadKind::Ready => RoleSet::of(&Role::MEMBERS),
        // Of its own schools and buildings.
        PayloadKind::ChangeSchool | PayloadKind::AnchorEstate => RoleSet::of(&[District]),
        PayloadKind::AnchorStates
        | PayloadKind::RecordMilestone
        | PayloadKind::RecordConsent
        | PayloadKind::RecordErasure
        | PayloadKind::RecordAccess
        | PayloadKind::SubmitRequests => RoleSet::of(&[District]),
        PayloadKind::RecordAudit | PayloadKind::TakeRows => RoleSet::of(&[Auditor]),
        PayloadKind::FundBudget
        | PayloadKind::GrantBudget
        | PayloadKind::BudgetStatement
        | PayloadKind::EquityStatement => RoleSet::of(&[Funder]),
        PayloadKind::DefineClass => RoleSet::of(&[Consortium]),
        // Of a class, its steward alone.
        PayloadKind::OpenRound
        | PayloadKind::SetClassTerms
        | PayloadKind::DefinePool
        | PayloadKind::RetirePool => STEWARDS,
        PayloadKind::Acknowledge => RoleSet::of(&[Consortium, District, School]),
        PayloadKind::ReportUtilisation => RoleSet::of(&[District, School]),
        PayloadKind::CommitSeed | PayloadKind::RevealSeed => RoleSet::of(&[Seed]),
        PayloadKind::RunRound => RoleSet::of(&[Consortium, District, School, Funder]),
    }
}
