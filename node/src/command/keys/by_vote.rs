//! What the members decide of a node's keys: the seed key, which its validator keeps for as long as it is one, and a lost network
//! key. The changes that they vote on are written to HOME/replacements, one a file, in their order.
//!
//! Neither has a change of its own on the ledger: the validator leaves and comes in again under the same key, with another
//! account for shares or another peer. Each run looks at what the ledger says by now and does what comes next.

use std::fs;
use std::path::PathBuf;

use aula_api::chain::Validators;
use aula_api::paths;
use aula_client::sender::account_of_home;
use aula_files::{Access, is_there};
use aula_home::config::Config;
use aula_home::keys::{KeyKind, NodeKey, OperatorFile};
use aula_home::{Home, running};
use aula_ledger::chain::validators::ValidatorSet;
use aula_ledger::keys::{PublicKey, account_of, peer_of};
use aula_ledger::names::{ListenHint, PeerName};
use aula_ledger::state::schema::{ValidatorInfo, validator_schedule};
use aula_ledger::tx::Change;
use aula_ledger::types::ValidatorAddress;
use aula_server::bootstrap::storage_failure;
use aula_store::{ChainDb, DbOptions, StorageError};
use serde_json::json;

use super::next::Next;
use crate::command::acting::ActingArgs;
use crate::command::{Advise, Context, DEFECT, Failure, Outcome, given};

const SEED_LEAVES: &str = "seed-1-remove-validator";
const SEED_ENTERS: &str = "seed-2-add-validator";
const PEER_ADMITTED: &str = "network-1-admit-peer";
const PEER_LEAVES: &str = "network-2-remove-validator";
const PEER_ENTERS: &str = "network-3-add-validator";
const PEER_REMOVED: &str = "network-4-remove-peer";

/// What to do with a written change.
const PROPOSE: &str = "send it to a member: `aula consortium propose FILE`, then the members vote";

/// That an issuer's key is not one of those which the ledger replaces.
pub(super) fn not_the_ledgers() -> Failure {
    let message = "the ledger does not know the issuer's key: it signs credentials, and nothing on the chain";
    let hint = "move keys/issuer.json away and the next badge draws another; badges of the old one verify where its key stays known";
    Failure::new("not_replaced", message, hint)
}

/// The way of a seed key, lost or not: the validator leaves and comes in again with the account of another.
///
/// # Errors
/// When a file cannot be written, the node cannot be reached, or this home's key is not a validator's.
pub(super) async fn seed(context: &Context, args: &ActingArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    if !is_there(&NodeKey::path(home, KeyKind::Seed)) {
        // Nothing counts that it signs before the vote, and without one the node does not start.
        Next::drawn(home, KeyKind::Seed)?.take_place(home)?;
    }
    let placed = NodeKey::of_home(home, KeyKind::Seed)?;
    let told = validators(context, args).await?;
    let asked = read(home, SEED_ENTERS)?;
    let asks =
        |key: &PublicKey| matches!(&asked, Some(Change::AddValidator { seed_key, .. }) if seed_key == key);
    let Some(info) = own(home, &told)? else {
        let message = "this home's validator key is not a validator's now";
        let hint = match &asked {
            Some(_) => format!("have {} voted on", path(home, SEED_ENTERS).display()),
            None => "a node comes in with HOME/request.json, as `aula join` wrote it".to_owned(),
        };
        return Err(Failure::new("not_a_validator", message, hint));
    };
    let in_force = |key: &NodeKey| account_of(&key.public()) == info.seed;
    let key = match in_force(&placed) {
        true if asks(&placed.public()) => return done(home, &placed, &[SEED_LEAVES, SEED_ENTERS]),
        false if !Next::is_drawn(home, KeyKind::Seed) => placed.public(),
        is_placed => {
            if is_placed {
                others_remain(&told.after, &info.address)?;
            }
            let next = Next::drawn(home, KeyKind::Seed)?;
            if !is_placed && in_force(&next.key) {
                next.take_place(home)?;
                return done(home, &next.key, &[SEED_LEAVES, SEED_ENTERS]);
            }
            next.key.public()
        }
    };
    let [leaves, enters] = again(&told, info, key, info.peer_id.clone())?;
    let files = [write(home, SEED_LEAVES, &leaves)?, write(home, SEED_ENTERS, &enters)?];
    let text = format!(
        "{}\n{}\nShares of seeds that the old key committed to are revealed by it alone: propose while no round is open.\nAfter the \
         votes run this again.",
        listed(&files),
        meanwhile(&told, info)
    );
    let json = json!({ "kind": "seed", "public_key": key, "files": files, "voted": false });
    Ok(Outcome::yes(json, text))
}

/// The way of a lost network key: a new one is admitted as a peer, the validator leaves and comes in again under it, and the lost
/// one is shut out. What was asked for is forgotten then, so that the next run begins with another.
///
/// # Errors
/// When a file cannot be written, the node cannot be reached where it must be asked, or no validator would be left while this one is
/// out.
pub(super) async fn network(context: &Context, args: &ActingArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let place = NodeKey::path(home, KeyKind::Network);
    let current = match is_there(&place) {
        true => Some(NodeKey::load(&place, KeyKind::Network)?),
        false => None,
    };
    let held = current.as_ref().map(peer).transpose()?;
    let asked = read(home, PEER_ADMITTED)?;
    let is_asked =
        |peer: &PeerName| matches!(&asked, Some(Change::AdmitPeer { peer_id, .. }) if peer_id == peer);
    match held.clone().filter(is_asked) {
        Some(placed) => under_the_new(home, &validators(context, args).await?, &placed),
        None => drawn_peer(context, args, held).await,
    }
}

/// A new network key is drawn, takes the place at once where the lost one's file is gone, else once it is admitted. Nothing is
/// drawn for the only validator.
async fn drawn_peer(
    context: &Context,
    args: &ActingArgs,
    held: Option<PeerName>,
) -> Result<Outcome, Failure> {
    let home = &context.home;
    let is_lost = held.is_none();
    let runs = running::runs(home)?;
    // A node that is down does not start without a key: its database says who decides.
    let told = match runs || !is_lost {
        true => Some(validators(context, args).await?),
        false => None,
    };
    let set = match &told {
        Some(told) => Some(told.after.clone()),
        None => set_at_rest(home)?,
    };
    if let Some(set) = set {
        others_remain(&set, &own_address(home)?)?;
    }
    let was_drawn = Next::is_drawn(home, KeyKind::Network);
    let next = Next::drawn(home, KeyKind::Network)?;
    let new = peer(&next.key)?;
    let file = ask_for_peer(home, &new, held)?;
    if is_lost {
        next.take_place(home)?;
        let start = match runs {
            true => "This node goes on with the lost one: start it again once this is voted.",
            false => "Start this node: it connects once this is voted.",
        };
        let more = format!("The new key stands in its place. {start} Then run this again.");
        return Ok(peer_asked(&new, &[file], &more));
    }
    let Some(told) = told.filter(|told| was_drawn && admits(told, &new)) else {
        return Ok(peer_asked(&new, &[file], "After the vote run this again."));
    };
    let outcome = under_the_new(home, &told, &new)?;
    next.take_place(home)?;
    Ok(outcome)
}

/// What is left to vote on for a peer that stands in its place, or is about to. When nothing is, the files go.
fn under_the_new(home: &Home, told: &Validators, peer: &PeerName) -> Result<Outcome, Failure> {
    if !admits(told, peer) {
        let files = [path(home, PEER_ADMITTED)];
        return Ok(peer_asked(peer, &files, "This node connects once it is voted. Then run this again."));
    }
    let (enters, last) = (path(home, PEER_ENTERS), path(home, PEER_REMOVED));
    let own = own(home, told)?;
    if let Some(info) = own.filter(|info| info.peer_id != *peer) {
        let seed = NodeKey::of_home(home, KeyKind::Seed)
            .advise("the seed key is refused", "replace it first: aula keys replace-lost --kind seed")?;
        let [leaves, enters] = again(told, info, seed.public(), peer.clone())?;
        let mut files = vec![write(home, PEER_LEAVES, &leaves)?, write(home, PEER_ENTERS, &enters)?];
        files.extend(is_there(&last).then_some(last));
        let more = format!(
            "{}\nStart this node again now: it runs under the new key. After the votes run this again.",
            meanwhile(told, info)
        );
        return Ok(peer_asked(peer, &files, &more));
    }
    let waits = told.waiting.iter().any(|one| one.record.peer_id == *peer);
    let is_out = own.is_none() && !waits && is_there(&enters);
    let lost = read(home, PEER_REMOVED)?;
    let is_let_in =
        matches!(&lost, Some(Change::RemovePeer { peer_id }) if peer_id != peer && admits(told, peer_id));
    let left: Vec<PathBuf> = [(enters, is_out), (last, is_let_in)]
        .into_iter()
        .filter_map(|(file, is_left)| is_left.then_some(file))
        .collect();
    let restart = "start this node again where it runs under the lost one";
    if !left.is_empty() {
        let more = format!(
            "The new network key is admitted: {restart}. After the vote run this again; only then is another key drawn, \
             where this one is lost or stolen as well."
        );
        return Ok(peer_asked(peer, &left, &more));
    }
    let json = json!({ "kind": "network", "peer_id": peer, "files": left, "voted": true, "restart": true });
    if waits {
        let text = format!(
            "this validator waits under the new network key, {peer}, for its own word that it is level.\nNext: {restart}, and run this \
             again when it votes (`aula query validators`)"
        );
        return Ok(Outcome::yes(json, text));
    }
    forget(home, &[PEER_ADMITTED, PEER_LEAVES, PEER_ENTERS, PEER_REMOVED])?;
    let text = format!(
        "the network key is replaced: {peer}. What was voted on for it is removed from {}.\nNext: {restart}. Where this key is lost or \
         stolen as well, run this again: it draws another",
        home.replacements_dir().display()
    );
    Ok(Outcome::yes(json, text))
}

fn peer_asked(peer: &PeerName, files: &[PathBuf], more: &str) -> Outcome {
    let json = json!({ "kind": "network", "peer_id": peer, "files": files, "voted": false });
    Outcome::yes(json, format!("{}\n{more}", listed(files)))
}

fn admits(told: &Validators, peer: &PeerName) -> bool {
    told.peers.iter().any(|one| one.peer_id == *peer)
}

/// Writes the first change, whose file it gives, and where the lost identity is known the last.
fn ask_for_peer(home: &Home, new: &PeerName, old: Option<PeerName>) -> Result<PathBuf, Failure> {
    let stored = OperatorFile::stored(home)
        .advise("operator.json cannot be read", "move it away, or put it back from a copy")?;
    let account = NodeKey::of_home(home, KeyKind::Account).advise(
        "the account key is refused",
        "a lost account is replaced by a new member: docs/keeping-a-node.md",
    )?;
    let operator = account_of_home(home, account.signing_key())?;
    let reached = stored.as_ref().and_then(|file| file.p2p.clone());
    let reached = match reached {
        Some(reached) => reached,
        None => Config::load(home)?.p2p.reached_at().to_owned(),
    };
    let listen = ListenHint::new(&reached)
        .advise("the address for peers is refused", "put this node's into p2p.external of config.toml")?;
    let admitted = Change::AdmitPeer { peer_id: new.clone(), listen, operator };
    let file = write(home, PEER_ADMITTED, &admitted)?;
    let old = old.or_else(|| stored.and_then(|file| PeerName::new(&file.peer_id).ok()));
    if let Some(peer_id) = old.filter(|old| old != new) {
        // Taken once no validator is known by it any more.
        write(home, PEER_REMOVED, &Change::RemovePeer { peer_id })?;
    }
    Ok(file)
}

fn peer(key: &NodeKey) -> Result<PeerName, Failure> {
    peer_of(&key.public()).ok_or_else(|| Failure::because("a network key has no peer identity", DEFECT))
}

async fn validators(context: &Context, args: &ActingArgs) -> Result<Validators, Failure> {
    Ok(args.rpc.client(context)?.get(paths::VALIDATORS).await?)
}

/// Who decides after the newest block of a database that nobody has open; none where there is no database.
fn set_at_rest(home: &Home) -> Result<Option<ValidatorSet>, Failure> {
    let db = match ChainDb::open_read_only(&home.data_dir(), DbOptions::default()) {
        Err(StorageError::Absent(_)) => return Ok(None),
        opened => opened.map_err(storage_failure)?,
    };
    let schedule = validator_schedule(&*db.latest())
        .advise("the validators cannot be read", "`aula replay` says what is damaged in the database")?;
    Ok(Some(schedule.after))
}

/// Refuses what puts the only validator out: the ledger does not let it go, and its node, started under another peer, would take its
/// own power for another's and wait for it for ever.
fn others_remain(set: &ValidatorSet, own: &ValidatorAddress) -> Result<(), Failure> {
    if set.validators().iter().any(|one| one.address != *own) {
        return Ok(());
    }
    let message = "this is the only validator, and its key is replaced while others decide";
    let hint = "let the node run and have another one admitted first: `aula join` on an empty home, then `aula consortium propose` with \
                its request.json; run this again when it votes. A key whose file is gone is put back from its copy";
    Err(Failure::new("last_validator", message, hint))
}

fn own_address(home: &Home) -> Result<ValidatorAddress, Failure> {
    let hint = "replace it first: aula keys replace-lost --kind validator";
    let key = NodeKey::of_home(home, KeyKind::Validator).advise("the validator key is refused", hint)?;
    Ok(key.validator_address())
}

/// This home's validator, as the ledger knows it.
fn own<'a>(home: &Home, told: &'a Validators) -> Result<Option<&'a ValidatorInfo>, Failure> {
    let address = own_address(home)?;
    Ok(told.known.iter().find(|one| one.address == address))
}

/// The validator leaves and comes in again: the same key, name and power, with this seed key and peer.
///
/// # Errors
/// When it leaves already, or is the only one.
fn again(
    told: &Validators,
    info: &ValidatorInfo,
    seed_key: PublicKey,
    peer_id: PeerName,
) -> Result<[Change; 2], Failure> {
    let address = info.address;
    others_remain(&told.after, &address)?;
    let now = told.after.get(&address).ok_or_else(|| {
        let message = format!("the validator {address} leaves the set just now");
        Failure::new("not_a_validator", message, "run it again in a moment")
    })?;
    let power = u32::try_from(now.power).hint("a power this large is not admitted again: ask the members")?;
    let (public_key, name, operator) = (now.public_key, info.name.clone(), info.operator);
    let enters = Change::AddValidator { name, public_key, power, operator, peer_id, seed_key };
    Ok([Change::RemoveValidator { address }, enters])
}

/// What the others bear while the validator is out.
fn meanwhile(told: &Validators, info: &ValidatorInfo) -> String {
    let own = told.after.get(&info.address).map_or(0, |one| one.power);
    let others = told.after.total_power().saturating_sub(own);
    let silent = others.saturating_sub(1) / 3;
    format!(
        "Propose the second once the first is voted. Between the two this validator is out, of the others' power {others} at most \
         {silent} may be silent, and with more the chain stands: begin only when the others are up (`aula status`)."
    )
}

/// The key stands in its place and counts: what was asked for it is not needed any more.
fn done(home: &Home, key: &NodeKey, asked: &[&str]) -> Result<Outcome, Failure> {
    forget(home, asked)?;
    let (kind, public) = (key.kind().name(), key.public());
    let text = format!(
        "the {kind} key is replaced: {public}.\nNext: start this node again; it runs under the new key"
    );
    Ok(Outcome::yes(json!({ "kind": kind, "public_key": public, "voted": true, "restart": true }), text))
}

/// Removes what an earlier run wrote.
///
/// # Errors
/// When a file cannot be removed.
pub(super) fn forget(home: &Home, asked: &[&str]) -> Result<(), Failure> {
    for name in asked {
        let path = path(home, name);
        if path.exists() {
            fs::remove_file(&path)
                .advise(format!("cannot remove {}", path.display()), "remove it by hand")?;
        }
    }
    Ok(())
}

/// Files and what to do with them.
pub(super) fn listed(files: &[PathBuf]) -> String {
    let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    format!("{}\nNext, of each: {PROPOSE}.", lines.join("\n"))
}

pub(super) fn path(home: &Home, name: &str) -> PathBuf {
    home.replacements_dir().join(format!("{name}.json"))
}

/// Writes a change for a member to propose.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(home: &Home, name: &str, change: &Change) -> Result<PathBuf, Failure> {
    let (folder, path) = (home.replacements_dir(), path(home, name));
    let hint = "check the folder's owner and the space left";
    fs::create_dir_all(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    let text = format!("{}\n", serde_json::to_string_pretty(change).hint(DEFECT)?);
    aula_files::replace(&path, Access::Public, text.as_bytes())
        .advise(format!("cannot write {}", path.display()), hint)?;
    Ok(path)
}

/// The change that an earlier run wrote; none where none did.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub(super) fn read(home: &Home, name: &str) -> Result<Option<Change>, Failure> {
    let path = path(home, name);
    if !is_there(&path) {
        return Ok(None);
    }
    let hint = "remove it and run this again: it is written anew";
    let text = given::text(&path).advise(format!("cannot read {}", path.display()), hint)?;
    serde_json::from_str(&text).map(Some).advise(format!("{} is not a change", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use aula_api::chain::Uptime;
    use aula_home::operator::{Choice, make};
    use aula_ledger::chain::validators::Validator;
    use aula_ledger::names::Name;
    use aula_ledger::state::schema::Peer;
    use aula_ledger::types::Height;

    use super::*;

    type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;

    fn some_peer() -> Result<PeerName, Failure> {
        peer(&NodeKey::generate(KeyKind::Network))
    }

    /// What a node tells of two validators, of which the home's is known by this peer, and of the peers that are admitted.
    fn told(home: &Home, known_by: Option<&PeerName>, admitted: &[&PeerName]) -> Tested<Validators> {
        let key = NodeKey::of_home(home, KeyKind::Validator)?;
        let other = NodeKey::generate(KeyKind::Validator);
        let set =
            ValidatorSet::new(vec![Validator::new(key.public(), 1), Validator::new(other.public(), 1)])?;
        let (account, name) = (account_of(&key.public()), Name::new("district-07")?);
        let listen = ListenHint::new("/ip4/127.0.0.1/tcp/8481")?;
        let admitted = admitted.iter().map(|peer_id| Peer {
            peer_id: (*peer_id).clone(),
            listen: listen.clone(),
            operator: account,
        });
        let known = known_by.map(|peer_id| ValidatorInfo {
            address: key.validator_address(),
            name,
            operator: account,
            peer_id: peer_id.clone(),
            rotated_ms: None,
            seed: account,
        });
        Ok(Validators {
            after: set.clone(),
            height: Height(9),
            known: known.into_iter().collect(),
            misbehaviour: Vec::new(),
            next: set.clone(),
            now: set,
            peers: admitted.collect(),
            uptime: Uptime { height: 9, failed_rounds: 0, validators: Vec::new() },
            waiting: Vec::new(),
        })
    }

    #[test]
    fn a_network_key_is_replaced_when_the_lost_one_is_shut_out_and_may_be_replaced_again() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        let (lost, new) = (some_peer()?, some_peer()?);
        let asked = ask_for_peer(&home, &new, Some(lost.clone()))?;
        let steps: [(Validators, &[&str]); 4] = [
            (told(&home, Some(&lost), &[&lost])?, &[PEER_ADMITTED]),
            (told(&home, Some(&lost), &[&lost, &new])?, &[PEER_LEAVES, PEER_ENTERS, PEER_REMOVED]),
            (told(&home, None, &[&lost, &new])?, &[PEER_ENTERS, PEER_REMOVED]),
            (told(&home, Some(&new), &[&lost, &new])?, &[PEER_REMOVED]),
        ];
        for (told, left) in steps {
            let json = under_the_new(&home, &told, &new)?.answer.ok_or("no answer")?.json;
            let left: Vec<PathBuf> = left.iter().map(|name| path(&home, name)).collect();
            assert_eq!((&json["files"], &json["voted"]), (&json!(left), &json!(false)));
            assert!(asked.exists(), "an unfinished replacement is forgotten");
        }
        let done = under_the_new(&home, &told(&home, Some(&new), &[&new])?, &new)?;
        assert_eq!(done.answer.ok_or("no answer")?.json["voted"], true);
        for name in [PEER_ADMITTED, PEER_LEAVES, PEER_ENTERS, PEER_REMOVED] {
            assert!(!path(&home, name).exists(), "the next run takes {name} for its own");
        }
        Ok(())
    }

    #[test]
    fn the_only_validator_is_never_asked_to_leave() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        make(&home, &Choice::default())?;
        let (lost, new) = (some_peer()?, some_peer()?);
        let address = own_address(&home)?;
        let mut told = told(&home, Some(&lost), &[&lost, &new])?;
        assert_eq!(others_remain(&told.after, &address), Ok(()));
        let own = told.after.get(&address).cloned().ok_or("no validator")?;
        told.after = ValidatorSet::new(vec![own])?;
        let refused = under_the_new(&home, &told, &new).err().ok_or("it is asked to leave")?;
        assert!(refused.code == "last_validator" && refused.hint.contains("aula join"), "{refused:?}");
        assert!(!path(&home, PEER_LEAVES).exists() && !path(&home, PEER_ENTERS).exists());
        Ok(())
    }
}
