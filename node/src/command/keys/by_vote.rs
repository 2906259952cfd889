//! What the members decide of a node's keys: the seed key, which its validator keeps for as long as it is one, and a lost network
//! key. The changes that they vote on are written to HOME/replacements, one a file, in their order.
//!
//! Neither has a change of its own on the ledger: the validator leaves and comes in again under the same key, with another
//! account for shares or another peer. Each run looks at what the ledger says by now and does what comes next.

use std::fs;
use std::path::PathBuf;

use aula_api::chain::Validators;
use aula_ledger::keys::{PublicKey, account_of, peer_of};
use aula_ledger::names::{ListenHint, PeerName};
use aula_ledger::state::schema::ValidatorInfo;
use aula_ledger::tx::Change;
use serde_json::json;

use super::next::Next;
use crate::client::sender::account_of_home;
use crate::command::acting::ActingArgs;
use crate::command::{Advise, Context, DEFECT, Failure, Outcome};
use crate::config::Config;
use crate::home::Home;
use crate::keys::{KeyKind, NodeKey, OperatorFile};
use crate::whole_file::{self, Access, is_there};

const SEED_LEAVES: &str = "seed-1-remove-validator";
const SEED_ENTERS: &str = "seed-2-add-validator";
const PEER_ADMITTED: &str = "network-1-admit-peer";
const PEER_LEAVES: &str = "network-2-remove-validator";
const PEER_ENTERS: &str = "network-3-add-validator";
const PEER_REMOVED: &str = "network-4-remove-peer";

/// What to do with a written change.
const PROPOSE: &str = "send it to a member: `aula consortium propose FILE`, then the members vote";

/// That an issuer's key is none of those which the ledger replaces.
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
    let placed = NodeKey::of_home(home, KeyKind::Seed).advise("the seed key is refused", "see the reason")?;
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
/// one is shut out.
///
/// # Errors
/// When a file cannot be written, or the node cannot be reached once the first change was voted on.
pub(super) async fn network(context: &Context, args: &ActingArgs) -> Result<Outcome, Failure> {
    let home = &context.home;
    let place = NodeKey::path(home, KeyKind::Network);
    let current = match is_there(&place) {
        true => Some(
            NodeKey::load(&place, KeyKind::Network).advise("the network key is refused", "see the reason")?,
        ),
        false => None,
    };
    let peer = current.as_ref().map(peer).transpose()?;
    let asked = read(home, PEER_ADMITTED)?;
    let is_asked =
        |peer: &PeerName| matches!(&asked, Some(Change::AdmitPeer { peer_id, .. }) if peer_id == peer);
    let peer = match peer.clone().filter(is_asked) {
        Some(placed) => placed,
        None => {
            let was_drawn = Next::is_drawn(home, KeyKind::Network);
            let next = Next::drawn(home, KeyKind::Network)?;
            let new = self::peer(&next.key)?;
            let file = ask_for_peer(home, &new, peer)?;
            if current.is_none() {
                next.take_place(home)?;
                let more = "The new key stands in its place. Start this node: it connects once this is voted. Then run this again.";
                return Ok(peer_asked(&new, &[file], more));
            }
            if !was_drawn || !admits(&validators(context, args).await?, &new) {
                return Ok(peer_asked(&new, &[file], "After the vote run this again."));
            }
            next.take_place(home)?;
            new
        }
    };
    let told = validators(context, args).await?;
    if !admits(&told, &peer) {
        let files = [path(home, PEER_ADMITTED)];
        return Ok(peer_asked(&peer, &files, "This node connects once it is voted. Then run this again."));
    }
    let last = path(home, PEER_REMOVED);
    match own(home, &told)?.filter(|info| info.peer_id != peer) {
        Some(info) => {
            let seed = NodeKey::of_home(home, KeyKind::Seed)
                .advise("the seed key is refused", "replace it first: aula keys replace-lost --kind seed")?;
            let [leaves, enters] = again(&told, info, seed.public(), peer.clone())?;
            let mut files = vec![write(home, PEER_LEAVES, &leaves)?, write(home, PEER_ENTERS, &enters)?];
            files.extend(is_there(&last).then_some(last));
            let more =
                format!("{}\nStart this node again now: it runs under the new key.", meanwhile(&told, info));
            Ok(peer_asked(&peer, &files, &more))
        }
        None => {
            let text = format!(
                "the network key is replaced: {peer}.\nNext: start this node again where it runs under the lost one; where {} is not \
                 voted yet, propose it: it shuts the lost one out",
                last.display()
            );
            let json = json!({ "kind": "network", "peer_id": peer, "files": [last], "voted": true, "restart": true });
            Ok(Outcome::yes(json, text))
        }
    }
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
    Ok(args.rpc.client(context)?.get("/v1/validators").await?)
}

/// This home's validator, as the ledger knows it.
fn own<'a>(home: &Home, told: &'a Validators) -> Result<Option<&'a ValidatorInfo>, Failure> {
    let hint = "replace it first: aula keys replace-lost --kind validator";
    let key = NodeKey::of_home(home, KeyKind::Validator).advise("the validator key is refused", hint)?;
    let address = key.validator_address();
    Ok(told.known.iter().find(|one| one.address == address))
}

/// The validator leaves and comes in again: the same key, name and power, with this seed key and peer.
fn again(
    told: &Validators,
    info: &ValidatorInfo,
    seed_key: PublicKey,
    peer_id: PeerName,
) -> Result<[Change; 2], Failure> {
    let address = info.address;
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
    for name in asked {
        let path = path(home, name);
        if path.exists() {
            fs::remove_file(&path)
                .advise(format!("cannot remove {}", path.display()), "remove it by hand")?;
        }
    }
    let (kind, public) = (key.kind().name(), key.public());
    let text = format!(
        "the {kind} key is replaced: {public}.\nNext: start this node again; it runs under the new key"
    );
    Ok(Outcome::yes(json!({ "kind": kind, "public_key": public, "voted": true, "restart": true }), text))
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
    whole_file::replace(&path, Access::Public, text.as_bytes())
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
    let bytes = fs::read(&path).advise(format!("cannot read {}", path.display()), hint)?;
    serde_json::from_slice(&bytes).map(Some).advise(format!("{} is not a change", path.display()), hint)
}
