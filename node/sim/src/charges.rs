//! What work and bytes cost, charged as simulated time: without it a consortium of two hundred would decide as fast as one of four.
//!
//! Flow: a message leaves its sender's line ([`Charges::line_ns`]), one copy after another → at each receiver the envelope of every copy
//! is verified, a copy that is known is dropped there → what is new is passed on to the neighbours of the [`mesh`] and waits for the
//! engine, which verifies one signature after another → a proposal's records are executed beside the engine.
//!
//! Times are whole microseconds, or nanoseconds of a line, so that a seed gives one history. Absent: the receivers' lines, encryption of
//! connections, lost packets, records' own transactions (their bytes and their work are charged, they are not made). Too fast here: that a
//! neighbour has a long message is known at once, though its IDONTWANT takes a way and bytes of its own. Too slow here: a proposal takes its
//! turn on the line when its building begins, so what its maker says before it is built waits behind it.

use std::collections::BTreeSet;

use aula_consensus::bare::Message;
use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// Bytes of a gossiped message beside what it says: gossipsub's author (38), number (8), signature (64) and topic (about 20) with their
/// tags (16), noise (18), yamux (12), TCP and IP (52).
pub const ENVELOPE_BYTES: u64 = 228;
/// Bytes of a message between two peers: the last three of those.
pub const DIRECT_BYTES: u64 = 82;
/// Copies of longer messages are not sent to who said that it has them (gossipsub's IDONTWANT); of shorter ones they are.
pub const SAID_FROM_BYTES: u64 = 1_000;

/// What is charged. The defaults are docs/million.md's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Charges {
    /// Microseconds of a core to verify one Ed25519 signature strictly: `ledger::params::work::unit::SIGNATURE`.
    pub verify_us: u64,
    /// Microseconds that a synced write takes.
    pub sync_us: u64,
    /// Nanoseconds of a core that a record takes on each node, whether it builds the block or executes it, all else included.
    pub record_ns: u64,
    /// Records in every block.
    pub records: u64,
    /// Bytes of a record in its block.
    pub record_bytes: u64,
    /// A member's line, megabits a second upward.
    pub line_mbit: u64,
    /// Cores of a member: envelopes are verified on all of them, the engine has one.
    pub cores: u64,
    /// Neighbours to whom a member passes on what it hears.
    pub mesh: u8,
}

impl Default for Charges {
    fn default() -> Self {
        Self {
            verify_us: 70,
            sync_us: 3_000,
            record_ns: 9_800,
            records: 0,
            record_bytes: 184,
            line_mbit: 1_000,
            cores: 2,
            mesh: 6,
        }
    }
}

impl Charges {
    /// The most of each: within it every time and every sum of bytes fits its number. Whoever takes charges from people takes these.
    pub const MOST: Self = Self {
        verify_us: 100_000,
        sync_us: 1_000_000,
        record_ns: 1_000_000,
        records: 22_000,
        record_bytes: 4_096,
        line_mbit: 100_000,
        cores: 256,
        mesh: 50,
    };

    /// The first field that is out of its bounds, in words.
    pub(crate) fn fault(&self) -> Option<String> {
        let most = Self::MOST;
        let bounds: [(&str, u64, u64, u64); 8] = [
            ("verify_us", self.verify_us, 0, most.verify_us),
            ("sync_us", self.sync_us, 0, most.sync_us),
            ("record_ns", self.record_ns, 0, most.record_ns),
            ("records", self.records, 0, most.records),
            ("record_bytes", self.record_bytes, 0, most.record_bytes),
            ("line_mbit", self.line_mbit, 1, most.line_mbit),
            ("cores", self.cores, 1, most.cores),
            ("mesh", self.mesh.into(), 0, most.mesh.into()),
        ];
        let (name, value, least, most) =
            bounds.into_iter().find(|(_, value, least, most)| value < least || value > most)?;
        Some(format!("charges.{name} is {value}; it must be {least} to {most}"))
    }

    /// Bytes on the line of one copy; `proposes` when the message carries a block, whose records count as sent with it.
    pub fn bytes(&self, message: &Message, is_gossiped: bool, proposes: bool) -> u64 {
        let envelope = if is_gossiped { ENVELOPE_BYTES } else { DIRECT_BYTES };
        let records = if proposes { self.records * self.record_bytes } else { 0 };
        message.body().len() as u64 + envelope + records
    }

    /// How long so many bytes keep a line busy, in nanoseconds.
    pub fn line_ns(&self, bytes: u64) -> u64 {
        bytes * 8 * 1_000 / self.line_mbit.max(1)
    }

    /// How long a copy's envelope takes before anything of it is read, in microseconds.
    pub fn envelope_us(&self) -> u64 {
        self.verify_us / self.cores.max(1)
    }

    /// How long a block's records take to be built, to leave for every other member and to be executed there, in microseconds.
    pub fn block_us(&self, nodes: u8) -> u64 {
        let copies = u64::from(nodes.saturating_sub(1));
        2 * self.records_us() + copies * self.line_ns(self.records * self.record_bytes) / 1_000
    }

    /// How long a block's records take, in microseconds.
    pub fn records_us(&self) -> u64 {
        self.records * self.record_ns / 1_000
    }
}

/// Who passes on to whom: each member has `degree` neighbours or a few more, or all others where there are no more than that.
pub fn mesh(nodes: u8, degree: u8, chance: &mut Chance) -> Vec<BTreeSet<usize>> {
    let count = usize::from(nodes);
    let wanted = usize::from(degree).min(count.saturating_sub(1));
    let mut neighbours = vec![BTreeSet::new(); count];
    for one in 0..count {
        while neighbours[one].len() < wanted {
            let other = usize::try_from(chance.below(u64::from(nodes))).unwrap_or(0);
            if other != one {
                neighbours[one].insert(other);
                neighbours[other].insert(one);
            }
        }
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_neighbours_who_have_him_and_a_seed_gives_the_same_ones() {
        let of = |seed| mesh(200, 6, &mut Chance::of(seed, "mesh"));
        let drawn = of(7);
        assert_eq!(drawn, of(7));
        assert_ne!(drawn, of(8));
        for (one, others) in drawn.iter().enumerate() {
            assert!(others.len() >= 6 && !others.contains(&one), "{one}: {others:?}");
            assert!(others.iter().all(|other| drawn[*other].contains(&one)), "{one}: {others:?}");
        }
        assert!(mesh(4, 6, &mut Chance::of(1, "mesh")).iter().all(|others| others.len() == 3));
        assert!(mesh(1, 6, &mut Chance::of(1, "mesh"))[0].is_empty());
    }

    #[test]
    fn a_line_takes_eight_microseconds_for_a_thousand_bytes_at_a_gigabit() {
        let charges = Charges::default();
        assert_eq!(charges.line_ns(1_000), 8_000);
        assert_eq!(Charges { line_mbit: 100, ..charges }.line_ns(1_000), 80_000);
        assert_eq!(Charges { records: 20_000, ..charges }.records_us(), 196_000);
    }
}
