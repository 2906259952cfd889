//! Statements about money: what refuses them, that false ones cannot be made, and what the record keeps.

use super::rejections::Row;
use crate::code::Code;
use crate::genesis::Genesis;
use crate::protocol::Protocol;
use crate::testkit::money::{AMOUNTS, floor_stated, stated, weights_of};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// A decided round of twelve requests at school 11.
fn weighed() -> Chain {
    weighed_on(ready())
}

pub(super) fn weighed_on(mut chain: Chain) -> Chain {
    chain.accept("voter-a", open(1));
    let asked = (0..12).map(|n| request(n, 11, band_of(n), Mandate::None, &[0, 1])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    chain
}

fn good(chain: &Chain) -> BudgetStatement {
    stated(&chain.parsed.sha256, &AMOUNTS, 100_000)
}

/// A budget statement spoiled by `change`.
fn budget(change: impl FnOnce(&mut BudgetStatement)) -> (Chain, &'static str, Payload) {
    let chain = ready();
    let mut statement = good(&chain);
    change(&mut statement);
    (chain, "funder", statement.into())
}

/// An equity statement spoiled by `change`, over a stated budget.
fn equity(change: impl FnOnce(&mut EquityStatement)) -> (Chain, &'static str, Payload) {
    let mut chain = weighed();
    chain.accept("funder", good(&chain));
    let mut statement = floor_stated(&chain, &weights_of(&chain, RoundId(0)), 40);
    change(&mut statement);
    (chain, "funder", statement.into())
}

/// A floor over a budget that was stated by protocol 2, on a chain that goes by protocol 3 since.
pub(super) fn unbound() -> (Chain, &'static str, Payload) {
    let mut chain = Chain::of(Genesis { protocol: Protocol(2), ..genesis() });
    prepare(&mut chain);
    let mut chain = weighed_on(chain);
    chain.accept("funder", good(&chain));
    let height = Height(chain.height.0 + 8);
    chain.agree(Change::SwitchProtocol { protocol: Protocol(3), height, program: title("0.3.0") });
    chain.advance_to(height);
    let statement = floor_stated(&chain, &weights_of(&chain, RoundId(0)), 40);
    (chain, "funder", statement.into())
}

/// A way to each rejection of a statement.
pub(super) const STATEMENTS: &[Row] = &[
    (Code::UnknownBudget, || budget(|statement| statement.school_year = SchoolYear(1990))),
    (Code::TotalDiffers, || budget(|statement| statement.total_cents = Cents(99_999))),
    (Code::StatementAhead, || budget(|statement| statement.as_of = Height(7_000))),
    (Code::UnknownSchool, || budget(|statement| statement.lines[3].school = SchoolId(99))),
    (Code::NotCommitted, || budget(|statement| statement.lines[1].amount = CommitmentBytes([0xff; 32]))),
    (Code::ProofRejected, || budget(|statement| statement.lines[1].amount = statement.lines[0].amount)),
    (Code::ProofRejected, || budget(|statement| statement.as_of = Height(2))),
    (Code::ProofRejected, || {
        // The proof sums to 100,000, the funder has funded one cent more.
        let (mut chain, sender, payload) = budget(|statement| statement.total_cents = Cents(100_001));
        chain.accept("funder", fund(1));
        (chain, sender, payload)
    }),
    (Code::NoStatement, || {
        let (_, sender, payload) = equity(|_| {});
        (weighed(), sender, payload)
    }),
    (Code::UnboundStatement, unbound),
    (Code::UnknownRound, || equity(|statement| statement.round = RoundId(9))),
    (Code::NotDecided, || {
        let (mut chain, sender, payload) = equity(|statement| statement.round = RoundId(1));
        chain.accept("voter-a", open(1));
        (chain, sender, payload)
    }),
    (Code::OtherYear, || {
        let (mut chain, sender, payload) = equity(|statement| statement.school_year = SchoolYear(1989));
        let next = FundBudget { school_year: SchoolYear(1989), amount_cents: Cents(100_000) };
        chain.accept("funder", next);
        let year = SchoolYear(1989);
        let statement = crate::testkit::money::stated_for(&chain.parsed.sha256, year, &AMOUNTS, 100_000);
        chain.accept("funder", statement);
        (chain, sender, payload)
    }),
    (Code::SchoolMissing, || equity(|statement| statement.blindings.truncate(3))),
    (Code::SchoolMissing, || {
        // School 11, where the requests are from, has no line.
        let (mut chain, sender, payload) = equity(|statement| statement.blindings.truncate(3));
        chain.accept("funder", stated(&chain.parsed.sha256, &[(12, 80_000), (21, 19_999), (22, 1)], 100_000));
        (chain, sender, payload)
    }),
    (Code::NotCommitted, || equity(|statement| statement.blindings[2] = Hash([0xff; 32]))),
    (Code::ProofRejected, || equity(|statement| statement.floor_cents -= 1)),
    (Code::ProofRejected, || equity(|statement| statement.blindings.swap(0, 1))),
];

#[test]
fn a_stated_budget_and_a_floor_stand_as_commitments_and_hold_at_the_exact_floor() {
    let mut chain = weighed();
    chain.accept("funder", good(&chain));
    let weights = weights_of(&chain, RoundId(0));
    assert_eq!(weights.keys().copied().collect::<Vec<_>>(), [11]);
    // 70,000 cents over the weight of school 11: the greatest floor that holds, and no proof beyond it.
    let floor = u32::try_from(70_000 / weights[&11]).unwrap();
    let receipt = chain.accept("funder", floor_stated(&chain, &weights, floor));
    assert!(matches!(receipt.events[0], Event::EquityStated { floor_cents, .. } if floor_cents == floor));
    let beyond = std::panic::catch_unwind(|| floor_stated(&chain, &weights, floor + 1));
    assert!(beyond.is_err(), "no proof of a floor that does not hold");
    // A lighter weight than the ledger's own would let it hold; the ledger sums the weights itself.
    let lighter = [(11, weights[&11] / 2)].into();
    let receipt = chain.send("funder", floor_stated(&chain, &lighter, floor + 1));
    assert_eq!((receipt.code, receipt.entry), (Code::ProofRejected, Some(0)));
}

#[test]
fn a_statement_is_superseded_by_more_money_by_another_and_by_a_decision_that_falls() {
    use crate::state::schema;
    let year = SchoolYear(1988);
    let words = |chain: &Chain| {
        let funder = account("funder");
        let stated = schema::stated_budget(&chain.state, &funder, year).unwrap().unwrap();
        let floor = schema::stated_equity(&chain.state, &funder, year).unwrap().unwrap();
        (
            schema::is_superseded(&chain.state, &stated).unwrap(),
            schema::is_floor_superseded(&chain.state, &floor).unwrap(),
        )
    };
    let stated = || {
        let mut chain = weighed();
        chain.accept("funder", good(&chain));
        let floor = floor_stated(&chain, &weights_of(&chain, RoundId(0)), 40);
        chain.accept("funder", floor);
        assert_eq!(words(&chain), (false, false));
        chain
    };
    let mut chain = stated();
    chain.accept("funder", fund(1));
    assert_eq!(words(&chain), (true, true), "more was funded");
    let mut chain = stated();
    chain.accept("funder", good(&chain));
    assert_eq!(words(&chain), (false, true), "the floor is about the statement before");
    let mut chain = stated();
    chain.agree(reverting(0));
    assert_eq!(words(&chain), (true, true), "the decision on this money was taken back");
    let mut chain = stated();
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 1, vec![request(3, 11, band_of(3), Mandate::None, &[0])]));
    chain.draw(1);
    chain.accept("voter-a", run(1));
    assert_eq!(words(&chain), (false, true), "another decision's requests weigh now");
}
