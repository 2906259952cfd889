//! What `--online` fetches: https alone, straight (no redirect, no proxy), from public addresses, 1 MiB and 5 seconds.
//!
//! A credential names the addresses, so whoever made it could otherwise make this machine ask anything of its own network.
//! Names are looked up here and every address is looked at before the connection is made to it.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use aula_report::credentials::json;
use aula_report::credentials::limits::MAX_BYTES;
use aula_report::credentials::sources::{Sources, address_of};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::command::{Advise, Failure};

/// For one document, from the look-up of the name to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches.
pub struct Online {
    client: Client,
    runtime: Handle,
}

impl Online {
    /// A client under these rules. Belongs to the runtime that it is made in.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn connect() -> Result<Self, Failure> {
        let client = Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .dns_resolver(Arc::new(PublicOnly))
            .build()
            .advise("cannot set up TLS", "give the documents with --status and --did instead")?;
        Ok(Self { client, runtime: Handle::current() })
    }

    fn fetch(&self, address: &str) -> Result<Vec<u8>, String> {
        let failed = |why: String| format!("{address} was not fetched: {why}");
        let url = Url::parse(address).map_err(|e| failed(e.to_string()))?;
        allowed(&url).map_err(failed)?;
        let read = async {
            let mut answer = self.client.get(url).send().await?.error_for_status()?;
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_BYTES {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((answer.status(), bytes))
        };
        let (status, bytes) =
            self.runtime.block_on(read).map_err(|e| failed(crate::terminal::with_causes(&e)))?;
        match bytes.len() {
            _ if !status.is_success() => Err(failed(format!("it answered {status}"))),
            n if n > MAX_BYTES => Err(failed(format!("it has more than {MAX_BYTES} bytes"))),
            _ => Ok(bytes),
        }
    }
}

impl Sources for Online {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        self.fetch(url).map(Some)
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        let Some(address) = address_of(id) else { return Ok(None) };
        let document = json::parse(&self.fetch(&address)?).map_err(|e| format!("{address}: {e}"))?;
        // A document says whose it is; another's, served by mistake or malice, is nobody's.
        let same = document.get("id").and_then(Value::as_str) == Some(id);
        if same { Ok(Some(document)) } else { Err(format!("{address} is not the document of {id}")) }
    }
}

/// A host given as an address is never looked up, so it is looked at here.
fn allowed(url: &Url) -> Result<(), String> {
    if url.scheme() != "https" {
        return Err("only https is fetched".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a password".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !is_public(address) => Err(format!("{address} is not a public address")),
        _ => Ok(()),
    }
}

struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if let Some(hidden) = found.iter().find(|address| !is_public(address.ip())) {
                return Err(format!("{} is at {}, not a public address", name.as_str(), hidden.ip()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on the public internet (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // Global unicast, without documentation (3fff::/20, 2001:db8::/32), protocol assignments with Teredo
            // (2001::/23) and 6to4, which carry addresses of version 4 inside.
            let global = (0x2000..0x4000).contains(&first);
            let special = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
                || first == 0x2002
                || (first == 0x3fff && second < 0x1000);
            global && !special && v6 != Ipv6Addr::UNSPECIFIED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        let public =
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"];
        let hidden = [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ];
        for text in public {
            assert!(text.parse().is_ok_and(is_public), "{text}");
        }
        for text in hidden {
            assert!(text.parse().is_ok_and(|address| !is_public(address)), "{text}");
        }
    }

    #[test]
    fn only_https_to_public_hosts_is_allowed() {
        let refused =
            |text: &str| Url::parse(text).ok().and_then(|url| allowed(&url).err()).unwrap_or_default();
        assert!(refused("http://example.com/").contains("https"));
        assert!(refused("file:///etc/passwd").contains("https"));
        assert!(refused("https://127.0.0.1/").contains("public"));
        assert!(refused("https://2130706433/").contains("public"), "the same address as one number");
        assert!(refused("https://0x7f.1/").contains("public"), "the same address in parts");
        assert!(refused("https://[::1]/").contains("public"));
        assert!(refused("https://a:b@example.com/").contains("password"));
        assert_eq!(refused("https://example.com/list"), "");
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_asked() -> Result<(), Box<dyn std::error::Error>> {
        let online = Online::connect().map_err(|failure| failure.message)?;
        let answer =
            tokio::task::spawn_blocking(move || online.status_list("https://localhost:1/list")).await?;
        let error = answer.err().unwrap_or_default();
        assert!(error.contains("not a public address"), "{error}");
        Ok(())
    }
}
