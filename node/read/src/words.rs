//! Events of receipts and kinds of transactions in sentences. What is withheld from the public ([`publish`]) is not said either.

use aula_ledger::tx::{Event, PayloadKind};
use aula_ledger::types::Cents;
use serde::Serialize;
use serde_json::Value;

use super::publish::{self, Count};

/// What a kind of transaction does, in a few words.
pub const fn kind(kind: PayloadKind) -> &'static str {
    match kind {
        PayloadKind::RegisterMember => "Candidate named",
        PayloadKind::ProposeChange => "Change proposed",
        PayloadKind::VoteChange => "Vote",
        PayloadKind::RotateKey => "Key replaced",
        PayloadKind::RecordAccess => "Access log anchored",
        PayloadKind::Ready => "Validator ready",
        PayloadKind::ChangeSchool => "School changed",
        PayloadKind::AnchorEstate => "Building anchored",
        PayloadKind::ReportMisbehaviour => "Misbehaviour of a validator recorded",
        PayloadKind::AnchorHead => "Head of another consortium anchored",
        PayloadKind::AnchorStates => "Student states anchored",
        PayloadKind::RecordMilestone => "Milestone recorded",
        PayloadKind::RecordConsent => "Consents recorded",
        PayloadKind::RecordErasure => "Students erased",
        PayloadKind::RecordAudit => "Audit recorded",
        PayloadKind::TakeRows => "Rows taken by an auditor",
        PayloadKind::FundBudget => "Budget funded",
        PayloadKind::GrantBudget => "Budget granted to a steward",
        PayloadKind::BudgetStatement => "Budget stated",
        PayloadKind::EquityStatement => "Fair floor proved",
        PayloadKind::DefineClass => "Class defined",
        PayloadKind::DefinePool => "Pool opened",
        PayloadKind::OpenRound => "Round opened",
        PayloadKind::CommitSeed => "Lottery share sealed",
        PayloadKind::SubmitRequests => "Requests submitted",
        PayloadKind::RevealSeed => "Lottery share revealed",
        PayloadKind::RunRound => "Round decided",
        PayloadKind::Acknowledge => "Places acknowledged",
        PayloadKind::RetirePool => "Pool taken away",
        PayloadKind::ReportUtilisation => "Use reported",
        PayloadKind::SetClassTerms => "Class terms set",
    }
}

/// What a kind of this name does; the name itself for one that this program does not know.
pub fn kind_by_name(name: &str) -> &str {
    match PayloadKind::named(name) {
        Some(known) => kind(known),
        None => name,
    }
}

/// An event in a sentence.
pub fn event(event: &Event, min_cell: u32) -> String {
    let withheld = publish::withheld(event, min_cell);
    let count = |which: Count, n: String| if withheld.contains(&which) { "(withheld)".to_owned() } else { n };
    match event {
        Event::MemberRegistered { account } => {
            format!("Account {account} is known as a candidate; a vote may admit it.")
        }
        Event::ChangeProposed { proposal } => format!("Proposal {proposal} may be voted on."),
        Event::ChangeVoted { proposal, approvals, members } => {
            format!("A vote on proposal {proposal}: {approvals} of {members} members for it.")
        }
        Event::ChangeApplied { proposal, in_force } => {
            format!("Proposal {proposal} was agreed and is in force from height {in_force}.")
        }
        Event::ChangeRefused { proposal } => format!("Proposal {proposal} was refused."),
        Event::KeyRotated { account } => format!("Account {account} has a new key."),
        Event::AccessRecorded { district, log_size, .. } => {
            format!("District {district} anchored its access log of {log_size} entries.")
        }
        Event::AccessLogEnded { district, log_size, .. } => format!(
            "The access log of district {district} ended at {log_size} entries and another begins: its vault was restored and had lost entries."
        ),
        Event::EstateAnchored { district, building, version, leaf_count, .. } => format!(
            "District {district} anchored version {version} of building {building}: {leaf_count} rows."
        ),
        Event::MisbehaviourRecorded { validator, height, round } => format!(
            "Validator {validator} signed two things where one is allowed, at height {height}, round {round}: the evidence is on record."
        ),
        Event::HeadAnchored { consortium, height, .. } => {
            format!("Block {height} of the consortium of genesis {consortium} was anchored.")
        }
        Event::ValidatorReady { validator, in_force } => {
            format!("Validator {validator} is ready and votes from height {in_force}.")
        }
        Event::ValidatorRotated { validator, successor, in_force } => {
            format!("Validator {validator} has a new key: from height {in_force} it votes as {successor}.")
        }
        Event::PeerRotated { peer, successor } => {
            format!("The peer {peer} has a new key: it is {successor} now.")
        }
        Event::SchoolChanged { district, school, from_year } => format!(
            "District {district} entered, renamed or closed school {school}, from school year {from_year} on."
        ),
        Event::TwinParametersSet { version, from_year } => {
            format!("Version {version} of the twins' parameters is in force from school year {from_year} on.")
        }
        Event::DistrictAdmitted { district, operator } => {
            format!("District {district} was admitted; account {operator} acts for it.")
        }
        Event::DistrictClosed { district, successor: Some(successor) } => {
            format!("District {district} was closed; district {successor} has its business.")
        }
        Event::DistrictClosed { district, successor: None } => {
            format!("District {district} was closed; nobody has its business.")
        }
        Event::NodeAdmitted { account, .. } => format!(
            "The node of account {account} was admitted: it follows, and votes once it has said that it is ready."
        ),
        Event::StatesAnchored { district, school_year, leaves } => format!(
            "District {district} anchored {} student states of school year {school_year}, as hashes.",
            count(Count::Leaves, leaves.to_string())
        ),
        Event::MilestoneRecorded { number, .. } => {
            format!("A student's milestone number {number} was recorded.")
        }
        Event::ConsentRecorded { district, entries, choice, .. } => format!(
            "District {district} recorded that {} families' consent was {}.",
            count(Count::Entries, entries.to_string()),
            spoken(choice)
        ),
        Event::ErasureRecorded { district, handles, .. } => format!(
            "District {district} recorded the erasure of {} students.",
            count(Count::Handles, handles.to_string())
        ),
        Event::RowsTaken { round, times } => format!(
            "An auditor took the rows of round {round} ({}): who asked, under pseudonyms, and what each got.",
            match times {
                1 => "for the first time".to_owned(),
                times => format!("taken {times} times"),
            }
        ),
        Event::AuditRecorded { round, finding, .. } => {
            format!("An auditor recorded for round {round}: {}.", spoken(finding))
        }
        Event::BudgetFunded { school_year, funded_cents, .. } => {
            format!("The budget of school year {school_year} was funded to {} in all.", money(*funded_cents))
        }
        Event::BudgetGranted { class, granted_cents, spent_cents, .. } => format!(
            "The steward of class {class} may charge {} in all to a funder's budget; {} of it is spent.",
            money(*granted_cents),
            money(*spent_cents)
        ),
        Event::BudgetStated { school_year, total_cents, .. } => format!(
            "The budget of school year {school_year} was stated by school, as commitments that sum to {}.",
            money(*total_cents)
        ),
        Event::EquityStated { round, floor_cents, .. } => format!(
            "It was proved that every school has at least {floor_cents} cents for each hundredth of a weighted pupil (round {round})."
        ),
        Event::ClassDefined { class } => format!("Class {class} was defined."),
        Event::ClassTermsSet { class } => format!("Class {class} has new terms."),
        Event::PoolDefined { pool, charged_cents } => {
            format!("Pool {pool} was opened; {} charged to its budget.", money(*charged_cents))
        }
        Event::PoolRetired { pool, refunded_cents } => {
            format!("Pool {pool} was taken away; {} went back to its budget.", money(*refunded_cents))
        }
        Event::RoundCancelled { round } => format!("The open round {round} was cancelled by vote."),
        Event::StewardReplaced { class, steward } => {
            format!("Class {class} has another steward: account {steward}.")
        }
        Event::RoundOpened { round, requests_until, requests_until_ms } => format!(
            "Round {round} is open: requests until height {requests_until} and {} at least.",
            crate::utc(requests_until_ms.0)
        ),
        Event::SeedCommitted { round } => format!("A share of round {round}'s seed was committed to."),
        Event::SeedRevealed { round } => format!("A share of round {round}'s seed was revealed."),
        Event::RequestsTaken { round, .. } => {
            format!("Requests for round {round} were taken; how many is shown once it is decided.")
        }
        Event::RoundDecided { round, requests, placed, waitlisted, objective, gap_ppm, .. } => format!(
            "Round {round} was decided: {} requests, {} placed, {} waiting; weighted cost {}, {}.",
            count(Count::Requests, grouped((*requests).into())),
            count(Count::Placed, grouped((*placed).into())),
            count(Count::Waitlisted, grouped((*waitlisted).into())),
            u64::try_from(*objective).map_or_else(|_| objective.to_string(), grouped),
            proof(*gap_ppm)
        ),
        Event::RoundInfeasible { round, short, .. } => {
            format!("Round {round} cannot be met: {short} places or students are missing.")
        }
        Event::Acknowledged { round, pool, arrival, .. } => {
            format!("Pool {pool} of round {round}: {}.", spoken(arrival))
        }
        Event::DecisionReverted { round, freed, .. } => format!(
            "The decision of round {round} was taken back; {} places are free again.",
            count(Count::Freed, freed.to_string())
        ),
        Event::UtilisationReported { pool, in_use, capacity, .. } => format!(
            "Pool {pool}: {} of {capacity} places are in use.",
            count(Count::InUse, in_use.to_string())
        ),
    }
}

/// Whether a gap means the optimum.
fn proof(gap_ppm: u32) -> String {
    match gap_ppm {
        0 => "proved optimal".into(),
        gap => format!("proved within {gap} parts per million"),
    }
}

/// A word of the ledger, as JSON has it, with spaces.
fn spoken(word: &impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text.replace('_', " "),
        _ => "(unknown)".into(),
    }
}

fn money(cents: Cents) -> String {
    amount(cents.0)
}

/// Cents as an amount with two decimals and thousands apart.
pub fn amount(cents: u64) -> String {
    format!("{}.{:02}", grouped(cents / 100), cents % 100)
}

/// A number with its thousands apart.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::access::{ConsentChoice, Purpose};
    use aula_ledger::tx::Finding;
    use aula_ledger::types::{DistrictId, Handle, Hash, PoolId, RoundId, SchoolYear};

    const MIN_CELL: u32 = 10;
    /// A count below the limit; no other number of these events has the digit.
    const FEW: u32 = 7;

    fn decided(waitlisted: u32) -> Event {
        let (requests, placed) = (1_000, 1_000 - waitlisted);
        let (objective, gap_ppm, seed) = (1_200, 0, Hash([1; 32]));
        Event::RoundDecided { round: RoundId(3), requests, placed, waitlisted, objective, gap_ppm, seed }
    }

    #[test]
    fn withheld_counts_stay_withheld_in_words() {
        assert_eq!(
            event(&decided(FEW), MIN_CELL),
            "Round 3 was decided: 1,000 requests, (withheld) placed, (withheld) waiting; weighted cost 1,200, proved optimal."
        );
        assert_eq!(
            event(&decided(40), MIN_CELL),
            "Round 3 was decided: 1,000 requests, 960 placed, 40 waiting; weighted cost 1,200, proved optimal."
        );
    }

    #[test]
    fn no_sentence_says_a_small_count_or_a_handle() {
        let (district, round, pool, school_year) = (DistrictId(1), RoundId(3), PoolId(2), SchoolYear(2026));
        let handle = Handle([0x77; 32]);
        let (purpose, choice) = (Purpose::ResourceAllocation, ConsentChoice::Given);
        let of_few = [
            decided(FEW),
            Event::DecisionReverted { round, freed: FEW, standing: None },
            Event::RequestsTaken { round, counted: FEW, repeated: FEW, refused: Vec::new() },
            Event::StatesAnchored { district, school_year, leaves: FEW },
            Event::UtilisationReported { pool, in_use: FEW, capacity: 20, demand: None },
            Event::ConsentRecorded { district, school_year, purpose, choice, entries: FEW },
            Event::ErasureRecorded { district, school_year, handles: FEW },
            Event::MilestoneRecorded { handle, number: 1 },
            Event::AuditRecorded { round, district, handle, finding: Finding::Withheld },
        ];
        for one in &of_few {
            let said = event(one, MIN_CELL);
            assert!(!said.contains('7') && !said.contains("993"), "{said}");
        }
        let anchored = Event::StatesAnchored { district, school_year, leaves: 70 };
        assert_eq!(
            event(&anchored, MIN_CELL),
            "District 1 anchored 70 student states of school year 2026, as hashes."
        );
    }

    #[test]
    fn a_log_that_ended_and_a_finding_are_told() {
        let (district, epoch, log_size, root) = (DistrictId(1), 0, 12, Hash([1; 32]));
        assert_eq!(
            event(&Event::AccessLogEnded { district, epoch, log_size, root }, MIN_CELL),
            "The access log of district 1 ended at 12 entries and another begins: its vault was restored and had lost entries."
        );
        let (round, handle, finding) = (RoundId(3), Handle([1; 32]), Finding::ErasedAfterDraw);
        assert_eq!(
            event(&Event::AuditRecorded { round, district, handle, finding }, MIN_CELL),
            "An auditor recorded for round 3: erased after draw."
        );
    }

    #[test]
    fn a_kind_is_told_by_its_name_and_an_unknown_one_is_its_name() {
        assert_eq!((kind_by_name("RunRound"), kind_by_name("Later")), ("Round decided", "Later"));
    }

    #[test]
    fn amounts_have_two_decimals_and_groups_of_three() {
        assert_eq!((amount(5).as_str(), amount(123_456_789).as_str()), ("0.05", "1,234,567.89"));
        assert_eq!((grouped(999).as_str(), grouped(1_000).as_str()), ("999", "1,000"));
    }
}
