//! From the genesis to the block whose state is shown: every change of the validator set, each certified by
//! the set before it, then the block itself.

use super::super::bundle::{ChainEvidence, Link, SignedHeader};
use super::super::report::{Checks, Stop, utc};
use super::TrustedBlock;
use crate::chain::{Header, ValidatorSet};
use crate::genesis::Parsed;
use crate::protocol::Protocol;
use crate::types::{Hash, Height, TimeMs};

/// Checks the links and the last block; gives its header.
pub(super) fn verify<'a>(
    checks: &mut Checks,
    evidence: &'a ChainEvidence,
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
) -> Result<&'a Header, Stop> {
    check_protocols(checks, evidence, genesis)?;
    let mut set = genesis.validators.clone();
    let mut below = Below::genesis(genesis);
    for link in &evidence.links {
        verify_block(checks, "validators", &link.block, genesis, &set, &below)?;
        below = Below::of(&link.block.header);
        if let Some(new_set) = check_new_set(checks, link)? {
            checks.pass(
                "validators",
                format!(
                    "At height {}, {} of {} voting power agreed on a new set of {} validators.",
                    below.height,
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
    verify_block(checks, "certificate", &evidence.head, genesis, &set, &below)?;
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

/// Every block shown goes by rules that this program has, and none by older ones than a block below it.
fn check_protocols(checks: &mut Checks, evidence: &ChainEvidence, genesis: &Parsed) -> Result<(), Stop> {
    const NAME: &str = "protocol";
    let mut below = genesis.genesis.protocol;
    for header in evidence.headers() {
        let (height, protocol) = (header.height, header.protocol);
        if protocol > Protocol::NEWEST {
            return checks.unknown(
                NAME,
                format!(
                    "Block {height} goes by protocol {protocol}; this program knows protocols up to {}: verify with a newer \
                     version.",
                    Protocol::NEWEST
                ),
            );
        }
        let otherwise = format!("Block {height} goes by an older protocol than a block below it.");
        checks.ensure(NAME, protocol >= below, &otherwise)?;
        below = protocol;
    }
    Ok(())
}

/// What a block must follow: the genesis, or the block shown before it.
struct Below {
    height: Height,
    hash: Hash,
    time_ms: TimeMs,
}

impl Below {
    fn genesis(genesis: &Parsed) -> Self {
        Self { height: Height::GENESIS, hash: genesis.sha256, time_ms: genesis.genesis.time_ms }
    }

    fn of(header: &Header) -> Self {
        Self { height: header.height, hash: header.hash(), time_ms: header.time_ms }
    }

    /// Whether this header may stand above: its parent is what stands right below it, and block time moved by at least a
    /// millisecond a height.
    fn is_followed_by(&self, header: &Header) -> bool {
        let Some(apart) = header.height.0.checked_sub(self.height.0).filter(|apart| *apart > 0) else {
            return false;
        };
        let passed = header.time_ms.0.checked_sub(self.time_ms.0);
        let in_time = passed.is_some_and(|ms| apart <= ms);
        (apart > 1 || header.parent == self.hash) && in_time
    }
}

/// One block: of this chain, above the last, its hash certified by the set that was to decide it.
fn verify_block(
    checks: &mut Checks,
    name: &'static str,
    block: &SignedHeader,
    genesis: &Parsed,
    set: &ValidatorSet,
    below: &Below,
) -> Result<(), Stop> {
    let SignedHeader { header, certificate } = block;
    let height = header.height;
    checks.ensure(name, header.genesis == genesis.sha256, "A block belongs to another chain.")?;
    checks.ensure(name, height > below.height, "The blocks are not in ascending order.")?;
    let named = certificate.height == height && certificate.block_hash == header.hash();
    checks.ensure(name, named, &format!("The certificate of height {height} is about another block."))?;
    let follows = below.is_followed_by(header);
    let otherwise =
        format!("Block {height} does not follow what stands below it: another parent, or too early a time.");
    checks.ensure(name, follows, &otherwise)?;
    let told = header.transactions.leaf_count == header.receipts.leaf_count;
    checks.ensure(name, told, &format!("Block {height} has not one receipt a transaction."))?;
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
