//! What the largest and hardest rounds that the parameters allow cost the ledger: RunRound as every validator executes
//! it, from the state's rows through optimizer, certificate, report and roots to what is written. Run by hand:
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture hardest_rounds`.
//!
//! The instances are those of `twin-runtime/allocation/benches/work_bound.rs` as far as a class can make them: no party submits a
//! cost, so costs are a weight times one of 32 ranks at three tiers. Rows are put into the state directly: a hundred
//! thousand proofs would take minutes and are not what is measured.

use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::limits::{Budget, cost_of};
use crate::params::{MAX_SHARE_PENALTY, Params};
use crate::proof::bulk_tree::row_hash;
use crate::state::schema::{
    self, ChainRecord, Class, Moment, PoolRecord, RequestRow, Round, RoundStatus, School, Window,
};
use crate::state::{Overlay, StateReader};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// A round to be made.
struct Hard {
    name: &'static str,
    requests: u32,
    /// Schools, each with a pool of every kind.
    schools: u32,
    kinds: u8,
    tier_costs: [u32; 3],
    rank_step: u32,
    waits: bool,
    share: Option<FairShare>,
    /// Capacity and floor of the pool of a school and kind, given the even share of all requests.
    places: fn(u32, u8, u32) -> (u32, u32),
    ranking: fn(u32) -> Vec<u8>,
    layout: Layout,
}

/// Which schools a student may go to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// All: they are of one type.
    OneType,
    /// The own, the next and the one before: pairs share a district, the pairs between share a type.
    Path,
}

fn in_order(_: u32) -> Vec<u8> {
    (0..32).collect()
}

fn shuffled(number: u32) -> Vec<u8> {
    let mut kinds: Vec<(u32, u8)> =
        (0..32).map(|kind| ((number * 32 + u32::from(kind)).wrapping_mul(0x9E37_79B9) >> 7, kind)).collect();
    kinds.sort_unstable();
    kinds.into_iter().map(|(_, kind)| kind).collect()
}

fn even(_: u32, _: u8, each: u32) -> (u32, u32) {
    (each, 0)
}

/// A round of about `pairs` pairs over `schools` schools of 32 kinds.
fn wide(name: &'static str, schools: u32, pairs: u32) -> Hard {
    let requests = (pairs / (schools * 32)).min(100_000);
    Hard {
        name,
        requests,
        schools,
        kinds: 32,
        tier_costs: [100, 200, 400],
        rank_step: 250,
        waits: false,
        share: None,
        places: even,
        ranking: shuffled,
        layout: Layout::OneType,
    }
}

fn families(pairs: u32) -> Vec<Hard> {
    let share = Some(FairShare { penalty: MAX_SHARE_PENALTY, min_share_percent: 100 });
    vec![
        Hard { ranking: in_order, ..wide("product", 15, pairs) },
        Hard { ranking: in_order, ..wide("product, most pools", 62, pairs) },
        wide("shuffled", 15, pairs),
        wide("shuffled, most pools", 62, pairs),
        Hard { tier_costs: [400; 3], rank_step: 0, ..wide("equal", 15, pairs) },
        Hard { tier_costs: [400; 3], rank_step: 0, ..wide("equal, most pools", 62, pairs) },
        Hard {
            ranking: in_order,
            places: |_, kind, each| if kind < 16 { (each / 2 + 1, 0) } else { (each * 4, each) },
            ..wide("floors", 15, pairs)
        },
        Hard { waits: true, share, places: |_, _, each| (each / 2 + 1, 0), ..wide("shares", 15, pairs) },
        Hard {
            waits: true,
            share,
            places: |_, _, each| (each / 2 + 1, 0),
            ..wide("shares, most pools", 62, pairs)
        },
        Hard {
            requests: 100_000,
            kinds: 1,
            ranking: |_| vec![0],
            layout: Layout::Path,
            // One link's students too many at the start, and its room at the end.
            places: |school, _, each| if school == 1_999 { (each * 2, 0) } else { (each, 0) },
            ..wide("path", 2_000, pairs)
        },
    ]
}

fn school(hard: &Hard, number: u32) -> School {
    let (district, kind) = match hard.layout {
        Layout::OneType => (number % 8, 0),
        Layout::Path => (number / 2, number.div_ceil(2)),
    };
    let id = SchoolId(1_000 + number);
    School::founding(id, DistrictId(1_000 + district as u16), name(&format!("type-{kind}")))
}

/// A chain whose only round is this one, ready to run.
fn world(hard: &Hard) -> Chain {
    let mut chain = Chain::with_params(|params| params.equity = 1_000);
    let mut overlay = Overlay::new(&chain.state);
    (0..hard.schools).for_each(|number| {
        let school = school(hard, number);
        schema::write(&mut overlay, schema::school_key(school.id), &school);
    });
    let pools = hard.schools * u32::from(hard.kinds);
    let each = hard.requests / pools + 1;
    for number in 0..hard.schools {
        for kind in 0..hard.kinds {
            let (capacity, floor) = (hard.places)(number, kind, each);
            let record = PoolRecord {
                pool: PoolId(number * u32::from(hard.kinds) + u32::from(kind)),
                class: ClassId(1),
                school: SchoolId(1_000 + number),
                kind: KindId(kind),
                capacity,
                floor,
                unit_cost_cents: Cents(1),
                funder: account("funder"),
                steward: account("voter-a"),
                defined: crate::types::Height(1),
                retired: None,
            };
            schema::write(&mut overlay, schema::pool_key(ClassId(1), record.pool), &record);
        }
    }
    let height = chain.height.next();
    let (class, round) = records(hard, pools, height);
    schema::write(&mut overlay, schema::class_key(class.definition.class), &class);
    schema::write(&mut overlay, schema::round_key(round.round), &round);
    for number in 0..hard.requests {
        let row = RequestRow {
            district: DistrictId(1),
            handle: handle(number),
            home_school: SchoolId(1_000 + number % hard.schools),
            band: Band::new((number / 7 % 10) as u8).unwrap(),
            mandate: Mandate::None,
            kinds: (hard.ranking)(number).into_iter().map(KindId).collect(),
            state_row: row_hash(&number.to_le_bytes()),
            inputs: vec![CommitmentBytes([1; 32])],
        };
        overlay.put_row(&schema::requests_tree(round.round), row.key(), row.to_canonical());
    }
    seeds::write_draw(&mut overlay, ClassId(1), round.round);
    let before = schema::chain(&chain.state).unwrap();
    let record = ChainRecord { height, time_ms: TimeMs(before.time_ms.0 + 1), ..before };
    schema::write(&mut overlay, schema::chain_key(), &record);
    let (_, writes) = overlay.finish(height).unwrap();
    chain.state.apply(writes);
    chain.height = height;
    chain
}

fn records(hard: &Hard, pools: u32, height: Height) -> (Class, Round) {
    let kinds = (0..hard.kinds).map(|kind| name(&format!("kind-{kind}"))).collect();
    let definition = DefineClass {
        kinds,
        tier_costs: hard.tier_costs,
        rank_step: hard.rank_step,
        waitlist_cost: hard.waits.then_some(16_000),
        ..class(1)
    };
    let terms = ClassTerms { fair_share: hard.share, ..ClassTerms::default() };
    let id = RoundId(0);
    let (steward, retired, open_round) = (account("voter-a"), 0, Some(id));
    let (standing_round, opened_ms, last_draw) = (None, None, None);
    let class = Class {
        definition,
        steward,
        terms,
        pools,
        retired,
        open_round,
        standing_round,
        opened_ms,
        last_draw,
    };
    let round = Round {
        round: id,
        class: ClassId(1),
        school_year: YEAR,
        opened: Height(0),
        opened_ms: TimeMs(1),
        request_window_ms: 10_000,
        reveal_window_ms: 4_000,
        attempt: 1,
        window: Window::Closed,
        since: Moment { height, time_ms: TimeMs(1) },
        ends: Moment { height, time_ms: TimeMs(1) },
        requests_until: Some(height),
        follows: None,
        parameters: 1,
        equity: 1_000,
        terms,
        requests: hard.requests,
        pairs: u64::from(hard.requests) * u64::from(if hard.layout == Layout::Path { 3 } else { pools }),
        status: RoundStatus::Open,
    };
    (class, round)
}

/// Milliseconds this thread has run, from the kernel's accounting: a busy machine does not spoil them.
#[expect(clippy::disallowed_methods, reason = "measures, run by hand")]
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000_000
}

#[test]
#[ignore = "measures, asserts nothing about time"]
fn the_hardest_rounds_at_the_default_work_bound() {
    let most = Params::default().max_round_pairs as u32;
    for hard in [most, most / 2, most / 4].into_iter().flat_map(families) {
        let chain = world(&hard);
        let transaction = chain.transaction("voter-a", 0, run(0).into());
        let bytes = transaction.to_canonical();
        let start = cpu_ms();
        let outcome = chain.try_block(std::slice::from_ref(&bytes)).unwrap();
        let taken = cpu_ms() - start;
        let mut budget = Budget::new(&chain.state).unwrap();
        let left = budget.work_left();
        budget.charge(&cost_of(&transaction, bytes.len())).unwrap();
        let charged = (left - budget.work_left()) / 1_000_000;
        let code = outcome.receipts[0].code;
        let pools = hard.schools * u32::from(hard.kinds);
        let mut kept = chain.clone();
        kept.keep(&outcome);
        let told = match schema::decision(&kept.state, RoundId(0)).unwrap() {
            Some(decision) => format!("gap {} ppm, work {}", decision.gap_ppm, decision.work),
            None => format!("{code:?}"),
        };
        println!(
            "measured: {:<22} {:>7} x {pools:<5} {taken:>6} ms of {charged} charged  {told}",
            hard.name, hard.requests
        );
        assert!(matches!(code, Code::Accepted | Code::NotProved), "{}: {}", hard.name, code.explain());
        let rows = kept.state.rows(&schema::decisions_tree(RoundId(0))).unwrap().len();
        assert_eq!(rows as u32, if code == Code::Accepted { hard.requests } else { 0 });
    }
}
