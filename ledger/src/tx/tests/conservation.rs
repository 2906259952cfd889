//! What no sequence of transactions can create or lose: money, places, sequence numbers.

use proptest::prelude::*;

use crate::chain::Code;
use crate::params::MAX_AMOUNT_CENTS;
use crate::state::StateReader;
use crate::state::schema::{self, Placement};
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
}
