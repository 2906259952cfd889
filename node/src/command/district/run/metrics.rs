//! What became of the duties, for Prometheus: text on an address of loopback, or over TLS on another.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aula_home::config::Api;
use aula_vault::room::Room;
use aula_web::http::server::Server;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::duties::Duty;
use super::pulse::Pulse;
use super::rosters::{Standing, Standings};
use super::told::{Line, Told};
use crate::command::{Advise, Failure};

/// Bytes of a vault, and the most that it may take.
type Vault = (u64, Option<u64>);

/// What every home's duties came to.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    duties: Mutex<BTreeMap<(String, Duty), Line>>,
    rosters: Mutex<BTreeMap<(String, String), Standing>>,
    vaults: Mutex<BTreeMap<String, Vault>>,
}

impl Metrics {
    /// Notes a duty of a home.
    pub fn note(&self, home: &Path, duty: Duty, told: &Told) {
        let Some(line) = told.duties.get(&duty) else { return };
        let mut lines = self.duties.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert((home.display().to_string(), duty), line.clone());
    }

    /// Notes where a home's sources of rosters stand.
    pub fn note_rosters(&self, home: &Path, standings: Standings) {
        let mut rosters = self.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        let home = home.display().to_string();
        rosters.retain(|(other, _), _| *other != home);
        rosters.extend(standings.into_iter().map(|(source, one)| ((home.clone(), source), one)));
    }

    /// Notes how much disk a home's vault takes; nothing of one without a vault.
    pub fn note_vault(&self, home: &Path, room: &Room) {
        let Ok(used) = room.used() else { return };
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        vaults.insert(home.display().to_string(), (used, room.most()));
    }

    /// The text format, version 0.0.4.
    fn text(&self) -> String {
        self.of_duties() + &self.of_rosters() + &self.of_vaults()
    }

    fn of_vaults(&self) -> String {
        let vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Vault) -> Option<u64>| {
            if vaults.values().any(|vault| value(vault).is_some()) {
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            }
            for (home, vault) in vaults.iter() {
                if let Some(value) = value(vault) {
                    let home = escaped(home);
                    let _ = writeln!(text, "{name}{{home=\"{home}\"}} {value}");
                }
            }
        };
        family("aula_district_vault_bytes", "gauge", "bytes of a home's vault on disk", &|(used, _)| {
            Some(*used)
        });
        family(
            "aula_district_vault_quota_bytes",
            "gauge",
            "bytes that a home's vault may take",
            &|(_, most)| *most,
        );
        text
    }

    fn of_rosters(&self) -> String {
        let rosters = self.rosters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if rosters.is_empty() {
            return text;
        }
        let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Standing) -> Option<f64>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for ((home, source), one) in rosters.iter() {
                if let Some(value) = value(one) {
                    let home = escaped(home);
                    let _ = writeln!(text, "{name}{{home=\"{home}\",source=\"{source}\"}} {value}");
                }
            }
        };
        let last = "when a source's roster was taken last, seconds since 1970";
        family("aula_district_roster_last_timestamp_seconds", "gauge", last, &|one| {
            Some(one.last_ms? as f64 / 1_000.0)
        });
        let changed = "rows of a source that changed something";
        family("aula_district_roster_changed_total", "counter", changed, &|one| Some(one.changed as f64));
        let rejected = "rows of a source that were rejected the last time";
        family("aula_district_roster_rejected", "gauge", rejected, &|one| Some(one.rejected as f64));
        let held = "students whom a source's whole roster omits and who stay enrolled";
        family("aula_district_roster_held", "gauge", held, &|one| Some(one.held as f64));
        let failing = "1 while a source's last question failed";
        family("aula_district_roster_failing", "gauge", failing, &|one| {
            Some(f64::from(u8::from(one.error.is_some())))
        });
        text
    }

    fn of_duties(&self) -> String {
        let lines = self.duties.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Line) -> Option<f64>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for ((home, duty), line) in lines.iter() {
                if let Some(value) = value(line) {
                    let home = escaped(home);
                    let _ = writeln!(text, "{name}{{home=\"{home}\",duty=\"{}\"}} {value}", duty.name());
                }
            }
        };
        let seconds = |ms: Option<u64>| ms.map(|ms| ms as f64 / 1_000.0);
        family("aula_district_duty_done_total", "counter", "times a duty was done", &|line| {
            Some(line.done as f64)
        });
        family("aula_district_duty_failed_total", "counter", "times a duty failed", &|line| {
            Some(line.failed as f64)
        });
        family(
            "aula_district_duty_last_timestamp_seconds",
            "gauge",
            "when a duty was done last, seconds since 1970",
            &|line| seconds(line.last_ms),
        );
        family(
            "aula_district_duty_next_timestamp_seconds",
            "gauge",
            "when a duty is due next, seconds since 1970",
            &|line| seconds(line.next_ms),
        );
        family("aula_district_duty_failing", "gauge", "1 while a duty's last time failed", &|line| {
            Some(f64::from(u8::from(line.error.is_some())))
        });
        text
    }
}

/// Serves them, and whether the loops go on (`/healthz`), for as long as the process runs, over TLS with a certificate and its key. Gives
/// the address, with its real port.
///
/// # Errors
/// An address beyond loopback without a certificate; files that are not valid; an address that cannot be had.
pub(super) fn serve(
    listen: SocketAddr,
    tls: Option<(PathBuf, PathBuf)>,
    metrics: Arc<Metrics>,
    pulse: Arc<Pulse>,
) -> Result<SocketAddr, Failure> {
    if tls.is_none() && !listen.ip().is_loopback() {
        let message = format!("{listen} is not an address of loopback");
        let hint =
            "give --tls-certificate and --tls-key, or put a proxy that ends TLS in front of one of loopback";
        return Err(Failure::new("not_loopback", message, hint));
    }
    let (tls_certificate, tls_key) = tls.unzip();
    let api = Api { listen, tls_certificate, tls_key, ..Api::default() };
    let hint = "give another --listen, or a certificate and a key that belong together";
    let server = Server::bind(&api).advise(format!("figures cannot be told at {listen}"), hint)?;
    let address = server.address();
    let health = move || std::future::ready(health(&pulse));
    let app = Router::new().route("/metrics", get(told)).with_state(metrics).route("/healthz", get(health));
    tokio::spawn(server.serve(app, std::future::pending()));
    Ok(address)
}

async fn told(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.text())
}

/// For an engine of containers: whoever is told 503 begins the process again.
fn health(pulse: &Pulse) -> (StatusCode, String) {
    match pulse.says() {
        Some(status) => (StatusCode::OK, status),
        None => (StatusCode::SERVICE_UNAVAILABLE, "a loop stands still: the log names it".into()),
    }
}

/// A home as a label has it.
fn escaped(home: &str) -> String {
    home.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        let mut told = Told::default();
        told.note(Duty::Anchor, &Ok("done".into()), 2_000, 5);
        metrics.note(Path::new("/srv/a \"b\""), Duty::Anchor, &told);
        let text = metrics.text();
        assert!(
            text.contains(
                "aula_district_duty_next_timestamp_seconds{home=\"/srv/a \\\"b\\\"\",duty=\"anchor\"} 7\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("aula_district_duty_failing{home=\"/srv/a \\\"b\\\"\",duty=\"anchor\"} 0\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.starts_with("# ") || line.starts_with("aula_district_duty_")));
        let standing = Standing { held: 3, error: Some("x".into()), ..Standing::default() };
        metrics.note_rosters(Path::new("/srv/a"), [("sis".to_owned(), standing)].into());
        let text = metrics.text();
        assert!(text.contains("aula_district_roster_held{home=\"/srv/a\",source=\"sis\"} 3\n"), "{text}");
        assert!(text.contains("aula_district_roster_failing{home=\"/srv/a\",source=\"sis\"} 1\n"), "{text}");
        assert!(!text.contains("aula_district_roster_last_timestamp_seconds{"), "{text}");
        let vault = tempfile::tempdir().unwrap();
        std::fs::write(vault.path().join("1.sst"), [0; 9]).unwrap();
        metrics.note_vault(Path::new("/srv/a"), &Room::new(vault.path(), 0));
        metrics.note_vault(Path::new("/srv/b"), &Room::new(vault.path(), 2));
        let text = metrics.text();
        assert!(text.contains("aula_district_vault_bytes{home=\"/srv/a\"} 9\n"), "{text}");
        assert!(text.contains("aula_district_vault_quota_bytes{home=\"/srv/b\"} 2097152\n"), "{text}");
        assert!(!text.contains("aula_district_vault_quota_bytes{home=\"/srv/a\"}"), "{text}");
    }

    #[tokio::test]
    async fn with_a_certificate_they_are_told_over_tls_and_elsewhere_than_on_loopback_not_without() {
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let refused = serve(everywhere, None, Arc::default(), Arc::default());
        assert!(refused.is_err_and(|failure| failure.code == "not_loopback"));
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let files = Some((certificate.clone(), key.clone()));
        let half = serve(everywhere, files, Arc::default(), Arc::default());
        assert!(half.is_err_and(|failure| failure.message.contains("k.pem")), "the key is not there");
        std::fs::write(&key, made.key_pair.serialize_pem()).unwrap();
        let metrics = Arc::new(Metrics::default());
        let mut told = Told::default();
        told.note(Duty::Log, &Ok("done".into()), 1_000, 6);
        metrics.note(Path::new("/srv/a"), Duty::Log, &told);
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut pulse = Pulse::default();
        let [_log] = pulse.home(Path::new("/srv/a"), [("log", Duration::ZERO)]);
        let at = serve(here, Some((certificate, key)), metrics, Arc::new(pulse)).unwrap();
        let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().add_root_certificate(root).build().unwrap();
        let url = format!("https://localhost:{}/metrics", at.port());
        let text = client.get(&url).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("aula_district_duty_done_total{home=\"/srv/a\",duty=\"log\"} 1\n"), "{text}");
        assert!(client.get(url.replace("https", "http")).send().await.is_err(), "nothing in clear");
        let health = client.get(url.replace("metrics", "healthz")).send();
        let health = health.await.unwrap();
        assert_eq!(health.status().as_u16(), 200);
        assert_eq!(health.text().await.unwrap(), "working for 1 homes");
    }
}
