//! Rejections of the twins' parameters: votes for rules that cannot be, states and requests under other ones.

use super::rejections::{Row, propose};
use crate::chain::Code;
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

pub(super) const ROWS: &[Row] = &[
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
