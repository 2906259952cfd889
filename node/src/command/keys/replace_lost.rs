//! `aula keys replace-lost`: a key that cannot speak for its successor any more is replaced by the members. The new key is drawn
//! here, and what the members vote on is written to HOME/replacements ([`super::by_vote`]).
//!
//! Where the lost key's file is gone and no node runs, the new one takes its place at once: a node that is started under it follows,
//! and votes when the change is in force. A node that still runs has the lost key in its memory and its guard open; and where the file
//! is there, the key was stolen, or the consortium is too small to rotate. Then the old key goes on until the vote, and the next run
//! puts the new one in its place, as `aula keys rotate` does.

use aula_api::chain::Validators;
use aula_api::paths;
use aula_files::is_there;
use aula_home::Home;
use aula_home::founding::read_genesis;
use aula_home::keys::{KeyKind, NodeKey, OperatorFile};
use aula_ledger::chain::validators;
use aula_ledger::keys::{Label, sign};
use aula_ledger::tx::Change;
use aula_ledger::tx::admin::key_change::replacement_statement;
use aula_ledger::types::{Hash, ValidatorAddress};
use serde_json::json;

use super::by_vote::{self, forget, listed, path, read, write};
use super::next::{Next, tell_operator_file};
use super::rotate::finish;
use crate::command::acting::{Acting, ActingArgs};
use crate::command::{Advise, Context, Failure, Outcome};

/// The change's file.
const FILE: &str = "validator";

/// What to do while the old key is the one that signs.
const UNTIL_THE_VOTE: &str = "Until the vote this node goes on with the key that it has, which the vote may need: leave it running. \
                              After the vote run this again: it puts the new key in its place.";

/// Draws the new key and writes what members vote on; after the vote finishes it.
///
/// # Errors
/// When a file cannot be written, the lost key is not known, the node cannot be reached once that is needed, or the ledger has no
/// way to replace a key of this kind.
pub(super) async fn run(
    context: &Context,
    args: &ActingArgs,
    kind: KeyKind,
    lost: Option<ValidatorAddress>,
) -> Result<Outcome, Failure> {
    if lost.is_some() && kind != KeyKind::Validator {
        let message = "--address names a validator's lost key";
        return Err(Failure::new("bad_address", message, "use it with --kind validator, or leave it out"));
    }
    match kind {
        KeyKind::Validator => validator(context, args, lost).await,
        KeyKind::Network => by_vote::network(context, args).await,
        KeyKind::Seed => by_vote::seed(context, args).await,
        KeyKind::Issuer => Err(by_vote::not_the_ledgers()),
        KeyKind::Account => {
            let message = "an account is its first key's: the ledger gives a lost one to nobody";
            let hint = "come in as a new member under another name (`aula join` on an empty home), and have the old one removed: `aula \
                        consortium propose --remove-member NAME`; docs/keeping-a-node.md has the steps";
            Err(Failure::new("not_replaced", message, hint))
        }
    }
}

async fn validator(
    context: &Context,
    args: &ActingArgs,
    lost: Option<ValidatorAddress>,
) -> Result<Outcome, Failure> {
    let home = &context.home;
    let place = NodeKey::path(home, KeyKind::Validator);
    let current = match is_there(&place) {
        true => Some(NodeKey::load(&place, KeyKind::Validator).advise(
            "the validator key is refused",
            "correct the file's mode, or move it away if it is lost",
        )?),
        false => None,
    };
    let asked = read(home, FILE)?;
    if let (Some(key), Some(Change::ReplaceValidatorKey { address, public_key, .. })) = (&current, &asked)
        && key.public() == *public_key
    {
        tell_operator_file(home)?;
        return Ok(told(home, key, address, true));
    }
    let at_once = Next::finds_its_place_free(home, KeyKind::Validator)?;
    let was_drawn = Next::is_drawn(home, KeyKind::Validator);
    let next = Next::drawn(home, KeyKind::Validator)?;
    if was_drawn && asked.is_some() && !at_once {
        let acting = args.acting(context).await?;
        if let Some(in_force) = in_force(&acting, &next.key).await? {
            let done = finish(context, &acting, KeyKind::Validator, &next, json!({}), in_force).await?;
            forget(home, &[FILE])?;
            return Ok(done);
        }
    }
    let (_, genesis) = read_genesis(home)?;
    // Said once is enough: while a node runs, the key is drawn in one run and placed in another.
    let said = lost.or(match &asked {
        Some(Change::ReplaceValidatorKey { address, public_key, .. }) if *public_key == next.key.public() => {
            Some(*address)
        }
        _ => None,
    });
    let address = lost_address(home, said, current.as_ref())?;
    write(home, FILE, &replacement(&genesis.sha256, &address, &next.key))?;
    if at_once {
        next.take_place(home)?;
    }
    Ok(told(home, &next.key, &address, at_once))
}

fn told(home: &Home, key: &NodeKey, replaces: &ValidatorAddress, placed: bool) -> Outcome {
    let files = [path(home, FILE)];
    let more = match placed {
        true => format!(
            "The new key stands in its place. Start this node: it follows, and votes when the change is in force, \
             two heights after the deciding vote. To replace this key as well, remove {} first.",
            files[0].display()
        ),
        false => UNTIL_THE_VOTE.to_owned(),
    };
    let json = json!({
        "kind": "validator", "public_key": key.public(), "replaces": replaces, "files": files, "placed": placed, "voted": false,
    });
    Outcome::yes(json, format!("{}\n{more}", listed(&files)))
}

/// The change that puts a new key into a validator's place, signed by the new key.
fn replacement(genesis: &Hash, lost: &ValidatorAddress, new: &NodeKey) -> Change {
    let public_key = new.public();
    let statement = replacement_statement(genesis, lost, &public_key);
    let possession = sign(new.signing_key(), Label::KeyRotation, &statement);
    Change::ReplaceValidatorKey { address: *lost, public_key, possession }
}

/// The first height that the new key decides, 0 when it is past; none while the ledger does not know it.
async fn in_force(acting: &Acting, key: &NodeKey) -> Result<Option<u64>, Failure> {
    let told: Validators = acting.client.get(paths::VALIDATORS).await?;
    let address = key.validator_address();
    if told.after.get(&address).is_none() {
        return Ok(None);
    }
    let decides = told.next.get(&address).is_some();
    Ok(Some(if decides { 0 } else { told.height.0.saturating_add(2) }))
}

/// Under which address the set has the lost key: as it was said, of the file that is there, or as operator.json remembers it.
fn lost_address(
    home: &Home,
    said: Option<ValidatorAddress>,
    current: Option<&NodeKey>,
) -> Result<ValidatorAddress, Failure> {
    if let Some(found) = said.or(current.map(NodeKey::validator_address)) {
        return Ok(found);
    }
    let hint = "say its address with --address: `aula query validators` on any node lists them";
    let stored = OperatorFile::stored(home).advise("operator.json cannot be read", hint)?;
    let found = stored.map(|file| validators::address(&file.validator));
    found.ok_or_else(|| Failure::new("unknown_key", "nothing here remembers the lost validator key", hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_one_that_the_ledger_takes_on_its_own_chain_alone() {
        let (lost, new) = (NodeKey::generate(KeyKind::Validator), NodeKey::generate(KeyKind::Validator));
        let change = replacement(&Hash([7; 32]), &lost.validator_address(), &new);
        assert_eq!(change.check(), Ok(()));
        assert_eq!(change.check_possession(&Hash([7; 32])), Ok(()));
        assert!(change.check_possession(&Hash([8; 32])).is_err());
        let file = serde_json::to_string(&change).expect("JSON");
        assert_eq!(serde_json::from_str::<Change>(&file).ok(), Some(change));
    }

    #[test]
    fn the_lost_key_is_the_one_said_else_the_files_else_what_operator_json_remembers()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert!(lost_address(&home, None, None).is_err_and(|failure| failure.hint.contains("--address")));
        let made = aula_home::operator::make(&home, &aula_home::operator::Choice::default())?;
        let own = NodeKey::of_home(&home, KeyKind::Validator)?;
        assert_eq!(lost_address(&home, None, None)?, validators::address(&made.operator.validator));
        assert_eq!(lost_address(&home, None, Some(&own))?, own.validator_address());
        let said = ValidatorAddress([3; 20]);
        assert_eq!(lost_address(&home, Some(said), Some(&own))?, said);
        Ok(())
    }
}
