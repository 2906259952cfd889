//! From the genesis to the block whose state is shown: every change of the validator set, each certified by
//! the set before it, then the block itself.

use super::super::bundle::{ChainEvidence, Link, SignedHeader};
use super::super::report::{Checks, Stop, utc};
use super::TrustedBlock;
use crate::chain::{Header, ValidatorSet};
use crate::genesis::Parsed;
use crate::types::Height;

/// Checks the links and the last block; gives its header.
pub(super) fn verify<'a>(
    checks: &mut Checks,
    evidence: &'a ChainEvidence,
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
) -> Result<&'a Header, Stop> {
    let mut set = genesis.validators.clone();
    let mut below = Height::GENESIS;
    for link in &evidence.links {
        verify_block(checks, "validators", &link.block, genesis, &set, below)?;
        below = link.block.header.height;
        if let Some(new_set) = check_new_set(checks, link)? {
            checks.pass(
                "validators",
                format!(
                    "At height {below}, {} of {} voting power agreed on a new set of {} validators.",
                    signed_power(&link.block, &set),
                    set.total_power(),
                    new_set.validators().len()
                ),
            );
            set = new_set.clone();
        }
    }
    if evidence.links.iter().all(|link| link.new_set.is_none()) {
        checks.pass(
            "validators",
            format!("The {} validators of the genesis, unchanged.", set.validators().len()),
        );
    }
    verify_block(checks, "certificate", &evidence.head, genesis, &set, below)?;
    let header = &evidence.head.header;
    checks.pass(
        "certificate",
        format!(
            "Block {} is final: {} distinct validators with {} of {} voting power signed it in round {}.",
            header.height,
            evidence.head.certificate.signatures.len(),
            signed_power(&evidence.head, &set),
            set.total_power(),
            evidence.head.certificate.round
        ),
    );
    checks.pass(
        "header",
        format!("Height {}, {}, block hash {}.", header.height, utc(header.time_ms), header.hash()),
    );
    if let Some(trusted) = trusted {
        check_trusted(checks, evidence, trusted)?;
    }
    Ok(header)
}

/// One block: of this chain, above the last, its hash certified by the set that was to decide it.
fn verify_block(
    checks: &mut Checks,
    name: &'static str,
    block: &SignedHeader,
    genesis: &Parsed,
    set: &ValidatorSet,
    below: Height,
) -> Result<(), Stop> {
    let SignedHeader { header, certificate } = block;
    let height = header.height;
    checks.ensure(name, header.genesis == genesis.sha256, "A block belongs to another chain.")?;
    checks.ensure(name, height > below, "The blocks are not in ascending order.")?;
    let named = certificate.height == height && certificate.block_hash == header.hash();
    checks.ensure(name, named, &format!("The certificate of height {height} is about another block."))?;
    let first = height != Height(1) || header.parent == genesis.sha256;
    checks.ensure(name, first, "The first block does not follow the genesis file.")?;
    if header.validators_hash != set.hash() {
        return checks.unknown(
            name,
            format!(
                "Block {height} is decided by validators that do not follow from the genesis by what the bundle \
                 shows: a change of the validator set is missing."
            ),
        );
    }
    if let Err(error) = certificate.verify(&genesis.sha256, set) {
        return checks.fail(name, format!("The certificate of height {height} does not hold: {error}."));
    }
    Ok(())
}

/// The new set stands in the link exactly if the header announces one, and is the one announced.
fn check_new_set<'a>(checks: &mut Checks, link: &'a Link) -> Result<Option<&'a ValidatorSet>, Stop> {
    let header = &link.block.header;
    let announced =
        (header.next_validators_hash != header.validators_hash).then_some(header.next_validators_hash);
    let same = link.new_set.as_ref().map(ValidatorSet::hash) == announced;
    let otherwise = format!("The set shown at height {} is not the one its block announces.", header.height);
    checks.ensure("validators", same, &otherwise)?;
    Ok(link.new_set.as_ref())
}

fn check_trusted(checks: &mut Checks, evidence: &ChainEvidence, trusted: TrustedBlock) -> Result<(), Stop> {
    let mut blocks = evidence.links.iter().map(|link| &link.block).chain([&evidence.head]);
    let Some(block) = blocks.find(|block| block.header.height == trusted.height) else {
        return checks.unknown(
            "trusted",
            format!(
                "The bundle does not show the block of height {}; ask for one that does.",
                trusted.height
            ),
        );
    };
    let same = block.header.hash() == trusted.hash;
    checks.ensure(
        "trusted",
        same,
        &format!("The block of height {} is not the trusted one.", trusted.height),
    )?;
    checks.pass("trusted", format!("The block of height {} is the one given as real.", trusted.height));
    Ok(())
}

fn signed_power(block: &SignedHeader, set: &ValidatorSet) -> u64 {
    let signers = block.certificate.signatures.iter().filter_map(|(address, _)| set.get(address));
    signers.fold(0, |sum, validator| sum.saturating_add(validator.power))
}
