//! A record of the ledger and its form write the same JSON.
//!
//! Each sample has every field, with a value, and each variant stands in one. A field that the ledger gets later is missing from its
//! sample, and what a form lacks is missing from what the form writes.

use aula_ledger::chain::{misbehaviour, validators};
use aula_ledger::keys::PublicKey;
use aula_ledger::state::schema;
use aula_ledger::types::Height;
use aula_ledger::{access, genesis, params, position, proof, roles, rounds, twin, tx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

type Tested = serde_json::Result<()>;

/// What the record of the ledger writes, having read the sample, and what its form does: the sample.
fn alike<Record, Form>(sample: &Value) -> Tested
where
    Record: Serialize + DeserializeOwned,
    Form: Serialize + DeserializeOwned,
{
    let record: Record = serde_json::from_value(sample.clone())?;
    assert_eq!(serde_json::to_value(record)?, *sample, "the ledger's record writes something else");
    let form: Form = serde_json::from_value(sample.clone())?;
    assert_eq!(serde_json::to_value(form)?, *sample, "the form writes something else");
    Ok(())
}

/// The same of each.
fn all_alike<Record, Form>(samples: &[Value]) -> Tested
where
    Record: Serialize + DeserializeOwned,
    Form: Serialize + DeserializeOwned,
{
    samples.iter().try_for_each(alike::<Record, Form>)
}

/// Both have the same variants: what each says of one that is none of its own names all.
fn of_one_choice<Record, Form>(none: &Value)
where
    Record: DeserializeOwned,
    Form: DeserializeOwned,
{
    let record = serde_json::from_value::<Record>(none.clone()).err().map(|error| error.to_string());
    let form = serde_json::from_value::<Form>(none.clone()).err().map(|error| error.to_string());
    assert!(record.as_ref().is_some_and(|error| error.contains("expected")), "{none} {record:?}");
    assert_eq!(record, form);
}

fn hash() -> String {
    "ab".repeat(32)
}

fn account() -> String {
    "cd".repeat(20)
}

fn signature() -> String {
    "ef".repeat(64)
}

fn peer_id() -> String {
    "12D3KooW".repeat(6)
}

fn moment() -> Value {
    json!({ "height": 7, "time_ms": 1_700_000_000_000_u64 })
}

fn tree_head() -> Value {
    json!({ "leaf_count": 3, "root": hash() })
}

fn every_parameter() -> serde_json::Result<Value> {
    serde_json::to_value(params::Params::default())
}

fn terms() -> Value {
    json!({
        "fair_share": { "penalty": 5, "min_share_percent": 80 },
        "acknowledge_within_ms": 60_000,
        "cadence": "daily",
    })
}

fn twin_parameters() -> Value {
    json!({
        "thresholds": {
            "mastery_gate_e4": 8_500, "engagement_low_e4": 3_000, "engagement_low_ms": 259_200_000,
            "utilisation_low_e4": 4_000, "support_below_e4": 2_500,
        },
        "rates": {
            "session_e4": 1, "sentiment_e4": 2, "absence_e4": 3, "trend_e4": 4, "attendance_e4": 5,
            "utilisation_e4": 6,
        },
        "assessment_noise_e6": 250_000,
        "scales": [{ "skill": 1, "grade": 3, "mean_e1": 5_000, "deviation_e1": 400 }],
        "kinds": [{ "kind": 2, "subject": 1 }],
        "need": {
            "constant": 10,
            "inputs": [
                { "name": "lunch-free", "kind": "flag", "source": "recorded/4", "weight": 320, "unrecorded": 0 },
                { "name": "reading", "kind": "position", "source": "skill/00001", "weight": -2, "unrecorded": 9 },
            ],
        },
        "skill_graph": hash(),
        "model": hash(),
    })
}

#[test]
fn of_variants() {
    let none = json!("?");
    of_one_choice::<schema::Standing, MemberStanding>(&none);
    of_one_choice::<roles::Role, Role>(&none);
    of_one_choice::<schema::Choice, Choice>(&none);
    of_one_choice::<schema::Cadence, Cadence>(&none);
    of_one_choice::<schema::Mandate, Mandate>(&none);
    of_one_choice::<schema::MandatesMet, MandatesMet>(&none);
    of_one_choice::<schema::Window, Window>(&none);
    of_one_choice::<schema::DecisionStanding, DecisionStanding>(&none);
    of_one_choice::<schema::RecordsSay, RecordsSay>(&none);
    of_one_choice::<schema::Finding, Finding>(&none);
    of_one_choice::<tx::Arrival, Arrival>(&none);
    of_one_choice::<access::Purpose, Purpose>(&none);
    of_one_choice::<access::ConsentChoice, ConsentChoice>(&none);
    of_one_choice::<access::Denial, Denial>(&none);
    of_one_choice::<twin::InputKind, InputKind>(&none);
    of_one_choice::<access::Relation, Relation>(&json!({ "relation": "?" }));
    of_one_choice::<misbehaviour::Said, Said>(&json!({ "said": "?" }));
    of_one_choice::<schema::Change, Change>(&json!({ "change": "?" }));
    of_one_choice::<schema::ProposalStatus, ProposalStatus>(&json!({ "status": "?" }));
    of_one_choice::<schema::RoundStatus, RoundStatus>(&json!({ "status": "?" }));
    of_one_choice::<schema::Placement, Placement>(&json!({ "placement": "?" }));
}

#[test]
fn of_the_chain() -> Tested {
    alike::<schema::Moment, Moment>(&moment())?;
    alike::<proof::TreeHead, TreeHead>(&tree_head())?;
    let set = json!([validators::Validator::new(PublicKey([7; 32]), 2)]);
    alike::<validators::ValidatorSet, Vec<Validator>>(&set)?;
    alike::<schema::ValidatorInfo, ValidatorInfo>(&json!({
        "address": account(), "name": "lake", "operator": account(), "peer_id": peer_id(), "rotated_ms": 9,
        "seed": account(),
    }))?;
    alike::<schema::WaitingValidator, WaitingValidator>(&json!({
        "address": account(), "name": "lake", "public_key": hash(), "power": 1, "operator": account(),
        "peer_id": peer_id(), "seed_key": hash(), "admitted": 7, "admitted_ms": 9,
    }))?;
    alike::<schema::Peer, Peer>(
        &json!({ "peer_id": peer_id(), "listen": "/ip4/192.0.2.7/tcp/8481", "operator": account() }),
    )?;
    alike::<params::Params, Params>(&every_parameter()?)
}

#[test]
fn of_misbehaviour() -> Tested {
    let said = [
        json!({ "said": "prevote", "block": hash() }),
        json!({ "said": "precommit", "block": hash() }),
        json!({ "said": "proposal", "block": hash(), "valid_round": 2 }),
    ];
    let offences = said.map(|said| {
        let statement = json!({ "said": said, "signature": signature() });
        json!({
            "evidence": {
                "genesis": hash(), "public_key": hash(), "height": 7, "round": 1, "first": statement,
                "second": statement,
            },
            "by": account(),
            "at": moment(),
        })
    });
    alike::<schema::Misbehaviour, Misbehaviour>(&json!({ "validator": account(), "offences": offences }))
}

#[test]
fn of_the_consortium() -> Tested {
    for standing in ["candidate", "admitted", "removed"] {
        alike::<schema::Member, Member>(&json!({
            "account": account(), "name": "lake",
            "roles": ["consortium", "district", "school", "funder", "auditor", "reader", "seed"],
            "district": 5, "school": 51, "standing": standing, "since": 7,
        }))?;
    }
    let status = [
        json!({ "status": "open" }),
        json!({ "status": "applied", "height": 8 }),
        json!({ "status": "refused", "height": 8 }),
    ];
    for status in status {
        alike::<schema::Proposal, Proposal>(&json!({
            "proposal": 1, "proposer": account(), "change": { "change": "cancel_round", "round": 3 }, "proposed": 7,
            "open_until": 90, "votes": [[account(), "approve"], [account(), "reject"]], "status": status,
        }))?;
    }
    Ok(())
}

#[test]
fn of_changes() -> Tested {
    let validator = validators::Validator::new(PublicKey([7; 32]), 1);
    let node = json!({
        "name": "lake", "account_key": hash(), "roles": ["district"], "district": { "id": 5, "name": "Lake County" },
        "validator_key": hash(), "seed_key": hash(), "peer_id": peer_id(), "listen": "/ip4/192.0.2.7/tcp/8481",
        "account_signature": signature(), "validator_signature": signature(),
    });
    all_alike::<schema::Change, Change>(&[
        json!({ "change": "admit_member", "account": account() }),
        json!({ "change": "remove_member", "account": account() }),
        json!({ "change": "admit_peer", "peer_id": peer_id(), "listen": "/dns/a.test/tcp/1", "operator": account() }),
        json!({ "change": "remove_peer", "peer_id": peer_id() }),
        json!({
            "change": "add_validator", "name": "lake", "public_key": hash(), "power": 1, "operator": account(),
            "peer_id": peer_id(), "seed_key": hash(),
        }),
        json!({ "change": "remove_validator", "address": account() }),
        json!({ "change": "set_parameters", "params": every_parameter()? }),
        json!({ "change": "set_roles", "account": account(), "roles": ["school"], "district": 5, "school": 51 }),
        json!({ "change": "upgrade", "note": "Aula 0.2.0", "height": 90 }),
        json!({ "change": "replace_steward", "class": 2, "steward": account() }),
        json!({ "change": "revert_decision", "round": 3, "reason": hash() }),
        json!({ "change": "cancel_round", "round": 3 }),
        json!({ "change": "admit_district", "district": 5, "name": "Lake County", "operator": account() }),
        json!({ "change": "close_district", "district": 5, "successor": 6 }),
        json!({ "change": "admit_node", "node": node }),
        json!({
            "change": "replace_validator_key", "address": account(), "public_key": hash(), "possession": signature(),
        }),
        json!({ "change": "switch_protocol", "protocol": 3, "height": 90, "program": "0.2.0" }),
        json!({
            "change": "admit_consortium", "genesis": hash(), "name": "Hill County", "founded_ms": 9,
            "validators": [validator],
        }),
        json!({ "change": "set_twin_parameters", "from_year": 2026, "parameters": twin_parameters() }),
    ])
}

#[test]
fn of_districts_and_schools() -> Tested {
    alike::<schema::District, District>(
        &json!({ "id": 5, "name": "Lake County", "admitted": 7, "closed": { "height": 9, "successor": 6 } }),
    )?;
    let position = json!({ "latitude_e6": 36_162_664, "longitude_e6": -86_781_602 });
    alike::<position::Position, Position>(&position)?;
    alike::<schema::School, School>(&json!({
        "id": 51, "district": 5, "school_type": "rural", "from_year": 2025, "closed_from": 2030,
        "described": [{ "from_year": 2025, "name": "Lakeside", "position": position }],
    }))
}

#[test]
fn of_resources() -> Tested {
    alike::<schema::Budget, Budget>(
        &json!({ "funder": account(), "school_year": 2026, "funded_cents": 9, "charged_cents": 8 }),
    )?;
    for cadence in ["on_demand", "hourly", "daily", "weekly"] {
        let mut terms = terms();
        terms["cadence"] = cadence.into();
        alike::<tx::ClassTerms, ClassTerms>(&terms)?;
    }
    let definition = json!({
        "class": 2, "title": "Learning devices", "school_year": 2026, "kinds": ["tablet", "laptop"],
        "tier_costs": [0, 10, 20], "rank_step": 5, "waitlist_cost": 60,
        "calendar": { "opens_ms": 1, "closes_ms": 2 }, "steward": account(),
    });
    alike::<schema::Class, Class>(&json!({
        "definition": definition, "steward": account(), "terms": terms(), "pools": 3, "retired": 1, "open_round": 4,
        "standing_round": 3, "opened_ms": 9, "last_draw": 3,
    }))?;
    alike::<schema::PoolRecord, PoolRecord>(&json!({
        "pool": 17, "class": 2, "school": 51, "kind": 1, "capacity": 40, "floor": 2, "unit_cost_cents": 30_000,
        "funder": account(), "steward": account(), "defined": 7, "retired": 9,
    }))?;
    all_alike::<schema::RoundStatus, RoundStatus>(&[
        json!({ "status": "open" }),
        json!({ "status": "decided", "height": 8 }),
        json!({ "status": "given_up", "height": 8 }),
    ])
}

#[test]
fn of_rows() -> Tested {
    for mandate in ["none", "mandated"] {
        alike::<schema::RequestRow, RequestRow>(&json!({
            "district": 5, "handle": hash(), "home_school": 51, "band": 9, "mandate": mandate, "kinds": [1, 0],
            "state_row": hash(), "inputs": [hash()],
        }))?;
    }
    let placements = [
        json!({ "placement": "waitlist" }),
        json!({ "placement": "pool", "pool": 17, "rank": 0, "tier": 2 }),
    ];
    for placement in placements {
        alike::<schema::DecisionRow, DecisionRow>(
            &json!({ "placement": placement, "weight": 141, "cost": 1_410 }),
        )?;
    }
    alike::<tx::Claims, Claims>(
        &json!({ "existence": "not_seen", "enrolment": "confirm", "mandate": "contradict", "inputs": "withheld" }),
    )
}

#[test]
fn of_reports() -> Tested {
    let counts =
        json!({ "students": 40, "first_choice": 20, "waitlisted": 10, "placed_per_weighted_pupil_e6": 9 });
    let groups = json!({
        "cells": [{ "group": 5, "counts": counts }], "first_choice_ratio_ppm": 900_000, "placed_ratio_ppm": 800_000,
    });
    for mandates_met in ["not_all", "all"] {
        alike::<rounds::PublishedReport, PublishedReport>(&json!({
            "class": 2, "min_cell_students": 10, "fairness_work": 9, "students": 40, "mandates": 12,
            "mandates_met": mandates_met, "gini_ppm": 1, "bottom_decile_utility_e4": 2, "justified_envy_pairs": 3,
            "price_of_fairness_ppm": 4, "by_band": groups, "by_school": groups, "by_district": groups,
            "pools": [{ "pool": 17, "demand": 30 }], "objective": 5, "dual": 5, "gap_ppm": 0, "totals": counts,
            "by_tier": [10, 10, 10], "prices": [{ "pool": 17, "price": -1, "used": 30 }],
        }))?;
    }
    Ok(())
}

#[test]
fn of_access() -> Tested {
    alike::<schema::AccessLog, AccessLog>(&json!({
        "district": 5, "epoch": 1, "head": tree_head(), "anchors": 2, "by": account(), "at": moment(),
    }))?;
    let purposes = [
        "educational_necessity",
        "resource_allocation",
        "audit_evaluation",
        "institutional_service",
        "evidence_opening",
    ];
    for (purpose, choice) in purposes.iter().zip(["given", "withdrawn"].iter().cycle()) {
        alike::<schema::ConsentWord, ConsentWord>(&json!({
            "purpose": purpose, "choice": choice, "evidence": hash(), "recorded": 7, "changes": 1,
        }))?;
    }
    let entry = json!({
        "genesis": hash(), "number": 3, "time_ms": 9, "district": 5, "handle": hash(), "reader": "t-1042",
        "role": "teacher", "class": "record", "purpose": "educational_necessity", "basis": "34 CFR 99.30",
        "relation": { "relation": "own" }, "fields": ["name"], "verdict": "granted", "salt": "01".repeat(16),
    });
    let with = |name: &str, value: Value| {
        let mut entry = entry.clone();
        entry[name] = value;
        entry
    };
    let bases = [
        access::Basis::SchoolOfficial,
        access::Basis::InstitutionalService,
        access::Basis::AuditOrEvaluation,
        access::Basis::Consent,
        access::Basis::Inspection,
    ];
    let relations = [
        json!({ "relation": "office" }),
        json!({ "relation": "section", "of": "3a" }),
        json!({ "relation": "school", "of": 51 }),
        json!({ "relation": "own" }),
        json!({ "relation": "family" }),
    ];
    let reasons = [
        "insufficient_data",
        "credential_refused",
        "role_not_allowed",
        "purpose_not_allowed",
        "consent_withdrawn",
        "nothing_needed",
        "erased",
        "no_relation",
    ];
    let denied = reasons.map(|reason| {
        let mut entry = with("verdict", "denied".into());
        entry["reason"] = reason.into();
        entry
    });
    let granted = bases.map(|basis| with("basis", basis.name().into()));
    let related = relations.map(|relation| with("relation", relation));
    all_alike::<access::AccessEntry, AccessEntry>(&[&denied[..], &granted[..], &related[..]].concat())
}

#[test]
fn of_twins() -> Tested {
    alike::<twin::TwinVersion, TwinVersion>(&json!({
        "version": 1, "from_year": 2025, "voted": Height::GENESIS, "digest": hash(), "parameters": twin_parameters(),
    }))
}

#[test]
fn of_the_genesis() -> Tested {
    alike::<genesis::Genesis, Genesis>(&json!({
        "name": "county", "time_ms": 9, "protocol": 3, "params": every_parameter()?, "twin": twin_parameters(),
        "members": [
            { "name": "lake", "roles": ["school"], "public_key": hash(), "district": 5, "school": 51 },
            { "name": "hill", "roles": ["funder"], "public_key": hash() },
        ],
        "validators": [{
            "name": "lake", "operator": "lake", "public_key": hash(), "power": 1, "peer_id": peer_id(),
            "listen": "/ip4/192.0.2.7/tcp/8481", "seed_key": hash(),
        }],
        "districts": [{ "id": 5, "name": "Lake County" }],
        "schools": [{
            "id": 51, "district": 5, "school_type": "rural", "name": "Lakeside",
            "position": { "latitude_e6": 36_162_664, "longitude_e6": -86_781_602 },
        }],
        "sources": [{ "title": "Enrolment", "text": "public" }],
    }))
}
