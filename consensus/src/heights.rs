//! How far the validators say they are: what a node must have heard before it signs for the first time. And who of them has
//! left: whose last connection has ended; and which blocks each peer says that it keeps.
//!
//! A home that was restored from a copy has a whole sign guard that is old: it does not know what its key signed since.
//! The guard's records cannot show that, the others' heights can. Before its first signature a node hears the last final
//! heights of validators with more than a third of the power. If its guard has signed at that height, or its own chain is
//! past it, it signs on. Else it follows until the height after it is final too, since its key may have voted there; if
//! that height is not decided within [`PATIENCE`], the others may be waiting for this node's vote, and it signs from there
//! on. Where the connected ones that sign are no quorum and say that they stand still, nothing is decided without this node,
//! however long it waits: it signs as soon as they have had the time to connect, and to say that they still stand once it is level
//! ([`SETTLED`]), and have said it: of those that a cut keeps from speaking nothing is known. Those that go on meanwhile are a quorum
//! with others that this node does not reach. A snapshot is never that young, but for one that is restored while the chain stands still
//! at the same height.
//!
//! Who signs says so once, on the first connection with a peer, and so does everybody what it wants to hear. Where a cut ended a connection
//! for this side alone, the new one is a second one to the other side, which says neither again until both have begun anew
//! ([`crate::peer_watch`]). So a connected validator signs until it is known to follow: it has said what it wants to hear, and not that it
//! signs.
//!
//! Who is heard: connections prove network identities, and the state says whose they are. Of the heights heard, one counts
//! that more validators have reached than can lie besides those that are silent; with more faults than the chain bears, a
//! liar can only keep this node waiting.
//!
//! A newcomer is held besides: until its owner says that what it follows is known to be the consortium's chain, it signs
//! nothing above the genesis ([`Heights::hold`]). At the genesis itself there is nothing to be deceived about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_malachitebft_core_consensus::PeerId;
use tokio::sync::Notify;

use crate::ports::Moment;

/// How long the others' heights are waited for once enough were heard.
const GRACE: Duration = Duration::from_millis(500);
/// How long the height that this node's key may have voted at may stay undecided.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long this node must have been level, and nobody that signs may have come or left, until whoever runs counts as connected and
/// as standing still: four ways there and back across the network, and the second after which a connection's lost first packet is sent
/// again and every node has said its height anew.
const SETTLED: Duration = Duration::from_millis(1_500);

/// What a node may do after what it has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Too little yet.
    TooLittle,
    MaySign,
    /// The validators are at this height, of which this node's guard knows nothing: follow.
    Behind(u64),
    /// Nothing says yet that the chain it follows is the consortium's: follow.
    Unproven,
}

/// Which blocks a peer says that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) tip: u64,
    pub(crate) oldest: u64,
}

/// What is known of a connected peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing yet: its word is on its way, or it takes this connection for a second one and says nothing again. It may sign.
    Unheard,
    /// It has said what it wants to hear, and not that it signs.
    Follows,
    /// It runs as a validator, by its word.
    Signs,
}

#[derive(Debug, Default)]
struct Inner {
    /// The power of the other validators, by the identity they speak under.
    weights: BTreeMap<PeerId, u64>,
    own: u64,
    /// The first height heard of each.
    first: BTreeMap<PeerId, u64>,
    /// What each connected peer said last.
    kept: BTreeMap<PeerId, Kept>,
    /// The connected peers.
    roles: BTreeMap<PeerId, Role>,
    /// The connected peers that said how far they are since this node is level.
    again: BTreeSet<PeerId>,
    /// Of whom anything was heard since [`Heights::quiet`] was asked.
    spoke: BTreeSet<PeerId>,
    /// Since when no validator that may sign has come or left, or a session has begun.
    settled_since: Option<Moment>,
    /// Validators' identities whose last connection has ended.
    left: BTreeSet<PeerId>,
    enough_since: Option<Moment>,
    /// Since when this node is level with what it heard.
    level_since: Option<Moment>,
    may_sign: bool,
    /// What this node follows is not known to be the consortium's chain.
    held: bool,
}

/// What was heard since the process began. Shared by the network's side, which fills it, and the driver, which asks.
#[derive(Debug, Default)]
pub(crate) struct Heights {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Heights {
    /// Who counts: the other validators' power, and this node's own.
    pub(crate) fn set_validators(&self, weights: BTreeMap<PeerId, u64>, own: u64) {
        let mut inner = self.lock();
        inner.left.retain(|peer| weights.contains_key(peer));
        (inner.weights, inner.own) = (weights, own);
    }

    /// A peer says how far it is, and from which block on it has them.
    pub(crate) fn heard(&self, peer: PeerId, kept: Kept) {
        let mut inner = self.lock();
        inner.kept.insert(peer, kept);
        inner.again.insert(peer);
        // Later heights do not matter to what may be signed: what this key signed, it signed before.
        let known = inner.first.len();
        inner.first.entry(peer).or_insert(kept.tip);
        let news = inner.first.len() != known;
        drop(inner);
        if news {
            self.changed.notify_one();
        }
    }

    /// A connected peer says that it runs as a validator.
    pub(crate) fn signs(&self, peer: PeerId) {
        self.lock().becomes(peer, Role::Signs);
    }

    /// These peers have said what they want to hear, which goes with saying that one signs: who has not follows.
    pub(crate) fn subscribed(&self, peers: impl Iterator<Item = PeerId>) {
        let mut inner = self.lock();
        for peer in peers {
            if let Some(role) = inner.roles.get_mut(&peer).filter(|role| **role == Role::Unheard) {
                *role = Role::Follows;
            }
        }
    }

    /// Something came from a peer.
    pub(crate) fn spoke(&self, peer: PeerId) {
        self.lock().spoke.insert(peer);
    }

    /// The connected peers from whom nothing came since this was asked before, though they had begun to say how far they are.
    pub(crate) fn quiet(&self) -> BTreeSet<PeerId> {
        let mut inner = self.lock();
        let spoke = std::mem::take(&mut inner.spoke);
        inner.kept.keys().filter(|peer| !spoke.contains(*peer)).copied().collect()
    }

    /// The connections of a session ended with it, and nobody said so of each.
    pub(crate) fn session_begins(&self) {
        let mut inner = self.lock();
        inner.kept.clear();
        inner.again.clear();
        inner.roles.clear();
        inner.spoke.clear();
        inner.settled_since = None;
    }

    /// The last connection with a peer has ended. Only validators' identities are remembered.
    pub(crate) fn left(&self, peer: PeerId) {
        let mut inner = self.lock();
        inner.kept.remove(&peer);
        inner.again.remove(&peer);
        let may_have_signed = inner.roles.remove(&peer).is_some_and(|role| role != Role::Follows);
        if inner.weights.contains_key(&peer) {
            inner.left.insert(peer);
            if may_have_signed {
                // It may be back at once.
                inner.settled_since = None;
            }
        }
    }

    /// A peer is connected.
    pub(crate) fn came(&self, peer: &PeerId) {
        let mut inner = self.lock();
        inner.left.remove(peer);
        // What it says of itself may come first.
        if !inner.roles.contains_key(peer) {
            inner.becomes(*peer, Role::Unheard);
        }
    }

    /// Whether a validator was connected and is not any more.
    pub(crate) fn has_left(&self, peer: &PeerId) -> bool {
        self.lock().left.contains(peer)
    }

    /// Completes when somebody was heard for the first time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The highest block that a connected peer says it has.
    pub(crate) fn highest(&self) -> Option<u64> {
        self.lock().kept.values().map(|kept| kept.tip).max()
    }

    /// The highest block that more of the connected validators say they have than can lie; where there are no more of them than that,
    /// the middle one of those that the connected peers say they have.
    pub(crate) fn told(&self) -> Option<u64> {
        let inner = self.lock();
        let weighed = inner.weighed(inner.kept.iter().map(|(peer, kept)| (*peer, kept.tip)));
        beyond(&weighed, inner.liars()).or_else(|| {
            let mut tips: Vec<u64> = inner.kept.values().map(|kept| kept.tip).collect();
            tips.sort_unstable();
            // Of two the lower: one peer's word alone is not taken where there is another.
            tips.get(tips.len().checked_sub(1)? / 2).copied()
        })
    }

    /// What each connected peer says it has.
    pub(crate) fn kept(&self) -> BTreeMap<PeerId, Kept> {
        self.lock().kept.clone()
    }

    /// Nothing says yet that the chain this node follows is the consortium's.
    pub(crate) fn hold(&self) {
        self.lock().held = true;
    }

    /// Something does now.
    pub(crate) fn let_go(&self) {
        self.lock().held = false;
    }

    /// Whether a node with this tip is held: what it follows came from others, and is not known to be the chain.
    pub(crate) fn holds(&self, tip: u64) -> bool {
        self.lock().holds(tip)
    }

    /// An operator vouches for this node, or it has nobody to ask.
    pub(crate) fn allow(&self) {
        self.lock().may_sign = true;
    }

    /// Whether this node may sign; once it may, it may for as long as the process runs: from then on its guard is whole.
    /// `signed` is the last height in its guard, `tip` its last final one.
    pub(crate) fn ask(&self, signed: u64, tip: u64, now: Moment) -> Heard {
        let mut inner = self.lock();
        let heard = inner.ask(signed, tip, now);
        inner.may_sign |= heard == Heard::MaySign;
        heard
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The power of the other validators together.
    fn others(&self) -> u64 {
        self.weights.values().sum()
    }

    /// The power of these together.
    fn power<'a>(&self, of: impl Iterator<Item = &'a PeerId>) -> u64 {
        of.filter_map(|peer| self.weights.get(peer)).sum()
    }

    /// Whether so much power may speak for the chain: more than a third of it, or all there are where they are no third together.
    fn is_enough(&self, heard: u64, total: u128) -> bool {
        u128::from(heard) * 3 > total || heard >= self.others()
    }

    fn holds(&self, tip: u64) -> bool {
        self.held && tip > 0 && self.others() > 0
    }

    /// A connected peer is taken for this from now on.
    fn becomes(&mut self, peer: PeerId, role: Role) {
        if self.roles.insert(peer, role) != Some(role) && self.weights.contains_key(&peer) {
            // More may come.
            self.settled_since = None;
        }
    }

    /// Whether the connected validators that may sign are a quorum without this node.
    fn decide_alone(&self, total: u128) -> bool {
        let may_sign = |peer: &PeerId| self.roles.get(peer).is_some_and(|role| *role != Role::Follows);
        let power = self.power(self.roles.keys().filter(|peer| may_sign(peer)));
        u128::from(power) * 3 > total * 2
    }

    /// The most power of validators that may lie.
    fn liars(&self) -> u64 {
        let total = u128::from(self.others()) + u128::from(self.own);
        u64::try_from(total.saturating_sub(1) / 3).unwrap_or(u64::MAX)
    }

    /// What validators say, each with its power, the highest first.
    fn weighed(&self, said: impl Iterator<Item = (PeerId, u64)>) -> Vec<(u64, u64)> {
        let weighed = said.filter_map(|(peer, tip)| Some((tip, *self.weights.get(&peer)?)));
        let mut weighed: Vec<(u64, u64)> = weighed.collect();
        weighed.sort_unstable_by(|a, b| b.cmp(a));
        weighed
    }

    /// The greatest height that more validators say they have reached than can lie besides those that say nothing.
    fn reached(&self, said: impl Iterator<Item = (PeerId, u64)>) -> Option<u64> {
        let weighed = self.weighed(said);
        let heard = weighed.iter().map(|(_, weight)| *weight).sum::<u64>();
        beyond(&weighed, self.liars().saturating_sub(self.others().saturating_sub(heard)))
    }

    fn ask(&mut self, signed: u64, tip: u64, now: Moment) -> Heard {
        let settled = *self.settled_since.get_or_insert(now);
        if self.holds(tip) {
            return Heard::Unproven;
        }
        let others = self.others();
        if self.may_sign || others == 0 {
            return Heard::MaySign;
        }
        let total = u128::from(others) + u128::from(self.own);
        let heard = self.power(self.first.keys());
        if !self.is_enough(heard, total) {
            return Heard::TooLittle;
        }
        let since = *self.enough_since.get_or_insert(now);
        if heard < others && now.since(since) < GRACE {
            return Heard::TooLittle;
        }
        let target = self.reached(self.first.iter().map(|(peer, tip)| (*peer, *tip)));
        let Some(target) = target else { return Heard::TooLittle };
        if tip < target {
            self.level_since = None;
        } else if self.level_since.is_none() {
            self.level_since = Some(now);
            // What they said while this node fetched is older than that it is level.
            self.again.clear();
        }
        let further = self.reached(self.kept.iter().map(|(peer, kept)| (*peer, kept.tip))) > Some(tip);
        let stand = !further && self.is_enough(self.power(self.again.iter()), total);
        let in_vain =
            |level: Moment| now.since(settled.max(level)) >= SETTLED && stand && !self.decide_alone(total);
        let waited = self.level_since.is_some_and(|since| in_vain(since) || now.since(since) >= PATIENCE);
        if signed >= target || tip > target || waited { Heard::MaySign } else { Heard::Behind(target) }
    }
}

/// The greatest height that more power than this says it has reached.
fn beyond(weighed: &[(u64, u64)], liars: u64) -> Option<u64> {
    let mut power = 0u64;
    weighed.iter().find_map(|(tip, weight)| {
        power = power.saturating_add(*weight);
        (power > liars).then_some(*tip)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p_identity::Keypair;

    fn peer(n: u8) -> PeerId {
        let keys = Keypair::ed25519_from_bytes([n + 1; 32]).unwrap();
        PeerId::from_bytes(&keys.public().to_peer_id().to_bytes()).unwrap()
    }

    /// Everything up to this height.
    fn whole(tip: u64) -> Kept {
        Kept { tip, oldest: 1 }
    }

    /// Three others of power 1 each.
    fn of_four() -> (Heights, Moment) {
        let heights = Heights::default();
        heights.set_validators((0..3).map(|n| (peer(n), 1)).collect(), 1);
        (heights, Moment::default())
    }

    /// The first so many say that they stand at 200.
    fn stand(heights: &Heights, many: u8) {
        (0..many).for_each(|n| heights.heard(peer(n), whole(200)));
    }

    #[test]
    fn a_guard_that_knows_the_validators_height_signs_at_once() {
        let (heights, now) = of_four();
        assert_eq!(heights.ask(7, 6, now), Heard::TooLittle);
        (0..3).for_each(|n| heights.heard(peer(n), whole(7)));
        assert_eq!(heights.ask(7, 6, now), Heard::MaySign);
    }

    #[test]
    fn an_old_guard_follows_until_the_height_that_it_may_have_voted_at_is_final() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.signs(peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 99, now), Heard::Behind(200));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200), "its key may have voted at 201");
        assert_eq!(heights.ask(100, 200, now + PATIENCE / 2), Heard::Behind(200));
        assert_eq!(heights.ask(100, 201, now + PATIENCE / 2), Heard::MaySign);
        assert_eq!(heights.ask(100, 0, now), Heard::MaySign, "and from then on");
    }

    #[test]
    fn validators_that_stand_still_may_be_waiting_for_this_ones_vote() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.signs(peer(n)));
        (0..2).for_each(|n| heights.heard(peer(n), whole(200)));
        let level = now + GRACE;
        assert_eq!(heights.ask(100, 200, now), Heard::TooLittle);
        assert_eq!(heights.ask(100, 200, level), Heard::Behind(200));
        assert_eq!(
            heights.ask(100, 200, level + SETTLED),
            Heard::Behind(200),
            "they may be about to decide it"
        );
        assert_eq!(heights.ask(100, 200, level + PATIENCE), Heard::MaySign);
    }

    #[test]
    fn validators_that_are_no_quorum_without_this_one_wait_for_it_no_longer_than_connections_take() {
        // One is down, or one is connected and follows.
        for heard in [2, 3] {
            let (heights, now) = of_four();
            (0..2).for_each(|n| heights.signs(peer(n)));
            heights.signs(peer(9));
            (2..heard).for_each(|n| heights.came(&peer(n)));
            heights.subscribed((0..heard).map(peer));
            (0..heard).for_each(|n| heights.heard(peer(n), whole(200)));
            // A session begins to connect, and the others' heights are waited for.
            heights.ask(100, 199, now);
            assert_eq!(heights.ask(100, 199, now + SETTLED / 2), Heard::Behind(200));
            assert_eq!(heights.ask(100, 200, now + SETTLED / 2), Heard::Behind(200), "more may connect");
            let settled = now + SETTLED * 3 / 2;
            assert_eq!(heights.ask(100, 200, settled), Heard::Behind(200), "they have not said it since");
            stand(&heights, heard);
            assert_eq!(heights.ask(100, 200, settled), Heard::MaySign);
        }
    }

    #[test]
    fn a_node_that_had_to_fetch_waits_from_when_it_is_level_and_no_longer_than_its_guard_needs() {
        for (signed, tip) in [(100, 200), (200, 200), (100, 201)] {
            let (heights, now) = of_four();
            (0..2).for_each(|n| heights.signs(peer(n)));
            (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
            heights.ask(100, 199, now);
            let level = now + SETTLED * 2;
            assert_eq!(heights.ask(100, 199, level), Heard::Behind(200), "it fetches the height first");
            if (signed, tip) == (100, 200) {
                assert_eq!(
                    heights.ask(signed, tip, level),
                    Heard::Behind(200),
                    "they may have gone on since"
                );
                stand(&heights, 3);
                assert_eq!(heights.ask(signed, tip, level + SETTLED / 2), Heard::Behind(200));
                assert_eq!(heights.ask(signed, tip, level + SETTLED), Heard::MaySign);
            } else {
                assert_eq!(heights.ask(signed, tip, level), Heard::MaySign, "its guard and its height hold");
            }
        }
    }

    #[test]
    fn validators_that_take_a_new_connection_for_a_second_one_and_say_nothing_again_count_as_signing() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.signs(peer(n)));
        // A cut ended the connections for this side alone.
        (0..3).for_each(|n| heights.left(peer(n)));
        (0..3).for_each(|n| heights.came(&peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200));
        stand(&heights, 3);
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::Behind(200), "they decide without this one");
        assert_eq!(heights.ask(100, 200, now + PATIENCE), Heard::MaySign);
    }

    #[test]
    fn a_validator_that_says_what_it_wants_to_hear_and_not_that_it_signs_follows() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.came(&peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        (0..2).for_each(|n| heights.signs(peer(n)));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200));
        stand(&heights, 3);
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::Behind(200), "the third may sign");
        heights.subscribed((0..3).map(peer));
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::MaySign);
    }

    #[test]
    fn whoever_has_no_power_may_come_and_go_and_holds_nobody_up() {
        let (heights, now) = of_four();
        (0..2).for_each(|n| heights.signs(peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200));
        stand(&heights, 3);
        heights.signs(peer(9));
        heights.left(peer(9));
        heights.came(&peer(9));
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::MaySign);
    }

    #[test]
    fn validators_that_go_on_beyond_a_cut_do_not_wait_for_this_one() {
        let (heights, now) = of_four();
        (0..2).for_each(|n| heights.signs(peer(n)));
        (0..2).for_each(|n| heights.heard(peer(n), whole(200)));
        heights.ask(100, 199, now);
        let level = now + SETTLED;
        assert_eq!(heights.ask(100, 199, level), Heard::Behind(200));
        // The third one is connected with them.
        (0..2).for_each(|n| heights.heard(peer(n), whole(230)));
        assert_eq!(heights.ask(100, 200, level), Heard::Behind(200), "its key may have voted at 201");
        assert_eq!(heights.ask(100, 201, level), Heard::MaySign);
    }

    #[test]
    fn one_that_says_it_is_further_hides_nobody_who_stands_still() {
        let (heights, now) = of_four();
        (0..2).for_each(|n| heights.signs(peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        heights.heard(peer(0), whole(u64::MAX));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200));
        (1..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::MaySign);
    }

    #[test]
    fn where_one_comes_another_may_be_on_its_way() {
        let (heights, now) = of_four();
        heights.signs(peer(0));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 199, now), Heard::Behind(200));
        let level = now + SETTLED;
        heights.signs(peer(1));
        assert_eq!(heights.ask(100, 200, level), Heard::Behind(200));
        stand(&heights, 3);
        heights.signs(peer(1));
        assert_eq!(
            heights.ask(100, 200, level + SETTLED),
            Heard::MaySign,
            "what it says again is nothing new"
        );
    }

    #[test]
    fn one_that_has_left_this_moment_may_be_back_at_once() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.signs(peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(100, 199, now), Heard::Behind(200));
        let level = now + SETTLED;
        assert_eq!(heights.ask(100, 200, level), Heard::Behind(200));
        stand(&heights, 3);
        heights.left(peer(2));
        assert_eq!(heights.ask(100, 200, level), Heard::Behind(200));
        assert_eq!(heights.ask(100, 200, level + SETTLED / 2), Heard::Behind(200));
        assert_eq!(heights.ask(100, 200, level + SETTLED), Heard::MaySign);
    }

    #[test]
    fn a_session_begins_with_nobody_connected_and_keeps_what_was_heard() {
        let (heights, now) = of_four();
        (0..3).for_each(|n| heights.signs(peer(n)));
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        heights.session_begins();
        assert_eq!((heights.highest(), heights.quiet()), (None, BTreeSet::new()));
        assert_eq!(heights.ask(100, 200, now), Heard::Behind(200));
        assert_eq!(heights.ask(100, 200, now + SETTLED), Heard::Behind(200), "nobody says that it stands");
        assert_eq!(heights.ask(100, 200, now + PATIENCE), Heard::MaySign);
    }

    #[test]
    fn a_peer_that_said_its_height_and_says_nothing_since_is_quiet() {
        let (heights, _) = of_four();
        (0..3).for_each(|n| heights.spoke(peer(n)));
        (0..2).for_each(|n| heights.heard(peer(n), whole(7)));
        assert_eq!(heights.quiet(), BTreeSet::new());
        heights.spoke(peer(1));
        assert_eq!(heights.quiet(), [peer(0)].into(), "who never said its height is nobody to wait for");
        assert_eq!(heights.quiet(), [peer(0), peer(1)].into());
        heights.left(peer(0));
        assert_eq!(heights.quiet(), [peer(1)].into());
    }

    #[test]
    fn nothing_is_signed_before_more_than_a_third_of_the_power_was_heard() {
        let (heights, now) = of_four();
        heights.heard(peer(0), whole(1));
        heights.heard(peer(9), whole(1));
        assert_eq!(heights.ask(1, 1, now + PATIENCE * 9), Heard::TooLittle, "a stranger has no power");
        heights.heard(peer(1), whole(1));
        assert_eq!(heights.ask(1, 1, now), Heard::TooLittle, "the third one may be on its way");
        assert_eq!(heights.ask(1, 1, now + GRACE), Heard::MaySign);
    }

    #[test]
    fn a_liar_neither_hides_the_chain_nor_holds_a_validator_up() {
        for lie in [0, u64::MAX] {
            let (heights, now) = of_four();
            heights.heard(peer(0), whole(lie));
            (1..3).for_each(|n| heights.heard(peer(n), whole(50)));
            assert_eq!(heights.ask(20, 19, now), Heard::Behind(50));
            assert_eq!(heights.ask(50, 49, now), Heard::MaySign);
        }
    }

    #[test]
    fn a_node_alone_has_nobody_to_ask_and_an_operator_may_vouch() {
        let alone = Heights::default();
        alone.set_validators(BTreeMap::new(), 1);
        assert_eq!(alone.ask(0, 0, Moment::default()), Heard::MaySign);
        let (heights, now) = of_four();
        heights.allow();
        assert_eq!(heights.ask(0, 0, now), Heard::MaySign);
    }

    #[test]
    fn a_newcomer_signs_at_the_genesis_and_above_it_only_what_is_known_to_be_the_chain() {
        let (heights, now) = of_four();
        heights.hold();
        (0..3).for_each(|n| heights.heard(peer(n), whole(200)));
        assert_eq!(heights.ask(0, 0, now), Heard::Behind(200));
        assert_eq!(heights.ask(0, 200, now + PATIENCE * 9), Heard::Unproven);
        heights.allow();
        assert_eq!(heights.ask(0, 201, now), Heard::Unproven, "a confirmed height says nothing of the chain");
        heights.let_go();
        assert_eq!(heights.ask(0, 201, now), Heard::MaySign);
        let (founders, now) = of_four();
        founders.hold();
        (0..3).for_each(|n| founders.heard(peer(n), whole(0)));
        assert_eq!(founders.ask(0, 0, now), Heard::MaySign);
        let alone = Heights::default();
        alone.set_validators(BTreeMap::new(), 1);
        alone.hold();
        assert_eq!(alone.ask(0, 7, Moment::default()), Heard::MaySign, "it has nobody to be deceived by");
    }

    #[test]
    fn what_peers_keep_is_what_they_said_last_while_they_are_connected() {
        let (heights, _) = of_four();
        assert_eq!(heights.highest(), None);
        heights.heard(peer(0), whole(7));
        heights.heard(peer(1), Kept { tip: 9, oldest: 5 });
        heights.heard(peer(0), whole(8));
        assert_eq!(heights.kept(), [(peer(0), whole(8)), (peer(1), Kept { tip: 9, oldest: 5 })].into());
        heights.left(peer(1));
        assert_eq!(heights.highest(), Some(8));
    }

    #[test]
    fn one_peers_word_alone_moves_no_told_height() {
        let (heights, _) = of_four();
        assert_eq!(heights.told(), None);
        // Followers, before a validator is connected.
        heights.heard(peer(7), whole(90));
        assert_eq!(heights.told(), Some(90));
        heights.heard(peer(8), whole(u64::MAX));
        assert_eq!(heights.told(), Some(90));
        heights.heard(peer(9), whole(95));
        assert_eq!(heights.told(), Some(95));
        // One of four may lie: a second one says so too.
        heights.heard(peer(0), whole(u64::MAX));
        heights.heard(peer(1), whole(100));
        assert_eq!(heights.told(), Some(100));
        heights.heard(peer(2), whole(101));
        assert_eq!((heights.told(), heights.highest()), (Some(101), Some(u64::MAX)));
        heights.left(peer(0));
        assert_eq!(heights.told(), Some(100));
    }
}
