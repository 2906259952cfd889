//! `aula keys rotate`: a new key is drawn beside the old one, both sign for it, the ledger puts it in force, and then it takes
//! the old one's place, which is destroyed. Broken off anywhere, the next run goes on: a key that was drawn is used again.
//!
//! A validator's new key has a guard of its own, made before it: what it signs has nothing to do with what the old one did.
//! The running node keeps the keys it was started with, so it is started again afterwards; until then it follows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aula_api::chain::Validators;
use aula_api::event::ValidatorRotated;
use aula_consensus::sign_guard::SignGuard;
use aula_home::operator::export;
use aula_ledger::keys::{Label, peer_of, public_key, sign};
use aula_ledger::tx::RotateKey;
use aula_ledger::tx::admin::rotate_key::{KeyName, Replaced, node_statement};
use aula_ledger::types::Height;
use serde_json::{Value, json};

use crate::command::acting::{Acting, ActingArgs};
use crate::command::tx::{rotate, settle_rotation};
use crate::command::{Advise, Context, Failure, Outcome};
use crate::home::Home;
use crate::keys::{KeyKind, NodeKey, OperatorFile};

/// How long a new validator key may take to come into force.
const IN_FORCE: Duration = Duration::from_secs(60);

/// Replaces the key.
///
/// # Errors
/// When a file cannot be written, the node refuses, or the change is not final in time.
pub(super) async fn run(context: &Context, acting: &ActingArgs, kind: KeyKind) -> Result<Outcome, Failure> {
    let mut acting = acting.acting(context).await?;
    if kind == KeyKind::Account {
        let payload = rotate(context, &acting.sender)?;
        let done = acting.send(payload).await?;
        settle_rotation(&context.home, &acting.sender, done.accepted())?;
        return Ok(done.outcome(json!({ "kind": "account" }), "the account's new key is in force"));
    }
    if kind == KeyKind::Seed {
        let message = "a seed key is its validator's, for as long as that is one";
        let hint = "have the validator removed and admitted again by vote";
        return Err(Failure::new("not_replaced", message, hint));
    }
    let next = Next::drawn(&context.home, kind)?;
    let old =
        NodeKey::of_home(&context.home, kind).advise("the key is refused", "correct the file's mode")?;
    let name = name(&acting, kind, &old).await?;
    let Some(name) = name else { return finish(context, &acting, kind, &next, json!({}), 0).await };
    let payload = signed(&acting, kind, &old, &next.key, &name).await?;
    let done = acting.send(payload).await?;
    if !done.accepted() {
        return Ok(done.outcome(json!({}), ""));
    }
    let in_force = done.event::<ValidatorRotated>().map_or(0, |rotated| rotated.in_force.0);
    let receipt = json!({ "id": done.id, "height": done.told.height, "in_force": in_force });
    finish(context, &acting, kind, &next, receipt, in_force).await
}

/// The key that will be.
struct Next {
    key: NodeKey,
    file: PathBuf,
    guard: PathBuf,
}

impl Next {
    /// Drawn beside the old one, a validator's with its guard before it.
    fn drawn(home: &Home, kind: KeyKind) -> Result<Self, Failure> {
        let hint =
            "check the folder's owner and the space left, then run it again: it goes on where it stopped";
        let file = home.keys_dir().join(format!("{}.next.json", kind.name()));
        let guard = home.consensus_dir().join("sign_guard.next");
        if !file.exists() {
            if kind == KeyKind::Validator {
                let folder = home.consensus_dir();
                fs::create_dir_all(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
                SignGuard::create(&guard, 0).advise("cannot create the new key's guard", hint)?;
            }
            NodeKey::generate(kind).save(&file).advise("cannot create the new key", hint)?;
        }
        let key = NodeKey::load(&file, kind).advise("the new key is refused", hint)?;
        Ok(Self { key, file, guard })
    }
}

/// What both keys sign beside themselves: the validator's name, or the peer's identity. None when the ledger knows the old key
/// no more: an earlier run was broken off after the change.
async fn name(acting: &Acting, kind: KeyKind, old: &NodeKey) -> Result<Option<String>, Failure> {
    let told: Validators = acting.client.get("/v1/validators").await?;
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
async fn finish(
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
    let home = &context.home;
    if kind == KeyKind::Validator {
        replace(&next.guard, &home.sign_guard_file())?;
    }
    replace(&next.file, &NodeKey::path(home, kind))?;
    let hint = "write it again with `aula keys export --name NAME`";
    let stored = OperatorFile::stored(home).advise("operator.json cannot be read", hint)?;
    if let Some(file) = stored {
        export(home, &file.name, None)?;
    }
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
        "a key that was never admitted, or was replaced by vote: ask the members",
    ))
}

/// Puts a file in another's place; what stood there is gone.
fn replace(new: &Path, old: &Path) -> Result<(), Failure> {
    if !new.exists() {
        return Ok(());
    }
    let hint = "the ledger has the new key already: run it again, or move the file by hand";
    fs::rename(new, old).advise(format!("cannot move {} to {}", new.display(), old.display()), hint)
}
