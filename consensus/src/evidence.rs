//! What the engine saw a validator sign twice, as the ledger takes it.

use arc_malachitebft_app_channel::app::types::MisbehaviorEvidence;
use arc_malachitebft_core_types::{NilOrVal, VoteType};
use aula_ledger::chain::ValidatorSet;
use aula_ledger::chain::misbehaviour::{Equivocation, Said, Statement};
use aula_ledger::types::{Hash, ValidatorAddress};

use crate::context::{AulaContext, Proposal, Vote};
use crate::signing::Signature;

/// Who signed two things where one is allowed, with the first pair that shows it under the rules of the ledger, if there is
/// one. `set` decided the height that this is about.
pub(crate) fn of(
    genesis: &Hash,
    set: &ValidatorSet,
    seen: &MisbehaviorEvidence<AulaContext>,
) -> Vec<(ValidatorAddress, Option<Equivocation>)> {
    let votes = seen.votes.iter().map(|(address, pairs)| {
        let pairs = pairs.iter().map(|(one, other)| {
            let said = [said_by_vote(&one.message), said_by_vote(&other.message)];
            let signed = [one.signature, other.signature];
            (one.message.height, one.message.round.as_u32(), said, signed)
        });
        (address.0, pairs.collect::<Vec<_>>())
    });
    let proposals = seen.proposals.iter().map(|(address, pairs)| {
        let pairs = pairs.iter().map(|(one, other)| {
            let said = [said_by_proposal(&one.message), said_by_proposal(&other.message)];
            let signed = [one.signature, other.signature];
            (one.message.height, one.message.round.as_u32(), said, signed)
        });
        (address.0, pairs.collect::<Vec<_>>())
    });
    let told = votes.chain(proposals).map(|(validator, pairs)| {
        let key = set.get(&validator).map(|known| known.public_key);
        let evidence = pairs.into_iter().find_map(|(height, round, [one, other], signed)| {
            let statements = [statement(one, signed[0]), statement(other, signed[1])];
            Equivocation::of(*genesis, key?, height.into(), round?, statements)
        });
        (validator, evidence)
    });
    told.collect()
}

fn statement(said: Said, signature: Signature) -> Statement {
    Statement { said, signature: signature.into() }
}

fn said_by_vote(vote: &Vote) -> Said {
    let block = match vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(hash) => Some(hash),
    };
    match vote.kind {
        VoteType::Prevote => Said::Prevote { block },
        VoteType::Precommit => Said::Precommit { block },
    }
}

fn said_by_proposal(proposal: &Proposal) -> Said {
    Said::Proposal { block: proposal.value.0, valid_round: proposal.pol_round.as_u32() }
}
