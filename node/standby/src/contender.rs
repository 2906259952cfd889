//! When the lease is renewed, wanted and lost: a function of what was read and of this process's own clock.
//!
//! Flow: what was read is told ([`Contender::observe`]) → [`Contender::wants`] says what is to be put → what became of that is told
//! ([`Contender::put`]) → [`Contender::acts`] says the epoch, and until when. Invariants: no clock of another is read: the holder
//! counts from before it asked for a renewal, the other from after it first saw the record, and the holder stops a fifth earlier; who
//! lacks something that was acknowledged never wants the lease, unless an operator said so of this very record; a store without a record is
//! begun by a pair that never ran: of any other it was emptied, or its share is not mounted, and says nothing of who has what; what is said
//! of a namesake is said of another ([`crate::who`]). Absent: threads, stores, the clock.

use crate::accept::Accepted;
use crate::lease::{Kept, Record};
use crate::who;

/// One of a pair, as far as the lease goes. Times are milliseconds of a clock of its own that never goes back.
#[derive(Debug, Clone)]
pub struct Contender {
    me: String,
    lease_ms: u64,
    seen: Option<Seen>,
    held: Option<Held>,
}

#[derive(Debug, Clone)]
struct Seen {
    kept: Option<Kept>,
    /// When it was known first that exactly this record stands there.
    since: u64,
}

#[derive(Debug, Clone)]
struct Held {
    epoch: u64,
    until: u64,
    /// Whose it was: who has everything that was acknowledged, until this one acknowledges something.
    before: Option<String>,
}

/// What is to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// In whose place.
    pub over: Option<String>,
    /// What the store has when it succeeds.
    pub record: Record,
}

/// What is known beside the record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// The other one was asked how it is as often as it takes, and did not answer.
    pub other_is_gone: bool,
    /// There is a vault here.
    pub has_vault: bool,
    /// What an operator accepts to end with what is lost by it.
    pub accepted_loss: Option<Accepted>,
    /// The highest epoch that was heard of here; 0 of a home whose pair never ran.
    pub floor: u64,
}

impl Contender {
    /// One that has seen nothing yet.
    pub fn new(me: &str, lease_ms: u64) -> Self {
        Self { me: me.to_owned(), lease_ms, seen: None, held: None }
    }

    /// Tells what a read gave that had ended by `now`.
    pub fn observe(&mut self, kept: Option<Kept>, now: u64) {
        let own = |held: &Held| {
            kept.as_ref().is_some_and(|kept| {
                kept.record.holder == self.me && kept.record.epoch == held.epoch && !kept.record.released
            })
        };
        // Another has it: nothing that was counted counts.
        self.held = self.held.take().filter(own);
        if self.seen.as_ref().is_none_or(|seen| seen.kept != kept) {
            self.seen = Some(Seen { kept, since: now });
        }
    }

    /// What to put now, if anything.
    pub fn wants(&self, now: u64, facts: Facts) -> Option<Intent> {
        let seen = self.seen.as_ref()?;
        let Some(kept) = &seen.kept else {
            let accepted = facts.accepted_loss == self.in_question(facts.floor) && facts.other_is_gone;
            let free = facts.floor == 0 || accepted;
            let first = Record {
                epoch: facts.floor.checked_add(1)?,
                holder: self.me.clone(),
                lease_ms: self.lease_ms,
                level: None,
                released: false,
                turn: 0,
            };
            return (facts.has_vault && free).then_some(Intent { over: None, record: first });
        };
        let over = Some(kept.tag.clone());
        let record = &kept.record;
        let turn = record.turn.saturating_add(1);
        if self.held.is_some() {
            return Some(Intent { over, record: Record { turn, lease_ms: self.lease_ms, ..record.clone() } });
        }
        let next = Record {
            // One epoch never has two holders, whatever the record says.
            epoch: record.epoch.max(facts.floor).checked_add(1)?,
            holder: self.me.clone(),
            lease_ms: self.lease_ms,
            level: None,
            released: false,
            turn,
        };
        if who::is(&self.me, &record.holder) {
            // An earlier run of this one: it has everything that it acknowledged, and who was level still is.
            let record = Record { level: record.level.clone(), ..next };
            return facts.has_vault.then_some(Intent { over, record });
        }
        let all_here = record.level.as_deref().is_some_and(|level| who::is(&self.me, level));
        let accepted = facts.accepted_loss == Some(record.into());
        let over_now = record.released || (facts.other_is_gone && self.is_over(now));
        (facts.has_vault && over_now && (all_here || accepted)).then_some(Intent { over, record: next })
    }

    /// Tells what became of what was put, which was asked for at `sent`: its tag where it stands there now.
    pub fn put(&mut self, intent: Intent, sent: u64, now: u64, tag: Option<String>) {
        let Some(tag) = tag else { return };
        let until = sent.saturating_add(self.lease_ms / 5 * 4);
        let before = match (&self.held, self.record()) {
            (Some(held), _) => held.before.clone(),
            (None, Some(record)) if !who::is(&self.me, &record.holder) => Some(record.holder.clone()),
            (None, _) => None,
        };
        self.held = Some(Held { epoch: intent.record.epoch, until, before });
        self.seen = Some(Seen { kept: Some(Kept { tag, record: intent.record }), since: now });
    }

    /// What gives up a lease that this one has and cannot act with; none where nobody else has everything that was acknowledged: they would
    /// wait for this one. Whoever has never acted by it has acknowledged nothing in its epoch. Whatever becomes of what is put, this one
    /// acts no more without having read the record anew.
    pub fn leaves(&self, acted: bool) -> Option<Intent> {
        let (held, seen) = (self.held.as_ref()?, self.seen.as_ref()?);
        let kept = seen.kept.as_ref()?;
        let before = held.before.clone().filter(|_| !acted);
        let level = Some(kept.record.level.clone().or(before)?);
        let turn = kept.record.turn.saturating_add(1);
        let record = Record { level, released: true, turn, ..kept.record.clone() };
        Some(Intent { over: Some(kept.tag.clone()), record })
    }

    /// The epoch that this one may act in, and until when.
    pub fn acts(&self, now: u64) -> Option<(u64, u64)> {
        self.held.as_ref().filter(|held| now < held.until).map(|held| (held.epoch, held.until))
    }

    /// When another's record will have stood for a whole lease, if nobody renews it: there is no need to look later than that.
    pub fn free_at(&self) -> Option<u64> {
        let seen = self.seen.as_ref()?;
        let record = &seen.kept.as_ref()?.record;
        let waits = self.held.is_none() && !who::is(&self.me, &record.holder);
        waits.then(|| seen.since.saturating_add(self.whole(record)))
    }

    /// True where nobody acts by what was seen last, as far as this one can tell: it has stood for a whole lease, or was released, or
    /// there is no record.
    pub fn is_over(&self, now: u64) -> bool {
        self.seen.as_ref().is_some_and(|seen| {
            let stood = now.saturating_sub(seen.since);
            seen.kept.as_ref().is_none_or(|kept| kept.record.released || stood >= self.whole(&kept.record))
        })
    }

    /// What an operator's word would be of now, where this is the highest epoch that was heard of.
    pub fn in_question(&self, floor: u64) -> Option<Accepted> {
        let seen = self.seen.as_ref()?;
        let nobodys = Accepted { epoch: floor, turn: None };
        Some(seen.kept.as_ref().map_or(nobodys, |kept| Accepted::from(&kept.record)))
    }

    /// The longer one of both, where they were set apart.
    fn whole(&self, record: &Record) -> u64 {
        record.lease_ms.max(self.lease_ms)
    }

    /// True from when the lease was had until it is known, or time says, that it is had no longer.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// The record seen last.
    pub fn record(&self) -> Option<&Record> {
        self.seen.as_ref()?.kept.as_ref().map(|kept| &kept.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(floor: u64, accepted_loss: Option<Accepted>, other_is_gone: bool) -> Facts {
        Facts { other_is_gone, has_vault: true, accepted_loss, floor }
    }

    #[test]
    fn a_store_without_a_record_is_begun_once_and_then_by_an_operators_word_alone() {
        let mut one = Contender::new("west", 1_000);
        one.observe(None, 10);
        let epoch = |facts| one.wants(20, facts).map(|intent| intent.record.epoch);
        assert_eq!(epoch(facts(0, None, false)), Some(1));
        assert_eq!(epoch(facts(7, None, true)), None);
        let word = |epoch, turn| Some(Accepted { epoch, turn });
        assert_eq!(epoch(facts(7, word(6, None), true)), None);
        assert_eq!(epoch(facts(7, word(7, Some(3)), true)), None);
        assert_eq!(epoch(facts(7, word(7, None), false)), None);
        assert_eq!(epoch(facts(7, word(7, None), true)), Some(8));
    }

    #[test]
    fn a_loss_is_accepted_of_the_record_that_stood_there_and_of_no_later_one() {
        let of = |turn, level: Option<&str>| Record {
            epoch: 4,
            holder: "east".into(),
            lease_ms: 1_000,
            level: level.map(str::to_owned),
            released: false,
            turn,
        };
        let mut one = Contender::new("west", 1_000);
        let kept = |turn, level| Some(Kept { tag: format!("{turn}"), record: of(turn, level) });
        one.observe(kept(17, None), 0);
        let word = one.in_question(4);
        assert_eq!(word, Some(Accepted { epoch: 4, turn: Some(17) }));
        let wants = |one: &Contender, now, word| one.wants(now, facts(4, word, true)).is_some();
        assert_eq!((one.is_over(999), wants(&one, 999, word)), (false, false));
        assert_eq!((one.is_over(1_000), wants(&one, 1_000, word)), (true, true));
        assert!(!wants(&one, 1_000, None));
        // It was not gone: it became level with this one, was alone again, and died weeks later.
        for (turn, level) in [(18, None), (19, Some("west")), (20, None)] {
            one.observe(kept(turn, level), 10_000 * turn);
        }
        assert!(one.is_over(900_000) && !wants(&one, 900_000, word));
        assert!(wants(&one, 900_000, one.in_question(4)));
    }

    #[test]
    fn a_holder_whose_record_is_gone_acts_no_more() {
        let mut one = Contender::new("east", 1_000);
        one.observe(None, 0);
        let first = one.wants(0, facts(0, None, true)).expect("nobody ever acted");
        one.put(first, 0, 10, Some("1".into()));
        assert_eq!(one.acts(20), Some((1, 800)));
        one.observe(None, 30);
        assert!(one.acts(40).is_none() && !one.holds());
        assert_eq!(one.wants(40, facts(1, None, true)), None);
    }

    #[test]
    fn who_cannot_act_leaves_the_lease_to_who_has_everything_and_keeps_it_where_nobody_has() {
        let of = |epoch, holder: &str, level: Option<&str>| Record {
            epoch,
            holder: holder.into(),
            lease_ms: 1_000,
            level: level.map(str::to_owned),
            released: false,
            turn: epoch,
        };
        // Each as it was read, then its own record over it, and a renewal.
        let has = |before: Record| {
            let mut one = Contender::new("west", 1_000);
            one.observe(Some(Kept { tag: "1".into(), record: before }), 0);
            for tag in ["2", "3"] {
                let intent = one.wants(1_000, facts(4, None, true)).expect("it is free");
                one.put(intent, 1_000, 1_001, Some(tag.into()));
            }
            one
        };
        let left = |one: &Contender, acted| {
            let put = one.leaves(acted).map(|intent| (intent.over, intent.record));
            put.map(|(over, record)| (over, record.level, record.released, record.turn))
        };
        let to = |name: &str, turn| Some((Some("3".to_owned()), Some(name.to_owned()), true, turn));
        let taken = has(of(4, "east", Some("west")));
        assert_eq!((left(&taken, false), left(&taken, true)), (to("east", 7), None));
        let own = has(of(4, "west", Some("east")));
        assert_eq!((left(&own, false), left(&own, true)), (to("east", 7), to("east", 7)));
        let alone = has(of(4, "west", None));
        assert_eq!((left(&alone, false), left(&alone, true)), (None, None));
        assert!(Contender::new("west", 1_000).leaves(false).is_none());

        // Whom it is left to acts at once.
        let mut east = Contender::new("east", 1_000);
        let record = taken.leaves(false).expect("east has everything").record;
        east.observe(Some(Kept { tag: "4".into(), record }), 5_000);
        assert_eq!(east.wants(5_000, facts(4, None, false)).map(|intent| intent.record.epoch), Some(6));
    }

    #[test]
    fn who_waits_knows_when_the_lease_is_over_and_a_renewal_puts_it_off() {
        let of = |turn| Record {
            epoch: 1,
            holder: "east".into(),
            lease_ms: 2_000,
            level: Some("west".into()),
            released: false,
            turn,
        };
        let mut one = Contender::new("west", 1_000);
        assert_eq!(one.free_at(), None);
        one.observe(Some(Kept { tag: "1".into(), record: of(0) }), 100);
        assert_eq!(one.free_at(), Some(2_100));
        // The same record seen again counts from when it was seen first.
        one.observe(Some(Kept { tag: "1".into(), record: of(0) }), 300);
        assert_eq!(one.free_at(), Some(2_100));
        let gone = facts(1, None, true);
        assert_eq!((one.wants(2_099, gone).is_some(), one.wants(2_100, gone).is_some()), (false, true));
        one.observe(Some(Kept { tag: "2".into(), record: of(1) }), 2_100);
        assert_eq!((one.free_at(), one.wants(2_100, gone)), (Some(4_100), None));
        let mut holder = Contender::new("east", 1_000);
        holder.observe(Some(Kept { tag: "2".into(), record: of(1) }), 100);
        assert_eq!(holder.free_at(), None);
    }

    #[test]
    fn a_copied_home_takes_nothing_of_its_namesakes_but_by_an_operators_word() {
        let seen = |holder: &str, level: Option<&str>, released| {
            let record = Record {
                epoch: 4,
                holder: holder.into(),
                lease_ms: 1_000,
                level: level.map(str::to_owned),
                released,
                turn: 9,
            };
            let mut one = Contender::new("east.2", 1_000);
            one.observe(Some(Kept { tag: "1".into(), record }), 0);
            one
        };
        let gone = facts(4, None, true);
        let takes = |one: &Contender, facts| one.wants(5_000, facts).map(|intent| intent.record.holder);
        let me = Some("east.2".to_owned());
        for released in [false, true] {
            for (holder, level) in [("east.1", None), ("east.1", Some("west.3")), ("west.3", Some("east.1"))]
            {
                let copy = seen(holder, level, released);
                assert_eq!(takes(&copy, gone), None, "{holder} {level:?} {released}");
                let word = copy.in_question(4);
                assert_eq!(takes(&copy, facts(4, word, true)), me, "{holder} {level:?} {released}");
            }
            // Its own, and what was said of its name before there were ids: it is said with its id then.
            for (holder, level) in
                [("east.2", None), ("east", None), ("west.3", Some("east.2")), ("west", Some("east"))]
            {
                assert_eq!(takes(&seen(holder, level, released), gone), me, "{holder} {level:?} {released}");
            }
        }
    }

    #[test]
    fn clocks_may_run_apart_by_a_fifth_and_no_further() {
        // Whether both would act in some millisecond, where the other one saw a renewal a millisecond after it was asked for. Rates are in
        // ten-thousandths.
        let beside = |holders: u64, others: u64, asked: u64| {
            let clock = |now: u64, rate: u64| now * rate / 10_000;
            let (mut holder, mut other) = (Contender::new("east", 1_000), Contender::new("west", 1_000));
            let sent = clock(asked, holders);
            holder.observe(None, sent);
            let mut first = holder.wants(sent, facts(0, None, true)).expect("nobody ever acted");
            first.record.level = Some("west".into());
            let kept = Kept { tag: "1".into(), record: first.record.clone() };
            holder.put(first, sent, clock(asked + 1, holders), Some("1".into()));
            other.observe(Some(kept), clock(asked + 1, others));
            (asked + 1..asked + 1_200).any(|now| {
                let wanted = other.wants(clock(now, others), facts(1, None, true)).is_some();
                wanted && holder.acts(clock(now, holders)).is_some()
            })
        };
        for asked in 0..40 {
            let allowed = [(8_000, 10_000), (8_900, 11_125), (10_000, 12_500), (11_125, 8_900)];
            assert!(allowed.iter().all(|(holders, others)| !beside(*holders, *others, asked)), "{asked}");
            assert!(beside(8_900, 11_300, asked), "{asked}");
        }
    }

    #[test]
    fn a_record_of_the_last_epoch_that_there_is_gives_nobody_the_same_one() {
        let mut one = Contender::new("west", 1_000);
        let record = Record {
            epoch: u64::MAX,
            holder: "east".into(),
            lease_ms: 1_000,
            level: Some("west".into()),
            released: true,
            turn: u64::MAX,
        };
        one.observe(Some(Kept { tag: "1".into(), record }), 0);
        assert_eq!(one.wants(5_000, facts(3, None, true)), None);
    }
}
