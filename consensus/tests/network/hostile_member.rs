//! A member who sends whatever may starve, steer or break the others: as much as the pools take.

use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::tx::{
    AnchorStates, Change, ConsentEntry, DefinePool, OpenRound, Payload, ProposeChange, RecordConsent,
    RecordErasure, ReportUtilisation, RetirePool, RunRound, StudentState,
};
use aula_ledger::tx::{Body, Transaction};
use aula_ledger::types::{
    Cents, ClassId, CommitmentBytes, Handle, Hash, Height, KindId, PoolId, RoundId, SchoolId, SchoolYear,
    TimeMs,
};

use crate::attack_03_04::{fund, statement};
use crate::common::now_ms;
use crate::ledger::hostile;

/// Leaves of a batch that writes to a tree.
const LEAVES: u64 = 200;
/// How many kinds of attack follow each other.
const KINDS: u64 = 16;

/// Bytes to submit at the `tick`th turn of an account whose next sequence is `next`.
pub fn attack(genesis: &Hash, next: u64, tick: u64) -> Vec<u8> {
    let ready = |payload: Payload| signed(*genesis, next, payload);
    match tick % KINDS {
        // 3, 4, 6: what fills blocks and pools, what waits behind a gap, runs of rounds that are not there.
        0 | 8 => ready(statement()),
        1 => ready(fund()),
        2 => signed(*genesis, next + 100 + tick * 7 % 800, statement()),
        3 => ready(RunRound { round: RoundId(77) }.into()),
        // 5: leaves in trees that grow, of three school years.
        4 | 9 | 12 => ready(states(tick).into()),
        5 => ready(consents(tick).into()),
        // 7, 12: what is others' to open, to close, to charge and to take back.
        6 => ready(pool(tick).into()),
        7 => ready(OpenRound { class: ClassId(1), extra_request_ms: 0, extra_reveal_ms: 0 }.into()),
        10 => ready(RetirePool { pool: PoolId(1) }.into()),
        11 => ready(
            ProposeChange { change: Change::CancelRound { round: RoundId(0) }, open_until: Height(u64::MAX) }
                .into(),
        ),
        // 8: a handle that is another district's.
        13 => ready(RecordErasure { handles: handles(0, 1), ..erasure() }.into()),
        // 15: figures as large as they can be written, and bytes that end in the middle.
        14 if tick.is_multiple_of(2) => {
            ready(ReportUtilisation { pool: PoolId(u32::MAX), in_use: u32::MAX }.into())
        }
        14 => {
            let mut bytes = ready(states(tick).into());
            bytes.truncate(bytes.len() / 2);
            bytes
        }
        // 17: signed for a chain that shows the same id.
        _ => {
            let mut other = *genesis;
            other.0[31] ^= 1;
            signed(other, next, fund())
        }
    }
}

fn signed(genesis: Hash, sequence: u64, payload: Payload) -> Vec<u8> {
    let body = Body {
        genesis,
        account: account_of(&public_key(&hostile())),
        sequence,
        valid_until_height: Height(u64::MAX),
        payload,
    };
    Transaction::sign(body, &hostile()).to_canonical()
}

/// Of this year, the one before or the one after.
fn school_year(tick: u64) -> SchoolYear {
    let now = SchoolYear::at(TimeMs(now_ms()));
    SchoolYear(now.0 - 1 + (tick / KINDS % 3) as u16)
}

/// So many pseudonyms, ascending; another batch shares none.
fn handles(batch: u64, count: u64) -> Vec<Handle> {
    let handle = |n: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(batch * LEAVES + n).to_be_bytes());
        Handle(bytes)
    };
    (0..count).map(handle).collect()
}

fn states(tick: u64) -> AnchorStates {
    let state = |handle| StudentState {
        handle,
        version: 1,
        state_hash: Hash([3; 32]),
        home_school: SchoolId(1),
        inputs: vec![CommitmentBytes([0; 32])],
        commitments: vec![],
        event_watermark: 0,
    };
    AnchorStates {
        school_year: school_year(tick),
        parameters: 1,
        model_digest: aula_ledger::twin::TwinParameters::default().digest(),
        states: handles(tick, LEAVES).into_iter().map(state).collect(),
    }
}

fn consents(tick: u64) -> RecordConsent {
    let entry = |handle| ConsentEntry { handle, evidence: Hash([6; 32]) };
    RecordConsent {
        school_year: school_year(tick),
        purpose: Purpose::EducationalNecessity,
        choice: ConsentChoice::Given,
        entries: handles(tick / KINDS, LEAVES).into_iter().map(entry).collect(),
    }
}

fn erasure() -> RecordErasure {
    RecordErasure { school_year: school_year(0), handles: vec![], destroyed_keystore: Hash([8; 32]) }
}

/// A pool that nobody may use, with a floor, for nothing.
fn pool(tick: u64) -> DefinePool {
    DefinePool {
        pool: PoolId(tick as u32),
        class: ClassId(1),
        school: SchoolId(1),
        kind: KindId(0),
        capacity: 1,
        floor: 1,
        unit_cost_cents: Cents(0),
        funder: account_of(&public_key(&hostile())),
    }
}
