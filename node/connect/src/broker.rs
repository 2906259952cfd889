//! A district's own broker: its address from config.toml, name, secret and certificates from a file of the operator's alone.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aula_home::config::{self, BrokerUrl};
use aula_home::own_file::{self, Mark, OwnFileError, Watch};
use krafka::auth::{AuthConfig, TlsConfig};
use rumqttc::{MqttOptions, Transport};
use serde::Deserialize;

/// Authorities that are trusted where the file of secrets names none.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
/// How often a file of secrets and those that it names are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// The first wait before a connection is tried again, and the longest.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
/// How far waits are spread, so that many nodes do not come at once, milliseconds.
const JITTER_MS: u64 = 50;

/// Why a broker cannot be asked. Never says what is in a file of secrets.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address in the settings is no broker's.
    #[error("{0}")]
    Address(&'static str),
    /// A file cannot be read.
    #[error("cannot read {0:?}")]
    Read(PathBuf, #[source] std::io::Error),
    /// Others can read the file of secrets.
    #[error("others can read {0:?}: chmod 600 it, and change the secret")]
    Open(PathBuf),
    /// The file of secrets is not valid.
    #[error("{0:?} is not a file of a broker's secrets: {1}")]
    Malformed(PathBuf, &'static str),
    /// The client library refuses the settings.
    #[error("the broker's settings are refused")]
    Settings(#[source] krafka::error::KrafkaError),
}

/// What stands in a file of secrets.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    /// Of Kafka: `plain`, `scram-sha-256` or `scram-sha-512`.
    #[serde(default)]
    mechanism: Option<String>,
    /// A file with the authorities that the broker's certificate is from.
    #[serde(default)]
    ca: Option<PathBuf>,
    /// The certificate that this client shows, with its key.
    #[serde(default)]
    certificate: Option<PathBuf>,
    #[serde(default)]
    key: Option<PathBuf>,
}

/// One configured broker: where it is, and what is shown to it.
pub struct Broker {
    name: String,
    url: BrokerUrl,
    secret: Secret,
    /// The authorities, and the own certificate with its key.
    ca: Vec<u8>,
    own: Option<(Vec<u8>, Vec<u8>)>,
    file: Option<PathBuf>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Broker {
    /// The broker of a feed, with its files read now.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub fn of(feed: &config::Feed) -> Result<Self, BrokerError> {
        let url = BrokerUrl::parse(feed.broker.as_deref().unwrap_or_default(), feed.kind);
        let url = url.map_err(BrokerError::Address)?;
        let secret = feed.secret.as_deref().map(read_secret).transpose()?.unwrap_or_default();
        let read =
            |path: &Path| std::fs::read(path).map_err(|error| BrokerError::Read(path.to_owned(), error));
        let ca = match url.tls {
            true => read(secret.ca.as_deref().unwrap_or(Path::new(SYSTEM_CA)))?,
            false => Vec::new(),
        };
        let own = match (&secret.certificate, &secret.key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            (None, None) => None,
            _ => {
                let file = feed.secret.clone().unwrap_or_default();
                return Err(BrokerError::Malformed(file, "certificate and key belong together"));
            }
        };
        Ok(Self { name: feed.name.clone(), url, secret, ca, own, file: feed.secret.clone() })
    }

    /// As a client of MQTT is told; under a name that stays, or one of its own.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub fn mqtt_options(&self, only_once: bool) -> Result<MqttOptions, BrokerError> {
        let (host, port) = self.url.hosts.first().ok_or(BrokerError::Address("a broker has a host"))?;
        let client = match only_once {
            true => format!("aula-{}-test-{}", self.name, std::process::id()),
            false => format!("aula-{}", self.name),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut options = MqttOptions::new(client, host, *port);
        options.set_keep_alive(Duration::from_secs(30));
        if !self.secret.user.is_empty() {
            options.set_credentials(&self.secret.user, &self.secret.password);
        }
        if self.url.tls {
            // One may be installed already.
            let _ = rustls::crypto::ring::default_provider().install_default();
            options.set_transport(Transport::tls(self.ca.clone(), self.own.clone(), None));
        }
        Ok(options)
    }

    /// Hosts with their ports, as a client of Kafka is told.
    pub fn hosts(&self) -> String {
        let hosts: Vec<String> = self.url.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        hosts.join(",")
    }

    /// How a client of Kafka is secured.
    ///
    /// # Errors
    /// [`BrokerError`].
    pub fn kafka_security(&self) -> Result<AuthConfig, BrokerError> {
        let (user, password) = (self.secret.user.clone(), self.secret.password.clone());
        let file = || self.file.clone().unwrap_or_default();
        let auth = match self.secret.mechanism.as_deref() {
            None if user.is_empty() => AuthConfig::plaintext(),
            None | Some("scram-sha-512") => AuthConfig::sasl_scram_sha512(user, password),
            Some("scram-sha-256") => AuthConfig::sasl_scram_sha256(user, password),
            Some("plain") => AuthConfig::sasl_plain(user, password),
            Some(_) => {
                let known = "mechanism must be plain, scram-sha-256 or scram-sha-512";
                return Err(BrokerError::Malformed(file(), known));
            }
        };
        if !self.url.tls {
            return Ok(auth);
        }
        let mut tls = TlsConfig::new().with_ca_cert_pem(self.ca.clone());
        if let Some((certificate, key)) = &self.own {
            tls = tls.with_client_cert_pem(certificate.clone(), key.clone());
        }
        Ok(match auth.requires_sasl() {
            true => auth.with_tls(tls),
            false => AuthConfig::ssl(tls),
        })
    }
}

fn read_secret(path: &Path) -> Result<Secret, BrokerError> {
    let text = own_file::read(path).map_err(|error| match error {
        OwnFileError::Read(path, error) => BrokerError::Read(path, error),
        OwnFileError::Open(path, _) => BrokerError::Open(path),
    })?;
    // The parser's own words would quote the line.
    let known = "write user, password, and where wanted mechanism, ca, certificate and key";
    toml::from_str(&text).map_err(|_| BrokerError::Malformed(path.to_owned(), known))
}

/// The file of secrets and those that it names, as they stand before they are read: certificates are renewed while the node runs.
pub fn watch(own: &config::Feed) -> Option<Watch> {
    let marked = |path: &Path| (path.to_owned(), Mark::of(path));
    // The file itself first: where it changes before it is read here, that is seen.
    let mut files: Vec<_> = own.secret.as_deref().map(marked).into_iter().collect();
    // One that is refused is told of by whoever connects, and is right once it is another.
    let secret = own.secret.as_deref().and_then(|path| read_secret(path).ok()).unwrap_or_default();
    let is_tls =
        BrokerUrl::parse(own.broker.as_deref().unwrap_or_default(), own.kind).is_ok_and(|url| url.tls);
    let ca = secret.ca.or_else(|| is_tls.then(|| PathBuf::from(SYSTEM_CA)));
    files.extend([ca, secret.certificate, secret.key].iter().flatten().map(|path| marked(path)));
    (!files.is_empty()).then(|| Watch::seen(files))
}

/// Returns once one of the files has changed; never where there is none.
pub async fn changed(watch: Option<Watch>) {
    let Some(mut watch) = watch else { return std::future::pending().await };
    while !watch.is_due() {
        tokio::time::sleep(EVERY).await;
    }
}

/// How long to wait before the next try: twice as long each time, spread.
pub fn backoff(tries: u32) -> Duration {
    let wait = FIRST.saturating_mul(1u32.checked_shl(tries.min(16)).unwrap_or(u32::MAX)).min(LONGEST);
    wait + Duration::from_millis(RandomState::new().hash_one(tries) % (JITTER_MS + 1))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testkit::Tested;

    fn feed(broker: &str, secret: Option<&Path>) -> Result<config::Feed, Box<dyn std::error::Error>> {
        let kind = if broker.starts_with("kafka") { "kafka" } else { "mqtt" };
        let mut feed: config::Feed =
            toml::from_str(&format!("name = 'lms'\nkind = '{kind}'\nbroker = '{broker}'\n"))?;
        feed.secret = secret.map(Path::to_owned);
        Ok(feed)
    }

    #[test]
    fn a_file_of_secrets_is_the_operators_alone_and_never_told() -> Tested {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secret.toml");
        let write = |text: &str, mode| {
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        };
        let of = |broker: &str| {
            Broker::of(&feed(broker, Some(&path))?).map_err(Box::<dyn std::error::Error>::from)
        };
        write("user = 'aula'\npassword = 'hush'\n", 0o640)?;
        assert!(of("mqtt://127.0.0.1:1883").err().ok_or("open")?.to_string().contains("chmod"));
        write("user = 'aula'\npassword = 'hush'\n", 0o600)?;
        let broker = of("mqtt://127.0.0.1:1883")?;
        assert!(!format!("{broker:?}").contains("hush"));
        assert_eq!(broker.mqtt_options(false)?.client_id(), "aula-lms");
        assert_ne!(broker.mqtt_options(true)?.client_id(), "aula-lms");
        assert!(of("kafka://127.0.0.1:9092")?.kafka_security()?.requires_sasl());
        for text in ["user = 'aula'\npassword = 'hush", "usr = 'hush'", "certificate = 'hush'"] {
            write(text, 0o600)?;
            let refused = of("mqtt://127.0.0.1:1883").err().ok_or(text)?.to_string();
            assert!(!refused.contains("hush"), "{refused}");
        }
        write("user = 'a'\nmechanism = 'none'", 0o600)?;
        assert!(of("kafka://127.0.0.1:9092")?.kafka_security().is_err());
        assert!(!Broker::of(&feed("kafka://127.0.0.1:1", None)?)?.kafka_security()?.requires_sasl());
        Ok(())
    }

    #[test]
    fn certificates_that_are_renewed_are_seen_as_the_secret_is() -> Tested {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let secret = format!(
            "user = 'aula'\npassword = 'hush'\nca = '{}'\ncertificate = '{}'\nkey = '{}'\n",
            at("ca.pem").display(),
            at("client.pem").display(),
            at("client.key").display()
        );
        for (name, text) in
            [("secret", secret.as_str()), ("ca.pem", "1"), ("client.pem", "1"), ("client.key", "1")]
        {
            std::fs::write(at(name), text)?;
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o600))?;
        }
        let own = feed("mqtts://127.0.0.1:8883", Some(&at("secret")))?;
        let mut watch = watch(&own).ok_or("nothing is watched")?;
        assert!(!watch.is_due());
        for name in ["ca.pem", "client.pem", "client.key", "secret"] {
            std::fs::write(at("aside"), format!("{secret}# another\n"))?;
            std::fs::rename(at("aside"), at(name))?;
            assert!(watch.is_due() && !watch.is_due(), "{name}");
        }
        // Without a file of secrets the system's authorities are what may change.
        let plain = feed("mqtts://127.0.0.1:8883", None)?;
        let watched = super::watch(&plain).ok_or("nothing is watched")?;
        assert_eq!(watched.files().collect::<Vec<_>>(), [Path::new(SYSTEM_CA)]);
        assert!(super::watch(&feed("mqtt://127.0.0.1:1883", None)?).is_none());
        Ok(())
    }

    #[test]
    fn waits_grow_and_end() {
        assert!(backoff(0) < Duration::from_millis(251) && backoff(3) >= Duration::from_millis(1_600));
        assert!(backoff(u32::MAX) <= LONGEST + Duration::from_millis(JITTER_MS));
    }
}
