//! What no sequence of transactions can create or lose: money, places, sequence numbers.

use proptest::prelude::*;

use crate::code::Code;
use crate::params::MAX_AMOUNT_CENTS;
use crate::state::StateReader;
use crate::state::schema::{self, Placement, Window};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

#[derive(Debug, Clone)]
enum Step {
    Fund(u64),
    Pool { id: u32, school: usize, kind: u8, capacity: u32, unit: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u64..5_000).prop_map(Step::Fund),
        (4u32..30, 0usize..4, 0u8..3, 1u32..40, 0u64..400)
            .prop_map(|(id, school, kind, capacity, unit)| Step::Pool { id, school, kind, capacity, unit }),
    ]
}

const SCHOOLS: [u32; 4] = [11, 12, 21, 22];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_budgets_charges_are_its_pools_and_never_more_than_its_funds(steps in prop::collection::vec(step(), 1..25)) {
        let mut chain = ready();
        chain.accept("funder", grant(1, "voter-a", MAX_AMOUNT_CENTS));
        let before = chain.sequence("funder") + chain.sequence("voter-a");
        let mut funded = 100_000u64;
        for (sent, step) in steps.into_iter().enumerate() {
            let (sender, payload): (&str, Payload) = match step {
                Step::Fund(amount) => ("funder", fund(amount).into()),
                Step::Pool { id, school, kind, capacity, unit } => {
                    let unit_cost_cents = Cents(unit * 10);
                    ("voter-a", DefinePool { unit_cost_cents, ..pool(id, 1, SCHOOLS[school], kind, capacity) }.into())
                }
            };
            let receipt = chain.send(sender, payload.clone());
            if let (Payload::FundBudget(fund), Code::Accepted) = (payload, receipt.code) {
                funded += fund.amount_cents.0;
            }
            let budget = schema::budget(&chain.state, &account("funder"), YEAR).unwrap().unwrap();
            let pools = schema::pools(&chain.state, ClassId(1)).unwrap();
            let charged: u64 = pools.iter().map(|p| u64::from(p.capacity) * p.unit_cost_cents.0).sum();
            prop_assert_eq!(budget.funded_cents.0, funded);
            prop_assert_eq!(budget.charged_cents.0, charged);
            let grant = schema::grant(&chain.state, &account("funder"), ClassId(1), &account("voter-a"));
            prop_assert_eq!(grant.unwrap().unwrap().spent_cents.0, charged);
            prop_assert!(charged <= funded);
            prop_assert_eq!(schema::class(&chain.state, ClassId(1)).unwrap().unwrap().pools as usize, pools.len());
            let sequences = chain.sequence("funder") + chain.sequence("voter-a") - before;
            prop_assert_eq!(sequences, sent as u64 + 1, "one number a transaction, accepted or not");
        }
    }

    #[test]
    fn a_round_gives_no_place_twice_and_every_request_one_decision(
        asked in prop::collection::vec((0u32..12, prop::bool::weighted(0.2), 0usize..4), 1..12),
    ) {
        let mut chain = ready();
        chain.accept("voter-a", open(1));
        let mut seen = std::collections::BTreeSet::new();
        let rankings: [&[u8]; 4] = [&[0], &[1], &[0, 1], &[1, 0]];
        let requests: Vec<Request> = asked
            .into_iter()
            .filter(|(number, ..)| seen.insert(*number))
            .map(|(number, mandated, ranking)| {
                let mandate = if mandated { Mandate::Mandated } else { Mandate::None };
                request(number, 11, band_of(number), mandate, rankings[ranking])
            })
            .collect();
        let (count, mandates) =
            (requests.len(), requests.iter().filter(|r| r.mandate == Mandate::Mandated).count());
        chain.accept("district-1", submit(&chain, 0, requests));
        chain.draw(0);
        let receipt = chain.send("voter-a", run(0));
        if receipt.code == Code::Infeasible {
            prop_assert!(mandates > 2, "seven places suffice for two mandates");
            return Ok(());
        }
        prop_assert_eq!(receipt.code, Code::Accepted);
        let rows = chain.state.rows("round/0/decisions").unwrap();
        prop_assert_eq!(rows.len(), count);
        for pool in schema::pools(&chain.state, ClassId(1)).unwrap() {
            let holds = |row: &[u8]| match schema::decode::<schema::DecisionRow>(row).unwrap().placement {
                Placement::Pool { pool: given, .. } => given == pool.pool,
                Placement::Waitlist => false,
            };
            let used = rows.iter().filter(|(_, row)| holds(row)).count();
            prop_assert!(used <= pool.capacity as usize);
        }
        let report = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap().report;
        prop_assert_eq!(report.mandates_met as usize, mandates);
        prop_assert_eq!((report.placed + report.waitlisted) as usize, count);
    }

    /// Whoever commits, reveals or stays away, in whatever attempt: requests are neither lost nor added once they are
    /// closed, a share counts once, and something is drawn exactly when more than a third of the power has revealed.
    #[test]
    fn a_seed_is_drawn_once_from_enough_shares_and_no_attempt_loses_a_request(
        attempts in prop::collection::vec(prop::collection::vec(0u8..3, 4), 1..4),
    ) {
        let mut genesis = seeds::genesis_of(4);
        genesis.params.max_seed_attempts = attempts.len() as u32;
        let mut chain = Chain::of(genesis);
        prepare(&mut chain);
        chain.accept("voter-a", open(1));
        let asked = (0..8).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
        chain.accept("district-1", submit(&chain, 0, asked));
        let rows = chain.state.rows("round/0/requests").unwrap();
        let genesis = chain.parsed.sha256;
        let mut enough = false;
        for (attempt, nodes) in (1u32..).zip(&attempts) {
            prop_assert_eq!((chain.round(0).attempt, chain.round(0).requests), (attempt, 8));
            let node = |at: usize| format!("seed-{}", at + 1);
            for (at, _) in nodes.iter().enumerate().filter(|(_, acts)| **acts > 0) {
                chain.accept(&node(at), seeds::commit(&genesis, &node(at), 0, attempt));
                let again = seeds::commit(&genesis, &node(at), 0, attempt);
                prop_assert_eq!(chain.send(&node(at), again).code, Code::AlreadyCommitted);
            }
            chain.pass_to(0, Window::Reveals);
            let revealing = || nodes.iter().enumerate().filter(|(_, acts)| **acts > 1);
            for (at, _) in revealing() {
                chain.accept(&node(at), seeds::reveal(&genesis, &node(at), 0, attempt));
            }
            while chain.round(0).window == Window::Reveals {
                chain.block(&[]);
            }
            prop_assert_eq!(&chain.state.rows("round/0/requests").unwrap(), &rows);
            let drawn = schema::draw(&chain.state, RoundId(0)).unwrap();
            enough = revealing().count() * 3 > 4;
            prop_assert_eq!(drawn.is_some(), enough);
            if let Some(draw) = drawn {
                prop_assert_eq!((draw.attempt, draw.revealed.len()), (attempt, revealing().count()));
                break;
            }
        }
        prop_assert_eq!(chain.round(0).window, Window::Closed);
        let code = chain.send("voter-a", run(0)).code;
        prop_assert_eq!(code, if enough { Code::Accepted } else { Code::NoSeed });
    }
}
