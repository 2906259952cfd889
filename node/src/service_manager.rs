//! What a service manager hears of a running node or district's service: that it is up, that it lives, that it stops.
//!
//! The protocol is sd_notify(3): datagrams of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names; `WATCHDOG_USEC`
//! says how often it wants to hear that the process lives. Without that variable nothing is sent. A datagram that cannot
//! be sent never stops the process: it is logged, and the manager decides by its own time limit.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

/// The way to the service manager; to nobody when none started this process.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    socket: Option<Arc<Way>>,
    watchdog: Option<Duration>,
}

#[derive(Debug)]
struct Way {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl ServiceManager {
    /// The one that started this process, by its environment.
    #[must_use]
    pub fn of_this_process() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return Self::default() };
        let every = watchdog(std::env::var_os("WATCHDOG_USEC"), std::env::var_os("WATCHDOG_PID"));
        Self::at(&name, every).unwrap_or_else(|error| {
            tracing::warn!(socket = %name.display(), %error, "the service manager cannot be told anything");
            Self::default()
        })
    }

    fn at(name: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let to = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold up the process.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(Arc::new(Way { socket, to })), watchdog })
    }

    /// Whether one started this process.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    fn tell(&self, text: &str) {
        let Some(way) = &self.socket else { return };
        if let Err(error) = way.socket.send_to_addr(text.as_bytes(), &way.to) {
            tracing::warn!(%error, "the service manager does not hear this process");
        }
    }

    /// Up: what waits for this process may go on.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// Told to stop, and stopping.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping");
    }

    /// Says twice within each interval of the watchdog that the process lives, with what `pulse` finds. A `pulse` that finds
    /// nothing, or does not come back, says nothing, and the manager starts the process again.
    pub async fn attend(self, pulse: impl Fn() -> Option<String> + Send) {
        let Some(every) = self.watchdog.filter(|_| self.socket.is_some()) else { return };
        let mut beat = tokio::time::interval(every / 2);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if let Some(status) = pulse() {
                self.tell(&format!("WATCHDOG=1\nSTATUS={}", one_line(&status)));
            }
        }
    }
}

/// The interval, when it is meant for this process and not for the one that started it.
fn watchdog(every_us: Option<OsString>, process: Option<OsString>) -> Option<Duration> {
    let own = process.is_none_or(|id| id.to_str() == Some(&std::process::id().to_string()));
    let every_us: u64 = every_us.filter(|_| own)?.to_str()?.parse().ok()?;
    (every_us > 1).then(|| Duration::from_micros(every_us))
}

/// A line break would begin another variable.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut bytes = [0; 512];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn it_hears_of_start_and_stop_by_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let told = ServiceManager::at(path.as_os_str(), None).unwrap();
        told.ready("at height 3\nSTOPPING=1");
        assert_eq!(heard(&manager), "READY=1\nSTATUS=at height 3 STOPPING=1");
        told.stopping();
        assert_eq!(heard(&manager), "STOPPING=1\nSTATUS=stopping");
    }

    #[tokio::test]
    async fn its_watchdog_hears_again_and_again_that_the_process_lives_and_nothing_while_it_does_not() {
        let name = format!("aula-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let told =
            ServiceManager::at(OsStr::new(&format!("@{name}")), Some(Duration::from_millis(20))).unwrap();
        // Every other time nothing is found.
        let asked = AtomicU32::new(0);
        let beats = tokio::spawn(told.attend(move || {
            let asked = asked.fetch_add(1, Ordering::Relaxed);
            asked.is_multiple_of(2).then(|| format!("height {asked}"))
        }));
        let heard = tokio::task::spawn_blocking(move || [heard(&manager), heard(&manager)]).await.unwrap();
        assert_eq!(heard, ["WATCHDOG=1\nSTATUS=height 0", "WATCHDOG=1\nSTATUS=height 2"]);
        beats.abort();
    }

    #[tokio::test]
    async fn without_one_nothing_is_sent_and_nothing_waits() {
        let nobody = ServiceManager::default();
        assert!(!nobody.is_there());
        nobody.ready("up");
        nobody.attend(|| unreachable!("nobody asked")).await;
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_ours() {
        let own = Some(std::process::id().to_string().into());
        let us = |text: &str| Some(OsString::from(text));
        assert_eq!(watchdog(us("30000000"), own), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(us("30000000"), None), Some(Duration::from_secs(30)));
        assert_eq!(watchdog(us("30000000"), us("1")), None);
        assert_eq!(watchdog(us("0"), None), None);
        assert_eq!(watchdog(us("soon"), None), None);
    }
}
