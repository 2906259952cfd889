//! Rejections of the twins' parameters: votes for rules that cannot be, states and requests under other ones.

use super::rejections::{Row, propose};
use crate::code::Code;
use crate::proof::need::tests::{Attack, forged, rule};
use crate::state::Overlay;
use crate::state::schema;
use crate::testkit::*;
use crate::twin::{MAX_VERSIONS, TwinParameters, TwinVersions};
use crate::tx::*;
use crate::types::*;

fn set(parameters: TwinParameters) -> Change {
    Change::SetTwinParameters { from_year: YEAR, parameters: Box::new(parameters) }
}

/// A chain with as many versions as one may have.
fn full() -> Chain {
    let mut chain = Chain::new();
    let mut overlay = Overlay::new(&chain.state);
    let versions = TwinVersions { from_years: vec![SchoolYear(0); MAX_VERSIONS] };
    schema::write(&mut overlay, schema::twin_versions_key(), &versions);
    let (_, writes) = overlay.finish(chain.height).expect("a state");
    chain.state.apply(writes);
    chain
}

/// A round under the attacks' rule, and a request of one student whose anchored inputs are those of the attack.
fn attacked(attack: Attack) -> (Chain, &'static str, Payload) {
    let mut file = genesis();
    file.twin.need = rule();
    let digest = file.twin.digest();
    let mut chain = Chain::of(file);
    let genesis = chain.parsed.sha256;
    let (claim, proof) = forged(&genesis, RoundId(0), handle(1), attack);
    let mut states = anchor([1], 11);
    states.model_digest = digest;
    states.states[0].inputs = claim.inputs.clone();
    chain.accept("funder", fund(100_000));
    chain.accept("voter-a", class(1));
    chain.accept("funder", grant(1, "voter-a", 100_000));
    chain.accept("voter-a", pool(1, 1, 11, 0, 3));
    chain.accept("district-1", states);
    chain.accept("voter-a", open(1));
    let asked = Request { inputs: claim.inputs, ..request(1, 11, claim.band.get(), Mandate::None, &[0]) };
    let batch = SubmitRequests { round: RoundId(0), requests: vec![asked], proofs: vec![proof] };
    (chain, "district-1", batch.into())
}

#[test]
fn inputs_in_their_ranges_are_taken() {
    let (mut chain, sender, payload) = attacked(Attack::None);
    chain.accept(sender, payload);
}

pub(super) const ROWS: &[Row] = &[
    (Code::ProofRejected, || attacked(Attack::FlagOfTwo)),
    (Code::ProofRejected, || attacked(Attack::PositionOf256)),
    (Code::ProofRejected, || attacked(Attack::FlagBelow)),
    (Code::ProofRejected, || attacked(Attack::PositionBelow)),
    (Code::ProofRejected, || attacked(Attack::Solution)),
    (Code::NeedRuleBounds, || {
        let mut parameters = TwinParameters::default();
        parameters.need.constant = 10;
        (Chain::new(), "voter-a", propose(set(parameters)))
    }),
    (Code::TwinVersionLimit, || (full(), "voter-a", propose(set(TwinParameters::default())))),
    (Code::ParametersNotInForce, || {
        let newer = AnchorStates { parameters: 2, ..anchor([50], 11) };
        (ready(), "district-1", newer.into())
    }),
    (Code::OtherParameters, || {
        let mut chain = ready();
        chain.agree(set(TwinParameters::default()));
        chain.accept("voter-a", open(1));
        let batch = submit(&chain, 0, vec![request(1, 11, 1, Mandate::None, &[0])]);
        (chain, "district-1", batch.into())
    }),
];
