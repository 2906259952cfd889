//! A request's place among those served at once, held until its work is done.
//!
//! A handler's future ends when its client goes or its time is over; what it began on a thread that may block goes on. Who asks and
//! leaves, again and again, would begin any number of these: so [`blocking`] holds the place too. Absent: how many places there are,
//! which the gate says; a socket that stays open has none after its handshake.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

tokio::task_local! {
    static PLACE: Arc<OwnedSemaphorePermit>;
}

/// Answers within a place.
pub(crate) async fn within<T>(place: OwnedSemaphorePermit, answer: impl Future<Output = T>) -> T {
    PLACE.scope(Arc::new(place), answer).await
}

/// Work on a thread that may block; the place of the request that asks is held until it is done.
pub fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let place = PLACE.try_with(Arc::clone).ok();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn work_holds_its_place_after_its_client_has_gone() -> Result<(), Box<dyn std::error::Error>> {
        let places = Arc::new(Semaphore::new(1));
        let ((begun, begins), (end, ends)) = (mpsc::channel(), mpsc::channel::<()>());
        let answer = within(places.clone().try_acquire_owned()?, async move {
            let worked = blocking(move || {
                let _ = begun.send(());
                ends.recv().is_ok()
            });
            worked.await
        });
        // As the gate does when a request's time is over, and the server when its client goes.
        assert!(tokio::time::timeout(Duration::from_millis(50), answer).await.is_err());
        begins.recv_timeout(Duration::from_secs(5))?;
        assert!(places.try_acquire().is_err(), "the work goes on, and nobody else begins");
        end.send(())?;
        let again = tokio::time::timeout(Duration::from_secs(5), places.acquire()).await;
        assert!(again?.is_ok(), "it is done");
        Ok(())
    }

    #[tokio::test]
    async fn an_answer_gives_its_place_back() -> Result<(), Box<dyn std::error::Error>> {
        let places = Arc::new(Semaphore::new(1));
        for _ in 0..2 {
            let worked = within(places.clone().try_acquire_owned()?, async { blocking(|| 7).await });
            assert_eq!(worked.await?, 7);
        }
        // Of no request: there is no place to hold.
        assert_eq!(blocking(|| 8).await?, 8);
        Ok(())
    }
}
