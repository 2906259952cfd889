//! Events of receipts in sentences, from their public form: what is withheld there is not known here.

use aula_api::PublicEvent;
use serde_json::Value;

/// What a kind of transaction does, in a few words.
pub fn kind(name: &str) -> &str {
    match name {
        "RegisterMember" => "Candidate named",
        "ProposeChange" => "Change proposed",
        "VoteChange" => "Vote",
        "RotateKey" => "Key replaced",
        "RecordAccess" => "Access log anchored",
        "Ready" => "Validator ready",
        "ChangeSchool" => "School changed",
        "AnchorEstate" => "Building anchored",
        "ReportMisbehaviour" => "Misbehaviour of a validator recorded",
        "AnchorHead" => "Head of another consortium anchored",
        "AnchorStates" => "Student states anchored",
        "RecordMilestone" => "Milestone recorded",
        "RecordConsent" => "Consents recorded",
        "RecordErasure" => "Students erased",
        "RecordAudit" => "Audit recorded",
        "TakeRows" => "Rows taken by an auditor",
        "FundBudget" => "Budget funded",
        "GrantBudget" => "Budget granted to a steward",
        "BudgetStatement" => "Budget stated",
        "EquityStatement" => "Fair floor proved",
        "DefineClass" => "Class defined",
        "DefinePool" => "Pool opened",
        "OpenRound" => "Round opened",
        "CommitSeed" => "Lottery share sealed",
        "SubmitRequests" => "Requests submitted",
        "RevealSeed" => "Lottery share revealed",
        "RunRound" => "Round decided",
        "Acknowledge" => "Places acknowledged",
        "RetirePool" => "Pool taken away",
        "ReportUtilisation" => "Use reported",
        "SetClassTerms" => "Class terms set",
        other => other,
    }
}

/// An event in a sentence.
pub fn event(event: &PublicEvent) -> String {
    let name = event.name();
    let n = |field: &str| number(&event[field]);
    let t = |field: &str| text(&event[field]);
    match name {
        "member_registered" => {
            format!("Account {} is known as a candidate; a vote may admit it.", t("account"))
        }
        "change_proposed" => format!("Proposal {} may be voted on.", n("proposal")),
        "change_voted" => {
            format!(
                "A vote on proposal {}: {} of {} members for it.",
                n("proposal"),
                n("approvals"),
                n("members")
            )
        }
        "change_applied" => {
            format!("Proposal {} was agreed and is in force from height {}.", n("proposal"), n("in_force"))
        }
        "change_refused" => format!("Proposal {} was refused.", n("proposal")),
        "key_rotated" => format!("Account {} has a new key.", t("account")),
        "access_recorded" => {
            format!("District {} anchored its access log of {} entries.", n("district"), n("log_size"))
        }
        "estate_anchored" => format!(
            "District {} anchored version {} of building {}: {} rows.",
            n("district"),
            n("version"),
            t("building"),
            n("leaf_count")
        ),
        "misbehaviour_recorded" => format!(
            "Validator {} signed two things where one is allowed, at height {}, round {}: the evidence is on record.",
            t("validator"),
            n("height"),
            n("round")
        ),
        "head_anchored" => {
            format!("Block {} of the consortium of genesis {} was anchored.", n("height"), t("consortium"))
        }
        "validator_ready" => {
            format!("Validator {} is ready and votes from height {}.", t("validator"), n("in_force"))
        }
        "validator_rotated" => format!(
            "Validator {} has a new key: from height {} it votes as {}.",
            t("validator"),
            n("in_force"),
            t("successor")
        ),
        "peer_rotated" => format!("The peer {} has a new key: it is {} now.", t("peer"), t("successor")),
        "school_changed" => format!(
            "District {} entered, renamed or closed school {}, from school year {} on.",
            n("district"),
            n("school"),
            n("from_year")
        ),
        "twin_parameters_set" => format!(
            "Version {} of the twins' parameters is in force from school year {} on.",
            n("version"),
            n("from_year")
        ),
        "district_admitted" => {
            format!("District {} was admitted; account {} acts for it.", n("district"), t("operator"))
        }
        "district_closed" => match event["successor"].as_u64() {
            Some(successor) => {
                format!("District {} was closed; district {successor} has its business.", n("district"))
            }
            None => format!("District {} was closed; nobody has its business.", n("district")),
        },
        "node_admitted" => format!(
            "The node of account {} was admitted: it follows, and votes once it has said that it is ready.",
            t("account")
        ),
        "states_anchored" => format!(
            "District {} anchored {} student states of school year {}, as hashes.",
            n("district"),
            n("leaves"),
            n("school_year")
        ),
        "milestone_recorded" => format!("A student's milestone number {} was recorded.", n("number")),
        "consent_recorded" => format!(
            "District {} recorded that {} families' consent was {}.",
            n("district"),
            n("entries"),
            t("choice")
        ),
        "erasure_recorded" => {
            format!("District {} recorded the erasure of {} students.", n("district"), n("handles"))
        }
        _ => resources(name, event),
    }
}

fn resources(name: &str, event: &PublicEvent) -> String {
    let n = |field: &str| number(&event[field]);
    let large = |field: &str| event[field].as_u64().map_or_else(|| number(&event[field]), grouped);
    let t = |field: &str| text(&event[field]);
    match name {
        "rows_taken" => format!(
            "An auditor took the rows of round {} ({}): who asked, under pseudonyms, and what each got.",
            n("round"),
            match event["times"].as_u64() {
                Some(1) => "for the first time".to_owned(),
                _ => format!("taken {} times", n("times")),
            }
        ),
        "audit_recorded" => format!("An auditor recorded for round {}: {}.", n("round"), t("finding")),
        "budget_funded" => format!(
            "The budget of school year {} was funded to {} in all.",
            n("school_year"),
            money(&event["funded_cents"])
        ),
        "budget_granted" => format!(
            "The steward of class {} may charge {} in all to a funder's budget; {} of it is spent.",
            n("class"),
            money(&event["granted_cents"]),
            money(&event["spent_cents"])
        ),
        "budget_stated" => format!(
            "The budget of school year {} was stated by school, as commitments that sum to {}.",
            n("school_year"),
            money(&event["total_cents"])
        ),
        "equity_stated" => format!(
            "It was proved that every school has at least {} cents for each hundredth of a weighted pupil (round {}).",
            n("floor_cents"),
            n("round")
        ),
        "class_defined" => format!("Class {} was defined.", n("class")),
        "class_terms_set" => format!("Class {} has new terms.", n("class")),
        "pool_defined" => {
            format!(
                "Pool {} was opened; {} charged to its budget.",
                n("pool"),
                money(&event["charged_cents"])
            )
        }
        "pool_retired" => format!(
            "Pool {} was taken away; {} went back to its budget.",
            n("pool"),
            money(&event["refunded_cents"])
        ),
        "round_cancelled" => format!("The open round {} was cancelled by vote.", n("round")),
        "steward_replaced" => format!("Class {} has another steward: account {}.", n("class"), t("steward")),
        "round_opened" => format!(
            "Round {} is open: requests until height {} and {} at least.",
            n("round"),
            n("requests_until"),
            event["requests_until_ms"].as_u64().map_or_else(String::new, crate::utc)
        ),
        "seed_committed" => format!("A share of round {}'s seed was committed to.", n("round")),
        "seed_revealed" => format!("A share of round {}'s seed was revealed.", n("round")),
        "requests_taken" => {
            format!("Requests for round {} were taken; how many is shown once it is decided.", n("round"))
        }
        "round_decided" => format!(
            "Round {} was decided: {} requests, {} placed, {} waiting; weighted cost {}, {}.",
            n("round"),
            large("requests"),
            large("placed"),
            large("waitlisted"),
            large("objective"),
            proof(&event["gap_ppm"])
        ),
        "round_infeasible" => {
            format!("Round {} cannot be met: {} places or students are missing.", n("round"), n("short"))
        }
        "acknowledged" => format!("Pool {} of round {}: {}.", n("pool"), n("round"), t("arrival")),
        "decision_reverted" => format!(
            "The decision of round {} was taken back; {} places are free again.",
            n("round"),
            n("freed")
        ),
        "utilisation_reported" => {
            format!("Pool {}: {} of {} places are in use.", n("pool"), n("in_use"), n("capacity"))
        }
        other => format!("{}.", other.replace('_', " ")),
    }
}

/// Whether a gap means the optimum.
fn proof(gap_ppm: &Value) -> String {
    match gap_ppm.as_u64() {
        Some(0) => "proved optimal".into(),
        gap => format!("proved within {} parts per million", gap.unwrap_or_default()),
    }
}

fn number(value: &Value) -> String {
    match value {
        Value::Null => "(withheld)".into(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| "(unknown)".into(), |text| text.replace('_', " "))
}

/// Cents as an amount with two decimals and thousands apart.
pub fn money(cents: &Value) -> String {
    cents.as_u64().map_or_else(|| "(withheld)".into(), amount)
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
    use serde_json::json;

    #[test]
    fn withheld_counts_stay_withheld_in_words() -> serde_json::Result<()> {
        let event = |value| serde_json::from_value(value).map(|public| event(&public));
        let decided = json!({ "event": "round_decided", "round": 3, "requests": 40, "placed": null,
            "waitlisted": null, "objective": 7, "gap_ppm": 0 });
        assert_eq!(
            event(decided)?,
            "Round 3 was decided: 40 requests, (withheld) placed, (withheld) waiting; weighted cost 7, proved optimal."
        );
        assert_eq!(event(json!({ "event": "something_new" }))?, "something new.");
        Ok(())
    }

    #[test]
    fn every_kind_of_transaction_has_a_name_for_people() {
        for known in aula_ledger::tx::PayloadKind::ALL {
            assert_ne!(kind(known.name()), known.name());
        }
    }

    #[test]
    fn amounts_have_two_decimals_and_groups_of_three() {
        assert_eq!((amount(5).as_str(), amount(123_456_789).as_str()), ("0.05", "1,234,567.89"));
        assert_eq!((grouped(999).as_str(), grouped(1_000).as_str()), ("999", "1,000"));
    }
}
