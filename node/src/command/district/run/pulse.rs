//! Whether the service's loops go on, for a service manager's watchdog.
//!
//! Flow: a [`Heart`] a loop, before its thread begins → each time that the loop's work is polled it beats → [`Pulse::says`] has a
//! word for the watchdog, and none while a loop stands still. A loop that waits, for a system or for its next look, is not still: it
//! is polled again when that is over. What never comes back is, and one step that takes longer than [`STILL`].

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long one step of a loop may take, beyond its pause. A whole fold and a round's proofs are steps of minutes in the largest
/// districts; what takes an hour does not come back.
const STILL: Duration = Duration::from_secs(3_600);
/// A heart whose loop did not begin.
const NOT_BEGUN: u64 = 0;
/// A heart whose loop had nothing to do, and ended.
const ENDED: u64 = u64::MAX;

/// One loop of one home.
#[derive(Debug)]
pub(super) struct Heart {
    /// The home and the loop, in words.
    of: String,
    still_after: Duration,
    began: Instant,
    /// Milliseconds since `began`, and one, of the last beat; or one of the two words above.
    last: AtomicU64,
    news: Arc<Notify>,
}

impl Heart {
    /// Does a loop's work, which beats with each step of it.
    pub(super) async fn attend(&self, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            self.beat();
            let step = work.as_mut().poll(context);
            self.beat();
            step
        })
        .await;
        self.last.store(ENDED, Ordering::SeqCst);
    }

    fn beat(&self) {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(ENDED);
        let before = self.last.swap(now_ms.saturating_add(1).min(ENDED - 1), Ordering::SeqCst);
        if before == NOT_BEGUN {
            self.news.notify_one();
        }
    }

    fn has_begun(&self) -> bool {
        self.last.load(Ordering::SeqCst) != NOT_BEGUN
    }

    /// Whether it stands still at this time after it was made. One that did not begin counts from then.
    fn is_still(&self, now: Duration) -> bool {
        let last = self.last.load(Ordering::SeqCst);
        last != ENDED && now.saturating_sub(Duration::from_millis(last)) > self.still_after
    }
}

/// All loops of the process.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    hearts: Vec<Arc<Heart>>,
    homes: usize,
    news: Arc<Notify>,
}

impl Pulse {
    /// The hearts of a home's loops, each by its name and by how long it waits between two rounds at most.
    pub(super) fn home<const N: usize>(
        &mut self,
        home: &Path,
        loops: [(&str, Duration); N],
    ) -> [Arc<Heart>; N] {
        self.homes += 1;
        loops.map(|(name, pause)| {
            let heart = Arc::new(Heart {
                of: format!("{name} of {}", home.display()),
                still_after: STILL.saturating_add(pause),
                began: Instant::now(),
                last: AtomicU64::new(NOT_BEGUN),
                news: Arc::clone(&self.news),
            });
            self.hearts.push(Arc::clone(&heart));
            heart
        })
    }

    /// Done when every loop began its first round. For one that waits.
    pub(super) async fn begun(&self) {
        while !self.hearts.iter().all(|heart| heart.has_begun()) {
            self.news.notified().await;
        }
    }

    /// What the service does, in a few words.
    pub(super) fn status(&self) -> String {
        format!("working for {} homes", self.homes)
    }

    /// The watchdog's word; none, and a line of the log, while a loop stands still.
    pub(super) fn says(&self) -> Option<String> {
        let still: Vec<&str> = self.still(Instant::now()).collect();
        if still.is_empty() {
            return Some(self.status());
        }
        let loops = still.join(", ");
        tracing::error!(
            %loops,
            "these loops took no step for an hour: the service manager is not told that they live, and begins the process again"
        );
        None
    }

    fn still(&self, now: Instant) -> impl Iterator<Item = &str> {
        let still = move |heart: &&Arc<Heart>| heart.is_still(now.saturating_duration_since(heart.began));
        self.hearts.iter().filter(still).map(|heart| heart.of.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const LONG: Duration = Duration::from_secs(2 * 3_600);

    fn still(pulse: &Pulse, after: Duration) -> Vec<&str> {
        pulse.still(Instant::now() + after).collect()
    }

    #[tokio::test]
    async fn it_has_begun_when_each_loop_of_each_home_has() {
        let mut pulse = Pulse::default();
        let hearts: Vec<_> = ["/srv/east", "/srv/west"]
            .iter()
            .flat_map(|home| pulse.home(Path::new(home), [("alerts", PAUSE), ("duties", PAUSE)]))
            .collect();
        let pulse = Arc::new(pulse);
        let (last, others) = hearts.split_last().unwrap();
        for heart in others {
            let heart = heart.clone();
            tokio::spawn(async move { heart.attend(pending()).await });
        }
        let waiting = Arc::clone(&pulse);
        let mut begun = tokio::spawn(async move { waiting.begun().await });
        tokio::select! {
            biased;
            _ = &mut begun => panic!("one loop did not begin"),
            () = others_began(others) => {}
        }
        last.attend(async {}).await;
        begun.await.unwrap();
        assert_eq!(pulse.says().as_deref(), Some("working for 2 homes"));
    }

    async fn others_began(hearts: &[Arc<Heart>]) {
        while !hearts.iter().all(|heart| heart.has_begun()) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_loop_that_takes_no_step_for_an_hour_stands_still_and_one_that_ended_does_not() {
        let mut pulse = Pulse::default();
        let loops = [("duties", PAUSE), ("sensors", LONG), ("alerts", PAUSE), ("points", LONG)];
        let [hung, ended, never, waits] = pulse.home(Path::new("/srv/lake"), loops);
        ended.attend(async {}).await;
        tokio::select! {
            biased;
            () = hung.attend(pending()) => panic!("it waits for ever"),
            () = waits.attend(pending()) => panic!("it waits for ever"),
            () = std::future::ready(()) => {}
        }
        assert!(pulse.says().is_some());
        assert_eq!(still(&pulse, STILL / 2), [""; 0]);
        assert_eq!(
            still(&pulse, LONG),
            ["duties of /srv/lake", "alerts of /srv/lake"],
            "its pause is as long"
        );
        assert!(!never.has_begun());
        // Another step, and it is counted from there.
        hung.last.store(u64::try_from(LONG.as_millis()).unwrap(), Ordering::SeqCst);
        assert_eq!(still(&pulse, LONG + STILL / 2), ["alerts of /srv/lake"]);
    }

    #[tokio::test]
    async fn work_that_broke_off_and_begins_again_has_a_heart() {
        let mut pulse = Pulse::default();
        let [heart] = pulse.home(Path::new("/srv/lake"), [("duties", PAUSE)]);
        heart.attend(async {}).await;
        assert_eq!(still(&pulse, LONG), [""; 0]);
        tokio::select! {
            biased;
            () = heart.attend(pending()) => panic!("it waits for ever"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(still(&pulse, LONG), ["duties of /srv/lake"]);
    }
}
