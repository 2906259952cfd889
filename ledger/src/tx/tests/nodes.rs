//! A whole node enters by one proposal and its own word; a node's keys are replaced, alone within limits or by vote.

use super::rejections::{Row, propose};
use crate::chain::{Validator, validators};
use crate::code::Code;
use crate::genesis::GenesisValidator;
use crate::keys::{Label, PublicKey, peer_of, public_key, sign};
use crate::roles::{Role, RoleSet};
use crate::state::schema;
use crate::testkit::*;
use crate::tx::admin::key_change::{ROTATION_EVERY_MS, replacement_statement};
use crate::tx::admin::ready::ready_statement;
use crate::tx::admin::rotate_key::{KeyName, Replaced, node_statement};
use crate::tx::*;
use crate::types::*;

fn address(of: &str) -> ValidatorAddress {
    validators::address(&public_key(&key(of)))
}

fn network(of: &str) -> PublicKey {
    public_key(&key(&format!("network of {of}")))
}

/// The consortium with so many validators, of voter-a, each with a peer of its own key.
fn consortium(count: u8) -> Chain {
    let mut genesis = genesis();
    let validator = |n: u8| GenesisValidator {
        name: name(&format!("validator-{n}")),
        public_key: public_key(&key(&format!("validator-{n}"))),
        peer_id: peer_of(&network(&format!("validator-{n}"))).unwrap(),
        seed_key: public_key(&key(&format!("seed-{n}"))),
        ..genesis.validators[0].clone()
    };
    genesis.validators = (1..=count).map(validator).collect();
    Chain::of(genesis)
}

/// A block by each of these validators.
fn live(chain: &mut Chain, of: impl IntoIterator<Item = u8>) {
    for n in of {
        chain.proposer = address(&format!("validator-{n}"));
        chain.block(&[]);
    }
}

fn asked(chain: &Chain, text: &str, district: Option<NewDistrict>) -> NodeRequest {
    let (account, validator) = (key(text), key(&format!("{text} votes")));
    let district_role = district.is_some().then_some(Role::District);
    let roles = district_role.into_iter().fold(RoleSet::of(&[Role::Consortium]), RoleSet::with);
    let unsigned = sign(&account, Label::NodeRequest, &[]);
    let mut node = NodeRequest {
        name: name(text),
        account_key: public_key(&account),
        roles,
        district,
        validator_key: public_key(&validator),
        seed_key: public_key(&key(&format!("seed of {text}"))),
        peer_id: peer_of(&network(text)).unwrap(),
        listen: listen(),
        account_signature: unsigned,
        validator_signature: unsigned,
    };
    let statement = node.statement(&chain.parsed.sha256);
    node.account_signature = sign(&account, Label::NodeRequest, &statement);
    node.validator_signature = sign(&validator, Label::NodeRequest, &statement);
    node
}

fn lake(id: u16) -> Option<NewDistrict> {
    Some(NewDistrict { id: DistrictId(id), name: Some(title("Lake County")) })
}

fn admitting(node: NodeRequest) -> Change {
    Change::AdmitNode { node: Box::new(node) }
}

fn ready_now(chain: &Chain, text: &str) -> Ready {
    ready_at(chain, text, chain.height)
}

fn ready_at(chain: &Chain, text: &str, height: Height) -> Ready {
    let votes = key(&format!("{text} votes"));
    let validator = validators::address(&public_key(&votes));
    let statement = ready_statement(&chain.parsed.sha256, &validator, height);
    Ready { validator, height, signature: sign(&votes, Label::ValidatorReady, &statement) }
}

/// Four live validators, and a fifth node that is admitted and waits.
fn waiting() -> Chain {
    let mut chain = consortium(4);
    let node = asked(&chain, "fifth", lake(5));
    chain.agree(admitting(node));
    live(&mut chain, 1..=4);
    chain
}

/// A rotation of a key of a validator's node by its operator, signed by both keys now.
fn rotation(chain: &Chain, which: KeyName, old: &str, new: &str, name: &str) -> RotateKey {
    let (old, new) = (key(old), key(new));
    let (old_key, new_key) = (public_key(&old), public_key(&new));
    let genesis = &chain.parsed.sha256;
    let statement = node_statement(genesis, chain.height, which, &old_key, &new_key, name);
    let signature = sign(&old, Label::KeyRotation, &statement);
    let replaces = Some(Replaced { public_key: old_key, height: chain.height, signature });
    let possession = sign(&new, Label::KeyRotation, &statement);
    RotateKey { key: which, public_key: new_key, possession, replaces }
}

fn validator_rotation(chain: &Chain, n: u8, new: &str) -> RotateKey {
    let name = format!("validator-{n}");
    rotation(chain, KeyName::Validator, &name, new, &name)
}

fn replacing(chain: &Chain, old: &str, new: &str) -> Change {
    let new = key(new);
    let statement = replacement_statement(&chain.parsed.sha256, &address(old), &public_key(&new));
    let possession = sign(&new, Label::KeyRotation, &statement);
    Change::ReplaceValidatorKey { address: address(old), public_key: public_key(&new), possession }
}

fn size(chain: &Chain, height: Height) -> usize {
    schema::validator_set_at(&chain.state, height).unwrap().unwrap().validators().len()
}

pub(super) const ROWS: &[Row] = &[
    (Code::NameTaken, || {
        let chain = consortium(4);
        let node = asked(&chain, "funder", None);
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::AccountExists, || {
        let chain = consortium(4);
        let node = NodeRequest { name: name("fifth"), ..asked(&chain, "funder", None) };
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::PossessionNotProved, || {
        // Another district than the one it signed for.
        let chain = consortium(4);
        let node = NodeRequest { district: lake(6), ..asked(&chain, "fifth", lake(5)) };
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::DistrictExists, || {
        let chain = consortium(4);
        let node = asked(&chain, "fifth", lake(2));
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::UnknownDistrict, || {
        let chain = consortium(4);
        let node = asked(&chain, "fifth", Some(NewDistrict { id: DistrictId(5), name: None }));
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::PeerExists, || {
        let chain = consortium(4);
        let peer_id = peer_of(&network("validator-1")).unwrap();
        let node = NodeRequest { peer_id, ..asked(&chain, "fifth", None) };
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::ValidatorExists, || {
        let chain = consortium(4);
        let peer_id = peer_of(&network("fifth")).unwrap();
        let node = NodeRequest { peer_id, ..asked(&chain, "validator-1", None) };
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::KeyUsed, || {
        let mut chain = consortium(4);
        let validator_key = public_key(&key("voter-b"));
        let node = NodeRequest { validator_key, ..asked(&chain, "fifth", None) };
        chain.block(&[]);
        (chain, "voter-a", propose(admitting(node)))
    }),
    (Code::PeerInUse, || {
        let change = Change::RemovePeer { peer_id: peer_of(&network("fifth")).unwrap() };
        (waiting(), "voter-a", propose(change))
    }),
    (Code::NothingWaits, || {
        let chain = consortium(4);
        let ready = ready_now(&chain, "fifth");
        (chain, "voter-a", ready.into())
    }),
    (Code::NothingWaits, || {
        // Of another operator.
        let chain = waiting();
        let ready = ready_now(&chain, "fifth");
        (chain, "voter-a", ready.into())
    }),
    (Code::StatementStale, || {
        let mut chain = waiting();
        let ready = ready_now(&chain, "fifth");
        chain.advance_to(Height(chain.height.0 + 100));
        (chain, "fifth", ready.into())
    }),
    (Code::StatementStale, || {
        let chain = waiting();
        let ready = ready_at(&chain, "fifth", chain.height.next());
        (chain, "fifth", ready.into())
    }),
    (Code::PossessionNotProved, || {
        let chain = waiting();
        let ready = Ready { height: Height(chain.height.0 - 1), ..ready_now(&chain, "fifth") };
        (chain, "fifth", ready.into())
    }),
    (Code::ReadyLate, || {
        let mut chain = waiting();
        let record = schema::waiting_validators(&chain.state).unwrap().remove(0);
        chain.pass_towards(TimeMs(record.ready_until_ms().0 + 1));
        let late = chain.try_block_at(TimeMs(record.ready_until_ms().0 + 1), &[]).unwrap();
        chain.keep(&late);
        let ready = ready_now(&chain, "fifth");
        (chain, "fifth", ready.into())
    }),
    (Code::TooLittleLivePower, || {
        // Three of four propose: of five that is not more than two thirds.
        let mut chain = consortium(4);
        let node = asked(&chain, "fifth", lake(5));
        chain.agree(admitting(node));
        live(&mut chain, 1..=3);
        let ready = ready_now(&chain, "fifth");
        (chain, "fifth", ready.into())
    }),
    (Code::KeyUsed, || {
        let chain = consortium(4);
        let rotation = validator_rotation(&chain, 1, "validator-2");
        (chain, "voter-a", rotation.into())
    }),
    (Code::KeyUsed, || {
        let mut chain = consortium(4);
        let first = rotation(
            &chain,
            KeyName::Network,
            "network of validator-1",
            "network of validator-1, later",
            peer_of(&network("validator-1")).unwrap().as_str(),
        );
        chain.accept("voter-a", first);
        let back = rotation(
            &chain,
            KeyName::Network,
            "network of validator-1, later",
            "network of validator-1",
            peer_of(&network("validator-1, later")).unwrap().as_str(),
        );
        (chain, "voter-a", back.into())
    }),
    (Code::UnknownValidator, || {
        let chain = consortium(4);
        let rotation = validator_rotation(&chain, 1, "validator-1, later");
        (chain, "voter-b", rotation.into())
    }),
    (Code::UnknownPeer, || {
        let chain = consortium(4);
        let peer_id = peer_of(&network("validator-1")).unwrap();
        let old = "network of validator-1";
        let stranger = rotation(&chain, KeyName::Network, old, "another", peer_id.as_str());
        (chain, "voter-b", stranger.into())
    }),
    (Code::PossessionNotProved, || {
        // For another validator's name.
        let chain = consortium(4);
        let rotation = rotation(&chain, KeyName::Validator, "validator-1", "later", "validator-2");
        (chain, "voter-a", rotation.into())
    }),
    (Code::RotationLimit, || {
        // One of four is less than a third of the power, two are not.
        let mut chain = consortium(4);
        live(&mut chain, 1..=4);
        chain.accept("voter-a", validator_rotation(&chain, 1, "validator-1, later"));
        chain.advance_to(Height(chain.height.0 + 2));
        let second = validator_rotation(&chain, 2, "validator-2, later");
        (chain, "voter-a", second.into())
    }),
    (Code::UnknownValidator, || {
        let chain = consortium(4);
        let change = replacing(&chain, "validator-9", "later");
        (chain, "voter-a", propose(change))
    }),
];

#[test]
fn a_node_enters_by_one_proposal_and_votes_two_heights_after_its_own_word() {
    let mut chain = consortium(4);
    let node = asked(&chain, "fifth", lake(5));
    let receipt = chain.agree(admitting(node));
    assert!(receipt.events.iter().any(|event| matches!(event, Event::NodeAdmitted { .. })), "{receipt:?}");
    // Member, district, peer and follower are there; no power is.
    assert_eq!(schema::counters(&chain.state).unwrap().consortium_members, 4);
    assert_eq!(schema::peers(&chain.state).unwrap().len(), 5);
    assert!(schema::district(&chain.state, DistrictId(5)).unwrap().is_some());
    assert_eq!(size(&chain, Height(chain.height.0 + 2)), 4);
    live(&mut chain, 1..=4);
    let ready = ready_now(&chain, "fifth");
    let receipt = chain.accept("fifth", ready);
    let in_force = Height(chain.height.0 + 2);
    let validator = address("fifth votes");
    assert_eq!(receipt.events, [Event::ValidatorReady { validator, in_force }]);
    assert_eq!([1, 2].map(|ahead| size(&chain, Height(chain.height.0 + ahead))), [4, 5]);
    assert!(schema::waiting_validators(&chain.state).unwrap().is_empty());
    let info = schema::validator_info(&chain.state, &validator).unwrap().unwrap();
    assert_eq!((info.name.as_str(), info.operator), ("fifth", account("fifth")));
    // It votes as a member too.
    chain.accept(
        "fifth",
        ProposeChange {
            change: Change::Upgrade { note: title("0.2.0"), height: Height(900) },
            open_until: Height(chain.height.0 + 50),
        },
    );
}

#[test]
fn validators_that_may_be_silent_enter_one_after_another() {
    let mut chain = waiting();
    let node = asked(&chain, "sixth", None);
    chain.agree(admitting(node));
    live(&mut chain, 1..=4);
    let fifth = ready_now(&chain, "fifth");
    chain.accept("fifth", fifth);
    // Four of six are not more than two thirds, as long as nobody has heard of the fifth.
    let sixth = ready_now(&chain, "sixth");
    assert_eq!(chain.send("sixth", sixth).code, Code::TooLittleLivePower);
    chain.advance_to(Height(chain.height.0 + 2));
    chain.proposer = address("fifth votes");
    chain.block(&[]);
    let sixth = ready_now(&chain, "sixth");
    chain.accept("sixth", sixth);
}

#[test]
fn a_waiting_node_is_taken_back_by_vote_with_its_member_or_alone() {
    let mut chain = waiting();
    chain.agree(Change::RemoveValidator { address: address("fifth votes") });
    assert!(schema::waiting_validators(&chain.state).unwrap().is_empty());
    let mut chain = waiting();
    chain.agree(Change::RemoveMember { account: account("fifth") });
    assert!(schema::waiting_validators(&chain.state).unwrap().is_empty());
    assert_eq!(schema::peers(&chain.state).unwrap().len(), 4);
    // By vote it may also enter at once, as before.
    let mut chain = waiting();
    let peer_id = peer_of(&network("fifth")).unwrap();
    let public_key = public_key(&key("fifth votes"));
    let (name, operator) = (name("fifth"), account("fifth"));
    let seed_key = crate::keys::public_key(&key("seed of fifth"));
    chain.agree(Change::AddValidator { name, public_key, power: 1, operator, peer_id, seed_key });
    assert!(schema::waiting_validators(&chain.state).unwrap().is_empty());
    assert_eq!(size(&chain, Height(chain.height.0 + 2)), 5);
}

#[test]
fn a_validators_key_changes_two_heights_later_under_the_same_name_power_and_peer() {
    let mut chain = consortium(4);
    live(&mut chain, 1..=4);
    let before = schema::validator_info(&chain.state, &address("validator-1")).unwrap().unwrap();
    chain.accept("voter-a", validator_rotation(&chain, 1, "validator-1, later"));
    let successor = address("validator-1, later");
    let after = schema::validator_info(&chain.state, &successor).unwrap().unwrap();
    assert_eq!((&after.name, &after.peer_id), (&before.name, &before.peer_id));
    let schedule = schema::validator_schedule(&chain.state).unwrap();
    assert!(schedule.next.get(&address("validator-1")).is_some_and(|old| old.power == 1));
    let new = Validator::new(public_key(&key("validator-1, later")), 1);
    assert_eq!(schedule.after.get(&successor), Some(&new));
    // The second may follow once the first's new key has proposed; the first itself after 30 days.
    chain.advance_to(Height(chain.height.0 + 2));
    chain.proposer = successor;
    chain.block(&[]);
    chain.accept("voter-a", validator_rotation(&chain, 2, "validator-2, later"));
    live(&mut chain, 3..=4);
    chain.proposer = address("validator-2, later");
    chain.block(&[]);
    let again = |chain: &Chain| {
        rotation(chain, KeyName::Validator, "validator-1, later", "validator-1, latest", "validator-1")
    };
    let refused = again(&chain);
    assert_eq!(chain.send("voter-a", refused).code, Code::RotationLimit);
    let now = schema::chain(&chain.state).unwrap().time_ms;
    chain.pass_towards(TimeMs(now.0 + ROTATION_EVERY_MS));
    let late = chain.try_block_at(TimeMs(now.0 + ROTATION_EVERY_MS), &[]).unwrap();
    chain.keep(&late);
    chain.proposer = successor;
    chain.block(&[]);
    chain.accept("voter-a", again(&chain));
}

#[test]
fn a_lost_validator_key_is_replaced_by_vote_however_many_are_under_way() {
    let mut chain = consortium(3);
    let alone = validator_rotation(&chain, 1, "validator-1, later");
    assert_eq!(
        chain.send("voter-a", alone).code,
        Code::RotationLimit,
        "one of three is no less than a third"
    );
    let change = replacing(&chain, "validator-1", "validator-1, later");
    chain.agree(change);
    let schedule = schema::validator_schedule(&chain.state).unwrap();
    assert!(schedule.after.get(&address("validator-1, later")).is_some());
    assert!(schedule.after.get(&address("validator-1")).is_none());
}

#[test]
fn a_network_key_changes_at_once_where_peer_and_validator_are_known_by_it() {
    let mut chain = consortium(4);
    let old = peer_of(&network("validator-1")).unwrap();
    let rotated = rotation(&chain, KeyName::Network, "network of validator-1", "another", old.as_str());
    chain.accept("voter-a", rotated);
    let new = peer_of(&public_key(&key("another"))).unwrap();
    let peers: Vec<_> = schema::peers(&chain.state).unwrap().into_iter().map(|peer| peer.peer_id).collect();
    assert!(peers.contains(&new) && !peers.contains(&old) && peers.len() == 4);
    let info = schema::validator_info(&chain.state, &address("validator-1")).unwrap().unwrap();
    assert_eq!(info.peer_id, new);
}

#[test]
fn a_peers_name_follows_from_its_key_as_libp2p_writes_it() {
    // From the specification of peer ids (libp2p/specs, peer-ids): the public half of its Ed25519 example.
    let public = "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
    let key = PublicKey(hex::decode(public).unwrap().try_into().unwrap());
    assert!(peer_of(&key).unwrap().as_str().starts_with("12D3KooW"));
    assert_eq!(peer_of(&key).unwrap().as_str().len(), 52);
}
