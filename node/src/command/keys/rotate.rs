//! `aula keys rotate`: a new key is drawn beside the old one, both sign for it, the ledger puts it in force, and then it takes
//! the old one's place, which is destroyed ([`super::next`]). The seed key alone is the members' to replace ([`super::by_vote`]).
//!
//! The running node keeps the keys it was started with, so it is started again afterwards; until then it follows. Where others are silent
//! too, so that the chain would stand meanwhile, nothing is done unless that is accepted.

use std::time::{Duration, Instant};

use aula_api::chain::{LATELY_BLOCKS, Validators};
use aula_api::event::ValidatorRotated;
use aula_api::paths;
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::chain::validators::Validator;
use aula_ledger::keys::{Label, peer_of, public_key, sign};
use aula_ledger::tx::RotateKey;
use aula_ledger::tx::admin::rotate_key::{KeyName, Replaced, node_statement};
use aula_ledger::types::{Height, ValidatorAddress};
use serde_json::{Value, json};

use super::by_vote;
use super::next::Next;
use crate::command::acting::{Acting, ActingArgs};
use crate::command::tx::{rotate, settle_rotation};
use crate::command::{Context, Failure, Outcome};

/// How long a new validator key may take to come into force.
const IN_FORCE: Duration = Duration::from_secs(60);

/// Replaces the key.
///
/// # Errors
/// When a file cannot be written, the node refuses, the change is not final in time, or too many others are silent.
pub(super) async fn run(
    context: &Context,
    acting: &ActingArgs,
    kind: KeyKind,
    accept_standstill: bool,
) -> Result<Outcome, Failure> {
    match kind {
        KeyKind::Seed => return by_vote::seed(context, acting).await,
        KeyKind::Issuer => return Err(by_vote::not_the_ledgers()),
        KeyKind::Account | KeyKind::Validator | KeyKind::Network => {}
    }
    let mut acting = acting.acting(context).await?;
    if kind == KeyKind::Account {
        let payload = rotate(context, &acting.sender)?;
        let done = acting.send(payload).await?;
        settle_rotation(&context.home, &acting.sender, done.accepted())?;
        return Ok(done.outcome(json!({ "kind": "account" }), "the account's new key is in force"));
    }
    let old = NodeKey::of_home(&context.home, kind)?;
    let name = name(&acting, kind, &old).await?;
    if name.is_some() && !accept_standstill {
        others_suffice(&acting, &context.home).await?;
    }
    let next = Next::drawn(&context.home, kind)?;
    let Some(name) = name else { return finish(context, &acting, kind, &next, json!({}), 0).await };
    let payload = signed(&acting, kind, &old, &next.key, &name).await?;
    let done = acting.send(payload).await?;
    if !done.accepted() {
        return Ok(done.outcome(json!({}), ""));
    }
    // A network key counts from its block on, and has no height to wait for.
    let in_force = done.event::<ValidatorRotated>().map(|rotated| rotated.in_force.0);
    let receipt = json!({ "id": done.id, "height": done.told.height, "in_force": in_force });
    finish(context, &acting, kind, &next, receipt, in_force.unwrap_or(0)).await
}

/// Refuses what makes this home's validator silent until it is started again, where the chain would stand without it.
async fn others_suffice(acting: &Acting, home: &Home) -> Result<(), Failure> {
    // A node that is nobody's validator may lack the key.
    let Ok(own) = NodeKey::of_home(home, KeyKind::Validator) else { return Ok(()) };
    let told: Validators = acting.client.get(paths::VALIDATORS).await?;
    let silent = too_silent(&told, &own.validator_address());
    if silent.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} signed nothing lately; nor does this node sign between its new key and its next start, and the chain would stand until then",
        silent.join(", ")
    );
    let hint = "have them sign first (`aula query validators`): who replaced a key starts the node again; or accept that it stands, with \
                --accept-standstill";
    Err(Failure::new("others_silent", message, hint))
}

/// Who is silent beside this validator, where those who are left decide nothing without it.
fn too_silent(told: &Validators, own: &ValidatorAddress) -> Vec<String> {
    let set = &told.after;
    let Some(own) = set.get(own) else { return Vec::new() };
    let line =
        |address: ValidatorAddress| told.uptime.validators.iter().find(move |line| line.address == address);
    let is_silent = |one: &&Validator| {
        let signs = line(one.address)
            .is_some_and(|line| line.last_signed.saturating_add(LATELY_BLOCKS) >= told.uptime.height);
        // A key that decided nothing yet is one whose node is still to be started under it.
        one.address != own.address && (!signs || told.now.get(&one.address).is_none())
    };
    let silent: Vec<&Validator> = set.validators().iter().filter(is_silent).collect();
    let lost = silent.iter().fold(own.power, |sum, one| sum.saturating_add(one.power));
    if silent.is_empty() || set.is_quorum(set.total_power().saturating_sub(lost)) {
        return Vec::new();
    }
    let name = |one: &&Validator| {
        line(one.address).map_or_else(|| one.address.to_string(), |line| line.name.clone())
    };
    silent.iter().map(name).collect()
}

/// What both keys sign beside themselves: the validator's name, or the peer's identity. None when the ledger does not know the key:
/// an earlier run was broken off after the change.
async fn name(acting: &Acting, kind: KeyKind, old: &NodeKey) -> Result<Option<String>, Failure> {
    let told: Validators = acting.client.get(paths::VALIDATORS).await?;
    if kind == KeyKind::Network {
        let peer = peer_of(&old.public()).map(|peer| peer.to_string()).unwrap_or_default();
        return Ok(told.peers.iter().any(|one| one.peer_id.to_string() == peer).then_some(peer));
    }
    let address = old.validator_address();
    Ok(told.known.iter().find(|one| one.address == address).map(|one| one.name.to_string()))
}

async fn signed(
    acting: &Acting,
    kind: KeyKind,
    old: &NodeKey,
    new: &NodeKey,
    name: &str,
) -> Result<RotateKey, Failure> {
    let key = if kind == KeyKind::Network { KeyName::Network } else { KeyName::Validator };
    let height = Height(acting.client.height().await?);
    let (old_key, new_key) = (old.public(), public_key(new.signing_key()));
    let statement = node_statement(acting.sender.genesis(), height, key, &old_key, &new_key, name);
    let signature = sign(old.signing_key(), Label::KeyRotation, &statement);
    let possession = sign(new.signing_key(), Label::KeyRotation, &statement);
    let replaces = Some(Replaced { public_key: old_key, height, signature });
    Ok(RotateKey { key, public_key: new_key, possession, replaces })
}

/// Waits until the old key decides nothing any more, puts the new one in its place, and says so.
///
/// # Errors
/// When the ledger does not know the new key, or a file cannot be moved.
pub(super) async fn finish(
    context: &Context,
    acting: &Acting,
    kind: KeyKind,
    next: &Next,
    receipt: Value,
    in_force: u64,
) -> Result<Outcome, Failure> {
    let public = next.key.public();
    known(acting, kind, &next.key).await?;
    let start = Instant::now();
    // The block before is decided: the old key has signed its last.
    while acting.client.height().await?.saturating_add(1) < in_force {
        if start.elapsed() > IN_FORCE {
            let message = format!("height {in_force} is not near after {} s", IN_FORCE.as_secs());
            return Err(Failure::new("not_final", message, "run it again: it goes on where it stopped"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    next.take_place(&context.home)?;
    let text = format!(
        "the {} key is replaced: {public}. The old one is destroyed.\nNext: start this node again; it runs under the new key",
        kind.name()
    );
    let mut json = json!({ "kind": kind.name(), "public_key": public, "restart": true });
    if let (Some(all), Some(told)) = (json.as_object_mut(), receipt.as_object()) {
        all.extend(told.clone());
    }
    Ok(Outcome::yes(json, text))
}

/// Refuses to put a key in place that the ledger does not know.
async fn known(acting: &Acting, kind: KeyKind, new: &NodeKey) -> Result<(), Failure> {
    if name(acting, kind, new).await?.is_some() {
        return Ok(());
    }
    let message = format!("the ledger knows neither this home's {} key nor the new one", kind.name());
    Err(Failure::new(
        "unknown_key",
        message,
        "a key that was never admitted, or was replaced by vote: ask the members, or `aula keys replace-lost`",
    ))
}

#[cfg(test)]
mod tests {
    use aula_api::chain::{Uptime, ValidatorLine};
    use aula_ledger::chain::validators::ValidatorSet;

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// Validators of power 1 at height 100, each with the last block that it signed.
    fn told(last_signed: &[u64]) -> Result<(Validators, Vec<Validator>), Box<dyn std::error::Error>> {
        let key = |_: &u64| Validator::new(NodeKey::generate(KeyKind::Validator).public(), 1);
        let all: Vec<Validator> = last_signed.iter().map(key).collect();
        let set = ValidatorSet::new(all.clone())?;
        let line = |(place, (one, last_signed)): (usize, (&Validator, &u64))| ValidatorLine {
            address: one.address,
            name: format!("node-{}", place + 1),
            operator: None,
            power: one.power,
            expected: 100,
            signed: 0,
            proposed: 0,
            missed_rounds: 0,
            last_signed: *last_signed,
            signed_ppm: None,
        };
        let validators = all.iter().zip(last_signed).enumerate().map(line).collect();
        let told = Validators {
            after: set.clone(),
            height: Height(100),
            known: Vec::new(),
            misbehaviour: Vec::new(),
            next: set.clone(),
            now: set,
            peers: Vec::new(),
            uptime: Uptime { height: 100, failed_rounds: 0, validators },
            waiting: Vec::new(),
        };
        Ok((told, all))
    }

    #[test]
    fn a_key_is_not_rotated_where_the_chain_would_stand_without_this_node() -> Tested {
        let cases: [(&[u64], &[&str]); 5] = [
            (&[100, 100, 100, 99, 80], &[]),
            (&[100, 100, 100, 100, 79], &["node-5"]),
            (&[100, 100, 100, 100, 100, 100, 79], &[]),
            (&[100, 100, 100, 100, 100, 0, 79], &["node-6", "node-7"]),
            // Alone it makes the chain of three stand: nobody else is to be waited for.
            (&[100, 100, 100], &[]),
        ];
        for (last_signed, silent) in cases {
            let (told, all) = told(last_signed)?;
            let mut found = too_silent(&told, &all[0].address);
            found.sort_unstable();
            assert_eq!(found, silent, "{last_signed:?}");
        }
        Ok(())
    }

    #[test]
    fn a_key_that_decided_nothing_yet_is_silent_and_who_has_no_power_is_missed_by_nobody() -> Tested {
        let (mut told, all) = told(&[100, 100, 100, 100, 100])?;
        told.now = ValidatorSet::new(all[..4].to_vec())?;
        assert_eq!(too_silent(&told, &all[0].address), ["node-5"]);
        told.after = told.now.clone();
        assert!(too_silent(&told, &all[4].address).is_empty());
        Ok(())
    }
}
