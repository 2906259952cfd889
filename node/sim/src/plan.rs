//! A plan: what happens to which member and when. A seed gives one, and a file in TOML is one that somebody named.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::charges::Charges;

/// Most members of a simulated consortium: as many validators as the ledger takes
/// ([`aula_ledger::chain::validators::MAX_VALIDATORS`]).
pub const MOST_NODES: u8 = 200;
/// Longest simulated time, in seconds: a hundred days.
pub const MOST_SECONDS: u64 = 100 * 24 * 3_600;

/// How long a member whose process ended by itself, or whose file was damaged, is down, in milliseconds.
pub const DOWN_MS: u64 = 2_000;

/// Everything that a run depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is about.
    #[serde(default)]
    pub name: String,
    /// What is left to chance follows from it: delays, losses, which bytes a power cut keeps.
    pub seed: u64,
    /// Members, 1 to [`MOST_NODES`], each a validator of power 1; from the beginning, but for those whom [`Self::membership`] lets in.
    pub nodes: u8,
    /// Simulated seconds.
    pub seconds: u64,
    /// From here on, in seconds, nothing is broken any more, and the chain must go on. How soon is judged by 45 s later at the latest:
    /// where fewer are left the report says that it was not.
    pub healed_at: u64,
    /// It ends before its time as soon as every correct member has gone on after `healed_at`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_level: bool,
    /// Where each member is: an index into [`crate::network::REGIONS`].
    pub regions: Vec<usize>,
    /// Of ten thousand messages, how many are lost.
    #[serde(default)]
    pub loss_e4: u32,
    /// Of ten thousand messages, how many come twice.
    #[serde(default)]
    pub duplicate_e4: u32,
    /// A message takes up to this much longer than its way, in milliseconds; so they overtake each other.
    #[serde(default)]
    pub jitter_ms: u64,
    /// Transactions are submitted this often, in milliseconds; 0 is never.
    #[serde(default)]
    pub transaction_every_ms: u64,
    /// A switch of the protocol; the chain begins with the newest when there is none.
    #[serde(default)]
    pub upgrade: Option<Upgrade>,
    /// Members who join and leave; none do when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// What work and bytes cost in simulated time; nothing when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charges: Option<Charges>,
    /// Members that do not keep the rules.
    #[serde(default)]
    pub deviants: Vec<Deviant>,
    /// What breaks.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// A chain that begins with the first protocol, and whose members vote for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// When they vote, in milliseconds from the beginning.
    pub at_ms: u64,
    /// Blocks from the proposal to the switch, 5 at least: the votes are final before it.
    pub blocks: u64,
    /// Members whose program knows the first protocol alone, until it is replaced.
    #[serde(default)]
    pub older: Vec<u8>,
}

/// Members who join and leave by votes, while things break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The genesis has so many members, from 0 on, 4 at least. The others' nodes run from the beginning too, and are let in by votes.
    pub founders: u8,
    /// What is voted on, one after another: the next one when the one before is in force.
    pub changes: Vec<SetChange>,
}

/// A member joins, or leaves for good. Its node goes on as a follower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetChange {
    /// When it is proposed at the earliest, in milliseconds from the beginning.
    pub at_ms: u64,
    /// Who.
    pub member: u8,
    /// Whether it joins; else it leaves.
    pub joins: bool,
}

/// A member that does not keep the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviant {
    /// Its number, from 0.
    pub member: u8,
    /// How.
    pub ways: Vec<Way>,
}

/// How a member breaks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It runs twice under one key, each of the two seen by others of the members, changing all the time.
    Twin,
    /// It sends some of the members another vote or proposal.
    Equivocate,
    /// It claims quorums that never were.
    ValidRound,
    /// It sends the parts of its blocks to some of the members only.
    Withhold,
    /// It sends parts with a wrong bit.
    WrongParts,
    /// It sends certificates and votes again that are long over.
    Stale,
    /// It sends streams and votes that nobody has use for.
    Flood,
    /// It builds blocks in another member's name.
    Blame,
    /// It answers whoever fetches decided blocks with other bytes, forged certificates or heights that nobody asked for, or not at all.
    LieSync,
    /// It says that it is at another height, the highest there is among them, and asks for blocks that nobody has.
    LieHeight,
}

impl Way {
    /// Lies about what is voted on.
    pub const LIES: [Self; 7] = [
        Self::Equivocate,
        Self::ValidRound,
        Self::Withhold,
        Self::WrongParts,
        Self::Stale,
        Self::Flood,
        Self::Blame,
    ];

    /// Lies about what is decided.
    pub const OF_SYNC: [Self; 2] = [Self::LieSync, Self::LieHeight];

    /// As in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twin => "twin",
            Self::Equivocate => "equivocate",
            Self::ValidRound => "valid-round",
            Self::Withhold => "withhold",
            Self::WrongParts => "wrong-parts",
            Self::Stale => "stale",
            Self::Flood => "flood",
            Self::Blame => "blame",
            Self::LieSync => "lie-sync",
            Self::LieHeight => "lie-height",
        }
    }
}

/// Something breaks at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// When, in milliseconds from the beginning.
    pub at_ms: u64,
    /// What it is that breaks, with whose and for how long.
    #[serde(flatten)]
    pub what: What,
}

/// What breaks. Times are milliseconds; whatever lasts, heals by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A member's process ends; its machine goes on.
    Kill {
        /// The member's number.
        member: u8,
        /// Until it is started again.
        for_ms: u64,
    },
    /// Machines lose their power: what was not synced is lost, or torn.
    PowerCut {
        /// Whose.
        members: Vec<u8>,
        /// Until they are started again.
        for_ms: u64,
    },
    /// Members of different groups do not reach each other. Who is in no group reaches nobody.
    Partition {
        /// Members that reach each other, by number; each in one group at most.
        groups: Vec<Vec<u8>>,
        /// How long.
        for_ms: u64,
    },
    /// What one member sends does not reach another; the other direction works.
    OneWay {
        /// From whom.
        from: u8,
        /// To whom.
        to: u8,
        /// How long.
        for_ms: u64,
    },
    /// Precommits reach one member only.
    HidePrecommits {
        /// Whom.
        except: u8,
        /// How long.
        for_ms: u64,
    },
    /// More messages are lost.
    Loss {
        /// Of ten thousand.
        loss_e4: u32,
        /// How long.
        for_ms: u64,
    },
    /// Everything takes longer.
    Slow {
        /// By this much.
        by_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// A disk takes no more bytes.
    DiskFull {
        /// Whose.
        member: u8,
        /// How long.
        for_ms: u64,
    },
    /// A disk takes this long to sync.
    DiskSlow {
        /// Whose.
        member: u8,
        /// Milliseconds that every sync takes.
        sync_ms: u64,
        /// How long.
        for_ms: u64,
    },
    /// A disk says that it has synced and has not, until it loses its power at the end.
    DiskLies {
        /// Whose.
        member: u8,
        /// How long.
        for_ms: u64,
    },
    /// A member's process ends, and one bit of a file is another when it is back.
    BitFlip {
        /// Whose.
        member: u8,
        /// The file whose bit is another.
        file: Target,
    },
    /// A member's process ends, and a file is gone when it is back.
    FileLost {
        /// Whose.
        member: u8,
        /// The file that is gone.
        file: Target,
    },
    /// A clock is wrong.
    Clock {
        /// Whose.
        member: u8,
        /// By how much.
        by_ms: i64,
        /// How long.
        for_ms: u64,
    },
}

/// A file that a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The engine's write-ahead log.
    Log,
    /// The sign guard's.
    Guard,
    /// The database.
    Chain,
}

impl What {
    /// As in a plan.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::PowerCut { .. } => "power-cut",
            Self::Partition { .. } => "partition",
            Self::OneWay { .. } => "one-way",
            Self::HidePrecommits { .. } => "hide-precommits",
            Self::Loss { .. } => "loss",
            Self::Slow { .. } => "slow",
            Self::DiskFull { .. } => "disk-full",
            Self::DiskSlow { .. } => "disk-slow",
            Self::DiskLies { .. } => "disk-lies",
            Self::BitFlip { .. } => "bit-flip",
            Self::FileLost { .. } => "file-lost",
            Self::Clock { .. } => "clock",
        }
    }

    fn members(&self) -> Vec<u8> {
        match self {
            Self::PowerCut { members, .. } => members.clone(),
            Self::Partition { groups, .. } => groups.concat(),
            Self::OneWay { from, to, .. } => vec![*from, *to],
            Self::HidePrecommits { except, .. } => vec![*except],
            Self::Loss { .. } | Self::Slow { .. } => Vec::new(),
            Self::Kill { member, .. }
            | Self::DiskFull { member, .. }
            | Self::DiskSlow { member, .. }
            | Self::DiskLies { member, .. }
            | Self::BitFlip { member, .. }
            | Self::FileLost { member, .. }
            | Self::Clock { member, .. } => vec![*member],
        }
    }

    /// How long it lasts, in milliseconds.
    pub const fn for_ms(&self) -> u64 {
        match self {
            Self::Kill { for_ms, .. }
            | Self::PowerCut { for_ms, .. }
            | Self::Partition { for_ms, .. }
            | Self::OneWay { for_ms, .. }
            | Self::HidePrecommits { for_ms, .. }
            | Self::Loss { for_ms, .. }
            | Self::Slow { for_ms, .. }
            | Self::DiskFull { for_ms, .. }
            | Self::DiskSlow { for_ms, .. }
            | Self::DiskLies { for_ms, .. }
            | Self::Clock { for_ms, .. } => *for_ms,
            Self::BitFlip { .. } | Self::FileLost { .. } => DOWN_MS,
        }
    }

    /// Whether a correct member's memory may be damaged by it: it counts as faulty then.
    pub const fn damages(&self) -> bool {
        matches!(self, Self::DiskLies { .. } | Self::BitFlip { .. } | Self::FileLost { .. })
    }
}

/// A plan that cannot be read or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not TOML, or not a plan.
    #[error("the plan cannot be read: {0}")]
    Form(String),
    /// It names what is not there.
    #[error("the plan cannot be run: {0}")]
    Content(String),
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let plan: Self = toml::from_str(text).map_err(|error| PlanError::Form(error.to_string()))?;
        plan.check()?;
        Ok(plan)
    }

    /// The plan as a file.
    ///
    /// # Errors
    /// [`PlanError::Form`] when a number does not fit TOML's.
    pub fn to_toml(&self) -> Result<String, PlanError> {
        toml::to_string(self).map_err(|error| PlanError::Form(error.to_string()))
    }

    /// The same plan for another time and another number of members, where they are given. Its quiet end is as long as before, or
    /// longer; further members are in the regions that the plan names, in turn.
    ///
    /// # Errors
    /// [`PlanError::Content`] when what it names does not fit any more.
    pub fn resized(mut self, seconds: Option<u64>, nodes: Option<u8>) -> Result<Self, PlanError> {
        if let Some(seconds) = seconds {
            let quiet = self.seconds.saturating_sub(self.healed_at);
            self.healed_at = self.healed_at.min(seconds.saturating_sub(quiet));
            self.seconds = seconds;
        }
        if let Some(nodes) = nodes {
            self.regions = self.regions.iter().copied().cycle().take(nodes.into()).collect();
            self.nodes = nodes;
        }
        self.check()?;
        Ok(self)
    }

    /// Checks that all it names is there.
    ///
    /// # Errors
    /// [`PlanError::Content`].
    pub fn check(&self) -> Result<(), PlanError> {
        let wrong = |what: String| Err(PlanError::Content(what));
        if !(1..=MOST_NODES).contains(&self.nodes) {
            return wrong(format!("nodes is {}; it must be 1 to {MOST_NODES}", self.nodes));
        }
        if !(1..=MOST_SECONDS).contains(&self.seconds) || self.healed_at > self.seconds {
            return wrong(format!(
                "seconds must be 1 to {MOST_SECONDS}, and healed_at no later than they end"
            ));
        }
        let regions = crate::network::REGIONS.len();
        if self.regions.len() != usize::from(self.nodes) || self.regions.iter().any(|at| *at >= regions) {
            return wrong(format!("regions must give each of {} nodes a number below {regions}", self.nodes));
        }
        if let Some(fault) = self.charges.and_then(|charges| charges.fault()) {
            return wrong(fault);
        }
        let mut deviants = BTreeSet::new();
        if let Some(twice) = self.deviants.iter().find(|one| !deviants.insert(one.member)) {
            return wrong(format!("member {} is named twice among the deviants", twice.member));
        }
        let named = self.faults.iter().flat_map(|fault| fault.what.members());
        let older = self.upgrade.iter().flat_map(|upgrade| upgrade.older.iter().copied());
        if self.upgrade.as_ref().is_some_and(|upgrade| upgrade.blocks < 5) {
            return wrong("an upgrade's blocks are 5 at least".into());
        }
        if let Some(member) = named
            .chain(older)
            .chain(self.deviants.iter().map(|one| one.member))
            .find(|member| *member >= self.nodes)
        {
            return wrong(format!("member {member} is not one of 0 to {}", self.nodes - 1));
        }
        if let Some(fault) = self.membership.as_ref().and_then(|membership| self.unfit(membership)) {
            return wrong(fault);
        }
        let is_late = |fault: &&Fault| {
            fault.at_ms.saturating_add(fault.what.for_ms()) > self.healed_at.saturating_mul(1_000)
        };
        let late = self.faults.iter().find(is_late);
        if let Some(fault) = late {
            return wrong(format!("{} at {} ms is not over at healed_at", fault.what.name(), fault.at_ms));
        }
        Ok(())
    }

    /// Members whose word may not be relied upon: they lie, or their disks damage what was promised to be safe.
    pub fn bad_members(&self) -> BTreeSet<u8> {
        let damaged = self.faults.iter().filter(|fault| fault.what.damages());
        let damaged = damaged.flat_map(|fault| fault.what.members());
        self.deviants.iter().map(|one| one.member).chain(damaged).collect()
    }

    /// Why a change of members cannot be made: every set has four members and a quorum of those that may be relied upon.
    fn unfit(&self, membership: &Membership) -> Option<String> {
        if self.upgrade.is_some() {
            return Some("a plan has an upgrade or a membership, not both".into());
        }
        if !(4..=self.nodes).contains(&membership.founders) {
            return Some(format!("founders is {}; it must be 4 to {}", membership.founders, self.nodes));
        }
        let bad = self.bad_members();
        let mut set: BTreeSet<u8> = (0..membership.founders).collect();
        let mut joined = set.clone();
        for change in &membership.changes {
            let member = change.member;
            let is_news = match change.joins {
                true => member < self.nodes && joined.insert(member) && set.insert(member),
                false => set.remove(&member),
            };
            if !is_news {
                return Some(format!("member {member} cannot join or leave at {} ms", change.at_ms));
            }
            if !may_decide(&set, &bad) || change.at_ms >= self.healed_at.saturating_mul(1_000) {
                return Some(format!(
                    "the change at {} ms must be before healed_at, and leave four members, fewer than a third of them bad",
                    change.at_ms
                ));
            }
        }
        let never = (0..self.nodes).find(|member| !joined.contains(member));
        never.map(|member| format!("member {member} is never let in"))
    }
}

/// Whether a set of members has four of them, and fewer than a third of them bad.
pub(crate) fn may_decide(set: &BTreeSet<u8>, bad: &BTreeSet<u8>) -> bool {
    set.len() >= 4 && set.intersection(bad).count() * 3 < set.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure;

    #[test]
    fn charges_of_a_plan_are_bounded_as_those_of_the_command() {
        let checked = |charges| measure::plan(1, 4, charges).check();
        assert_eq!((checked(Charges::default()), checked(Charges::MOST)), (Ok(()), Ok(())));
        let usual = Charges::default();
        for (charges, name) in [
            (Charges { records: u64::MAX, ..usual }, "records"),
            (Charges { record_bytes: u64::MAX, ..usual }, "record_bytes"),
            (Charges { record_ns: u64::MAX, ..usual }, "record_ns"),
            (Charges { verify_us: u64::MAX, ..usual }, "verify_us"),
            (Charges { sync_us: u64::MAX, ..usual }, "sync_us"),
            (Charges { line_mbit: 0, ..usual }, "line_mbit"),
            (Charges { cores: 257, ..usual }, "cores"),
            (Charges { mesh: 51, ..usual }, "mesh"),
        ] {
            let refused = checked(charges).unwrap_err().to_string();
            assert!(refused.contains(&format!("charges.{name} is ")), "{refused}");
        }
        let text = measure::plan(1, 4, usual).to_toml().unwrap().replace("records = 0", "records = 22001");
        let refused = Plan::parse(&text).unwrap_err().to_string();
        assert!(refused.ends_with("charges.records is 22001; it must be 0 to 22000"), "{refused}");
    }

    #[test]
    fn a_member_deviates_once_and_a_fault_of_any_length_is_judged() {
        let twin = Deviant { member: 1, ways: vec![Way::Twin] };
        let mut plan = measure::plan(1, 4, Charges::default());
        plan.deviants = vec![twin.clone()];
        assert_eq!(plan.check(), Ok(()));
        plan.deviants.push(twin);
        assert!(
            plan.check().unwrap_err().to_string().ends_with("member 1 is named twice among the deviants")
        );
        plan.deviants.clear();
        plan.faults = vec![Fault { at_ms: 1, what: What::Kill { member: 0, for_ms: u64::MAX } }];
        assert!(plan.check().unwrap_err().to_string().ends_with("is not over at healed_at"));
    }
}
