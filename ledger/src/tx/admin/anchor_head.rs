//! AnchorHead: a certified block of another consortium's ledger, anchored here, so that what its state holds can be shown to
//! whoever trusts this ledger alone.
//!
//! The certificate speaks, not the sender: any member of the consortium role may bring it. It is checked against the
//! validators that follow from that consortium's genesis by the heads anchored before, so a block that changes them has to be
//! anchored itself. Heads only go forward, and the first of a height stays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer};

use crate::chain::validators::MAX_VALIDATORS;
use crate::chain::{CommitCertificate, Header, ValidatorSet};
use crate::code::Code;
use crate::codec::Canonical;
use crate::names::Title;
use crate::state::Overlay;
use crate::state::schema::{self, AnchoredHead, Consortium, Moment};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{Hash, Height, TimeMs};

/// A decided block of another consortium.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorHead {
    /// Its header; names the ledger.
    pub header: Header,
    /// The precommits of more than two thirds of that ledger's power. In JSON: its canonical bytes in hex.
    #[serde(deserialize_with = "from_hex")]
    pub certificate: CommitCertificate,
    /// The validators from the next height on; exactly if the header announces others.
    #[serde(default)]
    pub new_set: Option<ValidatorSet>,
}

fn from_hex<'de, D: Deserializer<'de>>(from: D) -> Result<CommitCertificate, D::Error> {
    let text = <String as Deserialize>::deserialize(from)?;
    let bytes = hex::decode(text).map_err(serde::de::Error::custom)?;
    CommitCertificate::from_canonical(&bytes).map_err(serde::de::Error::custom)
}

impl AnchorHead {
    /// How many signatures of its certificate are checked.
    pub fn signatures(&self) -> u32 {
        u32::try_from(self.certificate.signatures.len()).unwrap_or(u32::MAX)
    }
}

impl Handler for AnchorHead {
    fn check(&self) -> Result<(), Code> {
        let Self { header, certificate, new_set } = self;
        let named = certificate.height == header.height && certificate.block_hash == header.hash();
        let announced =
            (header.next_validators_hash != header.validators_hash).then_some(header.next_validators_hash);
        require(
            header.height > Height::GENESIS
                && named
                && header.transactions.leaf_count == header.receipts.leaf_count
                && new_set.as_ref().map(ValidatorSet::hash) == announced
                && (1..=MAX_VALIDATORS).contains(&certificate.signatures.len()),
        )
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let Self { header, certificate, new_set } = self;
        let known = schema::consortium(context.overlay, &header.genesis)?;
        let mut consortium = known.ok_or(Code::UnknownConsortium)?;
        check_place(context.overlay, &consortium, header)?;
        ensure(header.validators_hash == consortium.next.hash(), Code::HeadSetUnknown)?;
        let certified = certificate.verify(&header.genesis, &consortium.next);
        ensure(certified.is_ok(), Code::HeadNotCertified)?;
        let head = AnchoredHead {
            genesis: header.genesis,
            height: header.height,
            time_ms: header.time_ms,
            block_hash: certificate.block_hash,
            state_root: header.state_root,
            by: context.sender.account,
            at: Moment { height: context.facts.height, time_ms: context.facts.time_ms },
        };
        let event = Event::HeadAnchored {
            consortium: head.genesis,
            height: head.height,
            block_hash: head.block_hash,
        };
        schema::write(context.overlay, schema::anchored_head_key(&head.genesis, head.height), &head);
        consortium.heads = consortium.heads.saturating_add(1);
        consortium.newest = Some(head);
        if let Some(set) = new_set {
            consortium.next = set.clone();
        }
        schema::write(context.overlay, schema::consortium_key(&consortium.genesis), &consortium);
        Ok(vec![event])
    }
}

/// Above the newest anchored head and, as far as that can be seen, on the same chain.
fn check_place(overlay: &Overlay<'_>, consortium: &Consortium, header: &Header) -> Result<(), Refusal> {
    let newest = consortium.newest.as_ref();
    let (height, hash, time) = newest
        .map_or((Height::GENESIS, consortium.genesis, consortium.founded_ms), |head| {
            (head.height, head.block_hash, head.time_ms)
        });
    if header.height <= height {
        let there = schema::anchored_head(overlay, &consortium.genesis, header.height)?;
        let other = there.is_some_and(|head| head.block_hash != header.hash());
        return Err(if other { Code::ConflictingHead } else { Code::StaleHead }.into());
    }
    let apart = header.height.0.saturating_sub(height.0);
    let in_time = header.time_ms.0.checked_sub(time.0).is_some_and(|passed| apart <= passed);
    let follows = apart > 1 || header.parent == hash;
    Ok(ensure(follows && in_time, Code::ConflictingHead)?)
}

/// What a vote says of a consortium that it admits.
pub(super) struct Admission<'a> {
    pub(super) genesis: Hash,
    pub(super) name: &'a Title,
    pub(super) founded_ms: TimeMs,
    pub(super) validators: &'a ValidatorSet,
}

/// Whether a vote may admit a consortium of this genesis: another ledger, not admitted yet.
pub(super) fn may_admit(overlay: &Overlay<'_>, genesis: &Hash) -> Result<(), Refusal> {
    let other = schema::chain(overlay)?.genesis_sha256 != *genesis;
    let new = schema::consortium(overlay, genesis)?.is_none();
    Ok(ensure(other && new, Code::ConsortiumKnown)?)
}

/// Admits it: its heads may be anchored from the next height on.
pub(super) fn admit(overlay: &mut Overlay<'_>, admission: Admission<'_>, now: Height) {
    let Admission { genesis, name, founded_ms, validators } = admission;
    let consortium = Consortium {
        genesis,
        name: name.clone(),
        founded_ms,
        founders_hash: validators.hash(),
        admitted: now,
        heads: 0,
        newest: None,
        next: validators.clone(),
    };
    schema::write(overlay, schema::consortium_key(&genesis), &consortium);
}
