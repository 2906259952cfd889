//! How a node is reached: which certificate authorities are trusted, and when a proxy is asked.
//!
//! Trusted are the authorities that are part of this program, those of this machine, those of the file that SSL_CERT_FILE
//! names, and those given with `--ca`. A proxy of the environment is never asked for this machine itself.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Url};

use super::ClientError;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Shorter than a node keeps a connection on which nothing is asked.
const IDLE: Duration = Duration::from_secs(5);
/// Where systems keep the authorities that they trust; the first that is there counts.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Variables that name a proxy.
const PROXIES: [&str; 6] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// An HTTP client for one origin.
///
/// # Errors
/// When the origin is not an http or https URL, or a file of authorities cannot be used.
pub fn connect(origin: &str, authority: Option<&Path>) -> Result<reqwest::Client, ClientError> {
    let url =
        Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| ClientError::BadUrl(origin.to_owned()))?;
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("aula/", env!("CARGO_PKG_VERSION")));
    if is_this_machine(&url) {
        builder = builder.no_proxy();
    }
    if url.scheme() == "https" {
        builder = trusting(builder, authority)?;
    }
    builder.build().map_err(ClientError::Http)
}

/// What is to be added to the words of a failure: the proxy that was asked, if any.
pub fn through(origin: &str) -> &'static str {
    let local = Url::parse(origin).is_ok_and(|url| is_this_machine(&url));
    let proxied = PROXIES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if proxied && !local { " (through the proxy that the environment names)" } else { "" }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn trusting(mut builder: ClientBuilder, authority: Option<&Path>) -> Result<ClientBuilder, ClientError> {
    let named = std::env::var_os("SSL_CERT_FILE").filter(|name| !name.is_empty()).map(PathBuf::from);
    for (path, from) in [(authority.map(Path::to_owned), "--ca"), (named, "SSL_CERT_FILE")] {
        let Some(path) = path else { continue };
        let unusable = |source| ClientError::Authorities { path: path.clone(), from, source };
        let bytes = std::fs::read(&path).map_err(|error| unusable(error.into()))?;
        let found = Certificate::from_pem_bundle(&bytes).map_err(|error| unusable(error.into()))?;
        if found.is_empty() {
            return Err(unusable("it holds no certificate".into()));
        }
        builder = found.into_iter().fold(builder, ClientBuilder::add_root_certificate);
    }
    // What this machine trusts is taken as far as it can be read: nobody named it.
    let system = SYSTEM.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
    let system = Certificate::from_pem_bundle(&system).unwrap_or_default();
    Ok(system.into_iter().fold(builder, ClientBuilder::add_root_certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        for (origin, local) in [
            ("http://127.0.0.1:8480", true),
            ("http://127.9.9.9", true),
            ("https://LOCALHOST:1", true),
            ("http://[::1]:8480", true),
            ("http://[::ffff:127.0.0.1]:8480", true),
            ("http://192.0.2.7:8480", false),
            ("https://localhost.example.org", false),
        ] {
            assert_eq!(Url::parse(origin).is_ok_and(|url| is_this_machine(&url)), local, "{origin}");
        }
    }

    #[test]
    fn a_file_without_authorities_is_refused_by_name() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (empty, made) = (folder.path().join("empty.pem"), folder.path().join("ca.pem"));
        std::fs::write(&empty, "")?;
        std::fs::write(&made, rcgen::generate_simple_self_signed(["localhost".to_owned()])?.cert.pem())?;
        assert!(connect("https://localhost:1", Some(&made)).is_ok());
        for path in [empty, folder.path().join("gone.pem")] {
            let refused = connect("https://localhost:1", Some(&path)).err();
            assert!(refused.is_some_and(|error| error.to_string().contains(&path.display().to_string())));
        }
        assert!(connect("ftp://localhost", None).is_err_and(|error| matches!(error, ClientError::BadUrl(_))));
        Ok(())
    }
}
