//! The parts of a twin that are not mastery: engagement, attendance, resource use, interventions.
//!
//! Purpose: small bounded summaries, one type each, that [`crate::twin`] moves by events. Flow: each type has
//! one method an event kind. Invariants: sizes bounded ([`MAX_RESOURCES`], [`MAX_INTERVENTIONS`]): what falls
//! off is added to a summary, so counts never lie. Absent: rules about what follows; see
//! [`crate::transitions`].

use crate::event::{Attendance, InterventionId, ResourceId};
use crate::fixed::{ONE_E4, Proportion, Signal, smooth};
use crate::params::Rates;
use borsh::{BorshDeserialize, BorshSerialize};

/// Resources remembered one by one; the longest unused then joins the summary.
pub const MAX_RESOURCES: usize = 64;
/// Interventions remembered one by one; the oldest closed one then joins the summary.
pub const MAX_INTERVENTIONS: usize = 64;

/// Whether a rule has spoken about the present spell; it speaks once a spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Alert {
    /// Not in this spell.
    Silent,
    /// Yes; again only after a recovery.
    Raised,
}

/// Engagement 0..1 and where it is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Engagement {
    /// Where it is now: sessions, texts and absences move it.
    pub level: Proportion,
    /// Slow average of the level: the student's own baseline.
    pub baseline: Proportion,
    /// Effective time since when the level is low, milliseconds; `None` while it is not.
    pub low_since_ms: Option<u64>,
    /// Whether this spell was reported.
    pub alert: Alert,
}

impl Engagement {
    /// A student of whom nothing is known: one half, steady.
    #[must_use]
    pub fn prior() -> Self {
        let half = Proportion::clamped(ONE_E4 / 2);
        Self { level: half, baseline: half, low_since_ms: None, alert: Alert::Silent }
    }

    /// Level minus the student's own baseline.
    #[must_use]
    pub fn trend(&self) -> Signal {
        Signal::clamped(i64::from(self.level.e4()) - i64::from(self.baseline.e4()))
    }

    /// Moves the level towards a signal at a rate, then the baseline towards the level.
    pub fn move_towards(&mut self, target: Proportion, rate: Proportion, rates: &Rates) {
        let level = smooth(i64::from(self.level.e4()), i64::from(target.e4()), rate);
        let baseline = smooth(i64::from(self.baseline.e4()), level, rates.trend);
        (self.level, self.baseline) = (Proportion::clamped(level), Proportion::clamped(baseline));
    }

    /// Keeps account of how long the level has been low, at an effective time in milliseconds.
    pub fn note_spell(&mut self, low: Proportion, now_ms: u64) {
        if self.level < low {
            // The earliest moment stands, also when an event's effective time was moved back.
            self.low_since_ms = Some(self.low_since_ms.map_or(now_ms, |since| since.min(now_ms)));
        } else {
            self.low_since_ms = None;
            self.alert = Alert::Silent;
        }
    }
}

/// The register in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AttendanceSummary {
    /// Sessions marked present.
    pub present: u32,
    /// Sessions marked late.
    pub late: u32,
    /// Sessions absent without excuse.
    pub absent: u32,
    /// Sessions marked excused.
    pub excused: u32,
    /// Recent rate; excused sessions are left out, late ones count half.
    pub rate: Proportion,
}

impl AttendanceSummary {
    /// Nothing recorded: full rate.
    #[must_use]
    pub const fn prior() -> Self {
        Self { present: 0, late: 0, absent: 0, excused: 0, rate: Proportion::MAX }
    }

    /// Counts a mark.
    pub fn mark(&mut self, mark: Attendance, rates: &Rates) {
        let (count, share) = match mark {
            Attendance::Present => (&mut self.present, Some(ONE_E4)),
            Attendance::Late => (&mut self.late, Some(ONE_E4 / 2)),
            Attendance::Absent => (&mut self.absent, Some(0)),
            Attendance::Excused => (&mut self.excused, None),
        };
        *count = count.saturating_add(1);
        if let Some(share) = share {
            self.rate = Proportion::clamped(smooth(i64::from(self.rate.e4()), share, rates.attendance));
        }
    }
}

/// Use of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ResourceTrack {
    /// The district's number of it; tracks ascend by it.
    pub resource: ResourceId,
    /// Uses recorded.
    pub uses: u32,
    /// Minutes of all uses together.
    pub used_minutes: u64,
    /// Effective time of the last use, milliseconds.
    pub last_ms: u64,
    /// Recent share of the available time that was used.
    pub utilisation: Proportion,
    /// Whether its low use was reported.
    pub alert: Alert,
}

/// Access history: the recent resources one by one, the others as sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ResourceHistory {
    /// Ascending by resource.
    pub tracks: Vec<ResourceTrack>,
    /// Resources that fell off.
    pub older_resources: u32,
    /// Minutes that these were used, together.
    pub older_minutes: u64,
}

impl ResourceHistory {
    /// Records a use and returns the resource's track.
    pub fn record(
        &mut self,
        resource: ResourceId,
        used: u16,
        available: u16,
        now_ms: u64,
        rates: &Rates,
    ) -> &mut ResourceTrack {
        let share = i64::from(used) * ONE_E4 / i64::from(available.max(1));
        let at = match self.tracks.binary_search_by_key(&resource, |t| t.resource) {
            Ok(at) => at,
            Err(_) => {
                self.make_room();
                let at = self.tracks.partition_point(|t| t.resource < resource);
                let utilisation = Proportion::clamped(share);
                let (uses, used_minutes, alert) = (0, 0, Alert::Silent);
                self.tracks.insert(
                    at,
                    ResourceTrack { resource, uses, used_minutes, last_ms: now_ms, utilisation, alert },
                );
                at
            }
        };
        // `at` was found or made above.
        #[allow(clippy::indexing_slicing)]
        let track = &mut self.tracks[at];
        track.uses = track.uses.saturating_add(1);
        track.used_minutes = track.used_minutes.saturating_add(u64::from(used));
        track.last_ms = track.last_ms.max(now_ms);
        let level = smooth(i64::from(track.utilisation.e4()), share, rates.utilisation);
        track.utilisation = Proportion::clamped(level);
        track
    }

    fn make_room(&mut self) {
        if self.tracks.len() < MAX_RESOURCES {
            return;
        }
        let oldest =
            self.tracks.iter().enumerate().min_by_key(|(_, t)| (t.last_ms, t.resource)).map(|(at, _)| at);
        if let Some(at) = oldest {
            let gone = self.tracks.remove(at);
            self.older_resources = self.older_resources.saturating_add(1);
            self.older_minutes = self.older_minutes.saturating_add(gone.used_minutes);
        }
    }
}

/// An intervention and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Intervention {
    /// The district's number of it.
    pub intervention: InterventionId,
    /// Effective time it began, milliseconds.
    pub opened_ms: u64,
    /// Effective time it ended, milliseconds; `None` while it runs.
    pub closed_ms: Option<u64>,
    /// Overall proficiency when it began: probability of a right answer on an item of difficulty 0.
    pub before: Proportion,
    /// The same at the last assessment, or when it ended.
    pub latest: Proportion,
}

impl Intervention {
    /// Efficacy: proficiency now minus proficiency when it began. A difference, not a cause.
    #[must_use]
    pub fn efficacy(&self) -> Signal {
        Signal::clamped(i64::from(self.latest.e4()) - i64::from(self.before.e4()))
    }
}

/// Interventions: the recent ones one by one, the others as sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InterventionHistory {
    /// In the order they began in the fold; one number may return after it was closed.
    pub list: Vec<Intervention>,
    /// Closed interventions that fell off.
    pub older_closed: u32,
    /// Sum of their efficacies, ten-thousandths.
    pub older_efficacy_e4: i64,
}

impl InterventionHistory {
    /// The running intervention of this number.
    pub fn running(&mut self, id: InterventionId) -> Option<&mut Intervention> {
        self.list.iter_mut().find(|i| i.intervention == id && i.closed_ms.is_none())
    }

    /// Whether one more can be opened: there is room, or a closed one that can fall off.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.list.len() < MAX_INTERVENTIONS || self.list.iter().any(|i| i.closed_ms.is_some())
    }

    /// Adds an intervention; the caller checked [`Self::has_room`].
    pub fn open(&mut self, id: InterventionId, now_ms: u64, proficiency: Proportion) {
        if self.list.len() >= MAX_INTERVENTIONS
            && let Some(at) = self.list.iter().position(|i| i.closed_ms.is_some())
        {
            let gone = self.list.remove(at);
            self.older_closed = self.older_closed.saturating_add(1);
            self.older_efficacy_e4 = self.older_efficacy_e4.saturating_add(i64::from(gone.efficacy().e4()));
        }
        self.list.push(Intervention {
            intervention: id,
            opened_ms: now_ms,
            closed_ms: None,
            before: proficiency,
            latest: proficiency,
        });
    }

    /// Updates the efficacy of all running interventions.
    pub fn assess(&mut self, proficiency: Proportion) {
        for running in self.list.iter_mut().filter(|i| i.closed_ms.is_none()) {
            running.latest = proficiency;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::params::Params;

    fn rates() -> Rates {
        Params::reference(Model::unfitted()).rates
    }

    #[test]
    fn the_longest_unused_resource_joins_the_summary() {
        let mut history = ResourceHistory::default();
        for id in 0..70_u32 {
            history.record(ResourceId(id), 30, 60, 1_000 + u64::from(id), &rates());
        }
        assert_eq!(history.tracks.len(), MAX_RESOURCES);
        assert_eq!((history.older_resources, history.older_minutes), (6, 180));
        assert_eq!(history.tracks.first().map(|t| t.resource), Some(ResourceId(6)));
        assert_eq!(history.tracks.first().map(|t| t.utilisation.e4()), Some(5_000));
    }

    #[test]
    fn excused_sessions_leave_the_rate_alone() {
        let mut summary = AttendanceSummary::prior();
        summary.mark(Attendance::Excused, &rates());
        assert_eq!((summary.excused, summary.rate), (1, Proportion::MAX));
        summary.mark(Attendance::Absent, &rates());
        assert_eq!(summary.rate.e4(), 9_500);
        summary.mark(Attendance::Late, &rates());
        assert_eq!(summary.rate.e4(), 9_275);
    }

    #[test]
    fn only_closed_interventions_fall_off() {
        let mut history = InterventionHistory::default();
        for id in 0..64 {
            history.open(InterventionId(id), u64::from(id), Proportion::clamped(5_000));
        }
        assert!(!history.has_room());
        history.assess(Proportion::clamped(5_600));
        history.running(InterventionId(9)).unwrap().closed_ms = Some(99);
        assert!(history.has_room());
        history.open(InterventionId(64), 100, Proportion::clamped(5_600));
        assert_eq!((history.list.len(), history.older_closed, history.older_efficacy_e4), (64, 1, 600));
        assert!(history.list.iter().all(|i| i.intervention != InterventionId(9)));
    }

    #[test]
    fn a_spell_starts_at_the_first_low_moment_and_ends_with_recovery() {
        let mut engagement = Engagement::prior();
        engagement.level = Proportion::clamped(2_000);
        engagement.note_spell(Proportion::clamped(3_000), 50);
        engagement.note_spell(Proportion::clamped(3_000), 90);
        assert_eq!(engagement.low_since_ms, Some(50));
        assert_eq!(engagement.trend().e4(), -3_000);
        engagement.level = Proportion::clamped(3_000);
        engagement.note_spell(Proportion::clamped(3_000), 99);
        assert_eq!((engagement.low_since_ms, engagement.alert), (None, Alert::Silent));
    }
}
