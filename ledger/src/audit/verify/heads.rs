//! Public records about other consortia: which are admitted, and which of their blocks are anchored.

use serde_json::{Value, json};

use super::super::bundle::{Figure, FigureKey};
use super::super::report::{Checks, Stop, utc};
use super::{State, keyed};
use crate::state::schema::{AnchoredHead, Consortium};

/// Checks such a record and gives what it says.
pub(super) fn one(checks: &mut Checks, state: &State, figure: &Figure, key: &[u8]) -> Result<Value, Stop> {
    const NAME: &str = "consortium";
    const HEAD: &str = "anchored head";
    if let FigureKey::AnchoredHead { genesis, height } = &figure.key {
        let record: AnchoredHead = state.open(checks, HEAD, key, &figure.record)?;
        let own = (record.genesis, record.height) == (*genesis, *height);
        checks.ensure(HEAD, own, "The record names another consortium or height.")?;
        let before = record.at.height <= state.height;
        checks.ensure(
            HEAD,
            before,
            "The record says that it was made after the block whose state holds it.",
        )?;
        checks.pass(
            HEAD,
            format!(
                "Block {height} of the consortium of genesis {genesis}, of {}, is anchored since height {}: its hash is {}.",
                utc(record.time_ms),
                record.at.height,
                record.block_hash
            ),
        );
        return Ok(keyed(&format!("head-{genesis}-{height}"), json!(record)));
    }
    let record: Consortium = state.open(checks, NAME, key, &figure.record)?;
    let own = matches!(&figure.key, FigureKey::Consortium(genesis) if record.genesis == *genesis);
    checks.ensure(NAME, own, "The record names another consortium.")?;
    let validators = record.next.validators().len();
    checks.pass(
        NAME,
        format!(
            "{} has {} heads anchored; {validators} validators decide its next block.",
            record.name, record.heads
        ),
    );
    Ok(keyed(&format!("consortium-{}", record.genesis), json!(record)))
}
