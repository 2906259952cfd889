//! The server's certificate and key: read before anything listens, again at SIGHUP, and watched until it expires.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use metrics::{describe_gauge, gauge};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};
use x509_parser::parse_x509_certificate;

use aula_home::clock::now_ms;
use aula_home::with_causes;
use aula_twin_runtime::clock::DAY_MS;

/// From so long before its end on, a certificate is warned of.
const WARN_MS: u64 = 21 * DAY_MS;
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(12 * 3_600);

/// Why the TLS files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, not readable or no PEM of what it should hold.
    #[error("cannot use {what} {path}")]
    File {
        /// `api.tls_certificate` or `api.tls_key`.
        what: &'static str,
        /// As the settings name it.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate's file holds none.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// The first certificate cannot be read.
    #[error("{path} holds no X.509 certificate: {reason}")]
    Certificate {
        /// As the settings name it.
        path: PathBuf,
        /// The parser's words.
        reason: String,
    },
    /// They do not belong together, or the key is of a kind that is not supported.
    #[error("the certificate {certificate} and the key {key} cannot be used together")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// The two files, what was read from them last, and until when that holds.
#[derive(Debug, Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
    not_after_ms: u64,
}

/// What the files hold now.
struct Read {
    config: Arc<ServerConfig>,
    not_after_ms: u64,
}

impl Tls {
    /// Reads both files and checks that they belong together.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let found = read(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: RustlsConfig::from_config(found.config),
            not_after_ms: found.not_after_ms,
        })
    }

    /// Until when the certificate holds, milliseconds since 1970 UTC.
    pub const fn not_after_ms(&self) -> u64 {
        self.not_after_ms
    }

    /// What the server takes for each new connection; follows [`Self::attend`].
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Says whether the certificate has expired or will soon, and reads both files again at SIGHUP; files that cannot be
    /// used leave the old ones in force. Never ends.
    pub async fn attend(mut self) {
        describe_gauge!(
            "aula_tls_expiry_timestamp_seconds",
            "when the API's certificate expires, in seconds since 1970 UTC"
        );
        let mut reload = match signal(SignalKind::hangup()) {
            Ok(reload) => reload,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be listened to: restart the node for a new certificate");
                return;
            }
        };
        loop {
            gauge!("aula_tls_expiry_timestamp_seconds").set((self.not_after_ms / 1_000) as f64);
            if let Some(warning) = expiry(self.not_after_ms, now_ms()) {
                tracing::warn!(
                    "{}: {warning}; put a new one there and send SIGHUP",
                    self.certificate.display()
                );
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = reload.recv() => self.reload(),
            }
        }
    }

    fn reload(&mut self) {
        match read(&self.certificate, &self.key) {
            Ok(found) => {
                self.config.reload_from_config(found.config);
                self.not_after_ms = found.not_after_ms;
                tracing::info!("{} was read again", self.certificate.display());
            }
            Err(error) => {
                tracing::error!("the certificate stays as it was: {}", with_causes(&error));
            }
        }
    }
}

/// What is to be said of a certificate that holds until then; none while there is time.
fn expiry(not_after_ms: u64, now_ms: u64) -> Option<String> {
    if not_after_ms <= now_ms {
        return Some(format!("the certificate expired {} days ago", (now_ms - not_after_ms) / DAY_MS));
    }
    let left = not_after_ms - now_ms;
    (left < WARN_MS).then(|| format!("the certificate expires in {} days", left / DAY_MS))
}

fn read(certificate: &Path, key: &Path) -> Result<Read, TlsError> {
    // Two providers of cryptography are linked in (libp2p's and this), so one is named. Fails only when one was named
    // before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(failed("api.tls_certificate", certificate))?;
    let first = chain.first().ok_or_else(|| TlsError::Empty(certificate.to_owned()))?;
    let not_after_ms = match parse_x509_certificate(first) {
        Ok((_, parsed)) => parsed.validity().not_after.timestamp(),
        Err(error) => {
            return Err(TlsError::Certificate { path: certificate.to_owned(), reason: error.to_string() });
        }
    };
    let not_after_ms = u64::try_from(not_after_ms).unwrap_or(0).saturating_mul(1_000);
    let secret = PrivateKeyDer::from_pem_file(key).map_err(failed("api.tls_key", key))?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret).map_err(|source| {
            TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source }
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Read { config: Arc::new(config), not_after_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named_with_the_cause() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        std::fs::write(at("c.pem"), made.cert.pem())?;
        std::fs::write(at("k.pem"), made.key_pair.serialize_pem())?;
        std::fs::write(at("other.pem"), other.key_pair.serialize_pem())?;
        std::fs::write(at("empty.pem"), "")?;
        assert!(Tls::read(&at("c.pem"), &at("k.pem"))?.not_after_ms > now_ms());
        for (certificate, key, cause) in [
            ("gone.pem", "k.pem", "gone.pem"),
            ("c.pem", "gone.pem", "gone.pem"),
            ("empty.pem", "k.pem", "holds no certificate"),
            ("c.pem", "c.pem", "api.tls_key"),
            ("c.pem", "other.pem", "cannot be used together"),
        ] {
            let refused = Tls::read(&at(certificate), &at(key)).err();
            let told = refused.as_ref().map(|error| with_causes(error)).unwrap_or_default();
            assert!(told.contains(cause), "{certificate} {key}: {told}");
        }
        Ok(())
    }

    #[test]
    fn a_new_certificate_is_taken_and_files_that_cannot_be_used_leave_the_old_one()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let renew = || -> Result<(), Box<dyn std::error::Error>> {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
            std::fs::write(&certificate, made.cert.pem())?;
            Ok(std::fs::write(&key, made.key_pair.serialize_pem())?)
        };
        renew()?;
        let mut tls = Tls::read(&certificate, &key)?;
        let served = tls.config();
        let first = served.get_inner();
        renew()?;
        tls.reload();
        let second = served.get_inner();
        assert!(!Arc::ptr_eq(&first, &second), "the running server takes it");
        std::fs::write(&certificate, "no certificate")?;
        tls.reload();
        assert!(Arc::ptr_eq(&second, &served.get_inner()));
        Ok(())
    }

    #[test]
    fn an_expired_certificate_and_one_that_will_be_are_said() {
        let now = 1_000 * DAY_MS;
        assert_eq!(expiry(now - 3 * DAY_MS, now).as_deref(), Some("the certificate expired 3 days ago"));
        assert_eq!(expiry(now + 3 * DAY_MS, now).as_deref(), Some("the certificate expires in 3 days"));
        assert_eq!(expiry(now + 90 * DAY_MS, now), None);
    }
}
